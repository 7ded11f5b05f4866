"""Worker threads of a loader.

Workers are threads of the same process: operators, decompression and file reading release the interpreter's lock, the
dataset is shared, and nothing is pickled. They share the program's random number generators too; `WorkerInfo.seed` is
there for generators of one's own.
"""

from __future__ import annotations

import copy
import threading
import traceback
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from typing import Any

__all__ = ["WorkerInfo", "get_worker_info"]

_local = threading.local()


class WorkerInfo:
    """Which worker the calling thread is."""

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        self.id = id
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = dataset

    def __repr__(self) -> str:
        return f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, dataset={self.dataset})"


def get_worker_info() -> WorkerInfo | None:
    """Which worker this is, or None in the main thread.

    >>> get_worker_info() is None
    True
    """
    return getattr(_local, "info", None)


def _reworded(error: Exception, worker: int) -> Exception:
    """The error with the worker and the original traceback in its message, of the same class where that can be."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    message = f"Caught {type(error).__name__} in DataLoader worker process {worker}.\nOriginal {trace}"
    try:
        return type(error)(message)
    except TypeError:
        return RuntimeError(message)


class Workers:
    """One single-thread executor for every worker, so that a worker keeps its order and its dataset."""

    def __init__(self, count: int, dataset: Any, seed: int, init_fn: Any, is_stream: bool) -> None:
        self.count = count
        self.infos = [
            WorkerInfo(i, count, seed + i, copy.copy(dataset) if is_stream else dataset) for i in range(count)
        ]
        self.threads = [
            ThreadPoolExecutor(1, f"DataLoader-{i}", initializer=self._begin, initargs=(i, init_fn))
            for i in range(count)
        ]
        self.pending: deque[tuple[int, Future[Any]]] = deque()
        self.errors: dict[int, Exception] = {}

    def _begin(self, worker: int, init_fn: Any) -> None:
        _local.info = self.infos[worker]
        if init_fn is not None:
            try:
                init_fn(worker)
            except Exception as error:  # reported by the first batch
                self.errors[worker] = error

    def submit(self, worker: int, fetch: Any, *args: Any) -> None:
        """Have a worker fetch something; results are taken in the order of the calls."""

        def run() -> Any:
            try:
                if worker in self.errors:
                    raise self.errors[worker]
                return fetch(*args)
            except StopIteration:
                return _END
            except Exception as error:
                raise _reworded(error, worker) from error

        self.pending.append((worker, self.threads[worker].submit(run)))

    def take(self, timeout: float) -> tuple[int, Any]:
        """The oldest result, with its worker; `_END` when the worker's stream ended."""
        worker, future = self.pending.popleft()
        try:
            return worker, future.result(timeout or None)
        except TimeoutError:
            if future.done():
                raise
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds") from None

    def forget(self) -> None:
        """Drop what was asked for and not taken."""
        for _, future in self.pending:
            future.cancel()
        self.pending.clear()

    def stop(self) -> None:
        """End the threads, without waiting."""
        self.forget()
        for thread in self.threads:
            thread.shutdown(wait=False, cancel_futures=True)


_END = object()
