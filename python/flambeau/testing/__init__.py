"""Help for tests: ``torch.testing``."""

from flambeau.testing._comparison import assert_allclose as assert_allclose, assert_close as assert_close
from flambeau.testing._creation import make_tensor as make_tensor
