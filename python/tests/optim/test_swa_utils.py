"""Averages of models, and the schedule towards them."""

import copy
import io
import pickle

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2, dtype=torch.float64))


def updated(averaged, model, times):
    """The averages after updates with random parameters, and these."""
    seen = []
    for _ in range(times):
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(torch.randn_like(p))
        model[1].running_mean += 1
        model[1].num_batches_tracked += 2
        averaged.update_parameters(model)
        seen.append([p.detach().clone() for p in model.parameters()])
    return list(averaged.module.parameters()), list(zip(*seen, strict=True))


@pytest.mark.parametrize("options", [{}, {"avg_fn": get_swa_avg_fn()}, {"multi_avg_fn": get_swa_multi_avg_fn()}])
def test_the_mean(options):
    model = network()
    averaged = AveragedModel(model, **options)
    averages, seen = updated(averaged, model, 4)
    assert averaged.n_averaged == 4
    for average, values in zip(averages, seen, strict=True):
        assert torch.allclose(average, torch.stack(values).mean(0), atol=1e-6)
    assert averaged.module[1].running_mean.tolist() == model[1].running_mean.tolist() == [4] * 4


@pytest.mark.parametrize("options", [{"avg_fn": get_ema_avg_fn(0.9)}, {"multi_avg_fn": get_ema_multi_avg_fn(0.9)}])
def test_exponential_average(options):
    model = network()
    averages, seen = updated(AveragedModel(model, **options), model, 4)
    for average, (first, *others) in zip(averages, seen, strict=True):
        for value in others:
            first = first * 0.9 + value * 0.1
        assert torch.allclose(average, first, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "mean", "count"),
    [
        ({}, 2, 4),
        # 3 and then 4.5, without its fraction.
        ({"avg_fn": get_ema_avg_fn(0.5)}, 2.25, 4),
        ({"multi_avg_fn": get_ema_multi_avg_fn(0.5)}, 2.25, 4),
    ],
)
def test_buffers_are_averaged_too(options, mean, count):
    model = network()
    averaged = AveragedModel(model, use_buffers=True, **options)
    updated(averaged, model, 3)
    assert averaged.module[1].running_mean.tolist() == [mean] * 4  # of 1, 2, 3
    assert averaged.module[1].num_batches_tracked == count  # of 2, 4, 6


def test_integers_have_no_mean_in_place():
    with pytest.raises(RuntimeError, match="Integer division with addcdiv is no longer supported"):
        get_swa_multi_avg_fn()([torch.tensor([2])], [torch.tensor([7])], torch.tensor(1))
    with pytest.raises(RuntimeError, match="For integral input tensors, argument alpha must not be a floating point"):
        get_swa_multi_avg_fn()([torch.tensor([2])], [torch.tensor([7])], 1)


def test_state_dict_and_copies():
    model = network()
    averaged = AveragedModel(model)
    updated(averaged, model, 2)
    assert list(averaged.state_dict())[:2] == ["n_averaged", "module.0.weight"]
    other = AveragedModel(network())
    other.load_state_dict(averaged.state_dict())
    twin = copy.deepcopy(averaged)
    x = torch.randn(5, 3)
    for found in (other, twin):
        assert torch.equal(found.module[0](x), averaged.module[0](x)) and found.n_averaged == 2
    assert averaged.module[0].weight is not model[0].weight


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x, 1], lambda x: (x,)])
def test_figures_of_batch_norm(wrap):
    model = nn.Sequential(nn.BatchNorm1d(3, momentum=0.3), nn.Dropout())
    model.eval()
    batches = [torch.randn(6, 3) for _ in range(4)]
    update_bn([wrap(x) for x in batches], model, "cpu")
    assert not model.training and model[0].momentum == 0.3 and model[0].num_batches_tracked == 4
    assert torch.allclose(model[0].running_mean, torch.stack(batches).mean((0, 1)), atol=1e-6)
    assert torch.allclose(model[0].running_var, torch.stack(batches).var(1).mean(0), atol=1e-6)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("linear", [1.0, 0.7625, 0.525, 0.2875, 0.05, 0.05]),
        ("cos", [1.0, 0.8608757, 0.525, 0.1891243, 0.05, 0.05]),
    ],
)
def test_schedule(strategy, expected):
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    scheduler = SWALR(optimizer, swa_lr=0.05, anneal_epochs=4, anneal_strategy=strategy)
    rates = []
    for epoch in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
        if epoch == 2:
            state = scheduler.state_dict()
            assert "anneal_func" not in state and "optimizer" not in state
            scheduler = SWALR(optimizer, swa_lr=0.05)
            scheduler.load_state_dict(state)
            optimizer.param_groups[0]["lr"] = scheduler.get_last_lr()[0]
    assert rates == pytest.approx(expected)


def test_schedule_of_groups_at_once():
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD([{"params": [layer.weight]}, {"params": [layer.bias], "lr": 2.0}], lr=1.0)
    scheduler = SWALR(optimizer, swa_lr=[0.1, 0.2], anneal_epochs=0)
    optimizer.step()
    scheduler.step()
    assert scheduler.get_last_lr() == [0.1, 0.2]


def test_errors():
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=1.0)
    with pytest.raises(ValueError, match="anneal_strategy must be one of 'cos' or 'linear', instead got exp"):
        SWALR(optimizer, swa_lr=0.1, anneal_strategy="exp")
    for epochs in (-1, 1.5):
        with pytest.raises(ValueError, match=f"anneal_epochs must be equal or greater than 0, got {epochs}"):
            SWALR(optimizer, swa_lr=0.1, anneal_epochs=epochs)
    with pytest.raises(ValueError, match="swa_lr must have the same length as optimizer.param_groups"):
        SWALR(optimizer, swa_lr=[0.1, 0.2])
    for make in (get_ema_avg_fn, get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match="Invalid decay value 1.5 provided"):
            make(1.5)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn should be provided"):
        AveragedModel(network(), avg_fn=get_swa_avg_fn(), multi_avg_fn=get_swa_multi_avg_fn())


def test_saved_whole():
    model = nn.Linear(2, 1)
    averaged = AveragedModel(model, use_buffers=True)
    averaged.update_parameters(model)
    averaged.update_parameters(model)
    file = io.BytesIO()
    torch.save(averaged, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    assert type(again) is AveragedModel and again.n_averaged.item() == 2 and again.use_buffers
    assert torch.equal(again.module.weight, model.weight)
    again.update_parameters(model)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        torch.load(file, weights_only=True)
