"""Pooling: in one to three dimensions, fixed windows or adaptive ones."""

from __future__ import annotations

import math
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine, formula
from flambeau.nn._functional.conv import _tuple
from flambeau.nn._functional.pad import pad as _pad

_max_pool2d: Any = engine("max_pool2d")
_max_pool2d_with_indices: Any = engine("max_pool2d_with_indices")


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The maximum of each window. Shape: `N C H W -> N C H' W'`; with `return_indices` also where it lies."""
    operator = _max_pool2d_with_indices if return_indices else _max_pool2d
    return operator(input, kernel_size, stride, padding, dilation, ceil_mode)


def _out_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    reach = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return reach // stride + 1
    out = -(-reach // stride) + 1
    return out - 1 if (out - 1) * stride >= size + padding else out  # no window starts in the right padding


def _windows(
    input: Tensor, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, fill: float
) -> Tensor:
    """All windows, with their elements in the last dimension."""
    kernels, dilations, paddings = _tuple(kernel, n), _tuple(dilation, n), _tuple(padding, n)
    strides = kernels if stride is None or stride == [] else _tuple(stride, n)
    sides: list[int] = []
    for i in range(n):
        size = input.size(i - n)
        if paddings[i] * 2 > kernels[i]:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={paddings[i]}, "
                f"kernel_size={kernels[i]} and dilation={dilations[i]}"
            )
        out = _out_size(size, kernels[i], strides[i], paddings[i], dilations[i], ceil_mode)
        needed = (out - 1) * strides[i] + dilations[i] * (kernels[i] - 1) + 1
        sides[:0] = [paddings[i], needed - size - paddings[i]]
    windows = _pad(input, sides, "constant", fill)
    first = input.dim() - n
    for i in range(n):
        windows = windows.unfold(first + i, dilations[i] * (kernels[i] - 1) + 1, strides[i])
        if dilations[i] > 1:
            windows = windows[..., :: dilations[i]]
    return windows.flatten(-n) if n > 1 else windows


def _max_pool(input: Tensor, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> Tensor:
    return _windows(input, n, kernel, stride, padding, dilation, ceil_mode, -math.inf).max(-1).values


def _no_indices(return_indices: bool, name: str) -> None:
    if return_indices:
        raise NotImplementedError(f"{name}: return_indices=True is not there yet")


@formula
def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest element of each window. Shape: `*s L -> *s L'`."""
    stride = kernel_size if stride is None else stride
    sizes: list[Any] = [(1, *_tuple(v, 1)) for v in (kernel_size, stride)]
    result: Any = max_pool2d(
        input.unsqueeze(-2),
        sizes[0],
        sizes[1],
        (0, *_tuple(padding, 1)),
        (1, *_tuple(dilation, 1)),
        ceil_mode,
        return_indices,
    )
    return tuple(r.squeeze(-2) for r in result) if return_indices else result.squeeze(-2)


@formula
def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """The greatest element of each window. Shape: `*s D H W -> *s D' H' W'`."""
    _no_indices(return_indices, "max_pool3d")
    return _max_pool(input, 3, kernel_size, stride, padding, dilation, ceil_mode)


def _avg_pool(
    input: Tensor,
    n: int,
    kernel: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Tensor:
    total = _windows(input, n, kernel, stride, padding, 1, ceil_mode, 0.0).sum(-1)
    if divisor_override is not None:
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        return total / divisor_override
    # How many elements each window covers: what lies past the padding never counts.
    counts: Any = None
    kernels, paddings = _tuple(kernel, n), _tuple(padding, n)
    strides = kernels if stride is None or stride == [] else _tuple(stride, n)
    for i in range(n):
        size, margin = input.size(i - n), paddings[i]
        low, high = (-margin, size + margin) if count_include_pad else (0, size)
        starts = [j * strides[i] - margin for j in range(total.size(i - n))]
        covered = [min(s + kernels[i], high) - max(s, low) for s in starts]
        row = flambeau.tensor(covered, dtype=input.dtype).reshape([-1] + [1] * (n - 1 - i))
        counts = row if counts is None else counts * row
    return total / counts


@formula
def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window. Shape: `*s L -> *s L'`."""
    return _avg_pool(input, 1, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@formula
def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window. Shape: `*s H W -> *s H' W'`."""
    return _avg_pool(input, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@formula
def avg_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window. Shape: `*s D H W -> *s D' H' W'`."""
    return _avg_pool(input, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _spans(size: int, out: int) -> list[tuple[int, int]]:
    return [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _adaptive_sizes(input: Tensor, n: int, output_size: Any) -> list[int]:
    sizes = _tuple(output_size, n) if not isinstance(output_size, int) else (output_size,) * n
    return [input.size(i - n) if size is None else int(size) for i, size in enumerate(sizes)]


def _adaptive_avg(input: Tensor, n: int, output_size: Any) -> Tensor:
    for i, out in enumerate(_adaptive_sizes(input, n, output_size)):
        dim = input.dim() - n + i
        rows = [
            [1.0 / (b - a) if a <= j < b else 0.0 for j in range(input.size(dim))]
            for a, b in _spans(input.size(dim), out)
        ]
        weights = flambeau.tensor(rows, dtype=input.dtype).reshape(out, input.size(dim))
        input = flambeau.matmul(input.transpose(dim, -1), weights.t()).transpose(dim, -1)
    return input


def _adaptive_max(input: Tensor, n: int, output_size: Any) -> Tensor:
    for i, out in enumerate(_adaptive_sizes(input, n, output_size)):
        dim = input.dim() - n + i
        spans = _spans(input.size(dim), out)
        input = flambeau.stack([input.narrow(dim, a, b - a).max(dim).values for a, b in spans], dim)
    return input


@formula
def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Means of windows that give `output_size` elements. Shape: `*s L -> *s L'`."""
    return _adaptive_avg(input, 1, output_size)


@formula
def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means of windows that give `output_size` elements. Shape: `*s H W -> *s H' W'`."""
    return _adaptive_avg(input, 2, output_size)


@formula
def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means of windows that give `output_size` elements. Shape: `*s D H W -> *s D' H' W'`."""
    return _adaptive_avg(input, 3, output_size)


@formula
def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:
    """Greatest elements of windows that give `output_size`. Shape: `*s L -> *s L'`."""
    _no_indices(return_indices, "adaptive_max_pool1d")
    return _adaptive_max(input, 1, output_size)


@formula
def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:
    """Greatest elements of windows that give `output_size`. Shape: `*s H W -> *s H' W'`."""
    _no_indices(return_indices, "adaptive_max_pool2d")
    return _adaptive_max(input, 2, output_size)


@formula
def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:
    """Greatest elements of windows that give `output_size`. Shape: `*s D H W -> *s D' H' W'`."""
    _no_indices(return_indices, "adaptive_max_pool3d")
    return _adaptive_max(input, 3, output_size)


def _lp_pool(input: Tensor, n: int, norm_type: float, kernel: Any, stride: Any, ceil_mode: bool) -> Tensor:
    if norm_type == 0:
        raise ValueError(f"norm_type must be a non-zero value, but got {norm_type}")
    powers = _avg_pool(input.pow(norm_type), n, kernel, stride, 0, ceil_mode, True, None)
    size = math.prod(_tuple(kernel, n))
    return (powers.sign() * flambeau.relu(powers.abs()) * size).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window. Shape: `*s L -> *s L'`."""
    return _lp_pool(input, 1, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window. Shape: `*s H W -> *s H' W'`."""
    return _lp_pool(input, 2, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window. Shape: `*s D H W -> *s D' H' W'`."""
    return _lp_pool(input, 3, norm_type, kernel_size, stride, ceil_mode)
