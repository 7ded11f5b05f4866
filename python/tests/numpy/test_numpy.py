"""Memory shared with NumPy: who sees whose writes, who keeps whom alive, what is refused. Texts are PyTorch's."""

import gc
import warnings
import weakref
from typing import Any

import flambeau as torch
import numpy as np
import pytest

SHARED = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


@pytest.mark.parametrize("dtype", SHARED)
def test_memory_is_shared_both_ways(dtype: str) -> None:
    a = np.zeros((2, 3), dtype)
    t = torch.from_numpy(a)
    assert t.dtype == getattr(torch, dtype) and t.data_ptr() == a.ctypes.data
    t[0, 1] = 1
    a[1, 2] = 1
    assert a[0, 1] == 1 and t[1, 2] == 1 and t.sum() == 2
    b = t.numpy()
    assert b.dtype == a.dtype and b.ctypes.data == a.ctypes.data and b.flags.writeable
    b[0, 0] = 1
    assert a[0, 0] == 1


def test_numpy_over_a_tensors_own_memory() -> None:
    t = torch.arange(6).reshape(2, 3)
    a = t.numpy()
    assert a.strides == (24, 8) and not a.flags.owndata
    a[0, 1] = 50
    t[1, 0] = 8
    assert t.tolist() == [[0, 50, 2], [8, 4, 5]] and a.tolist() == t.tolist()
    version = t._version
    a[0] = 0
    assert t._version == version


@pytest.mark.parametrize(
    "pick, strides",
    [
        (lambda a: a, (12, 4, 1)),
        (lambda a: a.T, (1, 4, 12)),
        (lambda a: a[:, ::2], (12, 8, 1)),
        (lambda a: a[1], (4, 1)),
        (lambda a: a[:, :, 1], (12, 4)),
        (lambda a: a[1, 2, 3:], (1,)),
        (lambda a: a.transpose(1, 0, 2), (4, 12, 1)),
        (lambda a: a[:, None], (12, 0, 4, 1)),
        (lambda a: np.broadcast_to(a[0, 0], (3, 4)), (0, 1)),
    ],
)
def test_strides_and_offsets_of_arrays(pick: Any, strides: tuple[int, ...]) -> None:
    a = np.arange(24).reshape(2, 3, 4)
    view = np.asarray(pick(a))
    if not view.flags.writeable:
        view = np.lib.stride_tricks.as_strided(view, view.shape, view.strides)
    t = torch.from_numpy(view)
    assert t.shape == view.shape and t.tolist() == view.tolist()
    assert t.stride() == strides and t.data_ptr() == view.ctypes.data
    a += 100
    assert t.tolist() == pick(a).tolist()


@pytest.mark.parametrize(
    "pick",
    [
        lambda t: t.t(),
        lambda t: t[:, ::2],
        lambda t: t[1:, 1:],
        lambda t: t[0],
        lambda t: t[1, 2],
        lambda t: t.unsqueeze(1),
        lambda t: t.expand(2, 3, 4),
        lambda t: t.unfold(1, 2, 1),
    ],
)
def test_strides_and_offsets_of_tensors(pick: Any) -> None:
    t = torch.arange(12).reshape(3, 4)
    view = pick(t)
    a = view.numpy()
    assert a.shape == tuple(view.shape) and a.tolist() == view.tolist()
    assert all(n < 2 or s == 8 * k for n, s, k in zip(a.shape, a.strides, view.stride(), strict=True))
    t += 100
    assert a.tolist() == view.tolist()


def test_empty_and_0_d() -> None:
    assert torch.from_numpy(np.zeros((0, 3))).shape == (0, 3)
    assert torch.from_numpy(np.zeros((2, 0, 3))).numpy().shape == (2, 0, 3)
    assert torch.zeros(0).numpy().tolist() == []
    assert torch.tensor(3.0).numpy().shape == () and torch.from_numpy(np.array(5)).item() == 5


def churn() -> None:
    """Uses up memory that was just freed."""
    for n in (3, 24, 1000, 4096, 200_000):
        np.full(n, 255, np.uint8)
        torch.full((n,), 255, dtype=torch.uint8)


@pytest.mark.parametrize("n", [4, 1000, 400_000])
def test_the_tensor_keeps_the_array(n: int) -> None:
    class Array(np.ndarray):
        pass

    a = np.arange(float(n)).view(Array)
    gone = weakref.ref(a)
    t = torch.from_numpy(a)
    part, graph = t[1:3], t.detach().requires_grad_() * 2
    del a, t
    gc.collect()
    churn()
    assert gone() is not None and part.tolist() == [1, 2]
    assert graph[3].item() == 6
    again = part.numpy()
    del part, graph
    gc.collect()
    churn()
    assert gone() is not None and again.tolist() == [1, 2]
    del again
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("n", [4, 1000, 400_000])
def test_the_array_keeps_the_tensor(n: int) -> None:
    t = torch.arange(float(n))
    a = t.numpy()
    b, c = a[1:3], t[2:].numpy()
    del t, a
    gc.collect()
    churn()
    assert b.tolist() == [1, 2] and c[0] == 2 and c[-1] == n - 1
    back = torch.from_numpy(b)
    del b, c
    gc.collect()
    churn()
    assert back.tolist() == [1, 2]


def test_growing_a_tensor_leaves_the_array_its_memory() -> None:
    t = torch.arange(4)
    a = np.asarray(t)
    del t
    gc.collect()
    churn()
    assert a.tolist() == [0, 1, 2, 3]
    a = np.arange(4)
    with pytest.raises(RuntimeError, match="Trying to resize storage that is not resizable"):
        torch.from_numpy(a).resize_(100_000)
    assert a.tolist() == [0, 1, 2, 3]


def test_buffers() -> None:
    b = bytearray(8)
    t = torch.frombuffer(b, dtype=torch.int32)
    t[0] = 1
    assert b == b"\1\0\0\0\0\0\0\0"
    with pytest.raises(BufferError):  # PyTorch lets it go, and then reads what is no longer there.
        b.append(1)
    del t
    gc.collect()
    b.append(1)
    a = np.zeros(3)
    torch.frombuffer(a, dtype=torch.float64, offset=8).add_(1)
    assert a.tolist() == [0, 1, 1]
    for size, options, message in [
        (
            9,
            {"dtype": torch.int64, "offset": 4},
            r"buffer length \(5 bytes\) after offset \(4 bytes\) must be a multiple",
        ),
        (9, {"dtype": torch.int32, "count": 3}, r"requested buffer length \(3 \* 4 bytes\) after offset \(0 bytes\)"),
        (9, {"dtype": torch.int64, "count": 2**62, "offset": 1}, "must not be greater than actual buffer length"),
        (9, {"dtype": torch.int64, "count": 2**61}, "must not be greater than actual buffer length"),
        (9, {"dtype": torch.int8, "offset": 9}, r"offset \(9 bytes\) must be non-negative and no greater than"),
        (9, {"dtype": torch.int8, "offset": -1}, r"offset \(-1 bytes\) must be non-negative"),
        (0, {"dtype": torch.int8}, r"both buffer length \(0\) and count \(-1\) must not be 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            torch.frombuffer(bytearray(size), **options)


def test_array_protocol() -> None:
    t = torch.arange(4.0)
    assert np.asarray(t).ctypes.data == t.data_ptr()
    assert np.asarray(t, dtype="float64").tolist() == [0, 1, 2, 3]
    own = np.array(t)
    own[0] = 9
    assert t[0] == 0
    assert t.__array__().dtype == np.float32 and t.__array__("int64").dtype == np.int64
    assert np.ones_like(t).dtype == np.float32
    assert np.stack([t, t]).shape == (2, 4) and np.where(t > 1)[0].tolist() == [2, 3]
    assert np.dot(t, t) == 14 and np.allclose(t, t) and np.linalg.norm(t).item() == pytest.approx(14**0.5)
    np.testing.assert_allclose(t, [0, 1, 2, 3])


def test_copies() -> None:
    a = np.arange(3.0)
    copy = torch.tensor(a)
    copy[0] = 9
    assert a[0] == 0 and copy.dtype == torch.float64
    torch.as_tensor(a)[0] = 9
    assert a[0] == 9
    torch.as_tensor(a, dtype=torch.float32)[0] = 1
    assert a[0] == 9
    # A copy keeps the order of dimensions in memory.
    assert torch.tensor(np.ones((2, 3)).T).stride() == (1, 3)
    assert torch.tensor(np.ones((4, 6))[::2, ::2]).stride() == (3, 1)
    assert torch.Tensor(np.arange(3)).dtype == torch.float32
    t = torch.zeros(3)
    assert t.new_tensor(np.arange(2)).dtype == torch.float32
    with pytest.raises(TypeError, match="can't assign a numpy.ndarray to a torch.FloatTensor"):
        t[:] = np.array([1.0, 2.0, 3.0])


def test_numbers() -> None:
    for value, expected in [
        (np.float32(1.5), torch.tensor(1.5)),
        (np.float64(1.5), torch.tensor(1.5, dtype=torch.float64)),
        (np.int32(3), torch.tensor(3, dtype=torch.int32)),
        (np.bool_(True), torch.tensor(True)),
        (np.complex64(1j), torch.tensor(1j)),
        ([np.float64(1), 2], torch.tensor([1.0, 2.0], dtype=torch.float64)),
        ([np.int16(1), 2], torch.tensor([1, 2])),
        ([np.int16(1), np.int16(2)], torch.tensor([1, 2], dtype=torch.int16)),
        ([np.float16(1), 2.5], torch.tensor([1, 2.5])),
        ([np.float32(1), np.int64(2)], torch.tensor([1.0, 2.0])),
        ([np.array([1, 2]), np.array([3, 4])], torch.tensor([[1, 2], [3, 4]])),
    ]:
        got = torch.tensor(value)
        assert got.dtype == expected.dtype and torch.equal(got, expected)
    t = torch.arange(12).reshape(3, 4)
    assert t[np.int64(1), np.int32(2)] == 6 and t[np.int32(1) :].shape == (2, 4)
    assert t.sum(np.int64(1)).shape == (3,) and t.reshape(np.int64(2), -1).shape == (2, 6)
    assert torch.zeros(np.int64(2), np.int32(3)).shape == (2, 3) and torch.full((2,), np.float64(3.5))[0] == 3.5
    assert (t * np.float32(2.5)).dtype == torch.float32 and (t + np.int64(1)).dtype == torch.int64
    half = torch.ones(2, dtype=torch.float16)
    assert (half * np.float64(2)).dtype == torch.float16
    # NumPy's numbers leave arithmetic to the tensor.
    assert isinstance(np.float64(2) * t, torch.Tensor) and isinstance(np.float32(2) - half, torch.Tensor)


def test_arrays_as_indices() -> None:
    t = torch.arange(10)
    assert t[np.array([3, 1])].tolist() == [3, 1] and t[np.arange(10) > 7].tolist() == [8, 9]
    t[np.array([0, 2])] = 7
    assert t[:3].tolist() == [7, 1, 7]
    a = np.arange(5)
    assert a[torch.tensor(2)] == 2 and a[torch.tensor([2, 1])].tolist() == [2, 1]


def test_ufuncs_take_tensors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy tells of changes in the protocol, differently in each version.
        t = torch.arange(4.0)
        assert np.asarray(np.sin(t)).tolist() == pytest.approx(t.sin().tolist())
        assert np.asarray(np.add(t, 1)).tolist() == [1, 2, 3, 4]
        a = np.arange(4.0)
        a += t.numpy()
        assert a.tolist() == [0, 2, 4, 6] and isinstance(t + a, torch.Tensor) and (t + a).tolist() == [0, 3, 6, 9]


SUPPORTED = (
    "The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
    "uint64, uint32, uint16, uint8, and bool."
)


@pytest.mark.parametrize(
    "dtype, name",
    [
        ("U3", "str_"),
        ("S3", "bytes_"),
        ("datetime64[s]", "datetime64"),
        ("object", "object_"),
        ("longdouble", "longdouble"),
        ("V4", "void"),
        ([("a", "i4"), ("b", "f8")], "void"),
    ],
)
def test_unsupported_dtypes(dtype: Any, name: str) -> None:
    for make in (torch.from_numpy, torch.tensor, torch.as_tensor):
        with pytest.raises(TypeError) as e:
            make(np.zeros(2, dtype))
        assert str(e.value) == f"can't convert np.ndarray of type numpy.{name}. {SUPPORTED}"


def test_refused_arrays() -> None:
    for make in (torch.from_numpy, torch.tensor, torch.as_tensor):
        for a in (np.arange(4.0)[::-1], np.flip(np.ones((2, 2)), 1)):
            with pytest.raises(
                ValueError, match="At least one stride in the given numpy array is negative, and tensors with"
            ):
                make(a)
        with pytest.raises(ValueError, match="given numpy array has byte order different from the native byte order"):
            make(np.zeros(2, ">f4"))
        record = np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])
        with pytest.raises(ValueError, match="given numpy array strides not a multiple of the element byte size"):
            make(record["b"])
    pair = np.zeros(4, dtype=[("a", "i4"), ("b", "i4")])
    assert torch.from_numpy(pair["b"]).stride() == (2,)
    for x in ([1, 2], 3, None, torch.ones(2)):
        with pytest.raises(TypeError, match=r"expected np.ndarray \(got "):
            torch.from_numpy(x)


def test_refused_tensors() -> None:
    x = torch.ones(2, requires_grad=True)
    for t in (x, x * 2):
        with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach"):
            t.numpy()
        with pytest.raises(RuntimeError, match="requires grad"):
            np.asarray(t)
        assert t.numpy(force=True).tolist() == t.tolist()
    z = torch.ones(2, dtype=torch.complex64).conj()
    with pytest.raises(RuntimeError, match=r"conjugate bit set. Use tensor.resolve_conj\(\).numpy\(\) instead."):
        z.numpy()
    with pytest.raises(RuntimeError, match=r"negative bit set. Use tensor.resolve_neg\(\).numpy\(\) instead."):
        z.imag.numpy()
    assert z.resolve_conj().numpy().dtype == np.complex64 and z.numpy(force=True)[0] == 1
    with pytest.raises(TypeError, match="Got unsupported ScalarType BFloat16"):
        torch.ones(2, dtype=torch.bfloat16).numpy()
    with pytest.raises(TypeError, match="can't convert meta device type tensor to numpy"):
        torch.ones(2, device="meta").numpy()


def test_arrays_that_must_not_be_written() -> None:
    a = np.arange(3.0)
    a.flags.writeable = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tensors = [torch.from_numpy(a), torch.as_tensor(a), torch.tensor(a)]
    # Once in a program, wherever it was first.
    assert len(caught) <= 1 and all("The given NumPy array is not writable" in str(w.message) for w in caught)
    assert all(t.tolist() == [0, 1, 2] for t in tensors)


def test_operators_with_arrays() -> None:
    t, a = torch.tensor([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])
    for result in (t == a, a == t):
        assert result.dtype == torch.bool and result.tolist() == [True, True, False]
    for result in (a / t, t + a, t * a):
        assert isinstance(result, torch.Tensor) and result.dtype == torch.float64
    assert (a / t).tolist() == [1, 1, 0.75]
    assert (t != a) is True
    for refused in (lambda: a - t, lambda: a * t, lambda: t < a):
        with pytest.raises(TypeError, match="not supported|unsupported operand type"):
            refused()
    i = torch.tensor([1, 2])
    assert (i + np.bool_(True)).dtype == torch.float32
    assert (i + np.int32(1)).dtype == torch.int64 and (t == np.bool_(True)).tolist() == [True, False, False]
    assert torch.asarray(a).data_ptr() == a.ctypes.data
    assert torch.asarray(a, copy=True).data_ptr() != a.ctypes.data
