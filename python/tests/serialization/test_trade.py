"""Models and optimizers that PyTorch saved train on, with PyTorch's losses; the Rust tests take over the same files."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "crates" / "flambeau" / "tests" / "trade"


def test_what_pytorch_saved_is_trained_on():
    command = [sys.executable, "-m", "flambeau", str(FOLDER / "record.py"), "--check", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    assert [name for name, _, _ in lines] == ["resnet", "transformer", "lstm"]
    for name, out, losses in lines:
        assert float(out) <= 1e-6, name
        assert all(float(loss) <= 2e-6 for loss in losses.strip("[]").split(",")), name
