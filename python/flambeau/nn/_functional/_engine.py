"""How the functions of `nn.functional` find their operators in the engine."""

from __future__ import annotations

from typing import Any

import flambeau


def engine(name: str) -> Any:
    """The engine's operator of that name in `nn.functional`, or None."""
    return getattr(flambeau._C.functional, name, None)


def repeated(value: Any, n: int) -> tuple[int, ...]:
    """A size for each of `n` dimensions."""
    if isinstance(value, int):
        return (value,) * n
    return tuple(value) * n if len(value) == 1 else tuple(value)


def result_into(input: Any, result: Any, inplace: bool) -> Any:
    """The result, or `input` overwritten with it."""
    return input.copy_(result) if inplace else result


_C_NAMES = {
    flambeau.float64: "double",
    flambeau.float16: "c10::Half",
    flambeau.bfloat16: "c10::BFloat16",
    flambeau.int64: "long int",
    flambeau.int32: "int",
    flambeau.int16: "short int",
    flambeau.int8: "signed char",
    flambeau.uint8: "unsigned char",
    flambeau.complex64: "c10::complex<float>",
    flambeau.complex128: "c10::complex<double>",
}


def c_name(dtype: Any) -> str:
    """How PyTorch's compiled code calls a dtype in its messages."""
    return _C_NAMES.get(dtype, str(dtype).removeprefix("torch.").replace("float32", "float"))


_SCALAR_NAMES = {
    flambeau.float16: "Half",
    flambeau.int64: "Long",
    flambeau.int32: "Int",
    flambeau.int16: "Short",
    flambeau.int8: "Char",
    flambeau.uint8: "Byte",
    flambeau.bool: "Bool",
    flambeau.complex64: "ComplexFloat",
    flambeau.complex128: "ComplexDouble",
}


def scalar_name(dtype: Any) -> str:
    """How PyTorch calls a dtype that an operator is not implemented for."""
    return _SCALAR_NAMES.get(dtype, str(dtype).removeprefix("torch."))
