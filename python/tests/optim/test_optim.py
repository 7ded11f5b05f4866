"""Optimizers: steps, state dicts, groups, hooks, errors."""

import importlib

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


def test_hooks_are_given_the_optimizer_first() -> None:
    p = nn.Parameter(flambeau.ones(1))
    p.grad = flambeau.ones(1)
    optimizer, seen = optim.SGD([p], lr=0.1), []
    optimizer.register_step_pre_hook(lambda o, a, k: seen.append((a, k)))
    optimizer.register_step_pre_hook(lambda o, a, k: ((o, lambda: 5), k))
    optimizer.register_step_post_hook(lambda o, a, k: seen.append((a[0], len(a), k)))
    handle = optim.optimizer.register_optimizer_step_pre_hook(lambda o, a, k: seen.append(a))
    assert optimizer.step() == 5
    handle.remove()
    assert seen == [(optimizer,), ((optimizer,), {}), (optimizer, 2, {})]


@pytest.mark.parametrize(("name", "owner"), [("Adam", "Adam"), ("AdamW", "Adam"), ("NAdam", "NAdam"), ("SGD", "SGD")])
def test_what_a_hook_returns_is_checked(name, owner) -> None:
    optimizer = getattr(optim, name)([nn.Parameter(flambeau.ones(1))])
    optimizer.register_step_pre_hook(lambda o, a, k: 3)
    says = rf"<function {owner}.step at 0x\w+> must return None or a tuple of \(new_args, new_kwargs\), but got 3\."
    with pytest.raises(RuntimeError, match=says):
        optimizer.step()


def with_gradient(name, **options):
    p = nn.Parameter(flambeau.ones(2))
    p.grad = flambeau.ones(2)
    return getattr(optim, name)([p], **options)


XLA, NO_XLA = "['cuda', 'xpu', 'hpu', 'privateuseone', 'xla'].", "['cuda', 'xpu', 'hpu', 'privateuseone']."


@pytest.mark.parametrize(
    ("name", "tensors", "single", "many"),
    [
        ("Adam", "params and state_steps", XLA, NO_XLA),
        ("AdamW", "params and state_steps", XLA, NO_XLA),
        ("Adamax", "params and state_steps", XLA, NO_XLA),
        ("NAdam", "params, mu_products and state_steps", XLA, NO_XLA),
        ("RAdam", "params and state_steps", XLA, NO_XLA),
        ("Adadelta", "params and state_steps", NO_XLA, NO_XLA),
        ("RMSprop", "params and state_steps", XLA, XLA),
        ("Rprop", "params and state_steps", XLA, XLA),
        ("ASGD", "params, mus, etas, and state_steps", XLA, NO_XLA),
    ],
)
def test_steps_cannot_be_captured(name, tensors, single, many) -> None:
    for foreach, devices in ((None, single), (True, many)):
        with pytest.raises(AssertionError) as error:
            with_gradient(name, capturable=True, foreach=foreach).step()
        if name == "NAdam" and foreach:
            tensors = "params, mu_products, and state_steps"
        assert str(error.value) == f"If capturable=True, {tensors} must be on supported devices: {devices}"
    with pytest.raises(AssertionError, match="_foreach ops don't support autograd"):
        with_gradient(name, differentiable=True, foreach=True).step()


def test_fused_steps_do_not_mind_capturable() -> None:
    optimizer = with_gradient("Adam", capturable=True, fused=True)
    optimizer.step()
    assert optimizer.param_groups[0]["params"][0].tolist() == pytest.approx([0.999, 0.999])


def through(name, steps=1, option="lr", value=0.1, **options):
    """The gradient of an option through steps, and what the parameter is then."""
    t = flambeau.tensor(value, requires_grad=True)
    start = flambeau.ones(2, requires_grad=True)
    p = start.clone()
    optimizer = getattr(optim, name)([nn.Parameter(flambeau.ones(1))], **{option: t}, differentiable=True, **options)
    optimizer.param_groups[0]["params"] = [p]
    for _ in range(steps):
        p.grad = start * 3
        optimizer.step()
    p.sum().backward()
    return t.grad.item(), start.grad[0].item(), p[0].item()


@pytest.mark.parametrize(
    ("name", "steps", "gradient", "of_start", "end"),
    [
        ("SGD", 1, -6.0, 0.7, 0.7),
        ("SGD", 2, -12.0, 0.4, 0.4),
        ("Adam", 1, -2.0, 1.0, 0.9000007),
        ("Adam", 2, -4.0, 1.0, 0.8000017),
        ("AdamW", 1, -2.02, 0.999, 0.8990006),
        ("AdamW", 2, -4.0359, 0.998, 0.7981026),
        ("NAdam", 1, -2.1129, 1.0, 0.8943548),
        ("RAdam", 1, -6.0, 0.7, 0.7),
        ("RAdam", 2, -12.0, 0.4, 0.4),
    ],
)
def test_gradient_of_the_learning_rate(name, steps, gradient, of_start, end) -> None:
    found = through(name, steps)
    assert found[:2] == pytest.approx((gradient, of_start), rel=1e-4)
    assert found[2] == pytest.approx(end, rel=1e-6)


@pytest.mark.parametrize("name", ["RMSprop", "Adagrad", "Adamax", "Adadelta", "Rprop"])
def test_learning_rates_that_get_no_gradient(name) -> None:
    with pytest.raises(TypeError, match="must be Number, not Tensor"):
        through(name)


def test_gradient_of_the_weight_decay() -> None:
    assert through("SGD", option="weight_decay", lr=0.1) == pytest.approx((-0.2, 0.69, 0.69))
    assert through("AdamW", option="weight_decay", lr=0.1) == pytest.approx((-0.2, 0.99, 0.8900007))
    assert through("Adam", option="weight_decay", lr=0.1) == pytest.approx((0.0, 1.0, 0.9000006), abs=1e-6)


def test_gradients_of_betas() -> None:
    betas = flambeau.tensor(0.9, requires_grad=True), flambeau.tensor(0.99, requires_grad=True)
    start = flambeau.ones(2, requires_grad=True)
    p = start.clone()
    optimizer = optim.Adam([nn.Parameter(flambeau.ones(1))], lr=0.1, betas=betas, differentiable=True)
    optimizer.param_groups[0]["params"] = [p]
    for i in range(2):
        p.grad = start * (3 + i)
        optimizer.step()
    p.sum().backward()
    assert [b.grad.item() for b in betas] == pytest.approx([0.0157, -0.0141], abs=1e-4)


def test_betas_stay_tensors() -> None:
    optimizer = with_gradient("Adam", betas=(flambeau.tensor(0.9), flambeau.tensor([0.99])))
    betas = optimizer.param_groups[0]["betas"]
    assert [b.shape for b in betas] == [(), ()] and betas[1].item() == pytest.approx(0.99)
    for i in (1.0, 2.0):
        optimizer.param_groups[0]["params"][0].grad = flambeau.full((2,), i)
        optimizer.step()
    assert optimizer.param_groups[0]["params"][0].tolist() == [0.9980361461639404] * 2


def test_state_of_no_parameter_is_kept() -> None:
    optimizer = with_gradient("Adam")
    saved = optimizer.state_dict()
    saved["state"] |= {"x": 5, "y": {"a": 1}}
    optimizer.load_state_dict(saved)
    assert dict(optimizer.state) == {"x": 5, "y": {"a": 1}} == optimizer.state_dict()["state"]


@pytest.mark.parametrize(
    ("name", "options", "end"),
    [
        ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True}, [0.5496501326560974, -1.5406780242919922]),
        ("RMSprop", {"lr": 0.01}, [0.7799822688102722, -1.775349497795105]),
        ("NAdam", {"lr": 0.1}, [0.7527292370796204, -1.7475085258483887]),
        ("RAdam", {"lr": 0.1}, [0.4623033404350281, -0.9246066808700562]),
        ("Adamax", {"lr": 0.1}, [0.7154994010925293, -1.7076482772827148]),
        ("Adagrad", {"lr": 0.1}, [0.7804561853408813, -1.7758214473724365]),
        ("Adadelta", {"lr": 0.5}, [0.9951503872871399, -1.9951483011245728]),
    ],
)
def test_nearly_to_the_last_bit(name, options, end) -> None:
    values, _ = after_three_steps(getattr(optim, name), **options)
    assert values == pytest.approx(end, rel=1e-7)


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_steps_of_a_tensor_stay_tensors(search):
    p = flambeau.tensor([1.0, 2.0, 3.0], requires_grad=True)
    optimizer = optim.LBFGS([p], lr=flambeau.tensor([0.1]), max_iter=7, line_search_fn=search)

    def closure():
        optimizer.zero_grad()
        loss = (p**4).sum()
        loss.backward()
        return loss

    for _ in range(2):
        optimizer.step(closure)
    step = optimizer.state[p]["t"]
    assert step.shape == () and step.item() == pytest.approx(0.5505 if search else 0.1, abs=1e-4)
    expected = [0.4827722, 0.6115681, 0.7846134] if search else [0.7619219, 1.3115847, 1.9032661]
    assert p.tolist() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "end"),
    [("adam", [0.8000473380088806, 2.199965238571167]), ("adamw", [0.7811000347137451, 2.1591999530792236])],
)
def test_adam_as_a_function(name, end) -> None:
    step_of = getattr(importlib.import_module(f"flambeau.optim.{name}"), name)
    p, grad = nn.Parameter(flambeau.tensor([1.0, 2.0])), flambeau.tensor([0.5, -1.0])
    mean, square, step = flambeau.zeros(2), flambeau.zeros(2), flambeau.tensor(0.0)
    options = {"amsgrad": False, "beta1": 0.9, "beta2": 0.999, "lr": 0.1, "weight_decay": 0.1, "eps": 1e-8}
    with flambeau.no_grad():
        for _ in range(2):
            step_of([p], [grad], [mean], [square], [], [step], maximize=False, **options)
    assert step.item() == 2 and p.tolist() == pytest.approx(end, rel=1e-6)
    with pytest.raises(RuntimeError, match="`state_steps` argument must contain a list of singleton tensors"):
        step_of([p], [grad], [mean], [square], [], [1], maximize=False, **options)


def test_sgd_as_a_function() -> None:
    from flambeau.optim.sgd import sgd

    p, grad, buffers = nn.Parameter(flambeau.tensor([1.0, 2.0])), flambeau.tensor([0.5, -1.0]), [None]
    options = {"weight_decay": 0.1, "momentum": 0.9, "lr": 0.1, "dampening": 0, "nesterov": False, "maximize": False}
    with flambeau.no_grad():
        for _ in range(2):
            sgd([p], [grad], buffers, **options)
    assert p.tolist() == pytest.approx([0.8266, 2.2312]) and buffers[0].tolist() == pytest.approx([1.134, -1.512])
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        sgd([p], [grad], buffers, **options)
