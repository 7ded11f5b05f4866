"""``torch.cuda.amp``: mixed precision under its older names. Without a GPU it is off, as in PyTorch."""

from __future__ import annotations

from flambeau.amp.older import DeviceAutocast, DeviceGradScaler

__all__ = ["GradScaler", "autocast"]


class autocast(DeviceAutocast):  # noqa: N801
    """`torch.amp.autocast("cuda")`."""

    of = "cuda"


class GradScaler(DeviceGradScaler):
    """`torch.amp.GradScaler("cuda")`."""

    of = "cuda"
