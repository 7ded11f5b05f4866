"""Transforms of images."""

from __future__ import annotations

from flambeau.vision.transforms import functional as functional
from flambeau.vision.transforms.functional import InterpolationMode as InterpolationMode
from flambeau.vision.transforms.geometry import (
    CenterCrop as CenterCrop,
)
from flambeau.vision.transforms.geometry import (
    Pad as Pad,
)
from flambeau.vision.transforms.geometry import (
    RandomCrop as RandomCrop,
)
from flambeau.vision.transforms.geometry import (
    RandomHorizontalFlip as RandomHorizontalFlip,
)
from flambeau.vision.transforms.geometry import (
    RandomVerticalFlip as RandomVerticalFlip,
)
from flambeau.vision.transforms.geometry import (
    Resize as Resize,
)
from flambeau.vision.transforms.transforms import (
    Compose as Compose,
)
from flambeau.vision.transforms.transforms import (
    ConvertImageDtype as ConvertImageDtype,
)
from flambeau.vision.transforms.transforms import (
    Grayscale as Grayscale,
)
from flambeau.vision.transforms.transforms import (
    Lambda as Lambda,
)
from flambeau.vision.transforms.transforms import (
    Normalize as Normalize,
)
from flambeau.vision.transforms.transforms import (
    PILToTensor as PILToTensor,
)
from flambeau.vision.transforms.transforms import (
    RandomApply as RandomApply,
)
from flambeau.vision.transforms.transforms import (
    ToPILImage as ToPILImage,
)
from flambeau.vision.transforms.transforms import (
    ToTensor as ToTensor,
)
