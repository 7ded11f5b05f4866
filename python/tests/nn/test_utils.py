"""Tools for parameters: parametrizations, pruning, fusion, sequences of different lengths."""

import copy

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.nn.utils import parametrizations, parametrize, prune, rnn


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)

    def right_inverse(self, x):
        return x.triu()


def test_a_parametrized_weight_is_computed_when_read():
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert torch.equal(layer.weight, layer.weight.T)
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer.weight = torch.eye(3) * 2
    assert torch.equal(copy.deepcopy(layer).weight, torch.eye(3) * 2)
    with parametrize.cached():
        assert layer.weight is layer.weight
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and isinstance(layer.weight, nn.Parameter)


def test_a_parametrization_may_not_change_the_shape():
    class Cut(nn.Module):
        def forward(self, x):
            return x[:1]

    with pytest.raises(ValueError, match="may not change the shape of the tensor"):
        parametrize.register_parametrization(nn.Linear(3, 3), "weight", Cut())


def test_weight_norm_leaves_the_weight_as_it_was():
    layer = nn.Linear(3, 4)
    before = layer.weight.detach().clone()
    parametrizations.weight_norm(layer)
    assert layer.parametrizations.weight.original0.shape == (4, 1)
    assert torch.allclose(layer.weight, before)


def test_spectral_norm_brings_the_greatest_singular_value_to_one():
    layer = parametrizations.spectral_norm(nn.Linear(6, 5), n_power_iterations=50)
    layer(torch.ones(1, 6))
    assert abs(float(torch.linalg.svdvals(layer.weight.detach())[0]) - 1) < 1e-3


def test_pruning_masks_and_keeps_masking():
    layer = nn.Linear(4, 5)
    prune.l1_unstructured(layer, "weight", 0.5)
    assert int(layer.weight_mask.sum()) == 10 and prune.is_pruned(layer)
    prune.ln_structured(layer, "weight", 1, 2, 0)
    assert int((layer.weight_mask.sum(1) == 0).sum()) >= 1
    prune.remove(layer, "weight")
    assert not prune.is_pruned(layer) and isinstance(layer.weight, nn.Parameter)


def test_global_pruning_compares_all_parameters():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    prune.global_unstructured([(model[0], "weight"), (model[1], "weight")], prune.L1Unstructured, amount=0.5)
    assert int(model[0].weight_mask.sum() + model[1].weight_mask.sum()) == 10


def test_a_fused_convolution_is_the_two_layers():
    conv, norm = nn.Conv2d(2, 3, 3).eval(), nn.BatchNorm2d(3).eval()
    norm.running_mean.uniform_()
    norm.running_var.uniform_(0.5, 1.5)
    x = torch.rand(1, 2, 5, 5)
    assert torch.allclose(nn.utils.fuse_conv_bn_eval(conv, norm)(x), norm(conv(x)), atol=1e-6)


def test_packed_sequences_come_back():
    sequences = [torch.rand(2, 3), torch.rand(5, 3), torch.rand(4, 3)]
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 3, 2, 2, 1]
    for back, sequence in zip(rnn.unpack_sequence(packed), sequences, strict=True):
        assert torch.equal(back, sequence)


def test_unsorted_sequences_are_refused():
    with pytest.raises(RuntimeError, match="must be sorted in decreasing order"):
        rnn.pack_sequence([torch.ones(2), torch.ones(3)])


def test_packed_and_single_sequences_give_the_same():
    layer = nn.LSTM(3, 4, bidirectional=True)
    sequences = [torch.rand(5, 3), torch.rand(2, 3)]
    out, lengths = rnn.pad_packed_sequence(layer(rnn.pack_sequence(sequences))[0])
    for i, sequence in enumerate(sequences):
        assert torch.allclose(out[: int(lengths[i]), i], layer(sequence)[0], atol=1e-6)


def test_skip_init_gives_memory_without_values():
    layer = nn.utils.skip_init(nn.Linear, 3, 2)
    assert layer.weight.shape == (2, 3) and layer.weight.device.type == "cpu"


def test_unpadded_sequences_are_tensors_of_their_own():
    padded = rnn.pad_sequence([torch.rand(2, 3), torch.rand(4, 3)])
    for row, steps in zip(rnn.unpad_sequence(padded, torch.tensor([2, 4])), (2, 4), strict=True):
        assert row.shape == (steps, 3) and row.is_contiguous() and row.data_ptr() != padded.data_ptr()


def test_lengths_are_one_dimensional():
    with pytest.raises(RuntimeError, match="should be a 1D CPU int64 tensor, but got 2D cpu Long tensor"):
        rnn.pack_padded_sequence(torch.rand(2, 1, 3), torch.tensor([[2]]))


def test_only_weights_of_convolutions_change_their_format():
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv3d(2, 3, 3), nn.ConvTranspose2d(2, 3, 3))
    before = [p.detach().clone() for p in model.parameters()]
    assert nn.utils.convert_conv2d_weight_memory_format(model, torch.channels_last) is model
    for layer, format in ((model[0], torch.channels_last), (model[2], torch.channels_last)):
        assert layer.weight.is_contiguous(memory_format=format)
    assert model[1].weight.is_contiguous()
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
