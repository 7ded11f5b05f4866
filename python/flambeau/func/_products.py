"""Gradients and products with Jacobians, as functions of functions.

Each call computes on tensors of its own in place of its inputs. What it returns is part of a graph only as far as that
graph leads on to tensors of its caller's, another transformation's or the user's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import flambeau as torch
from flambeau.utils._pytree import TreeSpec, tree_flatten, tree_map, tree_unflatten

Tensor = torch.Tensor


class Level:
    """One call of a transformation: its inputs, and the way out for its results."""

    def __init__(self) -> None:
        self.recorded_outside = torch.is_grad_enabled()
        self.own: set[int] = set()
        self.kept: list[Tensor] = []

    def enter(self, x: Any) -> Any:
        """The tensor that stands for an input: part of the caller's graph where the input is, else a leaf."""
        if not isinstance(x, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        if not (x.is_floating_point() or x.is_complex()):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if x.requires_grad and self.recorded_outside:
            return x.view_as(x)
        inner = x.detach().requires_grad_()
        self.own.add(id(inner))
        self.kept.append(inner)
        return inner

    def enter_tree(self, tree: Any) -> tuple[list[Tensor], Any]:
        """The tensors that stand for those of a tree, and the tree of them."""
        leaves, spec = tree_flatten(tree)
        inner = [self.enter(x) for x in leaves]
        return inner, tree_unflatten(inner, spec)

    def leave(self, x: Any) -> Any:
        """A result as the caller sees it."""
        if not isinstance(x, Tensor) or not x.requires_grad:
            return x
        return x if self.recorded_outside and self._leads_outside(x) else x.detach()

    def _leads_outside(self, x: Tensor) -> bool:
        if x.grad_fn is None:
            return id(x) not in self.own
        seen, nodes = set(), [x.grad_fn]
        while nodes:
            node = nodes.pop()
            if node in seen:
                continue
            seen.add(node)
            leaf = getattr(node, "variable", None)
            if leaf is not None and id(leaf) not in self.own:
                return True
            nodes.extend(n for n, _ in node.next_functions if n is not None)
        return False


def gradients(
    outputs: Iterable[Tensor],
    inputs: list[Tensor],
    given: Iterable[Tensor | None],
    retain_graph: bool | None = True,
    create_graph: bool = True,
) -> list[Tensor]:
    """The gradients of `inputs`, zeros where the outputs do not depend on one."""
    pairs = [(y, g) for y, g in zip(outputs, given, strict=True) if y.requires_grad]
    if not pairs or not inputs:
        return [torch.zeros_like(x) for x in inputs]
    found = torch.autograd.grad(
        [y for y, _ in pairs],
        inputs,
        [g for _, g in pairs],
        retain_graph=retain_graph,
        create_graph=create_graph,
        allow_unused=True,
    )
    return [torch.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def chosen(args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> Any:
    """The arguments that `argnums` names: one, or a tuple of them."""

    def one(i: Any) -> Any:
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"Got argnum={i}, but only {len(args)} positional inputs")
        return args[i]

    if isinstance(argnums, int):
        return one(argnums)
    if not isinstance(argnums, tuple) or not all(isinstance(i, int) for i in argnums):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {argnums!r}")
    if not argnums:
        raise RuntimeError("argnums must be non-empty")
    picked = tuple(one(i) for i in argnums)
    if len({i % len(args) for i in argnums}) != len(argnums):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return picked


def replaced(args: tuple[Any, ...], argnums: int | tuple[int, ...], new: Any) -> list[Any]:
    """The arguments with those that `argnums` names replaced."""
    out = list(args)
    for i, x in [(argnums, new)] if isinstance(argnums, int) else zip(argnums, new, strict=True):
        out[i] = x
    return out


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function that gives the gradient of `func` and its value.

    `func` gives a tensor of one element, or with `has_aux` a pair of it and something that is handed on.

    >>> torch.func.grad_and_value(lambda x: x.pow(2).sum())(torch.tensor([1., 3.]))
    (tensor([2., 6.]), tensor(10.))
    """

    def wrapper(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        where = "grad_and_value(f)(*args)"
        level = Level()
        with torch.enable_grad():
            inputs, tree = level.enter_tree(chosen(args, argnums))
            output = func(*replaced(args, argnums, tree), **kwargs)
            aux = None
            if has_aux:
                if not (isinstance(output, tuple) and len(output) == 2):
                    raise RuntimeError(
                        f"{where}: output of function f should be a tuple: (output, aux) if has_aux is True"
                    )
                output, aux = output
            if not isinstance(output, Tensor):
                raise RuntimeError(f"{where}: Expected f(*args) to return a Tensor, got {type(output)}")
            if output.dim() != 0:
                raise RuntimeError(
                    f"{where}: Expected f(*args) to return a scalar Tensor, got tensor with {output.dim()} dims. "
                    "Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            found = gradients([output], inputs, [torch.ones_like(output)])
        found_tree = tree_unflatten(map(level.leave, found), tree_flatten(tree)[1])
        value = level.leave(output)
        return found_tree, (value, tree_map(level.leave, aux)) if has_aux else value

    return wrapper


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of `func` with respect to the arguments `argnums`.

    >>> torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(1.))
    tensor(-0.8415)
    """

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


def _tensors_only(output: Any, where: str) -> tuple[list[Tensor], TreeSpec]:
    leaves, spec = tree_flatten(output)
    for y in leaves:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"{where}: expected f(*primals) to return only tensors, got unsupported type {type(y)}")
    return leaves, spec


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `func`, and the function that multiplies a cotangent, shaped as the value, with the Jacobian.

    >>> value, product = torch.func.vjp(lambda x: x * x, torch.tensor([1., 3.]))
    >>> product(torch.tensor([1., 1.]))
    (tensor([2., 6.]),)
    """
    level = Level()
    with torch.enable_grad():
        inputs, tree = level.enter_tree(primals)
        output = func(*tree)
        aux = None
        if has_aux:
            if not (isinstance(output, tuple) and len(output) == 2):
                raise RuntimeError(
                    "vjp(f, *primals): output of function f should be a tuple: (output, aux) if has_aux is True"
                )
            output, aux = output
        outputs, spec = _tensors_only(output, "vjp(f, *primals)")
    input_spec = tree_flatten(tree)[1]

    def product(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, given_spec = tree_flatten(cotangents)
        if given_spec != spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                "function. "
                f"cotangents: {given_spec!r}, primal output: {spec!r}"
            )
        create = torch.is_grad_enabled() if create_graph is None else create_graph
        found = gradients(outputs, inputs, given, retain_graph, create)
        return tree_unflatten(map(level.leave, found), input_spec)

    value = tree_unflatten(map(level.leave, outputs), spec)
    return (value, product, tree_map(level.leave, aux)) if has_aux else (value, product)


class Pushforward:
    """A function at a point, ready to multiply tangents with its Jacobian: the gradient of a product with a cotangent
    is linear in the cotangent, and its own gradient the product wanted."""

    def __init__(self, func: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool, where: str) -> None:
        self.level = level = Level()
        with torch.enable_grad():
            self.inputs, tree = level.enter_tree(primals)
            output = func(*tree)
            self.aux = None
            if has_aux:
                if not (isinstance(output, tuple) and len(output) == 2):
                    raise RuntimeError(
                        f"{where}: output of function f should be a tuple: (output, aux) if has_aux is True"
                    )
                output, aux = output
                self.aux = tree_map(level.leave, aux)
            self.outputs, self.spec = _tensors_only(output, where)
            self.cotangents = [level.enter(torch.zeros_like(y)) if y.requires_grad else None for y in self.outputs]
            self.pulled = gradients(self.outputs, self.inputs, self.cotangents)
        self.value = tree_unflatten(map(level.leave, self.outputs), self.spec)

    @property
    def independent(self) -> bool:
        """Whether no output depends on the inputs."""
        return not any(y.requires_grad for y in self.outputs)

    def push(self, tangents: list[Tensor]) -> list[Tensor]:
        """The product for tangents of the inputs: one for each output."""
        for x, t in zip(self.inputs, tangents, strict=True):
            if t.shape != x.shape:
                raise RuntimeError(
                    "Trying to set a forward gradient that has a different size than that of the original Tensor, "
                    "this is "
                    f"not supported. Tensor is of size {list(x.shape)} while the given forward gradient is of size "
                    f"{list(t.shape)}."
                )
        live = [u for u in self.cotangents if u is not None]
        found = iter(gradients(self.pulled, live, tangents, create_graph=torch.is_grad_enabled()))
        pushed = [
            torch.zeros_like(y) if u is None else next(found)
            for y, u in zip(self.outputs, self.cotangents, strict=True)
        ]
        return [self.level.leave(p) for p in pushed]


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """The value of `func` at `primals`, and the product of its Jacobian with `tangents`.

    >>> torch.func.jvp(lambda x: x * x, (torch.tensor([1., 3.]),), (torch.tensor([1., 1.]),))
    (tensor([1., 9.]), tensor([2., 6.]))
    """
    where = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{where}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    given, given_spec = tree_flatten(tangents)
    spec = tree_flatten(primals)[1]
    if given_spec != spec:
        raise RuntimeError(
            f"{where}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            "tuple "
            f"of 3 tensors, tangents also must be. Got primals with structure {spec!r} and tangents with structure "
            f"{given_spec!r}"
        )
    at = Pushforward(func, primals, has_aux, where)
    if strict and at.independent:
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not "
            "allowed with "
            "strict=True."
        )
    product = tree_unflatten(at.push(given), at.spec)
    return (at.value, product, at.aux) if has_aux else (at.value, product)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func` at `primals`, and the function that multiplies tangents with its Jacobian there.

    >>> value, product = torch.func.linearize(torch.sin, torch.tensor(0.))
    >>> product(torch.tensor(2.))
    tensor(2.)
    """
    at = Pushforward(func, primals, False, "linearize(f, *primals)")
    spec = tree_flatten(primals)[1]

    def product(*tangents: Any) -> Any:
        given, given_spec = tree_flatten(tangents)
        if given_spec != spec:
            raise RuntimeError(
                "Expected the tangents to have the structure of the primals: "
                f"tangents: {given_spec!r}, primals: {spec!r}"
            )
        return tree_unflatten(at.push(given), at.spec)

    return at.value, product
