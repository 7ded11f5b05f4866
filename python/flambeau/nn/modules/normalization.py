"""Normalization over trailing dimensions, groups of channels and neighbouring channels."""

from __future__ import annotations

import functools
import numbers
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn import functional as F, init
from flambeau.nn.modules.module import Module
from flambeau.nn.parameter import Parameter

__all__ = ["CrossMapLRN2d", "GroupNorm", "LayerNorm", "LocalResponseNorm", "RMSNorm"]


def _shape(normalized_shape: Any) -> tuple[int, ...]:
    if isinstance(normalized_shape, numbers.Integral):
        return (int(normalized_shape),)
    return tuple(normalized_shape)


class LayerNorm(Module):
    """Normalize over trailing dimensions, then scale and shift. Shape: `*s n -> *s n`.

    >>> nn.LayerNorm(4)
    LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)
    """

    weight: Any
    bias: Any

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        for name, wanted in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            value = Parameter(flambeau.empty(self.normalized_shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set scale to 1 and shift to 0."""
        if self.elementwise_affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide by the root mean square over trailing dimensions, then scale. Shape: `*s n -> *s n`."""

    weight: Any

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        value = None
        if elementwise_affine:
            value = Parameter(flambeau.empty(self.normalized_shape, device=device, dtype=dtype))
        self.register_parameter("weight", value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        if self.elementwise_affine:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalize groups of channels of each sample, then scale and shift. Shape: `N C *s -> N C *s`."""

    weight: Any
    bias: Any

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            value = Parameter(flambeau.empty(num_channels, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set scale to 1 and shift to 0."""
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """Divide by a power of the mean square of neighbouring channels. Shape: `N C *s -> N C *s`."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _window_sums(square: Tensor, size: int) -> Tensor:
    """The sums of squares that PyTorch carries from channel to channel; a channel leaves its window one step late."""
    channels = square.size(1)
    ahead = int((size - 1) / 2 + 1)
    sums = [square[:, : min(ahead, channels)].sum(1)]
    for c in range(1, channels):
        total = sums[-1].clone()
        if c < channels - ahead + 1:
            total += square[:, c + ahead - 1]
        if c > ahead:
            total -= square[:, c - ahead]
        sums.append(total)
    return flambeau.stack(sums, 1)


@functools.cache
def _cross_map() -> Any:
    """The Function with PyTorch's own gradient; made at first use, as few programs need it."""

    class CrossMapLRN2d(flambeau.autograd.Function):
        """Normalizes over channels; backward carries a sum over shifted windows, as PyTorch's does."""

        @staticmethod
        def forward(ctx: Any, input: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
            scale = _window_sums(input * input, size).mul_(alpha / size).add_(k)
            output = scale.pow(-beta).mul_(input)
            ctx.size, ctx.alpha, ctx.beta, ctx.scale = size, alpha, beta, scale
            ctx.save_for_backward(input, output)
            return output

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            input, output = ctx.saved_tensors
            size, scale = ctx.size, ctx.scale
            n, channels, *rest = input.shape
            padded = input.new_zeros(n, channels + size - 1, *rest)
            padded.narrow(1, int(size - (size - 1) / 2), channels).copy_(grads[0] * output / scale)
            total = padded[:, : size - 1].sum(1)
            sums = []
            for c in range(channels):
                total = total + padded[:, c + size - 1]
                sums.append(total)
                total = total - padded[:, c]
            back = 2 * ctx.alpha * ctx.beta / size
            grad = scale.pow(-ctx.beta) * grads[0] - back * input * flambeau.stack(sums, 1)
            return grad, None, None, None, None

    return CrossMapLRN2d


class CrossMapLRN2d(Module):
    """Divide by a power of the mean square of neighbouring channels. Shape: `N C H W -> N C H W`."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        return _cross_map().apply(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
