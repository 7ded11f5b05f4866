"""Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.optim.optimizer import (
    Optimizer,
    check_autograd,
    check_betas,
    check_capturable,
    check_fused,
    check_lr,
    check_not_negative,
    decayed,
    new_step,
    rate,
    run_closure,
    zeros_for,
)

__all__ = ["Adam", "adam"]


class Adam(Optimizer):
    """Steps by running means of the gradient and of its square.

    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        check_lr(lr)
        check_not_negative(eps=eps)
        check_betas(betas)
        check_not_negative(weight_decay=weight_decay)
        if not (all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas)):
            raise ValueError("betas must be either both floats or both Tensors")
        for i, beta in enumerate(betas):
            if isinstance(beta, Tensor):
                if foreach and not capturable:
                    raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
                if beta.numel() != 1:
                    raise ValueError(f"Tensor betas[{i}] must be 1-element")
        defaults = {
            "lr": lr,
            "betas": tuple(beta.squeeze() if isinstance(beta, Tensor) else beta for beta in betas),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)
        check_fused(fused, foreach, differentiable)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("fused", None)

    def _state_of(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = self.state[param]
        if not state:
            state["step"] = new_step()
            state["exp_avg"] = zeros_for(param)
            state["exp_avg_sq"] = zeros_for(param)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_for(param)
        if group["differentiable"] and state["step"].requires_grad:
            raise RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")
        return state

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once: one call of the engine for each group."""
        loss = run_closure(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            states = [self._state_of(p, group) for p in params]
            amsgrad = group["amsgrad"]
            if group["foreach"] and isinstance(group["lr"], Tensor) and not group["capturable"]:
                raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")
            beta1, beta2 = group["betas"]
            with flambeau.set_grad_enabled(group["differentiable"]):
                adam(
                    params,
                    [p.grad for p in params],
                    [s["exp_avg"] for s in states],
                    [s["exp_avg_sq"] for s in states],
                    [s["max_exp_avg_sq"] for s in states] if amsgrad else [],
                    [s["step"] for s in states],
                    foreach=group["foreach"],
                    capturable=group["capturable"],
                    differentiable=group["differentiable"],
                    fused=group["fused"],
                    decoupled_weight_decay=group["decoupled_weight_decay"],
                    amsgrad=amsgrad,
                    beta1=beta1,
                    beta2=beta2,
                    lr=group["lr"],
                    weight_decay=group["weight_decay"],
                    eps=group["eps"],
                    maximize=group["maximize"],
                )
        return loss


def adam(
    params: list[Any],
    grads: list[Any],
    exp_avgs: list[Any],
    exp_avg_sqs: list[Any],
    max_exp_avg_sqs: list[Any],
    state_steps: list[Any],
    foreach: bool | None = None,
    capturable: bool = False,
    differentiable: bool = False,
    fused: bool | None = None,
    grad_scale: Tensor | None = None,
    found_inf: Tensor | None = None,
    has_complex: bool = False,
    decoupled_weight_decay: bool = False,
    *,
    amsgrad: bool,
    beta1: Any,
    beta2: Any,
    lr: Any,
    weight_decay: Any,
    eps: float,
    maximize: bool,
) -> None:
    """One step of :class:`Adam` on lists of tensors, whose state changes in place."""
    if not all(isinstance(t, Tensor) for t in state_steps):
        raise RuntimeError("API has changed, `state_steps` argument must contain a list of singleton tensors")
    if grad_scale is not None or found_inf is not None:
        raise AssertionError("Expected grad_scale and found_inf to be None")
    if not fused and params:
        options = {"foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        check_capturable(options, xla=not foreach)
        check_autograd(options)
    traced = flambeau.is_grad_enabled()
    arguments = (
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        max_exp_avg_sqs,
        state_steps,
        rate(lr, traced),
        rate(beta1, traced),
        rate(beta2, traced),
        eps,
        rate(weight_decay, traced),
        amsgrad,
        maximize,
        decoupled_weight_decay,
    )
    if traced or any(p.is_complex() for p in params):
        _formula(*arguments)
    else:
        flambeau._C._adam_step(*arguments)


def _formula(
    params: list[Any],
    grads: list[Any],
    exp_avgs: list[Any],
    exp_avg_sqs: list[Any],
    max_exp_avg_sqs: list[Any],
    steps: list[Any],
    lr: Any,
    beta1: Any,
    beta2: Any,
    eps: float,
    weight_decay: Any,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> None:
    """The step in tensor operations, for what the engine's step does not cover."""
    for i, param in enumerate(params):
        grad = -grads[i] if maximize else grads[i]
        mean, square = exp_avgs[i], exp_avg_sqs[i]
        steps[i] += 1
        traced = flambeau.is_grad_enabled()
        step = steps[i].clone() if traced else steps[i].item()
        if decoupled and weight_decay != 0:
            param.mul_(1 - lr * weight_decay)
        elif not decoupled:
            grad = decayed(param, grad, weight_decay, traced)
        if param.is_complex():
            param, grad, mean, square = map(flambeau.view_as_real, (param, grad, mean, square))
        mean.lerp_(grad, 1 - beta1)
        if isinstance(beta2, Tensor):
            square.lerp_(grad * grad, 1 - beta2)
        else:
            square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        second = square
        if amsgrad:
            greatest = max_exp_avg_sqs[i]
            greatest = flambeau.view_as_real(greatest) if greatest.is_complex() else greatest
            greatest.copy_(flambeau.where(square > greatest, square, greatest))
            second = greatest.clone()
        size, correction = -lr / (1 - beta1**step), (1 - beta2**step) ** 0.5
        if traced:  # the mean itself changes in the next step
            param.addcdiv_(mean.clone(), second.sqrt() / (correction * size) + eps / size)
        else:
            param.addcdiv_(mean, second.sqrt() / correction + eps, value=size)
