"""Operators in a shorter type where that gains time, in float32 where they need its range."""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable
from typing import Any

import flambeau as torch
from flambeau import _C

SUPPORTED = (torch.bfloat16, torch.float16)
DEVICES = (
    "cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, "
    "privateuseone"
)
_settings = threading.local()


def _check_device(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if device_type not in DEVICES.split(", "):
        raise RuntimeError(f"Expected one of {DEVICES} device type at start of device string: {device_type}")


def is_autocast_available(device_type: str) -> bool:
    """Whether mixed precision is there for a device."""
    _check_device(device_type)
    return device_type == "cpu"


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether mixed precision is on for a device; without one, for CUDA, which there is none of."""
    return device_type == "cpu" and _C._autocast_dtype() is not None


def is_autocast_cpu_enabled() -> bool:
    """Whether mixed precision is on."""
    return is_autocast_enabled("cpu")


def get_autocast_dtype(device_type: str) -> Any:
    """The type that mixed precision casts to."""
    _check_device(device_type)
    return getattr(_settings, device_type, torch.bfloat16 if device_type == "cpu" else torch.float16)


def get_autocast_cpu_dtype() -> Any:
    """The type that mixed precision casts to."""
    return get_autocast_dtype("cpu")


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Sets the type that mixed precision casts to."""
    _check_device(device_type)
    setattr(_settings, device_type, dtype)
    if is_autocast_enabled(device_type):
        _C._set_autocast(dtype)


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """Sets the type that mixed precision casts to."""
    set_autocast_dtype("cpu", dtype)


def set_autocast_enabled(device_type: str, enabled: bool) -> None:
    """Turns mixed precision on or off for this thread."""
    _check_device(device_type)
    if device_type == "cpu":
        _C._set_autocast(get_autocast_dtype("cpu") if enabled else None)


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """Turns mixed precision on or off for this thread."""
    set_autocast_enabled("cpu", enabled)


def is_autocast_cache_enabled() -> bool:
    """What :func:`set_autocast_cache_enabled` was told. Weights are cast anew for each use, whatever it says."""
    return getattr(_settings, "cache", True)


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Takes the setting."""
    _settings.cache = enabled


def clear_autocast_cache() -> None:
    """Does nothing: no cast is kept."""


class autocast:
    """A context, or a decorator, in which operators run in mixed precision.

    Matrix products, convolutions and attention run in `dtype`, losses and decompositions in float32, the others in the
    types they are given. Made for the forward pass: the backward pass takes the types of the forward pass by itself.

    >>> x = torch.ones(2, 2)
    >>> with torch.autocast("cpu"):
    ...     (x @ x).dtype
    torch.bfloat16
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        _check_device(device_type)
        self.device = device_type
        self.fast_dtype = get_autocast_dtype(device_type) if dtype is None else dtype
        if device_type != "cpu":
            if enabled and device_type == "cuda":
                warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
            elif device_type != "cuda":
                raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
            enabled = False
        elif enabled and self.fast_dtype not in SUPPORTED:
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
        self._before: list[tuple[Any, Any, bool]] = []

    def __enter__(self) -> autocast:
        self._before.append((_C._autocast_dtype(), get_autocast_dtype(self.device), is_autocast_cache_enabled()))
        setattr(_settings, self.device, self.fast_dtype)
        set_autocast_cache_enabled(self._cache_enabled)
        if self.device == "cpu":
            _C._set_autocast(self.fast_dtype if self._enabled else None)
        return self

    def __exit__(self, *exception: Any) -> None:
        on, dtype, cache = self._before.pop()
        setattr(_settings, self.device, dtype)
        set_autocast_cache_enabled(cache)
        _C._set_autocast(on)

    def __call__(self, func: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(func)
        def decorated(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return decorated


def _cast(x: Any, dtype: Any) -> Any:
    if isinstance(x, torch.Tensor):
        return x.to(dtype) if x.is_floating_point() and x.dtype != torch.float64 else x
    if isinstance(x, dict):
        return {_cast(k, dtype): _cast(v, dtype) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(_cast(v, dtype) for v in x)
    return x


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Callable[..., Any]:
    """Decorates the ``forward`` of an :class:`torch.autograd.Function`: with `cast_inputs` it runs on inputs cast to
    that type, outside of mixed precision; else its ``backward`` runs as it did."""
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        context = args[0]
        context._dtype = get_autocast_dtype(device_type)
        on = is_autocast_enabled(device_type)
        if cast_inputs is None:
            context._fwd_used_autocast = on
            return fwd(*args, **kwargs)
        context._fwd_used_autocast = False
        if not on:
            return fwd(*args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(*_cast(args, cast_inputs), **_cast(kwargs, cast_inputs))

    return decorated


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Callable[..., Any]:
    """Decorates the ``backward`` of an :class:`torch.autograd.Function` whose forward has :func:`custom_fwd`."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, dtype=args[0]._dtype, enabled=args[0]._fwd_used_autocast):
            return bwd(*args, **kwargs)

    return decorated
