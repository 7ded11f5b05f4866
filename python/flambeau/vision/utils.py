"""Grids of images, and saving them."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.vision.image import make_image

__all__ = ["make_grid", "save_image"]


def _normalize(images: Tensor, low: float, high: float) -> None:
    images.clamp_(min=low, max=high)
    images.sub_(low).div_(max(high - low, 1e-5))


def _as_batch(tensor: Any) -> Tensor:
    """Images as one batch with three channels where they had one. Shape: `-> N C H W`."""
    if isinstance(tensor, list):
        for t in tensor:
            if not isinstance(t, Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(t)}")
        tensor = flambeau.stack(tensor, 0)
    elif not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if tensor.dim() == 2:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 3:
        tensor = tensor.unsqueeze(0)
    if tensor.dim() == 4 and tensor.size(1) == 1:
        tensor = flambeau.cat((tensor, tensor, tensor), 1)
    return tensor


def make_grid(
    tensor: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """One image out of many, `nrow` in a row. Shape: `N C H W -> C H' W'`.

    >>> make_grid(torch.zeros(16, 3, 28, 28)).shape
    torch.Size([3, 62, 242])
    """
    with flambeau.no_grad():
        batch = _as_batch(tensor)
        if normalize is True:
            batch = batch.clone()
            if value_range is not None and not isinstance(value_range, tuple):
                raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
            for images in batch if scale_each is True else [batch]:
                _normalize(images, *(value_range or (float(images.min()), float(images.max()))))
        if batch.size(0) == 1:
            return batch.squeeze(0)
        count, channels, height, width = batch.shape
        columns = min(nrow, count)
        rows = -(-count // columns)
        height, width = height + padding, width + padding
        grid = batch.new_full((channels, height * rows + padding, width * columns + padding), pad_value)
        for k in range(count):
            top, left = k // columns * height + padding, k % columns * width + padding
            place = grid.narrow(1, top, height - padding).narrow(2, left, width - padding)
            place.copy_(batch[k])
        return grid


def save_image(tensor: Any, fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write images, as a grid, to a file; without Pillow, always as a PNG. Shape: `N C H W`."""
    grid = make_grid(tensor, **kwargs)
    with flambeau.no_grad():
        pixels = grid.mul(255).add_(0.5).clamp_(0, 255).permute(1, 2, 0).to("cpu", flambeau.uint8).contiguous()
    height, width = grid.shape[1:]
    image = make_image("RGB", (width, height), bytes_of(pixels))
    image.save(fp, format=format)


def bytes_of(tensor: Tensor) -> bytes:
    """The memory of a tensor, as bytes."""
    return bytes(tensor.contiguous().numpy().tobytes())
