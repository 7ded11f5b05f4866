"""``torch.backends``: what programs ask before they choose a device."""

from __future__ import annotations


class _Absent:
    """A backend that is not there; switches of it are kept but do nothing."""

    benchmark = False
    deterministic = False
    enabled = False
    allow_tf32 = False

    @staticmethod
    def is_available() -> bool:
        return False

    @staticmethod
    def is_built() -> bool:
        return False


cuda = _Absent()
cudnn = _Absent()
mps = _Absent()
mkl = _Absent()
mkldnn = _Absent()
