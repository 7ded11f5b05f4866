"""Checkpoints give the gradients that there are without them."""

import weakref
from functools import partial

import flambeau as torch
import numpy as np
import pytest
from flambeau import nn
from flambeau.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential, set_checkpoint_early_stop


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 3), nn.Sigmoid())


def gradients(model, run):
    """The gradients of the input and of the parameters, from the same random numbers each time."""
    torch.manual_seed(3)
    x = torch.randn(5, 3, requires_grad=True)
    model.zero_grad()
    run(x * 2).sum().backward()
    return [x.grad, *(p.grad for p in model.parameters())]


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_gradients_are_those_without_a_checkpoint(use_reentrant):
    model = network()
    expected = gradients(model, model)
    for run in (
        lambda x: checkpoint(model, x, use_reentrant=use_reentrant),
        lambda x: checkpoint_sequential(model, 2, x, use_reentrant=use_reentrant),
        lambda x: checkpoint_sequential(list(model), 5, x, use_reentrant=use_reentrant),
        checkpoint(use_reentrant=use_reentrant)(model),
    ):
        for got, want in zip(gradients(model, run), expected, strict=True):
            assert torch.equal(got, want)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_random_numbers_are_drawn_again_if_they_are_not_preserved(use_reentrant):
    x = torch.ones(1000, requires_grad=True)
    out = checkpoint(nn.Dropout(0.5), x, use_reentrant=use_reentrant, preserve_rng_state=False)
    out.sum().backward()
    assert not torch.equal(out, x.grad)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_random_numbers_go_on_after_the_backward_pass(use_reentrant):
    x = torch.ones(10, requires_grad=True)
    out = checkpoint(nn.Dropout(0.5), x, use_reentrant=use_reentrant)
    state = torch.get_rng_state()
    out.sum().backward()
    assert torch.equal(torch.get_rng_state(), state) and torch.equal(out, x.grad)


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_mixed_precision_is_as_it_was(use_reentrant):
    seen = []

    def function(x):
        y = x @ x
        seen.append(y.dtype)  # not reached again without reentry: all is known by then
        return y

    x = torch.randn(2, 2, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        out = checkpoint(function, x, use_reentrant=use_reentrant)
    out.sum().backward()
    assert seen == [torch.bfloat16] * (2 if use_reentrant else 1)
    assert x.grad.dtype == torch.float32


def test_what_is_recorded_is_the_graph():
    x = torch.ones(2, requires_grad=True)
    seen = []
    out = checkpoint(lambda t: seen.append(1) or t.exp(), x, use_reentrant=False)
    assert out.grad_fn.name() == "ExpBackward0" and out.grad_fn._saved_result.tolist() == out.tolist()
    assert len(seen) == 2


def test_grad_inputs_and_second_derivatives():
    w = torch.tensor([2.0, 3.0], requires_grad=True)

    def function(x):
        return ((x * w).sin() * x).sum()

    def derivatives(run):
        x = torch.tensor([1.0, -1.0], requires_grad=True)
        first = torch.autograd.grad(run(x * w), (x, w), create_graph=True)
        second = torch.autograd.grad(sum(g.pow(2).sum() for g in first), (x, w), create_graph=True)
        third = torch.autograd.grad(sum(g.sum() for g in second), (x, w))
        return first + second + third

    for run in (partial(checkpoint, function, use_reentrant=False), checkpoint(use_reentrant=False)(function)):
        for got, want in zip(derivatives(run), derivatives(function), strict=True):
            assert torch.allclose(got, want)


def test_some_inputs_only():
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    out = checkpoint(torch.mul, a, b, use_reentrant=False)
    out.backward(inputs=[a])
    assert a.grad == 3 and b.grad is None


def test_nested_arguments_and_results():
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)

    def function(pair, *, other):
        return {"sum": pair[0] + other["b"], "rest": (pair[0] * 3, 7)}

    out = checkpoint(function, (a, 1), other={"b": b}, use_reentrant=False)
    assert out["rest"][1] == 7
    (out["sum"] * 2 + out["rest"][0]).sum().backward()
    assert a.grad.tolist() == [5, 5] and b.grad.tolist() == [2, 2]


def test_an_argument_that_depends_on_another():
    a = torch.tensor(2.0, requires_grad=True)
    b = a * 3
    checkpoint(lambda x, y: x * y * a, a, b, use_reentrant=False).backward()
    assert a.grad == 9 * 2 * 2  # of 3 a^3


def test_tensors_of_the_closure():
    x = torch.ones(2, requires_grad=True)
    y, factor = x * 2, torch.tensor([5.0], requires_grad=True)
    out = checkpoint(lambda: y * y * factor, use_reentrant=False)
    out.sum().backward()
    assert x.grad.tolist() == [40, 40] and factor.grad.tolist() == [8]


def test_a_tensor_from_elsewhere_keeps_the_graph():
    x = torch.ones(2, requires_grad=True)
    box = [[x * 2]]

    class Reader:
        def __call__(self, t):
            return t * box[0][0]

    checkpoint(Reader(), x, use_reentrant=False).sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_hooks_of_parameters_run_once():
    layer, seen = nn.Linear(2, 1), []
    layer.weight.register_hook(lambda g: seen.append(g) or g * 2)
    x = torch.ones(3, 2)
    checkpoint(lambda t: layer(t) + layer(t), x, use_reentrant=False).sum().backward()
    assert len(seen) == 1 and layer.weight.grad.tolist() == [[12, 12]]


@pytest.mark.parametrize("inner", [True, False])
@pytest.mark.parametrize("outer", [True, False])
def test_checkpoints_in_checkpoints(inner, outer):
    model = network()
    expected = gradients(model, model)

    def function(x):
        return checkpoint(model[2:], checkpoint(model[:2], x, use_reentrant=inner), use_reentrant=inner)

    for got, want in zip(
        gradients(model, lambda x: checkpoint(function, x, use_reentrant=outer)), expected, strict=True
    ):
        assert torch.equal(got, want)


def test_backward_frees_and_retains():
    x = torch.ones(2, requires_grad=True)
    out = checkpoint(torch.sin, x, use_reentrant=False).sum()
    out.backward(retain_graph=True)
    out.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        out.backward()


def test_without_gradients_it_is_a_call():
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        assert not checkpoint(torch.sin, x, use_reentrant=False).requires_grad
    assert checkpoint(lambda t: t.detach(), x, use_reentrant=False).grad_fn is None
    assert checkpoint(lambda t: t, x, use_reentrant=False) is x


def test_contexts():
    seen = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *exception):
            return self.name == "hides"

    x = torch.ones(2, requires_grad=True)
    contexts = (Context("forward"), Context("again"))
    checkpoint(torch.sin, x, use_reentrant=False, context_fn=lambda: contexts).sum().backward()
    assert seen == ["forward", "again"]
    with pytest.raises(RuntimeError, match="suppressed an exception raised during the checkpointed forward"):
        checkpoint(lambda t: 1 / 0, x, use_reentrant=False, context_fn=lambda: (Context("hides"), Context("again")))


def changing(*functions):
    """A function that is another one at each call."""
    calls = iter(functions)
    return lambda x: next(calls)(x)


NUMBERS = (
    "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
    "Number of tensors saved"
)
LOOKS = (
    "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during the "
    "forward pass.\ntensor at position 0:\n"
    "saved metadata: {'shape': torch.Size([2, 2]), 'dtype': torch.float32, 'device': device(type='cpu')}\n"
    "recomputed metadata: {'shape': torch.Size([1, 2]), 'dtype': torch.float32, 'device': device(type='cpu')}\n.\n"
)


@pytest.mark.parametrize("early_stop", [True, False])
@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ((lambda x: x.sin().cos(), torch.sin), f"{NUMBERS} during forward: 2\n"),
        ((torch.sin, lambda x: x + 1), "\nNumber of tensors saved during recomputation: 0."),
        ((lambda x: x * torch.ones(2, 2), lambda x: x * torch.ones(1, 2)), LOOKS),
    ],
)
def test_a_function_that_differs(functions, message, early_stop):
    x = torch.ones(2, requires_grad=True)
    out = checkpoint(changing(*functions), x, use_reentrant=False, early_stop=early_stop)
    with pytest.raises(CheckpointError) as error:
        out.sum().backward()
    assert message in str(error.value)


def test_a_function_that_does_more():
    x = torch.ones(2, requires_grad=True)
    functions = torch.sin, lambda x: x.sin().cos()
    checkpoint(changing(*functions), x, use_reentrant=False).sum().backward()
    assert torch.equal(x.grad, x.cos())
    out = checkpoint(changing(*functions), x, use_reentrant=False, early_stop=False)
    with pytest.raises(CheckpointError, match="trying to save more tensors during recomputation than during the orig"):
        out.sum().backward()


def test_how_tensors_look_need_not_matter():
    x = torch.ones(2, requires_grad=True)
    functions = (lambda x: x * torch.ones(2, 2), lambda x: x * torch.ones(1, 2))
    checkpoint(changing(*functions), x, use_reentrant=False, determinism_check="none").sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_early_stop():
    def calls(**options):
        def function(x):
            log.append("a")
            y = x.sin()
            log.append("b")
            y = y.cos()
            log.append("c")
            return y + 1

        log, x = [], torch.ones(2, requires_grad=True)
        out = checkpoint(function, x, use_reentrant=False, **options).sum()
        out.backward(retain_graph=True)
        out.backward()
        return "".join(log)

    assert calls() == "abcabab"
    assert calls(early_stop=False) == "abcabcabc"
    with set_checkpoint_early_stop(False):
        assert calls(early_stop=True) == "abcabcabc"
        with set_checkpoint_early_stop(True):
            assert calls(early_stop=False) == "abcabab"
    assert calls() == "abcabab"


def test_calls_of_checkpoints_in_checkpoints():
    log, x = [], torch.ones(2, requires_grad=True)

    def first(x):
        log.append("a")
        y = (x.sin() * x).cos()
        log.append("A")
        return y

    def second(x):
        log.append("b")
        y = x.exp() * 2
        log.append("B")
        return y

    def both(x):
        y = checkpoint(first, x * x, use_reentrant=False)
        return checkpoint(second, y, use_reentrant=False).tanh()

    checkpoint(both, x.cosh(), use_reentrant=False).sum().backward()
    assert "".join(log) == "aAbBaAbBba"
    assert x.grad.tolist() == pytest.approx([0.6405, 0.6405], abs=1e-4)


def test_errors():
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicitly"):
        checkpoint(torch.sin, x)
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True. Gradients will be None"):
        checkpoint(torch.sin, x.detach(), use_reentrant=True)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: other"):
        checkpoint(torch.add, x, use_reentrant=True, other=x)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: early"):
        checkpoint_sequential([torch.sin], 1, x, use_reentrant=True, early=1)
    with pytest.raises(ValueError, match="only supported when use_reentrant=False"):
        checkpoint(torch.sin, x, use_reentrant=True, debug=True)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(torch.sin, x, use_reentrant=False, determinism_check="all")
    out = checkpoint(torch.sin, x, use_reentrant=True)
    with pytest.raises(RuntimeError, match="torch.utils.checkpoint is incompatible with .grad"):
        torch.autograd.grad(out.sum(), x)
    with pytest.raises(RuntimeError, match="torch.utils.checkpoint is incompatible with .grad"):
        torch.autograd.backward(checkpoint(torch.sin, x, use_reentrant=True).sum(), inputs=[x])
    with pytest.raises(RuntimeError, match="none of output has requires_grad=True, this checkpoint"):
        checkpoint(lambda t: t.detach(), x, use_reentrant=True).sum().backward()


def test_arguments_written_to_later_are_an_error():
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    out = checkpoint(torch.sin, y, use_reentrant=True)
    with torch.no_grad():
        y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_what_the_backward_pass_needs_is_not_kept(use_reentrant):
    kept = []

    def function(x):
        factors = np.full(2, 3, dtype=np.float32)
        kept.append(weakref.ref(factors))
        return (x * torch.from_numpy(factors)).sin()

    x = torch.ones(2, requires_grad=True)
    out = checkpoint(function, x, use_reentrant=use_reentrant)
    assert len(kept) == 1 and kept[0]() is None
    out.sum().backward()
    assert len(kept) == 2 and kept[1]() is None
    assert x.grad.tolist() == pytest.approx([-2.96998, -2.96998])
