"""Transforms of images."""

from __future__ import annotations

from flambeau.vision.transforms import functional as functional
from flambeau.vision.transforms.functional import InterpolationMode as InterpolationMode
from flambeau.vision.transforms.geometry import (
    CenterCrop as CenterCrop,
    Pad as Pad,
    RandomCrop as RandomCrop,
    RandomHorizontalFlip as RandomHorizontalFlip,
    RandomVerticalFlip as RandomVerticalFlip,
    Resize as Resize,
)
from flambeau.vision.transforms.transforms import (
    Compose as Compose,
    ConvertImageDtype as ConvertImageDtype,
    Grayscale as Grayscale,
    Lambda as Lambda,
    Normalize as Normalize,
    PILToTensor as PILToTensor,
    RandomApply as RandomApply,
    ToPILImage as ToPILImage,
    ToTensor as ToTensor,
)
