"""``torch.compiler``: there is no compiler yet, and the module says so."""

from __future__ import annotations

from typing import Any

__all__ = ["disable", "is_compiling", "is_dynamo_compiling", "reset", "set_stance"]


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


class set_stance:  # noqa: N801
    """When to compile: at once, for a `with` block or for a function; here nothing is compiled in any stance."""

    def __init__(
        self, stance: str = "default", *, skip_guard_eval_unsafe: bool = False, force_backend: Any = None
    ) -> None:
        known = ("default", "force_eager", "eager_on_recompile", "fail_on_recompile", "eager_then_compile")
        if stance not in known:
            raise RuntimeError(f"invalid stance '{stance}', expected one of {', '.join(known)}")

    def __enter__(self) -> None:
        """Nothing changes."""

    def __exit__(self, *_error: object) -> None:
        """Nothing changes."""

    def __call__(self, fn: Any) -> Any:
        """The function as it is."""
        return fn
