"""Copies of views, gradients that are refused, and names beside the operators of the table."""

import math

import flambeau as torch
import pytest


def test_copies_own_their_memory():
    x = torch.arange(6.0).reshape(2, 3)
    for y in (torch.t_copy(x), torch.permute_copy(x, (1, 0)), torch.transpose_copy(x, 0, 1)):
        assert y.stride() == (2, 1) and y.data_ptr() != x.data_ptr()
        y.zero_()
    assert x.sum() == 15
    assert torch.expand_copy(torch.ones(1, 2), (3, 2)).stride() == (2, 1)


def test_derivatives_that_nobody_has():
    a = torch.ones(2, requires_grad=True)
    with pytest.raises(NotImplementedError, match="the derivative for 'igamma: input' is not implemented"):
        torch.igamma(a, torch.ones(2)).sum().backward()
    with pytest.raises(RuntimeError, match="derivative for aten::heaviside is not implemented"):
        torch.heaviside(a, a).sum().backward()
    x = torch.tensor([2.0], requires_grad=True)
    torch.igamma(torch.tensor([2.0]), x).backward()
    assert x.grad.item() == pytest.approx(2 * math.exp(-2), rel=1e-6)


def test_quantiles():
    x = torch.tensor([[3.0, 1.0, 2.0], [float("nan"), 5.0, 4.0]])
    assert torch.quantile(x, 0.5, dim=1).isnan().tolist() == [False, True]
    assert torch.nanquantile(x, 0.5, dim=1).tolist() == [2.0, 4.5]
    assert torch.quantile(x[0], torch.tensor([0.0, 1.0])).tolist() == [1.0, 3.0]
    with pytest.raises(RuntimeError, match=r"quantile\(\) q must be in the range \[0, 1\] but got 1.5"):
        torch.quantile(x, 1.5)
    with pytest.raises(RuntimeError, match="input tensor must be non-empty"):
        torch.quantile(torch.empty(0), 0.5)


def test_neighbours_of_half_precision():
    one = torch.ones(1, dtype=torch.bfloat16)
    assert torch.nextafter(one, one * 2).item() == 1 + 2**-7
    one = torch.ones(1, dtype=torch.float16)
    assert torch.nextafter(one, one * 2).item() == 1 + 2**-10
    assert torch.nextafter(one * 0, one).item() == 2**-24
    assert torch.nextafter(one * 65504, one * float("inf")).item() == float("inf")


def test_incomplete_gamma_of_large_orders():
    a = torch.tensor([1e3, 1e5, 1e7], dtype=torch.float64)
    assert torch.allclose(torch.igamma(a, a) + torch.igammac(a, a), torch.ones(3, dtype=torch.float64))
    # At the order itself the lower part is 1/2 + 1 / (3 sqrt(2 pi a)).
    assert torch.allclose(torch.igamma(a, a), 0.5 + 1 / (3 * (2 * math.pi * a).sqrt()), rtol=0, atol=1e-6)


def test_unravel_index():
    rows, columns = torch.unravel_index(torch.tensor([0, 5, 3]), (2, 3))
    assert rows.tolist() == [0, 1, 1] and columns.tolist() == [0, 2, 0]
    with pytest.raises(TypeError, match="expected 'indices' to be integer dtype"):
        torch.unravel_index(torch.ones(2), (2, 3))


def test_windows():
    window = torch.signal.windows.hann(4)
    assert window.tolist() == pytest.approx([0.0, 0.75, 0.75, 0.0], abs=1e-6)
    assert torch.hann_window(4).tolist() == pytest.approx([0.0, 0.5, 1.0, 0.5], abs=1e-6)
    with pytest.raises(ValueError, match="bartlett requires non-negative window length, got M=-1"):
        torch.signal.windows.bartlett(-1)


def test_masked():
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    mask = torch.tensor([[True, False], [True, True]])
    assert torch.masked.sum(x, 1, mask=mask).tolist() == [1.0, 7.0]
    assert torch.masked.amax(x, 0, mask=mask).tolist() == [3.0, 4.0]
    assert torch.masked.mean(x, mask=mask).item() == pytest.approx(8 / 3)
    assert torch.masked.softmax(x, 1, mask=mask)[0].tolist() == [1.0, 0.0]


def test_errors_of_operators_on_the_wrong_dtype():
    b = torch.tensor(True)
    for call in (lambda: -b, lambda: b - b, lambda: abs(b)):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.raises(TypeError, match="only implemented on integer and Boolean-type tensors"):
        _ = ~torch.tensor(1.0)
    with pytest.raises(TypeError, match="imag is not implemented"):
        _ = torch.tensor(1.0).imag
    with pytest.raises(RuntimeError, match="the base given to float_power_ has dtype Float"):
        torch.ones(2).float_power_(2)
