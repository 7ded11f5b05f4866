"""`torch.save` and `torch.load`: what comes back, what is shared, where it goes."""

import collections
import copy
import io
import pathlib
import pickle

import flambeau as torch
import pytest
from flambeau import nn


def through(value, legacy=False, **kwargs):
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    buffer.seek(0)
    return torch.load(buffer, **kwargs)


def shared(a, b):
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


PLAIN = [
    None,
    True,
    3,
    -(2**70),
    2**63,
    1.5,
    float("inf"),
    1 + 2j,
    "h\u00e9",
    b"\xff\x00",
    bytearray(b"ab"),
    (),
    (1, (2, [3])),
    {"a": {"b": []}, 1: (None,)},
    {1, "x"},
    collections.OrderedDict(a=1, b=[2]),
    collections.Counter("ccd"),
    torch.Size([2, 3]),
    torch.float16,
    torch.device("cuda:1"),
    torch.strided,
    list(range(2500)),
    {i: None for i in range(2500)},
]


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("value", PLAIN, ids=lambda v: type(v).__name__)
def test_plain_values(value, legacy):
    back = through(value, legacy, weights_only=True)
    assert type(back) is type(value)
    assert back == value


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_keep_layout_and_sharing(legacy):
    base = torch.arange(12.0).reshape(3, 4)
    one = [base]
    value = {
        "base": base,
        "t": base.t(),
        "column": base[:, 1],
        "scalar": base[2, 3],
        "expanded": torch.ones(1, 3).expand(4, 3),
        "empty": torch.empty(0, 2),
        "grad": torch.zeros(2, requires_grad=True),
        "conj": torch.tensor([1 + 2j]).conj(),
        "lists": [one, one],
    }
    back = through(value, legacy)
    for key in ("base", "t", "column", "scalar", "expanded", "empty", "conj"):
        assert torch.equal(back[key], value[key])
        assert back[key].stride() == value[key].stride()
        assert back[key].storage_offset() == value[key].storage_offset()
    assert shared(back["base"], back["column"])
    assert back["lists"][0] is back["lists"][1]
    assert back["lists"][0][0] is back["base"]
    assert back["grad"].requires_grad
    assert back["conj"].is_conj()
    back["base"].zero_()
    assert back["t"].sum() == 0


@pytest.mark.parametrize("dtype", [d for d in vars(torch).values() if isinstance(d, torch.dtype)], ids=str)
def test_every_dtype(dtype):
    x = torch.tensor([0, 1, 3]).to(dtype)
    for legacy in (False, True):
        back = through(x, legacy)
        assert back.dtype == dtype
        assert torch.equal(back, x)


def test_parameters_and_attributes():
    p = nn.Parameter(torch.ones(2), requires_grad=False)
    tagged = nn.Parameter(torch.ones(2))
    tagged.tag = ["kept"]
    plain = torch.ones(2)
    plain.tag = 7
    back = through([p, tagged, plain], weights_only=True)
    assert type(back[0]) is nn.Parameter
    assert not back[0].requires_grad
    assert back[1].tag == ["kept"]
    assert back[1].requires_grad
    assert type(back[2]) is torch.Tensor
    assert back[2].tag == 7


def test_meta_tensors_have_no_bytes():
    back = through(torch.empty(3, 4, device="meta").t(), weights_only=True)
    assert back.device.type == "meta"
    assert back.shape == (4, 3)
    assert back.stride() == (1, 4)


class Marked(torch.Tensor):
    pass


def test_subclasses_of_tensor():
    x = torch.arange(3.0).as_subclass(Marked)
    x.note = "n"
    with pytest.raises(pickle.UnpicklingError, match="Marked was not an allowed global"):
        through(x)
    with torch.serialization.safe_globals([Marked]):
        back = through(x, weights_only=True)
    assert type(back) is Marked
    assert back.note == "n"
    assert back.tolist() == [0, 1, 2]


def test_storages():
    x = torch.arange(4, dtype=torch.uint8)
    storage, view = through([x.untyped_storage(), x[1:]])
    assert storage.tolist() == [0, 1, 2, 3]
    assert view.untyped_storage().data_ptr() == storage.data_ptr()


def test_optimizers():
    net = nn.Linear(3, 2)
    for make in (torch.optim.Adam, torch.optim.SGD):
        optimizer = make(net.parameters(), lr=0.1, **({"momentum": 0.9} if make is torch.optim.SGD else {}))
        net(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        state = through(optimizer.state_dict(), weights_only=True)
        assert state["param_groups"] == optimizer.state_dict()["param_groups"]
        for i, slots in optimizer.state_dict()["state"].items():
            for key, value in slots.items():
                assert value is None or torch.equal(state["state"][i][key], value)
        make(net.parameters(), lr=1.0).load_state_dict(state)


def test_generator_states():
    state = torch.get_rng_state()
    first = torch.rand(3)
    torch.set_rng_state(through(state))
    assert torch.equal(torch.rand(3), first)


# Files.


@pytest.mark.parametrize("legacy", [False, True])
def test_several_files_in_one(tmp_path, legacy):
    path = tmp_path / "all"
    with open(path, "wb") as f:
        f.write(b"before")
        for i in range(3):
            torch.save({"i": i, "x": torch.full((50,), i)}, f, _use_new_zipfile_serialization=not legacy)
    for f in (open(path, "rb"), io.BytesIO(path.read_bytes()), open(path, "rb", buffering=0)):
        with f:
            f.seek(6)
            for i in range(3):
                back = torch.load(f)
                assert back["i"] == i
                assert (back["x"] == i).all()
            assert f.read() == b""


def test_paths_and_names(tmp_path):
    path = tmp_path / "na\u00efve model.pt"
    torch.save(torch.ones(2), path)
    assert torch.load(str(path)).tolist() == [1, 1]
    assert torch.load(pathlib.Path(path)).tolist() == [1, 1]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


class OnlyWrites:
    def __init__(self):
        self.data = b""

    def write(self, part):
        self.data += bytes(part[:100])
        return min(len(part), 100)


def test_file_objects_need_little():
    f = OnlyWrites()
    torch.save(torch.ones(1000), f)
    assert torch.load(io.BytesIO(f.data)).sum() == 1000
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object with a 'write'"):
        torch.save(1, object())
    with pytest.raises(AttributeError, match="You can only torch.load from a file that is seekable"):
        torch.load(object())


@pytest.mark.parametrize("shared_mapping", [False, True])
def test_mmap(tmp_path, shared_mapping):
    path = tmp_path / "m.pt"
    torch.save({"a": torch.arange(1000.0), "b": torch.ones(3)}, path)
    flags = torch.serialization.MAP_SHARED if shared_mapping else torch.serialization.MAP_PRIVATE
    with torch.serialization.set_default_mmap_options(flags):
        back = torch.load(path, mmap=True)
    assert back["a"].sum() == 499500
    back["a"][0] = 7.0
    again = torch.load(path, mmap=True)
    assert again["a"][0] == (7.0 if shared_mapping else 0.0)
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        torch.load(io.BytesIO(path.read_bytes()), mmap=True)
    torch.save(1, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        torch.load(path, mmap=True)


# Where storages go.


def test_map_location():
    x = {"x": torch.ones(3)}
    assert through(x, map_location="cpu")["x"].sum() == 3
    assert through(x, map_location=torch.device("cpu"))["x"].sum() == 3
    meta = through(x, map_location="meta")["x"]
    assert meta.device.type == "meta"
    assert meta.shape == (3,)
    assert through(x, map_location={"cpu": "meta"})["x"].device.type == "meta"
    assert through(x, map_location={"cuda:0": "cpu"})["x"].sum() == 3
    seen = []
    back = through(x, map_location=lambda storage, place: seen.append((storage.nbytes(), place)))
    assert back["x"].sum() == 3
    assert seen == [(12, "cpu")]
    assert through(x, map_location=lambda storage, place: storage)["x"].sum() == 3
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        through(x, map_location="cuda:0")
    with pytest.raises(RuntimeError, match="don't know how to restore data location"):
        through(x, map_location="nowhere")


def test_storages_of_other_devices():
    data = io.BytesIO()
    torch.save(torch.ones(2), data)
    from_gpu = data.getvalue().replace(b"X\x03\x00\x00\x00cpu", b"X\x04\x00\x00\x00cuda")
    assert from_gpu != data.getvalue()
    # The checksum of the pickle does not hold any more: the legacy format has none.
    data = io.BytesIO()
    torch.save(torch.ones(2), data, _use_new_zipfile_serialization=False)
    from_gpu = data.getvalue().replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    with pytest.raises(RuntimeError, match="torch.cuda.is_available\\(\\) is False"):
        torch.load(io.BytesIO(from_gpu))
    assert torch.load(io.BytesIO(from_gpu), map_location="cpu").sum() == 2
    assert torch.load(io.BytesIO(from_gpu), map_location={"cuda:0": "cpu"}).sum() == 2


def test_skip_data():
    buffer = io.BytesIO()
    with torch.serialization.skip_data():
        torch.save(torch.ones(3), buffer)
        with pytest.raises(RuntimeError, match="Cannot use skip_data=True"):
            torch.save(1, io.BytesIO(), _use_new_zipfile_serialization=False)
    buffer.seek(0)
    assert torch.load(buffer).tolist() == [0, 0, 0]


# Copies and Python's own pickle.


def test_deepcopy_shares_what_was_shared():
    base = torch.arange(6.0)
    value = {"base": base, "view": base[2:4], "strided": base.view(2, 3).t(), "leaf": torch.ones(2, requires_grad=True)}
    value["leaf"].sum().backward()
    value["base"].tag = ["t"]
    new = copy.deepcopy(value)
    assert shared(new["base"], new["view"])
    assert not shared(new["base"], base)
    assert new["strided"].stride() == (1, 3)
    assert new["leaf"].grad.tolist() == [1, 1]
    assert new["base"].tag == ["t"]
    assert new["base"].tag is not base.tag
    new["base"].zero_()
    assert new["view"].sum() == 0
    assert base.sum() == 15


def test_pickle_shares_what_was_shared():
    base = torch.arange(6.0)
    value = [base, base[2:4], torch.ones(1, dtype=torch.bfloat16), torch.tensor([1j]).conj(), base.dtype, base.device]
    new = pickle.loads(pickle.dumps(value))
    assert shared(new[0], new[1])
    assert new[1].tolist() == [2, 3]
    assert new[2].dtype == torch.bfloat16
    assert new[3].is_conj()
    assert new[4] is torch.float32
    assert new[5] == torch.device("cpu")
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    net[0].bias = nn.Parameter(net[0].weight.data[0])
    again = pickle.loads(pickle.dumps(net))
    assert shared(again[0].bias, again[0].weight)
    assert shared(copy.deepcopy(torch.ones(2)[:1]), torch.ones(1)) is False


def test_options():
    assert torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        assert through(torch.ones(2)).sum() == 2
    finally:
        torch.serialization.set_crc32_options(True)
    assert torch.serialization.get_default_load_endianness() is None
    with pytest.raises(TypeError):
        torch.serialization.set_default_load_endianness("little")
    with pytest.raises(ValueError, match="expected mmap.MAP_PRIVATE or mmap.MAP_SHARED"):
        torch.serialization.set_default_mmap_options(100)


def test_a_lazy_module_is_saved_whole():
    model = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    back = through(model, weights_only=False)
    assert repr(back) == repr(model)
    assert back(torch.ones(3, 1, 5, 5)).shape == (3, 2)
    assert type(back[3]) is nn.Linear and not back[3]._forward_pre_hooks
    assert model[3].has_uninitialized_params()  # the copy alone has learnt its sizes
    with pytest.raises(pickle.UnpicklingError, match="UninitializedParameter"):
        through(nn.LazyLinear(2).state_dict(), weights_only=True)


def test_a_lazy_module_keeps_the_hooks_of_its_user():
    model = nn.LazyLinear(2)
    model.register_forward_pre_hook(_double)
    back = copy.deepcopy(model)
    assert back(torch.ones(1, 3)).shape == (1, 2)
    assert [hook is _double for hook in back._forward_pre_hooks.values()] == [True]


def _double(module, args):
    return (args[0] * 2,)


def test_a_large_storage_and_its_views_come_back(tmp_path):
    whole = torch.arange(400_000, dtype=torch.float64)  # several blocks
    torch.save({"whole": whole, "part": whole[300_000:]}, tmp_path / "large.pt")
    back = torch.load(tmp_path / "large.pt")
    assert torch.equal(back["whole"], whole) and shared(back["whole"], back["part"])
    assert torch.equal(through(whole, legacy=True), whole)
