"""``torch.cuda``: there is no GPU backend, and the module says so."""

from __future__ import annotations

import importlib
from typing import Any, NoReturn


def is_available() -> bool:
    """False: Flambeau runs on the CPU."""
    return False


def is_initialized() -> bool:
    """False: there is nothing to initialize."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no GPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed."""


def empty_cache() -> None:
    """Nothing is cached on a GPU."""


def memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """0."""
    return 0


def _refused() -> NoReturn:
    raise RuntimeError("Flambeau was built without CUDA: torch.cuda.is_available() is False, use the CPU")


def synchronize(device: Any = None) -> None:
    """Refused: there is nothing to wait for."""
    _refused()


def current_device() -> int:
    """Refused: there is no GPU."""
    _refused()


def set_device(device: Any) -> None:
    """Refused: there is no GPU."""
    _refused()


def get_device_name(device: Any = None) -> str:
    """Refused: there is no GPU."""
    _refused()


def get_device_properties(device: Any = None) -> Any:
    """Refused: there is no GPU."""
    _refused()


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Refused: there is no GPU."""
    _refused()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Refused: there is no GPU."""
    _refused()


def __getattr__(name: str) -> Any:
    if name == "amp":
        return importlib.import_module("flambeau.cuda.amp")
    if name == "OutOfMemoryError":
        return importlib.import_module("flambeau.accelerator").OutOfMemoryError
    raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
