"""Gradients of tensors that are no leaves, kept on request."""

import flambeau as torch
import pytest


def test_retained_gradients_add_up() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    h = x * 3
    h.retain_grad()
    out = (h * h).sum()
    out.backward(retain_graph=True)
    assert h.grad.tolist() == [6, 12]
    first = h.grad
    out.backward(retain_graph=True)
    assert h.grad.tolist() == [12, 24]
    assert first.tolist() == [6, 12]


def test_a_retained_gradient_shares_no_memory_with_a_leaf() -> None:
    x = torch.ones(2, requires_grad=True)
    h = x.view(2)
    h.retain_grad()
    h.sum().backward()
    x.sum().backward()
    assert x.grad.tolist() == [2, 2]
    assert h.grad.tolist() == [1, 1]


def test_grad_needs_inputs() -> None:
    with pytest.raises(ValueError, match="grad requires non-empty inputs"):
        torch.autograd.grad(torch.ones((), requires_grad=True), [])


def test_gradcheck_of_a_function_with_hooks() -> None:
    def wrong(x):
        y = x * 2
        y.register_hook(lambda g: g + 1)
        return y

    x = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: t * t, x)
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        torch.autograd.gradcheck(wrong, x)
