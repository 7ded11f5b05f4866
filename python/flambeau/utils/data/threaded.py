"""One pass over a loader that has worker threads."""

from __future__ import annotations

from typing import Any

from flambeau.utils.data.dataloader import DataLoader, _LoaderIterator, make_fetcher
from flambeau.utils.data.worker import _END, Workers


class ThreadedLoaderIterator(_LoaderIterator):
    """Hands batches to workers in turn, some in advance, and gives the results in the sampler's order."""

    _workers: Workers | None = None

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)

    def restart(self) -> None:
        """Start another pass with the same workers."""
        self._begin()

    def _start_fetching(self) -> None:
        loader = self._loader
        if self._workers is None:
            self._workers = Workers(
                loader.num_workers, loader.dataset, self._base_seed, loader.worker_init_fn, loader._is_stream
            )
        self._workers.forget()
        self._fetchers: list[Any] = [None] * loader.num_workers
        self._alive = list(range(loader.num_workers))
        self._turn = 0
        self._drained = False
        for _ in range((loader.prefetch_factor or 1) * loader.num_workers):
            self._ask()

    def _ask(self) -> None:
        """Give the next batch of indices to the worker whose turn it is."""
        if self._drained or not self._alive or self._workers is None:
            return
        try:
            wanted = next(self._indices)
        except StopIteration:
            self._drained = True
            return
        worker = self._alive[self._turn % len(self._alive)]
        self._turn += 1
        self._workers.submit(worker, self._fetch_in, worker, wanted)

    def _fetch_in(self, worker: int, wanted: Any) -> Any:
        """Runs in the worker: its fetcher is made there, so that a stream can look up its worker."""
        if self._fetchers[worker] is None:
            assert self._workers is not None
            self._fetchers[worker] = make_fetcher(self._loader, self._workers.infos[worker].dataset)
        return self._fetchers[worker](wanted)

    def _next_data(self) -> Any:
        workers = self._workers
        while workers is not None and workers.pending:
            worker, data = workers.take(self._loader.timeout)
            if data is _END:  # this worker's stream has ended; the others go on
                if worker in self._alive:
                    self._alive.remove(worker)
                continue
            self._ask()
            return data
        self._finish()
        raise StopIteration

    def _finish(self) -> None:
        if self._workers is not None and not self._loader.persistent_workers:
            self._workers.stop()
            self._workers = None

    def __del__(self) -> None:
        if self._workers is not None:
            self._workers.stop()
