"""One request for one event, and what follows from its answer."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.errors import SmsgateError
from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.webhooks import (
    Health,
    Outcome,
    Verdict,
    Webhook,
    WebhookState,
    origin_of,
)
from smsgate_server.services.ports.webhooks import Parked
from smsgate_server.services.webhook_lanes import Lanes
from smsgate_server.services.webhook_office import Office
from smsgate_server.services.webhook_parking import Parking
from smsgate_server.services.webhook_patience import Endpoints

# When a body is looked for again that the store could not give.
_STORE_DOWN = timedelta(seconds=5)


class Attempts:
    """What one webhook knows of its events and endpoints. `give_up` is called once, when the
    endpoint is not to be tried any more: `ceased` is true from then on.
    """

    def __init__(
        self,
        webhook: Webhook,
        health: Health,
        office: Office,
        give_up: Callable[[WebhookState], None],
    ) -> None:
        self.webhook = webhook
        self.health = health
        self.lanes = Lanes()
        self.parking = parking_of(())
        settings = office.settings
        self.endpoints = Endpoints(
            office.clock, office.fraction, settings.share, settings.retry_seconds
        )
        self.ceased = False
        self._office = office
        self._clock = office.clock
        self._give_up = give_up

    def callback(self, event: StatusEvent) -> Callback | None:
        """Where the event goes; None: to the URL of the webhook."""
        return event.message.callback if self.webhook.is_callbacks else None

    async def first(self, event: StatusEvent) -> None:
        """Try an event of the lanes."""
        callback = self.callback(event)
        started = self._clock.now()
        body = self._office.body(event, callback)
        outcome = await self._office.post(self.webhook, callback, event.seq, body)
        self._learn(callback, outcome, fresh=True)
        if outcome.verdict is Verdict.DELIVERED:
            self.lanes.delivered(event)
        elif self._is_gone(outcome):
            self.lanes.give_back(event)
        else:
            self._refuse(event.message.id, started, outcome)

    def _refuse(self, message_id: str, started: datetime, outcome: Outcome) -> None:
        """Park the event, and behind it what came of its message since."""
        head, *rest = self.lanes.take_out(message_id)
        self.park(head, 1, started, outcome)
        for event in rest:
            self.park(event, 0, started)

    def park(
        self, event: StatusEvent, attempts: int, first: datetime, outcome: Outcome | None = None
    ) -> None:
        """Try it later: when is said by the outcome, and else now."""
        callback = self.callback(event)
        parked = Parked(
            webhook=self.webhook.key,
            seq=event.seq,
            message_id=event.message.id,
            attempts=attempts,
            due_time=first,
            first_time=first,
            callback=callback,
            body=self._office.body(event, callback),
        )
        if outcome is not None:
            parked = self._office.scheduled(parked, outcome, self._has_room)
        elif not self._has_room:
            parked = self._office.refused(parked)
        self._office.ledger.put(parked)
        if parked.fail_time is None:
            self.parking.add(parked)

    @property
    def _has_room(self) -> bool:
        """Whether more may be parked. Else the log waits, but not that of callbacks."""
        most = self._office.settings.max_parked
        return not self.webhook.is_callbacks or len(self.parking) < most

    async def again(self, parked: Parked) -> None:
        """Try an event that is due in the parking."""
        office = self._office
        body = office.ledger.body(self.webhook.key, parked.seq)
        try:
            body = body or await office.read_body(self.webhook.key, parked.seq)
        except SmsgateError:
            self.parking.postpone(parked, self._clock.now() + _STORE_DOWN)
            return
        if body is None:
            self._drop(parked)
            return
        outcome = await office.post(self.webhook, parked.callback, parked.seq, body)
        self._learn(parked.callback, outcome, fresh=not parked.attempts)
        self._settle(replace(parked, attempts=parked.attempts + 1), outcome)

    def _settle(self, parked: Parked, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.DELIVERED:
            self._office.ledger.remove(self.webhook.key, parked.seq)
            self._drop(parked)
            return
        if self._is_gone(outcome):
            self.parking.retry(parked)
            return
        parked = self._office.scheduled(parked, outcome, room=True)
        self._office.ledger.put(parked)
        if parked.fail_time is None:
            self.parking.retry(parked)
        else:
            self._drop(parked)

    def _drop(self, parked: Parked) -> None:
        """Done with the event; the next of its message has its turn."""
        following = self.parking.remove(parked, self._clock.now())
        if following is not None:
            self._office.ledger.put(following)

    # What the endpoint is like

    def _learn(self, callback: Callback | None, outcome: Outcome, fresh: bool) -> None:
        now = self._clock.now()
        self.health = self.health.after(outcome, now)
        delivered = outcome.verdict is Verdict.DELIVERED
        patience = self.endpoints[endpoint_of(callback)]
        patience.learn(delivered, fresh, outcome.retry_after)
        since = self.health.failing_since
        most = self._office.settings.give_up_after
        if callback is None and since is not None and now - since >= most:
            self._end(WebhookState.GIVEN_UP)

    def _is_gone(self, outcome: Outcome) -> bool:
        """Whether the webhook ends with this answer; a callback only loses its event."""
        if outcome.verdict is not Verdict.GONE or self.webhook.is_callbacks:
            return False
        self._end(WebhookState.GONE)
        return True

    def _end(self, why: WebhookState) -> None:
        if not self.ceased:
            self.ceased = True
            self._give_up(why)


def parking_of(parked: Iterable[Parked]) -> Parking:
    return Parking(lambda each: endpoint_of(each.callback), parked)


def endpoint_of(callback: Callback | None) -> str:
    """A webhook has one endpoint, without a name; callbacks one for each origin."""
    return "" if callback is None else origin_of(callback.url)
