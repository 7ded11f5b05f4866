"""Named results of operators: ``torch.return_types.max(values=..., indices=...)``."""

from __future__ import annotations

import operator
from typing import Any

_made: dict[str, type] = {}


class _Named(tuple[Any, ...]):
    """A tuple whose places have names."""

    _fields: tuple[str, ...] = ()

    def __new__(cls, values: Any) -> _Named:
        return tuple.__new__(cls, values)

    def __repr__(self) -> str:
        body = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{body})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self).__name__, self._fields, tuple(self))


def _rebuild(name: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    return make(name, fields, values)


def make(name: str, fields: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    """A result of the operator `name`."""
    key = f"{name}:{','.join(fields)}"
    cls = _made.get(key)
    if cls is None:
        places = {f: property(operator.itemgetter(i)) for i, f in enumerate(fields)}
        cls = type(
            name, (_Named,), {"_fields": fields, "n_fields": len(fields), "__module__": "torch.return_types", **places}
        )
        _made[key] = cls
        globals().setdefault(name, cls)
    return cls(values)
