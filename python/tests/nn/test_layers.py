"""Layers: printing, shapes, errors and values."""

import flambeau
import pytest
from flambeau import nn

F = nn.functional


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            lambda: nn.Conv2d(3, 8, 3, padding=1, bias=False),
            "Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)",
        ),
        (
            lambda: nn.Conv1d(2, 4, 3, padding="same", groups=2),
            "Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=same, groups=2)",
        ),
        (
            lambda: nn.ConvTranspose2d(2, 4, 3, stride=2, output_padding=1),
            "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1))",
        ),
        (lambda: nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
        (lambda: nn.Embedding(10, 3, padding_idx=-1), "Embedding(10, 3, padding_idx=9)"),
        (lambda: nn.LayerNorm(4), "LayerNorm((4,), eps=1e-05, elementwise_affine=True, bias=True)"),
        (
            lambda: nn.BatchNorm2d(4),
            "BatchNorm2d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
        ),
        (lambda: nn.Dropout(0.2), "Dropout(p=0.2, inplace=False)"),
        (lambda: nn.GELU(), "GELU(approximate='none')"),
        (lambda: nn.LeakyReLU(inplace=True), "LeakyReLU(negative_slope=0.01, inplace=True)"),
        (lambda: nn.Softmax(dim=1), "Softmax(dim=1)"),
        (lambda: nn.Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
        (lambda: nn.CrossEntropyLoss(), "CrossEntropyLoss()"),
    ],
)
def test_repr(layer, text) -> None:
    assert repr(layer()) == text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels must be divisible by groups"),
        (
            lambda: nn.Conv2d(3, 4, 3, stride=2, padding="same"),
            "padding='same' is not supported for strided convolutions",
        ),
        (lambda: nn.Dropout(2), "dropout probability has to be between 0 and 1, but got 2"),
        (lambda: nn.GroupNorm(2, 3), "num_channels (3) must be divisible by num_groups (2)"),
        (lambda: nn.BatchNorm1d(2)(flambeau.ones(1, 2)), "Expected more than 1 value per channel when training"),
        (lambda: nn.BatchNorm2d(2)(flambeau.ones(1, 2)), "expected 4D input (got 2D input)"),
        (lambda: F.l1_loss(flambeau.ones(1), flambeau.ones(1), reduction="x"), "x is not a valid value for reduction"),
        (lambda: nn.BCELoss()(flambeau.ones(2), flambeau.ones(1)), "Please ensure they have the same size."),
    ],
)
def test_value_errors(make, message) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert message in str(error.value)


def test_warnings() -> None:
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax has been deprecated"):
        nn.Softmax()(flambeau.ones(2))
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        assert nn.MSELoss(size_average=False).reduction == "sum"
    with pytest.warns(UserWarning, match="Using a target size"):
        F.mse_loss(flambeau.ones(2), flambeau.ones(1))


def test_missing_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'no_such_function'"):
        F.no_such_function  # noqa: B018


x = flambeau.tensor([-2.0, -0.5, 0.0, 1.0, 30.0])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (F.elu, [-0.8646647, -0.3934693, 0.0, 1.0, 30.0]),
        (F.selu, [-1.5201665, -0.6917582, 0.0, 1.0507010, 31.5210305]),
        (F.softplus, [0.1269280, 0.4740770, 0.6931472, 1.3132616, 30.0]),
        (F.logsigmoid, [-2.1269281, -0.9740769, -0.6931472, -0.3132617, 0.0]),
        (F.mish, [-0.2525015, -0.2207439, 0.0, 0.8650984, 30.0]),
        (F.hardswish, [-0.3333333, -0.2083333, 0.0, 0.6666667, 30.0]),
        (F.silu, [-0.2384058, -0.1887703, 0.0, 0.7310586, 30.0]),
        (F.softsign, [-0.6666667, -0.3333333, 0.0, 0.5, 0.9677419]),
        (F.tanhshrink, [-1.0359724, -0.0378828, 0.0, 0.2384058, 29.0]),
        (F.relu6, [0.0, 0.0, 0.0, 1.0, 6.0]),
    ],
)
def test_activations(function, expected) -> None:
    assert flambeau.allclose(function(x), flambeau.tensor(expected), rtol=1e-5, atol=1e-6)


def test_batch_norm_keeps_statistics() -> None:
    norm = nn.BatchNorm1d(1)
    out = norm(flambeau.tensor([[1.0], [3.0]]))
    assert flambeau.allclose(out, flambeau.tensor([[-1.0], [1.0]]), atol=1e-4)
    assert norm.running_mean.item() == pytest.approx(0.2) and norm.running_var.item() == pytest.approx(1.1)
    assert norm.num_batches_tracked.item() == 1
    assert norm.eval()(flambeau.tensor([[0.2]])).item() == pytest.approx(0.0, abs=1e-6)


def test_pooling_of_a_ramp() -> None:
    ramp = flambeau.arange(16.0).reshape(1, 1, 4, 4)
    assert F.avg_pool2d(ramp, 2).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert F.adaptive_avg_pool2d(ramp, (1, 3)).flatten().tolist() == [6.5, 7.5, 8.5]
    assert F.max_pool1d(ramp[0], 3).flatten().tolist() == [2.0, 6.0, 10.0, 14.0]
    assert F.avg_pool2d(ramp, 3, padding=1, stride=3, count_include_pad=False)[0, 0, 0, 0].item() == 2.5


def test_padding_modes() -> None:
    line = flambeau.arange(4.0).reshape(1, 1, 4)
    for mode, expected in (
        ("reflect", [2, 1, 0, 1, 2, 3, 2]),
        ("replicate", [0, 0, 0, 1, 2, 3, 3]),
        ("circular", [2, 3, 0, 1, 2, 3, 0]),
    ):
        assert F.pad(line, (2, 1), mode=mode).flatten().tolist() == expected
    assert F.pad(line, (-1, 2), value=7).flatten().tolist() == [1, 2, 3, 7, 7]


def test_conv_transpose_undoes_stride() -> None:
    layer = nn.ConvTranspose1d(1, 1, 2, stride=2, bias=False)
    with flambeau.no_grad():
        layer.weight.copy_(flambeau.tensor([[[1.0, 10.0]]]))
    assert layer(flambeau.tensor([[[1.0, 2.0]]])).flatten().tolist() == [1.0, 10.0, 2.0, 20.0]
    assert layer(flambeau.ones(1, 1, 2), output_size=(5,)).shape == (1, 1, 5)
    with pytest.raises(ValueError, match="valid sizes range"):
        layer(flambeau.ones(1, 1, 2), output_size=(9,))


def test_initialization() -> None:
    weight = nn.init.orthogonal_(flambeau.empty(3, 5))
    assert flambeau.allclose(weight @ weight.t(), flambeau.eye(3), atol=1e-5)
    drawn = nn.init.trunc_normal_(flambeau.empty(1000))
    assert drawn.min() >= -2 and drawn.max() <= 2
    assert nn.init.calculate_gain("leaky_relu", 1) == 1.0
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        nn.init.xavier_uniform_(flambeau.empty(3))
    with pytest.raises(ValueError, match="Unsupported nonlinearity maybe"):
        nn.init.calculate_gain("maybe")


def test_clip_grad_norm() -> None:
    p = nn.Parameter(flambeau.zeros(2))
    p.grad = flambeau.tensor([3.0, 4.0])
    assert nn.utils.clip_grad_norm_([p], 1.0).item() == pytest.approx(5.0)
    assert p.grad.norm().item() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("dtype", [flambeau.float16, flambeau.bfloat16])
def test_rms_norm_of_half_types_rounds_once(dtype):
    x, weight = (flambeau.randn(4, 16) * 0.01).to(dtype), flambeau.randn(16).to(dtype)
    for w in (None, weight, weight.float()):
        wide = F.rms_norm(x.float(), (16,), None if w is None else w.float())
        found = F.rms_norm(x, (16,), w)
        assert found.dtype == dtype and flambeau.equal(found, wide.to(dtype))


def test_rms_norm_refuses_integers():
    with pytest.raises(NotImplementedError, match="\"rms_norm\" not implemented for 'Long'"):
        F.rms_norm(flambeau.ones(2, 3, dtype=flambeau.int64), (3,))


def test_pooling_by_the_infinite_norm() -> None:
    x = flambeau.tensor([[[-1.0, 2.0, -5.0, 1.0], [3.0, 4.0, 5.0, 6.0]]])
    assert nn.LPPool1d(float("inf"), 2)(x).tolist() == [[[2.0, 5.0], [4.0, 6.0]]]
    assert nn.LPPool2d(float("inf"), 2)(x).tolist() == [[[4.0, 6.0]]]
    assert nn.LPPool3d(float("inf"), 2)(flambeau.full((1, 1, 2, 2, 2), -3.0)).tolist() == [[[[[3.0]]]]]
