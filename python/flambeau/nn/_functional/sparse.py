"""Lookup in tables, and products with them."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor

_embedding: Any = flambeau.embedding


def _renormalize(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the rows that are looked up down to `max_norm`, in place."""
    with flambeau.no_grad():
        rows = flambeau.unique(input)
        values = weight[rows]
        norms = values.norm(norm_type, 1, keepdim=True)
        scale = flambeau.where(norms > max_norm, max_norm / (norms + 1e-7), flambeau.ones_like(norms))
        weight[rows] = values * scale


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` at the indices `input`. Shape: `*s, V D -> *s D`.

    >>> F.embedding(torch.tensor([1]), torch.tensor([[1.], [2.]]))
    tensor([[2.]])
    """
    if padding_idx is None:
        padding_idx = -1
    elif not -weight.size(0) <= padding_idx < weight.size(0):
        raise AssertionError("Padding_idx must be within num_embeddings")
    elif padding_idx < 0:
        padding_idx += weight.size(0)
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    if padding_idx == -1 and not scale_grad_by_freq and not sparse:
        return _embedding(weight, input)
    return _embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x1 A x2 + b`. Shape: `*s I, *s J, O I J, O -> *s O`."""
    left = flambeau.matmul(input1.unsqueeze(-2).unsqueeze(-2), weight)  # *s O 1 J
    result = (left.squeeze(-2) * input2.unsqueeze(-2)).sum(-1)
    return result if bias is None else result + bias
