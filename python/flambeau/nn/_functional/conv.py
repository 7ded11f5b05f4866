"""Convolutions in one and three dimensions and transposed ones, in terms of the engine's two-dimensional one."""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn._functional._engine import engine, formula
from flambeau.nn._functional.pad import pad as _pad

conv2d: Any = engine("conv2d")


def _tuple(value: Any, n: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * n
    return tuple(value) * n if len(value) == 1 else tuple(value)


def _explicit(input: Tensor, weight: Tensor, padding: Any, dilation: Any, n: int) -> tuple[Tensor, tuple[int, ...]]:
    """A padding as numbers; "same" may pad the input itself on one side more."""
    if padding == "valid":
        return input, (0,) * n
    if padding != "same":
        return input, _tuple(padding, n)
    total = [d * (k - 1) for d, k in zip(_tuple(dilation, n), weight.shape[2:], strict=True)]
    sides = [side for t in reversed(total) for side in (t // 2, t - t // 2)]
    return _pad(input, sides), (0,) * n


@formula
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of signals. Shape: `N C L, O C/g k, O -> N O L'`."""
    input, padding = _explicit(input, weight, padding, dilation, 1)
    result = conv2d(
        input.unsqueeze(-2),
        weight.unsqueeze(-2),
        bias,
        (1, *_tuple(stride, 1)),
        (0, *padding),
        (1, *_tuple(dilation, 1)),
        groups,
    )
    return result.squeeze(-2)


@formula
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of volumes. Shape: `N C D H W, O C/g d h w, O -> N O D' H' W'`."""
    if input.dim() == 4:
        return conv3d(input.unsqueeze(0), weight, bias, stride, padding, dilation, groups).squeeze(0)
    input, padding = _explicit(input, weight, padding, dilation, 3)
    strides, dilations = _tuple(stride, 3), _tuple(dilation, 3)
    if padding[0]:
        input = _pad(input, (0, 0, 0, 0, padding[0], padding[0]))
    n, depth = input.size(0), weight.size(2)
    out_depth = (input.size(2) - dilations[0] * (depth - 1) - 1) // strides[0] + 1
    total: Any = None
    for k in range(depth):  # one two-dimensional convolution for every plane of the kernel
        first = k * dilations[0]
        planes = input[:, :, first : first + (out_depth - 1) * strides[0] + 1 : strides[0]]
        flat = planes.transpose(1, 2).flatten(0, 1)
        part = conv2d(flat, weight[:, :, k], None, strides[1:], padding[1:], dilations[1:], groups)
        total = part if total is None else total + part
    result = total.unflatten(0, (n, out_depth)).transpose(1, 2)
    return result if bias is None else result + bias.reshape(-1, 1, 1, 1)


def _spread(input: Tensor, dim: int, stride: int) -> Tensor:
    """Zeros between the elements of a dimension."""
    if stride == 1 or input.size(dim) == 0:
        return input
    size = input.size(dim)
    wide = input.unsqueeze(dim + 1)
    zeros = flambeau.zeros_like(wide).repeat_interleave(stride - 1, dim + 1)
    return flambeau.cat([wide, zeros], dim + 1).flatten(dim, dim + 1).narrow(dim, 0, (size - 1) * stride + 1)


def _transposed(
    n: int,
    conv: Any,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """A convolution of the spread input with the flipped kernel."""
    if input.dim() == n + 1:
        args = (stride, padding, output_padding, groups, dilation)
        return _transposed(n, conv, input.unsqueeze(0), weight, bias, *args).squeeze(0)
    dilations, paddings, extra = _tuple(dilation, n), _tuple(padding, n), _tuple(output_padding, n)
    sides: list[int] = []
    for i, step in enumerate(_tuple(stride, n)):
        if extra[i] >= max(step, dilations[i]):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got output_padding_"
                f"height: {extra[0]} output_padding_width: {extra[-1]}"
            )
        input = _spread(input, 2 + i, step)
        reach = dilations[i] * (weight.size(2 + i) - 1) - paddings[i]
        sides[:0] = [reach, reach + extra[i]]
    into, out = weight.shape[:2]
    kernel = weight.flip(*range(2, 2 + n))
    kernel = (
        kernel.unflatten(0, (groups, into // groups))
        .transpose(1, 2)
        .reshape(groups * out, into // groups, *weight.shape[2:])
    )
    return conv(_pad(input, sides), kernel, bias, 1, 0, dilation, groups)


@formula
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of `conv1d` as an operator. Shape: `N C L, C O/g k, O -> N O L'`."""
    return _transposed(1, conv1d, input, weight, bias, stride, padding, output_padding, groups, dilation)


@formula
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of `conv2d` as an operator. Shape: `N C H W, C O/g h w, O -> N O H' W'`."""
    return _transposed(2, conv2d, input, weight, bias, stride, padding, output_padding, groups, dilation)


@formula
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The gradient of `conv3d` as an operator. Shape: `N C D H W, C O/g d h w, O -> N O D' H' W'`."""
    return _transposed(3, conv3d, input, weight, bias, stride, padding, output_padding, groups, dilation)
