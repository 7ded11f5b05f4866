"""What a file may hold, and what becomes of files that are damaged or made to do harm."""

import argparse
import enum
import io
import pickle
import zipfile

import flambeau as torch
import pytest
from flambeau import nn
from flambeau.nn import functional as F


def saved(value, **kwargs):
    buffer = io.BytesIO()
    torch.save(value, buffer, **kwargs)
    return buffer.getvalue()


def load(data, **kwargs):
    return torch.load(io.BytesIO(data), **kwargs)


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)


class WithState(Point):
    def __getstate__(self):
        return {"both": (self.x, self.y)}

    def __setstate__(self, state):
        self.x, self.y = state["both"]


class WithReduce(Point):
    def __reduce__(self):
        return WithReduce, (self.x, self.y)


class Slotted:
    __slots__ = ("x",)


class Color(enum.Enum):
    RED = 1


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 3)
        self.extra = {"k": (1, 2)}

    def forward(self, x):
        return self.layer(x).relu()


class Attack:
    def __reduce__(self):
        import os

        return os.system, ("echo attacked > /tmp/flambeau-attacked",)


class Evaluated:
    def __reduce__(self):
        return eval, ("1 + 1",)


@pytest.mark.parametrize("weights_only", [None, True, False])
def test_nothing_runs(weights_only):
    for value, name in [(Attack(), "posix.system|os.system|nt.system"), (Evaluated(), "eval")]:
        for legacy in (False, True):
            data = saved({"w": value}, _use_new_zipfile_serialization=not legacy)
            with pytest.raises(pickle.UnpicklingError, match=name):
                load(data, weights_only=weights_only)
    # Not even if it is asked for.
    import os

    with torch.serialization.safe_globals([os.system]), pytest.raises(pickle.UnpicklingError, match="is blocked"):
        load(saved(Attack()), weights_only=weights_only)


@pytest.mark.parametrize("kind", [Point, WithState, WithReduce])
def test_classes_must_be_allowed(kind):
    data = saved([kind(1, torch.ones(2))] * 2)
    for weights_only in (True, False):
        with pytest.raises(pickle.UnpicklingError) as e:
            load(data, weights_only=weights_only)
        assert f"Unsupported global: GLOBAL {kind.__module__}.{kind.__name__} was not an allowed global" in str(e.value)
        assert "add_safe_globals" in str(e.value)
    assert torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == [
        f"{kind.__module__}.{kind.__name__}"
    ]
    with torch.serialization.safe_globals([kind]):
        assert torch.serialization.get_safe_globals() == [kind]
        assert torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == []
        back = load(data, weights_only=True)
    assert torch.serialization.get_safe_globals() == []
    assert type(back[0]) is kind
    assert back[0].x == 1
    assert torch.equal(back[0].y, torch.ones(2))
    assert back[0] is back[1]


def test_other_objects():
    slotted = Slotted()
    slotted.x = 5
    namespace = argparse.Namespace(lr=0.1)
    torch.serialization.add_safe_globals([Slotted, argparse.Namespace, Color])
    try:
        assert load(saved(slotted), weights_only=True).x == 5
        assert load(saved(namespace)) == namespace
        assert load(saved({Color.RED: Color.RED})) == {Color.RED: Color.RED}
    finally:
        torch.serialization.clear_safe_globals()
    # A class that has moved, under the name that it had; the older format has no checksum to hold against it.
    data = saved(Point(1, 2), _use_new_zipfile_serialization=False)
    data = data.replace(b"c" + Point.__module__.encode() + b"\nPoint\n", b"cother.place\nPoint\n")
    with torch.serialization.safe_globals([(Point, "other.place.Point")]):
        assert load(data, weights_only=True) == Point(1, 2)
    with (
        torch.serialization.safe_globals([(Point, 3)]),
        pytest.raises(TypeError, match="Expected second item in tuple to be str"),
    ):
        load(saved(1))


def test_numpy_is_refused_unless_allowed():
    np = pytest.importorskip("numpy")
    for value in (np.float64(0.5), np.arange(3)):
        with pytest.raises(pickle.UnpicklingError, match="numpy"):
            load(saved({"x": value}))
    multiarray = np._core.multiarray if hasattr(np, "_core") else np.core.multiarray
    with torch.serialization.safe_globals([multiarray.scalar, np.dtype, type(np.dtype("f8"))]):
        assert load(saved(np.float64(0.5)), weights_only=True) == 0.5
    with torch.serialization.safe_globals([multiarray._reconstruct, np.ndarray, np.dtype, type(np.dtype("i8"))]):
        assert load(saved(np.arange(3)), weights_only=True).tolist() == [0, 1, 2]


# Whole modules.


def layers():
    yield nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)), (2, 1, 4, 4)
    yield nn.TransformerEncoderLayer(8, 2, 16, activation=F.gelu, batch_first=True), (2, 3, 8)
    yield nn.LSTM(3, 4, num_layers=2, bidirectional=True), (5, 2, 3)
    yield nn.ModuleDict({"a": nn.InstanceNorm1d(2), "b": nn.PixelShuffle(2)})["a"], (1, 2, 5)
    yield nn.MultiheadAttention(8, 2).out_proj, (1, 8)


@pytest.mark.parametrize("legacy", [False, True])
def test_layers_come_back_whole(legacy):
    for module, shape in layers():
        module.eval()
        x = torch.randn(shape)
        data = saved(module, _use_new_zipfile_serialization=not legacy)
        assert b"torch.nn.modules." in data
        assert b"flambeau" not in data
        back = load(data, weights_only=False)
        first, second = module(x), back(x)
        first, second = (y[0] if isinstance(y, tuple) else y for y in (first, second))
        assert torch.equal(first, second)
        assert not back.training
        # PyTorch's own list has no layers.
        with pytest.raises(pickle.UnpicklingError, match="GLOBAL torch.nn.modules"):
            load(data, weights_only=True)


def test_modules_of_the_user():
    net = Net()
    data = saved(net)
    with pytest.raises(pickle.UnpicklingError, match="Net was not an allowed global"):
        load(data)
    with torch.serialization.safe_globals([Net]):
        back = load(data)
    x = torch.randn(2, 2)
    assert torch.equal(back(x), net(x))
    assert back.extra == {"k": (1, 2)}


def test_layers_are_not_called():
    class Huge:
        def __reduce__(self):
            return nn.Linear, (10**9, 10**9)

    with pytest.raises(pickle.UnpicklingError, match="torch.nn.modules.linear.Linear"):
        load(saved(Huge()))


def test_what_cannot_be_saved():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="contains itself"):
        saved(loop)
    with pytest.raises(pickle.PicklingError, match="local object"):
        saved(lambda: 1)
    deep = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested more than 800 deep"):
        saved(deep)
    x = torch.arange(4.0)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        saved([x, x.untyped_storage()._tensor(torch.int32, 0, (4,), (1,))])


def test_damaged_files(tmp_path):
    whole = saved({"w": torch.arange(100.0)})
    for cut in (0, 1, 10, len(whole) // 2, len(whole) - 1):
        with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError)):
            load(whole[:cut])
    at = whole.index(torch.arange(100.0).numpy().tobytes())
    with pytest.raises(RuntimeError, match="does not match its checksum"):
        load(whole[:at] + b"\x01" + whole[at + 1 :])
    with pytest.raises(FileNotFoundError):
        torch.load(tmp_path / "missing.pt")
    with pytest.raises(IsADirectoryError):
        torch.load(tmp_path)
    with pytest.raises(RuntimeError, match="Parent directory .* does not exist"):
        torch.save(1, tmp_path / "no" / "x.pt")
    with pytest.raises(EOFError, match="Ran out of input"):
        load(b"")
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        load(b"just some text")


def test_archives_with_unsafe_names(tmp_path):
    path = tmp_path / "evil.pt"
    for name in ("/etc/passwd", "a/../../b"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(RuntimeError, match="unsafe name"):
            torch.load(path)


def test_the_environment(monkeypatch):
    data = saved(nn.Linear(1, 1))
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load(data, weights_only=False)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(RuntimeError, match="Only one of"):
        load(data)
    monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    with pytest.warns(UserWarning, match="forcing weights_only=False"):
        assert isinstance(load(data), nn.Linear)
    with pytest.raises(RuntimeError, match="explicit pickle_module"):
        load(data, weights_only=True, pickle_module=pickle)


def test_text_of_python_2():
    pickled = b"\x80\x02U\x03a\xe9b."
    legacy = saved(0, _use_new_zipfile_serialization=False)
    data = legacy.replace(b"\x80\x02K\x00.", pickled)
    assert data != legacy
    assert load(data, weights_only=False, encoding="latin1") == "a\u00e9b"
    assert load(data, weights_only=False, encoding="bytes") == b"a\xe9b"
    with pytest.raises(ValueError, match="UTF-8"):
        load(data)
