"""L-BFGS, and the line search that goes with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.optim.optimizer import Optimizer, check_lr, number

__all__ = ["LBFGS"]

Evaluate = Callable[[float], tuple[float, Any]]


class LBFGS(Optimizer):
    """Steps by an approximation of the inverse Hessian from the last gradients; `step` needs a closure.

    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
            "maximize": maximize,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    @staticmethod
    def _flat(tensor: Any) -> Any:
        return (flambeau.view_as_real(tensor) if tensor.is_complex() else tensor).reshape(-1)

    def _gradient(self) -> Any:
        parts = [self._flat(flambeau.zeros_like(p) if p.grad is None else p.grad) for p in self._params]
        grad = flambeau.cat(parts, 0)
        return -grad if self.param_groups[0].get("maximize") else grad

    def _move(self, step: float, direction: Any) -> None:
        start = 0
        for param in self._params:
            real = flambeau.view_as_real(param) if param.is_complex() else param
            stop = start + real.numel()
            real.add_(direction[start:stop].view_as(real), alpha=number(step))
            start = stop

    def _loss(self, closure: Callable[[], Any]) -> tuple[Any, float]:
        with flambeau.enable_grad():
            loss = closure()
        return loss, -float(loss) if self.param_groups[0].get("maximize") else float(loss)

    def _direction(self, state: dict[str, Any], grad: Any, history_size: int) -> Any:
        """The two-loop recursion over the remembered steps."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return -grad
        change, step = grad - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = change.dot(step)
        if curvature > 1e-10:
            if len(state["old_dirs"]) == history_size:
                for name in ("old_dirs", "old_stps", "ro"):
                    state[name].pop(0)
            state["old_dirs"].append(change)
            state["old_stps"].append(step)
            state["ro"].append(1.0 / curvature)
            state["H_diag"] = curvature / change.dot(change)
        al = state.setdefault("al", [None] * history_size)
        changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        q = -grad
        for i in reversed(range(len(changes))):
            al[i] = steps[i].dot(q) * ro[i]
            q.add_(changes[i], alpha=-al[i].item())
        r = q * state["H_diag"]
        for i in range(len(changes)):
            r.add_(steps[i], alpha=(al[i] - changes[i].dot(r) * ro[i]).item())
        return r

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Take up to `max_iter` steps; `closure` computes the loss anew and its gradients."""
        with flambeau.no_grad():
            return self._steps(closure)

    def _steps(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr = group["lr"].squeeze() if isinstance(group["lr"], Tensor) else group["lr"]
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        small, still = group["tolerance_grad"], group["tolerance_change"]
        search = group["line_search_fn"]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss, loss = self._loss(closure)
        evals = 1
        state["func_evals"] += 1
        grad = self._gradient()
        if grad.abs().max() <= small:
            return first_loss
        done = 0
        while done < max_iter:
            done += 1
            state["n_iter"] += 1
            d = state["d"] = self._direction(state, grad, group["history_size"])
            state["prev_flat_grad"], state["prev_loss"] = grad.clone(), loss
            t: Any = min(1.0, 1.0 / grad.abs().sum()) * lr if state["n_iter"] == 1 else lr
            state["t"] = t
            slope = grad.dot(d)
            if slope > -still:
                break
            used = 0
            if search is not None:
                if search != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                before = [p.clone() for p in self._params]

                def evaluate(step: float, d: Any = d, before: Any = before) -> tuple[float, Any]:
                    self._move(step, d)
                    value = self._loss(closure)[1]
                    gradient = self._gradient()
                    for param, old in zip(self._params, before, strict=True):
                        param.copy_(old)
                    return value, gradient

                line = _Line(evaluate, d, loss, grad, slope)
                loss, grad, t, used = line.search(t, max_eval - evals)
                state["t"] = t
                self._move(t, d)
            else:
                self._move(t, d)
                if done != max_iter:  # after the last step nobody asks for the gradient
                    loss = self._loss(closure)[1]
                    grad = self._gradient()
                    used = 1
            evals += used
            state["func_evals"] += used
            if done == max_iter or evals >= max_eval or grad.abs().max() <= small:
                break
            if (d * t).abs().max() <= still or abs(loss - state["prev_loss"]) < still:
                break
        return first_loss


class _Line:
    """A search along a direction for a step that meets the strong Wolfe conditions."""

    def __init__(self, evaluate: Evaluate, d: Any, f: float, g: Any, slope: Any) -> None:
        self.evaluate, self.d, self.f, self.slope = evaluate, d, f, slope
        self.start = (0.0, f, g, slope)
        self.evals = 0

    def _at(self, t: Any) -> tuple[Any, float, Any, Any]:
        """A point: step, loss, gradient, slope."""
        f, g = self.evaluate(t)
        self.evals += 1
        return t, f, g, g.dot(self.d)

    def _too_high(self, point: tuple[Any, float, Any, Any]) -> bool:
        return point[1] > self.f + 1e-4 * point[0] * self.slope

    def _flat_enough(self, point: tuple[Any, float, Any, Any]) -> bool:
        return abs(point[3]) <= -0.9 * self.slope

    def search(self, t: Any, max_ls: int) -> tuple[float, Any, Any, int]:
        """The loss, gradient and step found, and how often the loss was computed."""
        before, here = self.start, self._at(t)
        iterations = 0
        while iterations < max_ls:
            if self._too_high(here) or (iterations > 1 and here[1] >= before[1]):
                break
            if self._flat_enough(here):
                return here[1], here[2], here[0], self.evals
            if here[3] >= 0:
                break
            low, high = here[0] + 0.01 * (here[0] - before[0]), here[0] * 10
            t = _cubic(before, here, low, high)
            before, here = here, self._at(t)
            iterations += 1
        else:
            before = self.start
        point = self._zoom([before, here], iterations, max_ls)
        return point[1], point[2], point[0], self.evals

    def _zoom(self, bracket: list[Any], iterations: int, max_ls: int) -> Any:
        """Narrow a bracket that holds a good step."""
        size = self.d.abs().max()
        stuck = False
        low = 0 if bracket[0][1] <= bracket[1][1] else 1
        while iterations < max_ls:
            left, right = sorted((bracket[0][0], bracket[1][0]))
            if (right - left) * size < 1e-9:
                break
            t = _cubic(bracket[0], bracket[1], left, right)
            margin = 0.1 * (right - left)
            if min(right - t, t - left) < margin:
                if stuck or t >= right or t <= left:
                    t = right - margin if abs(t - right) < abs(t - left) else left + margin
                    stuck = False
                else:
                    stuck = True
            else:
                stuck = False
            here = self._at(t)
            iterations += 1
            if self._too_high(here) or here[1] >= bracket[low][1]:
                bracket[1 - low] = here
                low = 0 if bracket[0][1] <= bracket[1][1] else 1
                continue
            good = self._flat_enough(here)
            if not good and here[3] * (bracket[1 - low][0] - bracket[low][0]) >= 0:
                bracket[1 - low] = bracket[low]
            bracket[low] = here
            if good:
                break
        return bracket[low]


def _cubic(a: Any, b: Any, low: Any, high: Any) -> Any:
    """The lowest place of the cubic through two points with their slopes (0-d tensors), kept within bounds."""
    (x1, f1, _, g1), (x2, f2, _, g2) = a, b
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(place, low), high)
