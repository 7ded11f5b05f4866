"""Training runs that follow PyTorch's to the last bit, or magnify it.

Recorded from PyTorch 2.15 on an AMD processor with AVX2, one thread. On Intel's PyTorch itself ends elsewhere.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import flambeau as torch
import pytest

LOSSES: dict[str | None, list[float]] = {
    None: [
        *(0.7391965985298157, 0.00835166685283184, 4.129161834716797, 0.0057456293143332005, 0.004646472167223692),
        *(
            0.003972932696342468,
            0.003866357496008277,
            0.0038660515565425158,
            0.003866048762574792,
            0.003866045270115137,
        ),
    ],
    "strong_wolfe": [
        *(0.7391965985298157, 0.008347461931407452, 0.008189733140170574, 0.0068610189482569695, 0.006457136943936348),
        *(0.006362540647387505, 0.006253168918192387, 0.00622431980445981, 0.006215974688529968, 0.006212465465068817),
    ],
}
ENDS = {
    None: [-7.064368724822998, -0.5642659068107605, -0.2614913880825043],
    "strong_wolfe": [-10.657437324523926, 0.7144347429275513, 1.1509569883346558],
}


def is_reference() -> bool:
    """Whether PyTorch's numbers were taken from this kind of processor."""
    info = Path("/proc/cpuinfo")
    if platform.machine() != "x86_64" or torch.backends.cpu.get_cpu_capability() == "DEFAULT" or not info.exists():
        return False
    return "GenuineIntel" not in info.read_text()


def train(line_search_fn: str | None) -> tuple[list[float], Any]:
    """The losses of ten steps on a small network, and its first weights."""
    i = torch.arange
    w = [
        torch.nn.Parameter((i(12) * 37 % 11).view(4, 3) / 5 - 1),
        torch.nn.Parameter((i(15) * 29 % 13).view(3, 5) / 6 - 1),
    ]
    x, y = (i(24) * 17 % 19).view(6, 4) / 9 - 1, (i(30) * 23 % 29).view(6, 5) / 14 - 1
    optimizer = torch.optim.LBFGS(w, line_search_fn=line_search_fn)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((torch.tanh(x @ w[0]) @ w[1] - y) ** 2).mean()
        loss.backward()
        return loss

    return [optimizer.step(closure).item() for _ in range(10)], w[0]


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_first_losses(search: str | None) -> None:
    losses, _ = train(search)
    assert losses[0] == pytest.approx(LOSSES[search][0], rel=1e-6)
    assert losses[-1] < 0.05


@pytest.mark.skipif(not is_reference(), reason="PyTorch rounds otherwise on this processor")
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_whole_runs(search: str | None) -> None:
    losses, weight = train(search)
    assert losses == pytest.approx(LOSSES[search], rel=1e-4)
    assert weight.flatten()[:3].tolist() == pytest.approx(ENDS[search], rel=1e-2)


# Optimizer, activation, loss, and the losses of steps 1, 20 and 40.
RUNS: list[tuple[str, str, str, list[float]]] = [
    ("SGD", "ReLU", "cross_entropy", [2.3270623683929443, 2.31103777885437, 2.294914960861206]),
    ("SGD", "Tanh", "mse_loss", [1.0228374004364014, 1.0117841958999634, 1.0011066198349]),
    ("Adam", "ReLU", "mse_loss", [1.0290756225585938, 0.3362864553928375, 0.045021262019872665]),
    ("AdamW", "ReLU", "mse_loss", [1.0290756225585938, 0.33704817295074463, 0.044798579066991806]),
    ("RMSprop", "ReLU", "mse_loss", [1.0290756225585938, 0.7712134122848511, 0.5279932022094727]),
]


@pytest.mark.parametrize(("optimizer", "activation", "loss", "losses"), RUNS)
def test_networks(optimizer: str, activation: str, loss: str, losses: list[float]) -> None:
    nn = torch.nn
    act = getattr(nn, activation)
    net = nn.Sequential(nn.Linear(20, 64), act(), nn.Linear(64, 32), act(), nn.Linear(32, 10))
    steps = getattr(torch.optim, optimizer)(net.parameters(), lr=0.01)
    x = torch.randn(64, 20)
    y = torch.randint(0, 10, (64,)) if loss == "cross_entropy" else torch.randn(64, 10)
    seen = []
    for _ in range(40):
        steps.zero_grad()
        value = getattr(nn.functional, loss)(net(x), y)
        value.backward()
        steps.step()
        seen.append(value.item())
    seen = [seen[0], seen[19], seen[39]]
    assert seen == (losses if is_reference() else pytest.approx(losses, rel=2e-2))
