"""How samples become a batch."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import flambeau
from flambeau import Tensor

__all__ = ["collate", "default_collate", "default_convert"]

_NOT_NUMBERS = re.compile(r"[SaUO]")
_MESSAGE = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _is_numpy(cls: type) -> bool:
    return cls.__module__ == "numpy"


def _rebuild_mapping(like: Any, values: dict[Any, Any]) -> Any:
    """A mapping of the class of `like`, with its extra properties where it can be copied."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(values)
            return clone
        return type(like)(values)
    except TypeError:
        return values


def _rebuild_sequence(like: Any, values: list[Any]) -> Any:
    """A sequence of the class of `like`, with its extra properties where it can be copied."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return type(like)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def default_convert(data: Any) -> Any:
    """Turn NumPy arrays and numbers, at any depth, into tensors.

    >>> default_convert([0, 1])
    [0, 1]
    """
    cls: Any = type(data)
    if isinstance(data, Tensor):
        return data
    if _is_numpy(cls) and cls.__name__ not in ("str_", "string_"):
        if cls.__name__ == "ndarray" and _NOT_NUMBERS.search(data.dtype.str):
            return data
        return flambeau.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        parts = [default_convert(part) for part in data]
        return cls(*parts) if hasattr(data, "_fields") else parts
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild_sequence(data, [default_convert(part) for part in data])
    return data


def _collate_numpy(batch: Any, cls: Any) -> Any:
    """Batches of NumPy arrays and scalars; None for other things of NumPy's."""
    first = batch[0]
    if hasattr(first, "__array_interface__") and cls.__name__ in ("ndarray", "memmap"):
        if _NOT_NUMBERS.search(first.dtype.str):
            raise TypeError(_MESSAGE.format(first.dtype))
        return flambeau.stack([flambeau.as_tensor(array) for array in batch], 0)
    if hasattr(first, "dtype") and cls.__name__ not in ("str_", "bytes_"):
        return flambeau.as_tensor(batch)
    return None


def collate(batch: Any, *, collate_fn_map: dict[Any, Callable[..., Any]] | None = None) -> Any:
    """Join samples; `collate_fn_map` says how for classes of elements, the other containers are gone through."""
    first = batch[0]
    cls: Any = type(first)
    if collate_fn_map is not None:
        joiner = collate_fn_map.get(cls)
        if joiner is None:
            joiner = next((fn for kind, fn in collate_fn_map.items() if isinstance(first, kind)), None)
        if joiner is not None:
            return joiner(batch, collate_fn_map=collate_fn_map)
        if collate_fn_map is default_collate_fn_map:
            for base in cls.__mro__:
                if _is_numpy(base):
                    joined = _collate_numpy(batch, base)
                    if joined is not None:
                        return joined

    def join(samples: Any) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _rebuild_mapping(first, {key: join([sample[key] for sample in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return cls(*(join(column) for column in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        size = len(first)
        if not all(len(sample) == size for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [join(column) for column in zip(*batch, strict=False)]
        return columns if isinstance(first, tuple) else _rebuild_sequence(first, columns)
    raise TypeError(_MESSAGE.format(cls))


def _collate_tensors(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return flambeau.stack(list(batch), 0)


def _collate_floats(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return flambeau.tensor(batch, dtype=flambeau.float64)


def _collate_ints(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return flambeau.tensor(batch)


def _collate_unchanged(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return batch


default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    Tensor: _collate_tensors,
    float: _collate_floats,
    int: _collate_ints,
    str: _collate_unchanged,
    bytes: _collate_unchanged,
}


def default_collate(batch: Any) -> Any:
    """Stack tensors, arrays and numbers along a new first dimension, going through containers.

    >>> default_collate([(torch.zeros(2), 0), (torch.ones(2), 1)])
    [tensor([[0., 0.],
            [1., 1.]]), tensor([0, 1])]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
