"""Being the server that sends, while no other is.

    every server ── take ──▶ store ──yes──▶ carriers bound, submits, sweeps, retention
                      ▲         └────no───▶ only what every server does
                      └─ every second or two

Who sends has a lease by the clock of the store. A server that cannot renew it in time stops by
itself before another takes over; one that was frozen meanwhile is given no messages by the store.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from smsgate_server.domain.errors import Unavailable
from smsgate_server.services.ports import SharingStore

_log = logging.getLogger(__name__)

_LEASE_SECONDS = 6.0
_RENEW_SECONDS = 1.5
# So long before its lease is over a server stops sending that could not renew it.
_MARGIN_SECONDS = 1.5

# Is given what is set once the process ends, and need not wait for a store that is away then.
End = Callable[[asyncio.Event], Awaitable[None]]
Begin = Callable[[], Awaitable[End]]


class Courier:
    """`begin` starts what only the courier does; what it returns ends that."""

    def __init__(self, store: SharingStore, begin: Begin) -> None:
        self._store = store
        self._begin = begin
        self._end: End | None = None
        self._until = 0.0
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def sends(self) -> bool:
        return self._end is not None

    async def start(self) -> None:
        """Returns once this server sends, or knows that another one does."""
        if not self._store.shared:
            self._end = await self._begin()
            return
        await self._turn()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish what was begun, then let another server take over at once."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        if self._end is not None:
            await self._finish()
            await self._leave()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(_RENEW_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                await self._safe_turn()

    async def _safe_turn(self) -> None:
        try:
            await self._turn()
        except Exception:
            # Whatever it is, one server must go on asking, or none would send.
            _log.exception("cannot take a turn at sending")

    async def _turn(self) -> None:
        held = await self._take()
        if held and self._end is None:
            await self._take_over()
        elif not held and self._end is not None:
            _log.warning("another server sends now, or may soon")
            await self._finish()

    async def _take(self) -> bool:
        """Take or renew the lease; whether it is this server's."""
        now = asyncio.get_running_loop().time
        asked = now()
        try:
            async with asyncio.timeout(_LEASE_SECONDS - _MARGIN_SECONDS):
                held = await self._store.take_courier(timedelta(seconds=_LEASE_SECONDS))
        except (TimeoutError, Unavailable) as error:
            _log.error("cannot ask which server sends: %s", error or "no answer")
            return self._end is not None and now() < self._until
        if held:
            self._until = asked + _LEASE_SECONDS - _MARGIN_SECONDS
        return held

    async def _take_over(self) -> None:
        _log.info("this server sends from now on")
        try:
            self._end = await self._begin()
        except Unavailable as error:
            _log.error("cannot begin to send: %s", error)
            await self._leave()

    async def _finish(self) -> None:
        end, self._end = self._end, None
        assert end is not None
        await end(self._stopping)

    async def _leave(self) -> None:
        if not self._store.shared:
            return
        try:
            await self._store.leave_courier()
        except Unavailable as error:
            _log.error("cannot hand over: %s; another server takes over in a moment", error)
