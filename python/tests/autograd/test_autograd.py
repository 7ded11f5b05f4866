"""Gradients as users meet them: texts of errors, `.grad`, hooks, writes in place, views. Texts are PyTorch's."""

import copy
import gc
import pickle
import weakref
from typing import Any

import flambeau as torch
import pytest
from flambeau.autograd import grad, gradcheck, gradgradcheck


def leaf(*values: float) -> Any:
    return torch.tensor([float(v) for v in values], requires_grad=True)


def test_errors_of_backward() -> None:
    x = leaf(1, 1)
    y = x * 2
    for call, message in [
        (y.backward, "grad can be implicitly created only for scalar outputs"),
        (x.detach().sum().backward, "element 0 of tensors does not require grad and does not have a grad_fn"),
        (
            lambda: y.backward(torch.ones(3)),
            r"Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[3\]\) and output\[0\]",
        ),
        (
            lambda: grad(y.sum(), leaf(1)),
            "The differentiated Tensor at index 0 appears to not have been used in the graph",
        ),
        (lambda: grad(y.sum(), torch.ones(2)), "One of the differentiated Tensors does not require grad"),
        (lambda: grad(y, x), "grad can be implicitly created only for scalar outputs"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            call()
    assert grad(y.sum(), [x, leaf(1)], allow_unused=True, retain_graph=True)[1] is None
    assert grad(y.sum(), leaf(1), materialize_grads=True)[0].tolist() == [0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True or not passed"):
        grad(y.sum(), x, allow_unused=False, materialize_grads=True)


def test_a_graph_is_freed_by_its_walk() -> None:
    x = leaf(1, 2)
    z = (x * x).sum()
    z.backward(retain_graph=True)
    z.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        z.backward()
    assert x.grad.tolist() == [4, 8]
    y = (x + 1).sum()
    y.backward()
    y.backward()


def test_requires_grad() -> None:
    x = leaf(1, 1)
    floating = "nly Tensors of floating point .*can require gradients"
    for call, message in [
        (lambda: torch.ones(2, dtype=torch.int64, requires_grad=True), floating),
        (lambda: torch.ones(2, dtype=torch.int64).requires_grad_(), floating),
        (lambda: setattr(torch.ones(2, dtype=torch.bool), "requires_grad", True), floating),
        (lambda: setattr(x * 2, "requires_grad", False), "you can only change requires_grad flags of leaf variables"),
        (lambda: (x * 2).requires_grad_(False), "you can only change requires_grad flags of leaf variables"),
        (torch.ones(2).retain_grad, "can't retain_grad on Tensor that has requires_grad=False"),
        (
            lambda: torch.ones(2).register_hook(print),
            "cannot register a hook on a tensor that doesn't require gradient",
        ),
    ]:
        with pytest.raises(RuntimeError, match=message):
            call()
    assert (x * 2).requires_grad_() is not None and not x.detach().requires_grad and x.is_leaf and not (x * 2).is_leaf


def test_grad_is_one_object_and_is_added_to() -> None:
    x = leaf(1, 1)
    assert x.grad is None
    (x**2).sum().backward()
    g = x.grad
    g.tag = "kept"
    assert x.grad is g
    (x**2).sum().backward()
    assert x.grad is g and g.tolist() == [4, 4]
    del g
    gc.collect()
    (x**2).sum().backward(create_graph=True)
    assert x.grad.requires_grad and x.grad.tolist() == [6, 6]


def test_setting_grad() -> None:
    x = leaf(1, 1)
    for value, error, message in [
        (torch.ones(3), RuntimeError, r"attempting to assign a gradient of size '\[3\]' to a tensor of size '\[2\]'"),
        (
            torch.ones(2, dtype=torch.float64),
            RuntimeError,
            "attempting to assign a gradient with dtype 'double' to a tensor",
        ),
        (5, TypeError, "assigned grad expected to be a Tensor or None but got grad of type"),
        (x, RuntimeError, "can't assign Variable as its own grad"),
    ]:
        with pytest.raises(error, match=message):
            x.grad = value
    mine = torch.ones(2)
    x.grad = mine
    assert x.grad is mine
    (x * 2).sum().backward()
    assert mine.tolist() == [3, 3]
    del x.grad
    assert x.grad is None
    for name in ("grad_fn", "is_leaf", "shape"):
        with pytest.raises(AttributeError, match="is not writable"):
            setattr(x, name, None)
    with pytest.raises(TypeError, match="Variable data has to be a tensor, but got int"):
        x.data = 5


def test_retained_gradients() -> None:
    x = leaf(1, 1)
    y = x * 2
    assert not y.retains_grad
    y.retain_grad()
    assert y.retains_grad
    (y * 3).sum().backward()
    assert y.grad.tolist() == [3, 3] and x.grad.tolist() == [6, 6]


def test_hooks() -> None:
    x = leaf(1, 1)
    first = x.register_hook(lambda g: g * 2)
    seen: list[Any] = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    x.sum().backward()
    assert x.grad.tolist() == [2, 2] and seen == [[2, 2]]
    first.remove()
    x.grad = None
    x.sum().backward()
    assert x.grad.tolist() == [1, 1]
    with x.register_hook(lambda g: g * 100):
        pass
    for bad, error, message in [
        (lambda g: 5, TypeError, "expected Variable, but hook returned 'int'"),
        (lambda g: 1 / 0, ZeroDivisionError, "division by zero"),
    ]:
        handle = x.register_hook(bad)
        with pytest.raises(error, match=message):
            x.sum().backward()
        handle.remove()
    y = x * 2
    y.register_hook(lambda g: g * 3)
    y.retain_grad()
    x.grad = None
    y.sum().backward()
    assert x.grad.tolist() == [6, 6] and y.grad.tolist() == [3, 3]


def test_hooks_after_accumulation() -> None:
    x = leaf(1, 1)
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad.tolist())))
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    assert seen == [(True, [2, 2])]
    with pytest.raises(RuntimeError, match="post accumulate grad hooks cannot be registered on non-leaf tensors"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_writes_that_are_refused() -> None:
    x = leaf(1, 1)
    a_leaf = "a leaf Variable that requires grad is being used in an in-place operation."
    a_view = "a view of a leaf Variable that requires grad is being used in an in-place operation."
    for call, message in [
        (lambda: x.add_(1), a_leaf),
        (lambda: x[0].add_(1), a_view),
        (lambda: x.view(2).mul_(2), a_view),
        (lambda: x.__setitem__(0, 5.0), a_view),
        (
            lambda: torch.add(x, 1, out=torch.ones(2)),
            "don't support automatic differentiation, but one of the arguments requires grad",
        ),
        (
            lambda: torch.add(torch.ones(2), 1, out=x),
            "don't support automatic differentiation, but one of the arguments requires grad",
        ),
        (
            lambda: (x * 1).unbind()[0].add_(1),
            "Output 0 of Unbind is a view and is being modified inplace. This view is the output of",
        ),
        (lambda: torch.split(x * 1, 1)[1].add_(1), "Output 1 of Split is a view and is being modified inplace"),
        (
            lambda: (x * 1).expand(2, 2).add_(1),
            "more than one element of the written-to tensor refers to a single memory location",
        ),
    ]:
        with pytest.raises(RuntimeError, match=message):
            call()
    assert x._version == 0
    x.data.add_(1)
    x.detach().add_(1)
    with torch.no_grad():
        x.add_(1)
    assert x.tolist() == [4, 4]
    y = x * 1
    with torch.no_grad():
        v = y[:1]
    with pytest.raises(
        RuntimeError, match="A view was created in no_grad mode and is being modified inplace with grad mode"
    ):
        v.mul_(2)


def overwritten(make: Any, write: Any) -> str:
    x = torch.full((2, 2), 0.5, requires_grad=True)
    y = make(x)
    write(y)
    with pytest.raises(RuntimeError) as e:
        y.sum().backward()
    return str(e.value)


def test_saved_values_that_were_overwritten() -> None:
    text = (
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[torch.FloatTensor [2, 2]], which is output 0 of {}, is at version 1; expected version 0 instead. Hint: "
        "enable anomaly detection to find the operation that failed to compute its gradient, with "
        "torch.autograd.set_detect_anomaly(True, check_nan=False)."
    )
    assert overwritten(torch.exp, lambda y: y.add_(1)) == text.format("Exp")
    assert overwritten(torch.sigmoid, lambda y: y.__setitem__(0, 3)) == text.format("Sigmoid")
    assert overwritten(lambda x: torch.tanh(x @ x), lambda y: y.mul_(2)) == text.format("Tanh")
    x = leaf(1, 1)
    b = torch.ones(2)
    y = x * b
    b.add_(1)
    with pytest.raises(RuntimeError, match=r"\[torch.FloatTensor \[2\]\] is at version 1; expected version 0 instead."):
        y.sum().backward()


def test_writes_through_views_carry_gradients() -> None:
    w = leaf(1, 2, 3)
    x = torch.zeros(3)
    x[0] = w[0] * 2
    assert repr(x) == "tensor([2., 0., 0.], grad_fn=<CopySlices>)"
    x.sum().backward()
    assert w.grad.tolist() == [2, 0, 0]
    w.grad = None
    x = torch.zeros(2, 3)
    x[:, 1] = w[:2]
    x[1] += w
    x[0, ::2] = w[1:]
    (x * x).sum().backward()
    assert x.tolist() == [[2, 1, 3], [1, 4, 3]] and w.grad.tolist() == [4, 20, 12]
    x = leaf(1, 1, 1)
    y = x * 1
    v = y[:2]
    before = v * 2
    v.mul_(3)
    y.mul_(5)
    assert type(v.grad_fn).__name__ and v.tolist() == [15, 15]
    (y.sum() + v.sum() + before.sum()).backward()
    assert x.grad.tolist() == [32, 32, 5]


def test_views_and_their_bases() -> None:
    x = leaf(1, 2, 3, 4)
    y = x.clone()
    assert x.view(2, 2)._base is x and y[1:][0]._base is y and x.detach()._base is None and not y._is_view()
    assert y[0]._is_view() and y.reshape(2, 2)._is_view() and not y[[0]]._is_view()
    assert x.unbind()[1].output_nr == 1 and x.output_nr == 0


def test_modes() -> None:
    x = leaf(1, 1)
    with torch.no_grad():
        assert not (x * 2).requires_grad and not torch.is_grad_enabled() and leaf(1).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad

    @torch.no_grad()
    def quiet(a: Any) -> Any:
        return a * 2

    assert not quiet(x).requires_grad and torch.is_grad_enabled()
    with torch.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    with pytest.raises(KeyError), torch.no_grad():
        raise KeyError
    assert torch.is_grad_enabled()
    with torch.inference_mode():
        assert not (x * 2).requires_grad


def test_gradients_of_gradients() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    y = x**3
    y.backward(create_graph=True)
    assert x.grad.item() == 12
    assert grad(x.grad, x)[0].item() == 12
    (g,) = grad(torch.sin(x), x, create_graph=True)
    assert grad(g, x)[0].item() == pytest.approx(-torch.sin(x).item())


def test_gradcheck() -> None:
    x = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda a: a**2, (x,)) and gradgradcheck(lambda a: a**3, (x,))
    with pytest.raises(RuntimeError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(lambda a: a.detach() ** 2 + a, (x,))
    assert not gradcheck(lambda a: a.detach() ** 2 + a, (x,), raise_exception=False)
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda a: a**2, (x.detach(),))


def test_nodes() -> None:
    x = leaf(1, 1)
    y = x.exp()
    z = y * x
    assert (
        y.grad_fn.name() == "ExpBackward0"
        and x.grad_fn is None
        and repr(y.grad_fn).startswith("<ExpBackward0 object at")
    )
    assert z.grad_fn.next_functions[0][0] is y.grad_fn and y.grad_fn is y.grad_fn
    accumulate = y.grad_fn.next_functions[0][0]
    assert accumulate.variable is x and accumulate.name() == "torch::autograd::AccumulateGrad"
    assert torch.equal(y.grad_fn._saved_result, y) and z.grad_fn._saved_self is y and z.grad_fn._saved_other is x
    z.sum().backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        z.grad_fn._saved_self  # noqa: B018
    with pytest.raises(AttributeError):
        z.grad_fn._saved_nothing  # noqa: B018


def test_attributes_live_as_long_as_their_tensor() -> None:
    x = leaf(1, 1)
    x.tag = [1]
    y = x * 2
    del x
    gc.collect()
    x = y.grad_fn.next_functions[0][0].variable
    assert x is None or x.tag == [1]
    x = leaf(1, 1)
    x.tag = "here"
    held = [x]
    assert held[0].tag == "here" and not hasattr(x.view(2), "tag") and not hasattr(x.detach(), "tag")
    assert x in {x} and hash(x) == id(x) and {x: 1}[x] == 1


class Thing:
    """Something a weak reference can watch."""


def test_cycles_are_collected() -> None:
    x = leaf(1, 1)
    y = x * 2
    y.me, y.loop = y, [y]
    gone = weakref.ref(y)
    del y
    gc.collect()
    assert gone() is None
    p, thing = leaf(1, 1), Thing()
    p.thing, thing.p = thing, p
    p.grad = torch.ones(2)
    gone = weakref.ref(thing)
    del p, thing
    gc.collect()
    assert gone() is None
    # A function's context dies with the last of its outputs.

    class Hold(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            ctx.thing = Thing()
            return a * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    y = Hold.apply(x)
    gone = weakref.ref(y.grad_fn.thing)
    z = y + 1
    del y
    assert gone() is not None
    del z
    gc.collect()
    assert gone() is None


def test_copies() -> None:
    x = torch.ones(2, 2, requires_grad=True)
    x.grad = torch.full((2, 2), 3.0)
    y = copy.deepcopy(x)
    assert y is not x and y.requires_grad and torch.equal(y, x) and y.grad.tolist() == [[3, 3], [3, 3]]
    with pytest.raises(
        RuntimeError, match="Only Tensors created explicitly by the user .* support the deepcopy protocol"
    ):
        copy.deepcopy(x * 2)
    z = pickle.loads(pickle.dumps(x))
    assert z.requires_grad and torch.equal(z, x) and z.grad is None


def test_a_long_chain_from_python() -> None:
    x = leaf(1)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    for _ in range(100_000):
        y = y * 1
    del y
    gc.collect()
