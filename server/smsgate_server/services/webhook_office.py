"""What the couriers of all webhooks share: the log, the ledger, and how requests are made."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.webhooks import JITTER, Outcome, Verdict, Webhook, event_id, retry_delay
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.ports import Clock
from smsgate_server.services.ports.webhooks import (
    Compose,
    Parked,
    Postman,
    Witness,
)
from smsgate_server.services.webhook_ledger import Ledger
from smsgate_server.services.webhook_tail import LogReader


@dataclass(frozen=True, slots=True)
class CourierSettings:
    """`retry_seconds` are the waits after the first, the second … attempt; then it is given up.

    An endpoint gets `share` requests at once at most, and all callbacks of an account
    `callbacks_share`.
    """

    retry_seconds: Sequence[float]
    share: int = 8
    callbacks_share: int = 32
    max_parked: int = 10_000
    give_up_after: timedelta = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Office:
    """`load` gives what is parked for a webhook, `read_body` one body of these.

    `room` bounds the requests of all webhooks together.
    """

    log: LogReader
    ledger: Ledger
    load: Callable[[str], Awaitable[Sequence[Parked]]]
    read_body: Callable[[str, int], Awaitable[str | None]]
    postman: Postman
    compose: Compose
    cursors: Cursors
    clock: Clock
    fraction: Callable[[], float]
    witness: Witness
    room: asyncio.Semaphore
    settings: CourierSettings

    def body(self, event: StatusEvent, callback: Callback | None) -> str:
        custom = dict(callback.custom_data) if callback is not None else {}
        return self.compose(event, self.cursors.text(event.seq), custom)

    async def post(
        self, webhook: Webhook, callback: Callback | None, seq: int, body: str
    ) -> Outcome:
        """One request: to where the callback says, or else the webhook."""
        url, headers = webhook.url, webhook.headers
        if callback is not None:
            url, headers = callback.url, callback.headers
        async with self.room:
            # Signed with what is valid by now, however long it waited.
            secrets = webhook.secrets(self.clock.now())
            outcome = await self.postman.post(url, headers, event_id(webhook, seq), body, secrets)
        self.witness.requested(outcome)
        return outcome

    def scheduled(self, parked: Parked, outcome: Outcome, room: bool) -> Parked:
        """When it is tried next, or that it is given up: also where there is no room for it."""
        now = self.clock.now()
        schedule = self.settings.retry_seconds
        tried = max(parked.attempts, 1)
        delay = retry_delay(tried, schedule, self.fraction(), outcome.retry_after)
        if now - parked.first_time > timedelta(seconds=sum(schedule) * (1 + JITTER)):
            # An endpoint that is down is probed so rarely that the tries alone would never run out.
            delay = None
        told = replace(parked, error=outcome.error, status=outcome.status)
        if delay is None or not room or outcome.verdict is Verdict.GONE:
            self.witness.given_up()
            return replace(told, fail_time=now)
        return replace(told, due_time=now + delay)

    def refused(self, parked: Parked) -> Parked:
        """Given up without a try, because too many are being tried."""
        self.witness.given_up()
        return replace(
            parked, fail_time=self.clock.now(), error="too many events are being tried again"
        )
