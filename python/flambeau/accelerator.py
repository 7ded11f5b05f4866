"""``torch.accelerator``: programs ask it which device to use. There is none beside the CPU, and the module says so.

>>> torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
'cpu'
"""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = [
    "current_accelerator",
    "current_device_index",
    "device_count",
    "empty_cache",
    "is_available",
    "max_memory_allocated",
    "max_memory_reserved",
    "memory_allocated",
    "memory_reserved",
    "set_device_index",
    "synchronize",
]


class AcceleratorError(RuntimeError):
    """An error of an accelerator: `torch.AcceleratorError`. Nothing raises it here."""


class OutOfMemoryError(RuntimeError):
    """An accelerator has no memory left: `torch.OutOfMemoryError`. The CPU's is a RuntimeError, as in PyTorch."""


for _error in (AcceleratorError, OutOfMemoryError):
    _error.__module__ = "torch"


def _refused() -> NoReturn:
    raise RuntimeError("Cannot access accelerator device when none is available.")


def is_available() -> bool:
    """False: Flambeau runs on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""


def current_device_index() -> int:
    """Refused: there is no accelerator."""
    _refused()


def set_device_index(device: Any, /) -> None:
    """Refused: there is no accelerator."""
    _refused()


def synchronize(device: Any = None, /) -> None:
    """Refused: there is nothing to wait for."""
    _refused()


def empty_cache() -> None:
    """Nothing is cached on an accelerator."""


def memory_allocated(device_index: Any = None, /) -> int:
    """0."""
    return 0


def memory_reserved(device_index: Any = None, /) -> int:
    """0."""
    return 0


def max_memory_allocated(device_index: Any = None, /) -> int:
    """0."""
    return 0


def max_memory_reserved(device_index: Any = None, /) -> int:
    """0."""
    return 0
