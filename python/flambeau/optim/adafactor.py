"""Adafactor."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.optim.optimizer import (
    FormulaOptimizer,
    new_step,
    number,
    zeros_for,
)

__all__ = ["Adafactor"]


class Adafactor(FormulaOptimizer):
    """Steps by factored second moments: a row and a column for every matrix."""

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not eps[0] >= 0.0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _start(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        if param.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if param.dim() < 2:
            return {"step": new_step(), "variance": zeros_for(param.grad)}
        *rest, rows, cols = param.shape
        return {
            "step": new_step(),
            "row_var": param.grad.new_zeros([*rest, rows, 1]),
            "col_var": param.grad.new_zeros([*rest, 1, cols]),
        }

    def _update(self, param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"] += 1
        step, lr = state["step"].item(), number(group["lr"])
        floor, smallest = group["eps"]
        floor = flambeau.finfo(param.dtype).eps if floor is None else floor
        share = step ** group["beta2_decay"]
        rate = max(smallest, param.norm(2).item() / param.numel() ** 0.5) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        square = grad * grad
        if grad.dim() > 1:
            rows, cols = state["row_var"], state["col_var"]
            rows.mul_(1 - share).add_(square.mean(-1, keepdim=True), alpha=share)
            cols.mul_(1 - share).add_(square.mean(-2, keepdim=True), alpha=share)
            variance = flambeau.matmul(rows, cols) / rows.mean(-2, keepdim=True).clamp(min=floor)
        else:
            variance = state["variance"].mul_(1 - share).add_(square, alpha=share)
        update = variance.clamp(min=floor * floor).rsqrt() * grad
        excess = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * group["d"]))
        param.add_(update, alpha=-rate / excess)
