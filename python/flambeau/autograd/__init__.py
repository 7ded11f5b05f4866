"""Automatic differentiation: ``torch.autograd``."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from flambeau import _C
from flambeau.autograd import function as function
from flambeau.autograd.function import Function as Function
from flambeau.autograd.grad_mode import (
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)
from flambeau.autograd.gradcheck import gradcheck as gradcheck, gradgradcheck as gradgradcheck
from flambeau.autograd.variable import Variable as Variable


def __getattr__(name: str) -> Any:
    if name in ("functional", "graph"):
        return importlib.import_module(f"flambeau.autograd.{name}")
    raise AttributeError(f"module 'torch.autograd' has no attribute {name!r}")


# Set while gradients go to chosen tensors only.
_walk = threading.local()


def _is_checkpoint_valid() -> bool:
    """Whether the walk is one that adds into the `grad` of all leaves."""
    return not getattr(_walk, "chosen", False)


@contextlib.contextmanager
def _walking(chosen: bool) -> Iterator[None]:
    before = getattr(_walk, "chosen", False)
    _walk.chosen = chosen
    try:
        yield
    finally:
        _walk.chosen = before


def _listed(x: Any) -> Sequence[Any]:
    if isinstance(x, _C.Tensor):
        return (x,)
    # An edge of the graph is a tuple itself.
    listed = (x,) if isinstance(x, tuple) and hasattr(x, "output_nr") else tuple(x)
    if any(isinstance(t, tuple) for t in listed):
        listed = tuple(map(importlib.import_module("flambeau.autograd.graph")._tensor_for, listed))
    return listed


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Adds the gradients of `tensors` into the `grad` of the leaves they depend on."""
    if grad_variables is not None:
        grad_tensors = grad_variables
    if inputs is not None and not isinstance(inputs, _C.Tensor) and len(inputs) == 0:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    listed = _listed(tensors)
    grads = (None,) * len(listed) if grad_tensors is None else _listed(grad_tensors)
    if len(grads) != len(listed):
        raise RuntimeError(f"got {len(listed)} tensors and {len(grads)} gradients")
    with _walking(inputs is not None):
        _C._backward(listed, grads, retain_graph, create_graph, None if inputs is None else _listed(inputs))


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of `outputs` with respect to `inputs`, a tuple."""
    if is_grads_batched:
        if grad_outputs is None:
            raise RuntimeError("autograd.grad: is_grads_batched=True needs grad_outputs")
        batches = zip(*_listed(grad_outputs), strict=True)
        rows = [
            grad(outputs, inputs, batch, True, create_graph, True, allow_unused, False, materialize_grads)
            for batch in batches
        ]
        columns = zip(*rows, strict=True)
        return tuple(None if c[0] is None else _C.stack(c) for c in columns)
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    outs, ins = _listed(outputs), _listed(inputs)
    if not ins:
        raise ValueError("grad requires non-empty inputs.")
    grads = (None,) * len(outs) if grad_outputs is None else _listed(grad_outputs)
    if len(grads) != len(outs):
        raise RuntimeError(f"got {len(outs)} tensors and {len(grads)} gradients")
    with _walking(True):
        found = _C._grad(outs, ins, grads, retain_graph, create_graph, bool(allow_unused) or materialize_grads)
    if materialize_grads:
        found = tuple(
            _C.zeros_like(i, requires_grad=create_graph) if g is None else g for g, i in zip(found, ins, strict=True)
        )
    return found


class set_detect_anomaly:  # noqa: N801
    """Whether backward passes stop at the first gradient that is not a number; at once, or as a context manager.

    >>> with torch.autograd.set_detect_anomaly(True):
    ...     (torch.zeros(1, requires_grad=True).sqrt() * 0).backward()
    Traceback (most recent call last):
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    _state = (False, True)

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = set_detect_anomaly._state
        self._set(mode, check_nan)

    @staticmethod
    def _set(mode: bool, check_nan: bool) -> None:
        set_detect_anomaly._state = mode, check_nan
        _C._set_checks_nan(mode and check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        self._set(*self._before)


class detect_anomaly(set_detect_anomaly):  # noqa: N801
    """In the block, backward passes stop at the first gradient that is not a number."""

    def __init__(self, check_nan: bool = True) -> None:
        super().__init__(True, check_nan)
