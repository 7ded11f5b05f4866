"""Fourier transforms against NumPy's, and their errors."""

from __future__ import annotations

import flambeau as torch
import numpy as np
import pytest

LINE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
PLANE = ["fft2", "ifft2", "rfft2", "irfft2"]


def signal(*sizes: int) -> np.ndarray:
    return np.cos(np.arange(np.prod(sizes)) ** 2 % 17).reshape(sizes)


@pytest.mark.parametrize("name", LINE)
@pytest.mark.parametrize("norm", [None, "ortho", "forward", "backward"])
@pytest.mark.parametrize("n", [None, 4, 9])
def test_line(name: str, norm: str | None, n: int | None) -> None:
    x = signal(3, 7)
    got = getattr(torch.fft, name)(torch.from_numpy(x), n, dim=0 if n == 4 else -1, norm=norm)
    wanted = getattr(np.fft, name)(x, n, axis=0 if n == 4 else -1, norm=norm)
    assert np.allclose(got.numpy(), wanted)


@pytest.mark.parametrize("name", PLANE)
def test_plane_of_a_strided_tensor(name: str) -> None:
    x = signal(6, 4, 5).transpose(2, 0, 1)
    got = getattr(torch.fft, name)(torch.from_numpy(x), norm="ortho")
    assert np.allclose(got.numpy(), getattr(np.fft, name)(x, norm="ortho"))


def test_several_dimensions_resized() -> None:
    x = signal(2, 3, 4)
    got = torch.fft.rfftn(torch.from_numpy(x), s=(3, 5), dim=(0, 2))
    assert np.allclose(got.numpy(), np.fft.rfftn(x, s=(3, 5), axes=(0, 2)))
    assert torch.fft.irfftn(got, s=(3, 5), dim=(0, 2)).shape == (3, 3, 5)


def test_windows_and_back() -> None:
    x = torch.from_numpy(signal(2, 40))
    window = torch.from_numpy(np.hanning(10)[1:-1] + 0.1)
    z = torch.stft(x, 8, 2, window=window, return_complex=True)
    assert z.shape == (2, 5, 21)
    assert torch.allclose(torch.istft(z, 8, 2, window=window, length=40), x)


def test_the_gradient_of_a_real_signal_is_real() -> None:
    x = torch.ones(5, requires_grad=True)
    torch.fft.rfft(x).abs().sum().backward()
    assert x.grad.dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: torch.fft.fft(torch.tensor(1.0)), IndexError, "tensor has no dimensions"),
        (lambda: torch.fft.fft(torch.ones(3), n=0), RuntimeError, r"Invalid number of data points \(0\)"),
        (lambda: torch.fft.fft(torch.ones(3), norm="x"), RuntimeError, 'Invalid normalization mode: "x"'),
        (
            lambda: torch.fft.rfft(torch.ones(3) + 1j),
            TypeError,
            "rfft expects a real input tensor, but got ComplexFloat",
        ),
        (lambda: torch.fft.fft(torch.ones(3).bfloat16()), NotImplementedError, "Unsupported dtype BFloat16"),
        (lambda: torch.fft.fft2(torch.ones(3, 3), dim=(0, 0)), RuntimeError, "FFT dims must be unique"),
        (lambda: torch.fft.fft(torch.ones(3), out=torch.ones(3)), RuntimeError, "fft expects a complex output tensor"),
        (lambda: torch.stft(torch.ones(20), 10), RuntimeError, "stft requires the return_complex parameter"),
    ],
)
def test_errors(call, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        call()
