"""``torch.functional``: names of `torch` that PyTorch writes in Python."""

from __future__ import annotations

from typing import Any

import flambeau

_NAMES = (
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "align_tensors",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "cartesian_prod",
    "cdist",
    "chain_matmul",
    "einsum",
    "lu",
    "meshgrid",
    "norm",
    "split",
    "stft",
    "istft",
    "tensordot",
    "unique",
    "unique_consecutive",
    "unravel_index",
)
__all__ = [name for name in _NAMES if hasattr(flambeau, name)]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(flambeau, name)
    raise AttributeError(f"module 'torch.functional' has no attribute '{name}'")
