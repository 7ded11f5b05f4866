"""Lets a program's `import torch` and `import torchvision` find Flambeau.

>>> import flambeau
>>> flambeau.stand_in()
>>> import torch.nn.functional as F  # the very module flambeau.nn.functional
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

__all__ = ["stand_in"]

_TARGETS = {"torch": "flambeau", "torchvision": "flambeau.vision"}


def _target_of(name: str) -> str | None:
    """Flambeau's name for a module of PyTorch's, or None for any other name."""
    top, dot, rest = name.partition(".")
    target = _TARGETS.get(top)
    return None if target is None else target + dot + rest


def _exists(name: str) -> bool:
    if name in sys.modules:
        return True
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _alias_loaded() -> None:
    """Puts all loaded modules under their aliases.

    An import of one by its alias then finds it there. Otherwise the import system would set it as an attribute of its
    package again, in place of what the package has put there since: the function `gradcheck` of `autograd.gradcheck`.
    """
    for alias, target in _TARGETS.items():
        for name, module in list(sys.modules.items()):
            if name.startswith(f"{target}."):
                sys.modules.setdefault(alias + name[len(target) :], module)


class _Alias:
    """Gives a module that is there already under another name, and leaves it as it was."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.spec: object = None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.target)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has written the alias into the module: its own name is put back.
        module.__spec__ = self.spec  # type: ignore[assignment]
        _alias_loaded()


class _Finder:
    """Finds `torch.x.y` at `flambeau.x.y` and `torchvision.x` at `flambeau.vision.x`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        name = _target_of(fullname)
        if name is None or not _exists(name):
            return None
        return importlib.machinery.ModuleSpec(fullname, _Alias(name))  # type: ignore[arg-type]


def stand_in() -> None:
    """Make `torch` and `torchvision` mean Flambeau in this process, from now on.

    Raises RuntimeError if the real ones are imported already; a second call does nothing.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    for name in _TARGETS:
        if name in sys.modules:
            raise RuntimeError(
                f"flambeau.stand_in() must come before the first import of {name}, but {name} is imported already "
                f"(from {getattr(sys.modules[name], '__file__', None) or 'an unknown place'})"
            )
    sys.meta_path.insert(0, _Finder())  # type: ignore[arg-type]
