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


def _set_bits(tensor: Any, metadata: Any) -> Any:
    """The conjugate and negative bits of a tensor, from the dictionary that a pickle has for them."""
    if metadata and metadata.get("conj"):
        tensor = tensor.conj()
    return flambeau._C.private.neg_view(tensor) if metadata and metadata.get("neg") else tensor


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Any:
    """Make a tensor again from its storage and how it lay over it."""
    tensor = _set_bits(storage._tensor(dtype, storage_offset, size, stride), metadata)
    return tensor.requires_grad_(requires_grad)


def _rebuild_meta_tensor_no_storage(dtype: Any, size: Any, stride: Any, requires_grad: bool) -> Any:
    """Make a tensor of the meta device again."""
    return flambeau.empty_strided(size, stride, dtype=dtype, device="meta", requires_grad=requires_grad)


def _rebuild_from_type_v2(func: Any, new_type: Any, args: Any, state: Any) -> Any:
    """Make a tensor of a class of its own, or with attributes, again from its pickle. None is the plain class."""
    tensor = func(*args)
    if new_type is not None and type(tensor) is not new_type:
        tensor = flambeau.Tensor._make_subclass(new_type, tensor, tensor.requires_grad)
    _set_state(tensor, state)
    return tensor


def _set_state(tensor: Any, state: Any) -> None:
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    for key, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(tensor, key, value)


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    """Make a Parameter again from its pickle."""
    param = flambeau.nn.Parameter(data, requires_grad)
    param._backward_hooks = backward_hooks or None
    return param


def _rebuild_parameter_with_state(data: Any, requires_grad: bool, backward_hooks: Any, state: Any) -> Any:
    """Make a Parameter that carried attributes again from its pickle."""
    param = _rebuild_parameter(data, requires_grad, backward_hooks)
    _set_state(param, state)
    return param


def _reduce_parameter(param: Any) -> tuple[Any, ...]:
    """What pickle stores for a Parameter: its data, its flag, no hooks, and its attributes if it has any."""
    hooks: OrderedDict[int, Any] = OrderedDict()
    state = dict(getattr(param, "__dict__", None) or {})
    if state:
        return _rebuild_parameter_with_state, (param.data, param.requires_grad, hooks, state)
    return _rebuild_parameter, (param.data, param.requires_grad, hooks)
