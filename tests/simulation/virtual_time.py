"""An event loop whose time jumps to the next timer when nothing is ready: 48 hours pass at once."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class DeadLock(AssertionError):
    """Nothing is ready and no timer is set: something waits for what will never come."""


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    jump: Callable[[float], None]

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise DeadLock("nothing is ready and no timer is set")
        self.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._now = 0.0
        selector = _JumpingSelector()
        selector.jump = self._jump
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def _jump(self, seconds: float) -> None:
        # A hair more than asked for, as a real clock would: a timer must then be due.
        self._now += seconds + 1e-6


class VirtualClock:
    """The Clock port on the running loop's time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now(self) -> datetime:
        return START + timedelta(microseconds=int(self._loop.time() * 1e6))


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
