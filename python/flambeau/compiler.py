"""``torch.compiler``: there is no compiler yet, and the module says so."""

from __future__ import annotations

from typing import Any

__all__ = ["disable", "is_compiling", "is_dynamo_compiling", "reset"]


def is_compiling() -> bool:
    """False: programs run as they are."""
    return False


def is_dynamo_compiling() -> bool:
    """False: programs run as they are."""
    return False


def disable(fn: Any = None, recursive: bool = True, **_options: Any) -> Any:
    """The function as it is, which nothing compiles; without one, a decorator."""
    return (lambda function: function) if fn is None else fn


def reset() -> None:
    """Forgets what was compiled, which is nothing."""
