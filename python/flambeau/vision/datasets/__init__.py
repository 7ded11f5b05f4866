"""Image datasets."""

from __future__ import annotations

from flambeau.vision.datasets.fakedata import FakeData as FakeData
from flambeau.vision.datasets.mnist import KMNIST as KMNIST
from flambeau.vision.datasets.mnist import MNIST as MNIST
from flambeau.vision.datasets.mnist import FashionMNIST as FashionMNIST
from flambeau.vision.datasets.vision import VisionDataset as VisionDataset
