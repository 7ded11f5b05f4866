"""Mixed precision under the names it had for each device: `torch.cuda.amp`, `torch.cpu.amp`."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

from flambeau.amp import autocast
from flambeau.amp.grad_scaler import GradScaler


def _older(device: str, name: str) -> None:
    warnings.warn(
        f"`torch.{device}.amp.{name}(args...)` is deprecated. "
        f"Please use `torch.amp.{name}('{device}', args...)` instead.",
        FutureWarning,
        stacklevel=4,
    )


class DeviceAutocast(autocast):
    """`torch.amp.autocast(device)`."""

    of: ClassVar[str]

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        _older(self.of, "autocast")
        super().__init__(self.of, dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class DeviceGradScaler(GradScaler):
    """`torch.amp.GradScaler(device)`."""

    of: ClassVar[str]

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        _older(self.of, "GradScaler")
        super().__init__(self.of, init_scale, growth_factor, backoff_factor, growth_interval, enabled)
