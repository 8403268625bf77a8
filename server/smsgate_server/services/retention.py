"""Forgetting what is older than the operator wants to keep."""

import asyncio
import logging
from datetime import timedelta

from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.message import MAX_VALIDITY
from smsgate_server.services.ports import Clock, Horizons, Store

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 60.0
# Receipts for an id nobody knows: the submit response they overtook comes within this, if ever.
_ORPHANS = timedelta(hours=72)
# A carrier can send receipts this long after a message's life; then its ids may be someone else's.
_PARTS = MAX_VALIDITY + timedelta(hours=72)
# The longest period of a limit.
_CODES = timedelta(days=31)


class Retention:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        log: timedelta,
        requests: timedelta,
        messages: timedelta | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._requests = requests
        self._messages = messages
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            try:
                await self.prune()
            except Exception as error:
                # A store that is away is one line; a fault of ours has its trace.
                fault = not isinstance(error, Unavailable)
                _log.error("cannot forget what is old: %s", error, exc_info=fault)

    async def prune(self) -> None:
        now = self._clock.now()
        messages = None if self._messages is None else now - self._messages
        horizons = Horizons(
            log=now - self._log,
            requests=now - self._requests,
            orphans=now - _ORPHANS,
            parts=now - _PARTS,
            codes=now - _CODES,
            messages=messages,
        )
        await self._store.prune(horizons)
