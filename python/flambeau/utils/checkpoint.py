"""Activations computed again in the backward pass instead of kept: ``torch.utils.checkpoint``."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import flambeau
from flambeau import Tensor, autograd
from flambeau.utils._recompute import CheckpointError as CheckpointError, Conditions, call_and_forget

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "noop_context_fn",
    "set_checkpoint_early_stop",
]

_ADVICE = (
    "without use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to preserve "
    "the current default behavior, you can pass use_reentrant=True. Refer to docs for more details on the differences "
    "between the two variants."
)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same tensors without their graphs, requiring gradients where they did."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}")
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warns if no input requires a gradient."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


def noop_context_fn() -> tuple[Any, Any]:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


_early_stop: bool | None = None


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """In the block, whether second calls of checkpoints end as soon as the backward pass has what it needs.

    >>> with torch.utils.checkpoint.set_checkpoint_early_stop(False):
    ...     y = torch.utils.checkpoint.checkpoint(torch.sin, torch.ones(2, requires_grad=True), use_reentrant=False)
    """
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


class CheckpointFunction(autograd.Function):
    """What `checkpoint` with `use_reentrant=True` records: backward runs the function again, then its backward pass."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.conditions = Conditions(preserve_rng_state)
        ctx.inputs = [None if isinstance(a, Tensor) else a for a in args]
        ctx.tensor_indices = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.tensor_indices))
        with flambeau.no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        if not autograd._is_checkpoint_valid():
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` "
                "parameter to .backward(). To resolve this error, you can either set use_reentrant=False, or call "
                ".backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        for i, tensor in zip(ctx.tensor_indices, ctx.saved_tensors, strict=True):
            inputs[i] = tensor
        with ctx.conditions.restored():
            detached = detach_variable(tuple(inputs))
            outputs = ctx.run_function(*detached)
        listed = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [
            (out, g) for out, g in zip(listed, grads, strict=True) if isinstance(out, Tensor) and out.requires_grad
        ]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        autograd.backward([out for out, _ in pairs], [g for _, g in pairs])
        return (None, None, *(x.grad if isinstance(x, Tensor) else None for x in detached))


class _CheckpointedFunction:
    """A function, or a method, that is checkpointed whenever it is called."""

    def __init__(self, function: Any, options: dict[str, Any]) -> None:
        self.function = function
        self.checkpoint_kwargs = options
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _checkpoint(self.function, args, kwargs, **self.checkpoint_kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None or not hasattr(self.function, "__get__"):
            return self
        return type(self)(self.function.__get__(instance, owner), self.checkpoint_kwargs)


def checkpoint(
    function: Any = None,
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    respect_saved_tensors_hooks: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Calls a function and keeps its arguments instead of what its backward pass needs, which is computed again then.

    Random numbers and mixed precision are as they were, unless `preserve_rng_state` is False. With
    `use_reentrant=False`, keyword arguments, nested inputs and outputs, `torch.autograd.grad` and second derivatives
    work as they do without a checkpoint, and the second call ends where all that is needed has been computed, unless
    `early_stop` is False. Without a function, a decorator.

    >>> checkpoint = torch.utils.checkpoint.checkpoint
    >>> x = torch.tensor([1., 2.], requires_grad=True)
    >>> checkpoint(lambda t: t * t, x, use_reentrant=False).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """
    options: dict[str, Any] = {
        "use_reentrant": use_reentrant,
        "preserve_rng_state": preserve_rng_state,
        "context_fn": context_fn,
        "determinism_check": determinism_check,
        "debug": debug,
        "early_stop": early_stop,
        "respect_saved_tensors_hooks": respect_saved_tensors_hooks,
    }
    if function is None and not args:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        return lambda decorated: _CheckpointedFunction(decorated, options)
    return _checkpoint(function, args, kwargs, **options)


def _checkpoint(
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    use_reentrant: bool | None,
    preserve_rng_state: bool,
    context_fn: Callable[[], tuple[Any, Any]],
    determinism_check: str,
    debug: bool,
    early_stop: bool,
    respect_saved_tensors_hooks: bool | None,
) -> Any:
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. In a future release, "
            f"calling checkpoint {_ADVICE}",
            stacklevel=3,
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False or respect_saved_tensors_hooks is not None:
            raise ValueError(
                "Passing `context_fn`, `debug`, or `respect_saved_tensors_hooks` is only supported when "
                "use_reentrant=False."
            )
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if debug:
        if context_fn is not noop_context_fn:
            raise ValueError("debug=True is incompatible with non-default context_fn")
        raise NotImplementedError("torch.utils.checkpoint: debug=True needs a trace of operators")
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of ['default', 'none'], but got {determinism_check}")
    forward_context, recompute_context = context_fn()
    if not flambeau.is_grad_enabled():
        return function(*args, **kwargs)
    with forward_context:
        return call_and_forget(
            function,
            args,
            kwargs,
            Conditions(preserve_rng_state),
            recompute_context,
            early_stop=early_stop if _early_stop is None else _early_stop,
            check=determinism_check == "default",
        )
    raise RuntimeError(
        "torch.utils.checkpoint: the forward context provided by context_fn suppressed an exception raised during the "
        "checkpointed forward. This is not supported because checkpoint cannot return a value for a failed forward."
    )


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """Calls functions one after another, in so many checkpoints; the last part is not checkpointed.

    >>> layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    >>> x = torch.ones(2, requires_grad=True)
    >>> torch.utils.checkpoint.checkpoint_sequential(layers, 2, x, use_reentrant=False).shape
    torch.Size([1])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. "
            f"In a future release, calling checkpoint_sequential {_ADVICE}",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if isinstance(functions, flambeau.nn.Sequential):
        functions = list(functions.children())

    def part(start: int, end: int) -> Any:
        def run(input: Any) -> Any:
            for function in functions[start:end]:
                input = function(input)
            return input

        return run

    size = len(functions) // segments
    start = 0
    for start in range(size, size * segments, size):
        input = checkpoint(part(start - size, start), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return part(start, len(functions))(input)
