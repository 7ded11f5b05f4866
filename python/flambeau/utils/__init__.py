"""Utilities; `utils.data` holds datasets and loaders."""

from __future__ import annotations

from flambeau.utils import checkpoint as checkpoint, data as data, dlpack as dlpack, hooks as hooks
