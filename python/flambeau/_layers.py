"""Functions of layers under the names, and with the arguments, that they have in `torch` itself.

Losses take their reduction as a number: 0 none (the default here, as in PyTorch), 1 the mean, 2 the sum.
"""

from __future__ import annotations

from typing import Any

import flambeau as torch
from flambeau import Tensor
from flambeau.nn import functional as F
from flambeau.nn.modules.rnn import RNNBase, _next_state

__all__ = [
    "alpha_dropout_",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "conv_tbc",
    "convolution",
    "cosine_embedding_loss",
    "ctc_loss",
    "embedding_renorm_",
    "feature_alpha_dropout",
    "feature_alpha_dropout_",
    "feature_dropout",
    "feature_dropout_",
    "frobenius_norm",
    "gru",
    "gru_cell",
    "hinge_embedding_loss",
    "instance_norm",
    "lstm",
    "lstm_cell",
    "margin_ranking_loss",
    "native_channel_shuffle",
    "native_dropout",
    "native_norm",
    "norm_except_dim",
    "nuclear_norm",
    "poisson_nll_loss",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
    "rrelu_",
    "triplet_margin_loss",
]


def _reduction(number: int) -> str:
    if number not in (0, 1, 2):
        raise ValueError(f"{number} is not a valid value for reduction")
    return ("none", "mean", "sum")[number]


def batch_norm(
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`F.batch_norm`, with the arguments in another order."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """`F.instance_norm`, with the arguments in another order."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Any = None, pos_weight: Any = None, reduction: int = 0
) -> Tensor:
    """`F.binary_cross_entropy_with_logits`."""
    return F.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight=pos_weight, reduction=_reduction(reduction)
    )


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`F.cosine_embedding_loss`."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Tensor:
    """`F.hinge_embedding_loss`."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_reduction(reduction))


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """`F.margin_ranking_loss`."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int) -> Tensor:
    """`F.poisson_nll_loss`."""
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_reduction(reduction))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """`F.triplet_margin_loss`."""
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_reduction(reduction))


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """`F.ctc_loss`."""
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _reduction(reduction), zero_infinity)


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Tensor:
    """A convolution of one to three dimensions, or a transposed one."""
    n = input.dim() - 2
    if transposed:
        up = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[n - 1]
        return up(input, weight, bias, stride, padding, output_padding, groups, dilation)
    down = (F.conv1d, F.conv2d, F.conv3d)[n - 1]
    return down(input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A convolution over time. Shape: `T B C, K C D, D -> T B D`."""
    out = F.conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return out.permute(2, 0, 1).contiguous()


def native_channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """`F.channel_shuffle`."""
    return F.channel_shuffle(input, groups)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`F.alpha_dropout`, in place."""
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`F.feature_alpha_dropout`."""
    return F.feature_alpha_dropout(input, p, train)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`F.feature_alpha_dropout`, in place."""
    return F.feature_alpha_dropout(input, p, train, inplace=True)


def _channel_noise(input: Tensor, p: float, train: bool) -> Any:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p}")
    if p == 0 or not train or input.numel() == 0:
        return None
    if input.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    if p == 1:
        return torch.zeros((), dtype=input.dtype)
    shape = (*input.shape[:2], *[1] * (input.dim() - 2))
    return input.new_empty(shape).bernoulli_(1 - p).div_(1 - p)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Whole channels set to 0 with probability `p`, the others scaled up."""
    noise = _channel_noise(input, p, train)
    return input if noise is None else input * noise


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """`feature_dropout`, in place."""
    noise = _channel_noise(input, p, train)
    return input if noise is None else input.mul_(noise)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """Dropout, and the mask of what was kept."""
    if train is False or input.numel() == 0:
        return input, torch.ones_like(input, dtype=torch.bool)
    if p == 1:
        return torch.zeros_like(input), torch.zeros_like(input, dtype=torch.bool)
    mask = torch.empty_like(input, dtype=torch.bool).bernoulli_(1 - p)
    return input * mask * (1.0 / (1.0 - p)), mask


def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, generator: Any = None
) -> Tensor:
    """`F.rrelu`, in place."""
    if generator is not None:
        raise NotImplementedError("rrelu_: a generator of its own")
    return F.rrelu(input, lower, upper, training, inplace=True)


def embedding_renorm_(input: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> Tensor:
    """Rows that `indices` names and whose norm exceeds `max_norm`, scaled down to it in place."""
    with torch.no_grad():
        rows = indices.unique()
        picked = input[rows]
        norms = picked.norm(norm_type, dim=1, keepdim=True)
        input[rows] = torch.where(norms > max_norm, picked * (max_norm / (norms + 1e-7)), picked)
    return input


def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The Frobenius norm over dimensions; all of them if none are named."""
    dim = [dim] if isinstance(dim, int) else list(dim)
    return torch.linalg.vector_norm(input, 2, dim or None, keepdim)


def nuclear_norm(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The sum of the singular values of matrices."""
    if isinstance(dim, bool):
        dim, keepdim = None, dim
    if dim is None:
        if input.dim() != 2:
            raise RuntimeError(f"Expected a tensor with 2 dimensions, but got a tensor with {input.dim()} dimension(s)")
        dim = (0, 1)
    return torch.linalg.matrix_norm(input, "nuc", tuple(dim), keepdim)


def native_norm(input: Tensor, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The `p`-norm."""
    return torch.linalg.vector_norm(input, 2 if p is None else p, dim or None, keepdim, dtype=dtype)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dimensions but one, or over all with -1."""
    if dim == -1:
        return v.norm(pow)
    others = [d for d in range(v.dim()) if d != dim % v.dim()]
    return torch.linalg.vector_norm(v, pow, others, keepdim=True) if others else v.abs()


class _Given(RNNBase):
    """Recurrent layers over weights that are given, in the order of PyTorch: layer by layer, direction by direction."""

    def __init__(
        self, mode: str, params: Any, biases: bool, layers: int, dropout: float, train: bool, bidirectional: bool
    ) -> None:
        super(RNNBase, self).__init__()
        self.mode, self.num_layers, self.dropout, self.bidirectional = mode, layers, dropout, bidirectional
        self.training, self.bias = train, biases
        count = layers * (2 if bidirectional else 1)
        each, rest = divmod(len(params), count)
        names = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if biases else []), "weight_hr"]
        if rest or not 0 <= len(names) - each <= 1:
            raise RuntimeError(f"got an incorrect number of RNN parameters: {len(params)} for {count} layers")
        groups = (params[i * each : (i + 1) * each] for i in range(count))
        self.given = [dict(zip(names, group, strict=False)) for group in groups]

    def _weights_of(self, which: int) -> dict[str, Any]:
        return self.given[which]


def _recurrent(mode: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> Any:
        # The second argument tells the two forms apart: batch sizes of packed data, or the first states.
        packed = len(args) > 3 and isinstance(args[3], (list, tuple))
        names = ["data", "batch_sizes"] if packed else ["input"]
        names += ["hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional"]
        names += [] if packed else ["batch_first"]
        given = {**dict(zip(names, args, strict=False)), **kwargs}
        packed = "batch_sizes" in given
        layers = _Given(
            mode,
            given["params"],
            given["has_biases"],
            given["num_layers"],
            given["dropout"],
            given["train"],
            given["bidirectional"],
        )
        states = tuple(given["hx"]) if mode == "LSTM" else (given["hx"],)
        if packed:
            out, finals = layers._run(given["data"], given["batch_sizes"].tolist(), states)
            return out, *finals
        x = given["input"].transpose(0, 1) if given["batch_first"] else given["input"]
        length, batch = x.shape[:2]
        out, finals = layers._run(x.flatten(0, 1), [batch] * length, states)
        out = out.unflatten(0, (length, batch))
        return out.transpose(0, 1) if given["batch_first"] else out, *finals

    function.__name__ = function.__qualname__ = mode.lower()
    function.__doc__ = f"What `nn.{mode.split('_')[0]}` computes, over weights that are given."
    return function


lstm, gru = _recurrent("LSTM"), _recurrent("GRU")
rnn_tanh, rnn_relu = _recurrent("RNN_TANH"), _recurrent("RNN_RELU")


def _cell(mode: str) -> Any:
    def function(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Any:
        states = tuple(hx) if mode == "LSTM" else (hx,)
        new = _next_state(mode, F.linear(input, w_ih, b_ih), states, w_hh, b_hh)
        return new if mode == "LSTM" else new[0]

    function.__name__ = function.__qualname__ = f"{mode.lower()}_cell"
    function.__doc__ = "One step of a recurrent layer, over weights that are given."
    return function


lstm_cell, gru_cell = _cell("LSTM"), _cell("GRU")
rnn_tanh_cell, rnn_relu_cell = _cell("RNN_TANH"), _cell("RNN_RELU")
