"""The window functions of the `torch` namespace; `torch.signal.windows` has more."""

from __future__ import annotations

from math import pi
from typing import Any

from flambeau import _C

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _points(name: str, length: int, periodic: bool, options: dict[str, Any]) -> tuple[Any, int]:
    """The numbers of the points, one more than asked for where the window is periodic, and how many there are."""
    dtype = options.get("dtype") or _C.get_default_dtype()
    if not dtype.is_floating_point and not dtype.is_complex:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    n = length + 1 if periodic else length
    return _C.arange(n, dtype=dtype, device=options.get("device")), n


def _finished(window: Any, length: int, options: dict[str, Any]) -> Any:
    window = window if window.shape[0] == length else window.narrow(0, 0, length)
    return window.requires_grad_() if options.get("requires_grad") else window


def bartlett_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """A triangle."""
    k, n = _points("bartlett_window", window_length, periodic, options)
    if window_length < 2:
        return _finished(_C.ones_like(k[:window_length]), window_length, options)
    window = k.mul_(2.0 / (n - 1))
    half = ((n - 1) >> 1) + 1
    window[half:].mul_(-1).add_(2)
    return _finished(window, window_length, options)


def blackman_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """A sum of three cosines: 0.42, 0.5, 0.08."""
    k, n = _points("blackman_window", window_length, periodic, options)
    if window_length < 2:
        return _finished(_C.ones_like(k[:window_length]), window_length, options)
    k.mul_(pi / (n - 1))
    window = k.mul(4).cos_().mul_(0.08) - k.mul(2).cos_().mul_(0.5) + 0.42
    return _finished(window, window_length, options)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, **options: Any
) -> Any:
    """``alpha - beta * cos(2 * pi * n / (N - 1))``."""
    return _hamming("hamming_window", window_length, periodic, alpha, beta, options)


def hann_window(window_length: int, periodic: bool = True, **options: Any) -> Any:
    """``0.5 - 0.5 * cos(2 * pi * n / (N - 1))``."""
    return _hamming("hann_window", window_length, periodic, 0.5, 0.5, options)


def _hamming(name: str, length: int, periodic: bool, alpha: float, beta: float, options: dict[str, Any]) -> Any:
    k, n = _points(name, length, periodic, options)
    if length < 2:
        return _finished(_C.ones_like(k[:length]), length, options)
    return _finished(k.mul_(pi * 2.0 / (n - 1)).cos_().mul_(-beta).add_(alpha), length, options)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, **options: Any) -> Any:
    """The Kaiser window: `beta` says how narrow it is."""
    k, n = _points("kaiser_window", window_length, periodic, options)
    if window_length < 2:
        return _finished(_C.ones_like(k[:window_length]), window_length, options)
    y = k.mul_(2.0 / (n - 1)).sub_(1)
    top = _C.tensor(beta, dtype=k.dtype, device=options.get("device"))
    window = ((1 - y * y).clamp(min=0).sqrt() * beta).i0() / top.i0()
    return _finished(window, window_length, options)
