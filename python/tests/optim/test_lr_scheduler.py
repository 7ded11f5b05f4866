"""Learning rate schedules."""

import flambeau
import pytest
from flambeau import nn, optim
from flambeau.optim import lr_scheduler as schedules


def rates(make, steps=8):
    optimizer = optim.SGD([nn.Parameter(flambeau.ones(1))], lr=0.1, momentum=0.9)
    schedule, seen = make(optimizer), []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


RECORDED = [
    (lambda o: schedules.StepLR(o, 3), [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001]),
    (lambda o: schedules.MultiStepLR(o, [2, 5]), [0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001]),
    (
        lambda o: schedules.ConstantLR(o),
        [0.0333333333, 0.0333333333, 0.0333333333, 0.0333333333, 0.0333333333, 0.1, 0.1, 0.1],
    ),
    (lambda o: schedules.LinearLR(o), [0.0333333333, 0.0466666667, 0.06, 0.0733333333, 0.0866666667, 0.1, 0.1, 0.1]),
    (lambda o: schedules.ExponentialLR(o, 0.9), [0.1, 0.09, 0.081, 0.0729, 0.06561, 0.059049, 0.0531441, 0.04782969]),
    (lambda o: schedules.PolynomialLR(o, 4, power=2.0), [0.1, 0.05625, 0.025, 0.00625, 0.0, 0.0, 0.0, 0.0]),
    (lambda o: schedules.CosineAnnealingLR(o, 3), [0.1, 0.075, 0.025, 0.0, 0.025, 0.075, 0.1, 0.075]),
    (
        lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, 2),
        [0.1, 0.05, 0.1, 0.0853553391, 0.05, 0.0146446609, 0.1, 0.0961939766],
    ),
    (lambda o: schedules.CyclicLR(o, 0.01, 0.1, step_size_up=3), [0.01, 0.04, 0.07, 0.1, 0.07, 0.04, 0.01, 0.04]),
    (
        lambda o: schedules.OneCycleLR(o, 0.5, total_steps=9),
        [0.02, 0.3256791176, 0.4972077177, 0.4492833297, 0.3528223645, 0.2313185513, 0.1143649766, 0.0304464849],
    ),
    (
        lambda o: schedules.LambdaLR(o, lambda e: 0.5**e),
        [0.1, 0.05, 0.025, 0.0125, 0.00625, 0.003125, 0.0015625, 0.00078125],
    ),
    (
        lambda o: schedules.SequentialLR(
            o, [schedules.ConstantLR(o, total_iters=4), schedules.ExponentialLR(o, 0.9)], [3]
        ),
        [0.0333333333, 0.0333333333, 0.0333333333, 0.1, 0.09, 0.081, 0.0729, 0.06561],
    ),
    (
        lambda o: schedules.ChainedScheduler([schedules.ConstantLR(o), schedules.ExponentialLR(o, 0.9)]),
        [0.0333333333, 0.03, 0.027, 0.0243, 0.02187, 0.059049, 0.0531441, 0.04782969],
    ),
]


@pytest.mark.parametrize(("make", "expected"), RECORDED)
def test_rates(make, expected) -> None:
    assert rates(make) == pytest.approx(expected, rel=1e-6)


def test_plateau() -> None:
    optimizer = optim.SGD([nn.Parameter(flambeau.ones(1))], lr=1.0)
    schedule = schedules.ReduceLROnPlateau(optimizer, patience=1)
    for loss in (3.0, 2.0, 2.0, 2.0):
        schedule.step(loss)
    assert schedule.get_last_lr() == [0.1]


def test_wrong_order_warns() -> None:
    optimizer = optim.SGD([nn.Parameter(flambeau.ones(1))], lr=1.0)
    schedule = schedules.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step"):
        schedule.step()


def test_state_dict() -> None:
    optimizer = optim.SGD([nn.Parameter(flambeau.ones(1))], lr=1.0)
    schedule = schedules.StepLR(optimizer, 2)
    state = schedule.state_dict()
    assert "optimizer" not in state and state["last_epoch"] == 0
    other = schedules.StepLR(optimizer, 5)
    other.load_state_dict(state)
    assert other.step_size == 2
