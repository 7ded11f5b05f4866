"""Axes split, merged and put in another order by names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import flambeau as torch

Tensor = torch.Tensor
REST = "\u2026"


def _axes(side: str) -> list[list[str]]:
    """The axes of one side of a pattern, each the names that it is made of; none for an axis of size 1."""
    if "." in side:
        if side.count("...") != 1 or side.count(".") != 3:
            raise ValueError(
                "Expression may contain dots only inside ellipsis (...)"
                + ("; only one ellipsis for tensor " if "..." in side else "")
            )
        side = side.replace("...", REST)
    for char in side:
        if not (char.isalnum() or char in f"() _{REST}"):
            raise ValueError(f"Unknown character '{char}'")
    axes: list[list[str]] = []
    group: list[str] | None = None
    seen: set[str] = set()
    for word in side.replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            if group is not None:
                raise ValueError("Axis composition is one-level (brackets inside brackets not allowed)")
            group = []
        elif word == ")":
            if group is None:
                raise ValueError("Brackets are not balanced")
            axes.append(group)
            group = None
        else:
            names = [] if word == "1" else [_checked(word, seen)]
            if group is None:
                axes.append(names)
            else:
                group += names
    if group is not None:
        raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
    return axes


def _checked(name: str, seen: set[str]) -> str:
    if name in seen:
        raise ValueError(f"Indexing expression contains duplicate dimension '{name}'")
    seen.add(name)
    if name == REST:
        return name
    if name.isdecimal():
        raise ValueError("rearrange only supports unnamed axes of size 1")
    if not name.isidentifier():
        raise ValueError(f"Invalid axis identifier: {name}\nnot a valid python identifier")
    if name.startswith("_") or name.endswith("_"):
        raise ValueError(f"Invalid axis identifier: {name}\naxis name should should not start or end with underscore")
    return name


def _parse(pattern: str, lengths: dict[str, int]) -> tuple[list[list[str]], list[list[str]]]:
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = map(_axes, sides)
    given, wanted = ({name for axis in side for name in axis} for side in (left, right))
    if REST in wanted - given:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if REST in given and [REST] not in left:
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    for length in lengths.values():
        if type(length) is not int:
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(length)}")
    if given ^ wanted:
        raise ValueError(f"Identifiers only on one side of rearrange expression (should be on both): {given ^ wanted}")
    if lengths.keys() - given:
        raise ValueError(f"Identifiers not found in rearrange expression: {lengths.keys() - given}")
    return left, right


def _split(axis: list[str], size: int, lengths: dict[str, int]) -> list[int]:
    """The sizes of the names that an axis is made of; one of them may follow from the others."""
    known = math.prod(lengths[name] for name in axis if name in lengths)
    unknown = [name for name in axis if name not in lengths]
    if len(unknown) > 1:
        raise ValueError(f"cannot infer the sizes of two dimensions at once {unknown[0]} and {unknown[1]}")
    if size % known if unknown and known else size != known:
        raise ValueError(
            f"an axis of size {size} is not the product of the lengths of ({' '.join(axis)}), which are {lengths}"
        )
    return [lengths.get(name, size // max(known, 1)) for name in axis]


def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """A tensor, or several stacked, with its axes split, merged and ordered as the pattern says.

    Names in brackets make one axis together; `axes_lengths` gives their sizes, all but one. `...` stands for the axes
    without a name, and `1` or `()` for one of size 1.

    >>> images = torch.zeros(2, 4, 6, 3)
    >>> torch.func.rearrange(images, "b (h two) w c -> (b two) c h w", two=2).shape
    torch.Size([4, 3, 2, 6])
    """
    x: Tensor = tensor if isinstance(tensor, Tensor) else torch.stack(tensor)
    left, right = _parse(pattern, axes_lengths)
    if [REST] in left:
        if len(left) - 1 > x.ndim:
            raise ValueError(
                f"Number of dimensions in pattern ({len(left) - 1}) must be less than or equal to the number of "
                f"dimensions in the tensor ({x.ndim})"
            )
        # Each axis that the ellipsis stands for gets a name that nobody can write.
        rest = [f"{REST}{i}" for i in range(x.ndim - len(left) + 1)]
        at = left.index([REST])
        left = [*left[:at], *([name] for name in rest), *left[at + 1 :]]
        right = [side for axis in right for side in ([[name] for name in rest] if axis == [REST] else [axis])]
        right = [[n for name in axis for n in (rest if name == REST else [name])] for axis in right]
    elif len(left) != x.ndim:
        raise ValueError(
            f"Number of dimensions in pattern ({len(left)}) must be equal to the number of dimensions in the tensor "
            f"({x.ndim})"
        )
    sizes = [n for axis, size in zip(left, x.shape, strict=True) for n in _split(axis, size, axes_lengths)]
    places = {name: i for i, name in enumerate(name for axis in left for name in axis)}
    order: Sequence[int] = [places[name] for axis in right for name in axis]
    merged = [math.prod(sizes[places[name]] for name in axis) for axis in right]
    return x.reshape(sizes).permute(*order).reshape(merged) if sizes else x.reshape(merged)
