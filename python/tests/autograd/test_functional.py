"""``torch.autograd.functional``."""

import flambeau as torch
import pytest
from flambeau.autograd import functional as F


def both(x, y):
    return x * y, (x * x).sum()


X, Y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])


@pytest.mark.parametrize("way", [{}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}])
def test_jacobian(way):
    (xx, xy), (sx, sy) = F.jacobian(both, (X, Y), **way)
    assert torch.equal(xx, torch.diag(Y)) and torch.equal(xy, torch.diag(X))
    assert torch.equal(sx, 2 * X) and not sy.any()
    single = F.jacobian(lambda x: x.reshape(2, 1) * 3, X, **way)
    assert single.shape == (2, 1, 2)


def test_products():
    value, pulled = F.vjp(both, (X, Y), (torch.ones(2), torch.tensor(1.0)))
    assert [t.tolist() for t in pulled] == [[5, 8], [1, 2]]
    value, pushed = F.jvp(both, (X, Y), (torch.ones(2), torch.zeros(2)))
    assert [t.tolist() for t in value] == [[3, 8], 5]
    assert [t.tolist() for t in pushed] == [[3, 4], 6]
    assert not pushed[0].requires_grad


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_hessian(strategy):
    h = F.hessian(lambda x, y: (x * x * y).sum(), (X, Y), vectorize=True, outer_jacobian_strategy=strategy)
    assert torch.equal(h[0][0], torch.diag(2 * Y)) and torch.equal(h[1][0], torch.diag(2 * X))
    v = torch.tensor([1.0, -1.0])
    for product in (F.vhp, F.hvp):
        assert product(lambda x: x.pow(3).sum(), X, v)[1].tolist() == [6, -12]


def test_results_in_the_graph():
    x = X.clone().requires_grad_()
    F.jacobian(lambda x: x.pow(3), x, create_graph=True).sum().backward()
    assert x.grad.tolist() == [6, 12]
    assert not F.jacobian(lambda x: x.pow(3), x).requires_grad


def test_strict():
    with pytest.raises(RuntimeError, match="Output 0 of the user-provided function is independent of input 1"):
        F.jacobian(lambda x, y: x * 2, (X, Y), strict=True)
    with pytest.raises(RuntimeError, match="found that the jacobian .* is independent of the input"):
        F.hessian(lambda x: x.sum(), X, strict=True)
    with pytest.raises(RuntimeError, match="v has invalid size"):
        F.vjp(lambda x: x * 2, X, torch.ones(3))
    with pytest.raises(TypeError, match="must be either a Tensor or a tuple of Tensors"):
        F.vjp(lambda x: x * 2, [X])


def test_batches_of_gradients():
    x = X.clone().requires_grad_()
    (rows,) = torch.autograd.grad(x * 2, x, torch.eye(2), is_grads_batched=True)
    assert torch.equal(rows, 2 * torch.eye(2))
