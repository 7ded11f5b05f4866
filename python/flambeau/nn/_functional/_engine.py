"""How the functions of `nn.functional` find their operators in the engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import flambeau

F = TypeVar("F", bound=Callable[..., Any])


def engine(name: str) -> Any:
    """The engine's operator of that name in `nn.functional`, or None."""
    return getattr(flambeau._C.functional, name, None)


def formula(function: F) -> F:
    """Mark a function as a formula in other operators: the engine's own operator, where there is one, replaces it."""
    operator: F | None = engine(function.__name__.strip("_"))
    return function if operator is None else operator


def result_into(input: Any, result: Any, inplace: bool) -> Any:
    """The result, or `input` overwritten with it."""
    return input.copy_(result) if inplace else result
