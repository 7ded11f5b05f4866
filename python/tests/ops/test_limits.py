"""What operators refuse, and how their results lie in memory: numbers out of range, dtypes of `out=`, strides."""

from __future__ import annotations

import flambeau as torch
import pytest
from flambeau.nn import functional as F

inf, nan = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("dtype", "number", "name"),
    [
        (torch.uint8, 256, "uint8_t"),
        (torch.int8, -129, "int8_t"),
        (torch.int16, 40000, "int16_t"),
        (torch.int32, 2**31, "int"),
        (torch.int64, nan, "int64_t"),
        (torch.float16, 1e6, "c10::Half"),
        (torch.float32, 1e39, "float"),
        (torch.float32, 1j, "float"),
    ],
)
def test_elements_hold_their_numbers(dtype: torch.dtype, number: complex, name: str) -> None:
    x = torch.ones(2).to(dtype)
    mask, index = torch.tensor([True, False]), torch.tensor([0])
    for fill in (
        lambda: x.clone().fill_(number),
        lambda: torch.full_like(x, number),
        lambda: x.masked_fill(mask, number),
        lambda: x.scatter(0, index, number),
    ):
        with pytest.raises(RuntimeError, match=f"value cannot be converted to type {name} without overflow"):
            fill()


def test_numbers_that_fit() -> None:
    assert torch.full((1,), -1, dtype=torch.uint8).item() == 255
    assert torch.full((1,), inf, dtype=torch.float16).item() == inf
    assert torch.full((1,), 300, dtype=torch.bool).item() is True


def test_numbers_come_round_in_short_integers() -> None:
    x = torch.tensor([1, 2], dtype=torch.uint8)
    assert (x < -1).tolist() == [True, True]
    assert (x // -1).tolist() == [0, 0]
    assert torch.remainder(7, torch.tensor([3, -4])).tolist() == [1, -1]
    assert (2.5 % torch.tensor(2, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_out_of_one_dtype() -> None:
    x = torch.tensor([1, -2])
    with pytest.raises(RuntimeError, match="Found dtype Float but expected Long"):
        torch.neg(x, out=torch.empty(2))
    with pytest.raises(RuntimeError, match="signbit does not support non-boolean outputs"):
        torch.signbit(x, out=torch.empty(2))
    with pytest.raises(RuntimeError, match="In-place abs is not supported for complex tensors"):
        torch.tensor([1j]).abs_()


def test_one_value_over_an_expanded_tensor() -> None:
    x = torch.zeros(3, 1).expand(3, 4)
    x.fill_(2)
    assert x.sum().item() == 24
    assert x.zero_().sum().item() == 0
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        x.add_(1)


def test_order_of_results_in_memory() -> None:
    x = torch.randn(2, 4, 6, 6).to(memory_format=torch.channels_last)
    last, rows = (144, 1, 24, 4), (144, 36, 6, 1)
    assert F.group_norm(x, 2).stride() == last
    assert F.batch_norm(x, None, None, training=True).stride() == last
    assert x.roll(1, 1).stride() == last
    assert F.pad(x, (1, 1, 1, 1), mode="reflect").stride() == (256, 1, 32, 4)
    assert F.pad(x, (1, 1)).stride() == (192, 1, 32, 4)
    assert x[[0, 1]].stride() == last
    assert x.masked_fill(x > 0, 1.0).stride() == rows
    assert F.logsigmoid(x).stride() == rows
    assert x.index_add(0, torch.tensor([0]), x[:1]).stride() == rows
    y = torch.randn(3, 4, 5).permute(2, 0, 1)
    assert y[:, [0, 1]].stride() == (1, 5, 10)
    assert y.to(memory_format=torch.contiguous_format) is y


def test_the_slope_of_a_tie_is_shared() -> None:
    x = torch.tensor([1.0, 1.0, nan], requires_grad=True)
    y = torch.tensor([1.0, nan, 1.0], requires_grad=True)
    dx, dy = torch.autograd.grad(torch.fmax(x, y).sum(), (x, y))
    assert (dx.tolist(), dy.tolist()) == ([0.5, 1.0, 0.0], [0.5, 0.0, 1.0])
