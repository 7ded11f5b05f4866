"""Activation functions."""

from __future__ import annotations

import warnings
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine, scalar_name

_relu: Any = engine("relu")
_relu_: Any = flambeau.relu_
_softmax: Any = engine("softmax")
_log_softmax: Any = engine("log_softmax")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Element by element, the larger of x and 0. Shape: `*s -> *s`.

    >>> F.relu(torch.tensor([-1., 2.]))
    tensor([0., 2.])
    """
    return _relu_(input) if inplace else _relu(input)


_threshold: Any = engine("threshold")
_threshold_: Any = engine("threshold_")


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it exceeds `threshold`, else `value`. Shape: `*s -> *s`."""
    return _threshold_(input, threshold, value) if inplace else _threshold(input, threshold, value)


_hardtanh: Any = engine("hardtanh")
_hardtanh_: Any = engine("hardtanh_")


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x kept between `min_val` and `max_val`. Shape: `*s -> *s`."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return _hardtanh_(input, min_val, max_val) if inplace else _hardtanh(input, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """x kept between 0 and 6. Shape: `*s -> *s`."""
    return _hardtanh_(input, 0.0, 6.0) if inplace else _hardtanh(input, 0.0, 6.0)


_elu: Any = engine("elu")
_elu_: Any = engine("elu_")


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x above 0, `alpha * (exp(x) - 1)` below. Shape: `*s -> *s`."""
    return _elu_(input, alpha) if inplace else _elu(input, alpha)


_selu: Any = engine("selu")
_selu_: Any = engine("selu_")


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The self-normalizing ELU. Shape: `*s -> *s`."""
    return _selu_(input) if inplace else _selu(input)


_celu: Any = engine("celu")
_celu_: Any = engine("celu_")


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """The continuously differentiable ELU. Shape: `*s -> *s`."""
    return _celu_(input, alpha) if inplace else _celu(input, alpha)


_leaky_relu: Any = engine("leaky_relu")
_leaky_relu_: Any = engine("leaky_relu_")


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x above 0, `negative_slope * x` below. Shape: `*s -> *s`."""
    return _leaky_relu_(input, negative_slope) if inplace else _leaky_relu(input, negative_slope)


prelu: Any = engine("prelu")


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """Leaky ReLU with slopes drawn between `lower` and `upper`. Shape: `*s -> *s`."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input if inplace else input.contiguous(), (lower + upper) / 2, inplace)
    if input.dtype not in (flambeau.float32, flambeau.float64, flambeau.bfloat16):
        raise NotImplementedError(f"\"rrelu_with_noise_out_cpu\" not implemented for '{scalar_name(input.dtype)}'")
    slope = flambeau.ones(input.shape, dtype=input.dtype, device=input.device)
    with flambeau.no_grad():  # one draw for every element that is not positive, in order
        below = input <= 0
        drawn = flambeau.empty(int(below.sum()), dtype=flambeau.float64).uniform_(lower, upper)
        slope[below] = drawn.to(input.dtype)
    # The draw hangs on the input, though it does not move with it.
    slope = flambeau._C.private.tied(slope, input)
    return input.mul_(slope) if inplace else input.contiguous() * slope


softplus: Any = engine("softplus")
logsigmoid: Any = engine("logsigmoid")


hardshrink: Any = engine("hardshrink")


softshrink: Any = engine("softshrink")


def tanhshrink(input: Tensor) -> Tensor:
    """`x - tanh(x)`. Shape: `*s -> *s`."""
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """`x / (1 + |x|)`. Shape: `*s -> *s`."""
    return input / (input.abs() + 1)


_hardsigmoid: Any = engine("hardsigmoid")
_hardsigmoid_: Any = engine("hardsigmoid_")


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """The sigmoid in three straight pieces. Shape: `*s -> *s`."""
    return _hardsigmoid_(input) if inplace else _hardsigmoid(input)


_hardswish: Any = engine("hardswish")
_hardswish_: Any = engine("hardswish_")


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """`x * hardsigmoid(x)`. Shape: `*s -> *s`."""
    return _hardswish_(input) if inplace else _hardswish(input)


_silu: Any = engine("silu")
_silu_: Any = engine("silu_")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """`x * sigmoid(x)`. Shape: `*s -> *s`."""
    return _silu_(input) if inplace else _silu(input)


_mish: Any = engine("mish")
_mish_: Any = engine("mish_")


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """`x * tanh(softplus(x))`. Shape: `*s -> *s`."""
    return _mish_(input) if inplace else _mish(input)


_glu: Any = engine("glu")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along `dim` times the sigmoid of the second. Shape: `*s 2n -> *s n`."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return _glu(input, dim)


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        stacklevel=stacklevel + 1,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`exp(x)` divided by its sum along `dim`. Shape: `*s -> *s`.

    >>> F.softmax(torch.zeros(2), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return _softmax(input, dim) if dtype is None else _softmax(input, dim, dtype=dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The softmax of `-x`. Shape: `*s -> *s`."""
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return _softmax(-input, dim) if dtype is None else _softmax(-input, dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of the softmax. Shape: `*s -> *s`."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return _log_softmax(input, dim) if dtype is None else _log_softmax(input, dim, dtype=dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample from the Gumbel-softmax distribution; `hard` makes it one-hot. Shape: `*s -> *s`."""
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -flambeau.empty_like(logits, requires_grad=False).exponential_().log()
    soft = _softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    return flambeau.zeros_like(logits).scatter(dim, index, 1.0) - soft.detach() + soft
