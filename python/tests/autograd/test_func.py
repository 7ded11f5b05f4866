"""``torch.func``: transformations of functions, alone and inside one another."""

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    stack_module_state,
    vjp,
    vmap,
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def cubes(x):
    return x.pow(3)


def test_gradients_of_gradients():
    x = torch.tensor(2.0)
    assert grad(cubes)(x).item() == 12
    assert grad(grad(cubes))(x).item() == 12
    assert grad(grad(grad(cubes)))(x).item() == 6
    assert not grad(cubes)(x).requires_grad


def test_the_users_graph_goes_on_through_a_gradient():
    x = torch.tensor(2.0, requires_grad=True)
    w = torch.tensor(3.0, requires_grad=True)
    inner = grad(lambda x: w * cubes(x))(x)
    inner.backward()
    assert (x.grad.item(), w.grad.item()) == (36, 12)
    with torch.no_grad():
        assert not grad(lambda x: w * cubes(x))(x).requires_grad
    # What does not depend on the user's tensors is no part of a graph.
    assert not grad(cubes)(torch.tensor(2.0)).requires_grad


def test_arguments_trees_and_more_than_the_value():
    def loss(p, x, scale=1.0):
        y = (p["w"] * x).sum() * scale
        return y + p["b"][0], {"y": y}

    p = {"w": torch.ones(2), "b": (torch.zeros(()),)}
    x = torch.tensor([1.0, 2.0])
    found, (value, aux) = grad_and_value(loss, has_aux=True)(p, x, scale=2.0)
    assert found["w"].tolist() == [2, 4]
    assert found["b"][0].item() == 1
    assert (value.item(), aux["y"].item()) == (6, 6)
    assert not aux["y"].requires_grad
    both, _ = grad(loss, argnums=(0, 1), has_aux=True)(p, x)
    assert both[1].tolist() == [1, 1]


def test_products_agree_with_the_jacobian():
    a = torch.randn(3, 4, dtype=torch.float64)

    def f(x):
        return (a @ x).sin(), x.exp().sum()

    x, t = torch.randn(4, dtype=torch.float64), torch.randn(4, dtype=torch.float64)
    rows, last = jacrev(f)(x)
    columns = jacfwd(f)(x)
    assert torch.allclose(rows, (a @ x).cos()[:, None] * a)
    assert torch.allclose(columns[0], rows) and torch.allclose(columns[1], last)
    value, pushed = jvp(f, (x,), (t,))
    assert torch.allclose(pushed[0], rows @ t) and torch.allclose(pushed[1], last @ t)
    assert torch.allclose(linearize(f, x)[1](t)[0], rows @ t)
    value, pull = vjp(f, x)
    c = torch.randn(3, dtype=torch.float64), torch.randn((), dtype=torch.float64)
    assert torch.allclose(pull(c)[0], c[0] @ rows + c[1] * last)
    assert not value[0].requires_grad


def test_complex_products():
    z, t = torch.tensor([1 + 2j, 3 - 1j]), torch.tensor([1j, 2 + 0j])
    _, pushed = jvp(lambda z: z * z.conj() + z * z, (z,), (t,))
    assert torch.allclose(pushed, t * z.conj() + z * t.conj() + 2 * z * t)


def test_hessian():
    def f(x, y):
        return (x * x * y).sum()

    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    (xx, xy), (yx, yy) = hessian(f, argnums=(0, 1))(x, y)
    assert torch.equal(xx, torch.diag(2 * y)) and torch.equal(xy, torch.diag(2 * x))
    assert torch.equal(yx, xy) and not yy.any()


def test_vmap_over_structures_and_dimensions():
    x, y = torch.randn(2, 5, 3), torch.randn(3, 5)
    dots = vmap(vmap(torch.dot), in_dims=(0, None))(x.movedim(1, 1), y.T)
    assert torch.allclose(dots, torch.einsum("bij,ij->bi", x, y.T))
    out = vmap(
        lambda p, s: {"sum": p["a"].sum(), "scaled": p["a"] * s},
        in_dims=({"a": 1}, None),
        out_dims={"sum": 0, "scaled": 1},
    )
    got = out({"a": y}, 2.0)
    assert torch.allclose(got["sum"], y.sum(0)) and torch.allclose(got["scaled"], 2 * y)
    assert vmap(lambda x: x * 2)(torch.ones(0, 2)).shape == (0, 2)
    assert vmap(lambda x: x.max(0))(torch.eye(2)).indices.tolist() == [0, 1]


def test_random_numbers_in_slices():
    x = torch.zeros(4)
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(lambda x: x + torch.rand(()))(x)
    different = vmap(lambda x: x + torch.rand(()), randomness="different")(x)
    same = vmap(lambda x: x + torch.rand(()), randomness="same")(x)
    assert len(set(different.tolist())) == 4
    assert len(set(same.tolist())) == 1


def test_gradients_of_each_sample():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    p = {k: v.detach() for k, v in net.named_parameters()}
    x, y = torch.randn(5, 3), torch.randn(5, 1)

    def loss(p, x, y):
        return (functional_call(net, p, x) - y).pow(2).sum()

    each = vmap(grad(loss), in_dims=(None, 0, 0))(p, x, y)
    for i in range(5):
        net.zero_grad()
        (net(x[i]) - y[i]).pow(2).sum().backward()
        for k, v in net.named_parameters():
            assert torch.allclose(each[k][i], v.grad, atol=1e-6)


def test_an_ensemble():
    nets = [nn.Linear(3, 2) for _ in range(4)]
    p, b = stack_module_state(nets)
    assert p["weight"].requires_grad and p["weight"].is_leaf and not b
    x = torch.randn(6, 3)
    got = vmap(lambda p, b, x: functional_call(nets[0], (p, b), x), in_dims=(0, 0, None))(p, b, x)
    assert torch.allclose(got, torch.stack([n(x) for n in nets]), atol=1e-6)


def test_a_call_with_other_parameters_leaves_the_module_alone():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(2, 2, bias=False)
            self.b = nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight
            self.norm = nn.BatchNorm1d(2)

        def forward(self, x):
            return self.norm(self.b(self.a(x)))

    m = Tied()
    before = {k: v.clone() for k, v in m.state_dict().items()}
    given = {"a.weight": torch.eye(2), "norm.running_mean": torch.zeros(2)}
    functional_call(m, given, torch.randn(4, 2))
    assert all(
        torch.equal(v, before[k])
        for k, v in m.state_dict().items()
        if k != "norm.num_batches_tracked" and k != "norm.running_var"
    )
    assert given["norm.running_mean"].any()
    with pytest.raises(RuntimeError, match="Missing key"):
        functional_call(m, {"a.weight": torch.eye(2)}, torch.randn(4, 2), strict=True)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda x: grad(lambda x: x * 2)(x),
            RuntimeError,
            "Expected f.* to return a scalar Tensor, got tensor with 1 dims",
        ),
        (lambda x: grad(cubes, argnums=1)(x[0]), RuntimeError, "Got argnum=1, but only 1 positional inputs"),
        (lambda x: vmap(cubes, in_dims=1)(x), ValueError, "Got in_dim=1 for some input"),
        (lambda x: vmap(torch.add)(x, x[:2]), ValueError, r"got sizes \[3, 2\]"),
        (lambda x: vmap(lambda x: 3)(x), ValueError, "must only return Tensors, got type <class 'int'>"),
        (lambda x: jvp(cubes, (x,), (x[:2],)), RuntimeError, "forward gradient that has a different size"),
        (lambda x: vjp(cubes, x)[1]((x, x)), RuntimeError, "Expected pytree structure of cotangents"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call(torch.ones(3))
