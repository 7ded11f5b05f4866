"""Switches of a backend that is not there: kept, and given back."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


def swap(backend: str, values: dict[str, Any]) -> tuple[Any, ...]:
    """Sets those of a module's switches whose values are not None, and gives what all of them were."""
    module = sys.modules[backend]
    before = tuple(getattr(module, name) for name in values)
    for name, value in values.items():
        if value is not None:
            setattr(module, name, value)
    return before


@contextlib.contextmanager
def held(backend: str, values: dict[str, Any]) -> Iterator[None]:
    """Sets a module's switches for a `with` block."""
    before = swap(backend, values)
    try:
        yield
    finally:
        swap(backend, dict(zip(values, before, strict=True)))
