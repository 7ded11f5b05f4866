"""Layers, containers and losses."""

from __future__ import annotations

from flambeau.nn.modules.activation import (
    CELU as CELU,
)
from flambeau.nn.modules.activation import (
    ELU as ELU,
)
from flambeau.nn.modules.activation import (
    GELU as GELU,
)
from flambeau.nn.modules.activation import (
    GLU as GLU,
)
from flambeau.nn.modules.activation import (
    SELU as SELU,
)
from flambeau.nn.modules.activation import (
    Hardshrink as Hardshrink,
)
from flambeau.nn.modules.activation import (
    Hardsigmoid as Hardsigmoid,
)
from flambeau.nn.modules.activation import (
    Hardswish as Hardswish,
)
from flambeau.nn.modules.activation import (
    Hardtanh as Hardtanh,
)
from flambeau.nn.modules.activation import (
    LeakyReLU as LeakyReLU,
)
from flambeau.nn.modules.activation import (
    LogSigmoid as LogSigmoid,
)
from flambeau.nn.modules.activation import (
    LogSoftmax as LogSoftmax,
)
from flambeau.nn.modules.activation import (
    Mish as Mish,
)
from flambeau.nn.modules.activation import (
    PReLU as PReLU,
)
from flambeau.nn.modules.activation import (
    ReLU as ReLU,
)
from flambeau.nn.modules.activation import (
    ReLU6 as ReLU6,
)
from flambeau.nn.modules.activation import (
    RReLU as RReLU,
)
from flambeau.nn.modules.activation import (
    Sigmoid as Sigmoid,
)
from flambeau.nn.modules.activation import (
    SiLU as SiLU,
)
from flambeau.nn.modules.activation import (
    Softmax as Softmax,
)
from flambeau.nn.modules.activation import (
    Softmax2d as Softmax2d,
)
from flambeau.nn.modules.activation import (
    Softmin as Softmin,
)
from flambeau.nn.modules.activation import (
    Softplus as Softplus,
)
from flambeau.nn.modules.activation import (
    Softshrink as Softshrink,
)
from flambeau.nn.modules.activation import (
    Softsign as Softsign,
)
from flambeau.nn.modules.activation import (
    Tanh as Tanh,
)
from flambeau.nn.modules.activation import (
    Tanhshrink as Tanhshrink,
)
from flambeau.nn.modules.activation import (
    Threshold as Threshold,
)
from flambeau.nn.modules.batchnorm import (
    BatchNorm1d as BatchNorm1d,
)
from flambeau.nn.modules.batchnorm import (
    BatchNorm2d as BatchNorm2d,
)
from flambeau.nn.modules.batchnorm import (
    BatchNorm3d as BatchNorm3d,
)
from flambeau.nn.modules.batchnorm import (
    InstanceNorm1d as InstanceNorm1d,
)
from flambeau.nn.modules.batchnorm import (
    InstanceNorm2d as InstanceNorm2d,
)
from flambeau.nn.modules.batchnorm import (
    InstanceNorm3d as InstanceNorm3d,
)
from flambeau.nn.modules.container import (
    ModuleDict as ModuleDict,
)
from flambeau.nn.modules.container import (
    ModuleList as ModuleList,
)
from flambeau.nn.modules.container import (
    Sequential as Sequential,
)
from flambeau.nn.modules.conv import (
    Conv1d as Conv1d,
)
from flambeau.nn.modules.conv import (
    Conv2d as Conv2d,
)
from flambeau.nn.modules.conv import (
    Conv3d as Conv3d,
)
from flambeau.nn.modules.conv import (
    ConvTranspose1d as ConvTranspose1d,
)
from flambeau.nn.modules.conv import (
    ConvTranspose2d as ConvTranspose2d,
)
from flambeau.nn.modules.conv import (
    ConvTranspose3d as ConvTranspose3d,
)
from flambeau.nn.modules.distance import (
    CosineSimilarity as CosineSimilarity,
)
from flambeau.nn.modules.distance import (
    PairwiseDistance as PairwiseDistance,
)
from flambeau.nn.modules.dropout import (
    AlphaDropout as AlphaDropout,
)
from flambeau.nn.modules.dropout import (
    Dropout as Dropout,
)
from flambeau.nn.modules.dropout import (
    Dropout1d as Dropout1d,
)
from flambeau.nn.modules.dropout import (
    Dropout2d as Dropout2d,
)
from flambeau.nn.modules.dropout import (
    Dropout3d as Dropout3d,
)
from flambeau.nn.modules.dropout import (
    FeatureAlphaDropout as FeatureAlphaDropout,
)
from flambeau.nn.modules.flatten import (
    ChannelShuffle as ChannelShuffle,
)
from flambeau.nn.modules.flatten import (
    Flatten as Flatten,
)
from flambeau.nn.modules.flatten import (
    PixelShuffle as PixelShuffle,
)
from flambeau.nn.modules.flatten import (
    PixelUnshuffle as PixelUnshuffle,
)
from flambeau.nn.modules.flatten import (
    Unflatten as Unflatten,
)
from flambeau.nn.modules.linear import (
    Bilinear as Bilinear,
)
from flambeau.nn.modules.linear import (
    Identity as Identity,
)
from flambeau.nn.modules.linear import (
    Linear as Linear,
)
from flambeau.nn.modules.loss import (
    BCELoss as BCELoss,
)
from flambeau.nn.modules.loss import (
    BCEWithLogitsLoss as BCEWithLogitsLoss,
)
from flambeau.nn.modules.loss import (
    CosineEmbeddingLoss as CosineEmbeddingLoss,
)
from flambeau.nn.modules.loss import (
    CrossEntropyLoss as CrossEntropyLoss,
)
from flambeau.nn.modules.loss import (
    GaussianNLLLoss as GaussianNLLLoss,
)
from flambeau.nn.modules.loss import (
    HingeEmbeddingLoss as HingeEmbeddingLoss,
)
from flambeau.nn.modules.loss import (
    HuberLoss as HuberLoss,
)
from flambeau.nn.modules.loss import (
    KLDivLoss as KLDivLoss,
)
from flambeau.nn.modules.loss import (
    L1Loss as L1Loss,
)
from flambeau.nn.modules.loss import (
    MarginRankingLoss as MarginRankingLoss,
)
from flambeau.nn.modules.loss import (
    MSELoss as MSELoss,
)
from flambeau.nn.modules.loss import (
    MultiLabelMarginLoss as MultiLabelMarginLoss,
)
from flambeau.nn.modules.loss import (
    MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss,
)
from flambeau.nn.modules.loss import (
    MultiMarginLoss as MultiMarginLoss,
)
from flambeau.nn.modules.loss import (
    NLLLoss as NLLLoss,
)
from flambeau.nn.modules.loss import (
    NLLLoss2d as NLLLoss2d,
)
from flambeau.nn.modules.loss import (
    PoissonNLLLoss as PoissonNLLLoss,
)
from flambeau.nn.modules.loss import (
    SmoothL1Loss as SmoothL1Loss,
)
from flambeau.nn.modules.loss import (
    SoftMarginLoss as SoftMarginLoss,
)
from flambeau.nn.modules.loss import (
    TripletMarginLoss as TripletMarginLoss,
)
from flambeau.nn.modules.loss import (
    TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss,
)
from flambeau.nn.modules.module import (
    Module as Module,
)
from flambeau.nn.modules.normalization import (
    CrossMapLRN2d as CrossMapLRN2d,
)
from flambeau.nn.modules.normalization import (
    GroupNorm as GroupNorm,
)
from flambeau.nn.modules.normalization import (
    LayerNorm as LayerNorm,
)
from flambeau.nn.modules.normalization import (
    LocalResponseNorm as LocalResponseNorm,
)
from flambeau.nn.modules.normalization import (
    RMSNorm as RMSNorm,
)
from flambeau.nn.modules.padding import (
    CircularPad1d as CircularPad1d,
)
from flambeau.nn.modules.padding import (
    CircularPad2d as CircularPad2d,
)
from flambeau.nn.modules.padding import (
    CircularPad3d as CircularPad3d,
)
from flambeau.nn.modules.padding import (
    ConstantPad1d as ConstantPad1d,
)
from flambeau.nn.modules.padding import (
    ConstantPad2d as ConstantPad2d,
)
from flambeau.nn.modules.padding import (
    ConstantPad3d as ConstantPad3d,
)
from flambeau.nn.modules.padding import (
    ReflectionPad1d as ReflectionPad1d,
)
from flambeau.nn.modules.padding import (
    ReflectionPad2d as ReflectionPad2d,
)
from flambeau.nn.modules.padding import (
    ReflectionPad3d as ReflectionPad3d,
)
from flambeau.nn.modules.padding import (
    ReplicationPad1d as ReplicationPad1d,
)
from flambeau.nn.modules.padding import (
    ReplicationPad2d as ReplicationPad2d,
)
from flambeau.nn.modules.padding import (
    ReplicationPad3d as ReplicationPad3d,
)
from flambeau.nn.modules.padding import (
    ZeroPad1d as ZeroPad1d,
)
from flambeau.nn.modules.padding import (
    ZeroPad2d as ZeroPad2d,
)
from flambeau.nn.modules.padding import (
    ZeroPad3d as ZeroPad3d,
)
from flambeau.nn.modules.parameter_container import (
    ParameterDict as ParameterDict,
)
from flambeau.nn.modules.parameter_container import (
    ParameterList as ParameterList,
)
from flambeau.nn.modules.pooling import (
    AdaptiveAvgPool1d as AdaptiveAvgPool1d,
)
from flambeau.nn.modules.pooling import (
    AdaptiveAvgPool2d as AdaptiveAvgPool2d,
)
from flambeau.nn.modules.pooling import (
    AdaptiveAvgPool3d as AdaptiveAvgPool3d,
)
from flambeau.nn.modules.pooling import (
    AdaptiveMaxPool1d as AdaptiveMaxPool1d,
)
from flambeau.nn.modules.pooling import (
    AdaptiveMaxPool2d as AdaptiveMaxPool2d,
)
from flambeau.nn.modules.pooling import (
    AdaptiveMaxPool3d as AdaptiveMaxPool3d,
)
from flambeau.nn.modules.pooling import (
    AvgPool1d as AvgPool1d,
)
from flambeau.nn.modules.pooling import (
    AvgPool2d as AvgPool2d,
)
from flambeau.nn.modules.pooling import (
    AvgPool3d as AvgPool3d,
)
from flambeau.nn.modules.pooling import (
    LPPool1d as LPPool1d,
)
from flambeau.nn.modules.pooling import (
    LPPool2d as LPPool2d,
)
from flambeau.nn.modules.pooling import (
    LPPool3d as LPPool3d,
)
from flambeau.nn.modules.pooling import (
    MaxPool1d as MaxPool1d,
)
from flambeau.nn.modules.pooling import (
    MaxPool2d as MaxPool2d,
)
from flambeau.nn.modules.pooling import (
    MaxPool3d as MaxPool3d,
)
from flambeau.nn.modules.rnn import (
    GRU as GRU,
)
from flambeau.nn.modules.rnn import (
    LSTM as LSTM,
)
from flambeau.nn.modules.rnn import (
    RNN as RNN,
)
from flambeau.nn.modules.rnn import (
    GRUCell as GRUCell,
)
from flambeau.nn.modules.rnn import (
    LSTMCell as LSTMCell,
)
from flambeau.nn.modules.rnn import (
    RNNBase as RNNBase,
)
from flambeau.nn.modules.rnn import (
    RNNCell as RNNCell,
)
from flambeau.nn.modules.sparse import (
    Embedding as Embedding,
)

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Bilinear",
    "ChannelShuffle",
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "CrossMapLRN2d",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "Embedding",
    "FeatureAlphaDropout",
    "Flatten",
    "GRUCell",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
    "KLDivLoss",
    "L1Loss",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "NLLLoss2d",
    "PReLU",
    "PairwiseDistance",
    "ParameterDict",
    "ParameterList",
    "PixelShuffle",
    "PixelUnshuffle",
    "PoissonNLLLoss",
    "RMSNorm",
    "RNNBase",
    "RNNCell",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "Unflatten",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]
