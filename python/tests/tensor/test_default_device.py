"""Where new tensors go: `with torch.device(...)` and `torch.set_default_device`."""

from __future__ import annotations

import pickle

import flambeau as torch
from flambeau import nn


def test_with_device() -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        made = [
            torch.empty(2),
            torch.rand(2),
            torch.tensor([1.0]),
            torch.arange(3),
            torch.eye(2),
            torch.as_tensor([1]),
            torch.linspace(0, 1, 3),
            torch.randperm(4),
            nn.Linear(2, 2).weight,
            nn.LSTM(2, 2).weight_hh_l0,
        ]
        assert [x.device.type for x in made] == ["meta"] * len(made)
        with torch.device("cpu"):
            assert torch.zeros(1).device.type == "cpu"
        assert torch.zeros(1, device="cpu").device.type == "cpu"
        assert torch.get_default_device() == torch.device("meta")
    # Nothing was drawn.
    assert torch.rand(2).tolist() == [0.49625658988952637, 0.7682217955589294]
    assert torch.zeros(1).device.type == "cpu"


def test_made_like_a_tensor() -> None:
    x = torch.ones(2)
    with torch.device("meta"):
        assert {f(x).device.type for f in (torch.zeros_like, torch.rand_like, torch.neg)} == {"cpu"}
        assert x.new_zeros(3).device.type == "cpu"


def test_set_default_device() -> None:
    try:
        torch.set_default_device("meta")
        assert torch.ones(2).device.type == "meta" and torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)
    assert torch.ones(2).device.type == "cpu"


def test_weights_for_a_layer_without_memory() -> None:
    with torch.device("meta"):
        layer = nn.Linear(2, 2)
    layer.load_state_dict({"weight": torch.ones(2, 2), "bias": torch.zeros(2)}, assign=True)
    assert layer(torch.ones(2)).tolist() == [2.0, 2.0]


def test_functions_are_pickled_by_name() -> None:
    for f in (torch.relu, torch.add, nn.functional.gelu, nn.functional.linear, torch.fft.fft, torch.linalg.det):
        assert pickle.loads(pickle.dumps(f)) is f
    layer = nn.TransformerEncoderLayer(4, 2, 8, activation=nn.functional.gelu)
    assert pickle.loads(pickle.dumps(layer)).activation is nn.functional.gelu
