"""Numbers and sizes that come from Python."""

import flambeau as torch
import pytest


def test_integers_too_large_for_int64() -> None:
    assert torch.tensor([2**64, 1], dtype=torch.float64).tolist() == [2.0**64, 1.0]
    assert torch.tensor(-(2**63) - 1, dtype=torch.bool).item() is True
    for dtype in (None, torch.int64, torch.int32):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            torch.tensor([2**64], dtype=dtype)


def test_sizes_are_integers() -> None:
    assert torch.Size(torch.tensor([1, 2])) == (1, 2)
    assert type(torch.Size([torch.tensor(3)])[0]) is int
    with pytest.raises(TypeError, match=r"torch.Size\(\) takes an iterable of 'int' \(item 1 is 'float'\)"):
        torch.Size([1, 2.0])


def test_none_stands_for_an_empty_list() -> None:
    x = torch.arange(6).reshape(2, 3)
    assert torch.equal(x.roll(1, dims=None), x.roll(1))
    with pytest.raises(TypeError):
        x.flip(None)


def test_copy_takes_a_number() -> None:
    assert torch.zeros(2).copy_(2.5).tolist() == [2.5, 2.5]


def test_equal_compares_values_of_two_dtypes() -> None:
    assert torch.equal(torch.ones(2), torch.ones(2, dtype=torch.int64))
    assert not torch.equal(torch.ones(2), torch.zeros(2, dtype=torch.int64))


def test_buffers() -> None:
    with pytest.raises(ValueError, match="object does not implement Python buffer protocol"):
        torch.frombuffer([1, 2], dtype=torch.int32)
    assert torch.frombuffer(bytearray(b"ab"), dtype=torch.uint8).tolist() == [97, 98]


def test_one_index_in_a_tensor_is_no_number_of_sections() -> None:
    parts = torch.tensor_split(torch.arange(4), torch.tensor([1]))
    assert [p.tolist() for p in parts] == [[0], [1, 2, 3]]
    assert len(torch.tensor_split(torch.arange(4), torch.tensor(2))) == 2


def test_gradients_only_where_they_can_be() -> None:
    with pytest.raises(RuntimeError, match="^Only Tensors of floating point and complex dtype can require gradients"):
        torch.ones(2, dtype=torch.int64, requires_grad=True)
    with pytest.raises(RuntimeError, match="^only Tensors of floating point dtype can require gradients"):
        torch.ones(2, dtype=torch.int64).requires_grad_()


def test_asarray_and_gradients() -> None:
    x = torch.ones(2, requires_grad=True)
    assert torch.asarray(x).requires_grad
    assert not torch.asarray(x, requires_grad=False).requires_grad
