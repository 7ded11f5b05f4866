"""The backend CUDA, which is not there; switches of it are kept but do nothing."""

from __future__ import annotations


def is_built() -> bool:
    """False: it is not there."""
    return False


class _MatrixProducts:
    """Switches for matrix products on a GPU."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _MatrixProducts()
