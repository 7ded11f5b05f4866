"""Image datasets."""

from __future__ import annotations

from flambeau.vision.datasets.fakedata import FakeData as FakeData
from flambeau.vision.datasets.mnist import FashionMNIST as FashionMNIST, KMNIST as KMNIST, MNIST as MNIST
from flambeau.vision.datasets.vision import VisionDataset as VisionDataset
