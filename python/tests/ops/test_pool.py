"""Pooling of volumes and to a given size."""

import flambeau as torch
import pytest
from flambeau.nn import functional as F


def test_max_pool3d_tells_where_the_maxima_lie():
    x = torch.arange(16.0).reshape(1, 1, 2, 2, 4).flip(-1)
    y, at = F.max_pool3d(x, 2, return_indices=True)
    assert y.tolist() == [[[[[15.0, 13.0]]]]]
    assert at.tolist() == [[[[[12, 14]]]]]
    assert F.max_pool3d(x, 2).equal(y)


def test_avg_pool3d_counts_padding_only_if_asked_to():
    x = torch.ones(1, 1, 2, 2, 2)
    padded = F.avg_pool3d(x, 2, stride=2, padding=1)
    assert padded.tolist() == [[[[[0.125] * 2] * 2] * 2]]
    assert F.avg_pool3d(x, 2, stride=2, padding=1, count_include_pad=False).unique().tolist() == [1.0]
    assert F.avg_pool3d(x, 2, divisor_override=4).item() == 2.0


def test_adaptive_windows_overlap_where_they_must():
    x = torch.arange(5.0).reshape(1, 1, 5)
    assert F.adaptive_avg_pool1d(x, 3).tolist() == [[[0.5, 2.0, 3.5]]]
    y, at = F.adaptive_max_pool1d(x, 3, return_indices=True)
    assert (y.tolist(), at.tolist()) == ([[[1.0, 3.0, 4.0]]], [[[1, 3, 4]]])
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    assert F.adaptive_avg_pool2d(image, (None, 2)).shape == (1, 1, 3, 2)
    assert F.adaptive_max_pool2d(image, 1).item() == 11.0


def test_the_gradient_goes_to_the_winner():
    x = torch.arange(8.0).reshape(1, 1, 2, 2, 2).requires_grad_()
    F.adaptive_max_pool3d(x, 1).sum().backward()
    assert x.grad.flatten().tolist() == [0.0] * 7 + [1.0]


def test_channels_last_stays():
    x = torch.arange(16.0).reshape(1, 2, 2, 4).contiguous(memory_format=torch.channels_last)
    for pooled in (F.max_pool2d(x, 2), F.avg_pool2d(x, 2)):
        assert pooled.stride() == (4, 1, 4, 2)
    assert F.max_pool2d(x, 2).flatten().tolist() == [5.0, 7.0, 13.0, 15.0]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: F.avg_pool3d(torch.ones(0, 1, 49), 2), "non-empty 4D or 5D"),
        (lambda: F.max_pool3d(torch.ones(1, 1, 1, 4, 4), 2), "Output size is too small"),
        (lambda: F.max_pool1d(torch.ones(2, 2, 2), 5, 1), r"max_pool1d\(\) Invalid computed output size: -2"),
        (lambda: F.adaptive_avg_pool2d(torch.ones(1, 2, 3, 4), ()), "output_size must be 2"),
        (lambda: F.adaptive_max_pool2d(torch.ones(1, 1, 1, 1), (-1, 0)), "negative dimension -1"),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(RuntimeError, match=words):
        call()
