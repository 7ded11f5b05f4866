"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.optim.optimizer import (
    FormulaOptimizer,
    check_lr,
    new_step,
    rate,
    zeros_for,
)

__all__ = ["Rprop"]


class Rprop(FormulaOptimizer):
    """Steps by the sign of the gradient, with a size for every element."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    _xla = (True, True)

    def _start(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        lr = rate(group["lr"], True)
        size = flambeau.full_like(param, complex(lr, lr) if param.is_complex() else lr)
        return {"step": new_step(), "prev": zeros_for(param), "step_size": size.detach()}

    def _update(self, param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        smaller, larger = group["etas"]
        turned = grad * state["prev"]
        one = flambeau.ones_like(turned)
        factor = flambeau.where(turned > 0, one * larger, flambeau.where(turned < 0, one * smaller, one))
        size = state["step_size"].mul_(factor).clamp_(*group["step_sizes"])
        grad = flambeau.where(turned < 0, flambeau.zeros_like(grad), grad)
        param.add_(grad.sign() * size, alpha=-1)
        state["prev"].copy_(grad)
