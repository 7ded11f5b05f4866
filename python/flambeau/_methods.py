"""Methods of Tensor that are Python over operators: conversions, forms of several operators."""

from __future__ import annotations

import math
import warnings
from typing import Any

from flambeau import _C
from flambeau._legacy import dtype_of, type_name

Tensor = _C.Tensor
_DTYPES = {
    "float": _C.float32,
    "double": _C.float64,
    "half": _C.float16,
    "bfloat16": _C.bfloat16,
    "cfloat": _C.complex64,
    "cdouble": _C.complex128,
    "int": _C.int32,
    "long": _C.int64,
    "short": _C.int16,
    "char": _C.int8,
    "byte": _C.uint8,
    "bool": _C.bool,
}


def _to(self: Any, *args: Any, **kwargs: Any) -> Any:
    """The tensor in another dtype or on another device: ``to(dtype)``, ``to(device)``, ``to(other)``."""
    dtype = kwargs.pop("dtype", None)
    device = kwargs.pop("device", None)
    copy = kwargs.pop("copy", False)
    memory_format = kwargs.pop("memory_format", None)
    kwargs.pop("non_blocking", None)
    other = kwargs.pop("other", None)
    rest: list[Any] = []
    for a in args:
        if isinstance(a, _C.dtype) or a in (float, int, bool, complex):
            dtype = a
        elif isinstance(a, (str, _C.device)):
            device = a
        elif isinstance(a, Tensor):
            other = a
        elif isinstance(a, bool):
            rest.append(a)
        elif a is not None:
            raise TypeError(
                f"to() received an invalid combination of arguments - got ({type(a).__name__}), but expected one of:\n"
                " * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, "
                "bool copy = False)\n"
                " * (torch.dtype dtype, bool non_blocking = False, bool copy = False)\n"
                " * (Tensor tensor, bool non_blocking = False, bool copy = False)\n"
            )
    if kwargs:
        raise TypeError(f"to() got an unexpected keyword argument '{next(iter(kwargs))}'")
    if len(rest) > 1:
        copy = rest[1]
    if other is not None:
        dtype, device = other.dtype, other.device
    if dtype is not None and not isinstance(dtype, _C.dtype):
        dtype = {float: _C.float64, int: _C.int64, bool: _C.bool, complex: _C.complex128}[dtype]
    if device is not None:
        device = _C.device(device)
    same = (dtype is None or dtype == self.dtype) and (device is None or device.type == self.device.type)
    if (
        same
        and not copy
        and (memory_format is None or memory_format == _C.preserve_format or memory_format == _suggested_format(self))
    ):
        return self
    if dtype is not None and self.is_complex() and not dtype.is_complex and dtype != _C.bool:
        warnings.warn(
            "Casting complex values to real discards the imaginary part",
            UserWarning,
            stacklevel=2,
        )
    return _C.private.to_copy(self, dtype=dtype, device=device, memory_format=memory_format or _C.preserve_format)


def _suggested_format(x: Any) -> Any:
    """The memory format that the order of a tensor's strides is nearest to."""
    if x.dim() != 4 or 0 in x.shape or x.stride(1) == 0:
        return _C.contiguous_format
    least = 0
    for d in (1, 3, 2, 0):
        size, stride = x.shape[d], x.stride(d)
        if stride < least or (d == 0 and least == x.stride(1)):
            return _C.contiguous_format
        least = stride * max(size, 1)
    return _C.channels_last


def _converter(dtype: Any) -> Any:
    def convert(self: Any, memory_format: Any = _C.preserve_format) -> Any:
        return self.to(dtype, memory_format=memory_format)

    return convert


def _cpu(self: Any, memory_format: Any = None) -> Any:
    return self.to(_C.device("cpu"))


def _cuda(self: Any, *_args: Any, **_kwargs: Any) -> Any:
    return self.to("cuda")


def _type(self: Any, dtype: Any = None, non_blocking: bool = False, **_kwargs: Any) -> Any:
    return type_name(self.dtype) if dtype is None else self.to(dtype_of(dtype))


def _type_as(self: Any, other: Any) -> Any:
    return self.to(other.dtype)


def _numpy(self: Any, *, force: bool = False) -> Any:
    """The array over the tensor's memory: a write to one is seen by the other."""
    return _C._to_numpy(self, force)


def _array(self: Any, dtype: Any = None, copy: Any = None) -> Any:
    array = _C._to_numpy(self)
    if dtype is not None and array.dtype != dtype:
        return array.astype(dtype, copy=False)
    return array.copy() if copy else array


def _array_wrap(self: Any, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    if array.dtype == bool:
        array = array.astype("uint8")
    if array.ndim == 0 and not hasattr(array, "ctypes"):
        return _C.as_tensor(array)
    return _C.from_numpy(array)


def _split(self: Any, split_size: Any, dim: int = 0) -> Any:
    return _C.split(self, split_size, dim)


def _new_tensor(
    self: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_kwargs: Any
) -> Any:
    return _C.tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


def _inplace_view(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        view = getattr(self.detach(), name)(*args, **kwargs)
        if not (self.requires_grad and _C.is_grad_enabled()):
            self._set_layout(view)
            return self
        base = self._base
        if self.is_leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if base is not None and base.is_leaf and base.requires_grad:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
        # The tensor becomes its own view: what is computed from it from now on goes through the view's node.
        self._set_view(getattr(self, name)(*args, **kwargs))
        return self

    method.__name__ = f"{name}_"
    return method


def _new(self: Any, *args: Any, size: Any = None, device: Any = None) -> Any:
    """A tensor of this dtype from sizes or data, or one of no elements."""
    t = _C._legacy_tensor(self.dtype, args if size is None else tuple(size))
    return t if device is None else t.to(device)


def _resize_as(self: Any, other: Any, *, memory_format: Any = None) -> Any:
    return self.resize_(other.shape, memory_format=memory_format) if memory_format else self.resize_(other.shape)


def _set(self: Any, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Any:
    """Makes the tensor one over the memory of a storage or of another tensor."""
    if source is None:
        source = _C.empty(0, dtype=self.dtype)
    elif not isinstance(source, Tensor):
        storage = source.untyped() if hasattr(source, "untyped") else source
        whole = (storage.nbytes() // self.element_size(),)
        source = storage._tensor(self.dtype, 0, whole, (1,))
    elif source.dtype != self.dtype:
        raise RuntimeError("Could not set tensor of one dtype to a tensor of another")
    if size is not None:
        size = (size,) if isinstance(size, int) else tuple(size)
        if stride is None:
            stride = [math.prod(size[d + 1 :]) for d in range(len(size))]
        source = source.as_strided(size, (stride,) if isinstance(stride, int) else tuple(stride), storage_offset)
    self.data = source
    return self


def _nonzero(self: Any, *, as_tuple: bool = False) -> Any:
    from flambeau._functions import nonzero

    return nonzero(self, as_tuple=as_tuple)


def _lu(self: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    from flambeau._factors import lu

    return lu(self, pivot, get_infos)


def _map(self: Any, tensor: Any, function: Any) -> Any:
    values = [
        function(a, b)
        for a, b in zip(self.reshape(-1).tolist(), tensor.expand_as(self).reshape(-1).tolist(), strict=True)
    ]
    return self.copy_(_C.tensor(values, dtype=self.dtype).reshape(self.shape))


def _where(self: Any, condition: Any, other: Any) -> Any:
    return _C.where(condition, self, other)


def _fill_diagonal(self: Any, fill_value: Any, wrap: bool = False) -> Any:
    """Writes a number to the main diagonal; with `wrap`, that of a tall matrix starts anew below each square."""
    if self.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.dim() > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    height, width = self.shape[0], self.shape[1]
    self.as_strided((min(self.shape),), (sum(self.stride()),), self.storage_offset()).fill_(fill_value)
    if wrap and self.dim() == 2:
        # Each block is a square and the row below it.
        for top in range(width + 1, height, width + 1):
            rows = self[top : top + width]
            rows.diagonal().fill_(fill_value)
    return self


def _storage(self: Any) -> Any:
    from flambeau.storage import TypedStorage, _warn_typed

    _warn_typed()
    return TypedStorage._over(self.untyped_storage(), self.dtype)


def _is_same_size(self: Any, other: Any) -> bool:
    return self.shape == other.shape


def _is_set_to(self: Any, tensor: Any) -> bool:
    """True if both are the same view of the same memory."""
    return (
        self.data_ptr() == tensor.data_ptr()
        and self.shape == tensor.shape
        and self.stride() == tensor.stride()
        and self.storage_offset() == tensor.storage_offset()
    )


def _never(self: Any) -> bool:
    return False


def _device_index(self: Any) -> int:
    return -1


def _share_memory(self: Any) -> Any:
    raise NotImplementedError("share_memory_: tensors are copied to other processes, not shared with them")


def _pin_memory(self: Any, device: Any = None) -> Any:
    raise RuntimeError("Cannot access accelerator device when none is available.")


def _is_nonzero(self: Any) -> bool:
    return bool(self)


def _reversed(self: Any) -> Any:
    return self if self.dim() == 0 else self.flip(0)


def _dlpack(self: Any, **kwargs: Any) -> Any:
    from flambeau.utils.dlpack import _dlpack

    return _dlpack(self, **kwargs)


def _dlpack_device(self: Any) -> tuple[int, int]:
    """The processor, in the numbers of DLPack."""
    return 1, 0


def _dim_order(self: Any) -> tuple[int, ...]:
    return tuple(sorted(range(self.dim()), key=lambda d: (-self.stride(d), d)))


def install() -> None:
    """Puts the methods on the class."""
    methods = {
        "to": _to,
        "cpu": _cpu,
        "cuda": _cuda,
        "type": _type,
        "type_as": _type_as,
        "numpy": _numpy,
        "__array__": _array,
        "__array_wrap__": _array_wrap,
        "__dlpack__": _dlpack,
        "__dlpack_device__": _dlpack_device,
        "__reversed__": _reversed,
        "new": _new,
        "new_tensor": _new_tensor,
        "resize_as_": _resize_as,
        "set_": _set,
        "nonzero": _nonzero,
        "lu": _lu,
        "map_": _map,
        "where": _where,
        "fill_diagonal_": _fill_diagonal,
        "storage": _storage,
        "is_same_size": _is_same_size,
        "is_set_to": _is_set_to,
        "is_distributed": _never,
        "_is_zerotensor": _never,
        "get_device": _device_index,
        "dense_dim": Tensor.dim,
        "sparse_dim": lambda self: 0,
        "share_memory_": _share_memory,
        "pin_memory": _pin_memory,
        "is_nonzero": _is_nonzero,
        "dim_order": _dim_order,
        **{name: _converter(dtype) for name, dtype in _DTYPES.items()},
        **{
            f"{name}_": _inplace_view(name)
            for name in ("t", "transpose", "squeeze", "unsqueeze", "swapaxes", "swapdims", "as_strided")
        },
    }
    for name, method in methods.items():
        setattr(Tensor, name, method)
    Tensor.__array_priority__ = 1000
    # What a tensor never is here: of another device or layout than strided memory of the processor.
    for name in ("mkldnn", "xpu", "mps", "vulkan", "sparse_csr", "xla", "ipu", "maia", "mtia"):
        setattr(Tensor, f"is_{name}", False)
    for name, value in (("volatile", False), ("name", None), ("grad_dtype", property(lambda self: self.dtype))):
        setattr(Tensor, name, value)
    # Python's own errors about operands name the class without its module.
    Tensor.__name__ = "Tensor"
    # Forms of operators that another name already has.
    for name, other in (("__rdiv__", "__rtruediv__"), ("__div__", "__truediv__"), ("__idiv__", "__itruediv__")):
        setattr(Tensor, name, getattr(Tensor, other))
