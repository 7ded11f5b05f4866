"""Random tensors for tests."""

import flambeau as torch
import pytest
from flambeau.testing import make_tensor

WHOLE = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64]
FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128]


@pytest.mark.parametrize("dtype", WHOLE + FLOATS)
def test_values_lie_in_the_interval(dtype):
    x = make_tensor((50, 4), dtype=dtype, device="cpu")
    assert x.shape == (50, 4) and x.dtype == dtype and x.is_contiguous() and not x.requires_grad
    real = (torch.view_as_real(x) if x.is_complex() else x).double()
    low, high = (0, 1) if dtype == torch.bool else (0 if dtype == torch.uint8 else -9, 9)
    assert real.min() >= low and real.max() <= high and real.std() > 0.4


def test_the_numbers_are_pytorchs():
    torch.manual_seed(0)
    assert make_tensor(3, dtype=torch.float32, device="cpu").tolist() == [
        -0.06738138198852539,
        4.8279924392700195,
        -7.407406330108643,
    ]
    assert make_tensor([4], dtype=torch.int64, device="cpu").tolist() == [-9, 2, -2, -4]
    drawn = make_tensor(2, dtype=torch.complex64, device="cpu", low=0, high=1)
    assert drawn.tolist() == [(0.8964447379112244 + 0.455627977848053j), (0.6323062777519226 + 0.3488934636116028j)]


def test_layouts():
    x = make_tensor(3, 4, dtype=torch.float32, device="cpu", noncontiguous=True)
    assert x.shape == (3, 4) and x.stride() == (8, 2)
    assert make_tensor(1, dtype=torch.float32, device="cpu", noncontiguous=True).is_contiguous()
    x = make_tensor(2, 3, 4, 5, dtype=torch.float32, device="cpu", memory_format=torch.channels_last)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert make_tensor(2, dtype=torch.float64, device="cpu", requires_grad=True).requires_grad


@pytest.mark.parametrize("dtype", WHOLE + FLOATS)
def test_zeros_can_be_left_out(dtype):
    options = {"low": 0, "high": 2 if dtype in WHOLE else 1e-300}
    x = make_tensor(100, dtype=dtype, device="cpu", exclude_zero=True, **options)
    assert (x != 0).all()


def test_the_interval_is_cut_to_the_dtype():
    x = make_tensor(100, dtype=torch.int8, device="cpu", low=-1000, high=-127.5)
    assert (x == -128).all()
    x = make_tensor(100, dtype=torch.float32, device="cpu", low=-1e300, high=1e300)
    assert x.isfinite().all() and x.abs().max() > 1e38


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"dtype": torch.float32, "low": 2, "high": 1}, ValueError, "`low` must be less than `high`, but got 2 >= 1"),
        ({"dtype": torch.int64, "low": 1, "high": 1}, ValueError, "`low` must be less than `high`, but got 1 >= 1"),
        ({"dtype": torch.float32, "low": float("nan")}, ValueError, "`low` and `high` cannot be NaN, but got low=nan"),
        ({"dtype": torch.uint8, "low": 300, "high": 400}, ValueError, r"but torch.uint8 only supports \[0, 256\)"),
        ({"dtype": torch.bool, "requires_grad": True}, ValueError, "is not supported for boolean and integral dtypes"),
        (
            {"dtype": torch.float32, "noncontiguous": True, "memory_format": torch.channels_last},
            ValueError,
            "are mutually exclusive",
        ),
    ],
)
def test_errors(options, kind, text):
    with pytest.raises(kind, match=text):
        make_tensor(2, 2, 2, 2, device="cpu", **options)


def test_one_value():
    with pytest.warns(FutureWarning, match="Passing `low==high`"):
        assert make_tensor(2, dtype=torch.float32, device="cpu", low=3, high=3).tolist() == [3, 3]
