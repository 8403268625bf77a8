"""Bytes as networks and bad carriers bring them: in pieces, in heaps, slowly, mutilated."""

import asyncio
import itertools
import os
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from tests.acceptance.esme_setup import (
    ACCEPTED,
    GUARD_SECONDS,
    NOT_SENT,
    REFUSED,
    UNKNOWN,
    Heard,
    NodeSmsc,
    a_pdu,
    a_text,
    an_esme,
    deliver_sm,
    done,
    kinds,
    tlv,
)

Task = asyncio.Task[Any]

DELIVER_SM, DATA_SM, ENQUIRE_LINK = 0x05, 0x103, 0x15
SUBMIT_SM_RESP = 0x80000004
RECEIPT = "id:{} sub:001 dlvrd:001 submit date:2503011200 done date:2503011201 stat:DELIVRD err:000"


# Pieces and heaps


async def test_what_comes_byte_by_byte_is_understood() -> None:
    async with NodeSmsc(drip=True) as smsc, an_esme(smsc, window=5) as esme:
        tasks = [esme.begin(a_text("é€" * 100)) for _ in range(5)]
        for number in range(5):
            text = RECEIPT.format(number)
            await smsc.send("deliver_sm", 100 + number, esm_class=4, short_message=text)
        assert set(kinds(await done(*tasks))) == {ACCEPTED}
        answers = await smsc.heard("deliver_sm_resp", 5)
        assert [answer.sequence for answer in answers] == [100, 101, 102, 103, 104]
        assert len(esme.listener.stored) == 5


async def test_what_comes_in_one_heap_is_understood() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=10) as esme:
        await smsc.always("submit_sm", silent=True)
        tasks = [esme.begin() for _ in range(10)]
        submits = await smsc.heard("submit_sm", 10)
        heap = []
        for number in range(1000):
            heap.append(deliver_sm(1000 + number, RECEIPT.format(number)))
            if number % 100 == 50:
                submit = submits[number // 100]
                heap.append(a_pdu(SUBMIT_SM_RESP, submit.sequence, f"{number}\0".encode()))
        await smsc.write(b"".join(heap) + a_pdu(ENQUIRE_LINK, 7))
        outcomes = await done(*tasks)
        assert [o.carrier_ids for o in outcomes] == [(f"{n}50".lstrip("0"),) for n in range(10)]
        answers = await smsc.heard("deliver_sm_resp", 1000)
        assert [answer.sequence for answer in answers] == list(range(1000, 2000))
        assert [receipt.carrier_id for receipt in esme.listener.stored] == [
            str(number) for number in range(1000)
        ]
        await smsc.answered("enquire_link_resp", 7)


async def test_a_pdu_of_64_kib_is_understood() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        text = RECEIPT.format(9).encode() + b" text:" + b"x" * 65_000
        await smsc.write(deliver_sm(5, "", tlvs=tlv(0x0424, text)))
        assert (await smsc.answered("deliver_sm_resp", 5)).status == 0
        (receipt,) = esme.listener.stored
        assert receipt.carrier_id == "9"


async def test_a_carrier_that_reads_slowly_gets_every_octet_in_the_end() -> None:
    most = 10_000
    async with NodeSmsc() as smsc, an_esme(smsc, window=most, concatenation="payload") as esme:
        await smsc.tell("pause", session=1)
        texts: list[str] = []
        tasks = []
        # Until TCP takes no more; then nothing is written, though the window has places.
        while esme.carrier.health.counts.submits == len(tasks):
            assert len(tasks) < most
            texts.append(f"{len(tasks):05}" + "a" * 4_800)
            tasks.append(esme.begin(a_text(texts[-1])))
            await asyncio.sleep(0)
        await smsc.tell("resume", session=1)
        assert set(kinds(await done(*tasks))) == {ACCEPTED}
        submits = await smsc.heard("submit_sm", len(tasks))
        assert [submit.text for submit in submits] == texts
        assert {submit.session for submit in submits} == {1}
        assert smsc.errors == []


async def test_a_carrier_that_stops_reading_in_the_end_loses_its_bind() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.hurry(response_seconds=0.3, enquire_link_seconds=0.1)
        await smsc.tell("pause", session=1)
        assert kinds(await done(esme.begin())) == [UNKNOWN]
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        assert (await esme.submit()).kind is ACCEPTED


# What is no SMPP, or bad SMPP

WHOLE = deliver_sm(1, RECEIPT.format(1))[16:]
DATA = b"\0\1\1436641234567\0\5\0ACME\0\4\0\0"


@pytest.mark.parametrize(
    ("command", "body", "answer", "status"),
    [
        (DELIVER_SM, b"", "deliver_sm_resp", 0x01),
        (DELIVER_SM, b"\0", "deliver_sm_resp", 0x01),
        (DELIVER_SM, b"\0\1\1" + b"4" * 10, "deliver_sm_resp", 0x01),
        (DELIVER_SM, WHOLE[:30], "deliver_sm_resp", 0x01),
        (DELIVER_SM, WHOLE[:-1], "deliver_sm_resp", 0x01),
        (DELIVER_SM, WHOLE + b"\0", "deliver_sm_resp", 0xC0),
        (DELIVER_SM, WHOLE + b"\0\x1e\0", "deliver_sm_resp", 0xC0),
        (DELIVER_SM, WHOLE + b"\0\x1e\0\5abc", "deliver_sm_resp", 0xC2),
        (DELIVER_SM, WHOLE + b"\0\x1e\xff\xffabc", "deliver_sm_resp", 0xC2),
        (DATA_SM, b"", "data_sm_resp", 0x01),
        (DATA_SM, DATA + b"\4\x24\0\5abc", "data_sm_resp", 0xC2),
        (0x0BEEF, b"whatever", "generic_nack", 0x03),
        (0x7FFFFFFF, b"", "generic_nack", 0x03),
        (0, b"", "generic_nack", 0x03),
        (0x04, WHOLE, "generic_nack", 0x03),
        (0x0B, b"smsc\0secret\0", "generic_nack", 0x03),
        (0x21, b"\0\0\0", "generic_nack", 0x03),
        (0x09, b"me\0\0\0\x34\0\0\0", "bind_transceiver_resp", 0x05),
        (0x02, b"", "bind_transmitter_resp", None),
        (ENQUIRE_LINK, b"what for", "enquire_link_resp", 0),
    ],
)
async def test_a_malformed_request_is_answered_and_the_session_goes_on(
    command: int, body: bytes, answer: str, status: int | None
) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        good = deliver_sm(12, RECEIPT.format(2))
        await smsc.write(a_pdu(command, 11, body) + good)
        answered = await smsc.answered(answer, 11)
        if status is not None:
            assert answered.status == status
        assert (await smsc.answered("deliver_sm_resp", 12)).status == 0
        assert [receipt.carrier_id for receipt in esme.listener.stored] == ["2"]
        assert (await esme.submit()).kind is ACCEPTED
        assert len(await smsc.all("bind_transceiver")) == 1
        assert smsc.errors == []


@pytest.mark.parametrize(
    ("command", "body"),
    [
        (0x102, b"\1\1436641234567\0\0\0\0"),  # alert_notification has no answer
        (0x102, b""),
        (0x80000006, b""),
        (0x80000000, b""),
        (0x80000005, b"garbage without an end"),
        (0x80000004, b"garbage without an end"),
        (0x80000103, b"id\0\0\x1e\xff"),
        (0x8000BEEF, b"\xff" * 40),
        (0x80000009, b""),
    ],
)
async def test_an_answer_to_nothing_is_not_answered_and_the_session_goes_on(
    command: int, body: bytes
) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.write(a_pdu(command, 0x5EED, body))
        await smsc.barrier()
        assert [pdu.command for pdu in smsc.pdus] == ["bind_transceiver", "enquire_link_resp"]
        assert (await esme.submit()).kind is ACCEPTED


@pytest.mark.parametrize("sequence", [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
async def test_any_sequence_number_of_the_carrier_is_given_back(sequence: int) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc):
        await smsc.write(deliver_sm(sequence, RECEIPT.format(1)))
        assert (await smsc.answered("deliver_sm_resp", sequence)).status == 0


@pytest.mark.parametrize(
    ("body", "carrier_id"),
    [
        (b"", ""),
        (b"\0", ""),
        (b"no end", "no end"),
        (b"12\0garbage", "12"),
        (b"12\0\0\x1e\0\x0934", "12"),
        (b"12\0" + tlv(0x1401, b"of a vendor"), "12"),
        (b"\xe9\xff\0", "éÿ"),
        (b"x" * 64 + b"\0", "x" * 64),
    ],
)
async def test_an_acceptance_with_whatever_body_is_one(body: bytes, carrier_id: str) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.always("submit_sm", silent=True)
        task = esme.begin()
        (submit,) = await smsc.heard("submit_sm")
        await smsc.write(a_pdu(SUBMIT_SM_RESP, submit.sequence, body))
        (outcome,) = await done(task)
        assert (outcome.kind, outcome.carrier_ids) == (ACCEPTED, (carrier_id,))


@pytest.mark.parametrize(
    "data",
    [
        bytes(16),
        bytes.fromhex("00000004 80000004"),
        bytes.fromhex("0000000f 00000005 00000000 000000"),
        bytes.fromhex("00011171 00000005 00000000 00000001"),
        bytes.fromhex("ffffffff 00000005 00000000 00000001"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
async def test_an_impossible_length_is_answered_and_ends_the_connection(data: bytes) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=2) as esme:
        await smsc.always("submit_sm", silent=True)
        tasks = [esme.begin() for _ in range(3)]
        await smsc.heard("submit_sm", 2)
        # What comes before counts, what comes after does not.
        before, after = deliver_sm(1, RECEIPT.format(1)), deliver_sm(2, RECEIPT.format(2))
        await smsc.write(before + data + after)
        (nack,) = await smsc.heard("generic_nack")
        assert (nack.session, nack.status) == (1, 0x02)
        assert kinds(await done(*tasks)) == [UNKNOWN, UNKNOWN, NOT_SENT]
        await smsc.always("submit_sm")
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        assert (await esme.submit()).kind is ACCEPTED
        assert [receipt.carrier_id for receipt in esme.listener.stored] == ["1"]


async def test_something_else_than_an_smsc_is_tried_again() -> None:
    async with NodeSmsc() as smsc:
        await smsc.always("bind_transceiver", silent=True)
        async with an_esme(smsc, bound=False) as esme:
            await smsc.heard("bind_transceiver")
            await smsc.always("bind_transceiver")
            await smsc.write(b"220 mail.example.com ESMTP\r\n")
            await smsc.heard("bind_transceiver", 2)
            await esme.until_able()


async def test_half_a_pdu_before_the_end_is_no_pdu() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.write(deliver_sm(1, RECEIPT.format(1))[:-5])
        await smsc.cut("fin")
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        # Nothing of it is left to begin the next connection with.
        await smsc.write(deliver_sm(2, RECEIPT.format(2)), session=2)
        assert (await smsc.answered("deliver_sm_resp", 2)).status == 0
        assert [receipt.carrier_id for receipt in esme.listener.stored] == ["2"]


# Mutated traffic

# Of each of three seeds.
_MUTANTS = 34_000 if os.environ.get("SMSGATE_SOAK") == "1" else 2_000


def mutants(generator: random.Random, count: int) -> Iterator[bytes]:
    """Requests with some octets changed, added or lost; their lengths are right, and none of them
    ends the session or answers a submit.
    """
    models = [
        deliver_sm(1, RECEIPT.format(1)),
        deliver_sm(1, "", tlvs=tlv(0x001E, b"77\0") + tlv(0x0427, b"\2")),
        deliver_sm(1, "Hello", esm_class=0),
        a_pdu(DATA_SM, 1, DATA + tlv(0x0424, RECEIPT.format(1).encode())),
        a_pdu(ENQUIRE_LINK, 1),
        a_pdu(0x102, 1, b"\1\1436641234567\0\0\0\0"),
    ]
    for number in range(count):
        model = generator.choice(models)
        command, body = model[4:8], bytearray(model[16:])
        for _ in range(generator.randint(0, 4)):
            mutate(generator, body)
        if generator.random() < 0.1:
            command = bytes((generator.choice((0, 0, 0x80)), generator.randrange(1, 256), 0, 0))
        status = generator.choice((0, 0, 0, generator.getrandbits(32)))
        yield a_pdu(int.from_bytes(command, "big"), 0x40000000 + number, bytes(body), status)


def batched(pdus: Iterable[bytes], count: int) -> Iterator[bytes]:
    """So many of them in one piece."""
    pdus = iter(pdus)
    while piece := b"".join(itertools.islice(pdus, count)):
        yield piece


def mutate(generator: random.Random, body: bytearray) -> None:
    at = generator.randrange(len(body) + 1)
    match generator.randrange(4):
        case 0:
            body[at : at + 1] = bytes((generator.randrange(256),))
        case 1:
            body[at:at] = generator.randbytes(generator.randint(1, 8))
        case 2:
            del body[at : at + generator.randint(1, 8)]
        case _:
            body[at:] = b""


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
async def test_mutated_traffic_harms_neither_session_nor_receipts_nor_submits(seed: int) -> None:
    generator = random.Random(seed)
    outside = asyncio.all_tasks()
    async with NodeSmsc() as smsc, an_esme(smsc, window=5) as esme:
        idle = asyncio.all_tasks()
        tasks = [esme.begin() for _ in range(50)]
        good = {}
        for number, mutant in enumerate(batched(mutants(generator, _MUTANTS), 20), start=1):
            good[number] = f"good-{number}"
            await smsc.write(mutant + deliver_sm(number, RECEIPT.format(good[number])))
        outcomes = await done(*tasks)
        assert set(kinds(outcomes)) == {ACCEPTED}
        for sequence in good:
            assert (await smsc.answered("deliver_sm_resp", sequence)).status == 0
        stored = [receipt.carrier_id for receipt in esme.listener.stored]
        assert [i for i in stored if i.startswith("good-")] == list(good.values())
        await smsc.barrier()
        assert len(await smsc.all("bind_transceiver")) == 1
        assert smsc.errors == []
        assert asyncio.all_tasks() == idle
    assert asyncio.all_tasks() == outside


async def answer_with(smsc: NodeSmsc, tasks: list[Task], make: Callable[[Heard], bytes]) -> None:
    """Answer each submit with what `make` makes for it, until all have their outcomes."""

    def over() -> bool:
        return all(task.done() for task in tasks)

    for task in tasks:
        task.add_done_callback(lambda _: smsc.change())
    answered = 0
    while not over():
        await smsc.until(lambda seen=answered: len(smsc.seen("submit_sm")) > seen or over())
        for submit in (await smsc.all("submit_sm"))[answered:]:
            answered += 1
            await smsc.write(make(submit), session=submit.session)


@pytest.mark.parametrize("seed", range(3))
async def test_mutated_answers_mean_what_their_status_says(seed: int) -> None:
    generator = random.Random(seed)
    statuses = [generator.choice((0, 0, 0x0B, 0x64, 0x4FF)) for _ in range(200)]

    def answer(submit: Heard) -> bytes:
        body = bytearray(b"node-1\0" + tlv(0x001E, b"77\0"))
        for _ in range(generator.randint(1, 4)):
            mutate(generator, body)
        return a_pdu(SUBMIT_SM_RESP, submit.sequence, bytes(body), statuses[int(submit.text)])

    async with NodeSmsc() as smsc, an_esme(smsc, window=20) as esme:
        await smsc.always("submit_sm", silent=True)
        tasks = [esme.begin(a_text(str(number))) for number in range(200)]
        await answer_with(smsc, tasks, answer)
        expected = [REFUSED if status else ACCEPTED for status in statuses]
        assert kinds(await done(*tasks)) == expected
        assert len(await smsc.all("bind_transceiver")) == 1


@pytest.mark.parametrize("seed", range(5))
async def test_answers_in_shreds_leave_no_submit_without_an_outcome(seed: int) -> None:
    generator = random.Random(seed)

    def answer(submit: Heard) -> bytes:
        pdu = bytearray(a_pdu(SUBMIT_SM_RESP, submit.sequence, b"node-1\0"))
        if generator.random() < 0.2:
            mutate(generator, pdu)
        return bytes(pdu)

    async with NodeSmsc() as smsc, an_esme(smsc, window=20, response_seconds=0.3) as esme:
        await smsc.always("submit_sm", silent=True)
        tasks = [esme.begin() for _ in range(40)]
        await answer_with(smsc, tasks, answer)
        await done(*tasks)
        await smsc.always("submit_sm")
        # If the framing is lost, it takes a new bind; and that comes.
        async with asyncio.timeout(GUARD_SECONDS):
            while (await esme.submit()).kind is not ACCEPTED:
                await esme.until_able()
