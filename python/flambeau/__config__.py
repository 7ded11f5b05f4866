"""How this Flambeau was built: ``torch.__config__``."""

from __future__ import annotations

import os

from flambeau import _C
from flambeau.version import __version__


def show() -> str:
    """The build in words."""
    return f"PyTorch built with:\n  - Flambeau {__version__}, kernels in Rust\n  - CPU only\n"


def parallel_info() -> str:
    """The threads that operators use, in words."""
    return (
        "ATen/Parallel:\n"
        f"\tat::get_num_threads() : {_C.get_num_threads()}\n"
        f"\tat::get_num_interop_threads() : {_C.get_num_threads()}\n"
        f"Environment variables:\n\tOMP_NUM_THREADS : {os.environ.get('OMP_NUM_THREADS', '[not set]')}\n"
    )
