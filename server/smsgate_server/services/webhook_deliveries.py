"""What one webhook is sending: events in their lanes, those that are tried again, and requests.

    lanes, one per message ──▶ requests, a few at once ──▶ delivered
            │ failed                         ▲
            └────────▶ parking, with a time ─┘ ──▶ failed for good

The callbacks of an account are one webhook with many endpoints, of which none waits for another:
what is for an endpoint in trouble is parked.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.webhooks import Health, Webhook, WebhookState
from smsgate_server.services.ports.webhooks import Parked
from smsgate_server.services.webhook_attempts import Attempts, endpoint_of, parking_of
from smsgate_server.services.webhook_lanes import Lanes
from smsgate_server.services.webhook_office import Office

_log = logging.getLogger(__name__)

# Events that are taken from the log and neither delivered nor parked: more are not read.
_MAX_UNSETTLED, _MAX_UNSETTLED_CALLBACKS = 256, 2_000
# How soon it is looked again whether an endpoint that others wait for is in trouble.
_LOOK_SECONDS = 1.0


class Deliveries:
    """`wake` is called whenever a request has ended, `give_up` once when the endpoint is not to be
    tried any more: then nothing more is begun.
    """

    def __init__(
        self,
        webhook: Webhook,
        health: Health,
        office: Office,
        wake: Callable[[], None],
        give_up: Callable[[WebhookState], None],
    ) -> None:
        self._office = office
        self._clock = office.clock
        self._wake = wake
        self._attempts = Attempts(webhook, health, office, give_up)
        settings = office.settings
        self._places = settings.callbacks_share if webhook.is_callbacks else settings.share
        self._fresh_turn = False
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def webhook(self) -> Webhook:
        return self._attempts.webhook

    @property
    def health(self) -> Health:
        return self._attempts.health

    def change(self, webhook: Webhook) -> None:
        self._attempts.webhook = webhook

    def missed(self) -> None:
        """Events were passed over, because the log no longer had them."""
        health = self._attempts.health
        self._attempts.health = replace(health, missed_time=self._clock.now())

    @property
    def oldest(self) -> int | None:
        """The place of the first event that is neither delivered nor parked."""
        return self._attempts.lanes.oldest

    @property
    def retrying(self) -> int:
        return len(self._attempts.parking)

    @property
    def failing(self) -> bool:
        return not self.webhook.is_callbacks and self._attempts.endpoints[""].out

    @property
    def busy(self) -> bool:
        """Whether requests are under way."""
        return bool(self._tasks)

    @property
    def full(self) -> bool:
        """Whether no more events are to be added."""
        if self.webhook.is_callbacks:
            return len(self._attempts.lanes) >= _MAX_UNSETTLED_CALLBACKS
        return (
            len(self._attempts.lanes) >= _MAX_UNSETTLED
            or (self.failing and len(self._attempts.lanes) > 0)
            or len(self._attempts.parking) >= self._office.settings.max_parked
        )

    @property
    def next_attempt_time(self) -> datetime | None:
        """When something that waits for a time is tried."""
        waits = dict(self._attempts.parking.next_due())
        times = []
        for endpoint in {*waits, *self._attempts.lanes.endpoints}:
            patience = self._attempts.endpoints[endpoint]
            if not patience.out:
                # Of its lanes one is begun as soon as there is a place.
                times += [waits[endpoint]] if endpoint in waits else []
            elif patience.idle:
                fresh = endpoint in self._attempts.lanes.endpoints
                due = patience.until if fresh else waits[endpoint]
                times.append(max(due, patience.until))
        return min(times, default=None)

    def seconds_to_next(self, most: float) -> float:
        """How long nothing can be begun, unless a request ends before."""
        if self.webhook.is_callbacks and self.full:
            # By then an endpoint can have become doubtful, and others have their turn.
            most = min(most, _LOOK_SECONDS)
        due = self.next_attempt_time
        if due is None or len(self._tasks) >= self._places:
            return most
        seconds = (due - self._clock.now()).total_seconds()
        if seconds <= 0 and self._tasks:
            return most
        return min(max(seconds, 0.001), most)

    def load(self, parked: Iterable[Parked]) -> None:
        """What was parked before."""
        self._attempts.parking = parking_of(parked)

    def revive(self, events: Iterable[Parked]) -> None:
        """Try anew what failed, at once."""
        self._attempts.endpoints.reset()
        for event in events:
            if not self._attempts.parking.has(event.message_id, event.seq):
                self._attempts.parking.add(event)

    def hurry(self) -> None:
        """What waits is tried at once."""
        self._attempts.endpoints.reset()
        self._attempts.parking.hurry(self._clock.now())

    def clear(self) -> None:
        """Forget the events that are not parked, while nothing is under way."""
        self._attempts.lanes = Lanes()

    def cease(self) -> None:
        """Begin nothing more."""
        self._attempts.ceased = True

    async def stop(self, grace: float) -> None:
        """What is under way has `grace` seconds to end."""
        self.cease()
        if self._tasks and grace:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def wants(self, event: StatusEvent) -> bool:
        if self.webhook.is_callbacks:
            message = event.message
            return message.callback is not None and message.account == self.webhook.account
        return self.webhook.wanted.matches(event)

    def add(self, event: StatusEvent) -> None:
        """To be sent after everything of its message that was added before."""
        message_id = event.message.id
        if self._attempts.parking.has(message_id, event.seq):
            return
        endpoint = endpoint_of(self._attempts.callback(event))
        if message_id in self._attempts.lanes:
            # Behind its elders, whatever is thought of their endpoint: aside, it would go first.
            self._attempts.lanes.add(event, endpoint)
        elif message_id in self._attempts.parking or (
            endpoint and self._attempts.endpoints[endpoint].doubtful
        ):
            # Behind its elders, or aside so that others need not wait; it was not tried yet.
            self._attempts.park(event, 0, self._clock.now())
        else:
            self._attempts.lanes.add(event, endpoint)

    def begin(self) -> None:
        """Start as many requests as may be."""
        if self.webhook.is_callbacks and self.full:
            self._clear_away()
        while len(self._tasks) < self._places and not self._attempts.ceased:
            # By turns: many old events must not hold up new ones, nor the other way round.
            self._fresh_turn = not self._fresh_turn
            first, second = self._begin_again, self._begin_fresh
            if self._fresh_turn:
                first, second = second, first
            if not first() and not second():
                return

    def _clear_away(self) -> None:
        """Park what waits for endpoints in trouble: the log is not to wait for them."""
        for endpoint in self._attempts.lanes.endpoints:
            if self._attempts.endpoints[endpoint].doubtful:
                for event in self._attempts.lanes.clear_away(endpoint):
                    self._attempts.park(event, 0, self._clock.now())

    def _begin_fresh(self) -> bool:
        for endpoint in self._attempts.lanes.endpoints:
            if self._attempts.endpoints[endpoint].may_begin():
                event = self._attempts.lanes.begin(endpoint)
                self._spawn(endpoint, self._attempts.first(event))
                return True
        return False

    def _begin_again(self) -> bool:
        now = self._clock.now()
        for endpoint in self._attempts.parking.next_due():
            if self._attempts.endpoints[endpoint].may_begin():
                parked = self._attempts.parking.take_due(endpoint, now)
                if parked is not None:
                    self._spawn(endpoint, self._attempts.again(parked))
                    return True
        return False

    def _spawn(self, endpoint: str, work: Coroutine[Any, Any, None]) -> None:
        patience = self._attempts.endpoints[endpoint]
        number = patience.begin()
        task = asyncio.create_task(work)
        self._tasks.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._tasks.discard(task)
            patience.end(number)
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("a webhook request failed inside", exc_info=error)
            self._wake()

        task.add_done_callback(ended)
