"""Exponential families."""

from __future__ import annotations

from typing import Any

import flambeau as torch
from flambeau import Tensor
from flambeau.distributions.distribution import ParametricDistribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(ParametricDistribution):
    """Densities `exp(t(x) . n - F(n) + k(x))` with natural parameters `n`.

    From the log-normalizer `F` and the mean of `k` follow entropy and divergences, by differentiating `F`.
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Any) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        raise NotImplementedError

    def _normalizer_and_slopes(self) -> tuple[list[Tensor], Tensor, tuple[Tensor, ...]]:
        """The natural parameters as leaves, the log-normalizer, and its gradient: the means of `t`."""
        params = [p.detach().requires_grad_() for p in self._natural_params]
        with torch.enable_grad():
            normalizer = self._log_normalizer(*params)
            slopes = torch.autograd.grad(normalizer.sum(), params, create_graph=True)
        return params, normalizer, slopes

    def entropy(self) -> Tensor:
        """The entropy, by Bregman's divergence of the log-normalizer."""
        carrier = -self._mean_carrier_measure
        params, normalizer, slopes = self._normalizer_and_slopes()
        result = carrier + normalizer
        for p, g in zip(params, slopes, strict=True):
            result = result - (p * g).reshape((*self._batch_shape, -1)).sum(-1)
        return result
