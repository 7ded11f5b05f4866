"""Orthogonal parametrizations, and calls with other parameters."""

import copy

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.nn.utils import parametrize, stateless
from flambeau.nn.utils.parametrizations import orthogonal


def is_orthogonal(x):
    x = x.mT if x.size(-2) < x.size(-1) else x
    return torch.allclose(x.mH @ x, torch.eye(x.size(-1), dtype=x.dtype), atol=1e-5)


class Holder(nn.Module):
    def __init__(self, shape, dtype=torch.float32):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape, dtype=dtype))


@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 3), (2, 3, 3)])
def test_stays_orthogonal(shape, dtype, kind, trivial):
    module = Holder(shape, dtype)
    if kind == "householder" and dtype == torch.complex64:
        with pytest.raises(ValueError, match="The householder parametrization does not support complex tensors"):
            orthogonal(module, orthogonal_map=kind)
        return
    before = module.weight.detach().clone()
    orthogonal(module, orthogonal_map=kind, use_trivialization=trivial)
    assert module.weight.shape == shape and module.weight.dtype == dtype and is_orthogonal(module.weight)
    assert before.shape == module.parametrizations.weight.original.shape
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    for _ in range(2):
        start = module.weight.detach().clone()
        optimizer.zero_grad()
        (module.weight - torch.ones(shape)).abs().pow(2).sum().backward()
        optimizer.step()
        assert is_orthogonal(module.weight) and not torch.allclose(module.weight, start)


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_an_orthogonal_matrix_can_be_assigned(shape, kind):
    layer = orthogonal(nn.Linear(*reversed(shape)), orthogonal_map=kind)
    target = torch.linalg.qr(torch.randn(max(shape), min(shape)))[0]
    target = target if shape[0] >= shape[1] else target.mT
    layer.weight = target
    assert torch.allclose(layer.weight, target, atol=1e-5)
    assert torch.allclose(copy.deepcopy(layer).weight, target, atol=1e-5)
    other = orthogonal(nn.Linear(*reversed(shape)), orthogonal_map=kind)
    other.load_state_dict(layer.state_dict())
    assert torch.allclose(other.weight, target, atol=1e-5)
    parametrize.remove_parametrizations(layer, "weight")
    assert list(layer.state_dict()) == ["weight", "bias"] or list(layer.state_dict()) == ["bias", "weight"]


def test_reflections_are_found_again_without_a_base():
    layer = orthogonal(nn.Linear(3, 5), orthogonal_map="householder", use_trivialization=False)
    target = torch.linalg.qr(torch.randn(5, 3))[0]
    layer.weight = target
    assert torch.allclose(layer.weight, target, atol=1e-5)
    assert "parametrizations.weight.0.base" not in layer.state_dict()


def test_errors():
    with pytest.raises(ValueError, match="has no parameter or buffer with name 'scale'"):
        orthogonal(nn.Linear(2, 2), "scale")
    with pytest.raises(ValueError, match="Expected a matrix or batch of matrices. Got a tensor of 1 dimensions"):
        orthogonal(nn.Linear(2, 2), "bias")
    with pytest.raises(ValueError, match="orthogonal_map has to be one of .* Got: euler"):
        orthogonal(nn.Linear(2, 2), orthogonal_map="euler")
    layer = orthogonal(nn.Linear(2, 2), use_trivialization=False)
    with pytest.raises(NotImplementedError, match="It is not possible to assign to the matrix exponential"):
        layer.weight = torch.eye(2)
    with pytest.raises(ValueError, match="Expected a matrix or batch of matrices of shape"):
        layer.weight = torch.eye(3)


def test_a_call_with_other_parameters():
    layer = nn.Linear(2, 1)
    with pytest.warns(FutureWarning, match="torch.func.functional_call"):
        out = stateless.functional_call(layer, {"weight": torch.ones(1, 2), "bias": torch.ones(1)}, torch.ones(2))
    assert out.tolist() == [3]
    with pytest.warns(FutureWarning), pytest.raises(RuntimeError, match="Missing key"):
        stateless.functional_call(layer, {"weight": torch.ones(1, 2)}, torch.ones(2), strict=True)
