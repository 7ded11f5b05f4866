"""Schedules of the learning rate.

>>> scheduler = StepLR(optimizer, step_size=30, gamma=0.1)
"""

from __future__ import annotations

from flambeau.optim.lr_scheduler.base import LRScheduler as LRScheduler
from flambeau.optim.lr_scheduler.combined import (
    ChainedScheduler as ChainedScheduler,
)
from flambeau.optim.lr_scheduler.combined import (
    SequentialLR as SequentialLR,
)
from flambeau.optim.lr_scheduler.cosine import (
    CosineAnnealingLR as CosineAnnealingLR,
)
from flambeau.optim.lr_scheduler.cosine import (
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
)
from flambeau.optim.lr_scheduler.cyclic import CyclicLR as CyclicLR
from flambeau.optim.lr_scheduler.cyclic import OneCycleLR as OneCycleLR
from flambeau.optim.lr_scheduler.decay import (
    ConstantLR as ConstantLR,
)
from flambeau.optim.lr_scheduler.decay import (
    ExponentialLR as ExponentialLR,
)
from flambeau.optim.lr_scheduler.decay import (
    LambdaLR as LambdaLR,
)
from flambeau.optim.lr_scheduler.decay import (
    LinearLR as LinearLR,
)
from flambeau.optim.lr_scheduler.decay import (
    MultiplicativeLR as MultiplicativeLR,
)
from flambeau.optim.lr_scheduler.decay import (
    MultiStepLR as MultiStepLR,
)
from flambeau.optim.lr_scheduler.decay import (
    PolynomialLR as PolynomialLR,
)
from flambeau.optim.lr_scheduler.decay import (
    StepLR as StepLR,
)
from flambeau.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau


class _LRScheduler(LRScheduler):
    """The old name of LRScheduler, for subclasses."""
