"""Records what PyTorch's optimizers and schedulers compute, for optim.rs and schedulers.rs.

    ATEN_CPU_CAPABILITY=avx2 python optim_record.py

on a processor that is not Intel's (on those its library's square roots and dot products round otherwise, and ten steps
show that) writes optim.txt and schedulers.txt: a line is a name, a colon, and numbers or words.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.optim import lr_scheduler as schedulers
from torch.optim.swa_utils import SWALR

STEPS = 10
EPOCHS = 30
DTYPES = {"f32": torch.float32, "f64": torch.float64, "c64": torch.complex64}

OPTIMIZERS: list[tuple[str, str, dict[str, Any]]] = [
    ("SGD default", "SGD", {}),
    ("SGD momentum", "SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD dampening", "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    ("SGD nesterov", "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD maximize", "SGD", {"lr": 0.1, "momentum": 0.9, "maximize": True, "weight_decay": 0.1}),
    ("Adam default", "Adam", {}),
    ("Adam amsgrad", "Adam", {"lr": 0.1, "betas": (0.8, 0.7), "eps": 1e-3, "amsgrad": True}),
    ("Adam weight_decay", "Adam", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adam decoupled", "Adam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW default", "AdamW", {}),
    (
        "AdamW options",
        "AdamW",
        {"lr": 0.1, "betas": (0.8, 0.7), "weight_decay": 0.2, "amsgrad": True, "maximize": True},
    ),
    ("Adagrad default", "Adagrad", {}),
    ("Adagrad lr_decay", "Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}),
    ("Adagrad accumulator", "Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2, "maximize": True}),
    ("Adadelta default", "Adadelta", {}),
    ("Adadelta options", "Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}),
    ("Adadelta maximize", "Adadelta", {"maximize": True}),
    ("Adamax default", "Adamax", {}),
    ("Adamax options", "Adamax", {"lr": 0.1, "betas": (0.8, 0.7), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adamax maximize", "Adamax", {"lr": 0.1, "maximize": True}),
    ("NAdam default", "NAdam", {}),
    (
        "NAdam options",
        "NAdam",
        {"lr": 0.1, "betas": (0.8, 0.7), "eps": 1e-3, "weight_decay": 0.1, "momentum_decay": 0.1},
    ),
    ("NAdam decoupled", "NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam default", "RAdam", {}),
    ("RAdam options", "RAdam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("RAdam decoupled", "RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RMSprop default", "RMSprop", {}),
    ("RMSprop momentum", "RMSprop", {"lr": 0.1, "alpha": 0.7, "eps": 1e-3, "momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop centered", "RMSprop", {"lr": 0.1, "centered": True, "maximize": True}),
    ("RMSprop both", "RMSprop", {"lr": 0.1, "centered": True, "momentum": 0.5}),
    ("Rprop default", "Rprop", {}),
    ("Rprop options", "Rprop", {"lr": 0.1, "etas": (0.3, 1.5), "step_sizes": (0.05, 0.2), "maximize": True}),
    ("ASGD default", "ASGD", {}),
    ("ASGD options", "ASGD", {"lr": 0.1, "lambd": 0.1, "alpha": 0.5, "t0": 2, "weight_decay": 0.1}),
    ("ASGD maximize", "ASGD", {"lr": 0.1, "t0": 0, "maximize": True}),
    ("Adafactor default", "Adafactor", {}),
    ("Adafactor options", "Adafactor", {"lr": 0.5, "beta2_decay": -0.5, "eps": (1e-3, 1e-2), "d": 1.5}),
    ("Adafactor weight_decay", "Adafactor", {"lr": 0.5, "weight_decay": 0.1, "maximize": True}),
    ("Muon default", "Muon", {}),
    ("Muon options", "Muon", {"lr": 0.1, "weight_decay": 0.2, "momentum": 0.8, "nesterov": False, "eps": 1e-3}),
    ("Muon match", "Muon", {"lr": 0.1, "ns_steps": 3, "adjust_lr_fn": "match_rms_adamw"}),
    ("Muon spectral", "Muon", {"lr": 0.1, "ns_coefficients": (3.0, -4.0, 2.0), "adjust_lr_fn": "spectral_unclamped"}),
]

LBFGS: list[tuple[str, dict[str, Any], int]] = [
    ("LBFGS default", {"lr": 0.1}, 2),
    ("LBFGS short", {"max_iter": 4, "history_size": 2, "lr": 0.02}, 4),
    ("LBFGS max_eval", {"max_eval": 3, "lr": 0.01}, 3),
    ("LBFGS strong_wolfe", {"line_search_fn": "strong_wolfe"}, 1),
    ("LBFGS strong_wolfe short", {"line_search_fn": "strong_wolfe", "max_iter": 3, "history_size": 2, "lr": 0.5}, 4),
    ("LBFGS maximize", {"line_search_fn": "strong_wolfe", "max_iter": 5, "maximize": True}, 2),
    ("LBFGS tolerance", {"line_search_fn": "strong_wolfe", "tolerance_grad": 1e-2, "tolerance_change": 1e-3}, 2),
]


def start(size: int, sign: float) -> list[float]:
    return [sign * (((i * 5) % 7) - 3) / 4 + 0.125 for i in range(size)]


def parameters(dtype: torch.dtype, matrices: bool) -> list[torch.Tensor]:
    shapes = [(2, 3), (3, 2)] if matrices else [(2, 3), (4,), ()]
    made = []
    for i, shape in enumerate(shapes):
        numbers = torch.tensor(start(12, 1 - 2 * (i % 2)), dtype=torch.float64)
        count = torch.Size(shape).numel()
        if dtype.is_complex:
            flat = torch.view_as_complex(numbers[: 2 * count].view(count, 2)).to(dtype)
        else:
            flat = numbers[:count].to(dtype)
        made.append(flat.reshape(shape).clone().requires_grad_())
    return made


def set_gradient(p: torch.Tensor, k: int) -> None:
    """The slope of a bowl, which is pushed about."""
    with torch.no_grad():
        p.grad = (p - 0.5) * 1.5 + ((k * 7) % 5 - 2) / 4


def parts(tensors: list[torch.Tensor]) -> list[float]:
    found = []
    for t in tensors:
        real = torch.view_as_real(t.detach()) if t.is_complex() else t.detach()
        found += real.double().reshape(-1).tolist()
    return found


def line(name: str, values: list[Any]) -> str:
    return f"{name}: {' '.join(map(str, values))}\n"


def record_optimizers() -> str:
    text = ""
    for name, kind, options in OPTIMIZERS:
        for short, dtype in DTYPES.items():
            if dtype.is_complex and kind in ("Adafactor", "Muon"):
                continue
            given = parameters(dtype, kind == "Muon")
            optimizer = getattr(torch.optim, kind)(given, **options)
            for k in range(STEPS):
                if k == STEPS // 2:  # a state takes the dtype of its parameter when it is loaded
                    saved = optimizer.state_dict()
                    optimizer = getattr(torch.optim, kind)(given)
                    optimizer.load_state_dict(saved)
                for p in given:
                    set_gradient(p, k)
                optimizer.step()
            text += line(f"{name} {short}", parts(given))
            state = optimizer.state_dict()
            if short == "f32":
                text += line(f"{name} group keys", list(state["param_groups"][0]))
                text += line(f"{name} state keys", list(state["state"].get(0, {})))
                kept = [v for v in state["state"].get(0, {}).values() if isinstance(v, torch.Tensor)]
                text += line(f"{name} state", parts(kept))
    return text


def rosenbrock(w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    valley = w[1] - w[0] * w[0]
    return (1 - w[0]) * (1 - w[0]) + valley * valley * 10 + (b * b).sum() * 0.5


def record_lbfgs() -> str:
    text = ""
    for name, options, steps in LBFGS:
        for short in ("f32", "f64"):
            w = torch.tensor([-0.5, 1.0], dtype=DTYPES[short], requires_grad=True)
            b = torch.tensor([[0.75], [-0.25]], dtype=DTYPES[short], requires_grad=True)
            optimizer = torch.optim.LBFGS([w, b], **options)
            sign = -1 if options.get("maximize") else 1

            def closure(w: Any = w, b: Any = b, sign: int = sign, optimizer: Any = optimizer) -> torch.Tensor:
                optimizer.zero_grad()
                loss = rosenbrock(w, b) * sign
                loss.backward()
                return loss

            losses = [float(optimizer.step(closure)) for _ in range(steps)]
            own = optimizer.state_dict()["state"][0]
            text += line(f"{name} {short}", parts([w, b]) + losses)
            text += line(f"{name} {short} counts", [own["func_evals"], own["n_iter"], len(own["old_dirs"])])
            if short == "f64":
                text += line(f"{name} group keys", list(optimizer.state_dict()["param_groups"][0]))
                text += line(f"{name} state keys", list(own))
    return text


Make = Callable[[Any], Any]
SCHEDULERS: list[tuple[str, Make]] = [
    ("StepLR", lambda o: schedulers.StepLR(o, 4, gamma=0.3)),
    ("MultiStepLR", lambda o: schedulers.MultiStepLR(o, [3, 7, 7, 20], gamma=0.7)),
    ("ConstantLR", lambda o: schedulers.ConstantLR(o)),
    ("ConstantLR options", lambda o: schedulers.ConstantLR(o, factor=0.3, total_iters=7)),
    ("LinearLR", lambda o: schedulers.LinearLR(o)),
    ("LinearLR options", lambda o: schedulers.LinearLR(o, start_factor=0.9, end_factor=0.1, total_iters=13)),
    ("ExponentialLR", lambda o: schedulers.ExponentialLR(o, 0.9)),
    ("PolynomialLR", lambda o: schedulers.PolynomialLR(o)),
    ("PolynomialLR options", lambda o: schedulers.PolynomialLR(o, total_iters=17, power=1.7)),
    ("CosineAnnealingLR", lambda o: schedulers.CosineAnnealingLR(o, 7)),
    ("CosineAnnealingLR options", lambda o: schedulers.CosineAnnealingLR(o, 10, eta_min=0.01)),
    ("CosineAnnealingWarmRestarts", lambda o: schedulers.CosineAnnealingWarmRestarts(o, 7)),
    (
        "CosineAnnealingWarmRestarts options",
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, 3, T_mult=2, eta_min=0.01),
    ),
    ("LambdaLR", lambda o: schedulers.LambdaLR(o, [lambda e: 0.95**e, lambda e: 1 / (e + 1)])),
    ("MultiplicativeLR", lambda o: schedulers.MultiplicativeLR(o, lambda e: 1 - 1 / (e + 3))),
    ("CyclicLR", lambda o: schedulers.CyclicLR(o, 0.01, 0.3, step_size_up=7)),
    (
        "CyclicLR triangular2",
        lambda o: schedulers.CyclicLR(
            o, [0.01, 0.02], [0.3, 0.4], 5, 3, mode="triangular2", base_momentum=[0.7, 0.6], max_momentum=0.85
        ),
    ),
    ("CyclicLR exp_range", lambda o: schedulers.CyclicLR(o, 0.01, 0.3, 4, mode="exp_range", gamma=0.97)),
    (
        "CyclicLR own",
        lambda o: schedulers.CyclicLR(
            o, 0.01, 0.3, 4, scale_fn=lambda x: 1 / (1 + x), scale_mode="iterations", cycle_momentum=False
        ),
    ),
    ("OneCycleLR", lambda o: schedulers.OneCycleLR(o, 0.3, total_steps=31)),
    (
        "OneCycleLR three_phase",
        lambda o: schedulers.OneCycleLR(
            o,
            [0.3, 0.5],
            total_steps=37,
            pct_start=0.4,
            anneal_strategy="linear",
            div_factor=10.0,
            final_div_factor=100.0,
            three_phase=True,
            base_momentum=[0.7, 0.6],
            max_momentum=[0.9, 0.8],
        ),
    ),
    ("OneCycleLR plain", lambda o: schedulers.OneCycleLR(o, 0.3, epochs=5, steps_per_epoch=7, cycle_momentum=False)),
    ("SWALR", lambda o: SWALR(o, 0.05)),
    ("SWALR options", lambda o: SWALR(o, [0.05, 0.3], anneal_epochs=7, anneal_strategy="linear")),
    ("SWALR at once", lambda o: SWALR(o, 0.05, anneal_epochs=0)),
    (
        "SequentialLR",
        lambda o: schedulers.SequentialLR(
            o,
            [
                schedulers.LinearLR(o, start_factor=0.1, total_iters=5),
                schedulers.CosineAnnealingLR(o, 12, eta_min=0.001),
                schedulers.ExponentialLR(o, 0.9),
            ],
            [5, 17],
        ),
    ),
    (
        "SequentialLR restarts",
        lambda o: schedulers.SequentialLR(
            o,
            [
                schedulers.ConstantLR(o, 0.1, 20),
                schedulers.CosineAnnealingWarmRestarts(o, 4),
                schedulers.StepLR(o, 3, 0.5),
                schedulers.PolynomialLR(o, 6, 2.0),
            ],
            [4, 13, 22],
        ),
    ),
    (
        "ChainedScheduler",
        lambda o: schedulers.ChainedScheduler(
            [schedulers.ConstantLR(o, 0.1, 8), schedulers.ExponentialLR(o, 0.9), schedulers.StepLR(o, 6, 0.5)]
        ),
    ),
    (
        "ChainedScheduler in SequentialLR",
        lambda o: schedulers.SequentialLR(
            o,
            [
                schedulers.ChainedScheduler([schedulers.ConstantLR(o, 0.5, 6), schedulers.ExponentialLR(o, 0.9)]),
                schedulers.MultiStepLR(o, [3, 5, 9], 0.5),
            ],
            [10],
        ),
    ),
]

PLATEAUS: list[tuple[str, dict[str, Any]]] = [
    ("ReduceLROnPlateau", {"patience": 3}),
    ("ReduceLROnPlateau max", {"mode": "max", "factor": 0.5, "patience": 1, "threshold": 0.05, "cooldown": 2}),
    ("ReduceLROnPlateau abs", {"threshold_mode": "abs", "threshold": 0.02, "patience": 2, "min_lr": [0.01, 0.002]}),
    (
        "ReduceLROnPlateau max abs",
        {"mode": "max", "threshold_mode": "abs", "threshold": 0.1, "patience": 0, "min_lr": 0.001, "eps": 0.005},
    ),
]


def two_groups(kind: str) -> Any:
    one, two = (torch.zeros(1, requires_grad=True) for _ in range(2))
    groups = [{"params": [one]}, {"params": [two], "lr": 0.4}]
    if kind == "Adam":
        return torch.optim.Adam(groups, lr=0.1)
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def record_scheduler(name: str, kind: str, make: Make, step: Callable[[Any, int], None]) -> str:
    optimizer = two_groups(kind)
    scheduler = make(optimizer)
    found = []
    for epoch in range(EPOCHS + 1):
        for group in optimizer.param_groups:
            found += [group["lr"], group["betas"][0] if kind == "Adam" else group["momentum"]]
        if epoch < EPOCHS:
            step(scheduler, epoch)
    text = line(f"{name} {kind}", found)
    if kind == "SGD":
        text += line(f"{name} keys", sorted(scheduler.state_dict()))
        text += line(f"{name} group keys", sorted(optimizer.state_dict()["param_groups"][0]))
    return text


def metric(epoch: int) -> float:
    return 1 / (epoch + 1) + (epoch * 7 % 5) / 20


def record_schedulers() -> str:
    text = ""
    for name, make in SCHEDULERS:
        for kind in ("SGD", "Adam"):
            text += record_scheduler(name, kind, make, lambda scheduler, _: scheduler.step())
    for name, options in PLATEAUS:

        def plateau(optimizer: Any, options: dict[str, Any] = options) -> Any:
            return schedulers.ReduceLROnPlateau(optimizer, **options)

        text += record_scheduler(name, "SGD", plateau, lambda scheduler, epoch: scheduler.step(metric(epoch)))
    restarts = SCHEDULERS[12][1]
    text += record_scheduler("fractions", "SGD", restarts, lambda scheduler, epoch: scheduler.step(epoch * 0.75 + 0.3))
    for name, make in (
        ("resumed StepLR", lambda o: schedulers.StepLR(o, 4, 0.3, last_epoch=2)),
        ("resumed CosineAnnealingLR", lambda o: schedulers.CosineAnnealingLR(o, 7, 0.01, last_epoch=5)),
        (
            "resumed CosineAnnealingWarmRestarts",
            lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, 2, last_epoch=2),
        ),
    ):

        def resumed(optimizer: Any, make: Make = make) -> Any:
            for group in optimizer.param_groups:
                group["initial_lr"] = 2 * group["lr"]
            return make(optimizer)

        text += record_scheduler(name, "SGD", resumed, lambda scheduler, _: scheduler.step())
    return text


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    here = Path(__file__).parent
    (here / "optim.txt").write_text(record_optimizers() + record_lbfgs())
    (here / "schedulers.txt").write_text(record_schedulers())
