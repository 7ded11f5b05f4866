"""Constructors of one dtype each, as they were before `dtype=`: ``torch.FloatTensor([1, 2])``."""

from __future__ import annotations

from typing import Any

from flambeau import _C


class tensortype(type):
    """The class of the constructors: an instance of one is any tensor of its dtype."""

    dtype: Any

    def __call__(cls, *args: Any, device: Any = None) -> Any:
        t = _C._legacy_tensor(cls.dtype, args)
        return t if device is None else t.to(device)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _C.Tensor) and instance.dtype == cls.dtype


tensortype.__module__ = "torch"


def _constructor(name: str, dtype: Any) -> Any:
    return tensortype(name, (), {"dtype": dtype, "__module__": "torch"})


FloatTensor = _constructor("FloatTensor", _C.float32)
DoubleTensor = _constructor("DoubleTensor", _C.float64)
HalfTensor = _constructor("HalfTensor", _C.float16)
BFloat16Tensor = _constructor("BFloat16Tensor", _C.bfloat16)
ByteTensor = _constructor("ByteTensor", _C.uint8)
CharTensor = _constructor("CharTensor", _C.int8)
ShortTensor = _constructor("ShortTensor", _C.int16)
IntTensor = _constructor("IntTensor", _C.int32)
LongTensor = _constructor("LongTensor", _C.int64)
BoolTensor = _constructor("BoolTensor", _C.bool)

_NAMES = {value.dtype: name for name, value in list(globals().items()) if isinstance(value, tensortype)}
_NAMES.update({_C.complex64: "ComplexFloatTensor", _C.complex128: "ComplexDoubleTensor"})


def type_name(dtype: Any) -> str:
    """What ``Tensor.type()`` says of a dtype."""
    return f"torch.{_NAMES[dtype]}"


def dtype_of(kind: Any) -> Any:
    """The dtype that a constructor, its name, the dtype itself or one of Python's number types stands for."""
    if isinstance(kind, (tensortype, str)):
        for dtype, name in _NAMES.items():
            if kind == f"torch.{name}" or getattr(kind, "__name__", None) == name:
                return dtype
        raise ValueError(f"invalid type: '{kind}'")
    if not isinstance(kind, (_C.dtype, type)):
        raise TypeError("dtype must be a type, str, or dtype object")
    return kind


def set_default_tensor_type(t: Any) -> None:
    """Sets the default dtype by a constructor or its name."""
    dtype = dtype_of(t)
    if not dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    _C.set_default_dtype(dtype)
