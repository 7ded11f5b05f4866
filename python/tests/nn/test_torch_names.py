"""Functions of layers under the names they have in `torch` itself."""

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.nn import functional as F


@pytest.mark.parametrize("kind, function", [(nn.LSTM, torch.lstm), (nn.GRU, torch.gru), (nn.RNN, torch.rnn_tanh)])
@pytest.mark.parametrize("batch_first", [False, True])
def test_recurrent_layers(kind: type, function: object, batch_first: bool) -> None:
    layer = kind(3, 4, 2, bidirectional=True, batch_first=batch_first)
    x, zeros = torch.randn(5, 5, 3), torch.zeros(4, 5, 4)
    state = (zeros, zeros) if kind is nn.LSTM else zeros
    out, *states = function(x, state, list(layer.parameters()), True, 2, 0.0, False, True, batch_first)
    expected, last = layer(x, state)
    assert torch.equal(out, expected)
    for ours, theirs in zip(states, last if kind is nn.LSTM else (last,), strict=True):
        assert torch.equal(ours, theirs)


def test_packed_sequences() -> None:
    layer = nn.GRU(3, 4)
    packed = nn.utils.rnn.pack_sequence([torch.randn(4, 3), torch.randn(2, 3)])
    zeros = torch.zeros(1, 2, 4)
    out, _ = torch.gru(packed.data, packed.batch_sizes, zeros, list(layer.parameters()), True, 1, 0.0, False, False)
    assert torch.equal(out, layer(packed, zeros)[0].data)


def test_cells() -> None:
    cell, x, h = nn.LSTMCell(3, 4), torch.randn(2, 3), torch.randn(2, 4)
    for ours, theirs in zip(torch.lstm_cell(x, (h, h), *cell.parameters()), cell(x, (h, h)), strict=True):
        assert torch.equal(ours, theirs)
    gru = nn.GRUCell(3, 4)
    assert torch.equal(torch.gru_cell(x, h, *gru.parameters()), gru(x, h))
    with pytest.raises(RuntimeError, match="incorrect number of RNN parameters"):
        torch.gru(x, h, list(gru.parameters())[:3], True, 1, 0.0, False, False, False)


def test_normalization() -> None:
    x, w = torch.randn(4, 3, 5), torch.rand(3)
    mean, var = torch.zeros(3), torch.ones(3)
    assert torch.equal(torch.batch_norm(x, w, w, mean, var, False, 0.1, 1e-5, True), F.batch_norm(x, mean, var, w, w))
    assert torch.equal(
        torch.instance_norm(x, w, w, None, None, True, 0.1, 1e-5, True), F.instance_norm(x, None, None, w, w)
    )


def test_losses_are_not_reduced_by_default() -> None:
    x, y = torch.randn(3, 4), torch.rand(3, 4)
    assert torch.binary_cross_entropy_with_logits(x, y).shape == (3, 4)
    summed = torch.binary_cross_entropy_with_logits(x, y, reduction=2)
    assert torch.equal(summed, F.binary_cross_entropy_with_logits(x, y, reduction="sum"))
    assert torch.equal(torch.triplet_margin_loss(x, y, -y, reduction=1), F.triplet_margin_loss(x, y, -y))


def test_convolutions() -> None:
    x, w = torch.randn(2, 3, 6), torch.randn(4, 3, 3)
    assert torch.equal(torch.convolution(x, w, None, [2], [1], [1], False, [0], 1), F.conv1d(x, w, None, 2, 1))
    v = torch.randn(3, 4, 3)
    assert torch.equal(torch.convolution(x, v, None, [2], [1], [1], True, [0], 1), F.conv_transpose1d(x, v, None, 2, 1))
    assert torch.conv_tbc(torch.randn(7, 2, 3), torch.randn(3, 3, 5), torch.zeros(5), 1).shape == (7, 2, 5)


def test_dropout() -> None:
    x = torch.ones(4, 6, 5)
    kept, mask = torch.native_dropout(x, 0.5, True)
    assert torch.equal(kept, mask * 2.0)
    channels = torch.feature_dropout(x, 0.5, True)
    assert torch.equal(channels, channels[..., :1].expand_as(x)) and channels.unique().tolist() == [0, 2]
    assert torch.feature_dropout(x, 0.5, False) is x


def test_norms() -> None:
    x = torch.randn(4, 3, 5)
    assert torch.allclose(torch.norm_except_dim(x, 2, 1), (x * x).sum((0, 2), keepdim=True).sqrt())
    assert torch.allclose(torch.frobenius_norm(x, [1, 2]), (x * x).sum((1, 2)).sqrt())
    assert torch.allclose(torch.nuclear_norm(x[0]), torch.linalg.svdvals(x[0]).sum())
    rows = torch.embedding_renorm_(5 * torch.ones(3, 4), torch.tensor([0, 2]), 1.0, 2.0)
    assert torch.allclose(rows.norm(dim=1), torch.tensor([1.0, 10.0, 1.0]))


def test_settings() -> None:
    assert torch.get_default_device() == torch.device("cpu")
    torch.set_default_device("cpu")
    with pytest.raises(RuntimeError):
        torch.set_default_device("cuda")
    torch.set_deterministic_debug_mode("warn")
    assert torch.get_deterministic_debug_mode() == 1 and torch.is_deterministic_algorithms_warn_only_enabled()
    torch.set_deterministic_debug_mode(0)
    assert not torch.are_deterministic_algorithms_enabled()


def test_classes_by_the_names_of_their_modules() -> None:
    from flambeau.nn.modules.activation import MultiheadAttention
    from flambeau.nn.modules.container import ParameterList
    from flambeau.nn.modules.conv import LazyConv2d
    from flambeau.nn.modules.instancenorm import InstanceNorm2d
    from flambeau.nn.modules.pixelshuffle import PixelShuffle

    for name in (MultiheadAttention, ParameterList, LazyConv2d, InstanceNorm2d, PixelShuffle):
        assert getattr(nn, name.__name__) is name
