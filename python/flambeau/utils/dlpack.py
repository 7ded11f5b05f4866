"""Memory shared with other libraries: ``torch.utils.dlpack``. NumPy's arrays carry the exchange."""

from __future__ import annotations

from typing import Any

from flambeau import _C, Tensor

__all__ = ["from_dlpack", "to_dlpack"]

_CPU = (1, 0)


class _Capsule:
    """A capsule as the object that NumPy expects."""

    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_kwargs: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CPU


class _Writable:
    """An array's memory without the mark that it is for reading only, which tensors do not have."""

    def __init__(self, array: Any) -> None:
        self.array = array
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


def _check(x: Any) -> None:
    if x.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    if x.is_conj():
        raise BufferError("Can't export tensors with the conjugate bit set")


def to_dlpack(tensor: Any) -> Any:
    """A DLPack capsule over the memory of a tensor."""
    return _dlpack(tensor)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Any:
    """A tensor over the memory of an object of another library, or of a capsule.

    >>> t = torch.arange(3)
    >>> torch.from_dlpack(t).data_ptr() == t.data_ptr()
    True
    """
    if isinstance(ext_tensor, Tensor):
        _check(ext_tensor)
        shared: Any = ext_tensor.detach()
    else:
        import numpy

        array = numpy.from_dlpack(ext_tensor if hasattr(ext_tensor, "__dlpack__") else _Capsule(ext_tensor))
        shared = _C.from_numpy(array if array.flags.writeable else numpy.asarray(_Writable(array)))
    if copy:
        shared = shared.clone()
    return shared if device is None else shared.to(device)


def _dlpack(self: Any, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None) -> Any:
    """`Tensor.__dlpack__`"""
    _check(self)
    array = (self.clone() if copy else self).numpy()
    try:
        return array.__dlpack__(max_version=max_version)
    except TypeError:
        # NumPy before 2.1 knows the first form of the exchange only.
        return array.__dlpack__()
