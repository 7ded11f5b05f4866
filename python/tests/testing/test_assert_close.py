"""What `assert_close` takes for close, and what it says of the rest."""

import dataclasses
import re
from collections import OrderedDict

import flambeau as torch
import numpy as np
import pytest
from flambeau.testing import assert_close


@dataclasses.dataclass
class Point:
    x: object
    y: object
    name: str = dataclasses.field(default="p", compare=False)


NAN = float("nan")


@pytest.mark.parametrize(
    ("actual", "expected", "options"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0 + 1e-6]), {}),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.5]), {"rtol": 0, "atol": 0.5}),
        (torch.tensor([1.0]).half(), torch.tensor([1.0009765625]).half(), {}),
        (torch.tensor([NAN]), torch.tensor([NAN]), {"equal_nan": True}),
        (torch.tensor([float("inf"), 1]), torch.tensor([float("inf"), 1]), {}),
        (torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), {"check_dtype": False}),
        (torch.tensor([[1, 2], [3, 4]]).t(), torch.tensor([[1, 3], [2, 4]]), {}),
        (torch.tensor(True), torch.tensor(True), {}),
        (torch.empty(0, 3), torch.empty(0, 3), {}),
        (torch.tensor([1 + 2j]), torch.tensor([1 + 2j]), {}),
        (torch.empty(2, device="meta"), torch.empty(2, device="meta"), {}),
        (torch.nn.Parameter(torch.ones(2)), torch.ones(2), {}),
        (1, 1.0, {"check_dtype": False}),
        (1.0, 1.0 + 1e-8, {}),
        (NAN, NAN, {"equal_nan": True}),
        (1 + 1j, 1 + 1j, {}),
        (None, None, {}),
        (True, np.bool_(True), {}),
        (np.float64(1.0), 1.0, {}),
        (np.array([1.0]), np.array([1.0]), {}),
        ([1, (torch.ones(2), 2.0)], [1, (torch.ones(2), 2.0)], {}),
        ([1, 2], (1, 2), {}),
        ({"a": 1, "b": [2]}, OrderedDict(b=[2], a=1), {}),
        (Point(torch.ones(2), 1, "p"), Point(torch.ones(2), 1, "q"), {}),
        (Point(1, 2), Point(1, 2), {}),
    ],
)
def test_close(actual, expected, options):
    assert_close(actual, expected, **options)


@pytest.mark.parametrize(
    ("actual", "expected", "options", "text"),
    [
        (
            torch.tensor([[1.0, 2.0], [3.0, 5.0]]),
            torch.tensor([[1.0, 2.5], [3.0, 4.0]]),
            {},
            "Tensor-likes are not close!\n\nMismatched elements: 2 / 4 (50.0%)\n"
            "Greatest absolute difference: 1.0 at index (1, 1) (up to 1e-05 allowed)\n"
            "Greatest relative difference: 0.25 at index (1, 1) (up to 1.3e-06 allowed)",
        ),
        (
            torch.tensor([1, 2, 3]),
            torch.tensor([1, 5, 3]),
            {},
            "Tensor-likes are not equal!\n\nMismatched elements: 1 / 3 (33.3%)\n"
            "Greatest absolute difference: 3 at index (1,)\n"
            "Greatest relative difference: 0.6000000238418579 at index (1,)",
        ),
        (
            torch.tensor([True, False]),
            torch.tensor([True, True]),
            {},
            "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
            "Greatest absolute difference: 1 at index (1,)\nGreatest relative difference: 1.0 at index (1,)",
        ),
        (
            torch.tensor([0.0, NAN]),
            torch.tensor([0.0, NAN]),
            {},
            "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
            "Greatest absolute difference: nan at index (1,) (up to 1e-05 allowed)\n"
            "Greatest relative difference: nan at index (1,) (up to 1.3e-06 allowed)",
        ),
        (
            torch.tensor(1.0),
            torch.tensor(0.0),
            {"rtol": 0.1, "atol": 0.2},
            "Scalars are not close!\n\nExpected 0.0 but got 1.0.\nAbsolute difference: 1.0 (up to 0.2 allowed)\n"
            "Relative difference: inf (up to 0.1 allowed)",
        ),
        (2, 4, {}, "Scalars are not equal!\n\nExpected 4 but got 2.\nAbsolute difference: 2\nRelative difference: 0.5"),
        (
            NAN,
            NAN,
            {},
            "Scalars are not close!\n\nExpected nan but got nan.\nAbsolute difference: nan (up to 1e-07 allowed)",
        ),
        (
            torch.ones(2),
            torch.ones(3),
            {},
            "The values for attribute 'shape' do not match: torch.Size([2]) != torch.Size([3]).",
        ),
        (
            torch.ones(2),
            torch.ones(2).double(),
            {},
            "The values for attribute 'dtype' do not match: torch.float32 != torch.float64.",
        ),
        (
            torch.ones(2, 2),
            torch.ones(2, 2).t(),
            {"check_stride": True},
            "The values for attribute 'stride()' do not match: (2, 1) != (1, 2).",
        ),
        (
            torch.ones(2),
            torch.ones(2, device="meta"),
            {},
            "The values for attribute 'device' do not match: cpu != meta.",
        ),
        (1, 1.0, {"check_dtype": True}, "The (d)types do not match: <class 'int'> != <class 'float'>."),
        (None, 1, {}, "None mismatch: None is not 1"),
        (True, False, {}, "Booleans mismatch: True is not False"),
        ([1], [1, 2], {}, "The length of the sequences mismatch: 1 != 2"),
        (
            {"a": 1, "b": 2},
            {"b": 2, "c": 3},
            {},
            "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['c']\n"
            "Additional keys in the actual mapping: ['a']",
        ),
        ({"a": [1, 2]}, {"a": [1, 3]}, {}, "The failure occurred for item ['a'][1]"),
        ([[1]], [[1, 2]], {}, "The length of the sequences mismatch: 1 != 2\n\nThe failure occurred for item [0]"),
        (Point(torch.ones(2), 1), Point(torch.ones(2), 2), {}, "The failure occurred for item ['y']"),
        (Point(1, 2), Point(1, 3), {}, "Point(x=1, y=2, name='p') != Point(x=1, y=3, name='p')"),
        (1, 2, {"msg": "mine"}, "mine"),
        (1, 2, {"msg": lambda text: f"of two:\n{text}"}, "of two:\nScalars are not equal!"),
    ],
)
def test_not_close(actual, expected, options, text):
    with pytest.raises(AssertionError, match=re.escape(text)):
        assert_close(actual, expected, **options)


@pytest.mark.parametrize(
    ("actual", "expected", "options", "kind", "text"),
    [
        (
            "a",
            "a",
            {},
            TypeError,
            "No comparison pair was able to handle inputs of type <class 'str'> and <class 'str'>.",
        ),
        (torch.ones(1), 1.0, {}, TypeError, "No comparison pair was able to handle inputs of type"),
        (
            torch.nn.Parameter(torch.ones(1)),
            torch.ones(1),
            {"allow_subclasses": False},
            TypeError,
            "No comparison pair",
        ),
        (1.0, 1.0, {"rtol": 0.1}, ValueError, "must be either specified or omitted, but got no atol."),
        (torch.ones(1), torch.ones(1), {"atol": 0.1}, ValueError, "but got no rtol."),
    ],
)
def test_errors(actual, expected, options, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        assert_close(actual, expected, **options)


def test_older_form():
    with pytest.warns(FutureWarning, match="assert_allclose"):
        torch.testing.assert_allclose(torch.tensor([1.0, NAN]), [1.00005, NAN])
    with pytest.warns(FutureWarning), pytest.raises(AssertionError, match="not close"):
        torch.testing.assert_allclose(torch.tensor([1.0]), torch.tensor([1.01]).double())
