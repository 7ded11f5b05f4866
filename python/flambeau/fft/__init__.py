"""Discrete Fourier transforms: ``torch.fft``. Every name is an operator of the engine."""

from __future__ import annotations

from typing import Any

from flambeau import _C


def __getattr__(name: str) -> Any:
    try:
        return getattr(_C.fft, name)
    except AttributeError:
        raise AttributeError(f"module 'torch.fft' has no attribute '{name}'") from None
