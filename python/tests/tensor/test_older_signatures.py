"""Calls in the form of PyTorch's first years, where a factor stands before the tensor that it multiplies."""

import flambeau as torch
import pytest

X = torch.tensor([1.0, 2.0])
A = torch.tensor([3.0, 4.0])
B = torch.tensor([5.0, 8.0])
M = torch.tensor([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("older", "today"),
    [
        (lambda x: x.add(0.5, A), lambda x: x.add(A, alpha=0.5)),
        (lambda x: x.sub_(2, A), lambda x: x.sub_(A, alpha=2)),
        (lambda x: torch.add(x, 0.5, A), lambda x: torch.add(x, A, alpha=0.5)),
        (lambda x: x.addcmul_(0.5, A, B), lambda x: x.addcmul_(A, B, value=0.5)),
        (lambda x: x.addcdiv_(-0.1, A, B), lambda x: x.addcdiv_(A, B, value=-0.1)),
        (lambda x: torch.addcdiv(x, 3, A, B), lambda x: torch.addcdiv(x, A, B, value=3)),
        (lambda x: torch.addmv(2, x, M, A), lambda x: torch.addmv(x, M, A, beta=2)),
        (lambda x: torch.addmv(2, x, 3, M, A), lambda x: torch.addmv(x, M, A, beta=2, alpha=3)),
        (lambda x: x.outer(x).addmm_(2, 3, M, M), lambda x: x.outer(x).addmm_(M, M, beta=2, alpha=3)),
        (lambda x: x.outer(x).addr(2, A, B), lambda x: x.outer(x).addr(A, B, beta=2)),
    ],
)
@pytest.mark.filterwarnings("ignore:This overload")
def test_same_as_today(older, today) -> None:
    assert torch.equal(older(X.clone()), today(X.clone()))


def test_an_optimizer_of_those_years() -> None:
    weight, mean = torch.ones(2), torch.zeros(2)
    mean.mul_(0.9).add_(1 - 0.9, A)
    weight.add_(-0.1, mean)
    assert torch.allclose(weight, torch.tensor([0.97, 0.96]))


def test_other_mistakes_stay_mistakes() -> None:
    for call in (
        lambda: X.add(A, B),
        lambda: X.add(1, 2),
        lambda: X.mul(2, A),
        lambda: torch.addcmul(X, A, B, 3),
        lambda: X.addcmul(2, A),
    ):
        with pytest.raises(TypeError):
            call()
