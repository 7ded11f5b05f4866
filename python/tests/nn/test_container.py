"""Sequential, lists and dictionaries of modules and parameters."""

from collections import OrderedDict

import flambeau
import pytest
from flambeau import nn


def test_sequential_is_a_list() -> None:
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 3))
    assert len(net) == 3 and isinstance(net[-1], nn.Linear) and list(net[1:]._modules) == ["1", "2"]
    net.insert(1, nn.Tanh()).append(nn.Sigmoid())
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "ReLU", "Linear", "Sigmoid"]
    assert isinstance(net.pop(1), nn.Tanh)
    del net[0]
    assert list(net._modules) == ["0", "1", "2"]
    assert len(net + net) == 6 and len(net * 2) == 6
    with pytest.raises(IndexError, match="index 9 is out of range"):
        net[9]


def test_sequential_from_ordered_dict() -> None:
    net = nn.Sequential(OrderedDict([("a", nn.Linear(1, 1)), ("b", nn.ReLU())]))
    assert repr(net) == "Sequential(\n  (a): Linear(in_features=1, out_features=1, bias=True)\n  (b): ReLU()\n)"
    assert isinstance(net.b, nn.ReLU)


def test_module_list_repr_joins_equals() -> None:
    layers = nn.ModuleList([nn.Linear(1, 1) for _ in range(3)] + [nn.ReLU()])
    assert repr(layers) == (
        "ModuleList(\n  (0-2): 3 x Linear(in_features=1, out_features=1, bias=True)\n  (3): ReLU()\n)"
    )
    layers.insert(0, nn.Tanh())
    assert len(layers) == 5 and isinstance(layers[0], nn.Tanh) and len(layers[1:3]) == 2


def test_module_dict() -> None:
    named = nn.ModuleDict({"a": nn.ReLU()})
    named.update([("b", nn.Tanh())])
    assert list(named) == ["a", "b"] and "b" in named and isinstance(named.pop("a"), nn.ReLU)
    with pytest.raises(ValueError, match="has length 3; 2 is required"):
        nn.ModuleDict([("a", 1, 2)])


def test_parameter_list_and_dict() -> None:
    listed = nn.ParameterList([flambeau.ones(2), 3])
    assert isinstance(listed[0], nn.Parameter) and listed[1] == 3
    assert repr(listed) == (
        "ParameterList(\n    (0): Parameter containing: [torch.float32 of size 2]\n    (1): Object of type: int\n)"
    )
    named = nn.ParameterDict({"b": flambeau.ones(1), "a": flambeau.ones(2)})
    assert list(named) == ["a", "b"] and len(list(named.parameters())) == 2
    with pytest.raises(RuntimeError, match="ParameterList should not be called."):
        listed(1)
