"""Nested containers as trees: ``torch.utils._pytree``. Tuples, named tuples, lists, dicts and ordered dicts are
branches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class TreeSpec:
    """The shape of a tree: the class of a branch, what tells it apart (a dict's keys), and its children; a leaf is
    ``*``."""

    __slots__ = ("children_specs", "context", "num_leaves", "type")

    def __init__(self, type: Any, context: Any, children_specs: list[TreeSpec]) -> None:
        self.type, self.context, self.children_specs = type, context, children_specs
        self.num_leaves: int = 1 if type is None else sum(c.num_leaves for c in children_specs)

    def is_leaf(self) -> bool:
        """Whether it is a leaf."""
        return self.type is None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TreeSpec):
            return NotImplemented
        mine = (self.type, self.context, self.children_specs)
        return mine == (other.type, other.context, other.children_specs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self.is_leaf():
            return "*"
        inner = ",\n".join(repr(c).replace("\n", "\n  ") for c in self.children_specs).replace("\n", "\n  ")
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inner}])"


LEAF = TreeSpec(None, None, [])


def _branch(x: Any) -> tuple[Any, Any, list[Any]] | None:
    cls = type(x)
    if cls in (tuple, list):
        return cls, None, list(x)
    if cls in (dict, OrderedDict):
        return cls, list(x), list(x.values())
    if isinstance(x, tuple) and hasattr(cls, "_fields"):
        return cls, cls, list(x)
    return None


# No local functions: one that calls itself would hold itself, and so the leaves, until the next collection.
def _walk(x: Any, is_leaf: Callable[[Any], bool] | None, leaves: list[Any]) -> TreeSpec:
    branch = None if is_leaf is not None and is_leaf(x) else _branch(x)
    if branch is None:
        leaves.append(x)
        return LEAF
    cls, context, children = branch
    return TreeSpec(cls, context, [_walk(c, is_leaf, leaves) for c in children])


def _build(spec: TreeSpec, rest: Iterator[Any]) -> Any:
    if spec.is_leaf():
        return next(rest)
    children = [_build(c, rest) for c in spec.children_specs]
    if spec.type in (dict, OrderedDict):
        return spec.type(zip(spec.context, children, strict=True))
    # Tuples with names of fields are made from a sequence: by `_make` those of the standard library.
    return getattr(spec.type, "_make", spec.type)(children)


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree from left to right, and its shape."""
    leaves: list[Any] = []
    spec = _walk(tree, is_leaf, leaves)
    return leaves, spec


def tree_unflatten(leaves: Iterable[Any], spec: TreeSpec) -> Any:
    """The tree of a shape with these leaves."""
    return _build(spec, iter(leaves))


def tree_leaves(tree: Any) -> list[Any]:
    """The leaves of a tree from left to right."""
    return tree_flatten(tree)[0]


def tree_map(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """The tree with `function` of each leaf, and of the leaves of `others` in its place."""
    leaves, spec = tree_flatten(tree)
    return tree_unflatten(map(function, leaves, *(tree_leaves(o) for o in others)), spec)


def broadcast_leaves(prefix: Any, spec: TreeSpec) -> list[Any] | None:
    """For every leaf of the shape the leaf of `prefix` that stands for it or for a branch around it; None where it is
    no prefix of the shape."""
    if spec.is_leaf():
        return [prefix] if _branch(prefix) is None else None
    branch = _branch(prefix)
    if branch is None:
        return [prefix] * spec.num_leaves
    cls, context, children = branch
    if cls is not spec.type or context != spec.context or len(children) != len(spec.children_specs):
        return None
    parts = [broadcast_leaves(c, s) for c, s in zip(children, spec.children_specs, strict=True)]
    return None if any(p is None for p in parts) else [leaf for p in parts for leaf in p or ()]
