"""Switching the recording of operators on and off, as context managers and decorators."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any

from flambeau import _C


class _Mode:
    """A span of code with recording set to `_on`; also a decorator, of functions and of generators."""

    def __init__(self, on: bool) -> None:
        self._on = on
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_C.is_grad_enabled())
        _C._set_grad_enabled(self._on)

    def __exit__(self, *_error: Any) -> None:
        _C._set_grad_enabled(self._before.pop())

    def clone(self) -> _Mode:
        return _Mode(self._on)

    def __call__(self, function: Any) -> Any:
        return _decorate(self, function)


def _decorate(mode: _Mode, function: Callable[..., Any]) -> Any:
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:
            it = function(*args, **kwargs)
            # What resumes the generator: a value that is sent, or an error that is thrown into it.
            resume: Callable[[], Any] = functools.partial(next, it)
            while True:
                try:
                    with mode.clone():
                        value = resume()
                except StopIteration as stop:
                    return stop.value
                try:
                    resume = functools.partial(it.send, (yield value))
                except GeneratorExit:
                    with mode.clone():
                        it.close()
                    raise
                except BaseException as error:
                    resume = functools.partial(it.throw, error)

        return generator

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with mode.clone():
            return function(*args, **kwargs)

    return wrapped


class no_grad(_Mode):
    """Operators in the block are not recorded. ``@torch.no_grad()`` does the same for a function."""

    def __new__(cls, orig_func: Any = None) -> Any:
        mode = object.__new__(cls)
        if orig_func is None:
            return mode
        return _decorate(_Mode(False), orig_func)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_Mode):
    """Operators in the block are recorded, inside a `no_grad` too."""

    def __new__(cls, orig_func: Any = None) -> Any:
        mode = object.__new__(cls)
        if orig_func is None:
            return mode
        return _decorate(_Mode(True), orig_func)

    def __init__(self) -> None:
        super().__init__(True)


class set_grad_enabled(_Mode):
    """Sets recording at once; as a context manager, until the end of the block."""

    def __init__(self, mode: bool) -> None:
        super().__init__(mode)
        self._at_start = _C.is_grad_enabled()
        _C._set_grad_enabled(mode)

    def __enter__(self) -> None:
        self._before.append(self._at_start)
        _C._set_grad_enabled(self._on)

    def __call__(self, function: Any) -> Any:
        _C._set_grad_enabled(self._at_start)
        return _decorate(_Mode(self._on), function)


class inference_mode(_Mode):
    """As `no_grad`: nothing in the block is recorded. With False, a block inside in which operators are recorded."""

    _enabled = threading.local()

    def __new__(cls, mode: Any = True) -> Any:
        if isinstance(mode, bool):
            return object.__new__(cls)
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode)
        self.mode = mode
        self._outside: list[bool] = []

    def __enter__(self) -> None:
        super().__enter__()
        self._outside.append(is_inference_mode_enabled())
        self._enabled.on = self.mode

    def __exit__(self, *error: Any) -> None:
        self._enabled.on = self._outside.pop()
        super().__exit__(*error)

    def clone(self) -> inference_mode:
        return inference_mode(self.mode)


def is_inference_mode_enabled() -> bool:
    """True inside an `inference_mode`."""
    return getattr(inference_mode._enabled, "on", False)


def is_grad_enabled() -> bool:
    """True if operators are recorded now."""
    return _C.is_grad_enabled()
