"""The processor."""

from __future__ import annotations

import flambeau._C


def get_cpu_capability() -> str:
    """The instructions that kernels use: ``DEFAULT``, ``AVX2`` or ``AVX512``; ``FLAMBEAU_CPU_CAPABILITY`` lowers it."""
    return flambeau._C._get_cpu_capability()


__all__ = ["get_cpu_capability"]
