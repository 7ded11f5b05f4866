"""The backend MKL, which is not there; switches of it are kept but do nothing."""

from __future__ import annotations


def is_available() -> bool:
    """False: matrix products are Flambeau's own."""
    return False
