"""Functions over batches: ``torch.vmap``.

The function is called once for each slice, and what it gives is stacked: every operator works, control flow may depend
on the data, and gradients flow as through any code. It is no faster than the loop it stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flambeau as torch
from flambeau.utils._pytree import TreeSpec, broadcast_leaves, tree_flatten, tree_unflatten

Tensor = torch.Tensor
RANDOMNESS = ("error", "different", "same")


def _check_in_dim(where: str, dim: Any, x: Any) -> int | None:
    if dim is not None and not isinstance(dim, int):
        raise ValueError(
            f"{where}(<inputs>): Got in_dim={dim} for an input but in_dim must be either an integer dimension or None."
        )
    if dim is None:
        return None
    if not isinstance(x, Tensor):
        raise ValueError(
            f"{where}(<inputs>): Got in_dim={dim} for an input but the input is of type {type(x)}. We cannot vmap over "
            "non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -x.dim() <= dim < x.dim():
        raise ValueError(
            f"{where}(<inputs>): Got in_dim={dim} for some input, but that input is a Tensor of dimensionality "
            f"{x.dim()} so "
            f"expected in_dim to satisfy -{x.dim()} <= in_dim < {x.dim()}."
        )
    return dim % x.dim()


def _in_dims(name: str, in_dims: Any, args: tuple[Any, ...]) -> tuple[list[Any], list[int | None], TreeSpec]:
    """The leaves of the arguments, and the mapped dimension of each."""
    where = f"vmap({name}, in_dims={in_dims}, ...)"
    if not isinstance(in_dims, int | tuple | list) or isinstance(in_dims, bool):
        raise ValueError(
            f"{where}(<inputs>): expected `in_dims` to be int or a (potentially nested) tuple matching the structure "
            "of "
            f"inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over "
            "a function "
            "with no inputs. The latter is unsupported."
        )
    leaves, spec = tree_flatten(args)
    dims = broadcast_leaves(tuple(in_dims) if isinstance(in_dims, list) else in_dims, spec)
    if dims is None:
        raise ValueError(
            f"{where}(<inputs>): in_dims is not compatible with the structure of `inputs`. in_dims has structure "
            f"{tree_flatten(in_dims)[1]!r} but inputs has structure {spec!r}."
        )
    return leaves, [_check_in_dim(where, d, x) for d, x in zip(dims, leaves, strict=True)], spec


def _batch_size(leaves: list[Any], dims: list[int | None]) -> int:
    sizes = [x.shape[d] for x, d in zip(leaves, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


class _Randomness:
    """What the calls for the slices may do with the random stream."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.before = torch.get_rng_state()

    def begin(self) -> None:
        if self.mode == "same":
            torch.set_rng_state(self.before)

    def end(self) -> None:
        if self.mode == "error" and not torch.equal(torch.get_rng_state(), self.before):
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' "
                "randomness flags on vmap or perform the randomness operation out of vmap"
            )


def _joined(name: str, parts: list[Any], dim: int | None, size: int) -> Any:
    """One output for the whole batch from those of the slices; of an empty batch, from that of a stand-in."""
    first = parts[0]
    if dim is None:
        if all(p is first or (isinstance(p, Tensor) and torch.equal(p, first)) or p == first for p in parts):
            return first
        raise ValueError(f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None")
    if not isinstance(first, Tensor):
        raise ValueError(
            f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(first)}. Did you mean to set "
            "out_dims= to "
            "None for output?"
        )
    if size == 0:
        return first.new_empty((0, *first.shape)).movedim(0, dim)
    return torch.stack(parts, dim)


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that maps `func` over dimension `in_dims` of its inputs, and stacks the outputs along `out_dims`.

    `in_dims` is a number for all inputs, or a structure of numbers and None (for what every call gets whole) that
    matches them; keyword arguments are mapped over dimension 0. `randomness` is ``"error"``, ``"different"`` or
    ``"same"`` for the slices.

    >>> torch.vmap(torch.dot)(torch.ones(3, 2), torch.ones(3, 2))
    tensor([2., 2., 2.])
    """
    if randomness not in RANDOMNESS:
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = getattr(func, "__name__", repr(func))

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        leaves, dims, spec = _in_dims(name, in_dims, args)
        named, named_spec = tree_flatten(kwargs)
        named_dims = [0 if isinstance(x, Tensor) else None for x in named]
        size = _batch_size(leaves + named, dims + named_dims)
        random = _Randomness(randomness)

        def run(i: int) -> Any:
            def take(x: Any, d: int | None) -> Any:
                if d is None:
                    return x
                return x.select(d, i) if size else x.new_zeros([n for k, n in enumerate(x.shape) if k != d])

            positional = tree_unflatten(map(take, leaves, dims), spec)
            keywords = tree_unflatten(map(take, named, named_dims), named_spec)
            random.begin()
            output = func(*positional, **keywords)
            random.end()
            return output

        outputs = [tree_flatten(run(i)) for i in range(max(size, 1))]
        out_spec = outputs[0][1]
        listed = broadcast_leaves(tuple(out_dims) if isinstance(out_dims, list) else out_dims, out_spec)
        # One output and a tuple of one dimension go together.
        if listed is None and out_spec.is_leaf() and isinstance(out_dims, tuple) and len(out_dims) == 1:
            listed = list(out_dims)
        if listed is None:
            raise ValueError(
                f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of "
                f"`outputs`. out_dims has structure {tree_flatten(out_dims)[1]!r} but outputs has structure "
                f"{out_spec!r}."
            )
        columns = zip(*(leaves for leaves, _ in outputs), strict=True)
        return tree_unflatten([_joined(name, list(c), d, size) for c, d in zip(columns, listed, strict=True)], out_spec)

    return wrapper
