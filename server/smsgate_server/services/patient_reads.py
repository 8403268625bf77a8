"""Reads for streams: a store that is away for a while is waited for, so that the stream goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.services.ports import LogBounds, LogPage, Page, Store

_T = TypeVar("_T")

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0


def next_pause(pause: float) -> float:
    """How long to wait after one more failure; the first time after 0."""
    return min(max(2 * pause, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)


class PatientReads:
    """The store as a stream reads it. Once `over` is set, what fails is raised."""

    def __init__(self, store: Store, over: asyncio.Event) -> None:
        self._store = store
        self._over = over

    @property
    def bounds(self) -> LogBounds:
        return self._store.bounds

    async def get(self, account: str, message_id: str) -> Message | None:
        return await self._read(lambda: self._store.get(account, message_id))

    async def history(self, account: str, message_id: str) -> Sequence[StatusEvent]:
        return await self._read(lambda: self._store.history(account, message_id))

    async def page(self, wanted: MessageFilter, before: int, limit: int) -> Page:
        return await self._read(lambda: self._store.page(wanted, before, limit))

    async def read_log(self, after: int, limit: int) -> LogPage:
        return await self._read(lambda: self._store.read_log(after, limit))

    async def _read(self, read: Callable[[], Awaitable[_T]]) -> _T:
        pause = 0.0
        while True:
            try:
                return await read()
            except Unavailable:
                if self._over.is_set():
                    raise
            pause = next_pause(pause)
            await rest(pause, self._over)


async def rest(seconds: float, over: asyncio.Event) -> None:
    """Wait for so long, or until it is over."""
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        pass
