"""The memory under tensors: ``torch.storage``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from flambeau import _C
from flambeau._C import UntypedStorage as UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]

_warned = False


def _warn_typed() -> None:
    """Says once that storages with a dtype are on their way out."""
    global _warned
    if not _warned:
        _warned = True
        warnings.warn(
            "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage "
            "class. This should only matter to you if you are using storages directly.  To access UntypedStorage "
            "directly, use tensor.untyped_storage() instead of tensor.storage()",
            UserWarning,
            stacklevel=3,
        )


class TypedStorage:
    """Bytes of memory read as elements of one dtype.

    >>> torch.tensor([1., 2.]).storage().tolist()
    [1.0, 2.0]
    """

    dtype: Any

    def __init__(self, *, wrap_storage: Any, dtype: Any, _internal: bool = False) -> None:
        if not _internal:
            _warn_typed()
        self._untyped_storage = wrap_storage
        self.dtype = dtype

    @classmethod
    def _over(cls, storage: Any, dtype: Any) -> TypedStorage:
        return cls(wrap_storage=storage, dtype=dtype, _internal=True)

    def _elements(self) -> Any:
        """The elements as a tensor over this memory."""
        return self._untyped_storage._tensor(self.dtype, 0, (len(self),), (1,))

    def untyped(self) -> Any:
        """The bytes without a dtype."""
        return self._untyped_storage

    @property
    def device(self) -> Any:
        return self._untyped_storage.device

    @property
    def is_cuda(self) -> bool:
        return False

    def __len__(self) -> int:
        return int(self.nbytes() // self.element_size())

    def size(self) -> int:
        """How many elements there are."""
        return len(self)

    def nbytes(self) -> int:
        """How many bytes there are."""
        return int(self._untyped_storage.nbytes())

    def element_size(self) -> int:
        """How many bytes an element takes."""
        return int(_C.empty(0, dtype=self.dtype).element_size())

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self._untyped_storage.data_ptr())

    def __getitem__(self, index: Any) -> Any:
        part = self._elements()[index]
        return part.tolist() if isinstance(index, slice) else part.item()

    def __setitem__(self, index: Any, value: Any) -> None:
        self._elements()[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """The elements as Python numbers."""
        values: list[Any] = self._elements().tolist()
        return values

    def fill_(self, value: Any) -> TypedStorage:
        """Writes one value over all elements."""
        self._elements().fill_(value)
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> TypedStorage:
        """Writes the elements of another storage."""
        self._elements().copy_(source._elements())
        return self

    def clone(self) -> TypedStorage:
        """The same elements in memory of their own."""
        return TypedStorage._over(self._untyped_storage.clone(), self.dtype)

    def cpu(self) -> TypedStorage:
        """The storage itself: it is in the processor's memory."""
        return self

    def is_shared(self) -> bool:
        """False: no other process sees the memory."""
        return False

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, TypedStorage) and self.dtype == other.dtype
        return same and self.data_ptr() == other.data_ptr()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((self.data_ptr(), self.dtype))

    def __str__(self) -> str:
        info = f"[{'torch.storage.TypedStorage'}(dtype={self.dtype}, device={self.device}) of size {len(self)}]"
        return "\n".join([*(f" {x}" for x in self.tolist()), info])

    __repr__ = __str__
