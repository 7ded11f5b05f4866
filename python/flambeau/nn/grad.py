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


def _named(function: Any, name: str, doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _for_input(conv: Any, shape: str) -> Any:
    def gradient(
        input_size: Sequence[int],
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        input = grad_output.new_empty(1).expand(tuple(input_size))
        return _along(conv, [input, weight], 0, grad_output, (stride, padding, dilation, groups))

    name = conv.__name__
    doc = f"The gradient of `F.{name}` for an input {shape} of this size, given that of its output."
    return _named(gradient, f"{name}_input", doc)


def _for_weight(conv: Any, shape: str) -> Any:
    def gradient(
        input: Tensor,
        weight_size: Sequence[int],
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        weight = grad_output.new_empty(1).expand(tuple(weight_size))
        return _along(conv, [input, weight], 1, grad_output, (stride, padding, dilation, groups))

    name = conv.__name__
    doc = f"The gradient of `F.{name}` for a weight {shape} of this size, given that of its output."
    return _named(gradient, f"{name}_weight", doc)


conv1d_input = _for_input(F.conv1d, "(N, C, L)")
conv2d_input = _for_input(F.conv2d, "(N, C, H, W)")
conv3d_input = _for_input(F.conv3d, "(N, C, D, H, W)")
conv1d_weight = _for_weight(F.conv1d, "(O, C / groups, K)")
conv2d_weight = _for_weight(F.conv2d, "(O, C / groups, KH, KW)")
conv3d_weight = _for_weight(F.conv3d, "(O, C / groups, KD, KH, KW)")
