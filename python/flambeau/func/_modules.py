"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import flambeau as torch
from flambeau import nn

Tensor = torch.Tensor


def _owner(module: nn.Module, name: str) -> tuple[nn.Module, str]:
    *path, last = name.split(".")
    for part in path:
        module = getattr(module, part)
    return module, last


def _named(module: nn.Module) -> dict[str, Tensor]:
    named: dict[str, Tensor] = dict(module.named_parameters(remove_duplicate=False))
    named.update(module.named_buffers(remove_duplicate=False))
    return named


def _tied(module: nn.Module, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """What is given under one name stands for all names of the same tensor."""
    groups: dict[int, list[str]] = {}
    for name, t in _named(module).items():
        groups.setdefault(id(t), []).append(name)
    out = dict(given)
    for names in groups.values():
        values = {id(given[n]): given[n] for n in names if n in given}
        if len(values) > 1:
            raise ValueError(
                "functional_call got multiple values for keys "
                f"{sorted(n for n in names if n in given)}, which are tied. Consider using tie_weights=False"
            )
        for value in values.values():
            out.update(dict.fromkeys(names, value))
    return out


@contextmanager
def _reparametrized(module: nn.Module, given: dict[str, Tensor], tie_weights: bool, strict: bool) -> Iterator[None]:
    named = _named(module)
    values = _tied(module, given) if tie_weights else dict(given)
    if strict:
        missing, unexpected = sorted(named.keys() - values.keys()), sorted(values.keys() - named.keys())
        words = [f"Unexpected key(s): {', '.join(map(repr, unexpected))}."] if unexpected else []
        words += [f"Missing key(s): {', '.join(map(repr, missing))}."] if missing else []
        if words:
            raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(words))
    before: list[tuple[dict[str, Any], str, str, Any]] = []
    try:
        for name, value in values.items():
            if name not in named:
                continue
            owner, last = _owner(module, name)
            table = owner._parameters if last in owner._parameters else owner._buffers
            before.append((table, last, name, table[last]))
            table[last] = value
        yield
    finally:
        for table, last, name, value in before:
            # A buffer that the call replaced is the caller's.
            if name in given:
                given[name] = table[last]
            table[last] = value


def functional_call(
    module: nn.Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls a module with other parameters and buffers in place of its own, which stay as they are.

    >>> layer = torch.nn.Linear(2, 1)
    >>> torch.func.functional_call(layer, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)}, torch.ones(2))
    tensor([2.])
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        given = parameter_and_buffer_dicts
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        if not all(isinstance(d, dict) for d in parameter_and_buffer_dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        keys = [k for d in parameter_and_buffer_dicts for k in d]
        repeated = [k for i, k in enumerate(keys) if k in keys[:i]]
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {k: v for d in parameter_and_buffer_dicts for k, v in d.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _reparametrized(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models of one class, stacked, for :func:`vmap` over an ensemble."""
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if not (all(m.training for m in models) or not any(m.training for m in models)):
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if not all(type(m) is type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")

    def stacked(tensors: list[Tensor]) -> Tensor:
        kinds = {t.requires_grad for t in tensors}
        if len(kinds) > 1:
            raise RuntimeError("Expected tensors from each model to have the same .requires_grad")
        if all(t.is_leaf for t in tensors):
            return torch.stack([t.detach() for t in tensors]).requires_grad_(kinds.pop())
        return torch.stack(tensors)

    parameters = [dict(m.named_parameters()) for m in models]
    buffers = [dict(m.named_buffers()) for m in models]
    return (
        {k: stacked([p[k] for p in parameters]) for k in parameters[0]},
        {k: stacked([b[k] for b in buffers]) for k in buffers[0]},
    )


def replace_all_batch_norm_modules_(root: nn.Module) -> nn.Module:
    """Makes all batch normalisations of a model use the batch alone: they keep no running figures. Changes `root`."""
    for module in root.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
