"""Limits on the size of gradients."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

import flambeau
from flambeau import Tensor


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all tensors taken together."""
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not listed:
        return flambeau.tensor(0.0)
    norms = flambeau.stack([t.detach().norm(norm_type) for t in listed])
    total = norms.norm(norm_type)
    if error_if_nonfinite and not bool(flambeau.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale gradients in place so that `total_norm`, their norm, comes down to `max_norm`."""
    grads = [p.grad for p in _listed(parameters) if p.grad is not None]
    if not grads:
        return
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for grad in grads:
        grad.detach().mul_(factor.to(grad.device))


def _listed(parameters: Any) -> list[Any]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients of all parameters in place so that their norm is at most `max_norm`; returns the norm.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> (6 * model(torch.ones(1))).backward()
    >>> nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    tensor(6.)
    """
    with flambeau.no_grad():
        listed = _listed(parameters)
        if not listed and isinstance(parameters, GeneratorType):  # perhaps one that was walked through before
            warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
        total = get_total_norm([p.grad for p in listed if p.grad is not None], norm_type, error_if_nonfinite, foreach)
        clip_grads_with_norm_(listed, max_norm, total, foreach)
        return total


def clip_grad_norm(parameters: Any, max_norm: float, norm_type: float = 2.0) -> Tensor:
    """The old name of `clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Keep every element of the gradients between `-clip_value` and `clip_value`, in place."""
    limit = float(clip_value)
    with flambeau.no_grad():
        for param in _listed(parameters):
            if param.grad is not None:
                param.grad.clamp_(-limit, limit)
