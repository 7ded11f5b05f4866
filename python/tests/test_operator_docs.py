"""The examples in the operators' docs, run: what they print is what they say."""

from __future__ import annotations

import flambeau
import flambeau as torch
import pytest
from flambeau import _C


def examples() -> list[tuple[str, str, str]]:
    found = []
    for op in _C._operators():
        lines = op["doc"].splitlines()
        for i, line in enumerate(lines):
            if not line.startswith(">>> "):
                continue
            code = [line[4:]]
            rest = lines[i + 1 :]
            while rest and rest[0].startswith("... "):
                code.append(rest.pop(0)[4:])
            shown = []
            while rest and rest[0].strip() and not rest[0].startswith(">>> "):
                shown.append(rest.pop(0))
            found.append((f"{op['name']}.{op['overload']}", "\n".join(code), "\n".join(shown)))
    return found


@pytest.mark.parametrize("name", sorted({n for n, _, _ in examples()}))
def test_examples(name: str) -> None:
    space = {"torch": torch, "F": flambeau.nn.functional, "nn": flambeau.nn}
    for op, code, shown in examples():
        if op != name:
            continue
        if shown:
            assert repr(eval(code, space)) == shown, code
        else:
            exec(code, space)
