"""Writes to memory that is read at the same time, and operators whose first operand is a number."""

import flambeau as torch
import pytest


@pytest.mark.parametrize(
    "write",
    [
        lambda x, i: x[1:].add_(x[:-1]),
        lambda x, i: x.div_(x[0]),
        lambda x, i: torch.exp(x[1:], out=x[:-1]),
        lambda x, i: x[1:].copy_(x[:-1]),
        lambda x, i: x.index_add_(0, i, x[:3]),
        lambda x, i: i.index_fill_(0, i, 0),
        lambda x, i: x.put_(i, x[:3]),
        lambda x, i: x.scatter_(0, i, x[:3]),
        lambda x, i: x.__setitem__(i, x[0]),
        lambda x, i: torch.cat([x], out=x),
        lambda x, i: torch.cumsum(x[1:], 0, out=x[:-1]),
        lambda x, i: torch.gather(x, 0, i, out=x[:3]),
    ],
)
def test_overlapping_writes_are_refused(write) -> None:  # noqa: ANN001
    x, i = torch.arange(6.0), torch.tensor([2, 1, 0])
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to tensor"):
        write(x, i)
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


def test_the_same_elements_may_be_read_and_written() -> None:
    x = torch.arange(1.0, 5.0)
    x.add_(x).mul_(x.view(4))
    torch.sub(x, 1, out=x)
    torch.cumsum(x, 0, out=x)
    assert x.tolist() == [3, 18, 53, 116]
    x.masked_fill_(x > 50, x[0])
    assert x.tolist() == [3, 18, 3, 3]


def test_nothing_is_contiguous_and_has_no_address() -> None:
    nothing = torch.randn(2, 3, 4, 5)[:, 1:1, :, 1]
    assert nothing.stride() == (60, 20, 5)
    assert nothing.is_contiguous()
    assert nothing.data_ptr() == 0


def test_a_number_first() -> None:
    bits = torch.tensor([1, 2])
    assert torch.bitwise_and(3, bits).tolist() == [1, 2]
    assert torch.bitwise_or(4, bits).tolist() == [5, 6]
    assert torch.bitwise_xor(3, bits).tolist() == [2, 1]
    assert torch.bitwise_left_shift(3, bits).tolist() == [6, 12]
    assert torch.bitwise_right_shift(8, bits).tolist() == [4, 2]
    x = torch.ones(1)
    assert torch.special.xlog1py(2.0, x).item() == pytest.approx(1.3862943)
    assert torch.special.zeta(2.0, x).item() == pytest.approx(1.6449341)
    bits <<= 2
    bits >>= 1
    assert bits.tolist() == [2, 4]
