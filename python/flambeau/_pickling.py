"""How tensors, storages and dtypes are copied and pickled, and the names that PyTorch gives to what files mention.

Classes of the package are written into files under PyTorch's names (`torch.nn.modules.linear.Linear`), so that PyTorch
reads what Flambeau wrote and the other way round.
"""

from __future__ import annotations

import copy
import copyreg
import functools
import sys
import types
import weakref
from collections import OrderedDict
from pickle import PicklingError
from typing import Any

from flambeau import _C
from flambeau._size import Size

Tensor = _C.Tensor
Storage = _C.UntypedStorage

_PACKAGES = {"torchvision": "flambeau.vision", "torch": "flambeau"}

# Classes that PyTorch has in another module: ours, theirs, names.
ELSEWHERE = [
    ("batchnorm", "instancenorm", "InstanceNorm1d InstanceNorm2d InstanceNorm3d"),
    ("flatten", "pixelshuffle", "PixelShuffle PixelUnshuffle"),
    ("flatten", "channelshuffle", "ChannelShuffle"),
    ("lazy", "linear", "LazyLinear"),
    ("lazy", "conv", "LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d LazyConvTranspose2d LazyConvTranspose3d"),
    ("lazy", "batchnorm", "LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d"),
    ("lazy", "instancenorm", "LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d"),
    ("parameter_container", "container", "ParameterList ParameterDict"),
    ("linear_cross_entropy", "linear_cross_entropy_options", "LinearCrossEntropyOptions"),
    ("linear_cross_entropy", "loss", "LinearCrossEntropyLoss"),
    ("attention", "activation", "MultiheadAttention"),
]
_MOVED = {
    f"flambeau.nn.modules.{ours}.{name}": f"torch.nn.modules.{theirs}.{name}"
    for ours, theirs, names in ELSEWHERE
    for name in names.split()
} | {"flambeau.nn.parallel.DataParallel": "torch.nn.parallel.data_parallel.DataParallel"}


def torch_module(module: str) -> str:
    """PyTorch's name for a module of the package: `flambeau.nn.init` is `torch.nn.init`."""
    for theirs, ours in _PACKAGES.items():
        if module == ours or module.startswith(ours + "."):
            return theirs + module[len(ours) :]
    return module


def full_name(obj: Any) -> str:
    """The name under which files mention a class or function."""
    if isinstance(obj, type) and obj in _C_CLASSES:
        return f"torch.{obj.__name__}"
    if not isinstance(obj, type) and (known := _function_name(obj)):
        return known
    name = getattr(obj, "__qualname__", None) or obj.__name__
    module = getattr(obj, "__module__", None) or "builtins"
    return _MOVED.get(f"{module}.{name}") or f"{torch_module(module)}.{name}"


def _function_name(obj: Any) -> str | None:
    """PyTorch's name for a function of the package: that under which users know it."""
    name = getattr(obj, "__name__", "")
    functional = sys.modules.get("flambeau.nn.functional")
    if functional is not None and getattr(functional, name, None) is obj:
        return f"torch._C._nn.{_BUILT_IN[name]}" if name in _BUILT_IN else f"torch.nn.functional.{name}"
    if getattr(_C, name, None) is obj:
        return f"torch.{name}"
    return None


# Functions of torch.nn.functional that PyTorch has from its own engine, and their names there.
_BUILT_IN = {
    "gelu": "gelu",
    "linear": "linear",
    "logsigmoid": "log_sigmoid",
    "one_hot": "one_hot",
    "softplus": "softplus",
    "softshrink": "softshrink",
    "scaled_dot_product_attention": "scaled_dot_product_attention",
}
# Functions of the top that layers hold.
ACTIVATIONS = {f"torch.{name}": getattr(_C, name) for name in ("relu", "sigmoid", "tanh")}
# Layers outside of torch.nn.
OPTIM_LAYERS = ["torch.optim.swa_utils.AveragedModel"]


@functools.cache
def known_classes() -> dict[str, Any]:
    """The package's layers and the functions that they hold, by the names that files mention. Files may make the
    layers, which runs no code but the package's own; the functions may only be mentioned."""
    from flambeau import nn
    from flambeau.nn import functional
    from flambeau.optim import swa_utils  # noqa: F401  (a layer is there too)

    layers, open_ = [], [nn.Module]
    while open_:
        layers.append(layer := open_.pop())
        open_ += [c for c in layer.__subclasses__() if c.__module__.startswith(("flambeau.nn.", "flambeau.optim."))]
    names = [name for name in vars(functional) if name[0].islower() and name != "engine"]
    functions = {_function_name(f): f for f in (getattr(functional, n) for n in names) if callable(f)}
    return {full_name(layer): layer for layer in layers} | {n: f for n, f in functions.items() if n} | ACTIVATIONS


def describe(obj: Any) -> Any:
    """What a file says of an object that is no plain value: a name for a class or function, else how it is made, by the
    rules of Python's pickle: (name, by `__new__`, arguments, state, items, pairs)."""
    if isinstance(obj, (type, types.FunctionType)):
        return _importable(obj)
    if isinstance(obj, types.BuiltinFunctionType) and (name := _function_name(obj)):
        return name
    reduce = copyreg.dispatch_table.get(type(obj))
    try:
        reduced = reduce(obj) if reduce else obj.__reduce_ex__(2)
    except AttributeError as e:
        raise PicklingError(f"Can't pickle {obj!r}: {e}") from e
    if isinstance(reduced, str):
        return _importable(obj, reduced)
    make, args, *rest = reduced
    state, items, pairs, setter = (*rest, None, None, None, None)[:4]
    if setter is not None:
        raise PicklingError(f"Can't pickle {type(obj)}: a function that sets its state cannot be saved")
    by_new = getattr(make, "__name__", "") == "__newobj__"
    if by_new:
        make, *args = args
    elif getattr(make, "__name__", "") == "__newobj_ex__":
        raise PicklingError(f"Can't pickle {type(obj)}: __getnewargs_ex__ cannot be saved")
    return _importable(make), by_new, tuple(args), state, items, pairs


def _importable(obj: Any, name: str | None = None) -> str:
    """The full name of a class or function, which must be found under it again."""
    if name is not None:
        return f"{torch_module(getattr(obj, '__module__', None) or 'builtins')}.{name}"
    if isinstance(obj, type) and obj in _C_CLASSES:
        return full_name(obj)
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None) or "builtins"
    if name is None:
        raise PicklingError(f"Can't pickle {obj!r}: it has no name")
    if "<locals>" in name or "<lambda>" in name:
        raise PicklingError(f"Can't pickle local object {obj!r}: only what a module holds by its name can be saved")
    if (known := full_name(obj)) in known_classes() and known_classes()[known] is obj:
        return known
    try:
        __import__(module)
        found = functools.reduce(getattr, name.split("."), sys.modules[module])
    except (ImportError, KeyError, AttributeError) as e:
        raise PicklingError(f"Can't pickle {obj!r}: it's not found as {module}.{name}") from e
    if found is not obj:
        raise PicklingError(f"Can't pickle {obj!r}: it's not the same object as {module}.{name}")
    if module.partition(".")[0] == "flambeau" and not _C._is_safe_global(known) and "._" in f"{module}.{name}":
        # Nobody could read it: PyTorch has no such name.
        raise PicklingError(f"Can't pickle {obj!r}: files have no name for {module}.{name}")
    return known


# Classes of the engine, which call themselves PyTorch's.
_C_CLASSES = {Tensor, Storage, _C.dtype, _C.device, _C.layout, _C.memory_format, _C.Generator}


def set_state(obj: Any, state: Any) -> None:
    """Gives an object its state, as Python's pickle does."""
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        obj.__dict__.update(state)
    for name, value in (slots or {}).items():
        if name.startswith("__"):
            raise PicklingError(f"a state may not set {name}")
        setattr(obj, name, value)


# Storages that have an object: the tensors of one pickle give one object for one storage, so that they share it again.
_storages: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()


def storage_of(tensor: Any) -> Any:
    """The object of a tensor's storage, the same one as long as somebody holds it."""
    fresh = tensor.untyped_storage()
    return _storages.setdefault(fresh._cdata, fresh)


def _storage_from_bytes(data: bytes, device: str) -> Any:
    return Storage(int.from_bytes(data, "little"), device=device) if device == "meta" else Storage._from_bytes(data)


def _reduce_storage(storage: Any) -> Any:
    if storage.device.type == "meta":
        return _storage_from_bytes, (storage.nbytes().to_bytes(8, "little"), "meta")
    return _storage_from_bytes, (storage._bytes(), "cpu")


def _deepcopy_storage(storage: Any, memo: dict[Any, Any]) -> Any:
    copies = memo.setdefault("torch", {})
    if storage._cdata not in copies:
        copies[storage._cdata] = storage.clone()
    return copies[storage._cdata]


def _over(storage: Any, like: Any) -> Any:
    """A tensor that lies over a storage as another lies over its own."""
    new = storage._tensor(like.dtype, like.storage_offset(), like.shape, like.stride())
    if like.is_conj():
        new = new.conj()
    return _C.private.neg_view(new) if like.is_neg() else new


def _deepcopy(self: Any, memo: dict[Any, Any]) -> Any:
    """A copy of a tensor, its gradient and its attributes. Tensors that share memory share it in the copy."""
    if id(self) in memo:
        return memo[id(self)]
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    new = _over(_deepcopy_storage(self.untyped_storage(), memo), self.detach())
    if type(self) is not Tensor:
        new = Tensor._make_subclass(type(self), new, self.requires_grad)
    new.requires_grad_(self.requires_grad)
    memo[id(self)] = new
    if self.grad is not None:
        new.grad = copy.deepcopy(self.grad, memo)
    if self.__dict__:
        new.__dict__.update(copy.deepcopy(self.__dict__, memo))
    return new


def _reduce(self: Any, _protocol: int) -> Any:
    """What Python's pickle stores for a tensor: its storage, which others may share, and how it lies over it."""
    from flambeau import _utils

    if self.device.type == "meta":
        args: tuple[Any, ...] = (self.dtype, tuple(self.shape), self.stride(), self.requires_grad)
        return _utils._rebuild_meta_tensor_no_storage, args
    bits = {name: True for name, on in (("conj", self.is_conj()), ("neg", self.is_neg())) if on}
    layout = (self.storage_offset(), tuple(self.shape), self.stride(), self.requires_grad)
    args = (storage_of(self), *layout, OrderedDict(), self.dtype, *([bits] if bits else []))
    if type(self) is Tensor and not self.__dict__:
        return _utils._rebuild_tensor_v3, args
    # The class itself would be looked up as torch.Tensor.
    cls = None if type(self) is Tensor else type(self)
    return _utils._rebuild_from_type_v2, (_utils._rebuild_tensor_v3, cls, args, self.__dict__ or None)


def _named(name: str) -> Any:
    return getattr(_C, name)


def _device(name: str) -> Any:
    return _C.device(name)


def _size(sizes: tuple[int, ...]) -> Any:
    return Size(sizes)


def _generator(state: Any) -> Any:
    generator = _C.Generator()
    generator.set_state(state)
    return generator


def install() -> None:
    """Puts the methods on the classes."""
    Tensor.__deepcopy__ = _deepcopy  # type: ignore[attr-defined]
    Tensor.__reduce_ex__ = _reduce  # type: ignore[method-assign, assignment]
    Storage.__deepcopy__ = _deepcopy_storage  # type: ignore[attr-defined]
    Storage.__copy__ = lambda self: self.clone()  # type: ignore[attr-defined]
    copyreg.pickle(Storage, _reduce_storage)
    copyreg.pickle(_C.Generator, lambda generator: (_generator, (generator.get_state(),)))
    # Their own names are torch.float32 and the like, which Python's pickle would look up in a module of that name.
    copyreg.pickle(_C.dtype, lambda dtype: (_named, (str(dtype)[6:],)))
    copyreg.pickle(_C.layout, lambda layout: (_named, (str(layout)[6:],)))
    copyreg.pickle(_C.memory_format, lambda form: (_named, (str(form)[6:],)))
    copyreg.pickle(_C.device, lambda device: (_device, (str(device),)))
