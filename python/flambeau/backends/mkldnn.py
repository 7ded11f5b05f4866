"""The backend oneDNN, which is not there; switches of it are kept but do nothing."""

from __future__ import annotations

enabled = True


def is_available() -> bool:
    """False: convolutions are Flambeau's own."""
    return False
