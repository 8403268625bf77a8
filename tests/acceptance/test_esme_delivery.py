"""A whole gateway and node-smpp: what becomes of messages by the receipts of their parts."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.esme_setup import Heard, NodeSmsc, octets
from tests.acceptance.reading import (
    DELIVERED,
    EXPIRED,
    PENDING,
    REJECTED,
    UNDELIVERABLE,
    until_final,
    until_status,
)

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb

ITALIAN, AUSTRIAN, GERMAN = "+393331234567", "+436641234567", "+491701234567"
LONG = "a" * 153 + "b" * 153 + "c" * 50
RECEIPT, INTERMEDIATE = 0x04, 0x20

# How one number is written in the answer and in the receipt.
WRITINGS = [
    *(("175", "175"), ("175", "AF"), ("175", "000000AF"), ("175", "af")),
    *(("AF", "175"), ("af", "AF"), ("000000AF", "175"), ("00AF", "0000000175")),
    *(("0000000175", "175"), ("175", "0000000175"), ("12", "C"), ("12", "18")),
    ("4d3c-9A-Upper", "4D3C-9a-UPPER"),
]


class Site:
    """A gateway that is bound to an SMSC, or to two, each the only carrier of some countries."""

    def __init__(self, gateway: Gateway, smscs: list[NodeSmsc]) -> None:
        self.gateway = gateway
        self.smsc = smscs[0]
        self.smscs = smscs
        self._sequence = 0

    async def send(
        self,
        recipient: str = ITALIAN,
        text: str = "Ciao",
        labels: dict[str, str] | None = None,
        **options: Any,
    ) -> pb.SendMessageResponse:
        request = pb.SendMessageRequest(
            recipient=recipient, text=text, labels=labels, options=pb.SendOptions(**options)
        )
        sent: pb.SendMessageResponse = await self.gateway.stub.SendMessage(request)
        return sent

    async def report(
        self,
        carrier_id: str,
        word: str = "DELIVRD",
        recipient: str = ITALIAN,
        smsc: NodeSmsc | None = None,
        **fields: Any,
    ) -> None:
        """A receipt, which is acknowledged."""
        smsc = smsc or self.smsc
        self._sequence += 1
        text = f"id:{carrier_id} sub:001 dlvrd:001 done date:2503011201 stat:{word} err:000 text:"
        values = {
            "source_addr": recipient[1:],
            "source_addr_ton": 1,
            "destination_addr": "ACME",
            "esm_class": RECEIPT,
            "short_message": octets(text.encode()),
        }
        await smsc.send("deliver_sm", self._sequence, **values | fields)
        assert (await smsc.answered("deliver_sm_resp", self._sequence)).status == 0

    async def history(self, sent: pb.SendMessageResponse) -> list[message_pb2.StatusEvent]:
        request = pb.GetMessageRequest(id=sent.message.id, include_history=True)
        return list((await self.gateway.stub.GetMessage(request)).history)

    async def statuses(self, sent: pb.SendMessageResponse) -> list[int]:
        """Those that the message had, one after the other."""
        return [event.to_status for event in await self.history(sent) if not event.late]

    async def status(self, sent: pb.SendMessageResponse) -> int:
        return (await self.statuses(sent))[-1]

    async def pending(self, sent: pb.SendMessageResponse) -> None:
        await until_status(self.gateway.stub, sent, PENDING)

    async def final(self, sent: pb.SendMessageResponse) -> int:
        return (await until_final(self.gateway.stub, sent)).status


StartSite = Callable[..., Awaitable[Site]]


@pytest.fixture
async def start_site(start_gateway: StartGateway) -> AsyncIterator[StartSite]:
    """Starts a gateway with a carrier of these settings; or with two, south for Austria, or what is
    given instead of that.
    """
    async with AsyncExitStack() as stack:

        async def start(
            two: bool = False, austria: dict[str, Any] | None = None, **carrier: Any
        ) -> Site:
            smscs = [await stack.enter_async_context(NodeSmsc()) for _ in range(1 + two)]
            names = ("north", "south")
            tables = [
                {
                    "name": name,
                    "hosts": [f"127.0.0.1:{smsc.port}"],
                    "system_id": "smsgate",
                    "reconnect_seconds": 0.02,
                    **carrier,
                }
                for name, smsc in zip(names, smscs, strict=False)
            ]
            match = austria or {"countries": ["AT"]}
            routes = [
                {"name": "austria", "carriers": [names[-1 if two else 0]], **match},
                {"name": "rest", "carriers": [names[0]]},
            ]
            gateway = await start_gateway(carriers=tables, routes=routes)
            stack.push_async_callback(gateway.stop)
            for smsc in smscs:
                await smsc.heard("bind_transceiver")
            return Site(gateway, smscs)

        yield start


def answer(carrier_id: str) -> dict[str, Any]:
    return {"fields": {"message_id": carrier_id}}


def recipients() -> Iterator[str]:
    """All different: what a carrier calls 175 for one of them is another message for the next."""
    return (f"+3933312345{number:02}" for number in range(1, 100))


# Ids


async def test_a_receipt_finds_its_message_however_its_id_is_written(start_site: StartSite) -> None:
    site = await start_site()
    for recipient, (answered, reported) in zip(recipients(), WRITINGS * 2, strict=False):
        await site.smsc.expect("submit_sm", answer(answered))
        sent = await site.send(recipient)
        await site.pending(sent)
        fields = {"receipted_message_id": reported, "message_state": 2, "short_message": ""}
        of_tlvs = int(recipient[-2:]) > len(WRITINGS)
        await site.report(reported, recipient=recipient, **(fields if of_tlvs else {}))
        assert await site.status(sent) == DELIVERED, (answered, reported)


async def test_an_early_receipt_finds_its_message_however_its_id_is_written(
    start_site: StartSite,
) -> None:
    site = await start_site()
    await site.smsc.always("submit_sm", silent=True)
    for recipient, (answered, reported) in zip(recipients(), WRITINGS, strict=False):
        sent = await site.send(recipient)
        submits = await site.smsc.heard("submit_sm", int(recipient[-2:]))
        await site.report(reported, recipient=recipient)
        await site.smsc.answer(submits[-1], **answer(answered))
        assert await site.final(sent) == DELIVERED, (answered, reported)


@pytest.mark.parametrize(
    ("mode", "answered", "reported"),
    [("hex_to_decimal", "00aF", "175"), ("decimal_to_hex", "175", "00Af"), ("same", "10", "10")],
)
async def test_a_carrier_can_be_set_to_one_writing_of_ids(
    start_site: StartSite, mode: str, answered: str, reported: str
) -> None:
    site = await start_site(receipt_ids=mode, receipt_number="none")
    await site.smsc.expect("submit_sm", answer(answered))
    sent = await site.send()
    await site.pending(sent)
    await site.report(reported)
    assert await site.status(sent) == DELIVERED


async def test_two_carriers_may_give_the_same_id(start_site: StartSite) -> None:
    site = await start_site(two=True)
    north, south = site.smscs
    for smsc in site.smscs:
        await smsc.always("submit_sm", **answer("7"))
    italian, austrian = await site.send(ITALIAN), await site.send(AUSTRIAN)
    await site.pending(italian)
    await site.pending(austrian)
    await site.report("7", "UNDELIV", AUSTRIAN, south)
    assert await site.status(austrian) == UNDELIVERABLE
    assert await site.status(italian) == PENDING
    await site.report("7", "DELIVRD", ITALIAN, north)
    assert await site.status(italian) == DELIVERED


async def test_one_id_for_two_recipients_is_told_apart_by_them(start_site: StartSite) -> None:
    site = await start_site()
    await site.smsc.always("submit_sm", **answer("7"))
    italian, german = await site.send(ITALIAN), await site.send(GERMAN)
    await site.pending(italian)
    await site.pending(german)
    await site.report("7", "UNDELIV", ITALIAN)
    await site.report("7", "DELIVRD", GERMAN)
    assert await site.status(italian) == UNDELIVERABLE
    assert await site.status(german) == DELIVERED


async def test_a_receipt_of_nobody_is_acknowledged_and_kept_for_the_message_to_come(
    start_site: StartSite,
) -> None:
    site = await start_site()
    for carrier_id in ("later", "never", "another"):
        await site.report(carrier_id)
    await site.smsc.expect("submit_sm", answer("later"), answer("other"))
    first, second = await site.send(), await site.send()
    assert await site.final(first) == DELIVERED
    await site.pending(second)


# States


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("DELIVRD", DELIVERED),
        ("EXPIRED", EXPIRED),
        ("REJECTD", REJECTED),
        ("UNDELIV", UNDELIVERABLE),
        ("DELETED", UNDELIVERABLE),
        ("UNKNOWN", UNDELIVERABLE),
        ("SKIPPED", UNDELIVERABLE),
    ],
)
async def test_a_final_receipt_settles_its_message(
    start_site: StartSite, word: str, status: int
) -> None:
    site = await start_site()
    await site.smsc.expect("submit_sm", answer("7"))
    sent = await site.send()
    await site.pending(sent)
    await site.report("7", word)
    assert await site.status(sent) == status


async def test_receipts_on_the_way_settle_nothing(start_site: StartSite) -> None:
    site = await start_site()
    await site.smsc.expect("submit_sm", answer("7"))
    sent = await site.send()
    await site.pending(sent)
    for word in ("ACCEPTD", "SCHEDULED", "ENROUTE", "BUFFRED", "SOMETHING"):
        await site.report("7", word)
    await site.report("7", "DELIVRD", esm_class=INTERMEDIATE)
    assert await site.status(sent) == PENDING
    await site.report("7", "DELIVRD")
    assert await site.status(sent) == DELIVERED


async def test_what_comes_after_the_final_status_changes_nothing(start_site: StartSite) -> None:
    site = await start_site()
    await site.smsc.expect("submit_sm", answer("7"))
    sent = await site.send()
    await site.pending(sent)
    await site.report("7", "UNDELIV")
    before = await site.statuses(sent)
    for word in ("ENROUTE", "DELIVRD", "DELIVRD", "EXPIRED"):
        await site.report("7", word)
    assert await site.statuses(sent) == before
    late = [event.late_status for event in await site.history(sent) if event.late]
    assert late == [PENDING, DELIVERED, EXPIRED]


@pytest.mark.parametrize("seed", range(5))
async def test_shuffled_and_doubled_receipts_deliver_a_long_message_once(
    start_site: StartSite, seed: int
) -> None:
    site = await start_site()
    await site.smsc.expect("submit_sm", *(answer(f"p{n}") for n in range(3)))
    sent = await site.send(text=LONG)
    await site.pending(sent)
    receipts = [(f"p{n}", word) for n in range(3) for word in ("ENROUTE", "DELIVRD", "DELIVRD")]
    random.Random(seed).shuffle(receipts)
    for receipt in receipts:
        await site.report(*receipt)
    assert await site.status(sent) == DELIVERED
    assert (await site.statuses(sent)).count(DELIVERED) == 1


# Parts


@pytest.mark.parametrize(
    ("receipts", "reported"), [("each", (0, 1, 2)), ("last", (2,)), ("first", (0,))]
)
async def test_a_message_is_delivered_once_the_parts_that_are_reported_are(
    start_site: StartSite, receipts: str, reported: tuple[int, ...]
) -> None:
    site = await start_site(receipts=receipts)
    await site.smsc.expect("submit_sm", *(answer(f"p{n}") for n in range(3)))
    sent = await site.send(text=LONG)
    await site.pending(sent)
    for number in reported:
        assert await site.status(sent) == PENDING
        await site.report(f"p{number}")
    assert await site.status(sent) == DELIVERED


@pytest.mark.parametrize("receipts", ["each", "first", "last"])
async def test_one_id_for_all_parts_is_delivered_with_one_receipt(
    start_site: StartSite, receipts: str
) -> None:
    site = await start_site(receipts=receipts)
    await site.smsc.always("submit_sm", **answer("all"))
    sent = await site.send(text=LONG)
    await site.pending(sent)
    await site.report("all")
    assert await site.status(sent) == DELIVERED


async def test_one_id_for_all_parts_is_delivered_with_one_receipt_though_one_was_sent_twice(
    start_site: StartSite,
) -> None:
    site = await start_site()
    await site.smsc.expect("submit_sm", answer("all"), {"status": 0x64})
    await site.smsc.always("submit_sm", **answer("all"))
    sent = await site.send(text=LONG)
    await site.pending(sent)
    await site.report("all")
    assert await site.status(sent) == DELIVERED
    assert [number_of(submit) for submit in (await site.smsc.all("submit_sm"))] == [1, 2, 3, 2]


async def test_a_message_in_one_payload_is_delivered_with_one_receipt(
    start_site: StartSite,
) -> None:
    site = await start_site(concatenation="payload")
    await site.smsc.expect("submit_sm", answer("whole"))
    sent = await site.send(text=LONG)
    await site.pending(sent)
    await site.report("whole")
    assert await site.status(sent) == DELIVERED


@pytest.mark.parametrize("failed", [0, 1, 2])
async def test_a_part_that_fails_settles_the_message(start_site: StartSite, failed: int) -> None:
    site = await start_site()
    await site.smsc.expect("submit_sm", *(answer(f"p{n}") for n in range(3)))
    sent = await site.send(text=LONG)
    await site.pending(sent)
    for number in range(3):
        await site.report(f"p{number}", "UNDELIV" if number == failed else "DELIVRD")
    assert await site.status(sent) == UNDELIVERABLE


async def test_a_part_that_is_refused_ends_the_message_and_receipts_of_others_come_late(
    start_site: StartSite,
) -> None:
    site = await start_site(window=1)
    await site.smsc.expect("submit_sm", answer("p0"), {"status": 0x0B})
    sent = await site.send(text=LONG)
    assert await site.final(sent) == UNDELIVERABLE
    await site.report("p0")
    assert await site.status(sent) == UNDELIVERABLE
    assert [event.late_status for event in await site.history(sent) if event.late] == [DELIVERED]
    assert len(await site.smsc.all("submit_sm")) == 2


async def test_parts_that_are_refused_for_a_while_are_sent_again_alone(
    start_site: StartSite,
) -> None:
    site = await start_site()
    await site.smsc.expect(
        "submit_sm", answer("p0"), {"status": 0x64}, answer("p2"), {"status": 0x08}, answer("p1")
    )
    sent = await site.send(text=LONG)
    await site.pending(sent)
    submits = await site.smsc.heard("submit_sm", 5)
    assert [number_of(submit) for submit in submits] == [1, 2, 3, 2, 2]
    assert len({submit.header[:-2] for submit in submits}) == 1
    for carrier_id in ("p0", "p1", "p2"):
        await site.report(carrier_id)
    assert await site.status(sent) == DELIVERED


async def test_long_messages_to_one_handset_differ_in_their_references_by_whichever_carrier(
    start_site: StartSite,
) -> None:
    site = await start_site(two=True, austria={"labels": {"by": "south"}})
    for _ in range(3):
        await site.pending(await site.send(text=LONG))
        await site.pending(await site.send(text=LONG, labels={"by": "south"}))
    north, south = [
        [int(submit.header[4:6], 16) for submit in (await smsc.all("submit_sm"))[::3]]
        for smsc in site.smscs
    ]
    # They begin anywhere, and go on in turn.
    assert [(number - north[0]) % 256 for number in north] == [0, 2, 4]
    assert [(number - north[0]) % 256 for number in south] == [1, 3, 5]


def number_of(submit: Heard) -> int:
    return int(submit.header[-2:], 16)
