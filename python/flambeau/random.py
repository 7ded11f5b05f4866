"""Seeding: ``torch.manual_seed`` and the state of the default stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from flambeau import _C

default_generator = _C.default_generator


def manual_seed(seed: Any) -> _C.Generator:
    """Seeds the default stream and returns it: the same seed gives PyTorch's numbers."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seeds the default stream from the system's randomness and returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default stream."""
    return default_generator.initial_seed()


def get_rng_state() -> _C.Tensor:
    """The state of the default stream, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: _C.Tensor) -> None:
    """Takes up a state from `get_rng_state`."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, *_args: Any, **_kwargs: Any) -> Iterator[None]:
    """Restores the state of the default stream at the end of a `with` block."""
    if not enabled:
        yield
        return
    before = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(before)
