"""`torch.autograd.graph`: hooks for what the graph saves, edges of it, hooks over several gradients."""

from typing import Any

import flambeau as torch
import pytest
from flambeau.autograd import Function, graph


def leaf(*values: float) -> Any:
    return torch.tensor(values, dtype=torch.float32, requires_grad=True)


def test_hooks_see_what_is_saved() -> None:
    seen: list[Any] = []
    a, b = leaf(1, 2), leaf(3, 4)
    with graph.saved_tensors_hooks(lambda t: (seen.append(t), t)[1], lambda t: t):
        y = a * (b * 2)
    assert {id(a), id(b)} & {id(t) for t in seen} == {id(a)}
    assert sorted(t.tolist() for t in seen if t is not a) == [[6, 8]]
    y.sum().backward()
    assert a.grad.tolist() == [6, 8] and b.grad.tolist() == [2, 4]


def test_what_the_unpack_hook_gives_is_used() -> None:
    a = leaf(1, 2)
    with graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t * 2):
        y = a.exp()  # saves its output
    y.sum().backward()
    assert torch.allclose(a.grad, 2 * a.detach().exp())
    z = (leaf(1) * a).sum()  # outside of the block nothing is packed
    z.backward()


def test_a_copy_survives_a_write() -> None:
    a = leaf(1, 2)
    b = a.clone()
    with graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        y = b.pow(2)
    with torch.no_grad():
        b.zero_()
    y.sum().backward()
    assert a.grad.tolist() == [2, 4]


def test_second_derivatives_go_through_what_was_packed() -> None:
    a = leaf(1, 2)
    with graph.saved_tensors_hooks(lambda t: t.detach().numpy().copy(), torch.from_numpy):
        y = (a * a * a).exp()
    (g,) = torch.autograd.grad(y.sum(), a, create_graph=True)
    (gg,) = torch.autograd.grad(g.sum(), a)
    x = a.detach()
    assert torch.allclose(gg, (9 * x**4 + 6 * x) * (x**3).exp())


class Product(Function):
    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        out = x * y
        ctx.save_for_backward(x, y, out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        x, y, _ = ctx.saved_tensors
        return grad * y, grad * x


def test_hooks_of_functions_in_python() -> None:
    a, b, count = leaf(1, 2), leaf(3, 4), []
    with graph.saved_tensors_hooks(lambda t: (count.append(1), t.detach() * 10)[1], lambda t: t):
        y = Product.apply(a, b)
    g = torch.autograd.grad(y.sum(), (a, b), create_graph=True)
    assert len(count) == 3
    assert [x.tolist() for x in g] == [[30, 40], [10, 20]]
    assert torch.autograd.grad(g[0].sum(), b)[0].tolist() == [1, 1]


def test_lists_are_packed() -> None:
    a, b = leaf(1, 2), leaf(3)
    with graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        y = torch.einsum("i,j->ij", a, b).sum() + torch.cat([a, b]).pow(2).sum()
    y.backward()
    assert a.grad.tolist() == [5, 7] and b.grad.tolist() == [9]


def test_errors_of_hooks() -> None:
    a = leaf(1, 2)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: 3):
        y = a.exp()
    with pytest.raises(TypeError, match="expected to be a Tensor but got result of type int"):
        y.sum().backward()
    with pytest.raises(ZeroDivisionError), graph.saved_tensors_hooks(lambda t: 1 / 0, lambda t: t):
        a.exp()
    with pytest.raises(RuntimeError, match="pack hook is modifying its input in place"):
        with graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
            a.exp()
    with pytest.raises(RuntimeError, match="not here"), graph.disable_saved_tensors_hooks("not here"):
        with graph.save_on_cpu():
            pass
    assert a.exp().grad_fn is not None


def test_hooks_inside_hooks() -> None:
    a = leaf(2)
    with graph.saved_tensors_hooks(lambda t: t.detach(), lambda t: t * 10):
        with graph.saved_tensors_hooks(lambda t: t.detach(), lambda t: t):
            inner = a * a
        outer = a.pow(2)
    assert torch.autograd.grad(inner.sum(), a)[0].item() == 4
    assert torch.autograd.grad(outer.sum(), a)[0].item() == 40


def test_mutation_allowed() -> None:
    a = torch.ones(2, 3, requires_grad=True)
    with graph.allow_mutation_on_saved_tensors():
        b = a.clone()
        out = (b**2).sum()
        b.sin_()
        out.backward()
    assert a.grad.eq(2).all()
    with graph.allow_mutation_on_saved_tensors():
        out = (a.clone() ** 2).sum()
    with pytest.raises(AssertionError, match="outside of the 'allow_mutation_on_saved_tensors'"):
        out.backward()


def test_edges() -> None:
    x = leaf(1, 2, 3)
    y = x * 2
    here, there = graph.get_gradient_edge(y), graph.get_gradient_edge(x)
    z = (y**2).sum()
    gy, gx = torch.autograd.grad(z, [here, there], retain_graph=True)
    assert gy.tolist() == [4, 8, 12] and gx.tolist() == [8, 16, 24]
    assert torch.autograd.grad(here, x, torch.ones(3))[0].tolist() == [2, 2, 2]
    with pytest.raises(RuntimeError, match="does not require gradients"):
        graph.get_gradient_edge(torch.ones(1))


def test_an_edge_keeps_a_function_in_python() -> None:
    x = leaf(1, 2)
    y = Product.apply(x, x)
    edge = graph.get_gradient_edge(y)
    z = y.sum()
    del y
    assert torch.autograd.grad(z, edge)[0].tolist() == [1, 1]
    assert isinstance(edge.node, graph.Node) and isinstance(z.grad_fn, graph.Node) and not isinstance(3, graph.Node)


def test_multi_grad_hooks() -> None:
    a, b, c = leaf(1), leaf(2), leaf(3)
    seen: list[Any] = []
    handle = graph.register_multi_grad_hook([a, b, c], lambda gs: seen.append([g and g.item() for g in gs]))
    (a * 2 + b * 3).sum().backward()
    (a + b + c).sum().backward()
    (a + b).sum().backward(inputs=(a,))
    handle.remove()
    (a + b).sum().backward()
    assert seen == [[2, 3, None], [1, 1, 1], [1, None, None]]


def test_first_of_several() -> None:
    a, b, seen = leaf(1), leaf(2), []
    graph.register_multi_grad_hook([a, b], lambda g: seen.append(g.item()), mode="any")
    (a * 2 + b * 2).sum().backward()
    (b * 7).sum().backward()
    assert seen == [2, 7]
    with pytest.raises(ValueError, match="Expects mode"):
        graph.register_multi_grad_hook([a], print, mode="none")


def test_anomaly_detection() -> None:
    x = leaf(0, 1)
    with torch.autograd.set_detect_anomaly(True):
        with pytest.raises(RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"):
            (x.sqrt() * 0).sum().backward()
        assert torch.is_anomaly_enabled()
    with torch.autograd.detect_anomaly(check_nan=False):
        (x.sqrt() * 0).sum().backward()
    assert not torch.is_anomaly_enabled() and x.grad.isnan().any()


def test_checkpoint_of_packed_tensors() -> None:
    """A training step whose saved tensors are kept in half precision comes near to one in full."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.GELU(), torch.nn.Linear(8, 2))
    x, target = torch.randn(6, 3), torch.tensor([0, 1, 0, 1, 1, 0])

    def gradients(pack: Any, unpack: Any) -> list[Any]:
        with graph.saved_tensors_hooks(pack, unpack):
            loss = torch.nn.functional.cross_entropy(net(x), target)
        return list(torch.autograd.grad(loss, list(net.parameters())))

    def half(t: Any) -> Any:
        return (t.dtype, t.half() if t.is_floating_point() else t)

    near = gradients(half, lambda kept: kept[1].to(kept[0]))
    exact = gradients(lambda t: t, lambda t: t)
    for a, b in zip(near, exact, strict=True):
        assert torch.allclose(a, b, atol=3e-3)
    assert any(not torch.equal(a, b) for a, b in zip(near, exact, strict=True))
