"""How `Module.to` reads its arguments."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor


def parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Read `(device=None, dtype=None, non_blocking=False)`, `(dtype, non_blocking)` or `(tensor, non_blocking)`.

    Returns device, dtype, non_blocking and memory format.
    """
    first = args[0] if args else None
    flags = ["non_blocking", "copy"]
    if isinstance(first, Tensor) or "tensor" in kwargs:
        names = ["tensor", *flags]
    elif isinstance(first, flambeau.dtype | type | bool | float | complex):
        names = ["dtype", *flags]
    else:
        names = ["device", "dtype", *flags]
    given = dict(zip(names, args, strict=False))
    fits = len(args) <= len(names) and not given.keys() & kwargs.keys()
    given.update(kwargs)
    memory_format = given.pop("memory_format", None)
    number = given.get("dtype")
    if isinstance(first, bool | float | complex) and number is first:
        given["dtype"] = type(first)  # PyTorch takes a number for its type
    if not (fits and all(name in names and _KINDS[name](value) for name, value in given.items())):
        got = [_kind_name(arg) for arg in args]
        named = [f"{name}={_kind_name(value)}" for name, value in kwargs.items()]
        text = "(" + ", ".join(got + named) + (", )" if named else ")")
        raise TypeError(f"to() received an invalid combination of arguments - got {text}, but expected one of:{_FORMS}")
    device, dtype = given.get("device"), given.get("dtype")
    if "tensor" in given:
        device, dtype = given["tensor"].device, given["tensor"].dtype
    if device is not None:
        device = flambeau.device(device)
    return device, _DTYPES.get(dtype, dtype), given.get("non_blocking", False), memory_format


_DTYPES: dict[Any, Any] = {
    bool: flambeau.bool,
    int: flambeau.int64,
    float: flambeau.float64,
    complex: flambeau.complex128,
}
_KINDS: dict[str, Any] = {
    "tensor": lambda x: isinstance(x, Tensor),
    "device": lambda x: x is None or (isinstance(x, str | int | flambeau.device) and not isinstance(x, bool)),
    "dtype": lambda x: x is None or isinstance(x, flambeau.dtype) or (isinstance(x, type) and x in _DTYPES),
    "non_blocking": lambda x: isinstance(x, bool),
    "copy": lambda x: isinstance(x, bool),
}
_FORMS = (
    "".join(
        f"\n * ({start}bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)"
        for start in (
            "torch.device device = None, torch.dtype dtype = None, ",
            "torch.dtype dtype, ",
            "Tensor tensor, ",
        )
    )
    + "\n"
)


def _kind_name(value: Any) -> str:
    if isinstance(value, Tensor):
        return "Tensor"
    return (
        f"torch.{type(value).__name__}" if isinstance(value, flambeau.dtype | flambeau.device) else type(value).__name__
    )
