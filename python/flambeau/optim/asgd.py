"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.optim.optimizer import (
    FormulaOptimizer,
    check_lr,
    check_not_negative,
    new_step,
    number,
    zeros_for,
)

__all__ = ["ASGD"]


class ASGD(FormulaOptimizer):
    """Gradient descent that also keeps the mean of the parameters, in state `ax`."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(lambd=lambd, alpha=alpha, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    _tensors = ("params, mus, etas, and state_steps", "params, mus, etas, and state_steps")

    def _start(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step(),
            "eta": flambeau.tensor(float(number(group["lr"])), dtype=flambeau.float32),
            "mu": flambeau.ones((), dtype=flambeau.float32),
            "ax": zeros_for(param),
        }

    def _update(self, param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        step, lr, lambd = state["step"].item(), number(group["lr"]), group["lambd"]
        if group["weight_decay"] != 0:
            grad = grad.add(param, alpha=group["weight_decay"])
        eta, mu = state["eta"].item(), state["mu"].item()
        param.mul_(1 - lambd * eta)
        param.add_(grad, alpha=-eta)
        if mu != 1:
            state["ax"].add_((param - state["ax"]) * mu)
        else:
            state["ax"].copy_(param)
        state["eta"].fill_(lr / (1 + lambd * lr * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))
