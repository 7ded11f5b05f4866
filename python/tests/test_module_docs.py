"""The examples in the documentation of the package's own modules."""

import doctest
import importlib
import pkgutil

import flambeau
import pytest
from flambeau import nn, optim
from flambeau.nn import functional as F

GLOBS = {"torch": flambeau, "nn": nn, "F": F, "optim": optim}


def names():
    for module in pkgutil.walk_packages(flambeau.__path__, "flambeau."):
        if not module.name.endswith(("__main__", "_C")):
            yield module.name


@pytest.mark.parametrize("name", list(names()))
def test_examples(name):
    flambeau.manual_seed(0)
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs=GLOBS, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0
