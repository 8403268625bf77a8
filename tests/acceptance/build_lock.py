"""Tests that run beside each other build a client one after the other, and each thing once."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / ".cache" / "builds"
# The same for all processes of one run of the tests; none where there is only one.
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")


def build_once(language: str, what: str, build: Callable[[], None]) -> None:
    """Call `build` unless this was done in this run of the tests already. Blocks while another
    process builds for the language: nobody runs what is written at that moment.
    """
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with (_FOLDER / language).open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        run, *done = lock.read().splitlines() or [""]
        done = done if _RUN and run == _RUN else []
        if what in done:
            return
        build()
        lock.truncate(0)
        lock.write("\n".join([_RUN, *done, what]))
