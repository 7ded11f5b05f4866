"""Transforms as functions, on images and on tensors of shape `*s C H W`."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.vision.image import is_image, make_image


class InterpolationMode(enum.Enum):
    """How the values between pixels are found."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


def _is_array(value: Any) -> bool:
    """A NumPy array, without importing NumPy."""
    return type(value).__module__ == "numpy" and hasattr(value, "ndim")


def _pixels(pic: Any) -> Tensor:
    """The pixels of an image. Shape: `-> H W C`."""
    mode = pic.mode
    if mode in ("1", "P"):
        pic = pic.convert("L") if mode == "1" else pic
    kinds = {"I": flambeau.int32, "F": flambeau.float32, "I;16": flambeau.int16}
    # A bytearray is memory of our own, so that the tensor may be written to.
    flat = flambeau.frombuffer(bytearray(pic.tobytes()), dtype=kinds.get(mode, flambeau.uint8))
    width, height = pic.size
    return flat.view(height, width, -1)


def _channels_first(pixels: Tensor) -> Tensor:
    height, width, channels = pixels.shape
    return pixels.view(1, height, width) if channels == 1 else pixels.permute(2, 0, 1)


def to_tensor(pic: Any) -> Tensor:
    """An image or array `H W C` as a tensor `C H W`; bytes become numbers from 0 to 1.

    >>> import numpy as np
    >>> to_tensor(np.full((28, 28, 1), 255, np.uint8)).max()
    tensor(1.)
    """
    if is_image(pic):
        tensor = _channels_first(_pixels(pic)).contiguous()
    elif _is_array(pic):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        if pic.ndim == 2:
            pic = pic[:, :, None]
        tensor = flambeau.from_numpy(pic.transpose((2, 0, 1))).contiguous()
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    if tensor.dtype == flambeau.uint8:
        return tensor.to(flambeau.get_default_dtype()).div_(255)
    return tensor


def pil_to_tensor(pic: Any) -> Tensor:
    """An image as a tensor `C H W` of the same type."""
    if not is_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    tensor = _channels_first(_pixels(pic))
    return tensor.bool() if pic.mode == "1" else tensor


def _mode_of(pixels: Tensor, mode: str | None) -> str:
    """The mode of an image `H W C`, checked against the one asked for."""
    channels, kind = pixels.size(2), pixels.dtype
    if channels == 1:
        kinds = {flambeau.uint8: "L", flambeau.int16: "I;16", flambeau.int32: "I", flambeau.float32: "F"}
        expected = kinds.get(kind)
        if mode is not None and mode != expected:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {kind}. Should be {expected}")
        mode = expected
    else:
        permitted = {2: ["LA"], 3: ["RGB", "YCbCr", "HSV"], 4: ["RGBA", "CMYK", "RGBX"]}[channels]
        if mode is not None and mode not in permitted:
            raise ValueError(f"Only modes {permitted} are supported for {channels}D inputs")
        if mode is None and kind == flambeau.uint8:
            mode = permitted[0]
    if mode is None:
        raise TypeError(f"Input type {str(kind).removeprefix('torch.')} is not supported")
    return mode


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """A tensor `C H W` or array `H W C` as an image; floats count from 0 to 1."""
    if isinstance(pic, Tensor):
        pixels = pic.detach().permute(1, 2, 0) if pic.dim() == 3 else pic.detach()
    elif _is_array(pic):
        pixels = flambeau.from_numpy(pic)
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pixels.dim() == 2:
        pixels = pixels.unsqueeze(2)
    if pixels.dim() != 3:
        raise ValueError(f"pic should be 2/3 dimensional. Got {pixels.dim()} dimensions.")
    if pixels.size(2) > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {pixels.size(2)} channels.")
    if pixels.is_floating_point() and mode != "F":
        # Through int64, so that values outside [0, 1] wrap around as bytes do.
        pixels = (pixels * 255).to(flambeau.int64).to(flambeau.uint8)
    mode = _mode_of(pixels, mode)
    height, width = pixels.shape[:2]
    return make_image(mode, (width, height), bytes(pixels.contiguous().numpy().tobytes()))


def convert_image_dtype(image: Tensor, dtype: Any = None) -> Tensor:
    """An image tensor in another dtype, with values scaled to its range. Shape: `*s -> *s`."""
    dtype = flambeau.float32 if dtype is None else dtype
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    if image.dtype == dtype:
        return image
    if image.is_floating_point():
        if dtype.is_floating_point:
            return image.to(dtype)
        wide = dtype == flambeau.int64 or (image.dtype == flambeau.float32 and dtype == flambeau.int32)
        if wide:
            raise RuntimeError(f"The cast from {image.dtype} to {dtype} cannot be performed safely.")
        return image.mul(float(flambeau.iinfo(dtype).max) + 1 - 1e-3).to(dtype)
    top = float(flambeau.iinfo(image.dtype).max)
    if dtype.is_floating_point:
        return image.to(dtype) / top
    new_top = float(flambeau.iinfo(dtype).max)
    if top > new_top:
        return flambeau.div(image, int((top + 1) // (new_top + 1)), rounding_mode="floor").to(dtype)
    return image.to(dtype) * int((new_top + 1) // (top + 1))


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """`(x - mean) / std`, channel by channel. Shape: `*s C H W -> *s C H W`."""
    check_normalizable(tensor)
    means, stds = channel_values(mean, tensor.dtype), channel_values(std, tensor.dtype)
    if (stds == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    if not inplace:
        return tensor.sub(means).div_(stds)
    return tensor.sub_(means).div_(stds)


def check_normalizable(tensor: Any) -> None:
    """Only float tensors of at least three dimensions can be normalized."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if not tensor.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.dim() < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}"
        )


def channel_values(values: Any, dtype: Any) -> Tensor:
    """One number a channel, to be broadcast over rows and columns. Shape: `-> C 1 1`."""
    tensor = flambeau.as_tensor(values, dtype=dtype)
    return tensor.view(-1, 1, 1) if tensor.dim() == 1 else tensor


def get_image_size(img: Any) -> list[int]:
    """Width and height."""
    return [img.shape[-1], img.shape[-2]] if isinstance(img, Tensor) else list(img.size)


def get_dimensions(img: Any) -> list[int]:
    """Channels, height and width."""
    if isinstance(img, Tensor):
        return [1 if img.dim() == 2 else img.shape[-3], img.shape[-2], img.shape[-1]]
    return [len(img.getbands()), img.size[1], img.size[0]]


def _through_tensor(img: Any, function: Any) -> Any:
    """Apply a function of tensors to a tensor, or to an image by way of one."""
    if isinstance(img, Tensor):
        return function(img)
    if not is_image(img):
        raise TypeError(f"img should be PIL Image. Got {type(img)}")
    pixels = function(_pixels(img).permute(2, 0, 1)).permute(1, 2, 0).contiguous()
    return make_image(img.mode, (pixels.size(1), pixels.size(0)), bytes(pixels.numpy().tobytes()))


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    return _through_tensor(img, lambda t: t.flip(-1))


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    return _through_tensor(img, lambda t: t.flip(-2))


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """Add a border: `padding` is one number, (sides, top and bottom), or (left, top, right, bottom)."""
    if isinstance(padding, int):
        padding = [padding]
    left, top, right, bottom = (list(padding) * (4 // len(padding)))[:4]
    modes = {"constant": "constant", "edge": "replicate", "reflect": "reflect"}
    if padding_mode not in modes:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")

    def padded(t: Tensor) -> Tensor:
        sides = (left, right, top, bottom)
        if padding_mode == "constant":
            return flambeau.nn.functional.pad(t, sides, "constant", float(fill)).to(t.dtype)
        return flambeau.nn.functional.pad(t.unsqueeze(0).float(), sides, modes[padding_mode]).squeeze(0).to(t.dtype)

    return _through_tensor(img, padded)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The part from (top, left) on; outside the image it is 0."""
    if not isinstance(img, Tensor) and hasattr(img, "crop"):
        return img.crop((left, top, left + width, top + height))
    h, w = img.shape[-2:]
    part = img[..., max(top, 0) : min(top + height, h), max(left, 0) : min(left + width, w)]
    sides = (max(-left, 0), max(left + width - w, 0), max(-top, 0), max(top + height - h, 0))
    return flambeau.nn.functional.pad(part, sides) if any(sides) else part


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle, padded with 0 where the image is smaller."""
    size = [output_size] * 2 if isinstance(output_size, int) else list(output_size)
    height, width = (size * 2)[:2]
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        sides = [
            (width - w) // 2 if width > w else 0,
            (height - h) // 2 if height > h else 0,
            (width - w + 1) // 2 if width > w else 0,
            (height - h + 1) // 2 if height > h else 0,
        ]
        img = pad(img, sides, fill=0)
        _, h, w = get_dimensions(img)
        if width == w and height == h:
            return img
    return crop(img, int(round((h - height) / 2.0)), int(round((w - width) / 2.0)), height, width)


def _new_size(h: int, w: int, size: Any, max_size: int | None) -> tuple[int, int]:
    size = [size] if isinstance(size, int) else list(size)
    if len(size) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, i.e. size should be "
                "an int or a sequence of length 1 in torchscript mode."
            )
        return size[0], size[1]
    short, long = min(h, w), max(h, w)
    new_short, new_long = size[0], int(size[0] * long / short)
    if max_size is not None:
        if max_size <= new_short:
            raise ValueError(
                f"max_size = {max_size} must be strictly greater than the requested "
                f"size for the smaller edge size = {size}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if w <= h else (new_short, new_long)


def _weights(size: int, new: int, antialias: bool) -> Tensor:
    """The matrix that resamples a line of `size` values to `new`, by a triangle filter. Shape: `-> new size`."""
    scale = size / new
    reach = max(scale, 1.0) if antialias else 1.0
    rows = []
    for i in range(new):
        centre = (i + 0.5) * scale
        if antialias:
            row = [max(0.0, 1.0 - abs((j + 0.5 - centre) / reach)) for j in range(size)]
        else:
            at = min(max(centre - 0.5, 0.0), size - 1.0)
            row = [max(0.0, 1.0 - abs(j - at)) for j in range(size)]
        total = math.fsum(row)
        rows.append([value / total for value in row])
    return flambeau.tensor(rows)


def resize(
    img: Any,
    size: Any,
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """The image in another size: (height, width), or the length of the shorter edge."""
    _, h, w = get_dimensions(img)
    new_h, new_w = _new_size(h, w, size, max_size)
    if (h, w) == (new_h, new_w):
        return img
    if not isinstance(img, Tensor) and not type(img).__module__.startswith("flambeau"):
        return img.resize((new_w, new_h), _pillow_filter(interpolation))
    if interpolation is InterpolationMode.NEAREST:
        rows = flambeau.tensor([min(int(i * (h / new_h)), h - 1) for i in range(new_h)])
        cols = flambeau.tensor([min(int(i * (w / new_w)), w - 1) for i in range(new_w)])
        return _through_tensor(img, lambda t: t.index_select(-2, rows).index_select(-1, cols))
    if interpolation is not InterpolationMode.BILINEAR:
        raise NotImplementedError(f"resize: interpolation {interpolation.value} is not there yet")
    smooth = bool(antialias) or not isinstance(img, Tensor)
    down, across = _weights(h, new_h, smooth), _weights(w, new_w, smooth)

    def resampled(t: Tensor) -> Tensor:
        values = t if t.is_floating_point() else t.float()
        result = flambeau.matmul(flambeau.matmul(down.to(values.dtype), values), across.to(values.dtype).t())
        return result if t.is_floating_point() else result.round().to(t.dtype)

    return _through_tensor(img, resampled)


def _pillow_filter(interpolation: InterpolationMode) -> int:
    codes = {"nearest": 0, "nearest-exact": 0, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5, "lanczos": 1}
    return codes[interpolation.value]


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Grey, in one channel or three."""
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if not isinstance(img, Tensor):
        grey = img.convert("L")
        return grey if num_output_channels == 1 else grey.convert("RGB")
    red, green, blue = img.unbind(-3)
    mixed = (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)
    return mixed if num_output_channels == 1 else mixed.expand(img.shape)


to_grayscale = rgb_to_grayscale
