"""Errors and warnings of layers and tools, as PyTorch words them."""

import flambeau
import pytest
from flambeau import nn

F = nn.functional
ones = flambeau.ones
TO_FORMS = """, but expected one of:
 * (torch.device device = None, torch.dtype dtype = None, bool non_blocking = False, bool copy = False, \
*, torch.memory_format memory_format = None)
 * (torch.dtype dtype, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)
 * (Tensor tensor, bool non_blocking = False, bool copy = False, *, torch.memory_format memory_format = None)
"""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: nn.NLLLoss2d(),
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement and see "
            "https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more details.",
        ),
        (
            lambda: nn.utils.clip_grad_norm([], 1.0),
            "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of `torch.nn.utils.clip_grad_norm_`.",
        ),
        (
            lambda: nn.Hardtanh(min_value=-2.0),
            "keyword argument `min_value` is deprecated and renamed to `min_val`",
        ),
        (
            lambda: nn.Container(a=nn.ReLU()),
            "`nn.Container` is deprecated. All of its functionality is now implemented in `nn.Module`. Subclass that "
            "instead.",
        ),
    ],
)
def test_deprecations(make, message) -> None:
    with pytest.warns(FutureWarning) as caught:
        make()
    assert [str(w.message) for w in caught] == [message]
    assert caught[0].filename == __file__


def test_only_generators_can_be_empty_by_mistake(recwarn) -> None:
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0.0
    assert not recwarn.list
    with pytest.warns(UserWarning, match="`parameters` is an empty generator, no gradient clipping will occur."):
        nn.utils.clip_grad_norm_((p for p in []), 1.0)


def test_rms_norm_of_two_dtypes(monkeypatch) -> None:
    monkeypatch.setattr("flambeau.nn._functional.norm._warned_of_dtypes", False)
    text = "Mismatch dtype between input and weight: input dtype = double, weight dtype = float, "
    with pytest.warns(UserWarning, match=text):
        nn.RMSNorm(2)(ones(2).double())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: nn.Linear(1, 1).to([1]),
            TypeError,
            "to() received an invalid combination of arguments - got (list)" + TO_FORMS,
        ),
        (
            lambda: nn.Linear(1, 1).to("cpu", dtype=3),
            TypeError,
            "to() received an invalid combination of arguments - got (str, dtype=int, )" + TO_FORMS,
        ),
        (
            lambda: nn.Linear(1, 1).to(True),
            TypeError,
            "nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.bool",
        ),
        (
            lambda: nn.RReLU()(flambeau.tensor([1, -2])),
            NotImplementedError,
            "\"rrelu_with_noise_out_cpu\" not implemented for 'Long'",
        ),
        (
            lambda: nn.ConvTranspose2d(1, 1, 1, padding="bad")(ones(1, 1, 2, 2)),
            TypeError,
            "conv_transpose2d(): argument 'padding' (position 5) must be tuple of ints, but found element of type "
            "str at pos 0",
        ),
        (
            lambda: nn.Conv2d(1, 1, 1)(ones(1, 1, 2, 2).double()),
            RuntimeError,
            "Input type (double) and bias type (float) should be the same",
        ),
        (
            lambda: nn.Conv1d(1, 1, 1)(ones(1, 1, 2).half()),
            RuntimeError,
            "Input type (c10::Half) and bias type (float) should be the same",
        ),
        (
            lambda: nn.CrossMapLRN2d(2)(ones(1, 2, 3)),
            ValueError,
            "CrossMapLRN2d: Expected input to be 4D, got 3D instead.",
        ),
        (
            lambda: nn.utils.rnn.unpad_sequence(ones(2, 2, 1), [1, 2]),
            AttributeError,
            "'list' object has no attribute 'device'",
        ),
        (
            lambda: nn.utils.prune.l1_unstructured(nn.Linear(2, 2), "weight", amount=True),
            TypeError,
            "topk(): argument 'k' must be int, not bool",
        ),
        (
            lambda: nn.utils.prune.PruningContainer().add_pruning_method(nn.utils.prune.L1Unstructured(1)),
            AttributeError,
            "'PruningContainer' object has no attribute '_tensor_name'",
        ),
        (
            lambda: nn.Conv2d(1, 1),
            TypeError,
            "Conv2d.__init__() missing 1 required positional argument: 'kernel_size'",
        ),
        (
            lambda: nn.LazyConvTranspose1d(1, 1, foo=1),
            TypeError,
            "LazyConvTranspose1d.__init__() got an unexpected keyword argument 'foo'",
        ),
        (
            lambda: nn.MaxPool2d(),
            TypeError,
            "_MaxPoolNd.__init__() missing 1 required positional argument: 'kernel_size'",
        ),
        (
            lambda: nn.AvgPool2d(),
            TypeError,
            "AvgPool2d.__init__() missing 1 required positional argument: 'kernel_size'",
        ),
        (
            lambda: nn.ZeroPad2d(),
            TypeError,
            "ZeroPad2d.__init__() missing 1 required positional argument: 'padding'",
        ),
        (
            lambda: nn.BatchNorm2d(),
            TypeError,
            "_BatchNorm.__init__() missing 1 required positional argument: 'num_features'",
        ),
        (
            lambda: nn.SyncBatchNorm(2)(ones(3)),
            ValueError,
            "expected at least 2D input (got 1D input)",
        ),
    ],
)
def test_errors(call, error, message) -> None:
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == message


def test_modules_take_a_number_for_its_dtype() -> None:
    assert nn.Linear(1, 1).to(1.5).weight.dtype == flambeau.float64
    assert nn.Linear(1, 1).to("cpu", float).weight.dtype == flambeau.float64


def test_dropout3d_of_few_dimensions() -> None:
    flambeau.manual_seed(0)
    with pytest.warns(UserWarning, match="dropout3d: Received a 1-D input to dropout3d"):
        assert nn.Dropout3d(0.5)(ones(3)).tolist() == [0.0, 0.0, 2.0]


def test_padding_of_a_transposed_convolution_is_a_tuple() -> None:
    assert nn.ConvTranspose1d(1, 1, 1, padding="same").padding == ("s", "a", "m", "e")


def test_cross_map_normalization_carries_its_sums() -> None:
    x = (flambeau.arange(8.0).view(1, 8, 1, 1) - 3).requires_grad_()
    out = nn.CrossMapLRN2d(3, alpha=1.0)(x)
    assert repr(out.grad_fn).startswith("<torch.autograd.function.CrossMapLRN2dBackward object")
    wanted = flambeau.tensor([-0.8548, -0.5445, -0.2723, 0.0, 0.2723, 0.3960, 0.4221, 0.6078])
    assert flambeau.allclose(out.flatten(), wanted, atol=1e-4)
    out.sum().backward()
    wanted = flambeau.tensor([0.0445, 0.0159, 0.1201, 0.3150, 0.2723, 0.1042, -0.0462, -0.0998])
    assert flambeau.allclose(x.grad.flatten(), wanted, atol=1e-4)


def test_synchronized_batch_norm() -> None:
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.InstanceNorm1d(2)))
    weight = model[0].weight
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model.eval())
    assert converted is model and model[0].weight is weight and not model[0].training
    assert [type(m).__name__ for m in (model[0], model[1][0], model[1][1])] == [
        "SyncBatchNorm",
        "SyncBatchNorm",
        "InstanceNorm1d",
    ]
    x = flambeau.arange(6.0).view(1, 2, 3)
    assert flambeau.equal(nn.SyncBatchNorm(2)(x), nn.BatchNorm1d(2)(x))
    assert flambeau.equal(nn.SyncBatchNorm(2).eval()(x), nn.BatchNorm1d(2).eval()(x))


def test_weights_of_3d_convolutions_in_another_format() -> None:
    model = nn.Sequential(nn.Conv3d(2, 3, 2), nn.ReLU())
    model[0].weight.data = model[0].weight.data.transpose(3, 4)
    assert nn.utils.convert_conv3d_weight_memory_format(model, flambeau.contiguous_format) is model
    assert model[0].weight.is_contiguous()
