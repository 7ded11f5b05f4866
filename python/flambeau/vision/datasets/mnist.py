"""MNIST and datasets in its format."""

from __future__ import annotations

import gzip
import math
import os
import shutil
import struct
import warnings
from collections.abc import Callable
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.vision.datasets.download import download, replacing
from flambeau.vision.datasets.vision import VisionDataset
from flambeau.vision.image import make_image


def _shape_in(file: Any, path: str) -> tuple[int, ...]:
    """Read the header of an IDX file of bytes."""
    magic = file.read(4)
    if len(magic) != 4 or magic[:3] != b"\0\0\x08":
        raise RuntimeError(f"{path} is not an IDX file of bytes")
    dims = magic[3]
    return struct.unpack(f">{dims}I", file.read(4 * dims))


def _is_whole(path: str) -> bool:
    """Whether an unpacked IDX file is there with as many bytes as its header says."""
    try:
        with open(path, "rb") as file:
            shape = _shape_in(file, path)
            return os.path.getsize(path) == 4 + 4 * len(shape) + math.prod(shape)
    except (OSError, RuntimeError, struct.error):
        return False


def read_idx(path: str) -> Tensor:
    """An IDX file of bytes as a tensor, from `path` or from `path` with .gz added."""
    opened: Any = open(path, "rb") if os.path.isfile(path) else gzip.open(path + ".gz", "rb")
    with opened as file:
        shape = _shape_in(file, path)
        data = bytearray(file.read())
    if len(data) != math.prod(shape):
        raise RuntimeError(f"{path} should hold {math.prod(shape)} bytes, but has {len(data)}")
    return flambeau.frombuffer(data, dtype=flambeau.uint8).view(*shape)


class MNIST(VisionDataset):
    """70,000 handwritten digits: images of 28 x 28 bytes, targets from 0 to 9.

    The files are looked for, packed or unpacked, in `root/MNIST/raw`. With `download=True` what is missing is fetched
    from the mirrors; the environment variable FLAMBEAU_MNIST_MIRRORS (a comma list of URLs) replaces these.

    >>> trainset = MNIST("data", train=True, download=True, transform=ToTensor())  # doctest: +SKIP
    """

    mirrors = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ]
    resources = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes = [
        "0 - zero",
        "1 - one",
        "2 - two",
        "3 - three",
        "4 - four",
        "5 - five",
        "6 - six",
        "7 - seven",
        "8 - eight",
        "9 - nine",
    ]

    def __init__(
        self,
        root: Any,
        train: bool = True,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        download: bool = False,
    ) -> None:
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        self.data, self.targets = self._load_data()

    @property
    def raw_folder(self) -> str:
        """Where the files are."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def processed_folder(self) -> str:
        """Where older versions kept converted files."""
        return os.path.join(self.root, type(self).__name__, "processed")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class."""
        return {name: i for i, name in enumerate(self.classes)}

    def _check_exists(self) -> bool:
        paths = [os.path.join(self.raw_folder, name) for name, _ in self.resources]
        return all(_is_whole(path.removesuffix(".gz")) or os.path.isfile(path) for path in paths)

    def _load_data(self) -> tuple[Tensor, Tensor]:
        start = os.path.join(self.raw_folder, "train" if self.train else "t10k")
        return read_idx(f"{start}-images-idx3-ubyte"), read_idx(f"{start}-labels-idx1-ubyte").long()

    def _mirrors(self) -> list[str]:
        given = os.environ.get(f"FLAMBEAU_{type(self).__name__.upper()}_MIRRORS", "")
        return [url.strip() for url in given.split(",") if url.strip()] or self.mirrors

    def download(self) -> None:
        """Fetch and unpack what is missing."""
        os.makedirs(self.raw_folder, exist_ok=True)
        for name, md5 in self.resources:
            unpacked = os.path.join(self.raw_folder, name.removesuffix(".gz"))
            if _is_whole(unpacked):
                continue
            packed = download(self._mirrors(), name, self.raw_folder, md5)
            with gzip.open(packed, "rb") as source, replacing(unpacked) as target:
                shutil.copyfileobj(source, target)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        pixels, target = self.data[index], int(self.targets[index])
        height, width = pixels.shape
        img = make_image("L", (width, height), pixels.numpy().tobytes())
        if self.transform is not None:
            img = self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target

    def _whole_batch(self, indices: list[int]) -> list[Tensor] | None:
        """A collated batch in one piece, where the transforms allow it."""
        from flambeau.vision.transforms.transforms import on_bytes

        if self.target_transform is not None or self.transform is None:
            return None
        at = flambeau.tensor(indices)
        images = on_bytes(self.transform, self.data[at].unsqueeze(1))
        return None if images is None else [images, self.targets[at]]

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train is True else 'Test'}"

    def _renamed(self, old: str, new: str) -> Tensor:
        warnings.warn(f"{old} has been renamed {new}", stacklevel=3)
        return getattr(self, new)

    @property
    def train_labels(self) -> Tensor:
        """The old name of `targets`."""
        return self._renamed("train_labels", "targets")

    @property
    def test_labels(self) -> Tensor:
        """The old name of `targets`."""
        return self._renamed("test_labels", "targets")

    @property
    def train_data(self) -> Tensor:
        """The old name of `data`."""
        return self._renamed("train_data", "data")

    @property
    def test_data(self) -> Tensor:
        """The old name of `data`."""
        return self._renamed("test_data", "data")


class FashionMNIST(MNIST):
    """70,000 pictures of clothes in MNIST's format."""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """70,000 Japanese characters in MNIST's format."""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]
