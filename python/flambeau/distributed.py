"""``torch.distributed``: there is one process, and the module says so."""

from __future__ import annotations


def is_available() -> bool:
    """False: training over several machines is not offered."""
    return False


def is_initialized() -> bool:
    """False: there is no group of processes."""
    return False


def is_torchelastic_launched() -> bool:
    """False: nothing launches groups of processes."""
    return False
