"""``torch.backends``: what programs ask before they choose a device."""

from __future__ import annotations

from flambeau.backends import (
    cpu as cpu,
    cuda as cuda,
    cudnn as cudnn,
    mkl as mkl,
    mkldnn as mkldnn,
    mps as mps,
    openmp as openmp,
)
