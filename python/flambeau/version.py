"""``torch.version``: of Flambeau, built without CUDA."""

from __future__ import annotations

from flambeau import __version__ as __version__

cuda = None
hip = None
debug = False
