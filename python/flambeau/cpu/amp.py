"""``torch.cpu.amp``: mixed precision under its older names."""

from __future__ import annotations

from flambeau.amp.older import DeviceAutocast, DeviceGradScaler

__all__ = ["GradScaler", "autocast"]


class autocast(DeviceAutocast):  # noqa: N801
    """`torch.amp.autocast("cpu")`."""

    of = "cpu"


class GradScaler(DeviceGradScaler):
    """`torch.amp.GradScaler("cpu")`."""

    of = "cpu"
