"""Models have torchvision's names, and from the same seed its initial weights."""

from typing import Any

import flambeau as torch
import pytest
from flambeau.vision import models

# The name, arguments, parameters, entries of the state dict, and what torchvision 0.29 gives for seed 0.
RECORDED: list[tuple[str, dict[str, Any], int, int, list[float]]] = [
    ("resnet18", {"num_classes": 10}, 11181642, 122, [-0.200809, 0.217767, -0.702035]),
    ("mobilenet_v2", {"width_mult": 0.25, "num_classes": 3}, 241955, 314, [-9.14364e-08, 2.02953e-08, 5.46779e-09]),
    ("squeezenet1_1", {"num_classes": 3}, 724035, 52, [0.39893, 0.0158522, 0.15562]),
    ("densenet121", {"num_classes": 10}, 6964106, 727, [-0.569459, 0.275726, -0.728428]),
]


@pytest.mark.parametrize("name, arguments, parameters, entries, expected", RECORDED)
def test_outputs(name: str, arguments: dict[str, Any], parameters: int, entries: int, expected: list[float]) -> None:
    torch.manual_seed(0)
    model = models.get_model(name, weights=None, **arguments)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert len(model.state_dict()) == entries
    with torch.no_grad():
        out = model.eval()(torch.randn(2, 3, 64, 64))
    assert out[0, :3].tolist() == pytest.approx(expected, rel=1e-3)


def test_names() -> None:
    names = list(models.resnet18().state_dict())
    assert names[:2] == ["conv1.weight", "bn1.weight"] and names[-1] == "fc.bias"
    assert "layer2.0.downsample.1.running_var" in names
    assert "features.denseblock1.denselayer2.conv1.weight" in models.densenet121().state_dict()


def test_training_step() -> None:
    model = models.mobilenet_v2(width_mult=0.25, num_classes=3)
    model(torch.randn(4, 3, 32, 32)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())


def test_weights_of_others_are_refused() -> None:
    for arguments in ({"weights": "DEFAULT"}, {"pretrained": True}):
        with pytest.raises(NotImplementedError, match="weights=None"):
            models.resnet18(**arguments)
    with pytest.raises(ValueError, match="Unknown model"):
        models.get_model("no_such_model")
