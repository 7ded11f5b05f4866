"""Derivatives held against finite differences."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from flambeau import _C


class GradcheckError(RuntimeError):
    """A derivative that differs from its finite difference."""


def _outputs(result: Any) -> list[Any]:
    return [result] if isinstance(result, _C.Tensor) else [t for t in result if isinstance(t, _C.Tensor)]


def _parts(t: Any) -> list[complex]:
    return [1.0, 1.0j] if t.is_complex() else [1.0]


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **_options: Any,
) -> bool:
    """Compares the gradients of `func` at `inputs` (float64 or complex128) with finite differences."""
    from flambeau import autograd

    args: list[Any] = [inputs] if isinstance(inputs, _C.Tensor) else list(inputs)
    checked = [i for i, t in enumerate(args) if isinstance(t, _C.Tensor) and t.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of the them have requires_grad=True."
        )
    outs = _outputs(func(*args))

    def fail(text: str) -> bool:
        if raise_exception:
            raise GradcheckError(text)
        return False

    for o, out in enumerate(outs):
        if not out.requires_grad:
            continue
        for i in checked:
            x = args[i]
            numerical: dict[tuple[int, complex], Any] = {}
            # Moved where it lies: the function may know the tensor from elsewhere too.
            data = x.data
            for j, place in enumerate(itertools.product(*map(range, x.shape))):
                for part in _parts(x):

                    def moved(
                        step: float,
                        o: int = o,
                        part: complex = part,
                        data: Any = data,
                        place: tuple[int, ...] = place,
                    ) -> Any:
                        before = data[place].clone()
                        data[place] = before + step * part
                        try:
                            return _outputs(func(*args))[o].detach().reshape(-1).clone()
                        finally:
                            data[place] = before

                    numerical[j, part] = ((moved(eps) - moved(-eps)) / (2 * eps)).tolist()
            for row in range(out.numel()):
                for direction in _parts(out):
                    seed = _C.zeros(out.numel(), dtype=out.dtype)
                    seed[row] = direction
                    (g,) = autograd.grad(out, x, seed.reshape(out.shape), retain_graph=True, allow_unused=True)
                    grads = [0.0] * x.numel() if g is None else g.reshape(-1).tolist()
                    for j in range(x.numel()):
                        for part in _parts(x):
                            want = (complex(numerical[j, part][row]) * complex(direction).conjugate()).real
                            got = (complex(grads[j]) * complex(part).conjugate()).real
                            if not abs(want - got) <= atol + rtol * abs(want):
                                return fail(
                                    f"Jacobian mismatch for output {o} with respect to input {i},\n"
                                    f"numerical:{want}\nanalytical:{got}\n"
                                    f"(element {j} of the input, element {row} of the output)"
                                )
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Sequence[Any] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    **_options: Any,
) -> bool:
    """Compares the gradients of the gradients of `func` with finite differences of its gradients."""
    from flambeau import autograd

    args: tuple[Any, ...] = (inputs,) if isinstance(inputs, _C.Tensor) else tuple(inputs)
    outs = [t for t in _outputs(func(*args)) if t.requires_grad]
    if grad_outputs is None:
        seeds = tuple(_C.randn_like(t).requires_grad_() for t in outs)
    else:
        seeds = (grad_outputs,) if isinstance(grad_outputs, _C.Tensor) else tuple(grad_outputs)
    n = len(args)

    def first(*all_args: Any) -> Any:
        before = _C.is_grad_enabled()
        _C._set_grad_enabled(True)
        try:
            own = [
                a.detach().requires_grad_()
                if isinstance(a, _C.Tensor) and not a.requires_grad and b.requires_grad
                else a
                for a, b in zip(all_args[:n], args, strict=True)
            ]
            results = [t for t in _outputs(func(*own)) if t.requires_grad]
            wanted = [t for t in own if isinstance(t, _C.Tensor) and t.requires_grad]
            grads = autograd.grad(results, wanted, all_args[n:], create_graph=True, allow_unused=True)
            return tuple(g for g in grads if g is not None)
        finally:
            _C._set_grad_enabled(before)

    return gradcheck(first, args + seeds, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)
