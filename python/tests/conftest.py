"""Settings for all tests."""

import pytest

import flambeau


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Every test starts from the same random state."""
    flambeau.manual_seed(0)
