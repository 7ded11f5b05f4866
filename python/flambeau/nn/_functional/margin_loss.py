"""Losses by margins, distances and distributions, as formulas on tensors where the engine has no operator."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import flambeau
from flambeau import _C, Tensor
from flambeau.nn._functional.activation import logsigmoid
from flambeau.nn._functional.loss import pick_reduction, reduce_loss


def _in_float32(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A loss that mixed precision leaves to float32, as it does the engine's own."""

    def widened(x: Any) -> Any:
        half = isinstance(x, Tensor) and x.dtype in (flambeau.bfloat16, flambeau.float16)
        return x.float() if half else x

    @functools.wraps(loss)
    def called(*args: Any, **kwargs: Any) -> Tensor:
        dtype = _C._autocast_dtype()
        if dtype is None:
            return loss(*args, **kwargs)
        _C._set_autocast(None)
        try:
            return loss(*map(widened, args), **{name: widened(x) for name, x in kwargs.items()})
        finally:
            _C._set_autocast(dtype)

    return called


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of `x1 - x2` along the last dimension. Shape: `*s D, *s D -> *s`."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between `x1` and `x2` along `dim`. Shape: `*s, *s -> *s without dim`."""
    if not (x1.is_floating_point() or x2.is_floating_point()):
        raise RuntimeError("expected common dtype to be floating point, yet common dtype is " + _title(x1))
    shape = flambeau.broadcast_shapes(x1.shape, x2.shape)
    x1, x2 = x1.expand(shape), x2.expand(shape)
    first = x1 / x1.norm(2, dim, True).clamp(min=eps)
    second = x2 / x2.norm(2, dim, True).clamp(min=eps)
    return (first * second).sum(dim)


def _title(x: Tensor) -> str:
    """The dtype as PyTorch's C++ calls it."""
    name = str(x.dtype).removeprefix("torch.")
    return {"int64": "Long", "int32": "Int", "int16": "Short", "int8": "Char", "uint8": "Byte"}.get(name, name.title())


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """`input` divided by its p-norm along `dim`. Shape: `*s -> *s`."""
    norm = input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)
    return input / norm if out is None else flambeau.div(input, norm, out=out)


@_in_float32
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of counts under a Poisson distribution. Shape: `*s, *s -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        safe = target.clamp(min=1)
        stirling = target * safe.log() - target + 0.5 * (2 * math.pi * safe).log()
        loss = loss + flambeau.where(target > 1, stirling, flambeau.zeros_like(stirling))
    return reduce_loss(loss, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Negative log-likelihood under normal distributions of variance `var`. Shape: `*s, *s, *s -> ()`."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * flambeau.ones_like(input)
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        else:
            differing = [b for a, b in zip(input.size(), var.size(), strict=False) if a != b]
            if input.dim() != var.dim() or sum(differing) != 1:
                raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    var = var.clone()
    with flambeau.no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce_loss(loss, reduction)


@_in_float32
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`max(0, -target * (input1 - input2) + margin)`. Shape: `*s, *s, *s -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    if input1.dim() != input2.dim() or input1.dim() != target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduce_loss((-target * (input1 - input2) + float(margin)).clamp(min=0), reduction)


@_in_float32
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where the target is 1, `max(0, margin - x)` where it is -1. Shape: `*s, *s -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    zero = flambeau.zeros_like(input)
    far = flambeau.where(target != 1, (flambeau.full_like(input, margin) - input).clamp(min=0), zero)
    return reduce_loss(far + flambeau.where(target != -1, input, zero), reduction)


@_in_float32
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`log(1 + exp(-target * x))`. Shape: `*s, *s -> ()`."""
    return reduce_loss(-logsigmoid(input * target), pick_reduction(size_average, reduce, reduction))


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """One-against-all logistic loss over classes. Shape: `N C, N C -> ()`."""
    if size_average is not None or reduce is not None:
        reduction = pick_reduction(size_average, reduce, reduction)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    loss = loss.sum(dim=-1) / input.size(-1)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    return reduce_loss(loss, reduction)


@_in_float32
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`1 - cos` where the target is 1, `max(0, cos - margin)` where it is -1. Shape: `N D, N D, N -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    if target.dim() not in (0, 1):
        raise RuntimeError(
            f"0D or 1D target tensor expected, multi-target not supported, got target of shape: {list(target.shape)}"
        )
    if tuple(input1.shape[:-1]) != tuple(input2.shape[:-1]) or input1.dim() != target.dim() + 1:
        size = f"{target.dim()}D target tensor expects {target.dim() + 1}D input tensors"
        raise RuntimeError(f"{size}, but found inputs with sizes {list(input1.shape)} and {list(input2.shape)}.")
    eps = 1e-12
    dot = (input1 * input2).sum(-1)
    cos = dot / (((input1 * input1).sum(-1) + eps) * ((input2 * input2).sum(-1) + eps)).sqrt()
    zero = flambeau.zeros_like(cos)
    near = flambeau.where(target == 1, 1 - cos, zero)
    return reduce_loss(near + flambeau.where(target == -1, (cos - margin).clamp(min=0), zero), reduction)


def _check_classes(input: Tensor) -> None:
    """A vector of classes, or a matrix with a row a sample."""
    if input.dim() > 2 or (input.dim() > 0 and input.size(-1) == 0):
        raise RuntimeError(
            f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input.shape)}"
        )


@_in_float32
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`sum over other classes of max(0, margin - x[y] + x[i])**p / C`. Shape: `N C, N -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    _check_classes(input)
    samples = input.size(0) if input.dim() == 2 else 1
    if target.dim() > 1 or target.numel() != samples:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples "
            f"(batch size). Expected target size [{samples}], but got {list(target.shape)}. "
            f"Input has shape {list(input.shape)}."
        )
    classes = input.size(-1) if input.dim() else 1
    if weight is not None and weight.numel() != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    if target.dtype != flambeau.int64:
        raise RuntimeError("expected scalar type Long but found " + _title(target))
    batch, labels = input.reshape(samples, -1), target.reshape(-1)
    right = batch.gather(1, labels.unsqueeze(1))
    excess = (margin - right + batch).clamp(min=0)
    if p == 2:
        excess = excess.square()
    if weight is not None:
        excess = excess * weight[labels].unsqueeze(1)
    loss = excess.scatter(1, labels.unsqueeze(1), 0.0).sum(1) / batch.size(1)
    return reduce_loss(loss if target.dim() == 1 else loss.squeeze(0), reduction)


def _multilabel_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    _check_classes(input)
    if target.shape != input.shape and not (input.dim() < 2 and target.dim() < 2 and target.numel() == input.numel()):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}")
    rows, labels = (input.reshape(1, -1), target.reshape(1, -1)) if input.dim() < 2 else (input, target)
    ended = (labels < 0).cumsum(1) > 0  # labels count only up to the first -1
    column = flambeau.where(ended, flambeau.zeros_like(labels), labels)
    hits = rows.new_zeros(rows.shape).scatter_add(1, column, (~ended).to(rows.dtype))
    positive = (~ended).to(rows.dtype)
    right = rows.gather(1, column)
    excess = (1 - right.unsqueeze(2) + rows.unsqueeze(1)).clamp(min=0)
    excess = excess * positive.unsqueeze(2) * (hits == 0).to(rows.dtype).unsqueeze(1)
    loss = excess.sum((1, 2)) / rows.size(1)
    return reduce_loss(loss if input.dim() == 2 else loss.squeeze(0), reduction)


@_in_float32
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge loss between labelled and other classes. Shape: `N C, N C -> ()`."""
    return _multilabel_margin_loss(input, target, reduction=pick_reduction(size_average, reduce, reduction))


@_in_float32
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """`max(0, d(anchor, positive) - d(anchor, negative) + margin)`. Shape: `*s D, *s D, *s D -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return reduce_loss(_triplet(anchor, positive, negative, distance, margin, swap), reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """The triplet loss with a distance of one's own. Shape: `*s D, *s D, *s D -> ()`."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    loss = _triplet(anchor, positive, negative, distance_function or pairwise_distance, margin, swap)
    return reduce_loss(loss, reduction)


def _triplet(
    anchor: Tensor, positive: Tensor, negative: Tensor, distance: Callable[..., Tensor], margin: float, swap: bool
) -> Tensor:
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        other = distance(positive, negative)
        far = flambeau.where(far < other, far, other)
    return (margin + near - far).clamp(min=0)
