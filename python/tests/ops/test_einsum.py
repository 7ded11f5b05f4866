"""`einsum` against NumPy's."""

from __future__ import annotations

import flambeau as torch
import numpy as np
import pytest


def values(*sizes: int) -> np.ndarray:
    return (np.arange(np.prod(sizes)) * 7 % 11 - 5.0).reshape(sizes)


@pytest.mark.parametrize(
    ("equation", "sizes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk->ki", [(2, 3), (3, 4)]),
        ("bij,bjk", [(2, 2, 3), (2, 3, 4)]),
        ("...ij,...jk->...ik", [(2, 1, 2, 3), (4, 3, 2)]),
        ("ii", [(3, 3)]),
        ("iij->ji", [(3, 3, 2)]),
        ("i,j,k->kji", [(2,), (3,), (4,)]),
        ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 2)]),
        ("ab , cb -> a", [(2, 3), (4, 3)]),
    ],
)
def test_equations(equation: str, sizes: list[tuple[int, ...]]) -> None:
    arrays = [values(*s) for s in sizes]
    got = torch.einsum(equation, *map(torch.from_numpy, arrays))
    assert np.array_equal(got.numpy(), np.einsum(equation, *arrays))


def test_a_list_of_operands_and_lists_of_subscripts() -> None:
    a, b = torch.from_numpy(values(2, 3)), torch.from_numpy(values(3, 4))
    assert torch.equal(torch.einsum("ij,jk->ik", [a, b]), a @ b)
    assert torch.equal(torch.einsum(a, [0, 1], b, [1, 2], [0, 2]), a @ b)
    assert torch.equal(torch.einsum(a, [Ellipsis, 1], b, [1, 2]), a @ b)


@pytest.mark.parametrize(
    ("equation", "sizes", "text"),
    [
        ("ij,jk", [(2, 2)], "fewer operands were provided than specified in the equation"),
        ("ij", [(2, 2), (2, 2)], "more operands were provided than specified in the equation"),
        ("ij->ik", [(2, 2)], "output subscript k does not appear in the equation for any input operand"),
        ("i.j", [(2, 2)], "found '.' for operand 0 that is not part of any ellipsis"),
        ("i1", [(2, 2)], "invalid subscript given at index 1"),
        ("ijk", [(2, 2)], r"\(3\) does not match the number of dimensions \(2\) for operand 0"),
        ("ij,jk", [(2, 2), (3, 2)], "subscript j has size 3 for operand 1"),
    ],
)
def test_errors(equation: str, sizes: list[tuple[int, ...]], text: str) -> None:
    with pytest.raises(RuntimeError, match=text):
        torch.einsum(equation, *[torch.ones(*s) for s in sizes])
