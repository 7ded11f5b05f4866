"""``torch.onnx``: programs import it whether or not they export. There is no `torch.onnx.export`."""

from __future__ import annotations

__all__ = ["is_in_onnx_export"]


def is_in_onnx_export() -> bool:
    """False: nothing is being exported."""
    return False
