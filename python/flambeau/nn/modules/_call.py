"""A call of a module that has hooks."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from flambeau import Tensor
from flambeau.nn.modules import _hooks


class HookedCall:
    """One call of a module that has hooks."""

    def __init__(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.module, self.args, self.kwargs = module, args, kwargs
        self.result: Any = None
        self.called: set[int] = set()

    def run(self) -> Any:
        try:
            return self._call()
        except Exception:
            self._run_always_called()
            raise

    def _call(self) -> Any:
        module = self.module
        self._run_pre_hooks()
        full, partial, pre = _hooks.backward_hooks_of(module)
        watch = _hooks.GradientWatch(module, full, pre) if full or pre else None
        if watch is not None:
            self.args = watch.enter(self.args)
        self.result = module.forward(*self.args, **self.kwargs)
        for key, hook in (*_hooks.forward.items(), *module._forward_hooks.items()):
            if key in module._forward_hooks_always_called or key in _hooks.forward_always_called:
                self.called.add(key)
            self._run_forward_hook(key, hook)
        if watch is not None:
            if not isinstance(self.result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors"
                    f" but received {type(self.result)}",
                    stacklevel=4,
                )
            self.result = watch.leave(self.result)
        if partial:
            _hooks.attach_partial_hooks(module, partial, self.args, self.result)
        return self.result

    def _run_pre_hooks(self) -> None:
        module = self.module
        for key, hook in (*_hooks.forward_pre.items(), *module._forward_pre_hooks.items()):
            if key in module._forward_pre_hooks_with_kwargs:
                new = hook(module, self.args, self.kwargs)
                if new is None:
                    continue
                if not (isinstance(new, tuple) and len(new) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {new}."
                    )
                self.args, self.kwargs = new
            else:
                new = hook(module, self.args)
                if new is not None:
                    self.args = new if isinstance(new, tuple) else (new,)

    def _run_forward_hook(self, key: int, hook: Callable[..., Any]) -> None:
        module = self.module
        if key in module._forward_hooks_with_kwargs or key in _hooks.forward_with_kwargs:
            new = hook(module, self.args, self.kwargs, self.result)
        else:
            new = hook(module, self.args, self.result)
        if new is not None:
            self.result = new

    def _run_always_called(self) -> None:
        module = self.module
        groups = (
            ("global module", _hooks.forward, _hooks.forward_always_called),
            ("module", module._forward_hooks, module._forward_hooks_always_called),
        )
        for whose, hooks, always in groups:
            for key, hook in hooks.items():
                if key not in always or key in self.called:
                    continue
                try:
                    self._run_forward_hook(key, hook)
                except Exception as error:  # the first error is the one to report
                    warnings.warn(
                        f"{whose} forward hook with ``always_call=True`` raised an exception that was silenced as "
                        f"another error was raised in forward: {error}",
                        stacklevel=5,
                    )
