"""Sequences as indices: which are read as one tensor, and which as a tuple."""

import flambeau as torch
import numpy as np
import pytest

X = torch.arange(12).reshape(4, 3)


class Pair:
    """A sequence of two numbers that is no list."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: int) -> int:
        if i > 1:
            raise IndexError
        return i


@pytest.mark.parametrize("index", [range(2), [0, 1], np.array([0, 1]), Pair(), [np.int64(0), np.int64(1)]])
def test_numbers_are_one_tensor(index) -> None:
    assert X[index].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_ranges_side_by_side() -> None:
    x = torch.zeros(4, 3)
    x[range(3), range(3)] = 1
    assert torch.equal(x, torch.eye(4, 3))


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        ([[0, 1], [1, 2]], [1, 5]),
        ([(0, 1), 2], [2, 5]),
        ([range(2), range(2)], [0, 4]),
        ([torch.tensor(0), torch.tensor(1)], 1),
        ([torch.tensor([0, 1]), 1], [1, 4]),
        ([slice(0, 2), 1], [1, 4]),
    ],
)
def test_a_list_that_holds_sequences_is_a_tuple(index, expected) -> None:
    with pytest.warns(UserWarning, match="Using a non-tuple sequence for multidimensional indexing"):
        assert X[index].tolist() == expected


def test_arrays_of_two_dimensions_are_one_tensor() -> None:
    assert X[np.array([[0, 1], [1, 2]])].shape == (2, 2, 3)


def test_byte_masks_warn() -> None:
    mask = torch.tensor([1, 0, 1, 0], dtype=torch.uint8)
    with pytest.warns(UserWarning, match="indexing with dtype torch.uint8 is now deprecated"):
        assert X[mask].tolist() == [[0, 1, 2], [6, 7, 8]]


def test_sizes_come_before_dtypes() -> None:
    a = torch.arange(4)
    with pytest.raises(RuntimeError, match=r"shape mismatch: value tensor of shape \[3\] cannot be broadcast"):
        a[torch.tensor([True, False, True, False])] = torch.tensor([1.0, 2.0, 3.0])
    with pytest.raises(IndexError, match="index is out of bounds for dimension with size 0"):
        torch.empty(10, 0)[:, torch.tensor([0])]
