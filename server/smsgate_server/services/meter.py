"""Counting the requests that cost nothing: in memory, and written down every second."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from smsgate_server.domain.usage import day_of
from smsgate_server.services.access import Caller
from smsgate_server.services.ports import Clock, Store

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
# "Give or take a minute" is what is promised of the time a key was last used.
_USE_INTERVAL_SECONDS = 30.0


class Meter:
    """A read changes nothing in the store, so its count cannot be part of a transaction of its own:
    what was counted in the last second is lost when the process is killed.
    """

    def __init__(
        self, store: Store, clock: Clock, written: Callable[[Mapping[str, datetime]], None]
    ) -> None:
        """`written` is told when keys were used, once that is in the store."""
        self._store = store
        self._clock = clock
        self._written = written
        self._counts: Counter[tuple[str, int]] = Counter()
        self._uses: dict[str, datetime] = {}
        self._noted: set[str] = set()
        self._forget_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def free(self, account: str) -> None:
        self._counts[account, day_of(self._clock.now())] += 1

    def used(self, caller: Caller) -> None:
        """Note that a key was used."""
        if caller.key is not None and caller.key.id not in self._noted:
            self._noted.add(caller.key.id)
            self._uses[caller.key.id] = self._clock.now()

    async def flush(self) -> None:
        """Write down what was counted."""
        counts, self._counts = self._counts, Counter()
        uses, self._uses = self._uses, {}
        try:
            if counts:
                await self._store.count_free_requests(counts)
            if uses:
                await self._store.note_uses(uses)
                self._written(uses)
        except BaseException:
            self._counts.update(counts)
            self._uses = uses | self._uses
            raise

    def _notice_again(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._forget_at:
            self._noted.clear()
            self._forget_at = now + _USE_INTERVAL_SECONDS

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        try:
            await self.flush()
        except Exception as error:
            _log.error("requests of the last second were not counted: %s", error)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            self._notice_again()
            try:
                await self.flush()
            except Exception as error:
                _log.error("cannot count requests: %s", error)
