"""The programs in examples/ run, and give PyTorch's numbers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def output(program: str, *arguments: str) -> str:
    """What an example prints with Flambeau in PyTorch's place."""
    command = [sys.executable, "-m", "flambeau", str(EXAMPLES / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_linear_regression() -> None:
    text = output("linear_regression.py")
    losses = [float(x) for x in re.findall(r"loss (\S+)", text)]
    assert losses == pytest.approx([0.000225, 0.000093, 0.000093], abs=2e-6)
    assert text.splitlines()[-1] == "y = 2.00 x1 - 3.40 x2 + 4.20"


def test_cnn() -> None:
    text = output("cnn.py", "--epochs", "2", "--batches", "3")
    losses = [float(x) for x in re.findall(r"loss ([\d.]+)", text)]
    assert losses == pytest.approx([2.28858, 2.18183], rel=1e-4)
    assert re.findall(r"held back ([\d.]+)%", text) == ["10.0", "37.6"]


def test_char_gpt(tmp_path: Path) -> None:
    small = "--steps 4 --every 1 --layers 2 --width 32 --context 32 --letters 30 --out".split()
    text = output("char_gpt.py", *small, str(tmp_path))
    steps = re.findall(r"loss ([\d.]+)  held back ([\d.]+)", text)
    expected = [4.08242, 4.00001, 4.00724, 3.95028, 3.95023, 3.91531, 3.90776, 3.88779]
    assert [float(x) for pair in steps for x in pair] == pytest.approx(expected, rel=1e-4)
    assert text.endswith("\nFTuLkyICGds:,b GMaflbzWeM,E'w'y\n")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG") and (tmp_path / "model.pt").exists()
