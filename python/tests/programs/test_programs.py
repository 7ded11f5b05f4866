"""Programs written as people write them for PyTorch train as there.

`losses.json` holds what PyTorch 2.15 prints for each (its AVX2 path, one list a line): losses, norms, counts, sampled
words. Counts and words must be equal, and numbers agree to 1e-4: the differences of the last places that the first step
leaves grow with every step, so that there are few of them. `python test_programs.py record`, run with PyTorch, writes
the file anew.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
RECORDED = HERE / "losses.json"
PROGRAMS = sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("test_"))


def lines(*command: str) -> list[list[float]]:
    """The numbers that a program prints, line by line."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return [[float(word) for word in line.split()] for line in done.stdout.splitlines()]


if __name__ == "__main__":
    rows = ",\n".join(f'"{name}": {json.dumps(lines(str(HERE / f"{name}.py")))}' for name in PROGRAMS)
    RECORDED.write_text(f"{{\n{rows}\n}}\n")
else:
    import pytest

    @pytest.mark.parametrize("name", PROGRAMS)
    def test_losses(name: str) -> None:
        expected = json.loads(RECORDED.read_text())[name]
        got = lines("-m", "flambeau", str(HERE / f"{name}.py"))
        assert [len(line) for line in got] == [len(line) for line in expected]
        for ours, theirs in zip(got, expected, strict=True):
            for a, b in zip(ours, theirs, strict=True):
                assert a == b if b.is_integer() else a == pytest.approx(b, rel=1e-4)
