"""Which dtype an operator gives: recorded from PyTorch for every pair of dtypes.

``..`` is not compared: an error there, or a complex number of two halves, which Flambeau has not.
"""

import flambeau as torch
import pytest

DTYPES = {
    "b1": torch.bool,
    "u1": torch.uint8,
    "i1": torch.int8,
    "i2": torch.int16,
    "i4": torch.int32,
    "i8": torch.int64,
    "f2": torch.float16,
    "bf": torch.bfloat16,
    "f4": torch.float32,
    "f8": torch.float64,
    "c8": torch.complex64,
    "c16": torch.complex128,
}

PAIRS = {
    "tensor and tensor": """
        b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16
        u1 u1 i2 i2 i4 i8 f2 bf f4 f8 c8 c16
        i1 i2 i1 i2 i4 i8 f2 bf f4 f8 c8 c16
        i2 i2 i2 i2 i4 i8 f2 bf f4 f8 c8 c16
        i4 i4 i4 i4 i4 i8 f2 bf f4 f8 c8 c16
        i8 i8 i8 i8 i8 i8 f2 bf f4 f8 c8 c16
        f2 f2 f2 f2 f2 f2 f2 f4 f4 f8 c8 c16
        bf bf bf bf bf bf f4 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f4 f4 f4 f8 c8 c16
        f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c16 c16
        c8 c8 c8 c8 c8 c8 c8 c8 c8 c16 c8 c16
        c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
    """,
    "tensor and 0-d tensor": """
        b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16
        u1 u1 u1 u1 u1 u1 f2 bf f4 f8 c8 c16
        i1 i1 i1 i1 i1 i1 f2 bf f4 f8 c8 c16
        i2 i2 i2 i2 i2 i2 f2 bf f4 f8 c8 c16
        i4 i4 i4 i4 i4 i4 f2 bf f4 f8 c8 c16
        i8 i8 i8 i8 i8 i8 f2 bf f4 f8 c8 c16
        f2 f2 f2 f2 f2 f2 f2 f2 f2 f2 .. ..
        bf bf bf bf bf bf bf bf bf bf .. ..
        f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 c8 c8
        f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c16 c16
        c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8
        c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
    """,
    "division": """
        f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16
        f2 f2 f2 f2 f2 f2 f2 f4 f4 f8 c8 c16
        bf bf bf bf bf bf f4 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f4 f4 f4 f8 c8 c16
        f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c16 c16
        c8 c8 c8 c8 c8 c8 c8 c8 c8 c16 c8 c16
        c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
    """,
    "in place": """
        b1 .. .. .. .. .. .. .. .. .. .. ..
        u1 u1 u1 u1 u1 u1 .. .. .. .. .. ..
        i1 i1 i1 i1 i1 i1 .. .. .. .. .. ..
        i2 i2 i2 i2 i2 i2 .. .. .. .. .. ..
        i4 i4 i4 i4 i4 i4 .. .. .. .. .. ..
        i8 i8 i8 i8 i8 i8 .. .. .. .. .. ..
        f2 f2 f2 f2 f2 f2 f2 f2 f2 f2 .. ..
        bf bf bf bf bf bf bf bf bf bf .. ..
        f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 .. ..
        f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 .. ..
        c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8
        c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
    """,
    "torch.promote_types": """
        b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16
        u1 u1 i2 i2 i4 i8 f2 bf f4 f8 c8 c16
        i1 i2 i1 i2 i4 i8 f2 bf f4 f8 c8 c16
        i2 i2 i2 i2 i4 i8 f2 bf f4 f8 c8 c16
        i4 i4 i4 i4 i4 i8 f2 bf f4 f8 c8 c16
        i8 i8 i8 i8 i8 i8 f2 bf f4 f8 c8 c16
        f2 f2 f2 f2 f2 f2 f2 f4 f4 f8 c8 c16
        bf bf bf bf bf bf f4 bf f4 f8 c8 c16
        f4 f4 f4 f4 f4 f4 f4 f4 f4 f8 c8 c16
        f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c16 c16
        c8 c8 c8 c8 c8 c8 c8 c8 c8 c16 c8 c16
        c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
    """,
}

PAIR_RULES = {
    "tensor and tensor": lambda a, b: (torch.ones(1, dtype=a) + torch.ones(1, dtype=b)).dtype,
    "tensor and 0-d tensor": lambda a, b: (torch.ones(1, dtype=a) + torch.ones((), dtype=b)).dtype,
    "division": lambda a, b: (torch.ones(1, dtype=a) / torch.ones(1, dtype=b)).dtype,
    "in place": lambda a, b: torch.ones(1, dtype=a).add_(torch.ones(1, dtype=b)).dtype,
    "torch.promote_types": lambda a, b: torch.promote_types(a, b),
}

# The dtype of an expression for `x` of each dtype.
EXPRESSIONS = {
    "x + True": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x + 1": "i8 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x + 1.0": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16",
    "x + 1j": "c8 c8 c8 c8 c8 c8 .. .. c8 c16 c8 c16",
    "x / 2": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16",
    "x // 2": "i8 u1 i1 i2 i4 i8 f2 bf f4 f8 .. ..",
    "x ** 2": "i8 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x * 2.5": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16",
    "x % 2": "i8 u1 i1 i2 i4 i8 f2 bf f4 f8 .. ..",
    "x.sum()": "i8 i8 i8 i8 i8 i8 f2 bf f4 f8 c8 c16",
    "x.mean()": ".. .. .. .. .. .. f2 bf f4 f8 c8 c16",
    "x.prod()": "i8 i8 i8 i8 i8 i8 f2 bf f4 f8 c8 c16",
    "x.cumsum(0)": "i8 i8 i8 i8 i8 i8 f2 bf f4 f8 c8 c16",
    "x.sqrt()": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16",
    "x.abs()": ".. u1 i1 i2 i4 i8 f2 bf f4 f8 f4 f8",
    "x > 1": "b1 b1 b1 b1 b1 b1 b1 b1 b1 b1 .. ..",
    "-x": ".. u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "~x": "b1 u1 i1 i2 i4 i8 .. .. .. .. .. ..",
    "x & 1": "i8 u1 i1 i2 i4 i8 .. .. .. .. .. ..",
    "x << 1": "i8 u1 i1 i2 i4 i8 .. .. .. .. .. ..",
    "torch.cat([x, torch.ones(1)])": "f4 f4 f4 f4 f4 f4 f4 f4 f4 f8 c8 c16",
    "torch.where(x > 0, x, 1)": "i8 u1 i1 i2 i4 i8 f2 bf f4 f8 .. ..",
    "torch.where(x > 0, x, 1.5)": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 .. ..",
    "x.std()": ".. .. .. .. .. .. f2 bf f4 f8 f4 f8",
    "x.float()": "f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f4",
    "torch.stack([x, x])": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x.pow(0.5)": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16",
    "2 ** x": "i8 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "1 / x": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16",
    "x.add(1, alpha=2)": "i8 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x.max()": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 .. ..",
    "x.argmax()": ".. i8 i8 i8 i8 i8 i8 i8 i8 i8 .. ..",
    "x.round()": ".. u1 i1 i2 i4 i8 f2 bf f4 f8 .. ..",
    "x.clamp(0, 1.5)": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 .. ..",
    "x.masked_fill(x > 0, 2)": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 .. ..",
    "torch.full_like(x, 1)": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x.new_tensor([1])": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x @ x": ".. u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "torch.arange(3).to(x.dtype)": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16",
    "x.real": "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 f4 f8",
    "x.angle()": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 f4 f8",
    "torch.result_type(x, 1.5)": "f4 f4 f4 f4 f4 f4 f2 bf f4 f8 c8 c16",
    "torch.result_type(x, torch.tensor(1j))": "c8 c8 c8 c8 c8 c8 .. .. c8 c16 c8 c16",
}


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name: str) -> None:
    table = [line.split() for line in PAIRS[name].strip().split("\n")]
    for row, a in zip(table, DTYPES, strict=True):
        for expected, b in zip(row, DTYPES, strict=True):
            if expected != "..":
                assert PAIR_RULES[name](DTYPES[a], DTYPES[b]) == DTYPES[expected], (a, b)
            elif name == "in place":
                with pytest.raises(RuntimeError, match="can't be cast to the desired output type"):
                    PAIR_RULES[name](DTYPES[a], DTYPES[b])


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions(expression: str) -> None:
    for expected, name in zip(EXPRESSIONS[expression].split(), DTYPES, strict=True):
        if expected != "..":
            got = eval(expression, {"torch": torch, "x": torch.ones(2, dtype=DTYPES[name])})
            assert (got if isinstance(got, torch.dtype) else got.dtype) == DTYPES[expected], name
