"""Neural networks: layers, losses, containers, initialization.

>>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
"""

from __future__ import annotations

from flambeau.nn import (
    functional as functional,
)
from flambeau.nn import (
    init as init,
)
from flambeau.nn import (
    modules as modules,
)
from flambeau.nn import (
    parameter as parameter,
)
from flambeau.nn import (
    utils as utils,
)
from flambeau.nn.modules import *  # noqa: F403
from flambeau.nn.parameter import (
    Buffer as Buffer,
)
from flambeau.nn.parameter import (
    Parameter as Parameter,
)
from flambeau.nn.parameter import (
    UninitializedBuffer as UninitializedBuffer,
)
from flambeau.nn.parameter import (
    UninitializedParameter as UninitializedParameter,
)
