"""Sessions at the prompt, recorded from PyTorch: what the user types, and every character of what it answers.

A line that starts with ``#`` begins a session with fresh names and the seed 0. ``python transcript.py FILE`` writes the
answers of the PyTorch that runs it into the file.
"""

import contextlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Example = tuple[str, str]


def read(path: Path) -> Iterator[tuple[str, list[Example]]]:
    """The sessions of a file: title, and (typed, answered) pairs."""
    for session in re.split(r"^# ", path.read_text(), flags=re.MULTILINE)[1:]:
        title, _, body = session.partition("\n")
        examples = []
        for part in re.split(r"^>>> ", body, flags=re.MULTILINE)[1:]:
            lines = part.split("\n")
            n = next((i for i, line in enumerate(lines) if i and not line.startswith("... ")), len(lines))
            source = "\n".join([lines[0], *(line.removeprefix("... ") for line in lines[1:n])])
            examples.append((source, "\n".join(lines[n:]).rstrip()))
        yield title, examples


def play(examples: list[Example], torch: Any) -> list[str]:
    """What the session answers."""
    names: dict[str, Any] = {"torch": torch, "nan": float("nan"), "inf": float("inf")}
    torch.manual_seed(0)
    torch.set_printoptions(profile="default")
    answers = []
    for source, _ in examples:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            try:
                block = "\n" in source or source.startswith(("for ", "with ", "def "))
                exec(compile(source + "\n" * block, "<typed>", "single"), names)
            except Exception as e:
                print(f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}")
        answers.append("\n".join(line.rstrip() for line in out.getvalue().split("\n")).rstrip())
    torch.set_printoptions(profile="default")
    return answers


def record(path: Path, torch: Any) -> None:
    """Writes the answers into the file."""
    head, _, _ = path.read_text().partition("# ")
    out = [head]
    for title, examples in read(path):
        out.append(f"# {title}\n")
        for (source, _), answer in zip(examples, play(examples, torch), strict=True):
            out.append(">>> " + source.replace("\n", "\n... ") + "\n" + (answer + "\n" if answer else ""))
        out.append("\n")
    path.write_text("".join(out).rstrip() + "\n")


if __name__ == "__main__":
    import torch

    for name in sys.argv[1:]:
        record(Path(name), torch)
