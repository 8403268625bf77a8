"""In which order the events of a message are sent, whatever is thought of their endpoint."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from tests.builders import ACCOUNT, T0, a_message, seconds

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import Message, Reason, Status, StatusEvent
from smsgate_server.domain.webhooks import CALLBACKS, Health, Outcome, Verdict, Webhook
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.webhook_deliveries import Deliveries
from smsgate_server.services.webhook_ledger import Ledger
from smsgate_server.services.webhook_office import CourierSettings, Office


class _Clock:
    def __init__(self) -> None:
        self.time = T0

    def now(self) -> Any:
        return self.time


class _Postman:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: asyncio.Queue[Verdict] = asyncio.Queue()

    async def post(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        event_id: str,
        body: str,
        secrets: Sequence[str],
    ) -> Outcome:
        self.asked.append(body)
        return Outcome(await self.answers.get())


class _Witness:
    def requested(self, outcome: Outcome) -> None: ...

    def given_up(self) -> None: ...


async def _no_body(key: str, seq: int) -> str | None:
    raise AssertionError("the ledger has every body")


def _office(clock: _Clock, postman: _Postman) -> Office:
    return Office(
        log=cast(Any, None),
        ledger=Ledger(),
        load=cast(Any, None),
        read_body=_no_body,
        postman=postman,
        compose=lambda event, cursor, custom: event.to_status.name,
        cursors=Cursors(b"12345678"),
        clock=clock,
        fraction=lambda: 0.0,
        witness=_Witness(),
        room=asyncio.Semaphore(10),
        settings=CourierSettings((1.0,) * 60),
    )


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_event_does_not_overtake_its_elders_though_their_endpoint_is_slow() -> None:
    clock, postman = _Clock(), _Postman()
    webhook = Webhook(
        id=CALLBACKS,
        account=ACCOUNT,
        wanted=EventFilter(ACCOUNT),
        secret="s",
        create_time=T0,
        update_time=T0,
    )
    ended = asyncio.Event()
    office = _office(clock, postman)
    deliveries = Deliveries(webhook, Health(), office, ended.set, lambda why: None)
    callback = Callback("https://example.com/sms")
    message = a_message(callback=callback)

    def add(seq: int, status: Status, message: Message = message) -> None:
        event = StatusEvent(
            seq=seq,
            message=message,
            from_status=None,
            to_status=status,
            reason=Reason.ACCEPTED,
            event_time=T0,
        )
        deliveries.add(event)
        deliveries.begin()

    # One that is taken allows two at once.
    add(1, Status.DELIVERED, a_message(callback=callback))
    postman.answers.put_nowait(Verdict.DELIVERED)
    await ended.wait()
    ended.clear()
    postman.asked.clear()
    add(2, Status.NEW)
    await _turns()
    # It has not answered for so long that others are not to wait for it.
    clock.time += seconds(5)
    add(3, Status.PENDING)
    await _turns()
    assert postman.asked == ["NEW"]
    for verdict in (Verdict.RETRY, Verdict.DELIVERED, Verdict.DELIVERED):
        postman.answers.put_nowait(verdict)
        await ended.wait()
        ended.clear()
        clock.time += seconds(5)
        deliveries.begin()
        await _turns()
    assert postman.asked == ["NEW", "NEW", "PENDING"]
    assert (deliveries.oldest, deliveries.retrying) == (None, 0)
