"""Settings for all tests."""

import flambeau
import pytest


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Every test starts from the same random state."""
    flambeau.manual_seed(0)
