"""Ends a wait that is too long, from a thread of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class Watchdog:
    """Calls `bark` once if one `watching()` lasts longer than `limit` seconds.

    One thread for the life of a stream, because a timer per response would cost a thread each.
    """

    def __init__(self, limit: float, bark: Callable[[], object]) -> None:
        self._limit = limit
        self._bark = bark
        self._watched_since: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="smsgate-watchdog", daemon=True)
        self.barked = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch what is done inside."""
        self._watched_since = time.monotonic()
        try:
            yield
        finally:
            self._watched_since = None

    def _run(self) -> None:
        wait = self._limit
        while not self._closed.wait(wait):
            # Read once: the other thread may clear it at any moment.
            since = self._watched_since
            remaining = 0.0 if since is None else since + self._limit - time.monotonic()
            if since is not None and remaining <= 0:
                self.barked = True
                self._bark()
                return
            # Fine enough that a silence is noticed at most a tenth of the limit late.
            wait = max(remaining, self._limit / 10)
