"""`Variable`, the name that tensors with gradients had before they were tensors."""

from __future__ import annotations

from typing import Any

from flambeau import _C

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, other: Any) -> bool:
        return isinstance(other, _C.Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(t)` is a tensor over the memory of `t`; every tensor is a Variable.

    >>> torch.autograd.Variable(torch.ones(2), requires_grad=True)
    tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False, volatile: bool = False) -> Any:
        t = _C.empty(0) if data is None else data.detach()
        return t.requires_grad_(requires_grad)
