"""Models: ``torchvision.models``, with the names of its state dicts and its initial weights from the same seed.

Weights trained by others are not offered: a state dict that torchvision saved can be loaded.

>>> from flambeau.vision import models
>>> model = models.resnet18(num_classes=10)
>>> sum(p.numel() for p in model.parameters())
11181642
"""

from __future__ import annotations

from flambeau.vision.models import (
    alexnet as _alexnet,
    densenet as _densenet,
    mobilenetv2 as mobilenetv2,
    resnet as resnet,
    squeezenet as squeezenet,
    vgg as vgg,
)
from flambeau.vision.models._build import get_model, get_model_builder, list_models
from flambeau.vision.models.alexnet import *  # noqa: F403
from flambeau.vision.models.densenet import *  # noqa: F403
from flambeau.vision.models.mobilenetv2 import *  # noqa: F403
from flambeau.vision.models.resnet import *  # noqa: F403
from flambeau.vision.models.squeezenet import *  # noqa: F403
from flambeau.vision.models.vgg import *  # noqa: F403

__all__ = ["get_model", "get_model_builder", "list_models"]
for _module in (_alexnet, _densenet, mobilenetv2, resnet, squeezenet, vgg):
    __all__ += _module.__all__  # type: ignore[attr-defined]
