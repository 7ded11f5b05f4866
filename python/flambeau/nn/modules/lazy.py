"""Layers that learn the size of their input from their first call."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn.modules.batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from flambeau.nn.modules.conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from flambeau.nn.modules.linear import Linear
from flambeau.nn.modules.utils import own_init
from flambeau.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
]


class LazyModuleMixin:
    """Waits with its parameters for the first input (or state dict), then becomes `cls_to_become`."""

    cls_to_become: Any = None

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._await_input()

    def _await_input(self: Any) -> None:
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, prepend=True, with_kwargs=True)

    def __getstate__(self: Any) -> Any:
        state: Any = super().__getstate__()
        if "_initialize_hook" in state:
            # Its own hooks are bound to the module: it would contain itself. They are set anew with the state.
            own = {state[name].id for name in ("_load_hook", "_initialize_hook")}
            for name in ("_load_state_dict_pre_hooks", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs"):
                state[name] = OrderedDict((key, hook) for key, hook in state[name].items() if key not in own)
            state["_load_hook"] = state["_initialize_hook"] = None
        return state

    def __setstate__(self: Any, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        if "_initialize_hook" in state:
            self._await_input()

    def _tensors(self: Any) -> Any:
        return itertools.chain(self._parameters.items(), self._buffers.items())

    def _apply(self: Any, fn: Any, recurse: bool = True) -> Any:
        waiting = {name: buffer for name, buffer in self._buffers.items() if buffer is not None and is_lazy(buffer)}
        super()._apply(fn, recurse)  # type: ignore[misc]
        for name, buffer in waiting.items():  # `fn` made it an ordinary tensor
            buffer.data = self._buffers[name]
            self._buffers[name] = buffer
        return self

    def _save_to_state_dict(self: Any, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, value in self._tensors():
            if value is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()

    def _lazy_load_hook(self: Any, state_dict: Any, prefix: str, *unused: Any) -> None:
        for name, value in self._tensors():
            new = state_dict.get(prefix + name)
            if value is not None and new is not None and is_lazy(value) and not is_lazy(new):
                with flambeau.no_grad():
                    value.materialize(new.shape)

    def initialize_parameters(self: Any, *args: Any, **kwargs: Any) -> None:
        """Give the parameters the shapes that follow from the input."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self: Any) -> bool:
        """Whether a parameter or buffer still waits for its shape."""
        return any(is_lazy(value) for _, value in self._tensors())

    def _infer_parameters(self: Any, module: Any, args: Any, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _replicate_for_data_parallel(self) -> None:
        raise RuntimeError(
            "Modules with uninitialized parameters can't be used with `DataParallel`. "
            "Run a dummy forward pass to correctly initialize the modules"
        )


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear whose `in_features` are those of its first input. Shape: `*s I -> *s O`.

    >>> nn.LazyLinear(3)(torch.ones(2, 5)).shape
    torch.Size([2, 3])
    """

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the weights anew, once there are some."""
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Take the size of the last dimension of `input`."""
        if self.has_uninitialized_params():
            with flambeau.no_grad():
                self.in_features = input.shape[-1]
                self.weight.materialize((self.out_features, self.in_features))
                if self.bias is not None:
                    self.bias.materialize((self.out_features,))
                self.reset_parameters()
        if self.in_features == 0:
            if input.shape[-1] != self.weight.shape[-1]:
                raise AssertionError(
                    f"The in_features inferred from input: {input.shape[-1]} "
                    f"is not equal to in_features from self.weight: {self.weight.shape[-1]}"
                )
            self.in_features = input.shape[-1]


class _LazyConvXdMixin(LazyModuleMixin):
    dims: int

    def reset_parameters(self: Any) -> None:
        """Draw the weights anew, once there are some."""
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def _wait(self: Any, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def initialize_parameters(self: Any, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take the number of channels of `input`."""
        if not self.has_uninitialized_params():
            return
        self.in_channels = self._get_in_channels(input)
        if self.in_channels % self.groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        first, second = self.out_channels, self.in_channels
        if self.transposed:
            first, second = second, first
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()

    def _get_in_channels(self, input: Tensor) -> int:
        alone, batch = self.dims + 1, self.dims + 2
        if input.dim() not in (alone, batch):
            raise RuntimeError(
                f"Expected {alone}D (unbatched) or {batch}D (batched) input to {type(self).__name__}, but "
                f"got input of size: {input.shape}"
            )
        return input.shape[1] if input.dim() == batch else input.shape[0]


class _LazyConv(_LazyConvXdMixin):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode, device=device, dtype=dtype
        )
        self._wait(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvXdMixin):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        moves = (kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode)
        super().__init__(0, 0, *moves, device=device, dtype=dtype)
        self._wait(out_channels, bias, device, dtype)


@own_init
class LazyConv1d(_LazyConv, Conv1d):  # type: ignore[misc]
    """A Conv1d whose `in_channels` are those of its first input. Shape: `N C L -> N O L'`."""

    cls_to_become = Conv1d


@own_init
class LazyConv2d(_LazyConv, Conv2d):  # type: ignore[misc]
    """A Conv2d whose `in_channels` are those of its first input. Shape: `N C H W -> N O H' W'`."""

    cls_to_become = Conv2d


@own_init
class LazyConv3d(_LazyConv, Conv3d):  # type: ignore[misc]
    """A Conv3d whose `in_channels` are those of its first input. Shape: `N C D H W -> N O D' H' W'`."""

    cls_to_become = Conv3d


@own_init
class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):  # type: ignore[misc]
    """A ConvTranspose1d whose `in_channels` are those of its first input. Shape: `N C L -> N O L'`."""

    cls_to_become = ConvTranspose1d


@own_init
class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):  # type: ignore[misc]
    """A ConvTranspose2d whose `in_channels` are those of its first input. Shape: `N C H W -> N O H' W'`."""

    cls_to_become = ConvTranspose2d


@own_init
class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):  # type: ignore[misc]
    """A ConvTranspose3d whose `in_channels` are those of its first input. Shape: `N C D H W -> N O D' H' W'`."""

    cls_to_become = ConvTranspose3d


class _LazyNormBase(LazyModuleMixin):
    def __init__(
        self: Any,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False, device=device, dtype=dtype, bias=False)
        self.affine = affine
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = flambeau.tensor(0, dtype=flambeau.long, device=device)

    def reset_parameters(self: Any) -> None:
        """Set scale to 1, shift to 0, and forget the statistics, once there are some."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self: Any, input: Tensor) -> None:
        """Take the number of channels of `input`."""
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        for _, value in self._tensors():
            if value is not None and is_lazy(value):
                value.materialize((self.num_features,))
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):  # type: ignore[misc]
    """A BatchNorm1d whose `num_features` are those of its first input. Shape: `N C L -> N C L`."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):  # type: ignore[misc]
    """A BatchNorm2d whose `num_features` are those of its first input. Shape: `N C H W -> N C H W`."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):  # type: ignore[misc]
    """A BatchNorm3d whose `num_features` are those of its first input. Shape: `N C D H W -> N C D H W`."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNormBase, InstanceNorm1d):  # type: ignore[misc]
    """An InstanceNorm1d whose `num_features` are those of its first input. Shape: `N C L -> N C L`."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNormBase, InstanceNorm2d):  # type: ignore[misc]
    """An InstanceNorm2d whose `num_features` are those of its first input. Shape: `N C H W -> N C H W`."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNormBase, InstanceNorm3d):  # type: ignore[misc]
    """An InstanceNorm3d whose `num_features` are those of its first input. Shape: `N C D H W -> N C D H W`."""

    cls_to_become = InstanceNorm3d
