"""How the functions of `nn.functional` find their operators in the engine."""

from __future__ import annotations

from typing import Any

import flambeau


def engine(name: str) -> Any:
    """The engine's operator of that name in `nn.functional`, or None."""
    return getattr(flambeau._C.functional, name, None)


def repeated(value: Any, n: int) -> tuple[int, ...]:
    """A size for each of `n` dimensions."""
    if isinstance(value, int):
        return (value,) * n
    return tuple(value) * n if len(value) == 1 else tuple(value)


def result_into(input: Any, result: Any, inplace: bool) -> Any:
    """The result, or `input` overwritten with it."""
    return input.copy_(result) if inplace else result
