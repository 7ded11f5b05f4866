"""Loss functions that the engine computes, with PyTorch's older arguments and checks."""

from __future__ import annotations

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
