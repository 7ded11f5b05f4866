"""Datasets, samplers and loaders.

>>> loader = DataLoader(TensorDataset(torch.arange(4)), batch_size=2, shuffle=True)
"""

from __future__ import annotations

from flambeau.utils.data.collate import default_collate as default_collate
from flambeau.utils.data.collate import default_convert as default_convert
from flambeau.utils.data.dataloader import DataLoader as DataLoader
from flambeau.utils.data.dataset import (
    ChainDataset as ChainDataset,
)
from flambeau.utils.data.dataset import (
    ConcatDataset as ConcatDataset,
)
from flambeau.utils.data.dataset import (
    Dataset as Dataset,
)
from flambeau.utils.data.dataset import (
    IterableDataset as IterableDataset,
)
from flambeau.utils.data.dataset import (
    StackDataset as StackDataset,
)
from flambeau.utils.data.dataset import (
    Subset as Subset,
)
from flambeau.utils.data.dataset import (
    TensorDataset as TensorDataset,
)
from flambeau.utils.data.dataset import (
    random_split as random_split,
)
from flambeau.utils.data.sampler import (
    BatchSampler as BatchSampler,
)
from flambeau.utils.data.sampler import (
    RandomSampler as RandomSampler,
)
from flambeau.utils.data.sampler import (
    Sampler as Sampler,
)
from flambeau.utils.data.sampler import (
    SequentialSampler as SequentialSampler,
)
from flambeau.utils.data.sampler import (
    SubsetRandomSampler as SubsetRandomSampler,
)
from flambeau.utils.data.sampler import (
    WeightedRandomSampler as WeightedRandomSampler,
)


def __getattr__(name: str) -> object:
    # Threads are needed by few programs: their module is imported at first use.
    if name in ("get_worker_info", "WorkerInfo"):
        from flambeau.utils.data import worker

        return getattr(worker, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
