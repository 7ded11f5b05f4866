"""A call whose saved tensors are thrown away, and computed again in the backward pass: checkpoints without reentry.

Hooks on saved tensors leave a holder in the graph for each. The first holder that the backward pass asks for has the
function called again, whose own graph fills all holders and is dropped. The numbers of the tensors and what they look
like tell whether the second call did what the first one did.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import flambeau
from flambeau import _C, Tensor, autograd
from flambeau.autograd.graph import saved_tensors_hooks
from flambeau.random import fork_rng

_TIP = "The function must do the same when it is called again: see `determinism_check` of torch.utils.checkpoint."


class CheckpointError(RuntimeError):
    """The second call of a checkpointed function differed from the first one."""


class _Enough(Exception):
    """All that the backward pass needs has been computed again."""


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


class _Holder:
    """What the graph keeps in the place of a tensor; the value belongs to one backward pass."""

    __slots__ = ("__weakref__", "task", "value")

    def __init__(self) -> None:
        self.task: Any = None
        self.value: Any = None


class _Arguments(autograd.Function):
    """Saves tensors as every node does, so that the hooks of a checkpoint around this one have them too."""

    @staticmethod
    def forward(ctx: Any, switch: Tensor, *tensors: Tensor) -> Tensor:
        ctx.save_for_backward(*tensors)
        return switch.detach()


def _metadata(t: Tensor) -> dict[str, Any]:
    return {"shape": t.shape, "dtype": t.dtype, "device": t.device}


class _Call:
    """All that a second call needs, and the holders that it fills."""

    def __init__(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], conditions: Conditions) -> None:
        self.function, self.kwargs, self.conditions = function, kwargs, conditions
        self.others = [None if isinstance(a, Tensor) else a for a in args]
        self.tensors = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        switch = flambeau.empty(0, requires_grad=True)
        self.saver: Any = _Arguments.apply(switch, *(args[i] for i in self.tensors)).grad_fn
        self.context: Any = None
        self.early_stop = self.checked = True
        self.complete = False
        # Holders go with the nodes that have done their part.
        self.holders: list[weakref.ref[_Holder]] = []
        self.metadata: list[dict[str, Any]] = []

    def pack(self, t: Tensor) -> _Holder:
        """A holder for a tensor that the first call saves."""
        holder = _Holder()
        self.holders.append(weakref.ref(holder))
        if self.checked:
            self.metadata.append(_metadata(t))
        return holder

    def unpack(self, holder: _Holder) -> Any:
        """The tensor of a holder; the first one in a backward pass has all computed again."""
        task: Any = _C._current_graph_task_id()
        if task == -1:
            task = object()
        if holder.task != task:
            self.again(task)
        if holder.task != task:
            raise CheckpointError(f"torch.utils.checkpoint: A saved tensor was not computed again.\n{_TIP}")
        return holder.value

    def again(self, task: Any) -> None:
        """Call the function again and fill the holders."""
        found: list[Any] = []

        def keep(t: Tensor) -> Tensor:
            t = t.detach() if t.requires_grad else t
            at = len(found)
            if at >= len(self.holders) and self.complete:
                raise CheckpointError(
                    "torch.utils.checkpoint: trying to save more tensors during recomputation than during the original "
                    f"forward pass.\n{_TIP}"
                )
            found.append(_metadata(t))
            holder = self.holders[at]() if at < len(self.holders) else None
            if holder is not None:
                holder.task, holder.value = task, t
            if self.early_stop and len(found) == len(self.holders):
                raise _Enough
            return t

        args = list(self.others)
        for i, tensor in zip(self.tensors, self.saver.saved_tensors, strict=True):
            args[i] = tensor
        with contextlib.suppress(_Enough), saved_tensors_hooks(keep, lambda t: t), self.conditions.restored():
            with self.context:
                self.function(*args, **self.kwargs)
        if self.complete:
            self._compare(found)

    def _compare(self, found: list[dict[str, Any]]) -> None:
        if len(found) != len(self.holders):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.holders)}\n"
                f"Number of tensors saved during recomputation: {len(found)}.\n{_TIP}"
            )
        words = [
            f"tensor at position {i}:\nsaved metadata: {before}\nrecomputed metadata: {after}\n"
            for i, (before, after) in enumerate(zip(self.metadata, found, strict=False))
            if before != after and self.holders[i]() is not None
        ]
        if words:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than "
                f"during the forward pass.\n{''.join(words)}.\n{_TIP}"
            )


def call_and_forget(
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    conditions: Conditions,
    recompute_context: Any,
    *,
    early_stop: bool,
    check: bool,
) -> Any:
    """`function(*args, **kwargs)`, whose graph has holders in the place of tensors."""
    call = _Call(function, args, kwargs, conditions)
    call.context, call.early_stop, call.checked = recompute_context, early_stop, check
    with saved_tensors_hooks(call.pack, call.unpack):
        output = function(*args, **kwargs)
    call.complete = True
    return output
