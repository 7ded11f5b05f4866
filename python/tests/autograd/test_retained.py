"""Gradients of tensors that are no leaves, kept on request."""

import warnings

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


def test_a_gradient_that_is_kept_is_that_of_what_was_written() -> None:
    a = torch.tensor([1.0], requires_grad=True).clone()
    a.retain_grad()
    a.mul_(2)
    a.sum().backward()
    assert a.grad.tolist() == [1.0]


def test_the_gradient_of_an_inner_tensor_is_asked_for_with_a_warning() -> None:
    inner = torch.ones(2, requires_grad=True) * 2
    with pytest.warns(UserWarning, match="not a leaf"):
        assert inner.grad is None
    inner.retain_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert inner.grad is None


def test_hooks_after_accumulation_give_nothing() -> None:
    x = torch.ones(2, requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda t: t.grad)
    with pytest.raises(RuntimeError, match="should return None"):
        x.sum().backward()


def test_zeros_for_unused_inputs_can_be_differentiated_again() -> None:
    x, a = torch.tensor(0.5, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    (first,) = torch.autograd.grad(x * a, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x, create_graph=True, materialize_grads=True)
    (third,) = torch.autograd.grad(second, x, materialize_grads=True)
    assert (second.item(), third.item()) == (0.0, 0.0)


def test_arrays_and_data_of_tensors_that_require_gradients() -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.numpy()
    with torch.no_grad():
        assert x.numpy().tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="must be floating point or complex dtype"):
        x.data = torch.tensor([1, 2])


def test_derivatives_are_checked_where_a_function_knows_its_input_from_elsewhere() -> None:
    state = torch.ones(2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda _: state * state, (state,))
