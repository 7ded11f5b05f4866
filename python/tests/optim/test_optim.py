"""Optimizers: steps, state dicts, groups, hooks, errors."""

import flambeau
import pytest
from flambeau import nn, optim


def after_three_steps(cls, **options):
    """The parameter [1, -2] after three steps on the sum of its squares."""
    p = nn.Parameter(flambeau.tensor([1.0, -2.0]))
    optimizer = cls([p], **options)
    for _ in range(3):
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()
    return p.tolist(), optimizer


RECORDED = {
    ("SGD", ("lr", 0.1)): [0.512, -1.0239999],
    ("SGD", ("lr", 0.1), ("momentum", 0.9), ("nesterov", True), ("weight_decay", 0.01)): [-0.1116511, 0.2233022],
    ("SGD", ("lr", 0.1), ("momentum", 0.9), ("dampening", 0.5), ("maximize", True)): [1.92, -3.8399999],
    ("Adam", ("lr", 0.1)): [0.7015863, -1.7006234],
    ("Adam", ("lr", 0.1), ("amsgrad", True), ("weight_decay", 0.1)): [0.7015863, -1.7006234],
    ("AdamW", ("lr", 0.1)): [0.6989112, -1.6949446],
    ("Adagrad", ("lr", 0.1)): [0.7804562, -1.7758214],
    ("RMSprop", ("lr", 0.01), ("centered", True), ("momentum", 0.5)): [0.6712214, -1.6641709],
    ("Adadelta",): [0.9903091, -1.9903008],
    ("Adamax", ("lr", 0.1)): [0.7154994, -1.7076483],
    ("NAdam", ("lr", 0.1)): [0.7527292, -1.7475085],
    ("RAdam", ("lr", 0.1)): [0.4623033, -0.9246067],
    ("ASGD", ("lr", 0.1)): [0.5119836, -1.0239673],
    ("Rprop", ("lr", 0.1)): [0.636, -1.6359999],
    ("Adafactor", ("lr", 0.1)): [0.5987439, -1.5821774],
}


@pytest.mark.parametrize("key", RECORDED, ids=str)
def test_three_steps(key) -> None:
    name, options = key[0], dict(key[1:])
    values, _ = after_three_steps(getattr(optim, name), **options)
    assert values == pytest.approx(RECORDED[key], rel=1e-5)


def test_repr() -> None:
    assert repr(optim.SGD([nn.Parameter(flambeau.ones(1))], lr=0.1)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n"
        "    lr: 0.1\n    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


def test_state_dict_round_trip() -> None:
    _, optimizer = after_three_steps(optim.Adam, lr=0.1)
    state = optimizer.state_dict()
    assert sorted(state["state"][0]) == ["exp_avg", "exp_avg_sq", "step"]
    assert state["state"][0]["step"].dtype == flambeau.float32 and state["state"][0]["step"].item() == 3
    assert state["param_groups"][0]["params"] == [0]
    other = optim.Adam([nn.Parameter(flambeau.zeros(2))])
    other.load_state_dict(state)
    assert other.param_groups[0]["lr"] == 0.1
    assert str(other.state_dict()) == str(state)
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        optim.Adam([nn.Parameter(flambeau.zeros(1)) for _ in range(2)]).load_state_dict(state)


def test_groups_have_their_own_options() -> None:
    a, b = (nn.Parameter(flambeau.ones(1)) for _ in range(2))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    a.grad, b.grad = flambeau.ones(1), flambeau.ones(1)
    optimizer.step()
    assert a.item() == pytest.approx(0.9) and b.item() == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda p: optim.SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"),
        (lambda p: optim.SGD(p, lr=0.1), TypeError, "params argument given to the optimizer should be an iterable"),
        (
            lambda p: optim.SGD([3], lr=0.1),
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is int",
        ),
        (lambda p: optim.SGD([p * 2], lr=0.1), ValueError, "can't optimize a non-leaf Tensor"),
        (lambda p: optim.SGD([p], lr=-1), ValueError, "Invalid learning rate: -1"),
        (
            lambda p: optim.SGD([p], nesterov=True),
            ValueError,
            "Nesterov momentum requires a momentum and zero dampening",
        ),
        (lambda p: optim.Adam([p], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"),
        (lambda p: optim.Adam([p], eps=-1.0), ValueError, "Invalid epsilon value: -1.0"),
        (
            lambda p: optim.Adam([p], fused=True, foreach=True),
            RuntimeError,
            "`fused` and `foreach` cannot be `True` together.",
        ),
        (
            lambda p: optim.SGD([{"params": [p]}, {"params": [p]}]),
            ValueError,
            "some parameters appear in more than one",
        ),
    ],
)
def test_errors(make, kind, message) -> None:
    with pytest.raises(kind) as error:
        make(nn.Parameter(flambeau.ones(1)))
    assert message in str(error.value)


def test_hooks_and_closure() -> None:
    p = nn.Parameter(flambeau.ones(1))
    optimizer, log = optim.SGD([p], lr=0.1), []
    optimizer.register_step_pre_hook(lambda o, a, k: log.append("before"))
    optimizer.register_step_post_hook(lambda o, a, k: log.append("after"))

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        log.append("closure")
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert log == ["before", "closure", "after"] and p.item() == pytest.approx(0.8)


def test_differentiable_uses_the_formula() -> None:
    p = nn.Parameter(flambeau.tensor([1.0]))
    q = p.clone()
    q.grad = flambeau.tensor([2.0], requires_grad=True)
    optim.SGD([q], lr=0.1, differentiable=True).step()
    q.sum().backward()
    assert q.grad.grad.item() == pytest.approx(-0.1)


@pytest.mark.parametrize(
    "name", ["Adadelta", "Adagrad", "Adam", "Adamax", "ASGD", "NAdam", "RAdam", "RMSprop", "Rprop"]
)
def test_counts_that_are_numbers_are_taken(name):
    def trained(steps, numbers):
        param = nn.Parameter(flambeau.tensor([1.0, -2.0]))
        optimizer = getattr(optim, name)([param], lr=0.1)
        for step in range(steps):
            if numbers and step == 2:
                saved = optimizer.state_dict()
                for own in saved["state"].values():
                    for key in ("step", "eta", "mu", "mu_product"):
                        if key in own:
                            own[key] = float(own[key])
                optimizer.load_state_dict(saved)
            param.grad = flambeau.tensor([0.5, -1.0])
            optimizer.step()
        return param

    assert flambeau.equal(trained(4, numbers=True), trained(4, numbers=False))
