"""Loss functions that the engine computes, with PyTorch's older arguments and checks."""

from __future__ import annotations

import math
import warnings
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine

_cross_entropy: Any = engine("cross_entropy")
_nll_loss: Any = engine("nll_loss")
_mse_loss: Any = engine("mse_loss")
_binary_cross_entropy: Any = engine("binary_cross_entropy")


def legacy_reduction(size_average: bool | None, reduce: bool | None, stacklevel: int = 2) -> str:
    """The reduction that the older arguments mean."""
    size_average = True if size_average is None else size_average
    reduction = "none" if reduce is False else "mean" if size_average else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
        stacklevel=stacklevel + 1,
    )
    return reduction


def pick_reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction to use, checked."""
    if size_average is not None or reduce is not None:
        return legacy_reduction(size_average, reduce, 3)
    if reduction == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=4)
        return "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """Mean, sum or nothing."""
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _warn_sizes(input: Tensor, target: Tensor) -> None:
    if target.size() != input.size():
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). "
            "This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            stacklevel=3,
        )


def _weighted(loss: Tensor, weight: Tensor, input: Tensor, reduction: str, by_weight: bool = True) -> Tensor:
    if weight.size() != input.size():
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if reduction == "mean":
        return loss.sum() / weight.sum() if by_weight else loss.mean()
    raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Cross entropy of logits against class numbers or probabilities. Shape: `N C *s, N *s -> ()`.

    >>> F.cross_entropy(torch.zeros(1, 2), torch.tensor([0]))
    tensor(0.6931)
    """
    reduction = pick_reduction(size_average, reduce, reduction)
    return _cross_entropy(
        input, target, weight=weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of log-probabilities against class numbers. Shape: `N C *s, N *s -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    return _nll_loss(input, target, weight=weight, ignore_index=ignore_index, reduction=reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared difference. Shape: `*s, *s -> ()`.

    >>> F.mse_loss(torch.zeros(2), torch.tensor([1., 3.]))
    tensor(5.)
    """
    _warn_sizes(input, target)
    reduction = pick_reduction(size_average, reduce, reduction)
    if weight is not None:
        return _weighted((input - target) ** 2, weight, input, reduction)
    return _mse_loss(input, target, reduction=reduction)


_l1_loss: Any = engine("l1_loss")


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Mean absolute difference. Shape: `*s, *s -> ()`."""
    _warn_sizes(input, target)
    reduction = pick_reduction(size_average, reduce, reduction)
    if weight is not None:
        return _weighted((input - target).abs(), weight, input, reduction)
    return _l1_loss(input, target, reduction=reduction)


_smooth_l1_loss: Any = engine("smooth_l1_loss")


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared below `beta`, absolute above. Shape: `*s, *s -> ()`."""
    _warn_sizes(input, target)
    reduction = pick_reduction(size_average, reduce, reduction)
    if beta == 0.0:
        return _l1_loss(input, target, reduction=reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    return _smooth_l1_loss(input, target, reduction=reduction, beta=beta)


_huber_loss: Any = engine("huber_loss")


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Squared below `delta`, `delta` times absolute above. Shape: `*s, *s -> ()`."""
    _warn_sizes(input, target)
    if weight is not None:
        unweighted = _huber_loss(input, target, reduction="none", delta=delta)
        return _weighted(unweighted, weight, input, reduction, by_weight=False)
    return _huber_loss(input, target, reduction=pick_reduction(None, None, reduction), delta=delta)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Cross entropy of probabilities against 0 and 1. Shape: `*s, *s -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated."
            " Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(flambeau.broadcast_shapes(target.size(), weight.size()))
    return _binary_cross_entropy(input, target, weight=weight, reduction=reduction)


_binary_cross_entropy_with_logits: Any = engine("binary_cross_entropy_with_logits")


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross entropy of logits. Shape: `*s, *s -> ()`."""
    reduction = pick_reduction(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    return _binary_cross_entropy_with_logits(input, target, weight=weight, pos_weight=pos_weight, reduction=reduction)


_kl_div: Any = engine("kl_div")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities from `target`. Shape: `*s, *s -> ()`."""
    by_batch = False
    if size_average is None and reduce is None:
        if reduction == "mean":
            warnings.warn(
                "reduction: 'mean' divides the total loss by both the batch size and the support size."
                "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
                "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
                stacklevel=2,
            )
        if reduction == "batchmean":
            by_batch, reduction = True, "sum"
    loss = _kl_div(input, target, reduction=pick_reduction(size_average, reduce, reduction), log_target=log_target)
    return loss / input.size()[0] if by_batch and input.dim() != 0 else loss


def _in_chunks(options: Any, input: Tensor, target: Tensor, weight: Tensor, reduction: str, smoothing: float) -> bool:
    """Whether the loss of each sample can be had from its own logits, chunk by chunk."""
    probabilities = target.shape == (*input.shape[:-1], weight.shape[0]) and target.dtype == input.dtype
    applies = (
        reduction in ("mean", "sum", "none")
        and smoothing == 0.0
        and (target.dtype == flambeau.int64 or (probabilities and not target.requires_grad))
        and weight.dim() == 2
    )
    if not applies:
        warnings.warn(
            "linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, "
            "label_smoothing == 0, target.dtype == int64 (or a probability target with dtype matching input and "
            f"requires_grad == False), out_features == (). Got reduction={reduction!r}, label_smoothing={smoothing}, "
            f"target.dtype={target.dtype}, out_features={tuple(weight.shape[1:-1])}.",
            stacklevel=4,
        )
    return applies


def _rows_at_a_time(options: Any, rows: int, in_features: int, classes: int) -> int:
    """As told, or so many that their logits take as much memory as the input."""
    if options.batch_chunk_size is not None or options.chunking_method is None:
        return options.batch_chunk_size or max(rows, 1)
    factor = int(options.chunking_method.partition(":")[2] or 1)
    target = math.ceil(rows / math.ceil(classes / max(in_features, 1)))
    return max(1, min((1 << max(target - 1, 0).bit_length()) // factor, rows))


def _chunked_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    linear_bias: Tensor | None,
    weight: Tensor | None,
    reduction: str,
    ignore_index: int,
    options: Any,
) -> Tensor:
    alone = input.dim() == 1
    x = input.unsqueeze(0) if alone else input
    target = target.unsqueeze(0) if alone else target
    rows, step = x.size(0), _rows_at_a_time(options, x.size(0), x.size(1), linear_weight.size(0))
    kept = options.acc_dtype or x.dtype
    if options.acc_dtype is None and x.dtype in (flambeau.float16, flambeau.bfloat16):
        kept = flambeau.float32
    table, bias = linear_weight.to(kept), None if linear_bias is None else linear_bias.to(kept)
    scales = None if weight is None else weight.to(kept)
    losses = []
    for start in range(0, rows, step):
        part = target[start : start + step]
        logits = flambeau.nn.functional.linear(x[start : start + step].to(kept), table, bias)
        of_classes = part if part.dtype == flambeau.int64 else part.to(kept)
        losses.append(
            _cross_entropy(
                logits,
                of_classes,
                weight=scales,
                ignore_index=ignore_index,
                reduction="none" if reduction == "none" else "sum",
            )
        )
    if reduction == "none":
        loss = flambeau.cat(losses).to(input.dtype)
        return loss.squeeze(0) if alone else loss
    total = flambeau.stack(losses).sum() if losses else (x.to(kept) @ table.t()).sum()
    if reduction == "mean":
        if target.dtype != flambeau.int64:
            total = total / rows
        else:
            counted = target != ignore_index
            if scales is None:
                total = total / counted.sum()
            else:
                total = total / (scales[target.clamp(min=0, max=table.size(0) - 1)] * counted).sum()
    return total.to(input.dtype)


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """`cross_entropy` of `linear`. Shape: `N I, C I, N -> ()`; with `options`, so many rows of logits at a time."""
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if linear_weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {linear_weight.dim()}")
    size = input.shape[-1]
    if size != linear_weight.shape[-1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), "
            f"got {size} and {linear_weight.shape[-1]}, respectively"
        )
    outputs = tuple(linear_weight.shape[:-1])
    if linear_bias is not None and tuple(linear_bias.shape) != outputs:
        raise RuntimeError(f"expected linear_bias shape {outputs}, got {tuple(linear_bias.shape)}")
    if len(outputs) > 1 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(linear_weight.shape)} requires"
            f" batched input, (N, {size}), got unbatched input with shape {tuple(input.shape)}"
        )
    shape = (*input.shape[:-1], *outputs)
    if tuple(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    ignored = -100 if ignore_index is None else ignore_index
    if options is not None and _in_chunks(options, input, target, linear_weight, reduction, label_smoothing):
        return _chunked_cross_entropy(input, linear_weight, target, linear_bias, weight, reduction, ignored, options)
    flat_bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = flambeau.nn.functional.linear(input, linear_weight.reshape(-1, size), flat_bias).reshape(shape)
    return cross_entropy(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=ignored,
        label_smoothing=label_smoothing,
    )
