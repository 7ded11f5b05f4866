"""Records what PyTorch's layers draw, print and compute, for `main.rs`. Run it where PyTorch is installed."""

from pathlib import Path

import torch
from torch import nn

R = torch.randn

CASES = {
    "Linear": lambda: (m := nn.Linear(3, 4), m(R(5, 3))),
    "Bilinear": lambda: (m := nn.Bilinear(2, 3, 4), m(R(5, 2), R(5, 3))),
    "Conv1d": lambda: (m := nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), m(R(2, 4, 11))),
    "Conv2d": lambda: (m := nn.Conv2d(2, 3, (3, 2), padding="same", bias=False), m(R(2, 2, 5, 6))),
    "Conv2dReflect": lambda: (m := nn.Conv2d(2, 3, 3, padding=(1, 2), padding_mode="reflect"), m(R(2, 2, 5, 6))),
    "Conv3d": lambda: (m := nn.Conv3d(2, 3, 2, stride=2), m(R(2, 2, 4, 5, 6))),
    "ConvTranspose1d": lambda: (m := nn.ConvTranspose1d(4, 2, 3, stride=2, output_padding=1), m(R(2, 4, 5))),
    "ConvTranspose2d": lambda: (m := nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1, groups=2), m(R(2, 4, 3, 3))),
    "ConvTranspose3d": lambda: (m := nn.ConvTranspose3d(2, 2, 2, dilation=2), m(R(1, 2, 3, 3, 3))),
    "MaxPool1d": lambda: (m := nn.MaxPool1d(3, stride=2, padding=1), m(R(2, 3, 8))),
    "MaxPool2d": lambda: (m := nn.MaxPool2d((3, 2), ceil_mode=True), m(R(2, 3, 8, 7))),
    "MaxPool3d": lambda: (m := nn.MaxPool3d(2), m(R(1, 2, 4, 4, 5))),
    "AvgPool1d": lambda: (m := nn.AvgPool1d(3, padding=1), m(R(2, 3, 8))),
    "AvgPool2d": lambda: (m := nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), m(R(2, 3, 8, 7))),
    "AvgPool3d": lambda: (m := nn.AvgPool3d(2), m(R(1, 2, 4, 4, 5))),
    "LPPool2d": lambda: (m := nn.LPPool2d(2.0, 2), m(R(1, 2, 4, 4))),
    "AdaptiveAvgPool2d": lambda: (m := nn.AdaptiveAvgPool2d((3, 2)), m(R(2, 3, 8, 7))),
    "AdaptiveMaxPool1d": lambda: (m := nn.AdaptiveMaxPool1d(3), m(R(2, 3, 8))),
    "BatchNorm1d": lambda: (m := nn.BatchNorm1d(3), m(R(4, 3))),
    "BatchNorm2d": lambda: (m := nn.BatchNorm2d(3, momentum=None), m(R(4, 3, 2, 2)), m(R(4, 3, 2, 2))),
    "BatchNorm3d": lambda: (m := nn.BatchNorm3d(2, affine=False), m(R(2, 2, 2, 2, 2)), m.eval()(R(2, 2, 2, 2, 2))),
    "InstanceNorm2d": lambda: (m := nn.InstanceNorm2d(3, affine=True), m(R(2, 3, 4, 4))),
    "LayerNorm": lambda: (m := nn.LayerNorm([2, 3]), m(R(4, 2, 3))),
    "RMSNorm": lambda: (m := nn.RMSNorm(6), m(R(4, 6))),
    "GroupNorm": lambda: (m := nn.GroupNorm(2, 6), m(R(2, 6, 4))),
    "LocalResponseNorm": lambda: (m := nn.LocalResponseNorm(3), m(R(2, 5, 4, 4))),
    "PReLU": lambda: (m := nn.PReLU(3), m(R(2, 3, 4))),
    "Hardtanh": lambda: (m := nn.Hardtanh(-0.5, 0.5), m(R(2, 3))),
    "Softplus": lambda: (m := nn.Softplus(2.0), m(R(2, 3))),
    "CELU": lambda: (m := nn.CELU(1.5), m(R(2, 3))),
    "GLU": lambda: (m := nn.GLU(), m(R(2, 6))),
    "Mish": lambda: (m := nn.Mish(), m(R(2, 3))),
    "Threshold": lambda: (m := nn.Threshold(0.1, 20.0), m(R(2, 3))),
    "Dropout": lambda: (m := nn.Dropout(0.3), m(R(40))),
    "Dropout2d": lambda: (m := nn.Dropout2d(0.5), m(R(2, 6, 2, 2))),
    "AlphaDropout": lambda: (m := nn.AlphaDropout(0.4), m(R(40))),
    "Embedding": lambda: (m := nn.Embedding(5, 3, padding_idx=-1), m(torch.tensor([[0, 4], [2, 2]]))),
    "EmbeddingBag": lambda: (
        m := nn.EmbeddingBag(5, 3, mode="mean"),
        m(torch.tensor([0, 4, 2, 2, 1]), torch.tensor([0, 3])),
    ),
    "ReflectionPad2d": lambda: (m := nn.ReflectionPad2d(1), m(R(1, 2, 3, 3))),
    "ConstantPad1d": lambda: (m := nn.ConstantPad1d((1, 2), 3.5), m(R(1, 2, 3))),
    "Upsample": lambda: (m := nn.Upsample(scale_factor=2.0, mode="nearest"), m(R(1, 2, 3, 3))),
    "UpsampleBilinear": lambda: (m := nn.Upsample(size=(5, 4), mode="bilinear"), m(R(1, 2, 3, 3))),
    "PixelShuffle": lambda: (m := nn.PixelShuffle(2), m(R(2, 8, 3, 2))),
    "PixelUnshuffle": lambda: (m := nn.PixelUnshuffle(2), m(R(2, 2, 4, 6))),
    "Unfold": lambda: (m := nn.Unfold((2, 3), padding=1), m(R(1, 2, 4, 4))),
    "Fold": lambda: (m := nn.Fold((4, 4), 2, stride=2), m(R(1, 8, 4))),
    "RNN": lambda: (m := nn.RNN(3, 4, nonlinearity="relu"), *m(R(5, 2, 3))),
    "LSTM": lambda: (
        m := nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True, proj_size=2),
        (r := m(R(2, 5, 3)))[0],
        *r[1],
    ),
    "GRU": lambda: (m := nn.GRU(3, 4, num_layers=2, dropout=0.5), *m(R(5, 2, 3), R(2, 2, 4))),
    "GRUPacked": lambda: (
        m := nn.GRU(3, 4, bidirectional=True),
        (r := m(nn.utils.rnn.pack_padded_sequence(R(5, 3, 3), [3, 5, 2], enforce_sorted=False)))[0].data,
        r[1],
    ),
    "LSTMCell": lambda: (m := nn.LSTMCell(3, 4), *m(R(2, 3), (R(2, 4), R(2, 4)))),
    "GRUCell": lambda: (m := nn.GRUCell(3, 4, bias=False), m(R(2, 3))),
    "MultiheadAttention": lambda: (m := nn.MultiheadAttention(6, 2), *m(x := R(4, 2, 6), x, x)),
    "MultiheadAttentionOther": lambda: (
        m := nn.MultiheadAttention(6, 2, kdim=3, vdim=5, batch_first=True),
        *m(R(2, 4, 6), R(2, 7, 3), R(2, 7, 5), key_padding_mask=torch.arange(14).reshape(2, 7) % 5 == 4),
    ),
    "TransformerEncoder": lambda: (
        m := nn.TransformerEncoder(
            nn.TransformerEncoderLayer(6, 2, 8, activation="gelu", batch_first=True, norm_first=True), 2
        ),
        m(R(2, 4, 6)),
    ),
    "Transformer": lambda: (
        m := nn.Transformer(6, 2, 2, 1, 8, dropout=0.0),
        m(R(4, 2, 6), R(3, 2, 6), tgt_mask=nn.Transformer.generate_square_subsequent_mask(3)),
    ),
    "CrossEntropyLoss": lambda: (
        m := nn.CrossEntropyLoss(label_smoothing=0.1),
        m(R(4, 3).requires_grad_(), torch.tensor([0, 2, 1, 1])),
    ),
    "TripletMarginLoss": lambda: (m := nn.TripletMarginLoss(), m(R(4, 3).requires_grad_(), R(4, 3), R(4, 3))),
    "HingeEmbeddingLoss": lambda: (
        m := nn.HingeEmbeddingLoss(),
        m(R(4).requires_grad_(), torch.tensor([1.0, -1, -1, 1])),
    ),
    "CosineEmbeddingLoss": lambda: (
        m := nn.CosineEmbeddingLoss(0.1),
        m(R(3, 4).requires_grad_(), R(3, 4), torch.tensor([1.0, -1, 1])),
    ),
    "GaussianNLLLoss": lambda: (m := nn.GaussianNLLLoss(), m(R(4).requires_grad_(), R(4), torch.rand(4))),
    "MultiLabelSoftMarginLoss": lambda: (
        m := nn.MultiLabelSoftMarginLoss(),
        m(R(2, 3).requires_grad_(), torch.tensor([[1.0, 0, 1], [0, 1, 0]])),
    ),
    "BilinearWithoutBias": lambda: (m := nn.Bilinear(2, 3, 4, bias=False), m(R(5, 2), R(5, 3))),
    "RReLU": lambda: (m := nn.RReLU(0.1, 0.4), m(R(4, 3)), m.eval()(R(4, 3))),
    "Softmax2d": lambda: (m := nn.Softmax2d(), m(R(2, 3, 2, 2))),
    "LPPool1d": lambda: (m := nn.LPPool1d(3.0, 3, stride=2, ceil_mode=True), m(R(1, 2, 8))),
    "MaxUnpool1d": lambda: (m := nn.MaxUnpool1d(3, stride=2), m(*nn.MaxPool1d(3, 2, return_indices=True)(R(1, 2, 9)))),
    "MaxUnpool2d": lambda: (
        m := nn.MaxUnpool2d((2, 1)),
        m(*nn.MaxPool2d((2, 1), return_indices=True)(R(1, 2, 5, 4)), output_size=(5, 4)),
    ),
    "FractionalMaxPool2d": lambda: (m := nn.FractionalMaxPool2d(2, output_size=(3, 2)), m(R(2, 3, 7, 6))),
    "FractionalMaxPool3d": lambda: (m := nn.FractionalMaxPool3d(2, output_ratio=0.5), m(R(3, 6, 7, 6))),
    "ChannelShuffle": lambda: (m := nn.ChannelShuffle(3), m(R(2, 6, 2))),
    "CrossEntropyLossWeighted": lambda: (
        m := nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5])),
        m(R(4, 3).requires_grad_(), torch.tensor([0, 2, 1, 1])),
    ),
    "MultiMarginLoss": lambda: (
        m := nn.MultiMarginLoss(p=2, weight=torch.tensor([1.0, 2.0, 0.5])),
        m(R(4, 3).requires_grad_(), torch.tensor([0, 2, 1, 1])),
    ),
    "MultiLabelMarginLoss": lambda: (
        m := nn.MultiLabelMarginLoss(reduction="none"),
        m(R(2, 4).requires_grad_(), torch.tensor([[3, 0, -1, 1], [2, -1, 0, 0]])),
    ),
    "TripletMarginLossSwap": lambda: (
        m := nn.TripletMarginLoss(p=1.0, swap=True),
        m(R(4, 3).requires_grad_(), R(4, 3), R(4, 3)),
    ),
    "TripletMarginWithDistanceLoss": lambda: (
        m := nn.TripletMarginWithDistanceLoss(distance_function=lambda a, b: (a - b).abs().amax(1), margin=0.5),
        m(R(4, 3).requires_grad_(), R(4, 3), R(4, 3)),
    ),
    "PoissonNLLLoss": lambda: (
        m := nn.PoissonNLLLoss(log_input=False, full=True),
        m(torch.rand(4).requires_grad_(), torch.tensor([0.0, 1, 2, 5])),
    ),
    "GaussianNLLLossFull": lambda: (
        m := nn.GaussianNLLLoss(full=True),
        m(R(4).requires_grad_(), R(4), torch.rand(4)),
    ),
    "AdaptiveLogSoftmaxWithLoss": lambda: (
        m := nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], div_value=2.0),
        *m(R(5, 8), torch.tensor([0, 9, 4, 3, 2])),
        m.log_prob(R(2, 8)),
        m.predict(R(6, 8)),
    ),
    "LinearCrossEntropyLoss": lambda: (
        m := nn.LinearCrossEntropyLoss(4, 3, bias=True, label_smoothing=0.1),
        m(R(5, 4), torch.tensor([0, 2, 1, 1, 0])),
    ),
    "ModuleDict": lambda: (m := nn.ModuleDict({"b": nn.Linear(2, 3), "a": nn.Linear(3, 2)}), m["b"](R(2))),
    "ParameterList": lambda: (m := nn.ParameterList([R(2), R(3, 1)]), m[0] * m[1]),
}

folder = Path(__file__).parent
tensors, printed = {}, []
for name, run in CASES.items():
    torch.manual_seed(0)
    module, *outputs = run()
    printed.append(f"== {name}\n{module!r}\n")
    # Weights that are exact and differ: a norm fixes the sum of its output, and of its squares.
    if trained := [y for y in outputs if y.requires_grad]:
        sum((y.flatten() * (torch.arange(y.numel()) % 7 / 4 - 1)).sum() for y in trained).backward()
    for key, value in module.state_dict().items():
        tensors[f"{name}/state/{key}"] = value
    for i, y in enumerate(outputs):
        tensors[f"{name}/out/{i}"] = y.detach().contiguous().clone()
    for key, parameter in module.named_parameters():
        if parameter.grad is not None:
            tensors[f"{name}/grad/{key}"] = parameter.grad
torch.save(tensors, folder / "recorded.pt")
(folder / "recorded.txt").write_text("".join(printed))
