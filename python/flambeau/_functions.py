"""Functions of the `torch` namespace that are Python over operators."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from flambeau import _C

pi = 3.141592653589793
e = 2.718281828459045
inf = float("inf")
nan = float("nan")
newaxis = None


def is_tensor(obj: Any) -> bool:
    """True for a tensor."""
    return isinstance(obj, _C.Tensor)


def is_storage(obj: Any) -> bool:
    """True for a tensor's memory."""
    return isinstance(obj, _C.UntypedStorage)


def numel(input: Any) -> int:
    """The number of elements."""
    return input.numel()


def is_floating_point(input: Any) -> bool:
    """True for float16, bfloat16, float32, float64."""
    return input.is_floating_point()


def is_complex(input: Any) -> bool:
    """True for complex64 and complex128."""
    return input.is_complex()


def is_nonzero(input: Any) -> bool:
    """True unless the one element is zero."""
    return bool(input)


_TITLES = {
    _C.float16: "Half",
    _C.bfloat16: "BFloat16",
    _C.float32: "Float",
    _C.float64: "Double",
    _C.complex64: "ComplexFloat",
    _C.complex128: "ComplexDouble",
    _C.uint8: "Byte",
    _C.int8: "Char",
    _C.int16: "Short",
    _C.int32: "Int",
    _C.int64: "Long",
    _C.bool: "Bool",
}


def _over_memory(obj: Any, dtype: Any) -> Any:
    """A tensor over the memory of an object, or None for one whose memory holds no plain numbers."""
    if isinstance(obj, _C.Tensor):
        return obj
    if isinstance(obj, (list, tuple, str)):
        return None
    if type(obj).__name__ == "PyCapsule":
        from flambeau.utils.dlpack import from_dlpack

        return from_dlpack(obj)
    if hasattr(obj, "__array_interface__"):
        return _C.as_tensor(obj)
    try:
        size = memoryview(obj).nbytes
    except TypeError:
        return None
    return _C.frombuffer(obj, dtype=dtype or _C.uint8) if size else _C.empty(0, dtype=dtype or _C.uint8)


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool | None = None
) -> Any:
    """A tensor over the memory of a tensor, an array or a buffer where that can be, else with a copy of the data.

    `copy` forces a copy, or with False makes the need for one an error.
    """
    if dtype is not None and not isinstance(dtype, _C.dtype):
        raise TypeError(f"asarray(): argument 'dtype' must be torch.dtype, not {type(dtype).__name__}")
    memory = _over_memory(obj, dtype)
    if copy is False and hasattr(obj, "__array_interface__") and not hasattr(obj, "__len__"):
        raise RuntimeError("can't alias NumPy scalars. Either remove copy=False or transform it in a ndarray. ")
    if memory is None:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        result = _C.tensor(obj, dtype=dtype, device=device)
    else:
        result = memory.to(device=device, dtype=dtype)
        if copy is False and result.device != memory.device:
            raise ValueError(f"can't alias tensor from device '{memory.device}' to '{result.device}'.")
        if copy is False and result.dtype != memory.dtype:
            before, after = _TITLES[memory.dtype], _TITLES[result.dtype]
            raise ValueError(f"can't alias tensor with dtype '{before}' into dtype '{after}'.")
        if copy and result is memory:
            result = result.clone()
    if requires_grad and not (result.is_floating_point() or result.is_complex()):
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if requires_grad is False and result.requires_grad:
        return result.detach()
    return result.requires_grad_() if requires_grad else result


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Sets how tensors print."""
    _C._set_print_options(
        {
            "profile": profile,
            "precision": precision,
            "threshold": threshold,
            "edgeitems": edgeitems,
            "linewidth": linewidth,
            "sci_mode": sci_mode,
        }
    )


def nonzero(input: Any, *, out: Any = None, as_tuple: bool = False) -> Any:
    """The places of elements that are not zero: one row each, or with `as_tuple` one tensor a dimension."""
    if out is not None and not as_tuple:
        return _C.nonzero(input, out=out)
    found = _C.nonzero(input)
    if not as_tuple:
        return found
    if input.dim() == 0:
        return nonzero(input.unsqueeze(0), as_tuple=True)
    return found.unbind(1)


def _assert(condition: Any, message: Any) -> None:
    """An assertion as a function."""
    assert condition, message


def _check(cond: Any, message: Any = None) -> None:
    """Raises RuntimeError with what `message()` gives unless `cond` is true."""
    if not isinstance(cond, bool):
        raise TypeError(f"cond must be a bool, but got {type(cond)}")
    if not cond:
        text = "Expected cond to be True, but got False." if message is None else str(message())
        raise RuntimeError(text)


def typename(obj: Any) -> str:
    """The name of the type of an object."""
    if isinstance(obj, _C.Tensor):
        return obj.type()
    cls = type(obj) if not isinstance(obj, type) else obj
    return f"{cls.__module__}.{cls.__qualname__}"


def broadcast_shapes(*shapes: Any) -> Any:
    """The shape that shapes broadcast to."""
    views = [_C.empty((), device="meta").expand(s if isinstance(s, (tuple, list)) else (s,)) for s in shapes]
    return _C.broadcast_tensors(views)[0].shape if views else _C.empty(0).shape[:0]


def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Parts of a dimension, of one size or of given sizes, as views."""
    return tensor.split(split_size_or_sections, dim)


def compile(model: Any = None, **_options: Any) -> Any:
    """Returns the model as it is: there is no compiler yet."""
    if model is None:
        return lambda m: m
    return model


def get_device(input: Any) -> int:
    """-1: every tensor is on the CPU."""
    return -1


class finfo:
    """What numbers a floating-point dtype has: ``eps``, ``max``, ``min``, ``tiny``, ``bits``."""

    _table = {
        "float16": (16, 0.0009765625, 65504.0, 6.103515625e-05, 5.960464477539063e-08, 0.001),
        "bfloat16": (16, 0.0078125, 3.3895313892515355e38, 1.1754943508222875e-38, 9.183549615799121e-41, 0.01),
        "float32": (
            32,
            1.1920928955078125e-07,
            3.4028234663852886e38,
            1.1754943508222875e-38,
            1.401298464324817e-45,
            1e-06,
        ),
        "float64": (64, 2.220446049250313e-16, 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324, 1e-15),
    }

    def __init__(self, type: Any = None) -> None:
        dtype = (type or _C.get_default_dtype()).to_real()
        name = repr(dtype)[6:]
        if name not in self._table:
            raise TypeError(
                f"torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.{name}'"
            )
        self.bits, self.eps, self.max, self.tiny, self._smallest, self.resolution = self._table[name]
        self.min = -self.max
        self.smallest_normal = self.tiny
        self.dtype = name

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
            f"smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"
        )


class iinfo:
    """What numbers an integer dtype has: ``max``, ``min``, ``bits``."""

    def __init__(self, type: Any) -> None:
        if type.is_floating_point or type.is_complex:
            raise TypeError(f"torch.iinfo() requires an integer input type. Use torch.finfo to handle '{type}'")
        self.bits = type.itemsize * 8
        self.min = -(2 ** (self.bits - 1)) if type.is_signed else 0
        self.max = 2 ** (self.bits - 1) - 1 if type.is_signed else 2**self.bits - 1
        self.dtype = repr(type)[6:]

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Any:
    """Sums of products over several dimensions of two tensors: so many of the last and first, or those listed."""
    if isinstance(dims, _C.Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        result = _C.tensordot(a, b, dims)
    else:
        first, second = dims
        as_list = lambda d: [d] if isinstance(d, int) else list(d)  # noqa: E731
        result = _C.tensordot(a, b, as_list(first), as_list(second))
    return result if out is None else out.copy_(result)


def _letter(place: Any) -> str:
    """The letter that a number in a list of subscripts stands for."""
    if place is Ellipsis:
        return "..."
    if 0 <= place < 52:
        return chr(ord("A") + place) if place < 26 else chr(ord("a") + place - 26)
    raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")


def einsum(*args: Any) -> Any:
    """`einsum` of the engine; instead of an equation, each operand may be followed by the list of its subscripts."""
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, "
            "or at least one operand and its subscripts list"
        )
    if not isinstance(args[0], _C.Tensor):
        return _C.einsum(*args)
    lists = ["".join(map(_letter, subscripts)) for subscripts in args[1::2]]
    if len(args) % 2 == 0:
        return _C.einsum(",".join(lists), *args[::2])
    return _C.einsum(f"{','.join(lists)}->{''.join(map(_letter, args[-1]))}", *args[:-1:2])


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """The coordinates that flat indices stand for in a tensor of a shape: one tensor a dimension."""
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == _C.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if not isinstance(shape, (int, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(size)}")
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    steps = [1]
    for size in reversed(sizes[1:]):
        steps.insert(0, steps[0] * size)
    steps = steps[: len(sizes)]
    places = indices.unsqueeze(-1).floor_divide(_C.tensor(steps, dtype=_C.int64, device=indices.device))
    return (places % _C.tensor(sizes, dtype=_C.int64, device=indices.device)).unbind(-1)


def range(start: Any, end: Any = None, step: Any = 1, *, out: Any = None, dtype: Any = None, **options: Any) -> Any:  # noqa: A001
    """The numbers from `start` up to and with `end`, `step` apart."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with "
        "Python's range builtin. Instead, use torch.arange, which produces values in [start, end).",
        UserWarning,
        stacklevel=2,
    )
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    dtype = dtype or (out.dtype if out is not None else _C.get_default_dtype())
    requires_grad = options.pop("requires_grad", False)
    count = int((end - start) / step) + 1
    wide = dtype if dtype == _C.int64 else _C.float64
    values = (_C.arange(count, dtype=wide, **options) * step + start).to(dtype)
    if out is not None:
        return out.resize_(values.shape).copy_(values)
    return values.requires_grad_(requires_grad)


def _of_method(name: str) -> Any:
    def function(input: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(input, name)(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`Tensor.{name}` as a function."
    return function


# Methods that PyTorch also has as functions.
for _name in (
    *("arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "as_strided_", "clip_", "detach", "detach_"),
    *("fill_", "fix_", "index_put_", "is_conj", "is_neg", "is_same_size", "is_signed", "negative_", "resize_as_"),
    "zero_",
):
    globals()[_name] = _of_method(_name)

_deterministic = "default"
_DETERMINISTIC = ("default", "warn", "error")
_matmul_precision = "highest"
_warn_always = False
_interop_threads = 1


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Asks for the same results in every run, which is what the engine gives anyway."""
    global _deterministic
    _deterministic = ("warn" if warn_only else "error") if mode else "default"


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was told."""
    return _deterministic != "default"


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was told to warn only."""
    return _deterministic == "warn"


def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """`use_deterministic_algorithms` by a name, `default`, `warn` or `error`, or by its number."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if debug_mode not in (*_DETERMINISTIC, 0, 1, 2):
        known = "one of `default`, `warn`, `error`" if isinstance(debug_mode, str) else "0, 1, or 2"
        raise RuntimeError(f"invalid value of debug_mode, expected {known}, but got {debug_mode}")
    name = debug_mode if isinstance(debug_mode, str) else _DETERMINISTIC[debug_mode]
    use_deterministic_algorithms(name != "default", warn_only=name == "warn")


def get_deterministic_debug_mode() -> int:
    """What `set_deterministic_debug_mode` was told, as a number."""
    return _DETERMINISTIC.index(_deterministic)


def set_warn_always(b: bool, /) -> None:
    """Asks for warnings at every call. Python's own filters decide that here."""
    global _warn_always
    _warn_always = b


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was told."""
    return _warn_always


def set_num_interop_threads(num: int, /) -> None:
    """Takes how many operators may run side by side; one does at a time."""
    global _interop_threads
    if num <= 0:
        raise RuntimeError("Expected nthreads > 0 to be true, but got false.")
    _interop_threads = num


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was told."""
    return _interop_threads


def get_default_device() -> Any:
    """The device that new tensors are on."""
    return _C._default_device()


def set_default_device(device: Any) -> None:
    """Says on which device new tensors are to be: the CPU, or `meta`, where they have no elements."""
    if device is not None:
        _C.empty(0, device=device)  # where there is no such device, this is the error
    _C._set_default_device(device)


def is_anomaly_enabled() -> bool:
    """Whether `torch.autograd.set_detect_anomaly` is on."""
    from flambeau.autograd import set_detect_anomaly

    return set_detect_anomaly._state[0]


def is_anomaly_check_nan_enabled() -> bool:
    """Whether `torch.autograd.set_detect_anomaly` was told to look for NaN."""
    from flambeau.autograd import set_detect_anomaly

    return set_detect_anomaly._state[1]


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """`torch.autograd.set_detect_anomaly`, at once."""
    from flambeau.autograd import set_detect_anomaly

    set_detect_anomaly(enabled, check_nan)


def is_distributed(input: Any) -> bool:
    """False: tensors are not spread over machines."""
    return False


def set_float32_matmul_precision(precision: str) -> None:
    """Allows matrix products of float32 to be less exact (`high`, `medium`). They are exact here in any case."""
    global _matmul_precision
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(
            f"float32 matmul precision must be one of 'highest', 'high' or 'medium', but got '{precision}'"
        )
    _matmul_precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told."""
    return _matmul_precision
