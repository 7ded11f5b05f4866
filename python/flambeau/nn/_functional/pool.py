"""Pooling: in one to three dimensions, fixed windows or adaptive ones."""

from __future__ import annotations

import math
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine, repeated

_max_pool2d: Any = engine("max_pool2d")
_max_pool1d_with_indices: Any = engine("max_pool1d_with_indices")
_max_pool2d_with_indices: Any = engine("max_pool2d_with_indices")
_max_pool3d_with_indices: Any = engine("max_pool3d_with_indices")
_private: Any = flambeau._C.private


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


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest element of each window. Shape: `*s L -> *s L'`; with `return_indices` also where it lies."""
    result = _max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return tuple(result) if return_indices else result[0]


def max_pool3d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The greatest element of each window. Shape: `*s D H W -> *s D' H' W'`; on request also where it lies."""
    result = _max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
    return tuple(result) if return_indices else result[0]


avg_pool1d: Any = engine("avg_pool1d")
avg_pool2d: Any = engine("avg_pool2d")
avg_pool3d: Any = engine("avg_pool3d")
adaptive_avg_pool1d: Any = engine("adaptive_avg_pool1d")


def _sizes(input: Tensor, n: int, output_size: Any) -> Any:
    """A size for each dimension: the input's own where it is None."""
    if isinstance(output_size, int):
        return (output_size,) * n
    sizes = tuple(output_size)
    if input.dim() <= len(sizes):
        raise ValueError(f"Input dimension should be at least {len(sizes) + 1}")
    own = list(input.shape)[input.dim() - len(sizes) :]
    return tuple(have if size is None else size for size, have in zip(sizes, own, strict=True))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Any:
    """Means of windows that give `output_size` elements. Shape: `*s H W -> *s H' W'`."""
    return _private.adaptive_avg_pool2d(input, _sizes(input, 2, output_size))


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Any:
    """Means of windows that give `output_size` elements. Shape: `*s D H W -> *s D' H' W'`."""
    return _private.adaptive_avg_pool3d(input, _sizes(input, 3, output_size))


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Greatest elements of windows that give `output_size`. Shape: `*s L -> *s L'`; perhaps also where they lie."""
    result = flambeau.adaptive_max_pool1d(input, output_size)
    return tuple(result) if return_indices else result[0]


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Greatest elements of windows that give `output_size`. Shape: `*s H W -> *s H' W'`; on request also places."""
    result = _private.adaptive_max_pool2d(input, _sizes(input, 2, output_size))
    return tuple(result) if return_indices else result[0]


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Greatest elements of windows that give `output_size`. Shape: `*s D H W -> *s D' H' W'`; perhaps places."""
    result = _private.adaptive_max_pool3d(input, _sizes(input, 3, output_size))
    return tuple(result) if return_indices else result[0]


def _lp_pool(input: Tensor, n: int, norm_type: float, kernel: Any, stride: Any, ceil_mode: bool) -> Tensor:
    if norm_type == 0:
        raise ValueError(f"norm_type must be a non-zero value, but got {norm_type}")
    if norm_type == math.inf:  # the limit of the norms is the greatest magnitude
        greatest = (max_pool1d, max_pool2d, max_pool3d)[n - 1]
        return greatest(input.abs(), kernel, stride, ceil_mode=ceil_mode)
    operator = (avg_pool1d, avg_pool2d, avg_pool3d)[n - 1]
    powers = operator(input.pow(norm_type), kernel, stride, 0, ceil_mode)
    size = math.prod(repeated(kernel, n))
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


def _fractional(
    input: Tensor, n: int, kernel_size: Any, output_size: Any, output_ratio: Any, random: Tensor | None
) -> Any:
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, list | tuple) else (output_ratio,) * n
        if len(ratios) > n:
            raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        output_size = [int(size * ratio) for size, ratio in zip(input.shape[-n:], ratios, strict=True)]
    if random is None:
        batch = 1 if input.dim() == n + 1 else input.size(0)
        random = flambeau.rand(batch, input.size(-1 - n), n, dtype=input.dtype, device=input.device)
    return getattr(_private, name)(input, kernel_size, output_size, random)


def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool2d`, and where the greatest elements lie."""
    return tuple(_fractional(input, 2, kernel_size, output_size, output_ratio, _random_samples))


def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """`fractional_max_pool3d`, and where the greatest elements lie."""
    return tuple(_fractional(input, 3, kernel_size, output_size, output_ratio, _random_samples))


def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Greatest elements of windows at random places that give `output_size`. Shape: `*s H W -> *s H' W'`."""
    result = fractional_max_pool2d_with_indices(input, kernel_size, output_size, output_ratio, True, _random_samples)
    return result if return_indices else result[0]


def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Greatest elements of windows at random places that give `output_size`. Shape: `*s D H W -> *s D' H' W'`."""
    result = fractional_max_pool3d_with_indices(input, kernel_size, output_size, output_ratio, True, _random_samples)
    return result if return_indices else result[0]


def _both(operator: Any) -> Any:
    def with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        return operator(input, output_size, True)

    with_indices.__name__ = operator.__name__ + "_with_indices"
    with_indices.__doc__ = f"`{operator.__name__}`, and where the greatest elements lie."
    return with_indices


adaptive_max_pool1d_with_indices = _both(adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _both(adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = _both(adaptive_max_pool3d)
