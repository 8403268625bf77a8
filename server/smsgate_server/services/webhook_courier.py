"""One webhook at work: it reads the log and has the events sent that it wants.

The cursor is behind everything that is neither delivered nor parked. While its endpoint fails again
and again the log waits for it: then the cursor stays, and nothing piles up.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from smsgate_server.domain.errors import SmsgateError
from smsgate_server.domain.webhooks import Health, Webhook, WebhookState
from smsgate_server.services.ports.webhooks import KnownWebhook, Parked
from smsgate_server.services.webhook_deliveries import Deliveries
from smsgate_server.services.webhook_office import Office

_log = logging.getLogger(__name__)

# Looks at the log though nobody woke it: events of other accounts move its cursor, too.
_IDLE_SECONDS = 5.0
_TROUBLE_SECONDS = 1.0


class Courier:
    """From `start` to `stop`; what it knows is in the ledger.

    `give_up` is told once why the endpoint is not to be tried any more.
    """

    def __init__(
        self, known: KnownWebhook, office: Office, give_up: Callable[[Webhook, WebhookState], None]
    ) -> None:
        self._office = office
        self._position = known.position
        self._wake = asyncio.Event()
        self._deliveries = Deliveries(
            known.webhook,
            known.health,
            office,
            self.wake,
            lambda why: give_up(self.webhook, why),
        )
        self._loaded = False
        self._revived: list[Parked] = []
        self._restart_at: int | None = None
        self._written = known.position, known.health
        self._task: asyncio.Task[None] | None = None

    # What others see and say

    @property
    def webhook(self) -> Webhook:
        return self._deliveries.webhook

    @property
    def key(self) -> str:
        return self.webhook.key

    @property
    def health(self) -> Health:
        return self._deliveries.health

    @property
    def cursor(self) -> int:
        """Everything up to it is delivered or parked."""
        if self._restart_at is not None:
            return self._restart_at
        oldest = self._deliveries.oldest
        return self._position if oldest is None else oldest - 1

    @property
    def retrying(self) -> int:
        return self._deliveries.retrying

    @property
    def failing(self) -> bool:
        return self._deliveries.failing

    @property
    def next_attempt_time(self) -> datetime | None:
        return self._deliveries.next_attempt_time

    def wake(self) -> None:
        self._wake.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self, grace: float = 0.0) -> None:
        """Begin nothing more; what is under way has `grace` seconds to end."""
        self._deliveries.cease()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._deliveries.stop(grace)

    def note(self) -> None:
        """Put the place in the ledger if it changed."""
        place = self.cursor, self.health
        if place != self._written:
            self._written = place
            self._office.ledger.move(self.key, *place)

    def change(self, webhook: Webhook, hurry: bool) -> None:
        """Go on with what the caller wants now; with `hurry` what waits is tried at once."""
        self._deliveries.change(webhook)
        if hurry:
            self._deliveries.hurry()
            self.wake()

    def revive(self, events: Sequence[Parked]) -> None:
        """Try anew what failed."""
        self._revived += events
        self.wake()

    def restart_at(self, position: int) -> None:
        """Take the log again from a position, once what is under way is settled."""
        self._restart_at = position
        self.wake()

    # The loop

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._load()
                await self._fill()
                if self._restart_at is None:
                    self._deliveries.begin()
            except SmsgateError:
                # The store is away; whoever needs it says so.
                await asyncio.sleep(_TROUBLE_SECONDS)
            except Exception:
                _log.exception("a webhook is stuck", extra={"fields": {"webhook": self.key}})
                await asyncio.sleep(_TROUBLE_SECONDS)
            else:
                await self._pause()

    async def _load(self) -> None:
        """What was parked before, and what is taken up again."""
        if not self._loaded:
            self._deliveries.load(await self._office.load(self.key))
            self._loaded = True
        if self._revived:
            events, self._revived = self._revived, []
            self._deliveries.revive(events)

    async def _fill(self) -> None:
        """Take events from the log, as many as may wait."""
        if self._restart_at is not None:
            if self._deliveries.busy:
                return
            self._deliveries.clear()
            self._position, self._restart_at = self._restart_at, None
        if self._deliveries.full:
            return
        log = self._office.log
        if self._position < log.earliest and self._deliveries.oldest is None:
            self._position = log.earliest
            self._deliveries.missed()
        if self._position >= log.head:
            return
        page = await log.after(self._position)
        if self._restart_at is not None:
            return
        for event in page.events:
            if self._deliveries.wants(event):
                self._deliveries.add(event)
        self._position = max(self._position, page.position)

    async def _pause(self) -> None:
        """Until there is something to do."""
        told = self._office.log.told
        may_read = not self._deliveries.full and self._restart_at is None
        if may_read and self._position < told:
            # A filter that nothing matches must not hold the event loop for the whole log.
            await asyncio.sleep(0)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._deliveries.seconds_to_next(_IDLE_SECONDS)):
                await self._wake.wait()
        if may_read and not self._wake.is_set():
            # Nothing of this account has happened since, or it would have been woken.
            self._position = max(self._position, self._office.log.told)
