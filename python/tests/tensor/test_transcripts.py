"""The recorded sessions of this folder, to the character."""

from pathlib import Path

import flambeau as torch
import pytest

from . import transcript

SESSIONS = [
    pytest.param(examples, id=f"{path.stem}: {title}")
    for path in sorted(Path(__file__).parent.glob("*.txt"))
    for title, examples in transcript.read(path)
]


@pytest.mark.parametrize("examples", SESSIONS)
def test_session(examples: list[transcript.Example]) -> None:
    typed = [source for source, _ in examples]
    answers = transcript.play(examples, torch)
    assert list(zip(typed, answers, strict=True)) == examples
