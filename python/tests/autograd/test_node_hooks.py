"""Hooks of nodes, and cycles of objects through hooks and contexts."""

import gc
import weakref
from typing import Any

import flambeau as torch
import pytest
from flambeau.autograd import Function


class Double(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, kept: Any = None) -> Any:
        ctx.kept = kept
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * 2, None


def leaf() -> Any:
    return torch.ones(2, requires_grad=True)


def test_hooks_see_the_gradients_of_both_sides() -> None:
    x, seen = leaf(), []
    y = x * leaf()
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    y.grad_fn.register_prehook(lambda outputs: seen.append(outputs))
    (3 * y).sum().backward()
    (before,), (inputs, outputs) = seen
    assert before.tolist() == [3, 3] and [g.tolist() for g in inputs] == [[3, 3]] * 2 and outputs[0].tolist() == [3, 3]


@pytest.mark.parametrize("function", [lambda x: x * 2, Double.apply])
def test_what_hooks_return_goes_on(function: Any) -> None:
    x = leaf()
    y = function(x)
    y.grad_fn.register_hook(lambda inputs, _: tuple(None if g is None else g * 10 for g in inputs))
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 3,))
    y.sum().backward()
    assert x.grad.tolist() == [60, 60]


def test_removed_hook_is_not_called() -> None:
    x = leaf()
    y = x * 2
    y.grad_fn.register_hook(lambda inputs, _: pytest.fail("called")).remove()
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_hooks_of_an_accumulator() -> None:
    x, seen = leaf(), []
    y = x * 2
    accumulator = y.grad_fn.next_functions[0][0]
    accumulator.register_hook(lambda inputs, outputs: seen.append((inputs, outputs[0].tolist())))
    accumulator.register_prehook(lambda outputs: (outputs[0] * 7,))
    y.sum().backward()
    assert seen == [((), [14, 14])] and x.grad.tolist() == [14, 14]


def test_gradients_nobody_wants_are_none() -> None:
    x, seen = leaf(), []
    z = x * leaf()
    z.grad_fn.register_hook(lambda inputs, _: seen.append(inputs))
    torch.autograd.grad(z.sum(), x)
    assert seen[0][0].tolist() == [1, 1] and seen[0][1] is None


def test_errors_of_hooks() -> None:
    def wide(inputs: Any, outputs: Any) -> Any:
        return inputs[:1] * 5

    y = leaf() * leaf()
    handle = y.grad_fn.register_hook(wide)
    with pytest.raises(RuntimeError, match=r"hook 'wide' has returned an incorrect number of values \(got 5, but exp"):
        y.sum().backward(retain_graph=True)
    handle.remove()
    y.grad_fn.register_hook(lambda inputs, outputs: 3)
    with pytest.raises(TypeError, match="expected tuple, but hook returned 'int'"):
        y.sum().backward(retain_graph=True)
    z = leaf() * leaf()
    z.grad_fn.register_prehook(lambda outputs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        z.sum().backward()


class Owner:
    tensor: Any


def through_a_hook(owner: Owner) -> None:
    owner.tensor = leaf()
    owner.tensor.register_hook(lambda g, owner=owner: None)


def through_an_attribute(owner: Owner) -> None:
    owner.tensor = leaf()
    owner.tensor.owner = owner


def through_a_context(owner: Owner) -> None:
    owner.tensor = Double.apply(leaf(), owner)


@pytest.mark.parametrize("tie", [through_a_hook, through_an_attribute, through_a_context])
def test_cycles_are_collected(tie: Any) -> None:
    owner = Owner()
    gone = weakref.ref(owner)
    tie(owner)
    gc.collect()
    assert gone() is owner
    del owner
    gc.collect()
    assert gone() is None


def test_what_a_graph_shares_is_not_collected() -> None:
    owner = Owner()
    through_a_hook(owner)
    through_a_context(second := Owner())
    y, z = owner.tensor * 2, second.tensor * 2
    gone = weakref.ref(owner)
    del owner, second
    gc.collect()
    assert gone() is not None
    (y + z).sum().backward()
    del y, z
    gc.collect()
