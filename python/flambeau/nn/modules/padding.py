"""Padding layers."""

from __future__ import annotations

from typing import Any

from flambeau import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.module import Module
from flambeau.nn.modules.utils import own_init

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    dims: int
    mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self.dims) if isinstance(padding, int) else tuple(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _CircularPad(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ReflectionPad(_Pad):
    mode = "reflect"


class _ReplicationPad(_Pad):
    mode = "replicate"


@own_init
class CircularPad1d(_CircularPad):
    """Pads with the other end. Shape: `N C L -> N C L'`."""

    dims = 1


@own_init
class CircularPad2d(_CircularPad):
    """Pads with the other end. Shape: `N C H W -> N C H' W'`."""

    dims = 2


@own_init
class CircularPad3d(_CircularPad):
    """Pads with the other end. Shape: `N C D H W -> N C D' H' W'`."""

    dims = 3


@own_init
class ConstantPad1d(_ConstantPad):
    """Pads with a constant. Shape: `N C L -> N C L'`."""

    dims = 1


@own_init
class ConstantPad2d(_ConstantPad):
    """Pads with a constant. Shape: `N C H W -> N C H' W'`."""

    dims = 2


@own_init
class ConstantPad3d(_ConstantPad):
    """Pads with a constant. Shape: `N C D H W -> N C D' H' W'`."""

    dims = 3


@own_init
class ZeroPad1d(_ZeroPad):
    """Pads with 0. Shape: `N C L -> N C L'`."""

    dims = 1


@own_init
class ZeroPad2d(_ZeroPad):
    """Pads with 0. Shape: `N C H W -> N C H' W'`."""

    dims = 2


@own_init
class ZeroPad3d(_ZeroPad):
    """Pads with 0. Shape: `N C D H W -> N C D' H' W'`."""

    dims = 3


@own_init
class ReflectionPad1d(_ReflectionPad):
    """Pads with the mirror image. Shape: `N C L -> N C L'`."""

    dims = 1


@own_init
class ReflectionPad2d(_ReflectionPad):
    """Pads with the mirror image. Shape: `N C H W -> N C H' W'`."""

    dims = 2


@own_init
class ReflectionPad3d(_ReflectionPad):
    """Pads with the mirror image. Shape: `N C D H W -> N C D' H' W'`."""

    dims = 3


@own_init
class ReplicationPad1d(_ReplicationPad):
    """Pads with the border. Shape: `N C L -> N C L'`."""

    dims = 1


@own_init
class ReplicationPad2d(_ReplicationPad):
    """Pads with the border. Shape: `N C H W -> N C H' W'`."""

    dims = 2


@own_init
class ReplicationPad3d(_ReplicationPad):
    """Pads with the border. Shape: `N C D H W -> N C D' H' W'`."""

    dims = 3
