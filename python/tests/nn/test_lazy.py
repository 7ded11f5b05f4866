"""Layers that wait for their first input."""

import copy

import flambeau
import pytest
from flambeau import nn


@pytest.mark.parametrize(
    ("use", "what", "kind"),
    [
        (lambda: sum(p.numel() for p in nn.LazyLinear(2).parameters()), "method 'numel'", "Parameter"),
        (lambda: nn.UninitializedParameter() + 1, "method 'add'", "Parameter"),
        (lambda: flambeau.ones(1) * nn.UninitializedParameter(), "method 'mul'", "Parameter"),
        (lambda: nn.UninitializedBuffer()[0], "slot wrapper '__getitem__'", "Buffer"),
        (lambda: nn.LazyLinear(3).requires_grad_(False), "method 'requires_grad_'", "Parameter"),
        (lambda: nn.init.zeros_(nn.LazyLinear(3).weight), "method 'zero_'", "Parameter"),
        (lambda: nn.init.xavier_normal_(nn.LazyLinear(3).weight), "method 'dim'", "Parameter"),
    ],
)
def test_tensors_without_a_shape_cannot_be_used(use, what, kind) -> None:
    with pytest.raises(ValueError) as raised:
        use()
    assert str(raised.value) == (
        f"Attempted to use an uninitialized parameter in <{what} of 'torch._C.TensorBase' objects>. This error happens "
        "when you are using a `LazyModule` or explicitly manipulating "
        f"`torch.nn.parameter.Uninitialized{kind}` objects. When using LazyModules Call `forward` with a dummy batch "
        "to initialize the parameters before calling torch functions"
    )


def test_copies() -> None:
    assert isinstance(copy.deepcopy(nn.LazyLinear(3)).weight, nn.UninitializedParameter)
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        copy.deepcopy(nn.LazyBatchNorm1d())
    with pytest.raises(RuntimeError, match="Can't share memory on an uninitialized parameter or buffer."):
        nn.UninitializedParameter().share_memory_()


def test_what_is_possible_without_a_shape() -> None:
    param = nn.UninitializedParameter()
    assert param.size() == (0,) and param.dtype == flambeau.float32 and param in [param]
    norm = nn.LazyBatchNorm1d().double()
    assert isinstance(norm.running_mean, nn.UninitializedBuffer)
    assert norm(flambeau.ones(2, 3).double()).dtype == flambeau.float64
    assert norm.running_mean.shape == (3,)
