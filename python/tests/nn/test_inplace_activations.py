"""Activations that write over their input train as those that do not."""

from typing import Any

import flambeau as torch
import pytest
from flambeau.nn import functional as F

CASES: list[tuple[str, tuple[Any, ...]]] = [
    ("relu", ()),
    ("relu6", ()),
    ("threshold", (0.1, 0.5)),
    ("hardtanh", ()),
    ("elu", ()),
    ("selu", ()),
    ("celu", ()),
    ("leaky_relu", (0.2,)),
    ("rrelu", (0.1, 0.3, True)),
    ("rrelu", (0.1, 0.3, False)),
    ("hardsigmoid", ()),
    ("hardswish", ()),
    ("silu", ()),
    ("mish", ()),
    ("dropout", (0.5, True)),
]


@pytest.mark.parametrize("name, arguments", CASES)
def test_gradients(name: str, arguments: tuple[Any, ...]) -> None:
    def run(inplace: bool) -> tuple[Any, Any]:
        torch.manual_seed(1)
        x, w = torch.randn(4, 5, requires_grad=True), torch.randn(5)
        y = x * w
        z = getattr(F, name)(y, *arguments, inplace=inplace)
        assert (z is y) == inplace
        # The next layer keeps the result, which nothing may have changed.
        z.sigmoid().pow(2).sum().backward()
        return z, x.grad

    for ours, plain in zip(run(True), run(False), strict=True):
        assert torch.equal(ours, plain)
