"""`asarray` and the constructors of one dtype. Texts are PyTorch's."""

from typing import Any

import flambeau as torch
import pytest


def test_asarray_shares_memory_where_it_can() -> None:
    t = torch.ones(3)
    assert torch.asarray(t) is t and torch.asarray(t, copy=False) is t
    assert torch.asarray(t, copy=True).data_ptr() != t.data_ptr()
    data = bytearray(b"abcd")
    over = torch.asarray(data)
    assert over.dtype == torch.uint8 and over.tolist() == [97, 98, 99, 100]
    over[0] = 98
    assert data == b"bbcd"
    assert torch.asarray(bytearray(b"abcd"), dtype=torch.int16).tolist() == [25185, 25699]
    assert torch.asarray([1, 2]).dtype == torch.int64
    assert torch.asarray(2.5, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"obj": [1, 2], "copy": False}, ValueError, "can't alias arbitrary sequence into a tensor."),
        (
            {"obj": torch.ones(1), "copy": False, "dtype": torch.float64},
            ValueError,
            "can't alias tensor with dtype 'Float' into dtype 'Double'.",
        ),
        ({"obj": 3, "dtype": "a"}, TypeError, "argument 'dtype' must be torch.dtype, not str"),
        ({"obj": [torch.ones(2)]}, ValueError, "only one element tensors can be converted to Python scalars"),
        ({"obj": [1], "requires_grad": True}, RuntimeError, "Only Tensors of floating point and complex dtype can"),
    ],
)
def test_errors_of_asarray(arguments: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        torch.asarray(arguments.pop("obj"), **arguments)


def test_constructors_of_one_dtype() -> None:
    assert torch.FloatTensor([1, 2]).dtype == torch.float32
    assert torch.LongTensor([1.5, 2]).tolist() == [1, 2]
    assert torch.BoolTensor([1, 0]).tolist() == [True, False]
    assert torch.DoubleTensor(2, 3).shape == torch.FloatTensor(torch.Size([2, 3])).shape == (2, 3)
    assert torch.HalfTensor().shape == (0,)
    t = torch.ones(2)
    assert torch.FloatTensor(t).data_ptr() == t.data_ptr()
    assert isinstance(t, torch.FloatTensor) and not isinstance(t, torch.LongTensor)
    assert not isinstance(1, torch.LongTensor)
    assert repr(torch.FloatTensor) == "<class 'torch.FloatTensor'>"
    assert t.type(torch.LongTensor).dtype == torch.int64
    assert t.type("torch.DoubleTensor").type() == "torch.DoubleTensor"
    assert t.new([1, 2]).dtype == torch.float32 and t.long().new(2, 3).shape == (2, 3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: torch.FloatTensor(2.5), TypeError, r"new\(\): data must be a sequence \(got float\)"),
        (lambda: torch.FloatTensor("a"), TypeError, r"new\(\): invalid data type 'str'"),
        (lambda: torch.LongTensor(torch.ones(1)), TypeError, r"expected TensorOptions\(dtype=long int, .*=float,"),
        (lambda: torch.ones(1).type("torch.FooTensor"), ValueError, "invalid type: 'torch.FooTensor'"),
        (lambda: torch.ones(1).type(3), TypeError, "dtype must be a type, str, or dtype object"),
        (lambda: torch.set_default_tensor_type(torch.LongTensor), TypeError, "only floating-point types are supported"),
    ],
)
def test_errors_of_constructors(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


def test_default_tensor_type() -> None:
    try:
        torch.set_default_tensor_type("torch.DoubleTensor")
        assert torch.ones(1).dtype == torch.float64
    finally:
        torch.set_default_tensor_type(torch.FloatTensor)
    assert torch.ones(1).dtype == torch.float32


def test_inference_mode() -> None:
    x = torch.ones(1, requires_grad=True)
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not (x * 2).requires_grad
        with torch.inference_mode(False):
            assert not torch.is_inference_mode_enabled() and (x * 2).requires_grad
        assert torch.is_inference_mode_enabled()
    assert not torch.is_inference_mode_enabled() and (x * 2).requires_grad
    assert torch.inference_mode()(torch.is_inference_mode_enabled)()
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+=: 'Tensor' and 'str'"):
        x += "a"  # type: ignore[operator]
