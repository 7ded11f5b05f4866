"""Weights of convolutions in another memory format."""

from __future__ import annotations

from typing import Any

from flambeau.nn.modules.conv import Conv2d, ConvTranspose2d

__all__ = ["convert_conv2d_weight_memory_format"]


def convert_conv2d_weight_memory_format(module: Any, memory_format: Any) -> Any:
    """Converts the weights of the 2-dimensional convolutions of a module, which it returns.

    >>> layer = nn.utils.convert_conv2d_weight_memory_format(nn.Conv2d(2, 3, 3), torch.channels_last)
    >>> layer.weight.is_contiguous(memory_format=torch.channels_last)
    True
    """
    for inner in module.modules():
        if isinstance(inner, Conv2d | ConvTranspose2d):
            inner.weight.data = inner.weight.detach().clone(memory_format=memory_format)
    return module
