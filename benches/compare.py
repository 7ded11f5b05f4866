"""The same work on Flambeau and PyTorch in one run: medians, and how many times as fast Flambeau is.

    python benches/compare.py [--operators] [--only REGEX] [--threads 1 2] [--rounds 5] [--json FILE]

Each library runs in a process of its own, so that the threads of one do not disturb the other, and they take turns: a
change in the machine's speed meets both. The results of the work are compared too. Import time and memory are those of
a fresh interpreter, less those of an empty program.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import operators
from work import WORK

LIBRARIES = ("flambeau", "torch")
SAMPLE_SECONDS = 0.004  # long against the clock's steps, short against a change of the machine's speed
ROUND_SECONDS = 0.12


def time_calls(call: Any) -> float:
    """The median time of a call, in seconds."""
    call()
    begun = time.perf_counter()
    call()
    calls = max(1, int(SAMPLE_SECONDS / max(time.perf_counter() - begun, 1e-7)))
    samples = []
    end = time.perf_counter() + ROUND_SECONDS
    while len(samples) < 5 or time.perf_counter() < end:
        begun = time.perf_counter()
        for _ in range(calls):
            call()
        samples.append((time.perf_counter() - begun) / calls)
    return median(samples)


def serve(library: str, pipe: Any) -> None:
    """Time what is asked for, in a process with one library."""
    torch = importlib.import_module(library)
    for name in ("nn", "nn.functional", "optim"):
        importlib.import_module(f"{library}.{name}")
    while (asked := pipe.recv()) is not None:
        name, threads = asked
        try:
            torch.set_num_threads(threads)
            torch.manual_seed(0)
            call = (WORK.get(name) or operators.piece(name))(torch)
            result = call().detach()
            result = float((result.abs() if result.is_complex() else result).double().sum())
            pipe.send((time_calls(call), result, None))
        except Exception as error:  # what a library cannot do is shown in the table
            pipe.send((None, None, f"{type(error).__name__}: {error}".splitlines()[0]))


class Worker:
    """A process with one library."""

    def __init__(self, library: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(library, theirs), daemon=True)
        self.process.start()

    def time(self, name: str, threads: int) -> tuple[float | None, float | None, str | None]:
        self.pipe.send((name, threads))
        return self.pipe.recv()

    def stop(self) -> None:
        self.pipe.send(None)
        self.process.join()


def in_words(seconds: float) -> str:
    """A time with three figures and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("\N{MICRO SIGN}s", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def compare(names: list[str], threads: int, rounds: int) -> list[dict[str, Any]]:
    """Time the work on both, and print a line for each piece."""
    print(f"\n{f'{threads} thread' + 's' * (threads > 1):46} {'flambeau':>10} {'torch':>10}   times as fast")
    workers = {library: Worker(library) for library in LIBRARIES}
    rows = []
    for name in names:
        times: dict[str, list[float]] = {library: [] for library in LIBRARIES}
        results: dict[str, float] = {}
        problems = []
        for _ in range(rounds):
            for library, worker in workers.items():
                seconds, result, problem = worker.time(name, threads)
                if seconds is None or result is None:
                    problems.append(f"{library}: {problem}")
                else:
                    times[library].append(seconds)
                    results[library] = result
            if problems:
                break
        if problems:
            print(f"{name:46} {problems[0]}")
            rows.append({"work": name, "threads": threads, "problem": problems[0]})
            continue
        ours, theirs = (median(times[library]) for library in LIBRARIES)
        apart = abs(results["flambeau"] - results["torch"]) > 1e-3 * max(1.0, abs(results["torch"]))
        note = f"  results differ: {results['flambeau']:g} and {results['torch']:g}" if apart else ""
        print(f"{name:46} {in_words(ours):>10} {in_words(theirs):>10} {theirs / ours:8.2f}{note}", flush=True)
        rows.append({"work": name, "threads": threads, "flambeau": ours, "torch": theirs, "same": not apart})
    for worker in workers.values():
        worker.stop()
    return rows


def print_slowest(rows: list[dict[str, Any]]) -> None:
    """Print the operators that take longest beside PyTorch's."""
    timed = sorted((r for r in rows if "torch" in r), key=lambda r: r["flambeau"] / r["torch"], reverse=True)
    print("\nthe slowest: our time over PyTorch's")
    for r in timed[:20]:
        print(f"{r['work']:60} {r['flambeau'] / r['torch']:6.2f}")
    print(f"{sum(r['flambeau'] > 3 * r['torch'] for r in timed)} of {len(timed)} take over 3 times as long")


def import_cost(statement: str) -> tuple[float, float]:
    """Seconds and peak MB (as Linux counts it) of an interpreter that runs one statement, at the median of seven."""
    peak = "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))"
    code = f"{statement}\nprint({peak})"
    seconds, memory = [], []
    for _ in range(7):
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds.append(time.perf_counter() - begun)
        memory.append(float(done.stdout) / 1024)
    return median(seconds), median(memory)


def installed_size(library: str) -> float:
    """MB on disk of an installed package."""
    files = metadata.distribution(library).files or []
    return sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file()) / 1e6


def compare_packages() -> list[dict[str, Any]]:
    """Print import time, memory and size of both packages."""
    bare_seconds, bare_memory = import_cost("pass")
    print(f"\n{'package':46} {'flambeau':>10} {'torch':>10}   times as good")
    costs = {library: import_cost(f"import {library}") for library in LIBRARIES}
    figures = {
        "import, ms": {name: 1e3 * (cost[0] - bare_seconds) for name, cost in costs.items()},
        "memory of the import, MB": {name: cost[1] - bare_memory for name, cost in costs.items()},
        "size on disk, MB": {name: installed_size(name) for name in LIBRARIES},
    }
    for name, both in figures.items():
        ours, theirs = (both[library] for library in LIBRARIES)
        ratio = f"{theirs / ours:8.1f}" if ours > 0 else ""
        print(f"{name:46} {ours:10.1f} {theirs:10.1f} {ratio}")
    wheels = sorted(Path("dist").glob("flambeau-*.whl"), key=os.path.getmtime)
    if wheels:
        print(f"{'wheel, MB':46} {wheels[-1].stat().st_size / 1e6:10.1f}")
    return [{"package": name, **both} for name, both in figures.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description="The same work on Flambeau and PyTorch.")
    parser.add_argument("--only", default="", help="a regular expression that names must contain")
    parser.add_argument("--operators", action="store_true", help="one operator at a time, the slowest last")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5, help="turns that each library gets")
    parser.add_argument("--no-packages", action="store_true", help="leave import time and size away")
    parser.add_argument("--json", type=Path, help="write the figures to a file as well")
    options = parser.parse_args()
    names = [name for name in (operators.entries() if options.operators else WORK) if re.search(options.only, name)]
    versions = ", ".join(f"{library} {metadata.version(library)}" for library in LIBRARIES)
    print(f"{versions}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    rows = []
    for threads in options.threads:
        rows += compare(names, threads, options.rounds)
    if options.operators:
        print_slowest(rows)
    elif not options.no_packages:
        rows += compare_packages()
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
