"""The graph itself: its nodes, edges between them, and what happens to the tensors that it keeps."""

from __future__ import annotations

import abc
import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from flambeau import _C
from flambeau.autograd.function import FunctionCtx
from flambeau.autograd.grad_mode import enable_grad
from flambeau.utils.hooks import RemovableHandle

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


class Node(abc.ABC):
    """What `grad_fn` is: `name()`, `next_functions`, `metadata`, `register_hook` and `register_prehook`.

    >>> isinstance((torch.ones(1, requires_grad=True) * 2).grad_fn, torch.autograd.graph.Node)
    True
    """

    @abc.abstractmethod
    def name(self) -> str:
        """The name of the operator."""

    @property
    @abc.abstractmethod
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that gradients go on to, each with the number of its output."""


Node.register(_C.Node)
Node.register(FunctionCtx)


class GradientEdge(NamedTuple):
    """A place in the graph: a node and one of its outputs. `grad` and `backward` take it in place of a tensor."""

    node: Any
    output_nr: int
    ownership_token: Any = None


def _node_behind(t: Any) -> Any:
    """The node that a tensor's gradient goes to: the one that made it, or the accumulator of a leaf."""
    if isinstance(t, GradientEdge):
        return t.node
    if t.requires_grad and t.grad_fn is None:
        with enable_grad():
            return t.view_as(t).grad_fn.next_functions[0][0]
    return t.grad_fn


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """The place in the graph of a tensor that requires gradients."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, token = _node_behind(tensor), None
    if isinstance(node, FunctionCtx):
        # A context does not own its node: a node behind it does.
        with enable_grad():
            token = tensor.view_as(tensor).grad_fn
    return GradientEdge(node, tensor.output_nr, token)


def _tensor_for(place: Any) -> Any:
    """A tensor at a place in the graph, where it is one; tensors are left as they are."""
    if not isinstance(place, GradientEdge):
        return place
    leaf = None if isinstance(place.node, FunctionCtx) else place.node.variable
    return leaf if leaf is not None else _C._tensor_at(place.node, place.output_nr)


class _Hooks(threading.local):
    """How many hooks are in force in a thread, and the message of who forbids them."""

    def __init__(self) -> None:
        self.active = 0
        self.disabled: str | None = None


_hooks = _Hooks()


class saved_tensors_hooks:  # noqa: N801
    """In the block, `pack_hook` is called with each tensor that the graph saves, and what it returns is kept instead.

    The backward pass gets what `unpack_hook` makes of that.

    >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.half(), lambda packed: packed.float()):
    ...     y = torch.ones(2, requires_grad=True).exp()
    >>> y.grad_fn._saved_result
    tensor([2.7188, 2.7188], grad_fn=<ExpBackward0>)
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _hooks.disabled is not None:
            raise RuntimeError(_hooks.disabled)
        _hooks.active += 1
        _C._push_save_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *_error: object) -> None:
        _C._pop_save_hooks()
        _hooks.active -= 1


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """In the block, the graph keeps copies on the CPU; the backward pass moves them back."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(t: Any) -> tuple[Any, Any]:
            if not pin_memory:
                return t.device, t.cpu()
            return t.device, _C.empty(t.size(), dtype=t.dtype).copy_(t)

        super().__init__(pack, lambda packed: packed[1].to(packed[0]))


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """In the block, `saved_tensors_hooks` raise RuntimeError with this message."""
    if _hooks.active:
        raise RuntimeError(error_message)
    before, _hooks.disabled = _hooks.disabled, error_message
    try:
        yield
    finally:
        _hooks.disabled = before


class _MultiHandle(RemovableHandle):
    """Removes several hooks."""

    def __init__(self, handles: tuple[Any, ...]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()


def register_multi_grad_hook(tensors: Sequence[Any], fn: Callable[[Any], None], *, mode: str = "all") -> Any:
    """Calls `fn` once a backward pass, with the gradients of `tensors` when all that come are there.

    Those that do not come are None. With mode "any", `fn` gets the first that comes.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "any":
        return _on_first(tensors, fn)
    nodes = [_node_behind(t) for t in tensors]
    # By backward pass: the gradients so far, how many there are, and how many will come.
    passes: dict[int, list[Any]] = {}

    def hook(at: int, grad: Any) -> None:
        task = _C._current_graph_task_id()
        if task not in passes:
            passes[task] = [[None] * len(tensors), 0, sum(map(_C._will_engine_execute_node, nodes))]
        found = passes[task]
        found[0][at] = grad
        found[1] += 1
        if found[1] == found[2]:
            del passes[task]
            fn(found[0])

    return _MultiHandle(tuple(t.register_hook(functools.partial(hook, i)) for i, t in enumerate(tensors)))


def _on_first(tensors: Sequence[Any], fn: Callable[[Any], None]) -> Any:
    seen: set[int] = set()

    @functools.wraps(fn)
    def hook(grad: Any) -> None:
        task = _C._current_graph_task_id()
        if task not in seen:
            seen.add(task)
            fn(grad)

    return _MultiHandle(tuple(t.register_hook(hook) for t in tensors if t.requires_grad))


class _SavedCopies:
    """What `allow_mutation_on_saved_tensors` gives: `clear` drops the copies."""

    def __init__(self) -> None:
        self.cloned: dict[int, Any] = {}

    def clear(self) -> None:
        """Drops the copies; what needs them can no longer run backward."""
        self.cloned.clear()


_mutation_allowed = threading.local()


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_SavedCopies]:
    """In the block, tensors that the graph saved may be written to: it keeps copies.

    The backward pass belongs in the block.

    >>> a = torch.ones(2, requires_grad=True)
    >>> with torch.autograd.graph.allow_mutation_on_saved_tensors():
    ...     b = a.clone()
    ...     c = (b * b).sum()
    ...     _ = b.zero_()
    ...     c.backward()
    >>> a.grad
    tensor([2., 2.])
    """
    if getattr(_mutation_allowed, "on", False):
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    copies = _SavedCopies()

    def pack(t: Any) -> int:
        handle = len(copies.cloned)
        copies.cloned[handle] = t.detach().clone()
        return handle

    def unpack(handle: int) -> Any:
        if not getattr(_mutation_allowed, "on", False) or handle not in copies.cloned:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"
                "in which the graph was originally recorded."
            )
        return copies.cloned[handle]

    with saved_tensors_hooks(pack, unpack):
        _mutation_allowed.on = True
        try:
            yield copies
        finally:
            _mutation_allowed.on = False
            copies.clear()
