"""Normalization over batches, groups, instances and trailing dimensions."""

from __future__ import annotations

import math
import warnings
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import c_name, engine, scalar_name
from flambeau.nn._functional.pad import pad as _pad
from flambeau.nn._functional.pool import avg_pool2d, avg_pool3d

layer_norm: Any = engine("layer_norm")


def _verify_batch_size(size: Any) -> None:
    if size[0] * math.prod(size[2:]) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


_batch_norm: Any = engine("batch_norm")


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize every channel over the batch. Shape: `N C *s -> N C *s`."""
    if training:
        _verify_batch_size(input.size())
    if training and eps <= 0.0:
        raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    if eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    return _batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


_group_norm: Any = engine("group_norm")


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize every sample over groups of channels. Shape: `N C *s -> N C *s`."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    n, c, *rest = input.shape
    if c == 0:
        raise RuntimeError(f"Expected number of channels to be greater than 0, got {c}")
    if math.prod(rest) == 0:
        raise RuntimeError(f"Expected HxW to be greater than 0, got {math.prod(rest)}")
    if c % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(input.shape)} and num_groups={num_groups}"
        )
    _verify_batch_size([n * c // num_groups, num_groups, *rest])
    return _group_norm(input, num_groups, weight, bias, eps)


def _instance_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    n, c, *rest = input.shape

    def repeated(t: Tensor | None) -> Tensor | None:
        return None if t is None else t.repeat(n)

    # Every channel of every sample is a channel of one batch.
    mean, var = repeated(running_mean), repeated(running_var)
    flat = input.contiguous().view(1, n * c, *rest)
    out = _batch_norm(flat, mean, var, repeated(weight), repeated(bias), use_input_stats, momentum, eps)
    with flambeau.no_grad():
        for kept, used in ((running_mean, mean), (running_var, var)):
            if kept is not None and used is not None:
                kept.copy_(used.view(n, c).mean(0))
    return out.view(input.shape)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize every channel of every sample by itself. Shape: `N C *s -> N C *s`."""
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    return _instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


_warned_of_dtypes = False


def _warn_of_dtypes(input: str, weight: str) -> None:
    global _warned_of_dtypes
    if not _warned_of_dtypes:  # once, as in PyTorch
        _warned_of_dtypes = True
        warnings.warn(
            f"Mismatch dtype between input and weight: input dtype = {input}, weight dtype = {weight}, Cannot dispatch "
            "to fused implementation.",
            stacklevel=3,
        )


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divide by the root mean square over the trailing dimensions. Shape: `*s n -> *s n`."""
    shape = [normalized_shape] if isinstance(normalized_shape, int) else list(normalized_shape)
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            f"but got normalized_shape = {shape}"
        )
    if weight is not None and list(weight.shape) != shape:
        raise RuntimeError(
            "Expected weight to be of same shape as normalized_shape, but got weight of shape "
            f"{list(weight.shape)} and normalized_shape = {shape}"
        )
    if list(input.shape)[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={shape}, expected input with shape [*{', '.join(map(str, shape))}], "
            f"but got input of size{list(input.shape)}"
        )
    dims = list(range(input.dim() - len(shape), input.dim()))
    if not (input.is_floating_point() or input.is_complex()):
        raise NotImplementedError(f"\"rms_norm\" not implemented for '{scalar_name(input.dtype)}'")
    if weight is not None and weight.dtype != input.dtype:
        _warn_of_dtypes(c_name(input.dtype), c_name(weight.dtype))
    # Half types are widened for all of it, and rounded once.
    x = input.float() if input.dtype in (flambeau.float16, flambeau.bfloat16) else input
    eps = flambeau.finfo(x.dtype).eps if eps is None else eps
    normal = x * ((x * x).mean(dims, keepdim=True) + eps).rsqrt()
    return (normal if weight is None else normal * weight).to(input.dtype)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide by a power of the mean square over neighbouring channels. Shape: `N C *s -> N C *s`."""
    dim = input.dim()
    if dim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {dim} dimensions)")
    if input.numel() == 0:
        return input
    square = input * input
    if dim == 3:
        square = _pad(square.unsqueeze(1), (0, 0, size // 2, (size - 1) // 2))
        mean = avg_pool2d(square, (size, 1), stride=1).squeeze(1)
    else:
        n, c, h = input.shape[:3]
        square = _pad(square.reshape(n, 1, c, h, -1), (0, 0, 0, 0, size // 2, (size - 1) // 2))
        mean = avg_pool3d(square, (size, 1, 1), stride=1).squeeze(1).reshape(input.shape)
    return input / (mean * alpha + k).pow(beta)
