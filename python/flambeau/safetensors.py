"""safetensors files: `from flambeau.safetensors import save_file, load_file, safe_open`, as users of
`safetensors.torch` know them. A file is a header of names, sizes and dtypes, then bytes: nothing in it can run.

>>> import tempfile
>>> path = tempfile.mkdtemp() + "/model.safetensors"
>>> save_file({"w": torch.arange(6.).reshape(3, 2)}, path, metadata={"epoch": "3"})
>>> with safe_open(path, framework="pt") as f:
...     print(f.keys(), f.metadata(), f.get_slice("w")[1:])
['w'] {'epoch': '3'} tensor([[2., 3.],
        [4., 5.]])
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import Any

from flambeau import _C

__all__ = ["load", "load_file", "load_model", "safe_open", "save", "save_file", "save_model"]

Tensor = _C.Tensor


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a safetensors file with these tensors.

    >>> load(save({"b": torch.ones(2)}))
    {'b': tensor([1., 1.])}
    """
    _check(tensors)
    return bytes(_C._save_safetensors(tensors, None, metadata))


def save_file(tensors: dict[str, Tensor], filename: Any, metadata: dict[str, str] | None = None) -> None:
    """Writes tensors, and text about them, to a file, which appears whole or not at all."""
    _check(tensors)
    _C._save_safetensors(tensors, os.fspath(filename), metadata)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors in the bytes of a safetensors file."""
    return _all(_C._SafeOpen(bytes(data)), "cpu")


def load_file(filename: Any, device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a file, by name."""
    return _all(_C._SafeOpen(os.fspath(filename)), device)


def save_model(
    model: Any, filename: str, metadata: dict[str, str] | None = None, force_contiguous: bool = True
) -> None:
    """Writes the state dict of a module; of tensors that share memory one is written, the others by name only."""
    state = model.state_dict()
    metadata = dict(metadata or {})
    for names in _shared(state):
        kept, *others = sorted(names, key=lambda name: (-state[name].numel(), name))
        for name in others:
            if state[name].numel() != state[kept].numel() or state[name].data_ptr() != state[kept].data_ptr():
                raise RuntimeError(f"{name} and {kept} share memory in part, which cannot be saved: clone one of them")
            metadata.setdefault(name, kept)
            del state[name]
    if force_contiguous:
        state = {name: tensor.contiguous() for name, tensor in state.items()}
    save_file(dict(state), filename, metadata)


def load_model(model: Any, filename: Any, strict: bool = True, device: Any = "cpu") -> tuple[list[str], list[str]]:
    """Loads a file of `save_model` into a module; gives the names that were missing and those that were unexpected."""
    state = load_file(filename, device)
    own = model.state_dict()
    # A name that was left out shares its memory with one that is there, in this module too.
    shared = {name for names in _shared(own) for name in names if any(other in state for other in names)}
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if name not in shared]
    if strict and (missing or unexpected):
        lines = [f"Missing key(s): {missing}"] * bool(missing) + [f"Unexpected key(s): {unexpected}"] * bool(unexpected)
        raise RuntimeError(f"Error(s) in loading state_dict for {type(model).__name__}:\n    " + "\n    ".join(lines))
    return missing, list(unexpected)


class safe_open:
    """A safetensors file opened to look at: names, sizes and metadata are read, tensors when they are asked for.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> save_file({"w": torch.arange(6.).reshape(3, 2)}, path)
    >>> with safe_open(path, framework="pt", device="cpu") as f:
    ...     f.get_slice("w").get_shape(), f.get_tensor("w").sum()
    ([3, 2], tensor(15.))
    """

    def __init__(self, filename: Any, framework: str = "pt", device: Any = "cpu") -> None:
        if framework not in ("pt", "torch", "pytorch"):
            raise NotImplementedError(f"framework {framework} is not supported: 'pt' gives tensors")
        self._file = _C._SafeOpen(os.fspath(filename))
        self._device = device

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *_exc: Any) -> None:
        pass

    def keys(self) -> list[str]:
        """The names of the tensors, sorted."""
        return sorted(self._file.names())

    def offset_keys(self) -> list[str]:
        """The names in the order in which the bytes lie in the file."""
        return list(self._file.names())

    def metadata(self) -> dict[str, str] | None:
        """The text that came with the tensors."""
        return self._file.metadata()

    def get_tensor(self, name: str) -> Tensor:
        """A tensor by name."""
        return self._file.tensor(name).to(self._device)

    def get_slice(self, name: str) -> _Slice:
        """A tensor of which an index reads a part."""
        return _Slice(self._file, name, self._device)


class _Slice:
    """A tensor in a file. An index into its first dimension reads those rows and no others."""

    def __init__(self, file: Any, name: str, device: Any) -> None:
        self._file, self._name, self._device = file, name, device
        self._shape, self._dtype = file.describe(name)

    def get_shape(self) -> list[int]:
        """The sizes of the whole tensor."""
        return list(self._shape)

    def get_dtype(self) -> str:
        """The name of the dtype as the file has it, such as `F32`."""
        return str(self._dtype)

    def __getitem__(self, index: Any) -> Tensor:
        first, *rest = index if isinstance(index, tuple) else (index,)
        if not self._shape or first is Ellipsis or not isinstance(first, (int, slice)):
            return self._file.tensor(self._name).to(self._device)[index]
        rows = self._shape[0]
        if isinstance(first, int):
            at = first + rows if first < 0 else first
            if not 0 <= at < rows:
                raise IndexError(f"index {first} is out of bounds for dimension 0 with size {rows}")
            part, first = self._file.tensor(self._name, at, at + 1), 0
        else:
            start, stop, step = first.indices(rows)
            if step < 0:
                raise ValueError("step must be greater than zero")
            part, first = self._file.tensor(self._name, start, max(start, stop)), slice(None, None, step)
        return part.to(self._device)[(first, *rest)]


def _all(file: Any, device: Any) -> dict[str, Tensor]:
    return {name: file.tensor(name).to(device) for name in file.names()}


def _shared(tensors: dict[str, Tensor]) -> list[list[str]]:
    """Groups of names whose tensors lie in the same storage."""
    groups = defaultdict(list)
    for name, tensor in tensors.items():
        if isinstance(tensor, Tensor) and tensor.device.type != "meta" and tensor.untyped_storage().nbytes():
            groups[tensor.untyped_storage()._cdata].append(name)
    return [names for names in groups.values() if len(names) > 1]


def _check(tensors: Any) -> None:
    """Refuses what would not come back as it was."""
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(tensor)}")
    overlapping = [names for names in _shared(tensors) if _overlap([tensors[name] for name in names])]
    if overlapping:
        raise RuntimeError(
            f"""
            Some tensors share memory, this will lead to duplicate memory on disk and potential differences when loading them again: {[set(names) for names in overlapping]}.
            A potential way to correctly save your model is to use `save_model`.
            More information at https://huggingface.co/docs/safetensors/torch_shared_tensors
            """  # noqa: E501
        )
    for name, tensor in tensors.items():
        if not tensor.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you "
                "are trying to save tensors which are reference of each other in which case it's recommended to save "
                "only the full tensors, and reslice at load time, or simply call `.contiguous()` on your tensor to "
                "pack it before saving."
            )


def _overlap(tensors: list[Tensor]) -> bool:
    """Whether the bytes of tensors of one storage meet."""
    spans = sorted((t.data_ptr(), t.data_ptr() + t.numel() * t.element_size()) for t in tensors if t.numel())
    return any(after[0] < before[1] for before, after in zip(spans, spans[1:], strict=False))
