"""A whole gateway and our own SMSC, which makes trouble: what a laptop can try out, comes true."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.esme_setup import Watched
from tests.acceptance.reading import (
    DELIVERED,
    NEW,
    PENDING,
    REJECTED,
    UNDELIVERABLE,
    until_final,
    until_status,
)

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.carriers.script import Rates
from smsgate_server.carriers.smpp.connection import Connection
from smsgate_server.carriers.smpp.session import Event
from smsgate_server.carriers.smsc.server import Smsc
from smsgate_server.carriers.smsc.settings import IdForm, SmscSettings

UNKNOWN = message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN
AT_MOST_ONCE = message_pb2.UNKNOWN_SUBMIT_POLICY_AT_MOST_ONCE
AT_LEAST_ONCE = message_pb2.UNKNOWN_SUBMIT_POLICY_AT_LEAST_ONCE
LONG = "a" * 400

Sent = pb.SendMessageResponse


class _Smsc(Smsc, Watched):
    """Tells when anything comes."""

    def __init__(self, **settings: Any) -> None:
        Smsc.__init__(self, SmscSettings(**{"port": 0, "receipt_seconds": 0.02} | settings))
        Watched.__init__(self)
        self.heard = 0

    def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        super()._take(connection, events)
        self.heard += len(events)
        self.change()


class Site:
    def __init__(self, gateway: Gateway, smsc: _Smsc) -> None:
        self.smsc = smsc
        self._gateway = gateway
        self.stub = gateway.stub

    async def send(
        self, recipient: str, policy: int = AT_MOST_ONCE, text: str = "Ciao", **options: Any
    ) -> Sent:
        chosen = pb.SendOptions(on_unknown_submit=policy, **options)
        request = pb.SendMessageRequest(recipient=recipient, text=text, options=chosen)
        sent: Sent = await self.stub.SendMessage(request)
        return sent

    async def history(self, sent: Sent) -> list[message_pb2.StatusEvent]:
        request = pb.GetMessageRequest(id=sent.message.id, include_history=True)
        return list((await self.stub.GetMessage(request)).history)

    async def statuses(self, sent: Sent) -> list[int]:
        return [event.to_status for event in await self.history(sent) if not event.late]

    def trouble(self) -> str:
        (health,) = self._gateway.app._router.healths()
        return health.trouble


StartSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def start_site(start_gateway: StartGateway) -> AsyncIterator[StartSite]:
    async with AsyncExitStack() as stack:

        async def start(bound: bool = True, carrier: Any = None, **faults: Any) -> Site:
            smsc = _Smsc(**faults)
            await smsc.start()
            stack.push_async_callback(smsc.stop)
            table = {
                "name": "acme",
                "hosts": [f"127.0.0.1:{smsc.port}"],
                "system_id": "smsgate",
                "reconnect_seconds": 0.02,
            }
            gateway = await start_gateway(carriers=[table | (carrier or {})])
            stack.push_async_callback(gateway.stop)
            if bound:
                await smsc.until(lambda: smsc.binds)
            return Site(gateway, smsc)

        yield start


def a_recipient(digits: str) -> str:
    return "+393331234" + digits


# Endings


@pytest.mark.parametrize(
    ("digits", "status", "code", "submits"),
    [
        ("902", UNDELIVERABLE, "UNDELIV:001", 1),
        ("908", UNDELIVERABLE, "UNDELIV:011", 1),
        ("910", DELIVERED, "DELIVRD:000", 1),
        ("911", DELIVERED, "DELIVRD:000", 3),
        ("914", UNDELIVERABLE, "UNDELIV:011", 1),
        ("915", DELIVERED, "DELIVRD:000", 2),
    ],
)
async def test_an_ending_comes_true_over_smpp(
    start_site: StartSite, digits: str, status: int, code: str, submits: int
) -> None:
    site = await start_site()
    sent = await site.send(a_recipient(digits))
    message = await until_final(site.stub, sent)
    assert message.status == status
    last = [event for event in await site.history(sent) if not event.late][-1]
    assert (last.to_status, last.carrier_code) == (status, code)
    assert site.smsc.submits == submits


async def test_of_a_long_message_only_the_last_segment_fails(start_site: StartSite) -> None:
    site = await start_site()
    sent = await site.send(a_recipient("914"), text=LONG)
    assert (await until_final(site.stub, sent)).status == UNDELIVERABLE
    assert site.smsc.submits == 3


async def test_a_late_receipt_is_in_the_history(start_site: StartSite) -> None:
    site = await start_site()
    sent = await site.send(a_recipient("908"))
    assert (await until_final(site.stub, sent)).status == UNDELIVERABLE
    await site.smsc.until(lambda: not site.smsc.waiting)
    late = [event.late_status for event in await site.history(sent) if event.late]
    assert late == [DELIVERED]


async def test_without_a_receipt_a_message_stays_on_its_way(start_site: StartSite) -> None:
    site = await start_site()
    for digits in ("906", "907"):
        await until_status(site.stub, await site.send(a_recipient(digits)), PENDING)
    # That of the slow one.
    assert site.smsc.waiting == 1


@pytest.mark.parametrize("digits", ["912", "913"])
async def test_what_is_not_answered_is_held(start_site: StartSite, digits: str) -> None:
    site = await start_site(carrier={"response_seconds": 1.0})
    sent = await site.send(a_recipient(digits))
    held = await until_status(site.stub, sent, PENDING)
    assert held.reason == UNKNOWN
    await site.smsc.until(lambda: not site.smsc.waiting)
    assert await site.statuses(sent) == [NEW, PENDING]
    assert site.smsc.submits == 1


async def test_what_is_not_answered_is_sent_again_if_it_may_come_twice(
    start_site: StartSite,
) -> None:
    site = await start_site(carrier={"response_seconds": 1.0})
    sent = await site.send(a_recipient("913"), AT_LEAST_ONCE)
    assert (await until_final(site.stub, sent)).status == DELIVERED
    assert site.smsc.submits == 2


async def test_what_is_refused_for_ever_is_tried_again_and_again(start_site: StartSite) -> None:
    site = await start_site()
    sent = await site.send(a_recipient("917"))
    await site.smsc.until(lambda: site.smsc.submits > 2)
    assert await site.statuses(sent) == [NEW]


# Faults

_MANY = 30


async def _outcomes(site: Site, policy: int = AT_MOST_ONCE) -> Counter[tuple[int, ...]]:
    """How it goes with ordinary numbers, one of three of a long message, until nothing is due."""
    sent = [
        await site.send(a_recipient(f"{n:03}"), policy, "Ciao" if n % 3 else LONG)
        for n in range(_MANY)
    ]
    await asyncio.gather(*(_left_new(site, each) for each in sent))
    await site.smsc.until(lambda: not site.smsc.waiting)
    seen = [await site.history(each) for each in sent]
    return Counter(tuple(event.to_status for event in history) for history in seen)


async def _left_new(site: Site, sent: Sent) -> None:
    cursor = sent.cursor
    while True:
        request = pb.GetMessageRequest(id=sent.message.id, wait_after_cursor=cursor)
        request.wait.seconds = 10
        found = await site.stub.GetMessage(request)
        if found.message.status != NEW:
            return
        cursor = found.cursor


@pytest.mark.parametrize(
    "fault",
    [
        {"early": 1.0},
        {"early": 0.5, "duplicate": 0.5, "shuffle": True},
        {"duplicate": 1.0},
        {"shuffle": True, "receipt_window": 3},
        {"answer_seconds": 0.2},
        {"answer_seconds": 0.2, "early": 1.0, "receipt_ids": IdForm.DECIMAL},
    ],
    ids=["early", "mixed", "duplicate", "shuffle", "delayed", "early in decimal"],
)
async def test_whatever_receipts_and_answers_do_all_is_delivered_and_told_once(
    start_site: StartSite, fault: dict[str, Any]
) -> None:
    site = await start_site(**fault)
    outcomes = await _outcomes(site)
    assert set(outcomes) <= {(NEW, PENDING, DELIVERED), (NEW, DELIVERED)}
    assert outcomes.total() == _MANY


async def test_what_is_set_to_be_undeliverable_is(start_site: StartSite) -> None:
    site = await start_site(rates=Rates(undeliverable=1.0))
    assert {statuses[-1] for statuses in await _outcomes(site)} == {UNDELIVERABLE}


async def test_in_chaos_every_message_still_has_an_end_or_waits_for_its_receipt(
    start_site: StartSite,
) -> None:
    site = await start_site(carrier={"response_seconds": 1.0}, rates=Rates(chaos=0.7))
    ends = Counter(statuses[-1] for statuses in (await _outcomes(site, AT_LEAST_ONCE)).elements())
    assert set(ends) <= {DELIVERED, UNDELIVERABLE, REJECTED, PENDING}
    assert len(ends) > 1


async def test_a_silent_smsc_is_told_of_and_messages_wait(start_site: StartSite) -> None:
    site = await start_site(bound=False, carrier={"response_seconds": 0.5}, silent=True)
    sent = await site.send(a_recipient("000"))
    # It was given up once, and is tried again.
    await site.smsc.until(lambda: site.smsc.heard > 2)
    assert "no answer to bind_transceiver" in site.trouble()
    assert await site.statuses(sent) == [NEW]
    assert site.smsc.binds == site.smsc.submits == 0
