"""Parameters and buffers: the tensors that a module owns."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau._utils import _reduce_parameter

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "is_lazy"]

_TensorMeta: Any = type(Tensor)


class _ParameterMeta(_TensorMeta):
    """Lets a tensor of another class count as a Parameter when it carries the flag `_is_param`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False):
            return True
        return bool(super().__instancecheck__(instance))


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a module registers as its parameter when it is assigned as an attribute.

    Shape: that of `data`, whose memory it shares.

    >>> nn.Parameter(torch.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = flambeau.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        param = data.detach().requires_grad_(requires_grad)
        if type(param) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires that detach() "
                f"returns an instance of the same type, but return type {type(param).__name__} was found instead. "
                "To use the type as a Parameter, please correct the detach() semantics defined by its "
                "__torch_dispatch__() implementation."
            )
        param._is_param = True
        return param

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            data = self.data.clone(memory_format=flambeau.preserve_format)
            memo[id(self)] = type(self)(data, self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:  # type: ignore[override]
        text = super().__repr__()
        return text if text.startswith("Parameter containing:") else "Parameter containing:\n" + text

    def __reduce_ex__(self, proto: Any) -> Any:
        return _reduce_parameter(self)


class _BufferMeta(_TensorMeta):
    """A Buffer is any tensor that carries the flag `_is_buffer`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False):
            return True
        return bool(super().__instancecheck__(instance))


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a module registers as its buffer when it is assigned as an attribute.

    `persistent=False` keeps it out of the state dict. Shape: that of `data`.

    >>> isinstance(nn.Buffer(torch.ones(2)), nn.Buffer)
    True
    """

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = flambeau.empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


class _Uninitialized:
    """What a parameter or buffer without a shape can do: take one."""

    cls_to_become: Any
    _LOCKED = (
        "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in "
        "`load_state_dict` when trying to load an uninitialized parameter into an initialized one. "
        "Call `forward` to initialize the parameters before accessing their attributes."
    )

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Take a shape (and memory), and become an ordinary parameter or buffer."""
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = flambeau.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        raise RuntimeError(self._LOCKED)

    def share_memory_(self) -> Any:
        """There is no memory yet."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. "
            "Call `forward` to initialize the parameters before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self: Any, proto: Any) -> Any:
        return type(self), (self.requires_grad,)


# What can be done without a shape besides reading properties: tell the size, take values, change dtype and device.
_POSSIBLE = frozenset(
    "size copy_ is_complex is_floating_point half float double char short int long cuda cpu to get_device as_subclass "
    "__init__ __new__ __hash__ __str__ __sizeof__ __getattribute__ __setattr__ __delattr__ __getstate__ __reduce__ "
    "__init_subclass__ __subclasshook__ __class__ __dir__".split()
)
# The operators are methods of other names.
_METHODS = {
    "nelement": "numel",
    "ndimension": "dim",
    "__iter__": "dim",
    "__truediv__": "div",
    "__itruediv__": "div_",
    "__mod__": "remainder",
    "__imod__": "remainder_",
    "__pos__": "positive",
    "__rand__": "bitwise_and",
    "__ror__": "bitwise_or",
    "__rxor__": "bitwise_xor",
    **{f"__{name}__": name for name in ("abs", "add", "ge", "gt", "le", "lt", "matmul", "mul", "ne", "neg", "sub")},
    **{f"__{name}__": name[1:] for name in ("radd", "rmul")},
    **{f"__{name}__": name[1:] + "_" for name in ("iadd", "imul", "isub")},
}


def _refusal(name: str) -> Any:
    kind = "slot wrapper" if name in ("__getitem__", "__setitem__") else "method"

    def refuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(
            f"Attempted to use an uninitialized parameter in <{kind} '{_METHODS.get(name, name)}' of "
            "'torch._C.TensorBase' objects>. This error happens when you are using a `LazyModule` or explicitly "
            f"manipulating `torch.nn.parameter.{type(self).__name__}` objects. When using LazyModules Call `forward` "
            "with a dummy batch to initialize the parameters before calling torch functions"
        )

    refuse.__name__ = name
    return refuse


for _name in dir(Tensor):
    _private = _name.startswith("_") and not _name.startswith("__")
    if callable(getattr(Tensor, _name)) and not (_private or _name in _POSSIBLE or _name in vars(_Uninitialized)):
        setattr(_Uninitialized, _name, _refusal(_name))


class UninitializedParameter(_Uninitialized, Parameter):
    """A Parameter whose shape is not known yet; lazy modules give it one at their first call.

    >>> nn.UninitializedParameter()
    <UninitializedParameter>
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        return Tensor._make_subclass(cls, flambeau.empty(0, device=device, dtype=dtype), requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


class UninitializedBuffer(_Uninitialized, Tensor):
    """A buffer whose shape is not known yet.

    >>> nn.UninitializedBuffer()
    <UninitializedBuffer>
    """

    cls_to_become = Tensor

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True
    ) -> Any:
        buffer = Tensor._make_subclass(cls, flambeau.empty(0, device=device, dtype=dtype), requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


# Operators applied to a parameter or buffer give plain tensors.
_plain: Any = getattr(flambeau._C, "_disabled_torch_function_impl", None)
if _plain is not None:
    Parameter.__torch_function__ = _plain  # type: ignore[attr-defined, unused-ignore]
    Buffer.__torch_function__ = _plain  # type: ignore[attr-defined, unused-ignore]


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer still waits for its shape.

    >>> is_lazy(nn.Parameter(torch.ones(1)))
    False
    """
    return isinstance(param, _Uninitialized)
