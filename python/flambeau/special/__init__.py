"""Special functions: ``torch.special``. Every name is an operator of the engine."""

from __future__ import annotations

from typing import Any

from flambeau import _C


def __getattr__(name: str) -> Any:
    try:
        return getattr(_C.special, name)
    except AttributeError:
        raise AttributeError(f"module 'torch.special' has no attribute '{name}'") from None
