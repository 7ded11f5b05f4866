"""Optimizer, the base class: parameter groups, state, state dicts and hooks."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from copy import deepcopy
from itertools import chain
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau._utils import typename
from flambeau.utils.hooks import RemovableHandle

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

Hook = Callable[..., Any]
_global_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_post_hooks: OrderedDict[int, Hook] = OrderedDict()


class _Required:
    """The default of an option that every group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()


def _add(hooks: OrderedDict[int, Hook], hook: Hook, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(optimizer, args, kwargs)` before every optimizer's step; args begin with the optimizer."""
    return _add(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Hook) -> RemovableHandle:
    """Run `hook(optimizer, args, kwargs)` after every optimizer's step; args begin with the optimizer."""
    return _add(_global_post_hooks, hook)


def _with_hooks(step: Hook) -> Hook:
    """`step` with the hooks around it."""

    @functools.wraps(step)
    def wrapped(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if not (_global_pre_hooks or _global_post_hooks or self._step_pre_hooks or self._step_post_hooks):
            return step(self, *args, **kwargs)
        given: tuple[Any, ...] = (self, *args)
        for hook in chain(_global_pre_hooks.values(), self._step_pre_hooks.values()):
            new = hook(self, given, kwargs)
            if new is None:
                continue
            if not (isinstance(new, tuple) and len(new) == 2):
                name = repr(step).replace(FormulaOptimizer.__name__, type(self).__name__)
                raise RuntimeError(f"{name} must return None or a tuple of (new_args, new_kwargs), but got {new}.")
            given, kwargs = new
        result = step(*given, **kwargs)
        for hook in chain(self._step_post_hooks.values(), _global_post_hooks.values()):
            hook(self, given, kwargs)
        return result

    wrapped.hooked = True  # type: ignore[attr-defined]
    return wrapped


class Optimizer:
    """Base class of optimizers.

    `params` is an iterable of tensors, of (name, tensor) pairs, or of dictionaries with a key "params" and options.
    """

    defaults: dict[str, Any]
    state: defaultdict[Any, Any]
    param_groups: list[dict[str, Any]]

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                + typename(params)
            )
        if isinstance(params, set):
            warnings.warn(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead. This will be an error in a future release.",
                FutureWarning,
                stacklevel=3,
            )
        self.state = defaultdict(dict)
        self.param_groups = []
        groups = list(params)
        if len(groups) == 0:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        for name in (
            "_step_pre_hooks",
            "_step_post_hooks",
            "_state_dict_pre_hooks",
            "_state_dict_post_hooks",
            "_load_state_dict_pre_hooks",
            "_load_state_dict_post_hooks",
        ):
            setattr(self, name, OrderedDict())
        cls: Any = type(self)
        if not getattr(cls.step, "hooked", False):
            cls.step = _with_hooks(cls.step)

    _step_pre_hooks: OrderedDict[int, Hook]
    _step_post_hooks: OrderedDict[int, Hook]
    _state_dict_pre_hooks: OrderedDict[int, Hook]
    _state_dict_post_hooks: OrderedDict[int, Hook]
    _load_state_dict_pre_hooks: OrderedDict[int, Hook]
    _load_state_dict_post_hooks: OrderedDict[int, Hook]

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._make_hooks()
        self.defaults.setdefault("differentiable", False)
        self._count_in_tensors()

    def _count_in_tensors(self) -> None:
        """Files of PyTorch's first years hold numbers where its own optimizers now have tensors of one element."""
        own = any(c.__module__.startswith("flambeau.optim.") and c is not Optimizer for c in type(self).__mro__)
        for state in self.state.values() if own else ():
            if not isinstance(state, dict):  # what users keep besides
                continue
            for key in ("step", "eta", "mu", "mu_product"):
                if isinstance(state.get(key), (int, float)):
                    state[key] = flambeau.tensor(float(state[key]), dtype=flambeau.float32)

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines.append("\n" * (i > 0) + f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    # Hooks

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Run `hook(optimizer, args, kwargs)` before each step; it may return others. Args begin with the optimizer."""
        return _add(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Run `hook(optimizer, args, kwargs)` after each step; args begin with the optimizer."""
        return _add(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run `hook(optimizer)` before `state_dict`."""
        return _add(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run `hook(optimizer, state_dict)` after `state_dict`; it may return another."""
        return _add(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run `hook(optimizer, state_dict)` before loading; it may return another."""
        return _add(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run `hook(optimizer)` after loading."""
        return _add(self._load_state_dict_post_hooks, hook, prepend)

    # State dicts

    def state_dict(self) -> dict[str, Any]:
        """State and options, with parameters replaced by their numbers."""
        for hook in self._state_dict_pre_hooks.values():
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        start = 0
        for group in self.param_groups:
            for i, param in enumerate(group["params"], start):
                numbers.setdefault(id(param), i)
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            start += len(packed["params"])
            groups.append(packed)
        state = {numbers[id(k)] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._state_dict_post_hooks.values():
            new = hook(self, result)
            result = result if new is None else new
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take state and options from a state dict; parameters are matched by their order."""
        state_dict = state_dict.copy()
        for hook in self._load_state_dict_pre_hooks.values():
            new = hook(self, state_dict)
            state_dict = state_dict if new is None else new
        groups, saved_groups = self.param_groups, deepcopy(state_dict["param_groups"])
        if len(groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(g["params"]) != len(s["params"]) for g, s in zip(groups, saved_groups, strict=True)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )
        params: dict[Any, Any] = {}
        fused: dict[Any, bool] = {}
        for group, saved in zip(groups, saved_groups, strict=True):
            for key, param in zip(saved["params"], group["params"], strict=True):
                params[key] = param
                fused[key] = bool(saved.get("fused") or saved.get("capturable"))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in params:
                state[params[key]] = _cast(params[key], value, fused[key])
            else:
                state[key] = value
        new_groups = []
        for group, saved in zip(groups, saved_groups, strict=True):
            saved["params"] = group["params"]
            if "param_names" in group and "param_names" not in saved:
                saved["param_names"] = group["param_names"]
            new_groups.append(saved)
        self.__setstate__({"state": state, "param_groups": new_groups})
        for hook in self._load_state_dict_post_hooks.values():
            hook(self)

    # Parameters and gradients

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            for param in group["params"]:
                grad = param.grad
                if grad is None:
                    continue
                if set_to_none:
                    param.grad = None
                else:
                    if grad.grad_fn is not None:
                        grad.detach_()
                    else:
                        grad.requires_grad_(False)
                    grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; `closure` computes the loss anew."""
        raise NotImplementedError

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        given = param_group["params"]
        if isinstance(given, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        given = [given] if isinstance(given, Tensor) else list(given)
        names = [p[0] for p in given if isinstance(p, tuple)]
        params = [p[1] if isinstance(p, tuple) else p for p in given]
        param_group["params"] = params
        if names:
            if len(names) != len(params):
                raise ValueError("all optimizer params should be with/without names. Some param names are missing")
            param_group["param_names"] = names
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError("optimizer can only optimize Tensors, but one of the params is " + typename(param))
            if not self.defaults.get("differentiable", None) and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            param_group.setdefault(name, default)
        self._check_distinct(param_group)
        self.param_groups.append(param_group)

    def _check_distinct(self, param_group: dict[str, Any]) -> None:
        params = {id(p) for p in param_group["params"]}
        if len(params) != len(param_group["params"]):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information",
                stacklevel=4,
            )
        named = "param_names" in param_group
        for group in self.param_groups:
            if ("param_names" in group) != named:
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{'with names' if named else 'without names'} to the optimizer"
                )
        if any(id(p) in params for group in self.param_groups for p in group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")


def _cast(param: Any, value: Any, move_step: bool, key: Any = None) -> Any:
    """State as it fits its parameter: moments take its dtype, step counts keep theirs."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(dtype=flambeau.float32, device=param.device) if move_step else value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _cast(param, v, move_step, key=k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(param, v, move_step) for v in value)  # type: ignore[call-arg]
    return value


def number(value: Any) -> Any:
    """An option that may be a one-element tensor, as a number."""
    return value.item() if isinstance(value, Tensor) else value


def rate(value: Any, differentiable: bool) -> Any:
    """An option as a number; as a 0-d tensor where the gradient of a step is to reach it."""
    return value.squeeze() if differentiable and isinstance(value, Tensor) and value.requires_grad else number(value)


def decayed(param: Any, grad: Any, weight_decay: Any, differentiable: bool) -> Any:
    """The gradient of a parameter with its weight decay."""
    decay = rate(weight_decay, differentiable)
    if isinstance(decay, Tensor):
        return grad.addcmul_(param.clone(), decay)
    return grad.add(param, alpha=decay) if decay != 0 else grad


def run_closure(closure: Callable[[], Any] | None) -> Any:
    """The loss that a closure computes, with gradients switched on."""
    if closure is None:
        return None
    with flambeau.enable_grad():
        return closure()


def check_lr(lr: Any) -> None:
    """The learning rate must be one number, not negative."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_betas(betas: Any) -> None:
    """Both decay rates must lie in [0, 1)."""
    for i in range(2):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def check_not_negative(**options: Any) -> None:
    """Options that must not be negative, by the name the message gives them."""
    for name, value in options.items():
        if not value >= 0.0:
            label = {"eps": "epsilon", "momentum": "momentum"}.get(name, name)
            raise ValueError(f"Invalid {label} value: {value}")


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """The three ways of running exclude each other."""
    if fused:
        if differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        if foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


# Where steps can be captured into a graph of kernels: nowhere that this package runs.
_CAPTURABLE = ["cuda", "xpu", "hpu", "privateuseone"]


def check_autograd(group: dict[str, Any]) -> None:
    """Operations on lists of tensors have no gradients."""
    if group.get("foreach") and group.get("differentiable"):
        raise AssertionError("_foreach ops don't support autograd")


def check_capturable(group: dict[str, Any], tensors: str = "params and state_steps", xla: bool = True) -> None:
    """No device here captures steps; the message names the `tensors`, and whether XLA could."""
    if group.get("capturable"):
        devices = [*_CAPTURABLE, "xla"] if xla else _CAPTURABLE
        raise AssertionError(f"If capturable=True, {tensors} must be on supported devices: {devices}.")


class FormulaOptimizer(Optimizer):
    """An optimizer whose update is a formula for one parameter at a time."""

    # What the message on `capturable` names, one by one and with `foreach`.
    _tensors = ("params and state_steps", "params and state_steps")
    _xla = (True, False)

    def _check(self, group: dict[str, Any]) -> None:
        """What a group cannot ask for."""
        check_autograd(group)
        foreach = bool(group.get("foreach"))
        check_capturable(group, self._tensors[foreach], self._xla[foreach])

    def _start(self, param: Any, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        raise NotImplementedError

    def _update(self, param: Any, grad: Any, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step of one parameter."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once."""
        loss = run_closure(closure)
        with flambeau.set_grad_enabled(bool(self.defaults.get("differentiable", False))):
            for group in self.param_groups:
                params = [p for p in group["params"] if p.grad is not None]
                for param in params:
                    state = self.state[param]
                    if not state:
                        state.update(self._start(param, group))
                if params:
                    self._check(group)
                for param in params:
                    state = self.state[param]
                    grad = -param.grad if group.get("maximize") else param.grad
                    if param.is_complex():
                        views = {
                            k: flambeau.view_as_real(v) if isinstance(v, Tensor) and v.is_complex() else v
                            for k, v in state.items()
                        }
                        self._update(flambeau.view_as_real(param), flambeau.view_as_real(grad), views, group)
                        state.update((k, v) for k, v in views.items() if not isinstance(v, Tensor))
                    else:
                        self._update(param, grad, state, group)
        return loss


def zeros_for(param: Any) -> Any:
    """Zeros in the shape of a parameter."""
    return flambeau.zeros_like(param, memory_format=flambeau.preserve_format)


def new_step() -> Any:
    """A step count of 0."""
    return flambeau.tensor(0.0, dtype=flambeau.float32)
