"""Adagrad."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.optim.optimizer import (
    FormulaOptimizer,
    check_fused,
    check_lr,
    check_not_negative,
    new_step,
    rate,
)

__all__ = ["Adagrad"]


class Adagrad(FormulaOptimizer):
    """Steps divided by the root of the sum of squared gradients."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(lr_decay=lr_decay, weight_decay=weight_decay)
        check_not_negative(initial_accumulator_value=initial_accumulator_value, eps=eps)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)
        for group in self.param_groups:  # the sums exist before the first step
            for param in group["params"]:
                self.state[param].update(self._start(param, group))

    def _start(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        start = group["initial_accumulator_value"]
        return {
            "step": new_step(),
            "sum": flambeau.full_like(param, complex(start, start) if param.is_complex() else start),
        }

    def _update(self, param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        lr = rate(group["lr"], group["differentiable"]) / (1 + (state["step"].item() - 1) * group["lr_decay"])
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        total = state["sum"].addcmul_(grad, grad)
        param.addcdiv_(grad, total.sqrt() + group["eps"], value=-lr)
