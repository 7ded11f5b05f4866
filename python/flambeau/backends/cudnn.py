"""The backend cuDNN, which is not there; switches of it are kept but do nothing."""

from __future__ import annotations

enabled = True
benchmark = False
benchmark_limit = 10
deterministic = False
allow_tf32 = True


def is_available() -> bool:
    """False: it is not there."""
    return False


def version() -> None:
    """None: it is not there."""
    return None
