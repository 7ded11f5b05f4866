"""docs/coverage.md says what the package offers."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date():
    spec = importlib.util.spec_from_file_location("names", DOCS / "names.py")
    names = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(names)
    assert names.page() == (DOCS / "coverage.md").read_text(), "run: python docs/names.py"
