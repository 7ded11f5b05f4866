"""Tensors with random values, for tests."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import flambeau
from flambeau import Tensor

_INTEGERS = (flambeau.uint8, flambeau.int8, flambeau.int16, flambeau.int32, flambeau.int64)
_COMPLEX = (flambeau.complex64, flambeau.complex128)
_FLOATS = (flambeau.float16, flambeau.bfloat16, flambeau.float32, flambeau.float64, *_COMPLEX)


def _limits(dtype: Any) -> tuple[Any, Any, Any, Any]:
    """The least and the greatest value of a dtype, and what `low` and `high` are unless given."""
    if dtype is flambeau.bool:
        return 0, 2, 0, 2
    if dtype in _INTEGERS:
        info = flambeau.iinfo(dtype)
        return info.min, info.max + (dtype is not flambeau.int64), -9, 10
    if dtype in _FLOATS:
        return flambeau.finfo(dtype).min, flambeau.finfo(dtype).max, -9, 9
    raise TypeError(
        f"The requested dtype '{dtype}' is not supported by torch.testing.make_tensor()."
        " To request support, file an issue at: https://github.com/pytorch/pytorch/issues"
    )


def _interval(dtype: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The interval to draw from: as given, within the dtype."""
    least, greatest, default_low, default_high = _limits(dtype)
    low = default_low if low is None else low
    high = default_high if high is None else high
    if any(isinstance(value, float) and math.isnan(value) for value in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and dtype in _FLOATS:
        warnings.warn(
            "Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 "
            "and will be removed in 2.3. Use `torch.full(...)` instead.",
            FutureWarning,
            stacklevel=3,
        )
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= greatest:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), "
            f"but {dtype} only supports [{least}, {greatest})"
        )
    low, high = (min(max(value, least), greatest) for value in (low, high))
    return (low, high) if dtype in _FLOATS else (math.ceil(low), math.ceil(high))


def _draw(t: Tensor, low: float, high: float) -> None:
    """Fills a tensor; where the interval is longer than the greatest number, in halves."""
    if high - low >= flambeau.finfo(t.dtype).max:
        t.uniform_(low / 2, high / 2).mul_(2)
    else:
        t.uniform_(low, high)


def make_tensor(
    *shape: Any,
    dtype: Any,
    device: Any,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """A tensor of random values between `low` and `high`, small ones unless given; PyTorch's from the same seed.

    With `exclude_zero` the smallest normal number, or 1, stands for 0.

    >>> torch.testing.make_tensor(2, 3, dtype=torch.int64, device="cpu", low=4, high=5)
    tensor([[4, 4, 4],
            [4, 4, 4]])
    """
    sizes: tuple[int, ...] = tuple(shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape)
    if noncontiguous and memory_format is not None:
        raise ValueError(
            "The parameters `noncontiguous` and `memory_format` are mutually exclusive, "
            f"but got {noncontiguous=} and {memory_format=}"
        )
    whole = dtype is flambeau.bool or dtype in _INTEGERS
    if requires_grad and whole:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    noncontiguous = noncontiguous and math.prod(sizes) > 1
    if noncontiguous:
        sizes = (*sizes[:-1], 2 * sizes[-1])
    least, greatest = _interval(dtype, low, high)
    result: Tensor
    if whole:
        result = flambeau.randint(least, greatest, sizes, device=device, dtype=dtype)
    else:
        result = flambeau.empty(sizes, device=device, dtype=dtype)
        _draw(flambeau.view_as_real(result) if dtype in _COMPLEX else result, least, greatest)
    if noncontiguous:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = 1 if whole else flambeau.finfo(dtype).tiny
    return result if whole else result.requires_grad_(requires_grad)
