"""OpenMP, which is not there: threads are the engine's own."""

from __future__ import annotations


def is_available() -> bool:
    """False: it is not there."""
    return False
