"""Writes down what happened to the events of all webhooks: once a second, or when it is much."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from smsgate_server.domain.errors import SmsgateError
from smsgate_server.services.ports import Clock
from smsgate_server.services.ports.webhooks import Parked, WebhookStore
from smsgate_server.services.webhook_ledger import Ledger

_log = logging.getLogger(__name__)

_FLUSH_SECONDS = 1.0
# The ledger is written sooner if so much has changed.
_FLUSH_ENTRIES = 500
_LOOK_SECONDS = 0.1
_FAILED_RETENTION = timedelta(days=30)
_FORGET_SECONDS = 600.0


class Bookkeeper:
    """`note` puts into the ledger how far all webhooks are."""

    def __init__(
        self, store: WebhookStore, clock: Clock, ledger: Ledger, note: Callable[[], None]
    ) -> None:
        self._store = store
        self._clock = clock
        self._ledger = ledger
        self._note = note
        self._tasks: list[asyncio.Task[None]] = []
        self._writing = asyncio.Lock()

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._write_down()),
            asyncio.create_task(self._forget_failed()),
        ]

    async def stop(self) -> None:
        """What is not written down by now is, with the next `flush`."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def flush(self) -> None:
        """Write down what happened; if that fails it is kept for the next time."""
        async with self._writing:
            self._note()
            if not len(self._ledger):
                return
            progress = self._ledger.take()
            try:
                await self._store.record_progress(progress)
            except BaseException:
                self._ledger.put_back()
                raise
            self._ledger.done()

    async def parked(self, key: str) -> Sequence[Parked]:
        """What is parked for a webhook, with what was not written down yet."""
        await self.flush()
        return await self._store.parked(key)

    async def forget(self, key: str) -> None:
        """Write nothing more of a webhook that is gone."""
        async with self._writing:
            self._ledger.forget(key)

    async def _write_down(self) -> None:
        waited = 0.0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            waited += _LOOK_SECONDS
            if waited < _FLUSH_SECONDS and len(self._ledger) < _FLUSH_ENTRIES:
                continue
            waited = 0.0
            try:
                await self.flush()
            except SmsgateError as error:
                _log.error("cannot write down what webhooks got: %s", error)

    async def _forget_failed(self) -> None:
        while True:
            with suppress(SmsgateError):
                await self._store.forget_failed(self._clock.now() - _FAILED_RETENTION)
            await asyncio.sleep(_FORGET_SECONDS)
