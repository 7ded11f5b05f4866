"""Gradients of convolutions by name: ``torch.nn.grad``.

>>> y = torch.ones(1, 1, 2, 2)
>>> nn.grad.conv2d_input((1, 1, 3, 3), torch.ones(1, 1, 2, 2), y)
tensor([[[[1., 2., 1.],
          [2., 4., 2.],
          [1., 2., 1.]]]])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn import functional as F

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]


def _along(conv: Any, operands: list[Tensor], wanted: int, grad_output: Tensor, options: tuple[Any, ...]) -> Tensor:
    """The gradient of `conv(*operands)` for one of the operands, of which only the size counts."""
    variable = operands[wanted].detach().requires_grad_()
    operands[wanted] = variable
    with flambeau.enable_grad():
        stride, padding, dilation, groups = options
        y = conv(*operands, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return flambeau.autograd.grad(y, variable, grad_output, create_graph=flambeau.is_grad_enabled())[0]


def _input(conv: Any, size: Sequence[int], weight: Tensor, grad_output: Tensor, *options: Any) -> Tensor:
    return _along(conv, [grad_output.new_empty(1).expand(tuple(size)), weight], 0, grad_output, options)


def _weight(conv: Any, input: Tensor, size: Sequence[int], grad_output: Tensor, *options: Any) -> Tensor:
    return _along(conv, [input, grad_output.new_empty(1).expand(tuple(size))], 1, grad_output, options)


def conv1d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv1d` for an input (N, C, L) of this size, given that of its output."""
    return _input(F.conv1d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv1d` for a weight (O, C / groups, K) of this size, given that of its output."""
    return _weight(F.conv1d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv2d` for an input (N, C, H, W) of this size, given that of its output."""
    return _input(F.conv2d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv2d` for a weight (O, C / groups, KH, KW) of this size, given that of its output."""
    return _weight(F.conv2d, input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(
    input_size: Sequence[int],
    weight: Tensor,
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv3d` for an input (N, C, D, H, W) of this size, given that of its output."""
    return _input(F.conv3d, input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(
    input: Tensor,
    weight_size: Sequence[int],
    grad_output: Tensor,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The gradient of `F.conv3d` for a weight (O, C / groups, KD, KH, KW) of this size, given that of its output."""
    return _weight(F.conv3d, input, weight_size, grad_output, stride, padding, dilation, groups)
