"""The backend Apple's GPUs, which is not there; switches of it are kept but do nothing."""

from __future__ import annotations


def is_available() -> bool:
    """False: it is not there."""
    return False


def is_built() -> bool:
    """False: it is not there."""
    return False
