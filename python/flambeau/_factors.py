"""Factors of matrices that are Python over operators: LU in PyTorch's older form, and approximations of low rank."""

from __future__ import annotations

from typing import Any

from flambeau import _C

__all__ = ["lu", "pca_lowrank", "svd_lowrank"]


def lu(A: Any, pivot: bool = True, get_infos: bool = False, out: Any = None) -> Any:
    """The LU factors of matrices in one and the rows swapped, from 1; with `get_infos` also where a pivot is 0."""
    found = _C._lu_with_info(A, pivot, not get_infos)
    result = tuple(found) if get_infos else tuple(found)[:2]
    if out is None:
        return result
    if not isinstance(out, (tuple, list)):
        raise TypeError(f"argument 'out' must be tuple of Tensors, not {type(out).__name__}")
    if len(out) != len(result):
        raise TypeError(f"expected tuple of {len(result)} elements but got {len(out)}")
    for given, made in zip(out, result, strict=True):
        given.resize_(made.shape).copy_(made)
    return out


def _approximate_basis(A: Any, q: int, niter: int | None, M: Any) -> Any:
    """`q` orthonormal columns that span most of `A - M`: Halko, Martinsson and Tropp (2009), algorithm 4.4."""

    def times(left: Any, minus: Any, right: Any) -> Any:
        product = left @ right
        return product if minus is None else product - minus @ right

    dtype = A.dtype if A.is_floating_point() or A.is_complex() else _C.float32
    random = _C.randn(A.shape[-1], q, dtype=dtype, device=A.device)
    Q = _C.linalg.qr(times(A, M, random)).Q
    for _ in range(2 if niter is None else niter):
        Q = _C.linalg.qr(times(A.mH, None if M is None else M.mH, Q)).Q
        Q = _C.linalg.qr(times(A, M, Q)).Q
    return Q


def svd_lowrank(A: Any, q: int | None = 6, niter: int | None = 2, M: Any = None) -> tuple[Any, Any, Any]:
    """`U`, `S` and `V` of an approximation of `A - M` of rank `q`, found from random directions."""
    q = 6 if q is None else q
    if M is not None:
        M = M.broadcast_to(A.shape)
    wide = A.shape[-2] < A.shape[-1]
    if wide:
        A, M = A.mH, None if M is None else M.mH
    Q = _approximate_basis(A, q, niter, M)
    B = Q.mH @ A
    if M is not None:
        B = B - Q.mH @ M
    U, S, Vh = _C.linalg.svd(B, full_matrices=False)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> tuple[Any, Any, Any]:
    """The principal components of the rows of `A`: `U`, `S` and `V` of rank `q`; `center` takes the mean away first."""
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if center:
        A = A - A.mean(dim=(-2,), keepdim=True)
    return svd_lowrank(A, q, niter=niter)
