"""Neural networks: layers, losses, containers, initialization.

>>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
"""

from __future__ import annotations

import importlib
from typing import Any

from flambeau.nn import (
    common_types as common_types,
    functional as functional,
    grad as grad,
    init as init,
    modules as modules,
    parallel as parallel,
    parameter as parameter,
    utils as utils,
)
from flambeau.nn.modules import *  # noqa: F403
from flambeau.nn.parallel import DataParallel as DataParallel
from flambeau.nn.parameter import (
    Buffer as Buffer,
    Parameter as Parameter,
    UninitializedBuffer as UninitializedBuffer,
    UninitializedParameter as UninitializedParameter,
)


def __getattr__(name: str) -> Any:
    if name == "attention":
        return importlib.import_module("flambeau.nn.attention")
    raise AttributeError(f"module 'torch.nn' has no attribute '{name}'")
