"""Images: datasets, transforms and grids, under the names of torchvision."""

from __future__ import annotations

from flambeau.vision import datasets as datasets, models as models, transforms as transforms, utils as utils
