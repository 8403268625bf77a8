"""Submits and their answers with node-smpp: window, pace, order, and every way to be answered."""

import asyncio
import random
from typing import Any

import pytest
from tests.acceptance.esme_setup import (
    ACCEPTED,
    GUARD_SECONDS,
    NOT_SENT,
    REFUSED,
    UNKNOWN,
    Esme,
    Heard,
    NodeSmsc,
    a_pdu,
    a_text,
    an_esme,
    done,
    kinds,
)

from smsgate_server.carriers.smpp import client
from smsgate_server.carriers.smpp.codes import MAX_SEQUENCE
from smsgate_server.domain.message import Reason

# All that SMPP 3.4 and 5.0 define, but for those that have to do with speed.
STATUSES = [
    *(0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F),
    *(0x11, 0x13, 0x15, 0x33, 0x34, 0x40, 0x42, 0x43, 0x44, 0x45, 0x48, 0x49, 0x50, 0x51),
    *(0x53, 0x54, 0x55, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0xC0, 0xC1, 0xC2, 0xC3),
    *(0xC4, 0xFE, 0xFF, *range(0x100, 0x113)),
]
# A trouble of the carrier or of the bind, not of the message.
PASSING = {0x04, 0x08, 0x64}
VENDOR = [0x400, 0x401, 0x410, 0x4FF, 0x500, 0x10000, 0x7FFFFFFF, 0x80000001, 0xFFFFFFFF]
TOO_FAST = [0x14, 0x58]


def id_of(number: int) -> dict[str, Any]:
    return {"fields": {"message_id": f"id-{number}"}}


def numbered(count: int) -> list[Any]:
    """Messages whose texts are 0, 1, 2 …"""
    return [a_text(str(number)) for number in range(count)]


async def open_submits(esme: Esme, smsc: NodeSmsc, count: int) -> tuple[Any, list[Heard]]:
    """Tasks of submits that are written and have no answer."""
    await smsc.always("submit_sm", silent=True)
    tasks = [esme.begin(message) for message in numbered(count)]
    written = await smsc.heard("submit_sm", count)
    await smsc.always("submit_sm")
    return tasks, written


# The window


async def test_no_more_submits_are_under_way_than_the_window_allows() -> None:
    generator = random.Random(7)
    async with NodeSmsc() as smsc, an_esme(smsc, window=7) as esme:
        delays = [{"delay": generator.choice((0, 1, 2, 5))} for _ in range(400)]
        await smsc.expect("submit_sm", *delays)
        outcomes = await done(*(esme.begin() for _ in range(400)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        assert len({outcome.carrier_ids for outcome in outcomes}) == 400
        submits = await smsc.heard("submit_sm", 400)
        assert max(submit.open for submit in submits) == 7


async def test_a_full_window_opens_with_each_answer_by_one() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=3) as esme:
        await smsc.always("submit_sm", silent=True)
        tasks = [esme.begin(message) for message in numbered(6)]
        await smsc.heard("submit_sm", 3)
        for count in range(3, 6):
            await smsc.barrier()
            written = await smsc.all("submit_sm")
            assert [submit.text for submit in written] == [str(n) for n in range(count)]
            await smsc.answer(written[count - 3])
            await smsc.heard("submit_sm", count + 1)
        for submit in (await smsc.all("submit_sm"))[3:]:
            await smsc.answer(submit)
        assert kinds(await done(*tasks)) == [ACCEPTED] * 6


async def test_as_many_messages_are_taken_as_can_be_written_and_again_as_many() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=5) as esme:
        assert esme.carrier.places() == 10
        tasks, written = await open_submits(esme, smsc, 5)
        assert esme.carrier.places() == 5
        for submit in written:
            await smsc.answer(submit)
        await done(*tasks)
        assert esme.carrier.places() == 10


async def test_a_submit_that_is_not_answered_keeps_its_place() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=3) as esme:
        esme.hurry(response_seconds=0.2)
        await smsc.expect("submit_sm", {"silent": True}, {"silent": True})
        lost = [esme.begin(), esme.begin()]
        assert kinds(await done(*lost)) == [UNKNOWN] * 2
        esme.hurry(response_seconds=GUARD_SECONDS)
        await smsc.always("submit_sm", delay=2)
        outcomes = await done(*(esme.begin() for _ in range(30)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        submits = await smsc.heard("submit_sm", 32)
        assert {submit.open for submit in submits[2:]} == {3}
        assert {submit.session for submit in submits} == {1}
        assert esme.carrier.health.under_way == 2


async def test_late_answers_give_their_places_back_and_are_told() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=2) as esme:
        esme.hurry(response_seconds=0.1)
        for number in range(3):
            await smsc.expect("submit_sm", {"silent": True})
            outcome = await esme.submit()
            assert (outcome.kind, outcome.code) == (UNKNOWN, "no answer in time")
            submits = await smsc.heard("submit_sm", number + 1)
            await smsc.answer(submits[-1], **id_of(number))
            await esme.listener.until(lambda seen=number: len(esme.listener.late) > seen)
            _, late = esme.listener.late[-1]
            assert (late.kind, late.carrier_ids) == (ACCEPTED, (f"id-{number}",))
            assert late.accepted == 1
            assert esme.carrier.health.under_way == 0
        assert esme.carrier.health.counts.late_answers == 3
        assert len(await smsc.all("bind_transceiver")) == 1


async def test_a_late_refusal_frees_the_place_and_says_nothing_of_acceptance() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=2) as esme:
        esme.hurry(response_seconds=0.2)
        await smsc.expect("submit_sm", {"silent": True})
        assert kinds(await done(esme.begin())) == [UNKNOWN]
        await smsc.answer((await smsc.all("submit_sm"))[0], status=0x0B)
        await smsc.barrier()
        assert esme.listener.late == []
        assert esme.carrier.health.under_way == 0


async def test_a_window_full_of_submits_without_answers_is_given_up_for_a_new_bind() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=2) as esme:
        esme.hurry(response_seconds=0.2)
        await smsc.always("submit_sm", silent=True)
        tasks = [esme.begin() for _ in range(3)]
        assert kinds(await done(*tasks)) == [UNKNOWN, UNKNOWN, NOT_SENT]
        await smsc.always("submit_sm")
        await smsc.heard("bind_transceiver", 2)
        await esme.until_able()
        assert (await esme.submit()).kind is ACCEPTED
        assert len(await smsc.heard("submit_sm", 3)) == 3


async def test_submits_are_no_faster_than_the_carrier_allows() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, tps=100, window=50) as esme:
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcomes = await done(*(esme.begin() for _ in range(40)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        # A tenth of a second's worth may go at once.
        assert loop.time() - began >= 0.3 - 0.01


# Answers


async def test_answers_out_of_order_each_settle_their_own_submit() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=20) as esme:
        tasks, written = await open_submits(esme, smsc, 20)
        random.Random(3).shuffle(written)
        for submit in written:
            await smsc.answer(submit, **id_of(int(submit.text)))
        outcomes = await done(*tasks)
        assert [o.carrier_ids for o in outcomes] == [(f"id-{n}",) for n in range(20)]


async def test_an_answer_that_comes_twice_counts_once() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=3) as esme:
        await smsc.always("submit_sm", times=2, delay=2)
        outcomes = await done(*(esme.begin() for _ in range(50)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        submits = await smsc.heard("submit_sm", 50)
        assert max(submit.open for submit in submits) <= 3
        await smsc.barrier()
        health = esme.carrier.health
        assert (health.under_way, health.counts.strays) == (0, 50)


async def test_an_answer_with_a_number_that_was_never_used_changes_nothing() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=1) as esme:
        await smsc.expect("submit_sm", {"shift": 1000} | id_of(1), {"shift": -1} | id_of(2))
        first, second = esme.begin(), esme.begin()
        await smsc.heard("submit_sm")
        await smsc.barrier()
        assert not first.done()
        # The place is taken still.
        assert len(await smsc.all("submit_sm")) == 1
        await smsc.answer((await smsc.all("submit_sm"))[0], **id_of(3))
        await smsc.heard("submit_sm", 2)
        await smsc.barrier()
        assert not second.done()
        await smsc.answer((await smsc.all("submit_sm"))[1], **id_of(4))
        outcomes = await done(first, second)
        assert [outcome.carrier_ids for outcome in outcomes] == [("id-3",), ("id-4",)]


async def test_an_answer_to_another_command_with_the_number_of_a_submit_changes_nothing() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        (task,), (submit,) = await open_submits(esme, smsc, 1)
        number = submit.sequence.to_bytes(4, "big")
        for command in ("80000005", "80000015", "80000009", "80000103", "80000021"):
            await smsc.write(bytes.fromhex(f"00000010{command}00000000") + number)
        await smsc.barrier()
        assert not task.done()
        await smsc.answer(submit)
        assert kinds(await done(task)) == [ACCEPTED]


async def test_an_answer_without_a_body_accepts_without_an_id() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        (task,), (submit,) = await open_submits(esme, smsc, 1)
        await smsc.write(
            bytes.fromhex("000000108000000400000000") + submit.sequence.to_bytes(4, "big")
        )
        (outcome,) = await done(task)
        assert (outcome.kind, outcome.carrier_ids, outcome.accepted) == (ACCEPTED, ("",), 1)


@pytest.mark.parametrize("body", [False, True], ids=["without body", "with body"])
@pytest.mark.parametrize("statuses", [STATUSES, VENDOR], ids=["of SMPP", "of vendors"])
async def test_every_status_but_0_is_a_refusal_that_keeps_its_code(
    statuses: list[int], body: bool
) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        refusals = [{"status": status, "body": body} for status in statuses]
        await smsc.expect("submit_sm", *refusals)
        outcomes = await done(*(esme.begin() for _ in statuses))
        for status, outcome in zip(statuses, outcomes, strict=True):
            assert outcome.kind is REFUSED
            assert outcome.code == f"0x{status:08X}"
            assert outcome.temporary == (status in PASSING)
            # An id that comes with a refusal is none.
            assert (outcome.carrier_ids, outcome.accepted) == (("",), 0)
        assert (await esme.submit()).kind is ACCEPTED
        heard = await smsc.heard("submit_sm", len(statuses) + 1)
        assert {submit.session for submit in heard} == {1}


async def test_a_carrier_can_have_other_statuses_that_pass() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, try_later={0x45, 0xFF, 0x410}) as esme:
        await smsc.expect("submit_sm", *({"status": s} for s in (0x45, 0xFF, 0x410, 0x08)))
        outcomes = await done(*(esme.begin() for _ in range(4)))
        assert [outcome.temporary for outcome in outcomes] == [True, True, True, False]


@pytest.mark.parametrize("status", [0, 0x01, 0x02, 0x03, 0xFF, 0x400])
async def test_a_generic_nack_is_a_refusal(status: int) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.expect("submit_sm", {"nack": True, "status": status})
        outcome = await esme.submit()
        assert (outcome.kind, outcome.temporary) == (REFUSED, False)
        assert outcome.code == f"0x{status:08X}"
        assert (await esme.submit()).kind is ACCEPTED


# Too fast


@pytest.mark.parametrize("status", TOO_FAST)
@pytest.mark.parametrize("nack", [False, True], ids=["answer", "nack"])
async def test_what_is_throttled_is_accepted_in_the_end(status: int, nack: bool) -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, tps=200, window=10) as esme:
        tasks, written = await open_submits(esme, smsc, 10)
        tasks += [esme.begin(message) for message in numbered(20)]
        command = 0x80000000 if nack else 0x80000004
        # One burst, however slow the machine is.
        await smsc.write(b"".join(a_pdu(command, s.sequence, status=status) for s in written))
        await esme.listener.until(lambda: esme.carrier.health.counts.throttled == 10)
        # Halved once for all of it.
        assert 100 <= esme.carrier.health.rate < 200
        assert set(kinds(await done(*tasks))) == {ACCEPTED}
        assert esme.carrier.health.counts.throttled == 10
        assert len(await smsc.heard("submit_sm", 40)) == 40


async def test_what_is_throttled_keeps_its_place_before_what_the_carrier_has_not_seen() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, tps=200, window=4) as esme:
        tasks, written = await open_submits(esme, smsc, 4)
        tasks += [esme.begin(message) for message in [a_text("new"), a_text("newest")]]
        await smsc.always("submit_sm", silent=True)
        for submit in written:
            await smsc.answer(submit, status=0x58)
        again = (await smsc.heard("submit_sm", 8))[4:]
        assert [submit.text for submit in again] == ["0", "1", "2", "3"]
        await smsc.always("submit_sm")
        for submit in again:
            await smsc.answer(submit)
        assert kinds(await done(*tasks)) == [ACCEPTED] * 6
        last = (await smsc.heard("submit_sm", 10))[8:]
        assert [submit.text for submit in last] == ["new", "newest"]


async def test_a_carrier_without_a_limit_that_throttles_gets_less_and_then_all_again() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=10) as esme:
        assert esme.carrier.health.rate == float("inf")
        await smsc.expect("submit_sm", *([{"status": 0x58}] * 3))
        outcomes = await done(*(esme.begin() for _ in range(10)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        assert 5 <= esme.carrier.health.rate < 1000


async def test_who_is_throttled_for_too_long_is_to_come_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_THROTTLED_SECONDS", 0.05)
    async with NodeSmsc() as smsc, an_esme(smsc, tps=1000) as esme:
        await smsc.always("submit_sm", status=0x58)
        outcome = await esme.submit()
        assert (outcome.kind, outcome.temporary) == (REFUSED, True)
        assert outcome.code == "0x00000058"
        assert len(await smsc.heard("submit_sm", 2)) == 2


async def test_a_message_that_alone_is_throttled_slows_nobody_down_and_comes_again_later() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, tps=1000, window=5) as esme:
        await smsc.always("submit_sm", silent=True)
        unwanted = esme.begin(a_text("unwanted"))
        written = 1
        for number in range(4):
            await smsc.heard("submit_sm", written)
            if number:
                # Another one is taken meanwhile.
                other = esme.begin(a_text("other"))
                await smsc.answer((await smsc.heard("submit_sm", written + 1))[-1])
                assert kinds(await done(other)) == [ACCEPTED]
            rate = esme.carrier.health.rate
            again = [s for s in (await smsc.all("submit_sm")) if s.text == "unwanted"]
            assert len(again) == number + 1
            await smsc.answer(again[-1], status=0x58)
            count = number + 1
            await esme.listener.until(lambda n=count: esme.carrier.health.counts.throttled == n)
            # The first time nobody can know what it is about.
            assert (esme.carrier.health.rate < rate) == (number == 0)
            written = len(await smsc.all("submit_sm")) if number == 3 else 2 * number + 2
        (outcome,) = await done(unwanted)
        assert (outcome.kind, outcome.temporary, outcome.code) == (REFUSED, True, "0x00000058")
        assert len(await smsc.all("submit_sm")) == 7


async def test_a_vendors_status_stands_for_the_reason_that_is_set() -> None:
    errors = {"0x00000411": "UNKNOWN_SUBSCRIBER"}
    async with NodeSmsc() as smsc, an_esme(smsc, errors=errors) as esme:
        await smsc.expect("submit_sm", {"status": 0x411}, {"status": 0x412})
        mapped, plain = await esme.submit(), await esme.submit()
        assert (mapped.kind, mapped.code) == (REFUSED, "0x00000411")
        assert mapped.reason is Reason.UNKNOWN_SUBSCRIBER
        assert (plain.code, plain.reason) == ("0x00000412", Reason.UNSPECIFIED)


# Whoever waited has gone


async def test_a_cancelled_submit_reports_its_answer_all_the_same() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        tasks, written = await open_submits(esme, smsc, 3)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await smsc.answer(written[0], **id_of(0))
        await smsc.answer(written[1], status=0x0B)
        await smsc.cut("fin")
        await esme.listener.until(lambda: len(esme.listener.late) == 3)
        outcomes = [outcome for _, outcome in esme.listener.late]
        assert kinds(outcomes) == [ACCEPTED, REFUSED, UNKNOWN]
        assert outcomes[0].carrier_ids == ("id-0",)
        claims = [claim.message.text for claim, _ in esme.listener.late]
        assert claims == ["0", "1", "2"]


async def test_a_submit_that_is_cancelled_before_it_is_written_tells_that_too() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=1) as esme:
        _, _ = await open_submits(esme, smsc, 1)
        waiting = esme.begin(a_text("waiting"))
        await smsc.barrier()
        waiting.cancel()
        await asyncio.wait([waiting])
        await smsc.cut("fin")
        await esme.listener.until(lambda: esme.listener.late)
        ((claim, outcome),) = esme.listener.late
        assert (claim.message.text, outcome.kind) == ("waiting", NOT_SENT)


# Numbers


async def test_sequence_numbers_begin_again_after_the_last() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=4) as esme:
        (task,), (submit,) = await open_submits(esme, smsc, 1)
        assert submit.sequence == 2
        # The only way there but 2^31 submits.
        connection = esme.carrier._bindings[0].connection
        assert connection is not None
        connection.session._sequence = MAX_SEQUENCE - 2
        outcomes = await done(*(esme.begin() for _ in range(6)))
        assert set(kinds(outcomes)) == {ACCEPTED}
        sequences = [pdu.sequence for pdu in (await smsc.heard("submit_sm", 7))[1:]]
        # 2 is open still.
        assert sequences == [MAX_SEQUENCE - 1, MAX_SEQUENCE, 1, 3, 4, 5]
        await smsc.answer(submit)
        assert kinds(await done(task)) == [ACCEPTED]


# Messages of several parts

LONG = "a" * 153 + "b" * 153 + "c" * 50


async def test_a_long_message_is_accepted_once_all_its_parts_are() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.always("submit_sm", silent=True)
        task = esme.begin(a_text(LONG))
        first, second, third = await smsc.heard("submit_sm", 3)
        await smsc.answer(third, **id_of(3))
        await smsc.answer(first, **id_of(1))
        await smsc.barrier()
        assert not task.done()
        await smsc.answer(second, **id_of(2))
        (outcome,) = await done(task)
        assert (outcome.kind, outcome.carrier_ids) == (ACCEPTED, ("id-1", "id-2", "id-3"))
        assert (outcome.accepted, outcome.awaited) == (0b111, 0b111)


async def test_after_the_refusal_of_a_part_the_rest_is_not_sent() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=1) as esme:
        await smsc.expect("submit_sm", id_of(1), {"status": 0x0B})
        outcome = await esme.submit(a_text(LONG))
        assert (outcome.kind, outcome.temporary, outcome.code) == (REFUSED, False, "0x0000000B")
        assert (outcome.accepted, outcome.carrier_ids) == (0b001, ("id-1", "", ""))
        await smsc.barrier()
        assert len(await smsc.all("submit_sm")) == 2


async def test_a_later_attempt_sends_only_the_parts_that_the_carrier_does_not_have() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        message = a_text(LONG)
        await smsc.expect("submit_sm", id_of(1), {"status": 0x64}, id_of(3))
        first = await esme.submit(message)
        assert (first.kind, first.temporary, first.accepted) == (REFUSED, True, 0b101)
        await smsc.expect("submit_sm", id_of(2))
        second = await esme.submit(message, accepted=first.accepted, reference=first.reference)
        assert (second.kind, second.accepted) == (ACCEPTED, 0b010)
        assert second.carrier_ids == ("", "id-2", "")
        parts = await smsc.heard("submit_sm", 4)
        assert parts[3].header == parts[1].header
        assert parts[3].text == parts[1].text == "b" * 153


async def test_a_connection_lost_between_the_parts_tells_which_were_taken() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc, window=2) as esme:
        await smsc.expect("submit_sm", id_of(1), {"silent": True}, {"silent": True, "cut": "fin"})
        outcome = await esme.submit(a_text(LONG))
        assert (outcome.kind, outcome.accepted) == (UNKNOWN, 0b001)
        assert outcome.carrier_ids == ("id-1", "", "")


async def test_a_late_answer_to_a_part_names_that_part() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        esme.hurry(response_seconds=0.2)
        await smsc.expect("submit_sm", id_of(1), {"silent": True}, id_of(3))
        outcome = await esme.submit(a_text(LONG))
        assert (outcome.kind, outcome.accepted) == (UNKNOWN, 0b101)
        await smsc.answer((await smsc.all("submit_sm"))[1], **id_of(2))
        await esme.listener.until(lambda: esme.listener.late)
        ((_, late),) = esme.listener.late
        assert (late.kind, late.accepted, late.carrier_ids) == (ACCEPTED, 0b010, ("", "id-2", ""))


async def test_of_a_part_that_is_lost_beside_one_that_is_refused_nobody_knows() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.expect("submit_sm", {"silent": True}, {"status": 0x0B}, {"silent": True})
        submit = esme.begin(a_text(LONG))
        await smsc.heard("submit_sm", 3)
        await smsc.barrier()
        await smsc.cut("fin")
        (outcome,) = await done(submit)
        assert (outcome.kind, outcome.temporary, outcome.accepted) == (REFUSED, False, 0)
        assert outcome.in_doubt


async def test_one_id_for_all_parts_is_the_id_of_each() -> None:
    async with NodeSmsc() as smsc, an_esme(smsc) as esme:
        await smsc.always("submit_sm", **id_of(1))
        outcome = await esme.submit(a_text(LONG))
        assert (outcome.kind, outcome.carrier_ids) == (ACCEPTED, ("id-1",) * 3)
        assert (outcome.accepted, outcome.awaited) == (0b111, 0b111)
