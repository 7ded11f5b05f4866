"""Pooling layers."""

from __future__ import annotations

from typing import Any

from flambeau import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.module import Module
from flambeau.nn.modules.utils import own_init

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


def _one_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, int) else tuple(value)


class _Pool(Module):
    """A layer over the function of its own name: `MaxPool2d` over `F.max_pool2d`."""

    _function: str

    def _pool(self, *args: Any, **kwargs: Any) -> Any:
        # Looked up for each call, so that a function put in its place is the one that runs.
        return getattr(F, self._function)(*args, **kwargs)


class _MaxPoolNd(_Pool):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride if stride is not None else kernel_size
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return self._pool(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"
            f", dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class _AvgPoolNd(_Pool):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def _options(self) -> tuple[Any, ...]:
        return self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad

    def forward(self, input: Tensor) -> Any:
        return self._pool(input, *self._options())

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _DividedAvgPool(_AvgPoolNd):
    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def _options(self) -> tuple[Any, ...]:
        return *super()._options(), self.divisor_override


class _LPPoolNd(_Pool):
    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        if norm_type == 0:
            raise ValueError(f"norm_type must be a non-zero value, but got {norm_type}")
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return self._pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _AdaptiveAvgPoolNd(_Pool):
    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Any:
        return self._pool(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveMaxPoolNd(_AdaptiveAvgPoolNd):
    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return self._pool(input, self.output_size, self.return_indices)


class MaxPool1d(_MaxPoolNd):
    """The greatest element of each window. Shape: `N C L -> N C L'`."""

    _function = "max_pool1d"


class MaxPool2d(_MaxPoolNd):
    """The greatest element of each window. Shape: `N C H W -> N C H' W'`."""

    _function = "max_pool2d"


class MaxPool3d(_MaxPoolNd):
    """The greatest element of each window. Shape: `N C D H W -> N C D' H' W'`."""

    _function = "max_pool3d"


class AvgPool1d(_AvgPoolNd):
    """The mean of each window. Shape: `N C L -> N C L'`."""

    _function = "avg_pool1d"

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        stride = kernel_size if stride is None else stride
        super().__init__(_one_tuple(kernel_size), _one_tuple(stride), _one_tuple(padding), ceil_mode, count_include_pad)


@own_init
class AvgPool2d(_DividedAvgPool):
    """The mean of each window. Shape: `N C H W -> N C H' W'`."""

    _function = "avg_pool2d"


@own_init
class AvgPool3d(_DividedAvgPool):
    """The mean of each window. Shape: `N C D H W -> N C D' H' W'`."""

    _function = "avg_pool3d"


class LPPool1d(_LPPoolNd):
    """The p-norm of each window. Shape: `N C L -> N C L'`."""

    _function = "lp_pool1d"


class LPPool2d(_LPPoolNd):
    """The p-norm of each window. Shape: `N C H W -> N C H' W'`."""

    _function = "lp_pool2d"


class LPPool3d(_LPPoolNd):
    """The p-norm of each window. Shape: `N C D H W -> N C D' H' W'`."""

    _function = "lp_pool3d"


class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means of windows that give a fixed size. Shape: `N C L -> N C L'`."""

    _function = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means of windows that give a fixed size. Shape: `N C H W -> N C H' W'`."""

    _function = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means of windows that give a fixed size. Shape: `N C D H W -> N C D' H' W'`."""

    _function = "adaptive_avg_pool3d"


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Greatest elements of windows that give a fixed size. Shape: `N C L -> N C L'`."""

    _function = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Greatest elements of windows that give a fixed size. Shape: `N C H W -> N C H' W'`."""

    _function = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Greatest elements of windows that give a fixed size. Shape: `N C D H W -> N C D' H' W'`."""

    _function = "adaptive_max_pool3d"


def _each(value: Any, n: int) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else (value,) * n


class _FractionalMaxPool(_Pool):
    _dims: int

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        n, name = self._dims, type(self).__name__
        if n == 3 and not all(k > 0 for k in _each(kernel_size, n)):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        self.kernel_size = _each(kernel_size, n)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = None if output_size is None else _each(output_size, n)
        self.output_ratio = None if output_ratio is None else _each(output_ratio, n)
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if self.output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")

    def forward(self, input: Tensor) -> Any:
        return self._pool(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            _random_samples=self._random_samples,
        )


@own_init
class FractionalMaxPool2d(_FractionalMaxPool):
    """Greatest elements of windows at random places. Shape: `N C H W -> N C H' W'`."""

    _function = "fractional_max_pool2d"
    _dims = 2


@own_init
class FractionalMaxPool3d(_FractionalMaxPool):
    """Greatest elements of windows at random places. Shape: `N C D H W -> N C D' H' W'`."""

    _function = "fractional_max_pool3d"
    _dims = 3


class _MaxUnpool(_Pool):
    _dims: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        self.kernel_size = _each(kernel_size, self._dims)
        self.stride = _each(kernel_size if stride is None else stride, self._dims)
        self.padding = _each(padding, self._dims)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Any:
        return self._pool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


@own_init
class MaxUnpool1d(_MaxUnpool):
    """Each maximum back where `MaxPool1d` found it, zeros elsewhere. Shape: `N C L, N C L -> N C L'`."""

    _function = "max_unpool1d"
    _dims = 1


@own_init
class MaxUnpool2d(_MaxUnpool):
    """Each maximum back where `MaxPool2d` found it, zeros elsewhere. Shape: `N C H W, N C H W -> N C H' W'`."""

    _function = "max_unpool2d"
    _dims = 2


@own_init
class MaxUnpool3d(_MaxUnpool):
    """Each maximum back where `MaxPool3d` found it, zeros elsewhere. Shape: `N C D H W, N C D H W -> N C D' H' W'`."""

    _function = "max_unpool3d"
    _dims = 3
