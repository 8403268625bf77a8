"""Telling how the carriers do: to the store, where commands and dashboards read it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from smsgate_server.domain.carrier_health import CarrierHealth
from smsgate_server.services.ports import CarrierReport, CarrierStore, Clock

_log = logging.getLogger(__name__)

_INTERVAL_SECONDS = 1.0
# Also when nothing changed, so that a report that is older tells of a server that is gone.
_LONGEST_SECONDS = 10.0

Healths = Callable[[], Sequence[CarrierHealth]]


class CarrierReports:
    def __init__(self, store: CarrierStore, clock: Clock, healths: Healths) -> None:
        self._store = store
        self._clock = clock
        self._healths = healths
        self._told: Sequence[CarrierHealth] = ()
        self._silent = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            await self._tell_that_it_ends()

    async def _tell_that_it_ends(self) -> None:
        try:
            # Nobody is bound any more.
            await self._store.report_carriers([])
        except Exception as error:
            _log.error("cannot report that no carrier is bound any more: %s", error)

    async def tell(self) -> None:
        """Report what has changed; all of it, if nothing was said for long."""
        healths = [_copy(health) for health in self._healths()]
        self._silent += _INTERVAL_SECONDS
        if healths == self._told and self._silent < _LONGEST_SECONDS:
            return
        now = self._clock.now()
        await self._store.report_carriers([CarrierReport(now, health) for health in healths])
        self._told, self._silent = healths, 0.0

    async def _run(self) -> None:
        while True:
            try:
                await self.tell()
            except Exception as error:
                _log.error("cannot report on carriers: %s", error)
            await asyncio.sleep(_INTERVAL_SECONDS)


def _copy(health: CarrierHealth) -> CarrierHealth:
    """The counts of a carrier go on changing."""
    counts = replace(health.counts, outcomes=Counter(health.counts.outcomes))
    return replace(health, counts=counts)
