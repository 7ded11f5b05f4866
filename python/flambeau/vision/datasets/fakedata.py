"""Random images, for trying a program out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau
from flambeau.vision.datasets.vision import VisionDataset
from flambeau.vision.transforms import ToPILImage


class FakeData(VisionDataset):
    """Random images with random targets, the same for the same index.

    >>> len(FakeData(size=10))
    10
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable[..., Any] | None = None,
        target_transform: Callable[..., Any] | None = None,
        random_offset: int = 0,
    ) -> None:
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        state = flambeau.get_rng_state()
        flambeau.manual_seed(index + self.random_offset)
        pixels = flambeau.randn(*self.image_size)
        target: Any = flambeau.randint(0, self.num_classes, size=(1,), dtype=flambeau.long)[0]
        flambeau.set_rng_state(state)
        img = ToPILImage()(pixels)
        if self.transform is not None:
            img = self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target.item()

    def __len__(self) -> int:
        return self.size
