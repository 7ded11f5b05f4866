"""``torch.mps``: there is no backend for Apple's GPUs, and the module says so."""

from __future__ import annotations

from typing import NoReturn

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "synchronize"]


def _refused(what: str) -> NoReturn:
    raise RuntimeError(f"Cannot execute {what}() without MPS backend.")


def is_available() -> bool:
    """False: Flambeau runs on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def empty_cache() -> None:
    """Refused: nothing is cached."""
    _refused("emptyCache")


def synchronize() -> None:
    """Refused: there is nothing to wait for."""
    _refused("deviceSynchronize")
