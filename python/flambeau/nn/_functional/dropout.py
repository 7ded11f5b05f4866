"""Dropout: zeroing elements or channels at random."""

from __future__ import annotations

import warnings
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine, result_into

_dropout: Any = engine("dropout")


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zero each element with probability `p` and scale the others by `1 / (1 - p)`. Shape: `*s -> *s`."""
    _check(p)
    result = _dropout(input, p, training)
    return input.copy_(result) if inplace and training else result


def _drop(input: Tensor, p: float, training: bool, shape: Any, alpha: bool) -> Tensor:
    """Dropout with a mask of the given shape, drawn as PyTorch draws it."""
    if p == 0 or not training or input.numel() == 0:
        return input
    if p == 1:
        return input * flambeau.zeros((), dtype=input.dtype)
    mask = flambeau.empty(shape, dtype=input.dtype.to_real()).bernoulli_(1 - p)
    if not alpha:
        return input * mask.div_(1 - p)
    low = 1.7580993408473766
    scale = 1.0 / ((low * low * p + 1) * (1 - p)) ** 0.5
    shift = (mask - 1).mul_(low * scale).add_(low * scale * p)
    return input * mask.mul_(scale) + shift


def _channels(input: Tensor) -> list[int]:
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return [*input.shape[:2], *(1 for _ in input.shape[2:])]


def _feature_dropout(input: Tensor, p: float, training: bool) -> Tensor:
    return _drop(input, p, training, _channels(input) if training and p not in (0, 1) else None, False)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean and variance of a SELU's output. Shape: `*s -> *s`."""
    _check(p)
    return result_into(input, _drop(input, p, training, input.shape, True), inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Alpha dropout of whole channels. Shape: `N C *s -> N C *s`."""
    _check(p)
    return result_into(input, _drop(input, p, training, _channels(input) if training else None, True), inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels. Shape: `N C L -> N C L` or `C L -> C L`."""
    _check(p)
    ndim = input.dim()
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists to provide "
            "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch "
            "dimension (i.e. 2D or 3D inputs)."
        )
    if ndim == 3:
        return result_into(input, _feature_dropout(input, p, training), inplace)
    return result_into(input, _feature_dropout(input.unsqueeze(0), p, training).squeeze(0), inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels. Shape: `N C H W -> N C H W`."""
    _check(p)
    ndim = input.dim()
    if ndim not in (3, 4):
        _warn_dimensions("dropout2d", ndim, 2, "3D or 4D")
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired "
            "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
            "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To maintain "
            "the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return result_into(input, _feature_dropout(input, p, training), inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Dropout of whole channels. Shape: `N C D H W -> N C D H W` or `C D H W -> C D H W`."""
    _check(p)
    ndim = input.dim()
    if ndim not in (4, 5):
        _warn_dimensions("dropout3d", ndim, 3, "4D or 5D")
    if ndim == 5:
        return result_into(input, _feature_dropout(input, p, training), inplace)
    return result_into(input, _feature_dropout(input.unsqueeze(0), p, training).squeeze(0), inplace)


def _warn_dimensions(name: str, got: int, spatial: int, wanted: str) -> None:
    warnings.warn(
        f"{name}: Received a {got}-D input to {name}, which is deprecated and will result in an error in a future "
        "release. To retain the behavior and silence this warning, please use dropout instead. Note that "
        f"{name} exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel "
        f"dimension, and an optional batch dimension (i.e. {wanted} inputs).",
        stacklevel=3,
    )
