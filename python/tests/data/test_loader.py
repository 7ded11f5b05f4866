"""Datasets, samplers, collation and the loader; recorded orders are PyTorch's."""

from collections import namedtuple

import flambeau
import pytest
from flambeau.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    RandomSampler,
    StackDataset,
    Subset,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    get_worker_info,
    random_split,
)


class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(5))

    def __len__(self):
        return 5


def listed(loader):
    return [batch.tolist() for batch in loader]


SHUFFLED = [[[6, 7, 1, 4], [2, 0, 9, 8], [3, 5]], [[2, 4, 7, 0], [8, 9, 5, 3], [6, 1]]]
STATE_AFTER = 0.455627977848053


@pytest.mark.parametrize("workers", [0, 2])
def test_shuffled_order_and_generator_after(workers) -> None:
    loader = DataLoader(range(10), batch_size=4, shuffle=True, num_workers=workers)
    assert [listed(loader), listed(loader)] == SHUFFLED
    assert flambeau.rand(1).item() == pytest.approx(STATE_AFTER, abs=1e-7)


def test_generator_of_its_own() -> None:
    orders = []
    for _ in range(2):
        generator = flambeau.Generator().manual_seed(3)
        orders.append(listed(DataLoader(range(6), shuffle=True, generator=generator)))
    assert orders[0] == orders[1]


@pytest.mark.parametrize("workers", [0, 2])
def test_tensor_dataset_batches(workers) -> None:
    data = TensorDataset(flambeau.arange(6.0).reshape(3, 2), flambeau.arange(3))
    batches = list(DataLoader(data, batch_size=2, num_workers=workers))
    assert isinstance(batches[0], list) and batches[0][0].tolist() == [[0, 1], [2, 3]]
    assert batches[1][1].tolist() == [2]
    assert len(list(DataLoader(data, batch_size=2, drop_last=True))) == len(DataLoader(data, 2, drop_last=True)) == 1


def test_overridden_getitem_is_respected() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * t for t in super().__getitem__(index))

    assert next(iter(DataLoader(Doubled(flambeau.arange(2)), batch_size=2)))[0].tolist() == [0, 2]


def test_streams() -> None:
    assert listed(DataLoader(Stream(), batch_size=2)) == [[0, 1], [2, 3], [4]]
    assert len(DataLoader(Stream(), batch_size=2)) == 3
    # Every worker goes through a stream of its own, in turn.
    assert listed(DataLoader(Stream(), batch_size=2, num_workers=2)) == [[0, 1], [0, 1], [2, 3], [2, 3], [4], [4]]
    assert list(ChainDataset([Stream(), Stream()])) == [*range(5), *range(5)]


def test_workers_know_themselves() -> None:
    class Who:
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return get_worker_info().id

    assert get_worker_info() is None
    started = []
    loader = DataLoader(Who(), batch_size=1, num_workers=2, worker_init_fn=started.append, persistent_workers=True)
    assert listed(loader) == [[0], [1], [0], [1]] == listed(loader)
    assert sorted(started) == [0, 1]


def test_error_in_a_worker() -> None:
    class Bad:
        def __len__(self):
            return 2

        def __getitem__(self, i):
            raise KeyError("broken")

    with pytest.raises(KeyError, match="Caught KeyError in DataLoader worker process 0"):
        list(DataLoader(Bad(), num_workers=1))


def test_getitems() -> None:
    class Whole:
        def __len__(self):
            return 4

        def __getitems__(self, indices):
            return [10 * i for i in indices]

    assert listed(DataLoader(Whole(), batch_size=3)) == [[0, 10, 20], [30]]


def test_combining_datasets() -> None:
    joined = ConcatDataset([range(3), range(10, 12)])
    assert len(joined) == 5 and joined[3] == 10 and joined[-1] == 11
    assert Subset(joined, [4, 0])[0] == 11
    assert StackDataset(a=range(2), b=range(5, 7))[1] == {"a": 1, "b": 6}
    parts = random_split(range(10), [0.5, 0.3, 0.2])
    assert [len(p) for p in parts] == [5, 3, 2]
    assert sorted(i for p in parts for i in p) == list(range(10))


def test_samplers() -> None:
    assert sorted(RandomSampler(range(5))) == list(range(5))
    assert len(list(RandomSampler(range(5), replacement=True, num_samples=70))) == 70
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert set(WeightedRandomSampler([0.0, 1.0], 5)) == {1}


def test_collation() -> None:
    point = namedtuple("point", "x y")
    batch = default_collate([{"a": 1, "b": [1.5, "s"], "c": point(flambeau.ones(2), 0)} for _ in range(2)])
    assert batch["a"].dtype == flambeau.int64 and batch["b"][0].dtype == flambeau.float64
    assert batch["b"][1] == ("s", "s") and batch["c"].x.shape == (2, 2) and isinstance(batch["c"], point)
    assert default_convert((1, "a")) == [1, "a"]


def test_collation_of_arrays() -> None:
    np = pytest.importorskip("numpy")
    assert default_collate([np.ones(2), np.zeros(2)]).dtype == flambeau.float64
    assert default_collate([np.float32(1), np.float32(2)]).tolist() == [1.0, 2.0]
    with pytest.raises(TypeError, match="default_collate: batch must contain tensors"):
        default_collate([np.array(["a"])])


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: TensorDataset(flambeau.ones(2), flambeau.ones(3)), AssertionError, "Size mismatch between tensors"),
        (lambda: DataLoader([1], num_workers=-1), ValueError, "num_workers option should be non-negative"),
        (lambda: DataLoader([1], shuffle=True, sampler=[0]), ValueError, "mutually exclusive with shuffle"),
        (lambda: DataLoader([1], batch_size=0), ValueError, "batch_size should be a positive integer value"),
        (lambda: DataLoader([], shuffle=True), ValueError, "num_samples should be a positive integer value"),
        (lambda: DataLoader(Stream(), shuffle=True), ValueError, "expected unspecified shuffle option"),
        (lambda: DataLoader([1], persistent_workers=True), ValueError, "persistent_workers option needs"),
        (lambda: random_split([1, 2], [3]), ValueError, "Sum of input lengths does not equal"),
        (lambda: list(DataLoader([object()])), TypeError, "default_collate: batch must contain tensors"),
        (lambda: list(DataLoader([[1], [1, 2]], 2)), RuntimeError, "should be of equal size"),
        (lambda: setattr(DataLoader([1]), "batch_size", 3), ValueError, "should not be set after DataLoader"),
    ],
)
def test_errors(make, kind, message) -> None:
    with pytest.raises(kind) as error:
        make()
    assert message in str(error.value)


def test_timeout() -> None:
    import time

    class Slow:
        def __len__(self):
            return 1

        def __getitem__(self, i):
            time.sleep(0.5)
            return i

    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.05 seconds"):
        list(DataLoader(Slow(), num_workers=1, timeout=0.05))


def test_samples_of_one_process() -> None:
    from flambeau.utils.data.distributed import DistributedSampler

    # What PyTorch 2.15 gives.
    sampler = DistributedSampler(range(10), 3, 1, seed=5)
    sampler.set_epoch(2)
    assert list(sampler) == [0, 1, 6, 5] and len(sampler) == 4
    assert list(DistributedSampler(range(10), 3, 2, seed=1, drop_last=True)) == [1, 8, 7]
    assert list(DistributedSampler(range(2), 5, 4, shuffle=False)) == [0]
    with pytest.raises(ValueError, match=r"Invalid rank 3, rank should be in the interval \[0, 2\]"):
        DistributedSampler(range(10), 3, 3)
    with pytest.raises(RuntimeError, match="distributed package"):
        DistributedSampler(range(10))
