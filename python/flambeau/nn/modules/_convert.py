"""How `Module.to` reads its arguments."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor


def parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Read `(device=None, dtype=None, non_blocking=False)`, `(dtype, non_blocking)` or `(tensor, non_blocking)`.

    Returns device, dtype, non_blocking and memory format.
    """
    memory_format = kwargs.pop("memory_format", None)
    device = kwargs.pop("device", None)
    dtype = kwargs.pop("dtype", None)
    non_blocking = kwargs.pop("non_blocking", False)
    other = kwargs.pop("tensor", kwargs.pop("other", None))
    if kwargs:
        raise TypeError(f"to() received an invalid combination of arguments - got an unexpected {next(iter(kwargs))!r}")
    rest = list(args)
    if rest and isinstance(rest[0], Tensor):
        other = rest.pop(0)
    elif rest and isinstance(rest[0], flambeau.dtype):
        dtype = rest.pop(0)
    elif rest and not isinstance(rest[0], bool):
        device = rest.pop(0)
        if rest and (rest[0] is None or isinstance(rest[0], flambeau.dtype)):
            dtype = rest.pop(0)
    if rest:
        non_blocking = rest.pop(0)
    if rest and not isinstance(rest[0], bool):
        raise TypeError(f"to() received an invalid combination of arguments - got {tuple(map(type, args))}")
    if other is not None:
        device, dtype = other.device, other.dtype
    if device is not None:
        device = flambeau.device(device)
    return device, dtype, bool(non_blocking), memory_format
