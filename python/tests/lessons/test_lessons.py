"""The five lessons print what PyTorch prints.

`expected/N.txt` is the output of PyTorch 2.15 (`python examples/lessons/N_name.py FOLDER`, FOLDER as made below). What
stands under a heading `-- ...` must be equal to the character; under `-- ... (varies)`, where no seed is set, all but
the numbers and the space between them must be.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LESSONS = ROOT / "examples" / "lessons"
EXPECTED = Path(__file__).parent / "expected"
SAMPLE = ROOT / "data" / "mnist-sample"

NUMBER = re.compile(r"[-+]?\d+\.?\d*(e[-+]?\d+)?")


def blocks(output: str) -> dict[str, str]:
    """The text under each heading."""
    headed = re.split(r"^-- (.*)\n", output, flags=re.MULTILINE)
    assert headed[0] == "", "a lesson begins with a heading"
    return dict(zip(headed[1::2], headed[2::2], strict=True))


def form_of(text: str) -> str:
    """A text with its numbers and spaces taken away: what stays is the same at every run."""
    return re.sub(r"\s+", "", NUMBER.sub("#", text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample digits under the names of MNIST's own files, unpacked as a download leaves them."""
    folder = tmp_path_factory.mktemp("mnist")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in SAMPLE.glob("sample-*.gz"):
        name = packed.name.removeprefix("sample-").removesuffix(".gz")
        with gzip.open(packed) as source, open(raw / name, "wb") as target:
            shutil.copyfileobj(source, target)
    return folder


def run(program: Path, *arguments: str) -> str:
    """What a program prints with Flambeau in PyTorch's place."""
    # A mirror that cannot be reached: nothing may be downloaded.
    environment = {**os.environ, "FLAMBEAU_MNIST_MIRRORS": "http://127.0.0.1:9/"}
    command = [sys.executable, "-m", "flambeau", str(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_lesson(number: int, folder: Path) -> None:
    (program,) = LESSONS.glob(f"{number}_*.py")
    got = blocks(run(program, str(folder)))
    expected = blocks((EXPECTED / f"{number}.txt").read_text())
    assert list(got) == list(expected)
    for heading, text in expected.items():
        if heading.endswith("(varies)"):
            assert form_of(got[heading]) == form_of(text), heading
        else:
            assert got[heading] == text, heading


def test_training(folder: Path) -> None:
    """The training of lesson 5 on the sample: the losses are PyTorch's."""
    epochs = "".join(rf"epoch {epoch}: mean loss (\S+), \S+ s\n" for epoch in (1, 2))
    pattern = rf"first loss (\S+)\n{epochs}test accuracy (\S+)\n"
    got = re.fullmatch(pattern, run(LESSONS / "mnist_full.py", str(folder)))
    expected = re.fullmatch(pattern, (EXPECTED / "mnist_full.txt").read_text())
    assert got is not None
    assert expected is not None
    *losses, accuracy = map(float, got.groups())
    *their_losses, their_accuracy = map(float, expected.groups())
    assert losses == pytest.approx(their_losses, rel=1e-4)
    assert accuracy == pytest.approx(their_accuracy, abs=0.002)
