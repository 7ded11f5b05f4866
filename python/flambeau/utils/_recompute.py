"""A call whose graph is thrown away, and made again in the backward pass: what checkpoints without reentry are.

The call runs as always. Its graph then tells where it begins: at arguments, at leaves (the parameters that the function
reads), at tensors of its closure. One node with edges to these takes the graph's place. In the backward pass the
function is called again, and its new graph is cut at the same places by hooks, which collect the gradients. They are
what the node returns: the engine sees to the rest, and hooks of leaves run once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import flambeau
from flambeau import _C, Tensor
from flambeau.autograd.function import FunctionCtx
from flambeau.random import fork_rng
from flambeau.utils import _pytree

_TIP = "The function must do the same when it is called again: see `determinism_check` of torch.utils.checkpoint."


class CheckpointError(RuntimeError):
    """The second call of a checkpointed function differed from the first one."""


class Conditions:
    """What a function runs under besides its arguments: random numbers and mixed precision."""

    def __init__(self, preserve_rng_state: bool) -> None:
        self.rng_state = flambeau.get_rng_state() if preserve_rng_state else None
        self.autocast = {
            "enabled": flambeau.is_autocast_enabled("cpu"),
            "dtype": flambeau.get_autocast_dtype("cpu"),
            "cache_enabled": flambeau.is_autocast_cache_enabled(),
        }

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """The same conditions again, with gradients on."""
        with fork_rng(enabled=self.rng_state is not None):
            if self.rng_state is not None:
                flambeau.set_rng_state(self.rng_state)
            with flambeau.enable_grad(), flambeau.autocast("cpu", **self.autocast):
                yield


# An end of an edge: a node and the number of its output.
End = tuple[Any, int]


@dataclass
class Graph:
    """The part of a graph that a call made: how many nodes it has, and the edges that leave it."""

    size: int
    leaving: list[tuple[Any, int, End]]
    """The node that an edge leaves from, which of its edges it is, and where it ends."""

    def ends(self) -> set[End]:
        """Where edges end."""
        return {end for _, _, end in self.leaving}


def _leaf_of(node: Any) -> Any:
    return None if isinstance(node, FunctionCtx) else node.variable


def _end_of(t: Tensor) -> End | None:
    """Where the edges to a tensor end; of a leaf, its accumulator is known from a use of it."""
    if not t.requires_grad:
        return None
    if t.is_leaf:
        return t.view_as(t).grad_fn.next_functions[0]
    return t.grad_fn, t.output_nr


def _now() -> int:
    """The number of the node made last."""
    return flambeau.empty(0, requires_grad=True).view(0).grad_fn._sequence_nr()


def _graph(outputs: list[Tensor], since: int) -> Graph:
    """The nodes behind `outputs` that are younger than a number."""
    seen = {t.grad_fn: None for t in outputs}
    waiting, leaving = list(seen), []
    while waiting:
        node = waiting.pop()
        for i, end in enumerate(node.next_functions):
            behind = end[0]
            if behind is None:
                continue
            if _leaf_of(behind) is not None or behind._sequence_nr() <= since:
                leaving.append((node, i, end))
            elif behind not in seen:
                seen[behind] = None
                waiting.append(behind)
    return Graph(len(seen), leaving)


def _tensors(tree: Any) -> list[Tensor]:
    return [x for x in _pytree.tree_leaves(tree) if isinstance(x, Tensor)]


def _closure_of(function: Any) -> list[Tensor]:
    """The tensors that a function takes from around it."""
    found: list[Tensor] = []
    while hasattr(function, "func"):  # functools.partial
        found += _tensors([list(function.args), dict(function.keywords)])
        function = function.func
    function = getattr(function, "__func__", function)
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # a cell that is empty
            found += _tensors(cell.cell_contents)
    return found + _tensors(list(getattr(function, "__defaults__", None) or ()))


def _made(leaves: list[Any], since: int) -> list[int]:
    """Which leaves of an output are tensors that the call recorded."""
    tensors = ((i, x) for i, x in enumerate(leaves) if isinstance(x, Tensor))
    return [i for i, x in tensors if x.grad_fn is not None and x.grad_fn._sequence_nr() > since]


def _metadata(t: Tensor) -> dict[str, Any]:
    return {"shape": t.shape, "dtype": t.dtype, "device": t.device}


class _Call(FunctionCtx):
    """The context of the node: all that a second call needs."""

    _backward_name = "CheckpointBackward"

    def __init__(self, function: Any, inputs: Any, conditions: Conditions, context: Any) -> None:
        super().__init__()
        self.function, self.inputs, self.conditions, self.context = function, inputs, conditions, context
        self.sources: list[Tensor] = []
        self.made: list[int] = []
        self.metadata: list[dict[str, Any]] | None = None
        self.size = 0

    def _release(self) -> None:
        super()._release()
        self.function = self.inputs = self.context = None
        self.sources = []

    def again(self) -> tuple[list[Tensor], Graph, dict[End | None, int]]:
        """The outputs, their graph, and which source an end stands for."""
        sources = list(self.sources)
        leaves, spec = _pytree.tree_flatten(self.inputs)
        # For second derivatives the new graph goes on where the arguments came from.
        detach = not flambeau.is_grad_enabled()
        with self.conditions.restored(), self.context:
            if detach:
                stands = {
                    id(x): x.detach().requires_grad_() for x in leaves if isinstance(x, Tensor) and x.requires_grad
                }
                leaves = [stands.get(id(x), x) for x in leaves]
                # What is an argument may be read from the closure too: both stand for the same source.
                sources += [stands.get(id(x), x) for x in self.sources]
            args, kwargs = _pytree.tree_unflatten(leaves, spec)
            ends = {_end_of(x): i % len(self.sources) for i, x in enumerate(sources)}
            since = _now()
            found = _pytree.tree_leaves(self.function(*args, **kwargs))
            made = _made(found, since)
        outputs = [found[i] for i in made]
        graph = _graph(outputs, since)
        if made != self.made or (self.metadata is not None and (graph.size != self.size or graph.ends() - ends.keys())):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of operators recorded during forward: {self.size}\n"
                f"Number of operators recorded during recomputation: {graph.size}\n{_TIP}"
            )
        words = [
            f"tensor at position {i}:\nsaved metadata: {before}\nrecomputed metadata: {_metadata(out)}\n"
            for i, (before, out) in enumerate(zip(self.metadata or (), outputs, strict=False))
            if before != _metadata(out)
        ]
        if words:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{''.join(words)}.\n{_TIP}"
            )
        return outputs, graph, ends


def _collect(call: _Call, grads: tuple[Any, ...]) -> list[Any]:
    """The gradients of the sources, from those of the outputs."""
    outputs, graph, ends = call.again()
    sources = call.sources
    found: list[Any] = [None] * len(sources)
    cuts: dict[Any, dict[int, int]] = {}
    for node, i, end in graph.leaving:
        if end in ends:
            cuts.setdefault(node, {})[i] = ends[end]

    def cut(at: dict[int, int]) -> Any:
        def hook(inputs: tuple[Any, ...], _outputs: Any) -> tuple[Any, ...]:
            for i, source in at.items():
                if inputs[i] is not None:
                    g = _like(inputs[i], sources[source])
                    before = found[source]
                    found[source] = g if before is None else before + g
            return tuple(None if i in at else g for i, g in enumerate(inputs))

        return hook

    handles = [node.register_hook(cut(at)) for node, at in cuts.items()]
    pairs = [(out, g) for out, g in zip(outputs, grads, strict=False) if g is not None]
    try:
        _C._backward([out for out, _ in pairs], [g for _, g in pairs], None, flambeau.is_grad_enabled(), None)
    finally:
        # Second derivatives go through these nodes and must not end there.
        for handle in handles:
            handle.remove()
    return found


def _like(grad: Tensor, source: Tensor) -> Tensor:
    """A gradient in the shape and dtype of what it is for."""
    if grad.is_complex() and not source.is_complex():
        grad = grad.real
    if grad.shape != source.shape:
        grad = grad.sum_to_size(source.shape)
    return grad.to(source.dtype)


def call_and_forget(
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    conditions: Conditions,
    recompute_context: Any,
    check: bool,
) -> Any:
    """`function(*args, **kwargs)`, whose results are joined to one node that calls it again."""
    known = {_end_of(t): t for t in _tensors([list(args), kwargs]) if t.requires_grad}
    since = _now()
    output = function(*args, **kwargs)
    leaves, spec = _pytree.tree_flatten(output)
    made = _made(leaves, since)
    if not made:
        return output
    graph = _graph([leaves[i] for i in made], since)
    # In the order of the graph, so that gradients are added in one order.
    for _, _, end in graph.leaving:
        leaf = _leaf_of(end[0])
        if leaf is not None:
            known.setdefault(end, leaf)
    if graph.ends() - known.keys():
        known |= {_end_of(t): t for t in _closure_of(function) if t.grad_fn is not None}
        if graph.ends() - known.keys():
            return output
    call = _Call(function, (args, kwargs), conditions, recompute_context)
    call.sources, call.made = list(known.values()), made
    if check:
        call.metadata, call.size = [_metadata(leaves[i]) for i in made], graph.size
    joined = [(leaves[i].detach(), True) for i in made]
    call._join(_C._custom_node(call._backward_name, call, _collect, call.sources, joined))
    for i, (new, _) in zip(made, joined, strict=True):
        leaves[i] = new
    return _pytree.tree_unflatten(leaves, spec)
