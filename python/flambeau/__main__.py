"""Runs a PyTorch program as it is, with Flambeau in PyTorch's place: `python -m flambeau script.py [arguments]`."""

from __future__ import annotations

import os
import runpy
import sys
from types import ModuleType

from flambeau._stand_in import stand_in

USAGE = """usage: python -m flambeau script.py [arguments]
       python -m flambeau -m module [arguments]
       python -m flambeau -c code [arguments]

Runs a PyTorch program with Flambeau in place of torch and torchvision.
"""


def _run_code(source: str | bytes, name: str, file: str | None) -> None:
    """Run source text as the main module."""
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = __builtins__
    if file is not None:
        main.__file__ = file
    sys.modules["__main__"] = main
    exec(compile(source, name, "exec"), main.__dict__)


def run(arguments: list[str]) -> int:
    """Run what the command line asks for; returns the exit status where nothing could be run."""
    if not arguments or arguments[0] in ("-h", "--help"):
        (sys.stdout if arguments else sys.stderr).write(USAGE)
        return 0 if arguments else 2
    first, *rest = arguments
    if first in ("-m", "-c") and not rest:
        sys.stderr.write(f"Argument expected for the {first} option\n{USAGE}")
        return 2
    if first == "-m":
        stand_in()
        sys.argv = rest
        sys.path[0] = os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        return 0
    if first == "-c":
        stand_in()
        sys.argv = ["-c", *rest[1:]]
        sys.path[0] = ""
        _run_code(rest[0], "<string>", None)
        return 0
    if first.startswith("-") and first != "-":
        sys.stderr.write(f"unknown option {first}\n{USAGE}")
        return 2
    try:
        source = sys.stdin.buffer.read() if first == "-" else _read(first)
    except OSError as error:
        sys.stderr.write(f"python -m flambeau: can't open file {first!r}: {error.strerror}\n")
        return 2
    stand_in()
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(first)) if first != "-" else ""
    _run_code(source, "<stdin>" if first == "-" else first, None if first == "-" else first)
    return 0


def _read(path: str) -> bytes:
    if os.path.isdir(path):
        path = os.path.join(path, "__main__.py")
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
