"""Noticing what another process changed: accounts, keys and tariffs; and files beside them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from smsgate_server.services.ports import AccountStore

_log = logging.getLogger(__name__)

# Promised is that a change holds within 10 seconds.
_INTERVAL_SECONDS = 1.0

Reload = Callable[[], Awaitable[None]]
Look = Callable[[], None]


class Watch:
    """Calls every `reload` when the store's revision has changed, and every one of `looks` once a
    second: these see for themselves whether something has, and do not fail.
    """

    def __init__(
        self, store: AccountStore, reloads: Sequence[Reload], looks: Sequence[Look] = ()
    ) -> None:
        self._store = store
        self._reloads = reloads
        self._looks = looks
        self._revision = -1
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> None:
        """Reload what has changed, now."""
        for look in self._looks:
            look()
        async with self._lock:
            revision = await self._store.revision()
            if revision != self._revision:
                for reload in self._reloads:
                    await reload()
                self._revision = revision

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
                await self.look()
            except Exception as error:
                _log.error("cannot read accounts and tariffs anew: %s", error)
