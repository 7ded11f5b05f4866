"""`torch.Size`: the sizes of a tensor."""

from __future__ import annotations

import math
import operator
from typing import Any, SupportsIndex


class Size(tuple[int, ...]):
    """A tuple of sizes that prints as ``torch.Size([2, 3])``."""

    __slots__ = ()

    def __new__(cls, sizes: Any = ()) -> Size:
        made = super().__new__(cls, sizes)
        for at, n in enumerate(made):
            if type(n) is not int:
                return cls._checked(made, at)
        return made

    @classmethod
    def _checked(cls, sizes: tuple[Any, ...], at: int) -> Size:
        """The same sizes as ints, of which number `at` is the first that is something else."""
        numbers = list(sizes)
        for i in range(at, len(numbers)):
            if not hasattr(numbers[i], "__index__"):
                name = type(numbers[i]).__name__
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{name}')")
            numbers[i] = operator.index(numbers[i])
        return super().__new__(cls, numbers)

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    __str__ = __repr__

    def numel(self) -> int:
        """The number of elements of a tensor of this size."""
        return math.prod(self)

    def __getitem__(self, index: Any) -> Any:
        part = tuple.__getitem__(self, index)
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Any:
        return Size(tuple(self) + tuple(other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return Size(tuple(other) + tuple(self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, n: SupportsIndex) -> Size:
        return Size(tuple(self) * n)

    __rmul__ = __mul__

    def __reduce__(self) -> tuple[type[Size], tuple[tuple[int, ...]]]:
        return Size, (tuple(self),)
