"""Attention, Transformers, lazy layers and bags of embeddings."""

import flambeau as torch
import pytest
from flambeau import nn


def test_attention_with_and_without_weights_is_the_same():
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.rand(3, 5, 8)
    seen, weights = layer(x, x, x)
    assert weights.shape == (3, 5, 5) and torch.allclose(weights.sum(-1), torch.ones(3, 5))
    assert torch.allclose(layer(x, x, x, need_weights=False)[0], seen, atol=1e-6)


def test_hidden_keys_do_not_count():
    layer = nn.MultiheadAttention(4, 2)
    x = torch.rand(3, 1, 4)
    hidden = torch.tensor([[False, False, True]])
    changed = x.clone()
    changed[2] = 9.0
    first = layer(x[:2], x, x, key_padding_mask=hidden)[0]
    assert torch.allclose(layer(x[:2], changed, changed, key_padding_mask=hidden)[0], first)


def test_a_causal_encoder_does_not_look_ahead():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    x = torch.rand(1, 4, 8)
    longer = x.clone()
    longer[:, 3] = 5.0
    assert torch.allclose(encoder(x, mask=mask)[:, :3], encoder(longer, mask=mask)[:, :3], atol=1e-6)


def test_padding_comes_out_as_zeros_where_nothing_is_trained():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1).eval()
    padding = torch.tensor([[False, False, True]])
    with torch.no_grad():
        assert encoder(torch.rand(1, 3, 8), src_key_padding_mask=padding)[0, 2].tolist() == [0.0] * 8


def test_lazy_layers_become_what_they_stand_for():
    model = nn.Sequential(nn.LazyConv2d(3, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    assert repr(model[3]) == "LazyLinear(in_features=0, out_features=2, bias=True)"
    assert model(torch.ones(2, 1, 5, 5)).shape == (2, 2)
    assert type(model[0]) is nn.Conv2d and type(model[1]) is nn.BatchNorm2d and type(model[3]) is nn.Linear
    assert model[3].in_features == 27


def test_a_lazy_layer_takes_its_shape_from_a_state_dict():
    layer = nn.LazyLinear(2)
    layer.load_state_dict(nn.Linear(5, 2).state_dict())
    assert layer.weight.shape == (2, 5)


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_a_bag_is_its_rows_taken_together(mode):
    layer = nn.EmbeddingBag(6, 3, mode=mode)
    ids, starts = torch.tensor([1, 4, 4, 0, 2]), torch.tensor([0, 2, 2])
    rows = layer.weight[ids]
    together = {"sum": lambda x: x.sum(0), "mean": lambda x: x.mean(0), "max": lambda x: x.amax(0)}[mode]
    expected = torch.stack([together(rows[:2]), torch.zeros(3), together(rows[2:])])
    assert torch.allclose(layer(ids, starts), expected)


def test_a_bag_outside_the_table_is_refused():
    with pytest.raises(RuntimeError, match="Index 1 of input takes value 7 which is not in the valid range"):
        nn.EmbeddingBag(6, 3)(torch.tensor([1, 7]), torch.tensor([0]))


def test_linear_cross_entropy_in_chunks_is_the_same():
    x, w = torch.rand(7, 4), torch.rand(5, 4, requires_grad=True)
    target = torch.tensor([0, 4, -100, 2, 1, 1, 3])
    whole = nn.functional.linear_cross_entropy(x, w, target)
    options = nn.LinearCrossEntropyOptions(batch_chunk_size=3)
    parts = nn.functional.linear_cross_entropy(x, w, target, options=options)
    assert torch.allclose(whole, parts)
    assert torch.allclose(torch.autograd.grad(whole, w)[0], torch.autograd.grad(parts, w)[0], atol=1e-6)


def test_adaptive_softmax_adds_up_to_one():
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value=2.0)
    x = torch.rand(3, 8)
    assert torch.allclose(layer.log_prob(x).exp().sum(1), torch.ones(3))
    target = torch.tensor([1, 7, 19])
    assert torch.allclose(layer(x, target).output, layer.log_prob(x)[torch.arange(3), target], atol=1e-6)
