"""nn.Module: registration, state dicts, hooks, printing, copies."""

import copy
import pickle
from collections import OrderedDict

import flambeau
import pytest
from flambeau import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        self.scale = nn.Parameter(flambeau.ones(1))
        self.register_buffer("count", flambeau.zeros(1))
        self.register_buffer("scratch", flambeau.zeros(1), persistent=False)

    def forward(self, x):
        return self.body(x) * self.scale


def test_names_and_order() -> None:
    net = Net()
    assert [n for n, _ in net.named_parameters()] == [
        "scale",
        "body.0.weight",
        "body.0.bias",
        "body.2.weight",
        "body.2.bias",
    ]
    assert list(net.state_dict()) == [
        "scale",
        "count",
        *[f"body.{n}" for n in ("0.weight", "0.bias", "2.weight", "2.bias")],
    ]
    assert [n for n, _ in net.named_modules()] == ["", "body", "body.0", "body.1", "body.2"]
    assert [n for n, _ in net.named_buffers()] == ["count", "scratch"]
    assert net.state_dict()._metadata["body.0"] == {"version": 1}


def test_repr() -> None:
    assert repr(Net()) == (
        "Net(\n  (body): Sequential(\n    (0): Linear(in_features=3, out_features=4, bias=True)\n    (1): ReLU()\n"
        "    (2): Linear(in_features=4, out_features=2, bias=True)\n  )\n)"
    )


def test_first_weights_from_seed_0() -> None:
    weight = nn.Linear(3, 2).weight
    expected = [[-0.0043225, 0.3097159, -0.4751853], [-0.4248946, -0.2223690, 0.1548207]]
    assert flambeau.allclose(weight, flambeau.tensor(expected), atol=1e-6)


def test_load_reports_every_fault() -> None:
    net = nn.Linear(2, 2)
    with pytest.raises(RuntimeError) as error:
        net.load_state_dict({"weight": flambeau.ones(3, 2), "extra": flambeau.ones(1)})
    assert str(error.value) == (
        "Error(s) in loading state_dict for Linear:\n"
        '\tMissing key(s) in state_dict: "bias". \n'
        '\tUnexpected key(s) in state_dict: "extra". \n'
        "\tsize mismatch for weight: copying a param with shape torch.Size([3, 2]) from checkpoint, "
        "the shape in current model is torch.Size([2, 2])."
    )
    keys = net.load_state_dict({"weight": flambeau.ones(2, 2)}, strict=False)
    assert keys.missing_keys == ["bias"] and keys.unexpected_keys == []
    assert repr(net.load_state_dict(net.state_dict())) == "<All keys matched successfully>"
    with pytest.raises(TypeError, match="Expected state_dict to be dict-like"):
        net.load_state_dict([1])  # type: ignore[arg-type]


def test_load_copies_or_assigns() -> None:
    net = nn.Linear(1, 1)
    weight = net.weight
    state = {"weight": flambeau.full((1, 1), 5.0), "bias": flambeau.zeros(1)}
    net.load_state_dict(state)
    assert net.weight is weight and weight.item() == 5.0
    net.load_state_dict(state, assign=True)
    assert net.weight is not weight and isinstance(net.weight, nn.Parameter) and net.weight.requires_grad


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (lambda m: m.register_buffer("a.b", None), KeyError, "buffer name can't contain"),
        (lambda m: m.register_parameter("", None), KeyError, "can't be empty string"),
        (lambda m: m.register_parameter("p", flambeau.ones(1)), TypeError, "torch.nn.Parameter or None required"),
        (lambda m: m.add_module("q", 3), TypeError, "is not a Module subclass"),
        (lambda m: m.add_module("training", nn.ReLU()), KeyError, "attribute 'training' already exists"),
        (lambda m: setattr(m, "weight", flambeau.ones(1)), TypeError, "as parameter 'weight'"),
        (lambda m: m.nothing, AttributeError, "'Linear' object has no attribute 'nothing'"),
        (lambda m: m.get_submodule("x.y"), AttributeError, "Linear has no attribute `x`"),
        (lambda m: m.train(1), ValueError, "training mode is expected to be boolean"),
        (lambda m: m.to(flambeau.int64), TypeError, "only accepts floating point or complex"),
    ],
)
def test_errors(act, kind, message) -> None:
    with pytest.raises(kind) as error:
        act(nn.Linear(2, 2))
    assert message in str(error.value.args[0])


def test_before_init() -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__\(\) call"):
        Early()


def test_forward_missing() -> None:
    with pytest.raises(NotImplementedError, match='Module .Module. is missing the required "forward" function'):
        nn.Module()()


def test_hooks_in_order_with_new_values() -> None:
    layer, log = nn.Linear(2, 2), []
    handles = [
        layer.register_forward_pre_hook(lambda m, args: (log.append("pre"), (args[0] * 2,))[1]),
        layer.register_forward_hook(lambda m, args, out: (log.append("forward"), out + 1)[1]),
        layer.register_full_backward_pre_hook(lambda m, grads: (log.append("backward pre"), (grads[0] * 3,))[1]),
        layer.register_full_backward_hook(lambda m, grad_in, grad_out: log.append(grad_out[0].tolist())),
    ]
    x = flambeau.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert log == ["pre", "forward", "backward pre", [[3.0, 3.0]]]
    assert flambeau.allclose(layer.bias.grad, flambeau.tensor([3.0, 3.0]))
    assert flambeau.allclose(x.grad, 6 * layer.weight.detach().sum(0))
    for handle in handles:
        handle.remove()
    log.clear()
    layer(x)
    assert log == []


def test_always_called_hook() -> None:
    class Fails(nn.Module):
        def forward(self):
            raise ValueError("inside")

    net, log = Fails(), []
    net.register_forward_hook(lambda m, args, out: log.append(out), always_call=True)
    with pytest.raises(ValueError, match="inside"):
        net()
    assert log == [None]


def test_extra_state() -> None:
    class Counted(nn.Module):
        seen = 0

        def get_extra_state(self):
            return 5

        def set_extra_state(self, state):
            self.seen = state

    net = Counted()
    assert net.state_dict() == OrderedDict([("_extra_state", 5)])
    net.load_state_dict({"_extra_state": 7})
    assert net.seen == 7


def test_modes_gradients_and_dtypes() -> None:
    net = Net()
    assert not net.eval().body[0].training and net.train().body[0].training
    net(flambeau.ones(1, 3)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(p.grad is not None and not p.grad.any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())
    assert net.double().scale.dtype == flambeau.float64 and net.count.dtype == flambeau.float64
    assert net.to(flambeau.float32).body[2].bias.dtype == flambeau.float32


def test_copies_are_separate() -> None:
    net = Net()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(nn.Linear(2, 2)))):
        assert all(isinstance(p, nn.Parameter) for p in other.parameters())
    twin = copy.deepcopy(net)
    with flambeau.no_grad():
        twin.scale.fill_(9)
    assert net.scale.item() == 1.0


def test_shared_parameters_once() -> None:
    first = nn.Linear(2, 2)
    second = nn.Linear(2, 2)
    second.weight = first.weight
    both = nn.Sequential(first, second)
    assert len(list(both.parameters())) == 3
    assert len(list(both.named_parameters(remove_duplicate=False))) == 4


def test_buffers_come_and_go() -> None:
    net = Net()
    net.count = flambeau.ones(1)
    assert net.state_dict()["count"].item() == 1.0
    net.extra = nn.Buffer(flambeau.zeros(2), persistent=False)
    assert "extra" in dict(net.named_buffers()) and "extra" not in net.state_dict()
    del net.extra
    assert "extra" not in dict(net.named_buffers())
    with pytest.raises(TypeError, match="as buffer 'count'"):
        net.count = 3
