"""Names for annotations: ``torch.types``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from flambeau import _C
from flambeau._C import Tensor as Tensor
from flambeau._size import Size as Size

__all__ = ["Device", "Number", "Size", "Storage", "Tensor"]

Number: TypeAlias = int | float | bool
Device: TypeAlias = _C.device | str | int | None
Storage: TypeAlias = object

# PyTorch's own sources use these, and programs after them.
_int, _float, _bool, _complex = int, float, bool, complex
_dtype, _device, _layout = _C.dtype, _C.device, _C.layout
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
