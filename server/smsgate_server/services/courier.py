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
from smsgate_server.services.ports import Lease, SharingStore

_log = logging.getLogger(__name__)

_LEASE_SECONDS = 6.0
_RENEW_SECONDS = 1.5
# So long before its lease is over a server stops sending that could not renew it.
_MARGIN_SECONDS = 1.5
# While sending begins or ends the lease is renewed for so long. What takes longer hangs, and
# another server takes over.
_LONGEST_CHANGE_SECONDS = 120.0
# What cannot begin is left to the other servers for so long.
_TROUBLE_SECONDS = 5.0

End = Callable[[], Awaitable[None]]
# Is given what is set once the process ends: then the end need not wait for a store that is away.
Begin = Callable[[asyncio.Event], Awaitable[End]]


class Courier:
    """`begin` starts what only the courier does, all of it or nothing; what it returns ends that.

    The lease is renewed for as long as anything is begun, under way or, within limits, being ended.
    """

    def __init__(self, store: SharingStore, begin: Begin) -> None:
        self._store = store
        self._begin = begin
        self._end: End | None = None
        self._until = 0.0
        self._not_before = 0.0
        # Since when it begins or ends.
        self._changing_since: float | None = None
        self._stopping = asyncio.Event()
        self._renewing: asyncio.Task[None] | None = None
        # Beginning or ending, beside which the lease is renewed.
        self._changing: asyncio.Task[None] | None = None

    @property
    def sends(self) -> bool:
        return self._end is not None

    async def start(self) -> None:
        """Returns once this server sends, or knows that another one does. Raises what keeps it from
        sending, unless that is a store that is away.
        """
        if not self._store.shared:
            self._end = await self._begin(self._stopping)
            return
        lease = await self._take()
        self._renewing = asyncio.create_task(self._renew())
        if not lease:
            return
        self._changing = asyncio.create_task(self._take_over())
        try:
            await asyncio.shield(self._changing)
        except Unavailable as error:
            self._put_off(error)
            await self._leave()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Finish what was begun, then let another server take over at once."""
        self._stopping.set()
        if self._changing is not None:
            await asyncio.wait([self._changing])
        if self._end is not None:
            await self._finish()
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.wait([self._renewing])
            await self._leave()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            if not self._takes_part():
                continue
            lease = await self._take()
            if self._stopping.is_set() or self._is_changing:
                continue
            if change := self._change(lease):
                self._changing = asyncio.create_task(self._without_end(change))

    @property
    def _is_changing(self) -> bool:
        return self._changing is not None and not self._changing.done()

    def _takes_part(self) -> bool:
        """Whether to ask for the lease: not with nothing to send with."""
        now = asyncio.get_running_loop().time()
        if self._changing_since is not None:
            return now < self._changing_since + _LONGEST_CHANGE_SECONDS
        if self._end is not None:
            return True
        return not self._stopping.is_set() and now >= self._not_before

    def _change(self, lease: Lease) -> Callable[[], Awaitable[None]] | None:
        if self._end is None:
            return self._take_over if lease else None
        if not lease:
            _log.warning("another server sends now, or may soon")
            return self._finish
        if lease is Lease.TAKEN:
            _log.warning("another server has sent meanwhile; beginning anew")
            return self._begin_anew
        return None

    async def _without_end(self, change: Callable[[], Awaitable[None]]) -> None:
        """Whatever goes wrong: this server, or another one, must try again."""
        try:
            await change()
        except Exception as error:
            self._put_off(error)
            await self._leave()

    def _put_off(self, error: Exception) -> None:
        known = isinstance(error, Unavailable)
        _log.error("cannot begin to send, or end it: %s", error, exc_info=not known)
        self._not_before = asyncio.get_running_loop().time() + _TROUBLE_SECONDS

    async def _take(self) -> Lease:
        """Take or renew the lease."""
        now = asyncio.get_running_loop().time
        asked = now()
        try:
            async with asyncio.timeout(_LEASE_SECONDS - _MARGIN_SECONDS):
                lease = await self._store.take_courier(timedelta(seconds=_LEASE_SECONDS))
        except Exception as error:
            # Whatever it is, it must be asked again: else nobody would ever send from here.
            _log.error("cannot ask which server sends: %s", str(error) or type(error).__name__)
            held = self._end is not None and now() < self._until
            return Lease.RENEWED if held else Lease.ELSEWHERE
        if lease:
            self._until = asked + _LEASE_SECONDS - _MARGIN_SECONDS
        return lease

    async def _take_over(self) -> None:
        _log.info("this server sends from now on")
        self._changing_since = asyncio.get_running_loop().time()
        try:
            self._end = await self._begin(self._stopping)
        finally:
            self._changing_since = None

    async def _begin_anew(self) -> None:
        await self._finish()
        await self._take_over()

    async def _finish(self) -> None:
        assert self._end is not None
        self._changing_since = asyncio.get_running_loop().time()
        try:
            await self._end()
        finally:
            self._end = self._changing_since = None

    async def _leave(self) -> None:
        try:
            await self._store.leave_courier()
        except Exception as error:
            _log.error("cannot hand over: %s; another server takes over in a moment", error)
