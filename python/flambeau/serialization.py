"""Saving and loading: ``torch.save``, ``torch.load``. Files are PyTorch's; nothing in one ever runs."""

from __future__ import annotations

import os
from typing import Any

from flambeau import _C


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes tensors, state dicts and containers of them to a path or a file object, in PyTorch's ``.pt`` format.

    A path is written whole or not at all: the file appears under its name when it is complete.
    """
    if isinstance(f, (str, os.PathLike)):
        _C._save(obj, os.fspath(f))
        return
    f.write(_C._save(obj, None))


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **_pickle_load_args: Any,
) -> Any:
    """Reads a file written by `save`, or by PyTorch. Objects that are not on the allow-list are refused by name."""
    if isinstance(f, (str, os.PathLike)):
        return _C._load(os.fspath(f))
    return _C._load(bytes(f.read()))


def load_safetensors(path: Any) -> dict[str, _C.Tensor]:
    """Reads a safetensors file."""
    return _C._load_safetensors(os.fspath(path))[0]


def save_safetensors(tensors: dict[str, _C.Tensor], path: Any, metadata: dict[str, str] | None = None) -> None:
    """Writes a dictionary of tensors as a safetensors file."""
    _C._save_safetensors(tensors, os.fspath(path), metadata)
