"""Functions with a derivative of their own: ``torch.autograd.Function``."""

from __future__ import annotations

import warnings
from typing import Any

from flambeau import _C


class FunctionCtx:
    """What `forward` hands to `backward`."""

    def __init__(self) -> None:
        self._to_save: tuple[Any, ...] = ()
        self._saved: list[Any] | None = None
        self._non_differentiable: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True
        self._freed = False
        self._node: Any = None
        self._number = 0
        self._zeros: list[Any] = []
        self._tensor_outputs: list[int] = []
        self._output_count = 0
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keeps tensors for `backward`, which finds them in `saved_tensors`."""
        for t in tensors:
            if t is not None and not isinstance(t, _C.Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument 0 is of type {type(t).__name__}"
                )
        self._to_save = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keeps tensors for forward-mode differentiation."""
        self.saved_for_forward = tensors

    def mark_dirty(self, *tensors: Any) -> None:
        """Says that `forward` changed these inputs in place."""
        self._dirty = {id(t) for t in tensors}

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Says that no gradient flows through these outputs."""
        self._non_differentiable = {id(t) for t in tensors}

    def set_materialize_grads(self, value: bool) -> None:
        """Whether missing gradients reach `backward` as zeros (the default) or as None."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors that `save_for_backward` kept."""
        if self._freed and self._saved is None:
            raise RuntimeError(
                "Trying to backward through the graph a second time (or directly access saved tensors after they have "
                "already been freed). Saved intermediate values of the graph are freed when you call .backward() or "
                "autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or "
                "if you need to access saved tensors after calling backward."
            )
        if self._saved is None:
            return tuple(self._to_save)
        return tuple(None if s is None else s.unpack() for s in self._saved)

    # What a node of the graph shows.
    @property
    def next_functions(self) -> tuple[Any, ...]:
        return self._node.next_functions if self._node is not None else ()

    def register_hook(self, fn: Any) -> Any:
        return self._node.register_hook(fn)

    def register_prehook(self, fn: Any) -> Any:
        return self._node.register_prehook(fn)

    def name(self) -> str:
        return type(self)._backward_name

    def _sequence_nr(self) -> int:
        return self._number

    def _join(self, node: Any) -> None:
        """Makes this the context of a node, which owns it."""
        self._node, self._number = node._weak(), node._sequence_nr()

    _backward_name = "FunctionBackward"

    def _release(self) -> None:
        self._freed = True
        self._saved = None
        self._to_save = ()

    def __repr__(self) -> str:
        return f"<torch.autograd.function.{type(self)._backward_name} object at {id(self):#x}>"


def _run_backward(ctx: Any, grads: tuple[Any, ...]) -> Any:
    # The engine tells of the outputs up to the last one that got a gradient, and knows of tensors only.
    given: list[Any] = [None] * ctx._output_count
    for i, at in enumerate(ctx._tensor_outputs):
        shape, dtype = ctx._zeros[i]
        given[at] = grads[i] if i < len(grads) else None
        if given[at] is None and ctx._materialize:
            given[at] = _C.zeros(shape, dtype=dtype)
    out = ctx._function.backward(ctx, *given)
    if not isinstance(out, tuple):
        out = (out,)
    for g in out:
        if g is not None and not isinstance(g, _C.Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(g).__name__})")
    wanted = len(ctx.needs_input_grad)
    if len(out) > wanted and any(g is not None for g in out[wanted:]):
        raise RuntimeError(
            f"function {ctx._backward_name} returned an incorrect number of gradients "
            f"(expected {wanted}, got {len(out)})"
        )
    if len(out) < wanted:
        raise RuntimeError(
            f"function {ctx._backward_name} returned an incorrect number of gradients "
            f"(expected {wanted}, got {len(out)})"
        )
    return list(out[:wanted])


class Function:
    """A function with a derivative of its own: subclass it with static methods `forward` and `backward`.

    Example::

        class Double(Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, grad):
                return grad * 2

        y = Double.apply(x)
    """

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should "
            "invoke them on the class itself. Instantiating an autograd function will raise an error in a future "
            "version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    @staticmethod
    def forward(*_args: Any, **_kwargs: Any) -> Any:
        """Computes the result; the first argument is the context unless `setup_context` is given."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Fills the context after a `forward` that does not take it."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *_grads: Any) -> Any:
        """The gradients of the inputs, given those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Runs `forward` and records it."""
        backward_name = f"{cls.__name__}Backward"
        ctx_class = cls.__dict__.get("_ctx_class")
        if ctx_class is None:
            ctx_class = type(backward_name, (FunctionCtx,), {"_backward_name": backward_name, "_function": cls})
            setattr(cls, "_ctx_class", ctx_class)  # noqa: B010
        ctx = ctx_class()
        tensors = [a if isinstance(a, _C.Tensor) else None for a in args]
        recording = _C.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
        ctx.needs_input_grad = tuple(t is not None and t.requires_grad for t in tensors)
        before = _C.is_grad_enabled()
        _C._set_grad_enabled(False)
        try:
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args)
        finally:
            _C._set_grad_enabled(before)
        single = not isinstance(result, tuple)
        outputs = (result,) if single else result
        if not recording:
            return result
        joined: list[tuple[Any, bool]] = []
        final: list[Any] = []
        inputs = {id(t) for t in tensors if t is not None}
        replaced: dict[int, tuple[int, Any]] = {}
        for at, out in enumerate(outputs):
            if not isinstance(out, _C.Tensor):
                final.append(out)
                continue
            ctx._tensor_outputs.append(at)
            differentiable = id(out) not in ctx._non_differentiable and (
                out.dtype.is_floating_point or out.dtype.is_complex
            )
            new = out
            if id(out) in ctx._dirty and not out._is_view():
                # Changed in place: the input itself becomes the output.
                if out.requires_grad and out.is_leaf:
                    raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            elif id(out) in inputs and id(out) not in ctx._dirty:
                new = out.detach()
                if differentiable:
                    _C._set_grad_enabled(False)
                    new = out.view_as(out)
                    _C._set_grad_enabled(before)
            elif out.requires_grad or (out._is_view() and not differentiable):
                new = out.detach()
            replaced[id(out)] = (len(joined), new)
            joined.append((new, differentiable))
            final.append(new)
        ctx._output_count = len(outputs)
        ctx._zeros = [(tuple(t.shape), t.dtype) for t, _ in joined]
        node = _C._custom_node(backward_name, ctx, _run_backward, tensors, joined)
        ctx._join(node)
        saved: list[Any] = []
        for t in ctx._to_save:
            if t is None:
                saved.append(None)
                continue
            number = replaced.get(id(t))
            if number is not None and id(t) not in inputs:
                kept = _C.PySavedTensor(number[1], number[0])
            else:
                kept = _C.PySavedTensor(t)
            kept.set_node(node)
            saved.append(kept)
        ctx._saved = saved
        ctx._to_save = ()
        return final[0] if single else tuple(final)


def once_differentiable(function: Any) -> Any:
    """For a `backward` that cannot be differentiated again."""

    def wrapped(ctx: Any, *grads: Any) -> Any:
        before = _C.is_grad_enabled()
        _C._set_grad_enabled(False)
        try:
            return function(ctx, *grads)
        finally:
            _C._set_grad_enabled(before)

    return wrapped
