"""Images: datasets, transforms and grids, under the names of torchvision."""

from __future__ import annotations

from flambeau.vision import datasets as datasets
from flambeau.vision import transforms as transforms
from flambeau.vision import utils as utils
