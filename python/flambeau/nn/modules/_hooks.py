"""The hooks of modules: global registries, registration methods, and the gates that watch gradients."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.utils.hooks import RemovableHandle

Hook = Callable[..., Any]

# Hooks that run for every module, before the module's own.
forward_pre: OrderedDict[int, Hook] = OrderedDict()
forward: OrderedDict[int, Hook] = OrderedDict()
forward_with_kwargs: OrderedDict[int, bool] = OrderedDict()
forward_always_called: OrderedDict[int, bool] = OrderedDict()
backward_pre: OrderedDict[int, Hook] = OrderedDict()
backward: OrderedDict[int, Hook] = OrderedDict()
buffer_registration: OrderedDict[int, Hook] = OrderedDict()
module_registration: OrderedDict[int, Hook] = OrderedDict()
parameter_registration: OrderedDict[int, Hook] = OrderedDict()
_global_kind: dict[str, bool | None] = {"full": None}


def _register(hooks: OrderedDict[int, Hook], hook: Hook, marks: Any = (), prepend: bool = False) -> RemovableHandle:
    """Add `hook` to `hooks`, and its id to every dictionary of `marks` that is switched on."""
    handle = RemovableHandle(hooks, extra_dict=[mark for mark, _ in marks])
    hooks[handle.id] = hook
    for mark, on in marks:
        if on:
            mark[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(module, name, buffer)` whenever any module registers a buffer."""
    return _register(buffer_registration, hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(module, name, submodule)` whenever any module registers a submodule."""
    return _register(module_registration, hook)


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(module, name, parameter)` whenever any module registers a parameter."""
    return _register(parameter_registration, hook)


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(module, args)` before every module's forward."""
    return _register(forward_pre, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Run `hook(module, args, output)` after every module's forward."""
    return _register(forward, hook, [(forward_with_kwargs, with_kwargs), (forward_always_called, always_call)])


def _set_global_kind(full: bool) -> None:
    if _global_kind["full"] is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. "
            "Please use only one of them."
        )
    _global_kind["full"] = full


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(module, grad_input, grad_output)` in every module's backward (the older, partial kind)."""
    _set_global_kind(False)
    return _register(backward, hook)


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(module, grad_output)` before every module's backward."""
    return _register(backward_pre, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(module, grad_input, grad_output)` in every module's backward."""
    _set_global_kind(True)
    return _register(backward, hook)


class BoundHook:
    """A hook that may be handed its module first, held weakly so that no cycle arises."""

    def __init__(self, hook: Hook, module: Any = None) -> None:
        self.hook = hook
        self.with_module = module is not None
        self.module = weakref.ref(module) if module is not None else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.module is None:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {"hook": self.hook, "with_module": self.with_module}
        if self.module is not None:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.hook, self.with_module, self.module = state["hook"], state["with_module"], None
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


class HookRegistration:
    """The registration methods of Module."""

    _backward_hooks: OrderedDict[int, Hook]
    _backward_pre_hooks: OrderedDict[int, Hook]
    _forward_hooks: OrderedDict[int, Hook]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Hook]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _is_full_backward_hook: bool | None

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run `hook(module, args)` before forward; it may return other args."""
        marks = [(self._forward_pre_hooks_with_kwargs, with_kwargs)]
        return _register(self._forward_pre_hooks, hook, marks, prepend)

    def register_forward_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """Run `hook(module, args, output)` after forward; it may return another output."""
        marks = [(self._forward_hooks_with_kwargs, with_kwargs), (self._forward_hooks_always_called, always_call)]
        return _register(self._forward_hooks, hook, marks, prepend)

    def _set_backward_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(
                "Cannot use both regular backward hooks and full backward hooks on a single Module. "
                "Please use only one of them."
            )
        self._is_full_backward_hook = full

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Run `hook(module, grad_input, grad_output)` in backward (the older, partial kind)."""
        self._set_backward_kind(False)
        return _register(self._backward_hooks, hook)

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run `hook(module, grad_output)` before the module's backward; it may return other gradients."""
        return _register(self._backward_pre_hooks, hook, prepend=prepend)

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run `hook(module, grad_input, grad_output)` in backward; it may return other input gradients."""
        self._set_backward_kind(True)
        return _register(self._backward_hooks, hook, prepend=prepend)


def backward_hooks_of(module: Any) -> tuple[list[Hook], list[Hook], list[Hook]]:
    """The full, the partial and the pre hooks that concern `module`, global ones first."""
    full: list[Hook] = []
    partial: list[Hook] = []
    for kind, hooks in ((_global_kind["full"], backward), (module._is_full_backward_hook, module._backward_hooks)):
        if kind is not None:
            (full if kind else partial).extend(hooks.values())
    return full, partial, [*backward_pre.values(), *module._backward_pre_hooks.values()]


class GradientWatch:
    """Watches one call of a module: an identity node around its inputs and one around its outputs."""

    def __init__(self, module: Any, full: list[Hook], pre: list[Hook]) -> None:
        self.module, self.full, self.pre = module, full, pre
        self.grad_outputs: tuple[Any, ...] | None = None
        self.input_places: list[int] | None = None
        self.n_inputs = 0

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the inputs through their gate."""
        self.n_inputs = len(args)
        args, self.input_places = self._gate(args, self._on_inputs)
        return args

    def leave(self, result: Any) -> Any:
        """Pass the outputs through their gate."""
        outputs = result if isinstance(result, tuple) else (result,)
        n_outputs = len(outputs)

        def on_outputs(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            return self._on_outputs(grads, places or [], n_outputs)

        outputs, places = self._gate(outputs, on_outputs)
        return outputs if isinstance(result, tuple) else outputs[0]

    def _gate(self, values: tuple[Any, ...], on_grads: Hook) -> tuple[tuple[Any, ...], list[int] | None]:
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        if not flambeau.is_grad_enabled() or not any(values[i].requires_grad for i in places):
            return values, None
        gated = _gate_function().apply(on_grads, *(values[i] for i in places))
        passed = list(values)
        for place, value in zip(places, gated, strict=True):
            passed[place] = value
        return (type(values)(*passed) if hasattr(values, "_fields") else tuple(passed)), places

    @staticmethod
    def _spread(grads: Any, places: list[int], n: int) -> tuple[Any, ...]:
        spread = [None] * n
        for place, grad in zip(places, grads, strict=True):
            spread[place] = grad
        return tuple(spread)

    def _on_inputs(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_outputs is None:  # gradients came by another way than through the outputs
            return grads
        places = self.input_places or []
        current = self._spread(grads, places, self.n_inputs)
        for hook in self.full:
            new = hook(self.module, current, self.grad_outputs)
            if new is None:
                continue
            new = new if isinstance(new, tuple) else (new,)
            if len(new) != len(current):
                raise RuntimeError(
                    "Backward hook returned an invalid number of grad_input, "
                    f"got {len(new)}, but expected {len(current)}"
                )
            current = new
        self.grad_outputs = None
        return tuple(current[i] for i in places)

    def _on_outputs(self, grads: tuple[Any, ...], places: list[int], n: int) -> tuple[Any, ...]:
        current = self._spread(grads, places, n)
        for hook in self.pre:
            new = hook(self.module, current)
            if new is None:
                continue
            new = new if isinstance(new, tuple) else (new,)
            if len(new) != len(current):
                raise RuntimeError(
                    "Backward pre hook returned an invalid number of grad_output, "
                    f"got {len(new)}, but expected {len(current)}"
                )
            current = new
        self.grad_outputs = current
        if self.input_places is None:
            if self.full:
                self._without_inputs(current)
            self.grad_outputs = None
        return tuple(current[i] for i in places)

    def _without_inputs(self, grad_outputs: tuple[Any, ...]) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs "
            "require gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module."
            "register_full_backward_hook for more details.",
            stacklevel=5,
        )
        for hook in self.full:
            new = hook(self.module, (None,) * self.n_inputs, grad_outputs)
            if new is not None and not (isinstance(new, tuple) and all(g is None for g in new)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None "
                    "for all gradients."
                )


_gate_class: Any = None


def _gate_function() -> Any:
    """The identity Function whose backward asks its callback; made at first use, as few programs need it."""
    global _gate_class
    if _gate_class is None:

        class BackwardHookFunction(flambeau.autograd.Function):
            """Identity forward; backward hands the gradients to a callback."""

            @staticmethod
            def forward(ctx: Any, on_grads: Hook, *tensors: Tensor) -> tuple[Tensor, ...]:
                ctx.on_grads = on_grads
                ctx.set_materialize_grads(False)
                outputs = tuple(t.view_as(t) for t in tensors)
                ctx.mark_non_differentiable(*(o for o, t in zip(outputs, tensors, strict=True) if not t.requires_grad))
                return outputs

            @staticmethod
            def backward(ctx: Any, *grads: Any) -> Any:
                return (None, *ctx.on_grads(grads))

        _gate_class = BackwardHookFunction
    return _gate_class


def _first_tensor(result: Any) -> Any:
    while not isinstance(result, Tensor):
        result = next(v for v in result.values() if isinstance(v, Tensor)) if isinstance(result, dict) else result[0]
    return result


def _reduced(node: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
    """Gradients in the shapes of the parameters that they go to, which may have been broadcast."""

    def fit(grad: Any, target: Any) -> Any:
        variable = getattr(target, "variable", None)
        if grad is None or variable is None or grad.shape == variable.shape:
            return grad
        return grad.sum_to_size(variable.shape)

    targets = [edge[0] for edge in node.next_functions]
    return tuple(map(fit, grads, targets)) if len(targets) == len(grads) else grads


def attach_partial_hooks(module: Any, hooks: list[Hook], args: Any, result: Any) -> None:
    """Register the older backward hooks on the node of the (first) output."""
    node = _first_tensor(result).grad_fn
    if node is None:
        return
    weak = node._weak()  # the node owns its hooks
    for hook in hooks:

        def call(grad_inputs: Any, grad_outputs: Any, bound: BoundHook = BoundHook(hook, module)) -> Any:  # noqa: B008
            return bound(_reduced(weak, grad_inputs), grad_outputs)

        node.register_hook(call)
    trouble = _partial_trouble(node, args, result)
    if trouble is not None:
        warnings.warn(trouble, FutureWarning, stacklevel=4)


_USE_FULL = "Please use register_full_backward_hook to get the documented behavior."


def _partial_trouble(node: Any, args: Any, result: Any) -> str | None:
    """What the older hooks do not see of this call."""

    def are_tensors(values: Any) -> bool:
        return isinstance(values, tuple) and all(isinstance(value, Tensor) for value in values)

    outputs = (result,) if isinstance(result, Tensor) else result
    for values, does, missing in ((outputs, "return", "grad_output"), (args, "take as input", "grad_input")):
        if not are_tensors(values):
            return (
                f"Using non-full backward hooks on a Module that does not {does} a single Tensor or a tuple of Tensors "
                f"is deprecated and will be removed in future versions. This hook will be missing some of the {missing}"
                f". {_USE_FULL}"
            )
    made = {output.grad_fn for output in outputs if output.grad_fn is not None}
    if not made or (len(made) == 1 and node not in made):
        return (
            "Using a non-full backward hook when outputs are nested in python data structure is deprecated and will be "
            "removed in future versions. This hook will be missing some grad_output."
        )
    if len(made) > 1:
        return (
            "Using a non-full backward hook when outputs are generated by different autograd Nodes is deprecated and "
            f"will be removed in future versions. This hook will be missing some grad_output. {_USE_FULL}"
        )
    if {arg.grad_fn for arg in args if arg.grad_fn is not None} != {edge[0] for edge in node.next_functions}:
        return (
            "Using a non-full backward hook when the forward contains multiple autograd Nodes is deprecated and will "
            f"be removed in future versions. This hook will be missing some grad_input. {_USE_FULL}"
        )
    return None
