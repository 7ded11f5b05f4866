"""Signal processing: ``torch.signal``."""

from flambeau.signal import windows as windows
