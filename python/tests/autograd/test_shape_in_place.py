"""`t_`, `unsqueeze_` and the like on tensors that are part of a graph."""

import flambeau as torch
import pytest


def leaf() -> torch.Tensor:
    return torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], requires_grad=True)


def test_results_of_operators() -> None:
    w = leaf()
    a = w * w
    assert a.unsqueeze_(0) is a
    assert a.shape == (1, 6)
    (a * 2).squeeze_().sum().backward()
    assert torch.equal(w.grad, 4 * w.detach())


def test_writes_through_a_view_reach_the_base() -> None:
    w = leaf()
    a = w * 1
    v = a.view(2, 3)
    v.t_()
    assert v._base is a
    v[0] *= 10
    (a * a).sum().backward()
    factor = torch.tensor([10.0, 1, 1, 10, 1, 1])
    assert torch.equal(w.grad, 2 * factor**2 * w.detach())


def test_a_view_stays_a_view_without_a_graph() -> None:
    a = torch.zeros(2, 3)
    for change in (lambda v: v.unsqueeze_(1), lambda v: v.transpose_(0, 1), lambda v: v.as_strided_((3,), (1,))):
        v = a.view(2, 3)
        change(v)
        assert v._is_view()
        assert v._base is a
        v += 1
    assert a.tolist() == [[3, 3, 3], [2, 2, 2]]


def test_leaves_and_their_views_are_refused() -> None:
    w = leaf()
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        w.unsqueeze_(0)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
        w.view(2, 3).t_()
    with torch.no_grad():
        w.unsqueeze_(0)
    assert w.shape == (1, 6)
    assert w.is_leaf


def test_decorated_generators_take_errors_and_values() -> None:
    seen = []

    @torch.no_grad()
    def steps():
        value = 0
        while True:
            try:
                value = yield (value, torch.is_grad_enabled())
            except ValueError as error:
                seen.append((str(error), torch.is_grad_enabled()))
                value = -1
            except GeneratorExit:
                seen.append(("closed", torch.is_grad_enabled()))
                raise

    it = steps()
    assert next(it) == (0, False)
    assert it.send(5) == (5, False)
    assert it.throw(ValueError("odd")) == (-1, False)
    assert torch.is_grad_enabled()
    it.close()
    assert seen == [("odd", False), ("closed", False)]
    assert torch.is_grad_enabled()
