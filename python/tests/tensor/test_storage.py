"""Storages: the memory under tensors, with and without a dtype."""

import copy
import io
import pickle

import flambeau as torch
import pytest


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_elements_of_a_storage() -> None:
    tensor = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    storage = tensor[1].storage()
    assert len(storage) == storage.size() == 6
    assert storage.nbytes() == 24
    assert storage.tolist() == [0, 1, 2, 3, 4, 5]
    assert storage.data_ptr() == tensor.data_ptr()
    storage[1] = 9
    assert tensor[0, 1] == 9
    assert storage[1] == 9
    assert storage[:2] == [0, 9]
    assert storage.clone().data_ptr() != storage.data_ptr()
    assert isinstance(storage, torch.storage.TypedStorage)
    assert storage.untyped().nbytes() == 24


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_set_takes_storages_and_layouts() -> None:
    base = torch.arange(6.0)
    for source in (base, base.storage(), base.untyped_storage()):
        tensor = torch.empty(0).set_(source, 1, (2, 2), (2, 1))
        assert tensor.tolist() == [[1, 2], [3, 4]]
        tensor[0, 0] = 1
        assert tensor.data_ptr() == base.data_ptr() + 4
    assert torch.empty(0).set_(base.untyped_storage()).shape == (6,)
    assert torch.empty(0).set_(base, 2, (2, 2)).tolist() == [[2, 3], [4, 5]]
    with pytest.raises(RuntimeError):
        torch.empty(0, dtype=torch.int64).set_(base)


def test_copies_of_generators() -> None:
    generator = torch.Generator().manual_seed(5)
    torch.rand(3, generator=generator)
    for other in (copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))):
        assert other is not generator
        assert torch.equal(other.get_state(), generator.get_state())


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_storages_are_saved_with_their_dtype() -> None:
    x = torch.tensor([1.0, 2.0])
    buffer = io.BytesIO()
    single = torch.tensor([3], dtype=torch.uint8).untyped_storage()
    torch.save({"typed": x.storage(), "tensor": x, "bytes": single}, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer)
    assert loaded["typed"].dtype == torch.float32
    assert loaded["typed"].tolist() == [1.0, 2.0]
    assert loaded["bytes"].tolist() == [3]
    loaded["typed"][0] = 5.0
    assert loaded["tensor"].tolist() == [5.0, 2.0]
