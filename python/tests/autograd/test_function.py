"""`torch.autograd.Function`: contexts, outputs of every kind, what a wrong `backward` is told."""

import warnings
from typing import Any

import flambeau as torch
import pytest
from flambeau.autograd import Function


class Cube(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        ctx.power = 3
        return x**3

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return grad * ctx.power * x * x


def test_gradients_of_gradients() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    y = Cube.apply(x)
    assert repr(y) == "tensor(8., grad_fn=<CubeBackward>)" and type(y.grad_fn).__name__ == "CubeBackward"
    for expected in (12, 12, 6):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        assert y.item() == expected
    assert not Cube.apply(torch.ones(1)).requires_grad
    assert torch.autograd.gradcheck(Cube.apply, torch.rand(3, dtype=torch.float64).requires_grad_())


def test_a_graph_runs_once() -> None:
    x = torch.ones(2, requires_grad=True)
    y = Cube.apply(x).sum()
    y.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_outputs_that_are_no_tensors_and_unused_ones() -> None:
    seen = []

    class Mixed(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any, n: int) -> Any:
            assert not torch.is_grad_enabled()
            seen.append(ctx.needs_input_grad)
            ctx.set_materialize_grads(n == 0)
            ctx.save_for_backward(b)
            return a * b, "text", a + b, n

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            seen.append(tuple(None if g is None else g.tolist() for g in grads))
            return torch.ones(2), None, None

    a, b = torch.ones(2, requires_grad=True), torch.ones(2)
    out = Mixed.apply(a, b, 7)
    assert out[1] == "text" and out[3] == 7 and out[0].requires_grad and out[2].requires_grad
    out[0].sum().backward()
    Mixed.apply(a, b, 7)[2].sum().backward()
    Mixed.apply(a, b, 0)[0].sum().backward()
    need = (True, False, False)
    assert seen[:4] == [need, ([1, 1], None, None, None), need, (None, None, [1, 1], None)]
    assert seen[5][0] == [1, 1] and seen[5][2] == [0, 0] and seen[5][1] is None
    assert a.grad.tolist() == [3, 3]


def test_non_differentiable_outputs() -> None:
    class Masked(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            mask = x > 0
            ctx.mark_non_differentiable(mask)
            return x * 2, mask

        @staticmethod
        def backward(ctx: Any, grad: Any, grad_mask: Any) -> Any:
            assert grad_mask.tolist() == [False, False]
            return grad * 2

    x = torch.ones(2, requires_grad=True)
    y, mask = Masked.apply(x)
    assert y.requires_grad and not mask.requires_grad and mask.tolist() == [True, True]
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_changes_in_place() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2

    x = torch.ones(2, requires_grad=True)
    y = x * 1
    z = Double.apply(y)
    assert z is y and y.tolist() == [2, 2] and type(y.grad_fn).__name__ == "DoubleBackward"
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad has been used in an in-place operation"):
        Double.apply(x)


def test_context_made_apart() -> None:
    class Product(Function):
        @staticmethod
        def forward(a: Any, b: Any) -> Any:
            return a * b

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            assert output.item() == 6
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            a, b = ctx.saved_tensors
            return grad * b, grad * a

    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    Product.apply(a, b).backward()
    assert (a.grad.item(), b.grad.item()) == (3, 2)


def test_saved_tensors_are_the_objects_that_were_saved() -> None:
    class Keep(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            ctx.save_for_backward(a, None, b)
            return a * b

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            first, nothing, second = ctx.saved_tensors
            assert first is a and nothing is None and second is b
            return grad, grad

    a, b = torch.ones(1, requires_grad=True), torch.ones(1)
    Keep.apply(a, b).backward()
    y = Keep.apply(a, b)
    b.add_(1)
    with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
        y.backward()


class Same(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad * 2


def test_an_input_returned_is_another_tensor() -> None:
    x = torch.ones(2, requires_grad=True)
    y = Same.apply(x)
    assert y is not x and y.data_ptr() == x.data_ptr() and x.grad_fn is None
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]


def wrong(answer: Any) -> Any:
    class Wrong(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return answer(grad) if callable(answer) else answer

    return Wrong


@pytest.mark.parametrize(
    "answer, error, message",
    [
        (
            lambda g: (g, g),
            RuntimeError,
            r"WrongBackward returned an incorrect number of gradients \(expected 1, got 2\)",
        ),
        (lambda g: (), RuntimeError, r"WrongBackward returned an incorrect number of gradients \(expected 1, got 0\)"),
        (
            lambda g: torch.ones(5),
            RuntimeError,
            r"Function WrongBackward returned an invalid gradient at index 0 - got \[5\] but expected shape",
        ),
        (5, RuntimeError, r"expected Variable or None \(got int\)"),
        (ValueError("mine"), ValueError, "^mine$"),
    ],
)
def test_wrong_backwards(answer: Any, error: Any, message: str) -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(error, match=message):
        wrong(answer).apply(x).sum().backward()
    assert x.grad is None


def test_a_missing_backward() -> None:
    class Half(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x / 2

    with pytest.raises(NotImplementedError, match="You must implement either the backward or vjp method"):
        Half.apply(torch.ones(1, requires_grad=True)).backward()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Half()
    assert "should not be instantiated" in str(caught[0].message)


def test_once_differentiable() -> None:
    class Once(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, grad: Any) -> Any:
            return grad * 2 * ctx.saved_tensors[0]

    x = torch.tensor(3.0, requires_grad=True)
    Once.apply(x).backward()
    assert x.grad.item() == 6


class Halves(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x[:2], x[2:]

    @staticmethod
    def backward(ctx: Any, left: Any, right: Any) -> Any:
        return torch.cat([left, right]) * 2


def test_views_from_functions_are_not_written_in_place() -> None:
    x = torch.ones(4, requires_grad=True)
    y = Same.apply(x)
    assert y._is_view() and y._base is x
    alone = "is a view and is being modified inplace. This view was created inside a custom Function"
    several = "is a view and is being modified inplace. This view is the output of a function that returns"
    for made in (y, Same.apply(x * 1)):
        with pytest.raises(RuntimeError, match="Output 0 of Same " + alone):
            made.add_(1)
        with pytest.raises(RuntimeError, match="Output 0 of Slice " + alone):
            made[1:].relu_()
    with pytest.raises(RuntimeError, match="Output 1 of Halves " + several):
        Halves.apply(x * 1)[1].add_(1)
    layer = torch.nn.ReLU(inplace=True)
    layer.register_full_backward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="Output 0 of BackwardHookFunction " + alone):
        layer(x * 1)
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("tracked", [True, False])
def test_views_from_functions_whose_base_is_written(tracked: bool) -> None:
    x = torch.ones(4, requires_grad=True)
    base = x * 1
    y, (left, _) = Same.apply(base), Halves.apply(base)
    before = y.sum()
    with torch.set_grad_enabled(tracked):
        base.mul_(3)
    assert y.tolist() == [3, 3, 3, 3] and y.requires_grad
    for made, name in ((y, "Same"), (left, "Halves")):
        with pytest.raises(RuntimeError, match=f"Output 0 of {name} is a view and its base or another view"):
            made.sum().backward()
    before.backward()
    assert x.grad.tolist() == [2, 2, 2, 2]
