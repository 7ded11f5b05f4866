"""Linear algebra: ``torch.linalg``. Every name is an operator of the engine."""

from __future__ import annotations

from typing import Any

from flambeau import _C

LinAlgError = _C.LinAlgError


def __getattr__(name: str) -> Any:
    try:
        return getattr(_C.linalg, name)
    except AttributeError:
        raise AttributeError(f"module 'torch.linalg' has no attribute '{name}'") from None
