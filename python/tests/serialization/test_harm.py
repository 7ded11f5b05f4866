"""Files made to change the process or to take its memory, and files that ask for what users allowed."""

from __future__ import annotations

import io
import pickle
import time
import zipfile
from collections import defaultdict, deque

import flambeau as torch
import pytest
from flambeau import nn


def archive(pickled: bytes, compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    """A checkpoint with this pickle."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as z:
        z.writestr("a/data.pkl", pickled)
        z.writestr("a/byteorder", "little")
        z.writestr("a/version", "3\n")
    out.seek(0)
    return out


def text(word: str) -> bytes:
    return b"X" + len(word).to_bytes(4, "little") + word.encode()


def layout(name: str) -> bytes:
    return b"ctorch.serialization\n_get_layout\n" + text(name) + b"\x85R"


@pytest.mark.parametrize("weights_only", [True, False])
def test_classes_are_not_changed(weights_only: bool) -> None:
    attack = b"\x80\x02" + layout("torch.Tensor") + b"(N}" + text("view") + layout("torch.relu") + b"stb."
    with pytest.raises(KeyError):
        torch.load(archive(attack), weights_only=weights_only)
    assert torch.ones(4).view(2, 2).shape == (2, 2)
    for name in ("torch._load", "__class__", "__dict__", "private"):
        with pytest.raises(KeyError):
            torch.load(archive(b"\x80\x02" + layout(name) + b"."), weights_only=weights_only)
    assert torch.load(archive(b"\x80\x02" + layout("torch.strided") + b"."), weights_only=weights_only) is torch.strided


def test_layouts_have_no_state() -> None:
    attack = b"\x80\x02" + layout("torch.strided") + b"}" + text("x") + b"K\x01sb."
    with pytest.raises(pickle.UnpicklingError):
        torch.load(archive(attack))


def test_an_attribute_is_no_class() -> None:
    attack = b"\x80\x02ccollections\nOrderedDict\n)R}" + text("__class__") + b"K\x05sb."
    loaded = torch.load(archive(attack))
    assert type(loaded).__name__ == "OrderedDict" and vars(loaded) == {"__class__": 5}


def test_compressed_pickles_stay_small() -> None:
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="no checkpoint compresses so well"):
        torch.load(archive(b"\x80\x02(" + b"]" * 2**24 + b"t.", zipfile.ZIP_DEFLATED))
    assert time.monotonic() - start < 10
    # What somebody packed anew still loads.
    packed = archive(pickle.dumps([{"a": i} for i in range(2000)], 2), zipfile.ZIP_DEFLATED)
    assert torch.load(packed)[7] == {"a": 7}


class Stack(list):  # type: ignore[type-arg]
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


def test_containers_of_the_user() -> None:
    table = Table(x=1)
    table.name = "t"  # type: ignore[attr-defined]
    value = {"h": defaultdict(list, {"loss": [1.0]}), "s": Stack([1, 2]), "t": table, "d": deque([3, 4])}
    out = io.BytesIO()
    torch.save(value, out)
    out.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="defaultdict"):
        torch.load(out, weights_only=False)
    with torch.serialization.safe_globals([defaultdict, list, Stack, Table, deque]):
        out.seek(0)
        loaded = torch.load(out)
    assert loaded == value and loaded["t"].name == "t" and loaded["h"].default_factory is list
    assert [type(v) for v in loaded.values()] == [defaultdict, Stack, Table, deque]


def test_left_out_bytes_can_be_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.pt"
    with torch.serialization.skip_data():
        torch.save({"w": torch.ones(4)}, path)
    with zipfile.ZipFile(path) as z:
        info = z.getinfo("a/data/0")
    data = bytearray(path.read_bytes())
    header = data[info.header_offset : info.header_offset + 30]
    at = info.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    data[at : at + 16] = torch.arange(4.0).numpy().tobytes()
    path.write_bytes(data)
    assert torch.load(path)["w"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_names_that_nobody_could_read() -> None:
    for value in (torch.channels_last, torch.finfo(torch.float32), nn.utils.spectral_norm(nn.Linear(2, 2))):
        with pytest.raises(pickle.PicklingError):
            torch.save(value, io.BytesIO())


def test_data_parallel_as_pytorch_names_it() -> None:
    out = io.BytesIO()
    torch.save(nn.DataParallel(nn.Linear(2, 2)), out)
    names = torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(out.getvalue()))
    assert "torch.nn.parallel.data_parallel.DataParallel" in names
    out.seek(0)
    assert isinstance(torch.load(out, weights_only=False), nn.DataParallel)


def test_arguments() -> None:
    out = io.BytesIO()
    torch.save(1, out)
    out.seek(0)
    with pytest.raises(TypeError, match="foo"):
        torch.load(out, foo=1)


def test_ellipsis() -> None:
    out = io.BytesIO()
    torch.save({"index": ...}, out)
    assert torch.load(io.BytesIO(out.getvalue()), weights_only=False) == {"index": ...}
    with pytest.raises(pickle.UnpicklingError, match="Ellipsis"):
        torch.load(io.BytesIO(out.getvalue()), weights_only=True)


def test_an_empty_tensor_may_begin_anywhere() -> None:
    x = torch.ones(1).as_strided((0,), (1,), 2**63 - 1)
    assert (x + 1).tolist() == [] and x.sum().item() == 0
    assert torch.ones(1).expand(2**62).nbytes == 0
