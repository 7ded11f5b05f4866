"""Saving and loading: ``torch.save``, ``torch.load``. Files are PyTorch's; nothing in one ever runs.

A checkpoint is a pickle beside the bytes of its tensors. It is read by the engine, which knows a list of names:
tensors, containers, plain values. What else a file may hold is what `add_safe_globals` allows, and, unless
``weights_only=True`` is given, Flambeau's own layers. Everything else is refused by name,
with ``weights_only=False`` too.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
import threading
import types
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

from flambeau import _C, _pickling, _utils
from flambeau.utils.serialization import config

__all__ = [
    "LoadEndianness",
    "SourceChangeWarning",
    "add_safe_globals",
    "check_module_version_greater_or_equal",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "location_tag",
    "mkdtemp",
    "register_package",
    "safe_globals",
    "save",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
    "skip_data",
    "validate_cuda_device",
]

DEFAULT_PROTOCOL = 2
# Those of Python's mmap module, which not every system has.
MAP_SHARED, MAP_PRIVATE = 1, 2


class SourceChangeWarning(Warning):
    """The source of a saved module's class has changed. Flambeau never compares them."""


@contextmanager
def mkdtemp() -> Iterator[str]:
    """A folder that is gone afterwards."""
    path = tempfile.mkdtemp()
    try:
        yield path
    finally:
        shutil.rmtree(path)


# What files may hold.

_safe: set[Any] = set()


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Allows classes and functions in files: `torch.load` makes instances of the classes and calls the functions.

    An item is a class or function, or a pair of one and the full name that files have for it.
    """
    _safe.update(safe_globals)


def get_safe_globals() -> list[Any]:
    """What `add_safe_globals` allowed."""
    return list(_safe)


def clear_safe_globals() -> None:
    """Takes back all that `add_safe_globals` allowed."""
    _safe.clear()


class safe_globals:
    """Allows classes and functions in files within a `with` block."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.safe_globals)

    def __exit__(self, *_exc: Any) -> None:
        _safe.difference_update(self.safe_globals)


def _user_globals() -> dict[str, Any]:
    """What the user allowed, by the names that files have."""
    allowed = {}
    for item in _safe:
        if not isinstance(item, tuple):
            allowed[_pickling.full_name(item)] = item
            continue
        if len(item) != 2:
            raise ValueError(
                f"Expected tuple of length 2 (global, str of callable full path), but got tuple of length: {len(item)}"
            )
        if type(item[1]) is not str:
            raise TypeError(f"Expected second item in tuple to be str of callable full path, but got: {type(item[1])}")
        allowed[item[1]] = item[0]
    return allowed


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names in a checkpoint that neither are on the list nor were allowed; the file is only looked at.

    >>> buffer = io.BytesIO()
    >>> torch.save([torch.ones(1), range(3)], buffer)
    >>> _ = buffer.seek(0)
    >>> torch.serialization.get_unsafe_globals_in_checkpoint(buffer)
    ['builtins.range']
    """
    source, start = _source(f)
    user = _user_globals()
    names = _C._checkpoint_globals(source, start)
    return [name for name in names if not _C._is_safe_global(name) and name not in user]


class _Makers:
    """Makes what a file mentions beyond plain values: the engine describes, this decides."""

    def __init__(self, strict: bool) -> None:
        self.user = _user_globals()
        self.strict = strict

    def named(self, name: str) -> Any:
        """The class or function of a name."""
        if name in self.user:
            return self.user[name]
        if name in _BUILT_IN:
            return _BUILT_IN[name]
        if not self.strict and name in _pickling.known_classes():
            return _pickling.known_classes()[name]
        if not self.strict and name in _WITHOUT_SHAPE:
            from flambeau.nn import parameter

            return getattr(parameter, name.rpartition(".")[2])
        raise _C._refused_global(name)

    def make(self, how: str, what: Any, args: Any) -> Any:
        """An instance by `class.__new__` or by a call, or an instance's state."""
        if how == "set_state":
            # Only what the file itself makes has a state: never a class, a module or a function that it names.
            if isinstance(what, _SHARED):
                raise _C._refused_global(_pickling.full_name(what) if hasattr(what, "__name__") else repr(what))
            return _pickling.set_state(what, args)
        maker = self.named(what)
        if how == "new":
            return maker.__new__(maker, *args)
        if what in self.user or what in _BUILT_IN or what in _WITHOUT_SHAPE:
            return maker(*args)
        # A layer is made without its __init__, which could be asked for any amount of memory.
        raise _C._refused_global(what)


# The parameters and buffers of lazy layers before their first call: making one takes no memory.
_WITHOUT_SHAPE = {f"torch.nn.parameter.Uninitialized{kind}" for kind in ("Parameter", "Buffer")}


# What belongs to the whole process.
_SHARED = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, _C.layout, _C.dtype)
_LAYOUTS = {str(layout): layout for layout in vars(_C).values() if isinstance(layout, _C.layout)}


def _get_layout(name: str) -> Any:
    if name not in _LAYOUTS:
        raise KeyError(name)
    return _LAYOUTS[name]


_BUILT_IN = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.bytearray": bytearray,
    "builtins.set": set,
    "builtins.complex": complex,
    "builtins.Ellipsis": ...,
    "torch.layout": _get_layout,
    "torch.serialization._get_layout": _get_layout,
    "torch.Tensor": _C.Tensor,
    "torch.Size": _pickling.Size,
    "torch.device": _C.device,
    "torch.storage.UntypedStorage": _C.UntypedStorage,
    "torch._utils._rebuild_meta_tensor_no_storage": _utils._rebuild_meta_tensor_no_storage,
}


# Where storages go.

_package_registry: list[tuple[int, Callable[[Any], Any], Callable[[Any, str], Any]]] = []


def register_package(priority: int, tagger: Callable[[Any], Any], deserializer: Callable[[Any, str], Any]) -> None:
    """Adds a kind of place for storages: `deserializer(storage, location)` gives the storage there, or None."""
    _package_registry.append((priority, tagger, deserializer))
    _package_registry.sort(key=lambda entry: entry[0])


def _cpu(storage: Any, location: str) -> Any:
    return storage if location == "cpu" else None


def _meta(storage: Any, location: str) -> Any:
    return _C.UntypedStorage(storage.nbytes(), device="meta") if location == "meta" else None


def validate_cuda_device(location: str) -> int:
    """Raises: there is no CUDA here."""
    raise RuntimeError(
        "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are running "
        "on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your storages to "
        "the CPU."
    )


def _cuda(storage: Any, location: str) -> Any:
    if location.partition(":")[0] == "cuda" or location.startswith("cuda"):
        validate_cuda_device(location)


def _tagger(kind: str) -> Callable[[Any], Any]:
    return lambda storage: kind if storage.device.type == kind else None


register_package(10, _tagger("cpu"), _cpu)
register_package(20, _tagger("cuda"), _cuda)
register_package(22, _tagger("meta"), _meta)


def location_tag(storage: Any) -> str:
    """The name of the place where a storage is."""
    for _, tagger, _ in _package_registry:
        if tag := tagger(storage):
            return str(tag)
    raise RuntimeError("don't know how to determine data location of " + _utils.typename(storage))


def default_restore_location(storage: Any, location: str) -> Any:
    """A storage at the place of that name."""
    for _, _, deserializer in _package_registry:
        result = deserializer(storage, location)
        if result is not None:
            return result
    raise RuntimeError(
        f"don't know how to restore data location of {_utils.typename(storage)} (tagged with {location})"
    )


def _restore(map_location: Any) -> Callable[[Any, str], Any]:
    """The function of a storage and the place it was saved from that `map_location` means."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(storage, map_location.get(location, location))
    if isinstance(map_location, bytes):
        map_location = map_location.decode()
    if isinstance(map_location, (str, _C.device)):
        return lambda storage, location: default_restore_location(storage, str(map_location))

    def restore(storage: Any, location: str) -> Any:
        result = map_location(storage, location)
        return default_restore_location(storage, location) if result is None else result

    return restore


# Options.


class LoadEndianness(Enum):
    """The order of bytes of files that do not say it."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


def get_default_load_endianness() -> LoadEndianness | None:
    """The order of bytes taken for files that do not say theirs."""
    return config.load.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Sets the order of bytes of files that do not say theirs. Big-endian ones are not implemented."""
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    if endianness is LoadEndianness.BIG:
        raise NotImplementedError("checkpoints written on big-endian machines are not supported")
    config.load.endianness = endianness


def get_crc32_options() -> bool:
    """Whether `torch.save` writes checksums."""
    return config.save.compute_crc32


def set_crc32_options(compute_crc32: bool) -> None:
    """Sets whether `torch.save` writes checksums; without, damage to a file is not noticed."""
    config.save.compute_crc32 = compute_crc32


def get_default_mmap_options() -> int | None:
    """The flag with which `torch.load(mmap=True)` maps: `mmap.MAP_PRIVATE` or `mmap.MAP_SHARED`."""
    return config.load.mmap_flags


class set_default_mmap_options:
    """Sets the flag with which `torch.load(mmap=True)` maps files, for good or within a `with` block."""

    def __init__(self, flags: int) -> None:
        if sys.platform == "win32":
            raise RuntimeError("Changing the default mmap options is currently not supported for Windows")
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(
                "Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, "
                f"but got {flags}"
            )
        self.prev = config.load.mmap_flags
        config.load.mmap_flags = flags

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_exc: Any) -> None:
        config.load.mmap_flags = self.prev


class _Local(threading.local):
    skip_data = False


_local = _Local()


class skip_data:
    """Within its block, `torch.save` writes zeros for the bytes of storages and `torch.load` does not read them."""

    def __init__(self, materialize_fake_tensors: bool = False) -> None:
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self) -> None:
        self.before = _local.skip_data
        _local.skip_data = True

    def __exit__(self, *_exc: Any) -> None:
        _local.skip_data = self.before


def check_module_version_greater_or_equal(
    module: Any, req_version_tuple: tuple[Any, ...], error_if_malformed: bool = True
) -> bool:
    """Whether a module's version is at least the one given."""
    try:
        parts = module.__version__.split(".")
        version = tuple(type(wanted)(parts[i]) for i, wanted in enumerate(req_version_tuple))
        return version >= req_version_tuple
    except Exception as e:
        message = (
            f"'{module.__name__}' module version string is malformed '{module.__version__}' and cannot be compared"
            f" with tuple {req_version_tuple}"
        )
        if error_if_malformed:
            raise RuntimeError(message) from e
        warnings.warn(message + ", but continuing assuming that requirement is met", stacklevel=2)
        return True


# Saving and loading.


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes an object to a path or a file object, in PyTorch's ``.pt`` format.

    Tensors that share memory share it in the file. A path is written whole or not at all: the file appears under its
    name when it is complete. The pickle is of protocol 2, which all readers take, whatever `pickle_protocol` says.

    >>> buffer = io.BytesIO()
    >>> torch.save({"w": torch.ones(2), "epoch": 3}, buffer)
    >>> _ = buffer.seek(0)
    >>> torch.load(buffer)
    {'w': tensor([1., 1.]), 'epoch': 3}
    """
    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    if not is_path and not callable(f.write):
        raise TypeError(f"Buffer of {str(type(f)).strip('<>')} has no callable attribute 'write'")
    if _local.skip_data and not _use_new_zipfile_serialization:
        raise RuntimeError("Cannot use skip_data=True with _use_new_zipfile_serialization=False")
    options = {
        "legacy": not _use_new_zipfile_serialization,
        "byteorder": not _disable_byteorder_record,
        "checksums": config.save.compute_crc32,
        "alignment": config.save.storage_alignment,
        "skip_data": _local.skip_data,
    }
    if is_path:
        _C._save(obj, os.fspath(f), options, _pickling.describe)
        return
    data = memoryview(_C._save(obj, None, options, _pickling.describe))
    # A raw file may take a part only.
    while data:
        taken = f.write(data)
        data = data[taken if isinstance(taken, int) and 0 < taken < len(data) else len(data) :]
    if hasattr(f, "flush"):
        f.flush()


def _source(f: Any) -> tuple[Any, int]:
    """Where the engine finds a file: its path, or its bytes, and where in them to begin."""
    if isinstance(f, (str, os.PathLike)):
        return os.fspath(f), 0
    missing = [name for name in ("read", "seek", "tell") if not hasattr(f, name)]
    if missing:
        raise AttributeError(
            f"'{type(f).__name__}' object has no attribute '{missing[0]}'. You can only torch.load from a file that is "
            "seekable. Please pre-load the data into a buffer like io.BytesIO and try to load from it instead."
        )
    try:
        start = f.tell()
        f.seek(start)
    except io.UnsupportedOperation as e:
        raise type(e)(
            f"{e}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer like "
            "io.BytesIO and try to load from it instead."
        ) from None
    # An ordinary file is read by the engine, straight to where the bytes belong.
    name = getattr(f, "name", None)
    if isinstance(f, io.BufferedReader) and isinstance(name, (str, bytes)):
        try:
            if os.path.samestat(os.fstat(f.fileno()), os.stat(name)):
                return os.fsdecode(os.path.abspath(name)), start
        except OSError:
            pass
    data = bytes(f.read())
    f.seek(start)
    return data, 0


def _weights_only(weights_only: bool | None, pickle_module: Any) -> bool | None:
    """What `weights_only` is after the environment was asked, as PyTorch does."""
    force, force_not = (
        os.getenv(f"TORCH_FORCE_{name}_LOAD", "0").lower() in ("1", "y", "yes", "true")
        for name in ("WEIGHTS_ONLY", "NO_WEIGHTS_ONLY")
    )
    if force and force_not:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` "
            "should be set, but both were set."
        )
    if force:
        weights_only = True
    elif force_not and weights_only is None:
        warnings.warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the"
            "`weights_only` argument was not explicitly passed to `torch.load`, forcing weights_only=False.",
            UserWarning,
            stacklevel=3,
        )
        weights_only = False
    if pickle_module is not None and weights_only:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    return weights_only


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads what `save`, or PyTorch, wrote to a path or a file object. Nothing in the file runs.

    With `weights_only=True` the list of what a file may hold is PyTorch's: tensors, containers, plain values, and what
    `torch.serialization.add_safe_globals` allowed. Otherwise Flambeau's own layers may be in it too. All else is
    refused by name. `map_location` says where storages go: a device, its name, a dictionary from places to places, or
    a function of a storage and its place. With `mmap=True` the file is mapped, and bytes are read when they are used.
    """
    weights_only = _weights_only(weights_only, pickle_module)
    if unknown := pickle_load_args.keys() - {"encoding", "errors", "fix_imports", "buffers"}:
        raise TypeError(f"'{min(unknown)}' is an invalid keyword argument for load()")
    if pickle_load_args and weights_only is not False:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    is_path = isinstance(f, (str, os.PathLike))
    if is_path and os.fspath(f).endswith(".safetensors"):
        from flambeau.safetensors import load_file

        if isinstance(map_location, dict) or callable(map_location):
            kind = "dict" if isinstance(map_location, dict) else "callable"
            raise RuntimeError(
                f"Loading safetensors file with {kind} map_location is not supported. "
                "Use a device string or torch.device instead."
            )
        return load_file(f, device="cpu" if map_location is None else str(map_location))
    mmap = config.load.mmap if mmap is None else mmap
    source, start = _source(f)
    if mmap and not is_path:
        raise ValueError("f must be a file path in order to use the mmap argument")
    makers = _Makers(strict=weights_only is True)
    meta = isinstance(map_location, (str, _C.device)) and str(map_location) == "meta"
    options = {
        "names": [*makers.user, *(() if makers.strict else ("builtins.Ellipsis",))],
        "prefixes": []
        if makers.strict
        else ["torch.nn.", "torch._C._nn.", *_pickling.OPTIM_LAYERS, *_pickling.ACTIVATIONS],
        "encoding": pickle_load_args.get("encoding", "utf-8"),
        "mapped": config.load.mmap_flags == MAP_SHARED if mmap else None,
        "skip_data": _local.skip_data,
        "meta": meta,
        "restore": _restore(map_location),
        "make": makers.make,
        "named": makers.named,
    }
    value, taken = _C._load(source, start, options)
    if not is_path:
        # Where the next file begins, if several were written one after another.
        f.seek((start if isinstance(source, str) else f.tell()) + taken)
    return value


def load_safetensors(path: Any) -> dict[str, _C.Tensor]:
    """Reads a safetensors file."""
    from flambeau.safetensors import load_file

    return load_file(path)


def save_safetensors(tensors: dict[str, _C.Tensor], path: Any, metadata: dict[str, str] | None = None) -> None:
    """Writes a dictionary of tensors as a safetensors file."""
    from flambeau.safetensors import save_file

    save_file(tensors, path, metadata)
