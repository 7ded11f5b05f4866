"""Padding and rearranging of images and signals."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine


def _check(input: Tensor, pads: list[int], mode: str) -> None:
    dims = len(pads) // 2
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if input.dim() not in (dims + 1, dims + 2):
        raise NotImplementedError("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now")
    for i in range(dims):
        size, before, after = input.size(-1 - i), pads[2 * i], pads[2 * i + 1]
        if mode == "reflect" and max(before, after) >= size:
            raise RuntimeError(
                "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
                f"({before}, {after}) at dimension {input.dim() - 1 - i} of input {list(input.shape)}"
            )
        if mode == "circular" and max(before, after) > size:
            raise RuntimeError("Padding value causes wrapping around more than once.")


pad: Any = engine("pad")


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Move channels into space. Shape: `*s C r r, H, W -> *s C, H r, W r`."""
    r = upscale_factor
    if input.dim() < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {input.dim()} dimension(s)"
        )
    *batch, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, "
            f"but input.size(-3)={c} is not divisible by {r * r}"
        )
    n = len(batch)
    split = input.reshape(*batch, c // (r * r), r, r, h, w)
    order = [*range(n), n, n + 3, n + 1, n + 4, n + 2]
    return _own(split.permute(order).reshape(*batch, c // (r * r), h * r, w * r), input, r)


def _own(result: Tensor, input: Tensor, r: int) -> Tensor:
    """Nothing moves by a factor of 1, but the result has memory of its own; channels stay last where they are."""
    return result.clone() if r == 1 else _laid_like(result, input)


def _laid_like(result: Tensor, input: Tensor) -> Tensor:
    last = flambeau.channels_last
    if input.dim() == 4 and not input.is_contiguous() and input.is_contiguous(memory_format=last):
        return result.contiguous(memory_format=last)
    return result


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Move space into channels. Shape: `*s C, H r, W r -> *s C r r, H, W`."""
    r = downscale_factor
    *batch, c, h, w = input.shape
    for name, size, d in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, "
                f"but input.size({d})={size} is not divisible by {r}"
            )
    n = len(batch)
    split = input.reshape(*batch, c, h // r, r, w // r, r)
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    return _own(split.permute(order).reshape(*batch, c * r * r, h // r, w // r), input, r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the channels of `groups` groups. Shape: `N C *s -> N C *s`."""
    n, c, *rest = input.shape
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    mixed = input.reshape(n, groups, c // groups, *rest).transpose(1, 2).reshape(input.shape)
    return _laid_like(mixed, input)
