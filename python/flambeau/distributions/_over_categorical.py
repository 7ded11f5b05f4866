"""What distributions made over a categorical one share."""

from __future__ import annotations

from typing import Any

from flambeau import Tensor
from flambeau._size import Size
from flambeau.distributions.categorical import Categorical
from flambeau.distributions.distribution import Distribution

__all__: list[str] = []


class _OverCategorical(Distribution):
    """A distribution over vectors with an element for each outcome of a categorical one."""

    _categorical: Categorical

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def _param(self) -> Tensor:
        return self._categorical._param

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    def _new(self, *args: Any, **kwargs: Any) -> Tensor:
        return self._categorical._new(*args, **kwargs)

    def _expand_rest(self, new: Any, batch_shape: Any) -> None:
        """Gives `new` what else it needs."""

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = self._get_checked_instance(self._library_class(), _instance)
        new._categorical = self._categorical.expand(batch_shape)
        self._expand_rest(new, tuple(batch_shape))
        Distribution.__init__(new, batch_shape, self.event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new
