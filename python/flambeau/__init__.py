"""Flambeau: PyTorch's tensors, autograd, layers and training loop as one Rust engine.

``import flambeau as torch`` gives the names of PyTorch. So that ``import torch.nn as nn`` is Flambeau too, run a
program with ``python -m flambeau script.py``, or call ``flambeau.stand_in()`` first in a notebook.
"""

from __future__ import annotations

import importlib
from typing import Any

from flambeau import _C
from flambeau._C import *  # noqa: F403
from flambeau._C import (
    Generator as Generator,
    Tensor as Tensor,
    device as device,
    dtype as dtype,
    layout as layout,
    memory_format as memory_format,
)
from flambeau._size import Size as Size

__version__ = "0.1.0"

# The other names that PyTorch gives to dtypes.
float = _C.float32
double = _C.float64
half = _C.float16
cfloat = _C.complex64
cdouble = _C.complex128
short = _C.int16
int = _C.int32
long = _C.int64
bool = _C.bool

for _name in dir(_C):
    if not _name.startswith("__"):
        globals().setdefault(_name, getattr(_C, _name))
# The engine's groups of operators: the packages of these names, read when first used, stand over them.
for _name in ("fft", "functional", "linalg", "private", "special"):
    globals().pop(_name, None)

from flambeau import (
    _methods,
    _pickling,
    return_types as return_types,  # noqa: E402
)
from flambeau._factors import (  # noqa: E402
    lu as lu,
    pca_lowrank as pca_lowrank,
    svd_lowrank as svd_lowrank,
)
from flambeau._functions import *  # type: ignore[assignment, no-redef]  # noqa: F403
from flambeau._functions import _assert as _assert, _check as _check  # noqa: E402
from flambeau._legacy import (  # noqa: E402
    BFloat16Tensor as BFloat16Tensor,
    BoolTensor as BoolTensor,
    ByteTensor as ByteTensor,
    CharTensor as CharTensor,
    DoubleTensor as DoubleTensor,
    FloatTensor as FloatTensor,
    HalfTensor as HalfTensor,
    IntTensor as IntTensor,
    LongTensor as LongTensor,
    ShortTensor as ShortTensor,
    set_default_tensor_type as set_default_tensor_type,
)
from flambeau._windows import (  # noqa: E402
    bartlett_window as bartlett_window,
    blackman_window as blackman_window,
    hamming_window as hamming_window,
    hann_window as hann_window,
    kaiser_window as kaiser_window,
)
from flambeau.random import (  # noqa: E402
    default_generator as default_generator,
    get_rng_state as get_rng_state,
    initial_seed as initial_seed,
    manual_seed as manual_seed,
    seed as seed,
    set_rng_state as set_rng_state,
)

_methods.install()
_pickling.install()

from flambeau import autograd as autograd  # noqa: E402
from flambeau.autograd.grad_mode import (  # noqa: E402
    enable_grad as enable_grad,
    inference_mode as inference_mode,
    is_inference_mode_enabled as is_inference_mode_enabled,
    no_grad as no_grad,
    set_grad_enabled as set_grad_enabled,
)

_LAZY = {
    "nn",
    "optim",
    "utils",
    "vision",
    "linalg",
    "special",
    "fft",
    "signal",
    "masked",
    "accelerator",
    "cpu",
    "cuda",
    "mps",
    "onnx",
    "xpu",
    "backends",
    "safetensors",
    "serialization",
    "testing",
    "func",
    "amp",
    "distributions",
    "types",
    "version",
    "compiler",
    "multiprocessing",
    "functional",
    "distributed",
    "storage",
    "__config__",
}

# Functions of layers that PyTorch also has at the top, with the same arguments.
_FUNCTIONAL = {
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "alpha_dropout",
    "bilinear",
    "channel_shuffle",
    "cosine_similarity",
    "max_pool1d",
    "max_pool3d",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "rms_norm",
    "rrelu",
}

# Those with arguments of their own.
_LAYERS = {
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
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"flambeau.{name}")
    if name == "vmap":
        return importlib.import_module("flambeau.func").vmap
    if "autocast" in name and hasattr(mode := importlib.import_module("flambeau.amp.autocast_mode"), name):
        return getattr(mode, name)
    if name == "GradScaler":
        return importlib.import_module("flambeau.amp").GradScaler
    if name in ("from_dlpack", "to_dlpack"):
        return getattr(importlib.import_module("flambeau.utils.dlpack"), name)
    if name in ("AcceleratorError", "OutOfMemoryError"):
        return getattr(importlib.import_module("flambeau.accelerator"), name)
    if name == "TypedStorage":
        return importlib.import_module("flambeau.storage").TypedStorage
    if name in ("save", "load"):
        return getattr(importlib.import_module("flambeau.serialization"), name)
    if name in _FUNCTIONAL:
        return getattr(importlib.import_module("flambeau.nn.functional"), name)
    if name in _LAYERS:
        return getattr(importlib.import_module("flambeau._layers"), name)
    if name == "stand_in":
        from flambeau._stand_in import stand_in

        return stand_in
    raise AttributeError(f"module 'torch' has no attribute '{name}'")
