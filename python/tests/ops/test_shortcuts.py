"""Large or special cases that take a way of their own give what the plain way gives."""

import flambeau as torch
import pytest
from flambeau.nn import functional as F


@pytest.mark.parametrize("keys", [64, 300, 400])
def test_causal_attention_in_blocks(keys: int) -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, 8, dtype=torch.float64, requires_grad=True) for n in (300, keys, keys))
    mask = torch.ones(300, keys, dtype=torch.bool).tril()
    y, want = F.scaled_dot_product_attention(q, k, v, is_causal=True), F.scaled_dot_product_attention(q, k, v, mask)
    torch.testing.assert_close(y, want)
    for got, wanted in zip(
        torch.autograd.grad(y.sin().sum(), (q, k, v)), torch.autograd.grad(want.sin().sum(), (q, k, v)), strict=True
    ):
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("mask", [torch.zeros(3, 4, dtype=torch.bool), torch.full((3, 4), float("-inf"))])
def test_attention_that_sees_nothing(mask: torch.Tensor) -> None:
    q, k = torch.randn(3, 2, requires_grad=True), torch.randn(4, 2, requires_grad=True)
    y = F.scaled_dot_product_attention(q, k, k, mask)
    assert (y == 0).all()
    y.sum().backward()
    assert (q.grad == 0).all() and (k.grad == 0).all()


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim", [0, 1, None])
def test_one_quantile_by_selection(interpolation: str, dim: int | None) -> None:
    torch.manual_seed(0)
    x = torch.randn(40, 50)
    for q in (0.0, 0.3, 0.77, 1.0):
        for keepdim in (False, True):
            got = x.quantile(q, dim, keepdim, interpolation=interpolation)
            # Several at once are found by sorting.
            want = x.quantile(torch.tensor([q, 0.5]), dim, keepdim, interpolation=interpolation)[0]
            torch.testing.assert_close(got, want, rtol=0, atol=0)
    x[3, 5] = float("nan")
    assert x.quantile(0.3, 1).isnan().nonzero().tolist() == [[3]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_histogram_counts_as_comparisons_do(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(5000, dtype=dtype)
    x[:6] = torch.tensor([float("nan"), float("inf"), -float("inf"), -1.0, 0.5, 2.0], dtype=dtype)
    edges = torch.tensor([-1.0, -0.9, 0.5, 0.5, 1.9, 2.0], dtype=dtype)
    found = [((x >= low) & (x < high)).sum().item() for low, high in zip(edges[:-1], edges[1:], strict=True)]
    found[-1] += (x == 2).sum().item()
    assert torch.histogram(x, edges).hist.tolist() == found
    # Bins of equal size: each edge belongs to the bin on its right.
    y = torch.histogram(torch.arange(101, dtype=dtype), 10)
    assert y.hist.tolist() == [10.0] * 9 + [11.0]


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_dot_products(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    a, b = torch.randn(40001, dtype=dtype), torch.randn(40001, dtype=dtype)
    for x, y in ((a, b), (a[::3], b[1::3][: a[::3].numel()]), (a[:7], b[:7]), (a[:0], b[:0])):
        y = y[: x.numel()]
        x = x[: y.numel()]
        torch.testing.assert_close(torch.vdot(x, y), (x.conj() * y).sum(), rtol=1e-4, atol=1e-2)
        torch.testing.assert_close(torch.dot(x, y), (x * y).sum(), rtol=1e-4, atol=1e-2)
        torch.testing.assert_close(torch.dot(x.conj(), y), torch.vdot(x, y), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_rows_are_added_in_single_precision(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, rows, source = torch.randn(5, 300).to(dtype), torch.tensor([3, 1, 3, 3, 0]), torch.randn(5, 300).to(dtype)
    want = x.float().index_add(0, rows, source.float()).to(dtype)
    assert torch.equal(x.index_add(0, rows, source), want)
    with pytest.raises(RuntimeError, match="index 5 is out of bounds for dimension 0 with size 5"):
        x.index_add(0, rows + 2, source)


def test_bags_of_any_offsets() -> None:
    table, indices = torch.arange(8.0).view(4, 2), torch.tensor([3, 0, 1, 2, 3])
    y = F.embedding_bag(indices, table, torch.tensor([0, 2, 2]), mode="sum")
    assert y.tolist() == [[6.0, 8.0], [0.0, 0.0], [12.0, 15.0]]
    with pytest.raises(RuntimeError, match=r"Index 1 of input takes value 4 which is not in the valid range \[0, 4\)"):
        F.embedding_bag(torch.tensor([0, 4, -1]), table, torch.tensor([0]))


def test_slices_that_differ_late() -> None:
    x = torch.tensor([[1.0, 2.0], [1.0, 1.0], [float("nan"), 0.0], [1.0, 2.0], [float("nan"), 0.0]])
    values, inverse, counts = torch.unique(x[:4], dim=0, return_inverse=True, return_counts=True)
    assert values[:2].tolist() == [[1.0, 1.0], [1.0, 2.0]] and inverse.tolist() == [1, 0, 2, 1]
    assert counts.tolist() == [1, 2, 1]
    assert torch.unique(x, dim=0).shape == (4, 2)
    assert torch.unique_consecutive(torch.tensor([1, 1, 2, 2, 1])).tolist() == [1, 2, 1]
    assert torch.unique_consecutive(torch.tensor([float("nan"), float("nan"), 1.0, 1.0])).shape == (3,)
