"""`out=`: where results go does not change what they are."""

import flambeau as torch
import pytest


def test_numbers_are_computed_in_their_own_dtype() -> None:
    five, eight = torch.tensor([5], dtype=torch.uint8), torch.tensor([8], dtype=torch.uint8)
    assert torch.sub(five, eight, out=torch.zeros(1)).item() == 253
    assert torch.mul(eight, torch.tensor([40], dtype=torch.uint8), out=torch.zeros(1, dtype=torch.int64)).item() == 64
    third = torch.div(torch.ones(1, dtype=torch.float16), torch.full((1,), 3, dtype=torch.float16), out=torch.zeros(1))
    assert third.item() == 0.333251953125


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64, torch.float16])
def test_factories_make_the_dtype_of_out(dtype) -> None:
    for make in (torch.rand, torch.randn):
        torch.manual_seed(3)
        expected = make(4, dtype=dtype)
        torch.manual_seed(3)
        out = torch.empty(4, dtype=dtype)
        assert make(4, out=out) is out
        assert torch.equal(out, expected)


def test_factories_of_integers() -> None:
    out = torch.zeros(2, dtype=torch.int64)
    assert torch.full((2,), 2.5, out=out).tolist() == [2, 2]
    assert torch.ones(2, out=out).tolist() == [1, 1]
    assert torch.eye(2, out=torch.empty(0, dtype=torch.uint8)).tolist() == [[1, 0], [0, 1]]


def test_factories_refuse_two_dtypes() -> None:
    for call in (torch.zeros, torch.rand, torch.arange):
        with pytest.raises(RuntimeError, match=r"dtype Double does not match dtype of out parameter \(Float\)"):
            call(2, dtype=torch.float64, out=torch.zeros(2))


def test_numbers_in_a_row_fill_any_shape() -> None:
    for call in (torch.linspace, torch.logspace):
        out = torch.zeros(2, 2)
        call(0, 3, 4, out=out)
        assert out.shape == (2, 2)
        assert torch.equal(out.flatten(), call(0, 3, 4))
    narrow = torch.zeros(2, 3)
    torch.linspace(0, 3, 4, out=narrow.narrow(1, 1, 2))
    assert narrow.tolist() == [[0, 0, 1], [0, 2, 3]]
    with pytest.warns(UserWarning, match="The number of elements in the out tensor of shape"):
        assert torch.arange(4, out=torch.zeros(2)).tolist() == [0, 1, 2, 3]


def test_nonzero_writes_int64() -> None:
    with pytest.raises(RuntimeError, match="scalar type Long but got scalar typeFloat"):
        torch.nonzero(torch.ones(2), out=torch.zeros(2))
