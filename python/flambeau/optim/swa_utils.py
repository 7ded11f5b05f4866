"""Models whose parameters are averages over training: ``torch.optim.swa_utils``."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import flambeau
from flambeau import Tensor
from flambeau.nn.modules.batchnorm import _BatchNorm
from flambeau.nn.modules.module import Module
from flambeau.optim.lr_scheduler.base import LRScheduler, per_group

__all__ = [
    "AveragedModel",
    "SWALR",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _has_fractions(t: Tensor) -> bool:
    return t.is_floating_point() or t.is_complex()


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """For `AveragedModel(multi_avg_fn=...)`: an average that keeps `decay` of itself at each update.

    >>> averages = [torch.tensor([0.])]
    >>> optim.swa_utils.get_ema_multi_avg_fn(0.75)(averages, [torch.tensor([4.])], 1)
    >>> averages
    [tensor([1.])]
    """
    _check_decay(decay)

    @flambeau.no_grad()
    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        for average, new in zip(ema_param_list, current_param_list, strict=True):
            if _has_fractions(average):
                average.lerp_(new, 1 - decay)
            else:
                average.copy_(average * decay + new * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """For `AveragedModel(multi_avg_fn=...)`: the mean over all updates.

    >>> averages = [torch.tensor([0.])]
    >>> optim.swa_utils.get_swa_multi_avg_fn()(averages, [torch.tensor([4.])], 1)
    >>> averages
    [tensor([2.])]
    """

    @flambeau.no_grad()
    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        for average, new in zip(averaged_param_list, current_param_list, strict=True):
            if _has_fractions(average):
                average.lerp_(new, float(1 / (num_averaged + 1)))
            elif isinstance(num_averaged, Tensor):
                average.addcdiv_(new - average, num_averaged + 1)
            else:
                average.add_(new - average, alpha=1.0 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Tensor]:
    """For `AveragedModel(avg_fn=...)`: as `get_ema_multi_avg_fn`, for one parameter.

    >>> torch.optim.swa_utils.get_ema_avg_fn(0.75)(torch.tensor(0.), torch.tensor(4.), 1)
    tensor(1.)
    """
    _check_decay(decay)

    @flambeau.no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[..., Tensor]:
    """For `AveragedModel(avg_fn=...)`: the mean over all updates, for one parameter.

    >>> torch.optim.swa_utils.get_swa_avg_fn()(torch.tensor(0.), torch.tensor(4.), 1)
    tensor(2.)
    """

    @flambeau.no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's, taken at each `update_parameters`.

    The mean, unless `avg_fn(average, new, number)` or `multi_avg_fn`, which gets lists, says otherwise; of buffers too
    with `use_buffers`. Else buffers are copied.

    >>> model = nn.Linear(2, 1)
    >>> averaged = torch.optim.swa_utils.AveragedModel(model)
    >>> averaged.update_parameters(model)
    >>> averaged.n_averaged
    tensor(1)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[..., Tensor] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", flambeau.tensor(0, dtype=flambeau.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged copy gives."""
        return self.module(*args, **kwargs)

    def _averaged(self, module: Module) -> Iterable[Tensor]:
        return itertools.chain(module.parameters(), module.buffers()) if self.use_buffers else module.parameters()

    def update_parameters(self, model: Module) -> None:
        """Takes the model's parameters into the averages; the first time, as they are."""
        pairs = [
            (average.detach(), new.detach().to(average.device))
            for average, new in zip(self._averaged(self.module), self._averaged(model), strict=False)
        ]
        if self.n_averaged == 0:
            for average, new in pairs:
                average.copy_(new)
        elif self.multi_avg_fn is not None:
            for dtype in dict.fromkeys(average.dtype for average, _ in pairs):
                averages, news = zip(*(pair for pair in pairs if pair[0].dtype == dtype), strict=True)
                self.multi_avg_fn(list(averages), list(news), self.n_averaged)
        else:
            update = self.avg_fn or get_swa_avg_fn()
            for average, new in pairs:
                average.copy_(update(average, new, self.n_averaged))
        if not self.use_buffers:
            for kept, given in zip(self.module.buffers(), model.buffers(), strict=True):
                kept.detach().copy_(given.detach().to(kept.device))
        self.n_averaged += 1


@flambeau.no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Gives batch normalisations the figures of the data: of each batch, or of its first element if it is a list.

    >>> model = nn.BatchNorm1d(1)
    >>> torch.optim.swa_utils.update_bn([torch.tensor([[1.], [3.]]), torch.tensor([[5.], [7.]])], model)
    >>> model.running_mean
    tensor([4.])
    """
    momenta = {module: module.momentum for module in model.modules() if isinstance(module, _BatchNorm)}
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.reset_running_stats()
        module.momentum = None
    for batch in loader:
        input = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(input if device is None else input.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


def _linear(t: float) -> float:
    return t


def _cosine(t: float) -> float:
    return (1 - math.cos(math.pi * t)) / 2


class SWALR(LRScheduler):
    """Goes from the present rate to `swa_lr` in so many epochs, and stays there.

    >>> optimizer = optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    >>> scheduler = torch.optim.swa_utils.SWALR(optimizer, 0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Any,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(optimizer.param_groups, per_group("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = rate.clone() if isinstance(rate, Tensor) else rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._set_anneal_func(anneal_strategy)
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = (self.anneal_func(max(0, min(1, at / max(1, self.anneal_epochs)))) for at in (step - 1, step))
        rates = []
        for group in self.optimizer.param_groups:
            lr, target = group["lr"], group["swa_lr"]
            # The rate that it started from follows from where it is; at the end it does not matter any more.
            start = target if before == 1 else (lr - before * target) / (1 - before)
            rates.append(target * now + start * (1 - now))
        return rates

    def _set_anneal_func(self, anneal_strategy: str) -> None:
        self._anneal_strategy = anneal_strategy
        self.anneal_func = _cosine if anneal_strategy == "cos" else _linear

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and the function."""
        return {key: value for key, value in self.__dict__.items() if key not in ("optimizer", "anneal_func")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
        self.__dict__.update(state_dict)
        self._set_anneal_func(self._anneal_strategy)
