"""RAdam."""

from __future__ import annotations

from typing import Any

from flambeau import Tensor
from flambeau.optim.optimizer import (
    FormulaOptimizer,
    check_betas,
    check_lr,
    check_not_negative,
    new_step,
    rate,
    zeros_for,
)

__all__ = ["RAdam"]


class RAdam(FormulaOptimizer):
    """Adam with the variance of its first steps rectified."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": new_step(), "exp_avg": zeros_for(param), "exp_avg_sq": zeros_for(param)}

    def _update(self, param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        step, lr = state["step"].item(), rate(group["lr"], group["differentiable"])
        beta1, beta2 = group["betas"]
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                param.mul_(1 - lr * group["weight_decay"])
            else:
                grad = grad.add(param, alpha=group["weight_decay"])
        mean = state["exp_avg"].lerp_(grad, 1 - beta1)
        square = state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        update = mean / (1 - beta1**step) * lr
        correction = 1 - beta2**step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * step * beta2**step / correction
        if length > 5.0:  # enough steps for the variance to mean something
            top = (length - 4) * (length - 2) * longest
            rectified = (top / ((longest - 4) * (longest - 2) * length)) ** 0.5
            update = update * (correction**0.5 / (square.sqrt() + group["eps"])) * rectified
        param.add_(update, alpha=-1.0)
