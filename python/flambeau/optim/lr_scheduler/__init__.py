"""Schedules of the learning rate.

>>> optimizer = torch.optim.SGD(torch.nn.Linear(2, 1).parameters(), lr=0.1)
>>> scheduler = StepLR(optimizer, step_size=30, gamma=0.1)
"""

from __future__ import annotations

from flambeau.optim.lr_scheduler.base import LRScheduler as LRScheduler
from flambeau.optim.lr_scheduler.combined import (
    ChainedScheduler as ChainedScheduler,
    SequentialLR as SequentialLR,
)
from flambeau.optim.lr_scheduler.cosine import (
    CosineAnnealingLR as CosineAnnealingLR,
    CosineAnnealingWarmRestarts as CosineAnnealingWarmRestarts,
)
from flambeau.optim.lr_scheduler.cyclic import CyclicLR as CyclicLR, OneCycleLR as OneCycleLR
from flambeau.optim.lr_scheduler.decay import (
    ConstantLR as ConstantLR,
    ExponentialLR as ExponentialLR,
    LambdaLR as LambdaLR,
    LinearLR as LinearLR,
    MultiplicativeLR as MultiplicativeLR,
    MultiStepLR as MultiStepLR,
    PolynomialLR as PolynomialLR,
    StepLR as StepLR,
)
from flambeau.optim.lr_scheduler.plateau import ReduceLROnPlateau as ReduceLROnPlateau


class _LRScheduler(LRScheduler):
    """The old name of LRScheduler, for subclasses."""
