"""Whole Jacobians and Hessians."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import flambeau as torch
from flambeau.func._products import Pushforward, chosen, replaced, vjp
from flambeau.utils._pytree import tree_flatten, tree_unflatten

Tensor = torch.Tensor


def units(t: Tensor) -> Iterator[Tensor]:
    """The tensors of the shape of `t` with a single 1, row by row."""
    for i in range(t.numel()):
        unit = torch.zeros_like(t, memory_format=torch.contiguous_format)
        unit.view(-1)[i] = 1
        yield unit


def _of_chosen(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: int | tuple[int, ...]
) -> tuple[Callable[..., Any], Any, tuple[Any, ...]]:
    """`func` of the arguments that `argnums` names alone, these, and these as a tuple."""
    picked = chosen(args, argnums)

    def inner(*new: Any) -> Any:
        return func(*replaced(args, argnums, new[0] if isinstance(argnums, int) else new), **kwargs)

    return inner, picked, (picked,) if isinstance(argnums, int) else picked


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, a row at a time.

    Shape: of each output and argument, those of the output followed by those of the argument. `chunk_size` bounds the
    rows computed together, of which there is one here.

    >>> torch.func.jacrev(lambda x: x * x)(torch.tensor([1., 3.]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inner, picked, primals = _of_chosen(func, args, kwargs, argnums)
        value, product, *aux = vjp(inner, *primals, has_aux=has_aux)
        outputs, spec = tree_flatten(value)
        inputs, input_spec = tree_flatten(picked)
        rows = []
        for i, y in enumerate(outputs):
            others = [torch.zeros_like(o) for o in outputs]
            found = []
            for unit in units(y):
                given = product(tree_unflatten([*others[:i], unit, *others[i + 1 :]], spec))
                found.append(tree_flatten(given)[0])
            blocks = [
                torch.stack([row[k] for row in found]).view((*y.shape, *x.shape))
                if found
                else x.new_zeros((*y.shape, *x.shape))
                for k, x in enumerate(inputs)
            ]
            rows.append(tree_unflatten(blocks, input_spec))
        jacobian = tree_unflatten(rows, spec)
        return (jacobian, aux[0]) if has_aux else jacobian

    return wrapper


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, a column at a time.

    Shape: as of :func:`jacrev`.

    >>> torch.func.jacfwd(lambda x: x * x)(torch.tensor([1., 3.]))
    tensor([[2., 0.],
            [0., 6.]])
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inner, picked, primals = _of_chosen(func, args, kwargs, argnums)
        inputs, input_spec = tree_flatten(picked)
        at = Pushforward(inner, primals, has_aux, "jacfwd")
        zeros = [torch.zeros_like(x) for x in inputs]
        columns = [[at.push([*zeros[:k], unit, *zeros[k + 1 :]]) for unit in units(x)] for k, x in enumerate(inputs)]
        rows = []
        for i, y in enumerate(at.outputs):
            blocks = [
                torch.stack([c[i] for c in found], -1).view(*y.shape, *x.shape)
                if found
                else y.new_zeros((*y.shape, *x.shape))
                for x, found in zip(inputs, columns, strict=True)
            ]
            rows.append(tree_unflatten(blocks, input_spec))
        jacobian = tree_unflatten(rows, at.spec)
        return (jacobian, at.aux) if has_aux else jacobian

    return wrapper


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives of `func`.

    >>> torch.func.hessian(lambda x: x.pow(3).sum())(torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
