"""Kullback-Leibler divergences of pairs of distributions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from flambeau import Tensor
from flambeau.distributions.distribution import Distribution

__all__ = ["register_kl", "kl_divergence"]

_Function = Callable[[Any, Any], Tensor]
_KL_REGISTRY: dict[tuple[type, type], _Function] = {}
# What was found for pairs of classes, None where there is nothing.
_KL_MEMOIZE: dict[tuple[type, type], _Function | None] = {}


def register_kl(type_p: Any, type_q: Any) -> Callable[[_Function], _Function]:
    """A decorator for the function that computes the divergence of two classes, and of their subclasses."""
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type) or not issubclass(kind, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorator(function: _Function) -> _Function:
        _KL_REGISTRY[type_p, type_q] = function
        _KL_MEMOIZE.clear()
        return function

    return decorator


def _nearest(matches: list[tuple[type, type]], first: int) -> tuple[type, type]:
    """The pair nearest to the classes asked for, by one of the two and then by the other."""

    def nearer(a: tuple[type, type], b: tuple[type, type]) -> bool:
        for i in (first, 1 - first):
            if a[i] is not b[i]:
                return issubclass(a[i], b[i])
        return False

    best = matches[0]
    for pair in matches[1:]:
        if nearer(pair, best):
            best = pair
    return best


def _found(type_p: type, type_q: type) -> _Function | None:
    matches = [(p, q) for p, q in _KL_REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not matches:
        return None
    by_left, by_right = _nearest(matches, 0), _nearest(matches, 1)
    if _KL_REGISTRY[by_left] is not _KL_REGISTRY[by_right]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({by_left[0].__name__}, {by_right[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _KL_REGISTRY[by_left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The divergence of `p` from `q`: the mean under `p` of `log p - log q`, one for each distribution of the batch.

    >>> N = torch.distributions.Normal
    >>> torch.distributions.kl_divergence(N(0.0, 1.0), N(1.0, 1.0))
    tensor(0.5000)
    """
    key = type(p), type(q)
    if key not in _KL_MEMOIZE:
        _KL_MEMOIZE[key] = _found(*key)
    function = _KL_MEMOIZE[key]
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    return function(p, q)


from flambeau.distributions import _kl_pairs as _kl_pairs  # noqa: E402
