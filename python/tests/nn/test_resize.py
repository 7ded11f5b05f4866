"""Resampling, sampling at the places of a grid, patches: against values worked out by hand or by other operators."""

import flambeau as torch
import pytest
from flambeau.nn import functional as F


def test_the_ends_of_lines_stay():
    x = torch.tensor([[[1.0, 2.0, 4.0]]])
    assert F.interpolate(x, size=5, mode="linear", align_corners=True).tolist() == [[[1.0, 1.5, 2.0, 3.0, 4.0]]]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic", "area"])
def test_the_same_size_is_a_copy(mode):
    x = torch.rand(2, 3, 4, 5)
    assert torch.allclose(F.interpolate(x, size=(4, 5), mode=mode), x)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_smooth_resampling_keeps_a_constant(mode):
    y = F.interpolate(torch.full((1, 2, 9, 7), 3.0), size=(4, 5), mode=mode, antialias=True)
    assert torch.allclose(y, torch.full((1, 2, 4, 5), 3.0))


def test_bytes_stay_bytes():
    y = F.interpolate(torch.tensor([[[[0, 255]]]], dtype=torch.uint8), size=(1, 4), mode="bilinear")
    assert y.dtype == torch.uint8 and y.tolist() == [[[[0, 64, 191, 255]]]]


def test_channels_last_stays():
    x = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    y = F.interpolate(x, scale_factor=2, mode="bilinear")
    assert y.stride() == (240, 1, 30, 3)


def test_an_unknown_mode_is_refused():
    with pytest.raises(NotImplementedError, match="Input Error: Only 3D, 4D and 5D"):
        F.interpolate(torch.zeros(1, 1, 2, 2), size=3, mode="cube")
    with pytest.raises(NotImplementedError, match="Got 4D input, but linear mode needs 3D input"):
        F.interpolate(torch.zeros(1, 1, 2, 2), size=3, mode="linear")


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_the_identity_grid_gives_the_image(mode, padding):
    x = torch.rand(2, 3, 4, 5)
    theta = torch.eye(2, 3).expand(2, 2, 3)
    grid = F.affine_grid(theta, [2, 3, 4, 5], align_corners=False)
    assert torch.allclose(F.grid_sample(x, grid, mode, padding, align_corners=False), x, atol=1e-5)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_sampling_has_second_derivatives(mode):
    x = torch.rand(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    grid = (torch.rand(1, 2, 2, 2, dtype=torch.float64) * 1.6 - 0.8).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x, g: F.grid_sample(x, g, mode, align_corners=False), (x, grid))


def test_folding_counts_how_often_an_element_was_unfolded():
    patches = F.unfold(torch.ones(1, 1, 3, 3), 2)
    assert patches.shape == (1, 4, 4)
    assert F.fold(patches, (3, 3), 2).tolist() == [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]


def test_convolution_is_a_product_with_patches():
    x, w = torch.rand(2, 3, 5, 6), torch.rand(4, 3, 2, 3)
    y = (w.view(4, -1) @ F.unfold(x, (2, 3), padding=1, stride=2)).view(2, 4, 3, 3)
    assert torch.allclose(y, F.conv2d(x, w, padding=1, stride=2), atol=1e-5)


def test_fractional_windows_cover_the_ends():
    x = torch.arange(25.0).view(1, 1, 5, 5)
    y, at = F.fractional_max_pool2d(x, 2, 3, return_indices=True)
    assert y.shape == (1, 1, 3, 3) and torch.equal(x.flatten()[at], y)
    assert y[0, 0, 2, 2] == 24.0
