"""Padding and rearranging of images and signals."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import formula


def _source(size: int, before: int, after: int, mode: str) -> list[int]:
    """Which index of a dimension stands at each place of the padded one."""
    places = range(-before, size + after)
    if mode == "replicate":
        return [min(max(i, 0), size - 1) for i in places]
    if mode == "circular":
        return [i % size for i in places]
    return [size - 1 - abs(size - 1 - abs(i)) if size > 1 else 0 for i in places]


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


@formula
def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Add `pad` = (left, right, top, bottom, ...) elements, last dimension first; negative ones cut.

    >>> F.pad(torch.ones(2), (1, 0))
    tensor([0., 1., 1.])
    """
    pads = [int(p) for p in pad]
    if len(pads) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pads) // 2 > input.dim():
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension "
            f"but got padding length {len(pads)} and input of dimension {input.dim()}"
        )
    if mode != "constant":
        if value is not None and value != 0:
            raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
        _check(input, pads, mode)
    result = input
    for i in range(len(pads) // 2):
        dim, before, after = input.dim() - 1 - i, pads[2 * i], pads[2 * i + 1]
        if before < 0 or after < 0:
            cut = max(-before, 0)
            result = result.narrow(dim, cut, result.size(dim) - cut - max(-after, 0))
        before, after = max(before, 0), max(after, 0)
        if not (before or after):
            continue
        if mode == "constant":
            pieces = [result]
            for size, place in ((before, 0), (after, len(pieces) + 1)):
                if size:
                    shape = list(result.shape)
                    shape[dim] = size
                    pieces.insert(place, result.new_full(shape, value or 0))
            result = flambeau.cat(pieces, dim)
        else:
            result = result.index_select(dim, flambeau.tensor(_source(result.size(dim), before, after, mode)))
    return result.clone() if result is input else result


@formula
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
    return _own(split.permute(order).reshape(*batch, c // (r * r), h * r, w * r), r)


def _own(result: Tensor, r: int) -> Tensor:
    """Nothing moves by a factor of 1, but the result has memory of its own."""
    return result.clone() if r == 1 else result


@formula
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Move space into channels. Shape: `*s C, H r, W r -> *s C r r, H, W`."""
    r = downscale_factor
    *batch, c, h, w = input.shape
    n = len(batch)
    split = input.reshape(*batch, c, h // r, r, w // r, r)
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    return _own(split.permute(order).reshape(*batch, c * r * r, h // r, w // r), r)


@formula
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Interleave the channels of `groups` groups. Shape: `N C *s -> N C *s`."""
    n, c, *rest = input.shape
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    return input.reshape(n, groups, c // groups, *rest).transpose(1, 2).reshape(input.shape)
