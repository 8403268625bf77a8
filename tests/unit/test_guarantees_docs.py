"""docs/guarantees.md names tests that exist."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_exists() -> None:
    page = (_ROOT / "docs" / "guarantees.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", page))
    files = (_ROOT / "tests").rglob("test_*.py")
    existing = {name for f in files for name in re.findall(r"def (test_\w+)", f.read_text())}
    assert named
    assert named <= existing, named - existing
