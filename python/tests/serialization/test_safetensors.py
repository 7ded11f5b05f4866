"""safetensors files: tensors, parts of them, and text."""

import json

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.safetensors import load, load_file, load_model, safe_open, save, save_file, save_model


def test_files(tmp_path):
    path = tmp_path / "m.safetensors"
    value = {"w": torch.arange(6.0).reshape(3, 2), "h": torch.ones(2, dtype=torch.bfloat16), "e": torch.empty(0, 3)}
    save_file(value, path, metadata={"format": "pt"})
    for back in (load_file(path), load(path.read_bytes()), torch.load(path), torch.load(str(path), map_location="cpu")):
        assert set(back) == set(value)
        for name, tensor in value.items():
            assert torch.equal(back[name], tensor)
            assert back[name].dtype == tensor.dtype
    assert path.read_bytes() == save(value, {"format": "pt"})
    assert load_file(path, device="meta")["w"].device.type == "meta"
    length = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + length])
    assert header["w"] == {"dtype": "F32", "shape": [3, 2], "data_offsets": [0, 24]}


def test_lazily(tmp_path):
    path = tmp_path / "m.safetensors"
    x = torch.arange(24).reshape(4, 3, 2)
    save_file({"x": x, "s": torch.tensor(3.0)}, str(path), {"a": "b"})
    with safe_open(path, framework="pt", device="cpu") as f:
        assert f.keys() == ["s", "x"]
        assert f.offset_keys() == ["x", "s"]
        assert f.metadata() == {"a": "b"}
        assert torch.equal(f.get_tensor("x"), x)
        part = f.get_slice("x")
        assert part.get_shape() == [4, 3, 2]
        assert part.get_dtype() == "I64"
        for index in (
            slice(1, 3),
            slice(None, None, 2),
            slice(3, 1),
            2,
            -1,
            (slice(0, 2), 1),
            (Ellipsis, 0),
            (slice(None), slice(1, 2), 0),
            (-2, slice(None), 1),
        ):
            assert torch.equal(part[index], x[index]), index
        with pytest.raises(IndexError):
            part[4]
        assert f.get_slice("s")[...] == 3
        with pytest.raises(KeyError, match="File does not contain tensor y"):
            f.get_tensor("y")
    with pytest.raises(NotImplementedError):
        safe_open(path, framework="tf")
    # Only the rows that were asked for are read: the others may be damaged, or not there at all.
    with safe_open(path) as f:
        data = bytearray(path.read_bytes())
        data[-100:-90] = b"\xff" * 10
        path.write_bytes(data)
        assert torch.equal(f.get_slice("x")[3:], x[3:])


def test_what_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    x = torch.arange(6.0)
    with pytest.raises(RuntimeError, match="Some tensors share memory"):
        save_file({"a": x, "b": x[:2]}, path)
    save_file({"a": x[:3], "b": x[3:]}, path)
    with pytest.raises(ValueError, match="non contiguous tensor: `a`"):
        save_file({"a": x.reshape(2, 3).t()}, path)
    with pytest.raises(ValueError, match="expected torch.Tensor"):
        save_file({"a": 3}, path)
    with pytest.raises(ValueError, match="Expected a dict"):
        save_file([x], path)
    with pytest.raises(FileNotFoundError):
        load_file(tmp_path / "none.safetensors")
    for data, why in (
        (b"", "header too small"),
        (b"\xff" * 8, "header too large"),
        (path.read_bytes()[:-1], "not fully covered"),
        (path.read_bytes() + b"x", "not fully covered"),
    ):
        with pytest.raises(RuntimeError, match=why):
            load(data)
    with pytest.raises(RuntimeError, match="dict map_location is not supported"):
        torch.load(path, map_location={"cpu": "cpu"})


def test_models(tmp_path):
    path = str(tmp_path / "m.safetensors")
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    save_model(net, path)
    assert set(load_file(path)) == {"0.weight", "0.bias", "1.bias"}
    other = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    other[1].weight = other[0].weight
    assert load_model(other, path) == ([], [])
    assert torch.equal(other[1].weight, net[0].weight)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        load_model(nn.Linear(2, 2), path)
