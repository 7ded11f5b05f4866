"""Settings of `torch.save` and `torch.load`, as PyTorch names them."""

from __future__ import annotations

import sys
from typing import Any


class load:
    """Of `torch.load`: whether files are mapped, how, and the order of bytes of those that do not say it."""

    mmap: bool = False
    endianness: Any = None
    mmap_flags: int | None = None if sys.platform == "win32" else 2


class save:
    """Of `torch.save`: whether checksums are written, and where the bytes of storages begin."""

    compute_crc32: bool = True
    storage_alignment: int = 64
