"""Small helpers shared by the package, under the names that PyTorch's pickles refer to."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import flambeau


def typename(obj: Any) -> str:
    """The name of an object's type as error messages print it: `torch.FloatTensor`, `list`, `package.Class`.

    >>> typename([1])
    'list'
    """
    if isinstance(obj, flambeau.Tensor):
        return str(obj.type())
    cls = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(obj, "__module__", None) or getattr(cls, "__module__", None) or ""
    name: str = cls.__qualname__
    return name if module in ("", "builtins") else f"{module}.{name}"


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    """Make a Parameter again from its pickle."""
    param = flambeau.nn.Parameter(data, requires_grad)
    param._backward_hooks = backward_hooks or None
    return param


def _rebuild_parameter_with_state(data: Any, requires_grad: bool, backward_hooks: Any, state: Any) -> Any:
    """Make a Parameter that carried attributes again from its pickle."""
    param = _rebuild_parameter(data, requires_grad, backward_hooks)
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for key, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(param, key, value)
    return param


def _reduce_parameter(param: Any) -> tuple[Any, ...]:
    """What pickle stores for a Parameter: its data, its flag, no hooks, and its attributes if it has any."""
    hooks: OrderedDict[int, Any] = OrderedDict()
    state = dict(getattr(param, "__dict__", None) or {})
    if state:
        return _rebuild_parameter_with_state, (param.data, param.requires_grad, hooks, state)
    return _rebuild_parameter, (param.data, param.requires_grad, hooks)
