"""Functions on tensors that layers are made of.

What is not written here is an operator of the engine: any name missing below is looked up in `flambeau._C.functional`.
"""

from __future__ import annotations

from typing import Any

import flambeau
from flambeau.nn._functional._engine import engine
from flambeau.nn._functional.activation import (
    celu as celu,
)
from flambeau.nn._functional.activation import (
    elu as elu,
)
from flambeau.nn._functional.activation import (
    glu as glu,
)
from flambeau.nn._functional.activation import (
    gumbel_softmax as gumbel_softmax,
)
from flambeau.nn._functional.activation import (
    hardshrink as hardshrink,
)
from flambeau.nn._functional.activation import (
    hardsigmoid as hardsigmoid,
)
from flambeau.nn._functional.activation import (
    hardswish as hardswish,
)
from flambeau.nn._functional.activation import (
    hardtanh as hardtanh,
)
from flambeau.nn._functional.activation import (
    leaky_relu as leaky_relu,
)
from flambeau.nn._functional.activation import (
    log_softmax as log_softmax,
)
from flambeau.nn._functional.activation import (
    logsigmoid as logsigmoid,
)
from flambeau.nn._functional.activation import (
    mish as mish,
)
from flambeau.nn._functional.activation import (
    prelu as prelu,
)
from flambeau.nn._functional.activation import (
    relu as relu,
)
from flambeau.nn._functional.activation import (
    relu6 as relu6,
)
from flambeau.nn._functional.activation import (
    rrelu as rrelu,
)
from flambeau.nn._functional.activation import (
    selu as selu,
)
from flambeau.nn._functional.activation import (
    silu as silu,
)
from flambeau.nn._functional.activation import (
    softmax as softmax,
)
from flambeau.nn._functional.activation import (
    softmin as softmin,
)
from flambeau.nn._functional.activation import (
    softplus as softplus,
)
from flambeau.nn._functional.activation import (
    softshrink as softshrink,
)
from flambeau.nn._functional.activation import (
    softsign as softsign,
)
from flambeau.nn._functional.activation import (
    tanhshrink as tanhshrink,
)
from flambeau.nn._functional.activation import (
    threshold as threshold,
)
from flambeau.nn._functional.conv import (
    conv1d as conv1d,
)
from flambeau.nn._functional.conv import (
    conv2d as conv2d,
)
from flambeau.nn._functional.conv import (
    conv3d as conv3d,
)
from flambeau.nn._functional.conv import (
    conv_transpose1d as conv_transpose1d,
)
from flambeau.nn._functional.conv import (
    conv_transpose2d as conv_transpose2d,
)
from flambeau.nn._functional.conv import (
    conv_transpose3d as conv_transpose3d,
)
from flambeau.nn._functional.dropout import (
    alpha_dropout as alpha_dropout,
)
from flambeau.nn._functional.dropout import (
    dropout as dropout,
)
from flambeau.nn._functional.dropout import (
    dropout1d as dropout1d,
)
from flambeau.nn._functional.dropout import (
    dropout2d as dropout2d,
)
from flambeau.nn._functional.dropout import (
    dropout3d as dropout3d,
)
from flambeau.nn._functional.dropout import (
    feature_alpha_dropout as feature_alpha_dropout,
)
from flambeau.nn._functional.loss import (
    binary_cross_entropy as binary_cross_entropy,
)
from flambeau.nn._functional.loss import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from flambeau.nn._functional.loss import (
    cross_entropy as cross_entropy,
)
from flambeau.nn._functional.loss import (
    huber_loss as huber_loss,
)
from flambeau.nn._functional.loss import (
    kl_div as kl_div,
)
from flambeau.nn._functional.loss import (
    l1_loss as l1_loss,
)
from flambeau.nn._functional.loss import (
    mse_loss as mse_loss,
)
from flambeau.nn._functional.loss import (
    nll_loss as nll_loss,
)
from flambeau.nn._functional.loss import (
    smooth_l1_loss as smooth_l1_loss,
)
from flambeau.nn._functional.margin_loss import (
    cosine_embedding_loss as cosine_embedding_loss,
)
from flambeau.nn._functional.margin_loss import (
    cosine_similarity as cosine_similarity,
)
from flambeau.nn._functional.margin_loss import (
    gaussian_nll_loss as gaussian_nll_loss,
)
from flambeau.nn._functional.margin_loss import (
    hinge_embedding_loss as hinge_embedding_loss,
)
from flambeau.nn._functional.margin_loss import (
    margin_ranking_loss as margin_ranking_loss,
)
from flambeau.nn._functional.margin_loss import (
    multi_margin_loss as multi_margin_loss,
)
from flambeau.nn._functional.margin_loss import (
    multilabel_margin_loss as multilabel_margin_loss,
)
from flambeau.nn._functional.margin_loss import (
    multilabel_soft_margin_loss as multilabel_soft_margin_loss,
)
from flambeau.nn._functional.margin_loss import (
    normalize as normalize,
)
from flambeau.nn._functional.margin_loss import (
    pairwise_distance as pairwise_distance,
)
from flambeau.nn._functional.margin_loss import (
    poisson_nll_loss as poisson_nll_loss,
)
from flambeau.nn._functional.margin_loss import (
    soft_margin_loss as soft_margin_loss,
)
from flambeau.nn._functional.margin_loss import (
    triplet_margin_loss as triplet_margin_loss,
)
from flambeau.nn._functional.margin_loss import (
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)
from flambeau.nn._functional.norm import (
    batch_norm as batch_norm,
)
from flambeau.nn._functional.norm import (
    group_norm as group_norm,
)
from flambeau.nn._functional.norm import (
    instance_norm as instance_norm,
)
from flambeau.nn._functional.norm import (
    layer_norm as layer_norm,
)
from flambeau.nn._functional.norm import (
    local_response_norm as local_response_norm,
)
from flambeau.nn._functional.norm import (
    rms_norm as rms_norm,
)
from flambeau.nn._functional.pad import (
    channel_shuffle as channel_shuffle,
)
from flambeau.nn._functional.pad import (
    pad as pad,
)
from flambeau.nn._functional.pad import (
    pixel_shuffle as pixel_shuffle,
)
from flambeau.nn._functional.pad import (
    pixel_unshuffle as pixel_unshuffle,
)
from flambeau.nn._functional.pool import (
    adaptive_avg_pool1d as adaptive_avg_pool1d,
)
from flambeau.nn._functional.pool import (
    adaptive_avg_pool2d as adaptive_avg_pool2d,
)
from flambeau.nn._functional.pool import (
    adaptive_avg_pool3d as adaptive_avg_pool3d,
)
from flambeau.nn._functional.pool import (
    adaptive_max_pool1d as adaptive_max_pool1d,
)
from flambeau.nn._functional.pool import (
    adaptive_max_pool2d as adaptive_max_pool2d,
)
from flambeau.nn._functional.pool import (
    adaptive_max_pool3d as adaptive_max_pool3d,
)
from flambeau.nn._functional.pool import (
    avg_pool1d as avg_pool1d,
)
from flambeau.nn._functional.pool import (
    avg_pool2d as avg_pool2d,
)
from flambeau.nn._functional.pool import (
    avg_pool3d as avg_pool3d,
)
from flambeau.nn._functional.pool import (
    lp_pool1d as lp_pool1d,
)
from flambeau.nn._functional.pool import (
    lp_pool2d as lp_pool2d,
)
from flambeau.nn._functional.pool import (
    lp_pool3d as lp_pool3d,
)
from flambeau.nn._functional.pool import (
    max_pool1d as max_pool1d,
)
from flambeau.nn._functional.pool import (
    max_pool2d as max_pool2d,
)
from flambeau.nn._functional.pool import (
    max_pool3d as max_pool3d,
)
from flambeau.nn._functional.sparse import bilinear as bilinear
from flambeau.nn._functional.sparse import embedding as embedding

# Operators of the engine that layers call on every step: bound once.
linear: Any = engine("linear")
gelu: Any = engine("gelu")
sigmoid: Any = flambeau.sigmoid
tanh: Any = flambeau.tanh
one_hot: Any = engine("one_hot")


def __getattr__(name: str) -> Any:
    operator = None if name.startswith("__") else engine(name)
    if operator is None:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return operator


def __dir__() -> list[str]:
    return sorted({*globals(), *(n for n in dir(flambeau._C.functional) if not n.startswith("__"))})
