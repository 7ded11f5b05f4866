"""``torch.cuda``: there is no GPU backend, and the module says so."""

from __future__ import annotations

import importlib
from typing import Any


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


def synchronize(device: Any = None) -> None:
    """Refused: there is nothing to wait for."""
    raise RuntimeError("Flambeau was built without CUDA: torch.cuda.is_available() is False, use the CPU")


def current_device() -> int:
    """Refused: there is no GPU."""
    raise RuntimeError("Flambeau was built without CUDA: torch.cuda.is_available() is False, use the CPU")


def __getattr__(name: str) -> Any:
    if name == "amp":
        return importlib.import_module("flambeau.cuda.amp")
    raise AttributeError(f"module 'torch.cuda' has no attribute '{name}'")
