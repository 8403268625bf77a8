"""Receipts from node-smpp on the wire: when they are acknowledged, and what is read from them."""

import asyncio
import itertools
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.acceptance.esme_setup import (
    ACCEPTED,
    Listener,
    NodeSmsc,
    a_pdu,
    an_esme,
    deliver_sm,
    done,
    octets,
    tlv,
)
from tests.builders import RECIPIENT

from smsgate_server.domain.delivery import Receipt
from smsgate_server.domain.message import Reason, Status

DELIVERED, EXPIRED, REJECTED = Status.DELIVERED, Status.EXPIRED, Status.REJECTED
UNDELIVERABLE, PENDING = Status.UNDELIVERABLE, Status.PENDING

RECEIPT, INTERMEDIATE = 0x04, 0x20
USUAL = (
    "id:{} sub:001 dlvrd:001 submit date:2503011200 done date:2503011201 stat:{} err:{} text:Hello"
)
DONE = datetime(2025, 3, 1, 12, 1, tzinfo=UTC)
HANDSET = {
    "source_addr": RECIPIENT[1:],
    "source_addr_ton": 1,
    "source_addr_npi": 1,
    "destination_addr": "ACME",
    "dest_addr_ton": 5,
}


_sequences = itertools.count(1000)


def usual(carrier_id: str = "7", word: str = "DELIVRD", error: str = "000") -> str:
    return USUAL.format(carrier_id, word, error)


def ids(listener: Listener) -> list[str]:
    return [receipt.carrier_id for receipt in listener.stored]


async def read(smsc: NodeSmsc, listener: Listener, **fields: Any) -> Receipt:
    """What is read from the one receipt that the SMSC sends."""
    sequence = next(_sequences)
    await smsc.send("deliver_sm", sequence, **HANDSET | {"esm_class": RECEIPT} | fields)
    assert (await smsc.answered("deliver_sm_resp", sequence)).status == 0
    (receipt,) = listener.stored
    return receipt


# Acknowledged when it is stored


async def test_a_receipt_is_acknowledged_only_after_it_is_stored() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.listener.storing.clear()
        await smsc.send("deliver_sm", 70, esm_class=RECEIPT, short_message=usual())
        await esme.listener.until(lambda: esme.listener.asked)
        await smsc.barrier()
        assert (await smsc.all("deliver_sm_resp")) == []
        # Submits go on meanwhile.
        assert (await esme.submit()).kind is ACCEPTED
        esme.listener.storing.set()
        answer = await smsc.answered("deliver_sm_resp", 70)
        assert answer.status == 0
        assert answer.fields["message_id"] == ""
        assert ids(esme.listener) == ["7"]


async def test_a_receipt_that_cannot_be_stored_is_refused_and_counts_when_it_comes_again() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.listener.failing = 2
        for sequence, status in ((70, 0x64), (71, 0x64), (72, 0)):
            await smsc.send("deliver_sm", sequence, esm_class=RECEIPT, short_message=usual())
            assert (await smsc.answered("deliver_sm_resp", sequence)).status == status
        assert ids(esme.listener) == ["7"]
        assert esme.carrier.health.counts.receipts_refused == 2
        assert len(await smsc.all("bind_transceiver")) == 1


async def test_a_fault_while_storing_refuses_the_receipt_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        store = esme.listener.receipts

        async def break_down(receipts: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(esme.listener, "receipts", break_down)
        await smsc.send("deliver_sm", 70, esm_class=RECEIPT, short_message=usual())
        assert (await smsc.answered("deliver_sm_resp", 70)).status == 0x64
        monkeypatch.setattr(esme.listener, "receipts", store)
        await smsc.send("deliver_sm", 71, esm_class=RECEIPT, short_message=usual())
        assert (await smsc.answered("deliver_sm_resp", 71)).status == 0


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_connection_lost_before_the_acknowledgement_brings_the_receipt_again(
    how: str,
) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.listener.storing.clear()
        await smsc.send("deliver_sm", 70, esm_class=RECEIPT, short_message=usual())
        await esme.listener.until(lambda: esme.listener.asked)
        await smsc.cut(how)
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        esme.listener.storing.set()
        await esme.listener.until_stored(1)
        # The answer belongs to the connection that is lost, and is not sent on another.
        await smsc.barrier(session=2)
        assert (await smsc.all("deliver_sm_resp")) == []
        await smsc.send("deliver_sm", 3, session=2, esm_class=RECEIPT, short_message=usual())
        assert (await smsc.answered("deliver_sm_resp", 3)).status == 0
        assert ids(esme.listener) == ["7", "7"]


async def test_an_early_receipt_is_stored_and_acknowledged_before_the_submit_is_answered() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.always("submit_sm", silent=True)
        task = esme.begin()
        (submit,) = await smsc.heard("submit_sm")
        await smsc.send("deliver_sm", 70, esm_class=RECEIPT, short_message=usual("early"))
        assert (await smsc.answered("deliver_sm_resp", 70)).status == 0
        assert ids(esme.listener) == ["early"]
        assert not task.done()
        await smsc.answer(submit, fields={"message_id": "early"})
        (outcome,) = await done(task)
        assert outcome.carrier_ids == ("early",)


@pytest.mark.parametrize("answered", ["7", " 7 ", "7  ", "x" * 64, "x" * 90])
async def test_an_answer_and_its_receipt_have_one_id(answered: str) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.expect("submit_sm", {"fields": {"message_id": answered}})
        outcome = await esme.submit()
        in_text = await read(smsc, esme.listener, short_message=usual(answered.strip()))
        assert outcome.carrier_ids == (in_text.carrier_id,)
        esme.listener.stored.clear()
        in_tlv = await read(smsc, esme.listener, receipted_message_id=answered)
        assert outcome.carrier_ids == (in_tlv.carrier_id,)


async def test_an_early_receipt_in_one_piece_with_the_answer_is_told_too() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        early = deliver_sm(70, usual("early"))
        await smsc.expect("submit_sm", {"before": early.hex(), "fields": {"message_id": "early"}})
        assert (await esme.submit()).carrier_ids == ("early",)
        assert (await smsc.answered("deliver_sm_resp", 70)).status == 0
        assert ids(esme.listener) == ["early"]


async def test_duplicates_are_each_told_and_acknowledged() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.write(b"".join(deliver_sm(sequence, usual()) for sequence in (1, 2, 3, 3)))
        answers = await smsc.heard("deliver_sm_resp", 4)
        assert [(answer.sequence, answer.status) for answer in answers] == [
            *((1, 0), (2, 0), (3, 0), (3, 0))
        ]
        assert ids(esme.listener) == ["7"] * 4


async def flood(smsc: NodeSmsc, count: int) -> None:
    for start in range(1, count + 1, 500):
        await smsc.write(b"".join(deliver_sm(n, usual(str(n))) for n in range(start, start + 500)))


async def test_a_flood_is_held_back_and_every_receipt_is_acknowledged_in_order() -> None:
    count = 6_000
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.listener.storing.clear()
        await flood(smsc, count)
        await esme.listener.until(lambda: esme.carrier.health.counts.receipts >= 2_000)
        # Nothing is read any more: what is in memory has a limit, and the rest is TCP's.
        connection = esme.carrier._bindings[0].connection
        assert connection is not None
        assert not connection._transport.is_reading()
        assert esme.carrier.health.counts.receipts < 4_000
        esme.listener.storing.set()
        answers = await smsc.heard("deliver_sm_resp", count)
        assert [answer.sequence for answer in answers] == list(range(1, count + 1))
        assert {answer.status for answer in answers} == {0}
        assert ids(esme.listener) == [str(n) for n in range(1, count + 1)]
        assert connection._transport.is_reading()


async def test_the_carrier_is_not_blamed_for_what_is_not_read() -> None:
    count = 3_000
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.listener.storing.clear()
        await flood(smsc, count)
        await esme.listener.until(lambda: esme.carrier.health.counts.receipts >= 2_000)
        esme.hurry(response_seconds=0.8, enquire_link_seconds=0.3)
        submit = esme.begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.5):
                await smsc.heard("bind_transceiver", 2)
        esme.listener.storing.set()
        await smsc.heard("deliver_sm_resp", count)
        # It was answered long ago, behind the receipts.
        assert [outcome.kind for outcome in await done(submit)] == [ACCEPTED]
        assert len(await smsc.all("bind_transceiver")) == 1
        # And it is watched again.
        await smsc.always("enquire_link", silent=True)
        await smsc.heard("bind_transceiver", 2)


# What is no receipt


async def test_a_message_from_a_handset_is_acknowledged_and_not_told() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.send("deliver_sm", 70, **HANDSET, short_message="STOP")
        await smsc.send("deliver_sm", 71, **HANDSET, short_message=usual())
        await smsc.send("deliver_sm", 72, **HANDSET, esm_class=RECEIPT, short_message="no id")
        for sequence in (70, 71, 72):
            assert (await smsc.answered("deliver_sm_resp", sequence)).status == 0
        assert esme.listener.asked == []
        assert esme.carrier.health.counts.unwanted == 3


# How it is written


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("DELIVRD", DELIVERED),
        ("EXPIRED", EXPIRED),
        ("DELETED", UNDELIVERABLE),
        ("UNDELIV", UNDELIVERABLE),
        ("UNKNOWN", UNDELIVERABLE),
        ("SKIPPED", UNDELIVERABLE),
        ("REJECTD", REJECTED),
        ("ENROUTE", PENDING),
        ("ACCEPTD", PENDING),
        ("SCHEDULED", PENDING),
        ("BUFFRED", PENDING),
        ("WHATEVER", PENDING),
    ],
)
async def test_each_word_of_a_text_has_its_status(word: str, status: Status) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        receipt = await read(smsc, esme.listener, short_message=usual(word=word, error="0A7"))
        assert receipt == Receipt(
            carrier="acme",
            carrier_id="7",
            status=status,
            code=f"{word}:0A7",
            carrier_time=DONE,
            recipient=RECIPIENT,
        )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (0, PENDING),
        (1, PENDING),
        (2, DELIVERED),
        (3, EXPIRED),
        (4, UNDELIVERABLE),
        (5, UNDELIVERABLE),
        (6, PENDING),
        (7, UNDELIVERABLE),
        (8, REJECTED),
        (9, UNDELIVERABLE),
        (77, PENDING),
    ],
)
async def test_a_receipt_may_be_of_tlvs_alone(state: int, status: Status) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        receipt = await read(
            smsc,
            esme.listener,
            receipted_message_id="00aF",
            message_state=state,
            network_error_code=octets(b"\3\1\2"),
        )
        assert (receipt.carrier_id, receipt.status) == ("00aF", status)
        assert receipt.code.endswith(":258")
        assert receipt.recipient == RECIPIENT


@pytest.mark.parametrize(
    "text",
    [
        usual(),
        "ID:7 SUB:001 DLVRD:001 SUBMIT DATE:2503011200 DONE DATE:2503011201 STAT:DELIVRD ERR:000",
        "id: 7 sub: 001 dlvrd: 001 done date: 2503011201 stat: DELIVRD err: 000 text: Hello",
        "id:7 stat:DELIVRD err:000 done date:20250301120100",
        "id:7 stat:DELIVRD err:000 done_date:250301120100",
        "id:7\r\nstat:delivrd\r\nerr:000\r\ndone date:2503011201\r\n",
        "stat:DELIVRD err:000 done date:2503011201 id:7",
        usual() + " id:8 stat:UNDELIV err:999",
        usual() + "\0",
    ],
)
async def test_a_text_may_be_written_in_many_ways(text: str) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        receipt = await read(smsc, esme.listener, short_message=octets(text.encode()))
        assert (receipt.carrier_id, receipt.status) == ("7", DELIVERED)
        assert (receipt.code, receipt.carrier_time) == ("DELIVRD:000", DONE)


@pytest.mark.parametrize(
    "fields",
    [
        {"message_payload": octets(usual().encode())},
        {"short_message": octets(usual().encode("utf-16-be")), "data_coding": 8},
        {"short_message": octets(usual().encode()), "data_coding": 8},
        {"short_message": octets(usual().encode()), "data_coding": 3},
        {"short_message": usual(), "esm_class": 0x84},
        {"short_message": usual(), "esm_class": 0, "receipted_message_id": "7"},
        {"short_message": usual("another"), "receipted_message_id": "7"},
        {"short_message": usual(word="ENROUTE"), "receipted_message_id": "7", "message_state": 2},
    ],
)
async def test_a_receipt_may_have_many_forms(fields: dict[str, Any]) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        receipt = await read(smsc, esme.listener, **fields)
        assert (receipt.carrier_id, receipt.status) == ("7", DELIVERED)


async def test_a_receipt_without_its_flag_is_one_if_the_carrier_is_set_so() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, receipts_without_esm_class=True) as esme:
        receipt = await read(smsc, esme.listener, esm_class=0, short_message=usual())
        assert (receipt.carrier_id, receipt.status) == ("7", DELIVERED)


async def test_a_receipt_may_come_in_a_data_sm() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.send(
            "data_sm",
            70,
            **HANDSET,
            esm_class=RECEIPT,
            receipted_message_id="7",
            message_state=2,
        )
        assert (await smsc.answered("data_sm_resp", 70)).status == 0
        await smsc.send(
            "data_sm",
            71,
            **HANDSET,
            esm_class=RECEIPT,
            message_payload=octets(usual("8").encode()),
        )
        assert (await smsc.answered("data_sm_resp", 71)).status == 0
        assert ids(esme.listener) == ["7", "8"]
        assert {receipt.recipient for receipt in esme.listener.stored} == {RECIPIENT}


@pytest.mark.parametrize("fields", [{"short_message": usual()}, {"receipted_message_id": "7"}])
async def test_an_intermediate_notification_is_never_final(fields: dict[str, Any]) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        fields = fields | {"esm_class": INTERMEDIATE, "message_state": 2}
        receipt = await read(smsc, esme.listener, **fields)
        assert (receipt.carrier_id, receipt.status) == ("7", PENDING)


async def test_tlvs_that_nobody_knows_do_no_harm() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        vendor = tlv(0x1403, b"\1\2\3") + tlv(0x1400, b"") + tlv(0x3FFF, b"x" * 300)
        await smsc.write(deliver_sm(70, usual(), tlvs=vendor))
        assert (await smsc.answered("deliver_sm_resp", 70)).status == 0
        assert ids(esme.listener) == ["7"]


async def test_a_carrier_may_have_words_and_errors_of_its_own() -> None:
    settings: dict[str, Any] = {
        "states": {"unknown": "PENDING", "KAPUTT": "UNDELIVERABLE"},
        "errors": {"0A7": "UNKNOWN_SUBSCRIBER"},
        "receipt_offset_minutes": 60,
    }
    async with NodeSmsc() as smsc, an_esme(smsc, **settings) as esme:
        words = [("1", "UNKNOWN", "000"), ("2", "KAPUTT", "0A7")]
        for sequence, receipt in enumerate(words, start=1):
            await smsc.write(deliver_sm(sequence, usual(*receipt)))
            await smsc.answered("deliver_sm_resp", sequence)
        first, second = esme.listener.stored
        assert (first.status, first.reason) == (PENDING, Reason.UNSPECIFIED)
        assert (second.status, second.reason) == (UNDELIVERABLE, Reason.UNKNOWN_SUBSCRIBER)
        assert first.carrier_time == datetime(2025, 3, 1, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mode", "reported", "told", "exact"),
    [
        ("auto", "00AF", "00AF", False),
        ("same", "00AF", "00AF", True),
        ("hex_to_decimal", "175", "af", True),
        ("hex_to_decimal", "0000000175", "af", True),
        ("decimal_to_hex", "00AF", "175", True),
        ("decimal_to_hex", "nonsense", "nonsense", True),
    ],
)
async def test_an_id_is_told_as_the_carrier_is_set(
    mode: str, reported: str, told: str, exact: bool
) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, receipt_ids=mode) as esme:
        receipt = await read(smsc, esme.listener, short_message=usual(reported))
        assert (receipt.carrier_id, receipt.exact_id) == (told, exact)


@pytest.mark.parametrize(
    ("which", "fields", "told"),
    [
        ("source", {}, RECIPIENT),
        ("source", {"source_addr_ton": 0}, RECIPIENT[1:]),
        ("source", {"source_addr": RECIPIENT, "source_addr_ton": 0}, RECIPIENT),
        ("source", {"source_addr": "ACME", "source_addr_ton": 5}, ""),
        ("destination", {"destination_addr": "436641234567", "dest_addr_ton": 1}, RECIPIENT),
        ("destination", {}, ""),
        ("none", {}, ""),
    ],
)
async def test_the_recipient_is_told_as_the_carrier_is_set(
    which: str, fields: dict[str, Any], told: str
) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, receipt_number=which) as esme:
        receipt = await read(smsc, esme.listener, short_message=usual(), **fields)
        assert receipt.recipient == told


async def test_receipts_on_all_binds_are_acknowledged_where_they_came() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, binds=3) as esme:
        esme.listener.storing.clear()
        for session in (1, 2, 3):
            pdus = [deliver_sm(session * 100 + n, usual(str(session))) for n in range(5)]
            await smsc.write(b"".join(pdus) + a_pdu(0x15, session), session=session)
            await smsc.answered("enquire_link_resp", session)
        esme.listener.storing.set()
        answers = await smsc.heard("deliver_sm_resp", 15)
        assert all(answer.sequence // 100 == answer.session for answer in answers)
