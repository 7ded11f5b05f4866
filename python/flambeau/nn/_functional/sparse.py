"""Lookup in tables, and products with them."""

from __future__ import annotations

import warnings
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
    outs, ins, others = weight.shape
    left = flambeau.matmul(input1, weight.transpose(0, 1).reshape(ins, outs * others))  # *s (O J)
    left = left.reshape(*input1.shape[:-1], outs, others)
    result = flambeau.matmul(left, input2.unsqueeze(-1)).squeeze(-1)
    return result if bias is None else result + bias


_BAGS = {"sum": 0, "mean": 1, "max": 2}


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Rows of `weight` added up, averaged or compared in bags. Shape: `N L, V D -> N D`, or `L, V D, N -> N D`.

    >>> F.embedding_bag(torch.tensor([[0, 1]]), torch.tensor([[1.], [3.]]))
    tensor([[2.]])
    """
    if weight.dtype == flambeau.int64 and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. "
            "Usage `embedding_bag(weight, input, ...)` is deprecated, "
            "and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, "
            f"then it must have the same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of"
                f" fixed length sequences. However, found offsets of type {type(offsets)}"
            )
        step = input.size(1)
        offsets = flambeau.arange(input.size(0), dtype=input.dtype, device=input.device) * step
        include_last_offset = False
        input = input.reshape(-1)
        per_sample_weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    elif input.dim() == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.dim() != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if mode not in _BAGS:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. "
            "per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    return flambeau.embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        _BAGS[mode],
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )[0]
