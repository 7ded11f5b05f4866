"""Transforms of what pixels mean: conversion, scaling, and putting transforms together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn import Module
from flambeau.vision.transforms import functional as F


def _listed(name: str, lines: Sequence[Any]) -> str:
    return f"{name}(" + "".join(f"\n    {line}" for line in lines) + "\n)"


class Compose:
    """Transforms one after the other.

    >>> Compose([ToTensor(), Normalize((0.5,), (0.5,))])
    Compose(
        ToTensor()
        Normalize(mean=(0.5,), std=(0.5,))
    )
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return _listed(type(self).__name__, self.transforms)


class ToTensor:
    """An image or array `H W C` as a tensor `C H W`; bytes become numbers from 0 to 1."""

    def __call__(self, pic: Any) -> Tensor:
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """An image as a tensor `C H W` of the same type."""

    def __call__(self, pic: Any) -> Tensor:
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype(Module):
    """An image tensor in another dtype, scaled to its range. Shape: `*s -> *s`."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Tensor) -> Tensor:
        return F.convert_image_dtype(image, self.dtype)


class ToPILImage:
    """A tensor `C H W` or array `H W C` as an image."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(" + (f"mode={self.mode}" if self.mode is not None else "") + ")"


class Normalize(Module):
    """`(x - mean) / std`, channel by channel. Shape: `*s C H W -> *s C H W`."""

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace
        self._values: tuple[Any, ...] = ()

    def forward(self, tensor: Tensor) -> Tensor:
        F.check_normalizable(tensor)
        # The two small tensors are made once for each dtype and pair of arguments.
        key = (tensor.dtype, self.mean, self.std)
        values = self._values
        if not values or values[0] is not key[0] or values[1] is not key[1] or values[2] is not key[2]:
            means, stds = F.channel_values(self.mean, tensor.dtype), F.channel_values(self.std, tensor.dtype)
            if (stds == 0).any():
                raise ValueError(
                    f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero."
                )
            if isinstance(self.mean, tuple) and isinstance(self.std, tuple):  # nobody can change them
                self._values = (*key, means, stds)
        else:
            means, stds = values[3:]
        if self.inplace:
            return tensor.sub_(means).div_(stds)
        return tensor.sub(means).div_(stds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class Lambda:
    """Any function as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Grayscale(Module):
    """Grey, in one channel or three."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomApply(Module):
    """A list of transforms, applied or not by one draw."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms = transforms
        self.p = p

    def forward(self, img: Any) -> Any:
        if self.p < flambeau.rand(1):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return _listed(type(self).__name__, [f"p={self.p}", *self.transforms])


def on_bytes(transform: Any, images: Tensor) -> Tensor | None:
    """A whole batch of byte images `N C H W` through ToTensor and Normalize; None for any other transform.

    Element by element these do to a batch what they do to each image, so the result is the same to the bit.
    """
    if type(transform) is ToTensor:
        return images.to(flambeau.get_default_dtype()).div_(255)
    if type(transform) is Compose and transform.transforms and type(transform.transforms[0]) is ToTensor:
        if all(type(t) is Normalize for t in transform.transforms[1:]):
            values = images.to(flambeau.get_default_dtype()).div_(255)
            for t in transform.transforms[1:]:
                values = t(values)
            return values
    return None
