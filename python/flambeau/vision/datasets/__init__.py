"""Image datasets."""

from __future__ import annotations

from flambeau.vision.datasets.fakedata import FakeData as FakeData
from flambeau.vision.datasets.mnist import KMNIST as KMNIST, MNIST as MNIST, FashionMNIST as FashionMNIST
from flambeau.vision.datasets.vision import VisionDataset as VisionDataset
