"""Axes by names."""

import re

import flambeau as torch
import pytest
from flambeau.func import rearrange

X = torch.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize(
    ("pattern", "lengths", "expected"),
    [
        ("a b c -> c a b", {}, X.permute(2, 0, 1)),
        ("a b c -> (a b) c", {}, X.reshape(6, 4)),
        ("a b c -> b (c a)", {}, X.permute(1, 2, 0).reshape(3, 8)),
        ("a b (c d) -> a d (b c)", {"c": 2}, X.reshape(2, 3, 2, 2).permute(0, 3, 1, 2).reshape(2, 2, 6)),
        ("a b (c d)->a b c d", {"c": 4, "d": 1}, X.unsqueeze(-1)),
        ("a ... -> ... a", {}, X.permute(1, 2, 0)),
        ("... c -> (... c)", {}, X.reshape(24)),
        ("a b c ... -> a b c ...", {}, X),
        ("a b c -> a 1 b () c", {}, X[:, None, :, None]),
    ],
)
def test_patterns(pattern, lengths, expected):
    found = rearrange(X, pattern, **lengths)
    assert torch.equal(found, expected)


def test_lists_axes_of_one_and_gradients():
    assert torch.equal(rearrange([X, X * 2], "n a b c -> a (n b) c"), torch.cat([X, X * 2], 1))
    assert rearrange(X[:1], "1 b c -> c b").shape == (4, 3)
    assert rearrange(torch.tensor(3), "->").shape == ()
    x = torch.ones(2, 3, requires_grad=True)
    (rearrange(x, "a b -> (b a)") * torch.arange(6)).sum().backward()
    assert x.grad.tolist() == [[0, 2, 4], [1, 3, 5]]


@pytest.mark.parametrize(
    ("pattern", "lengths", "kind", "text"),
    [
        ("a b c", {}, ValueError, "Pattern must contain a single '->' separator"),
        ("a b c -> c", {}, ValueError, "Identifiers only on one side of rearrange expression (should be on both):"),
        ("a b c -> a b c", {"d": 1}, ValueError, "Identifiers not found in rearrange expression: {'d'}"),
        ("a b c -> a b c", {"a": 2.0}, TypeError, "rearrange axis lengths must be integers, got: <class 'float'>"),
        ("a b -> a b", {}, ValueError, "Number of dimensions in pattern (2) must be equal to the number of dimensions"),
        ("a b c d ... -> a b c d ...", {}, ValueError, "must be less than or equal to the number of dimensions in the"),
        ("a a b -> a b", {}, ValueError, "Indexing expression contains duplicate dimension 'a'"),
        ("a ((b c)) -> a b c", {}, ValueError, "Axis composition is one-level (brackets inside brackets not allowed)"),
        ("a b) c -> a b c", {}, ValueError, "Brackets are not balanced"),
        ("(a b c -> a b c", {}, ValueError, "Imbalanced parentheses in expression"),
        ("a b . c -> a b c", {}, ValueError, "Expression may contain dots only inside ellipsis (...)"),
        ("a b c -> ...", {}, ValueError, "Ellipsis found in right side, but not left side of a pattern"),
        ("(a ...) -> a ...", {}, ValueError, "Ellipsis is parenthesis in the left side is not allowed"),
        ("a b? c -> a b c", {}, ValueError, "Unknown character '?'"),
        ("a _b c -> a _b c", {}, ValueError, "axis name should should not start or end with underscore"),
        ("a 3 c -> a 3 c", {}, ValueError, "rearrange only supports unnamed axes of size 1"),
    ],
)
def test_errors(pattern, lengths, kind, text):
    with pytest.raises(kind, match=re.escape(text)):
        rearrange(X, pattern, **lengths)


@pytest.mark.parametrize(
    ("pattern", "lengths", "text"),
    [
        ("a b (c d) -> a b c d", {}, "cannot infer the sizes of two dimensions at once"),
        ("a b (c d) -> a b c d", {"c": 3}, "an axis of size 4 is not the product"),
        ("a b (c d) -> a b c d", {"c": 3, "d": 2}, "an axis of size 4 is not the product"),
    ],
)
def test_sizes_that_do_not_fit(pattern, lengths, text):
    with pytest.raises(ValueError, match=text):
        rearrange(X, pattern, **lengths)
