"""Tests that run beside each other build a client one after the other."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / ".cache" / "builds"


@contextmanager
def building(language: str) -> Iterator[None]:
    """Hold what is built for a language. Blocks while another process does."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / language).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
