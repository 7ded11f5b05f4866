"""Window functions: ``torch.signal.windows``. `M` points; periodic ones with ``sym=False``."""

from __future__ import annotations

from collections.abc import Iterable
from math import pi, sqrt
from typing import Any

from flambeau import _C

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _options(name: str, M: int, dtype: Any, layout: Any, device: Any, requires_grad: bool) -> dict[str, Any]:
    """What the makers of tensors are told, checked."""
    dtype = dtype or _C.get_default_dtype()
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not None and layout is not _C.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (_C.float32, _C.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return {"dtype": dtype, "device": device, "requires_grad": requires_grad}


def _short(M: int, options: dict[str, Any]) -> Any:
    """The windows of no point and of one."""
    return _C.ones(M, **options)


def _line(start: Any, step: Any, M: int, options: dict[str, Any]) -> Any:
    return _C.linspace(start, start + (M - 1) * step, M, **options)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """``exp(-abs(n - center) / tau)``: the center of the window unless given."""
    options = _options("exponential", M, dtype, layout, device, requires_grad)
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    if M == 0:
        return _short(M, options)
    if center is None:
        center = (M if not sym and M > 1 else M - 1) / 2.0
    step = 1 / tau
    k = _C.linspace(-center * step, (-center + (M - 1)) * step, M, **options)
    return (-k.abs()).exp()


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Half a period of the sine."""
    options = _options("cosine", M, dtype, layout, device, requires_grad)
    if M == 0:
        return _short(M, options)
    step = pi / (M + 1 if not sym and M > 1 else M)
    return _C.linspace(0.5 * step, (0.5 + (M - 1)) * step, M, **options).sin()


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """The normal curve with deviation `std`, 1 at its top."""
    options = _options("gaussian", M, dtype, layout, device, requires_grad)
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return _short(M, options)
    start = -(M if not sym and M > 1 else M - 1) / 2.0
    step = 1 / (std * sqrt(2))
    k = _C.linspace(start * step, (start + (M - 1)) * step, M, **options)
    return (-(k**2)).exp()


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """The Kaiser window: `beta` says how narrow it is."""
    options = _options("kaiser", M, dtype, layout, device, requires_grad)
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    if M < 2:
        return _short(M, options)
    # A tensor of the window's dtype: rounded otherwise, the ends could lie outside of the root's domain.
    top = _C.tensor(beta, dtype=options["dtype"], device=device)
    step = 2.0 * top / (M if not sym else M - 1)
    end = _C.minimum(top, -top + (M - 1) * step)
    k = _C.linspace(-top, end, M, **options)
    return (top * top - k**2).sqrt().i0() / top.i0()


def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """``0.54 - 0.46 * cos(2 * pi * n / (M - 1))``."""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """``0.5 - 0.5 * cos(2 * pi * n / (M - 1))``."""
    return general_hamming(
        M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A sum of three cosines: 0.42, 0.5, 0.08."""
    options = _options("blackman", M, dtype, layout, device, requires_grad)
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A triangle."""
    options = _options("bartlett", M, dtype, layout, device, requires_grad)
    if M < 2:
        return _short(M, options)
    return 1 - _line(-1, 2 / (M if not sym else M - 1), M, options).abs()


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A sum of cosines with the weights `a` and alternating signs."""
    options = _options("general_cosine", M, dtype, layout, device, requires_grad)
    if M < 2:
        return _short(M, options)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    weights = [(-1) ** i * w for i, w in enumerate(a)]
    if not weights:
        raise ValueError("Coefficients cannot be empty")
    k = _line(0, 2 * pi / (M if not sym else M - 1), M, options)
    w = _C.tensor(weights, **options)
    i = _C.arange(len(weights), **options)
    return (w.unsqueeze(-1) * (i.unsqueeze(-1) * k).cos()).sum(0)


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """``alpha - (1 - alpha) * cos(2 * pi * n / (M - 1))``."""
    return general_cosine(
        M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad
    )


def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A sum of four cosines, after Nuttall."""
    return general_cosine(
        M,
        a=[0.3635819, 0.4891775, 0.1365995, 0.0106411],
        sym=sym,
        dtype=dtype,
        layout=layout,
        device=device,
        requires_grad=requires_grad,
    )
