"""Rate limits of servers on one store: each has its own buckets, and tells the others what it took.

So a limit holds for all of them together, but for what they take within one interval.
"""

import asyncio
import logging

from smsgate_server.services.ports import SharingStore
from smsgate_server.services.quotas import Quotas

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 0.5
# What others took before counts no more: a limit that was not used for so long is new.
_KNOWN_INTERVALS = 4


class SharedLimits:
    def __init__(self, store: SharingStore, quotas: Quotas) -> None:
        self._store = store
        self._quotas = quotas
        # By the name of a limit: what all had taken, and for how many intervals it is known.
        self._known: dict[str, tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._store.shared:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def exchange(self) -> None:
        """Tell what was taken here, and count what was taken elsewhere."""
        mine = self._quotas.taken()
        asked = dict.fromkeys(self._known, 0) | mine
        if not asked:
            return
        totals = await self._store.add_taken(asked)
        others = {}
        for name, total in totals.items():
            before, age = self._known.pop(name, (total - asked[name], 0))
            others[name] = total - before - asked[name]
            age = 0 if asked[name] or others[name] else age + 1
            if age < _KNOWN_INTERVALS:
                self._known[name] = (total, age)
        self._quotas.debit(others)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_INTERVAL_SECONDS)
            try:
                await self.exchange()
            except Exception as error:
                _log.error("cannot tell other servers what was taken of limits: %s", error)
