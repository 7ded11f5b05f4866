"""Datasets, samplers and loaders.

>>> loader = DataLoader(TensorDataset(torch.arange(4)), batch_size=2, shuffle=True)
"""

from __future__ import annotations

from flambeau.utils.data.collate import default_collate as default_collate, default_convert as default_convert
from flambeau.utils.data.dataloader import DataLoader as DataLoader
from flambeau.utils.data.dataset import (
    ChainDataset as ChainDataset,
    ConcatDataset as ConcatDataset,
    Dataset as Dataset,
    IterableDataset as IterableDataset,
    StackDataset as StackDataset,
    Subset as Subset,
    TensorDataset as TensorDataset,
    random_split as random_split,
)
from flambeau.utils.data.distributed import DistributedSampler as DistributedSampler
from flambeau.utils.data.sampler import (
    BatchSampler as BatchSampler,
    RandomSampler as RandomSampler,
    Sampler as Sampler,
    SequentialSampler as SequentialSampler,
    SubsetRandomSampler as SubsetRandomSampler,
    WeightedRandomSampler as WeightedRandomSampler,
)


def __getattr__(name: str) -> object:
    # Threads are needed by few programs: their module is imported at first use.
    if name in ("get_worker_info", "WorkerInfo"):
        from flambeau.utils.data import worker

        return getattr(worker, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
