"""What every store promises of receipts: each finds its part, in whatever writing, or is kept."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from tests.builders import (
    ACCOUNT,
    CARRIER,
    OTHER_RECIPIENT,
    RECIPIENT,
    T0,
    a_receipt,
    a_result,
    accepted,
    an_acceptance,
    an_entry,
    days,
    hours,
    minutes,
    seconds,
    some_horizons,
    unknown,
)

from smsgate_server.domain.carrier_ids import MOST_KEPT, REPORTED_WITHIN
from smsgate_server.domain.delivery import EXPIRY_GRACE, OutcomeKind, Receipt, SubmitOutcome
from smsgate_server.domain.message import Message, Reason, Status, UnknownSubmit
from smsgate_server.services.ports import Acceptance, Claim, Store

LATER = T0 + minutes(1)

# One number, as carriers write it.
_NUMBER = 0x1A2B3C4D
_DECIMAL = ("439041101", "0439041101", "00000439041101")
_HEXADECIMAL = ("1a2b3c4d", "1A2B3C4D", "1A2b3C4d", "000000001A2B3C4D")


async def _accept(store: Store, **overrides: Any) -> Message:
    stored = await store.accept(an_acceptance(**overrides))
    message = stored.entries[0].message
    assert message is not None
    return message


async def _claim(store: Store, now: datetime = T0) -> Claim:
    (claim,) = (await store.claim_due(now, 100)).claims
    return claim


async def _submit(
    store: Store, *carrier_ids: str, carrier: str = CARRIER, **overrides: Any
) -> Message:
    """A message that a carrier has accepted under these ids, one per segment."""
    await _accept(store, segments=len(carrier_ids), **overrides)
    claim = await _claim(store, overrides.get("create_time", T0))
    when = claim.message.create_time + seconds(1)
    result = a_result(claim, accepted(*carrier_ids), carrier=carrier, time=when)
    await store.record_submits([result])
    return await _now(store, claim.message)


async def _now(store: Store, message: Message) -> Message:
    found = await store.get(message.account, message.id)
    assert found is not None
    return found


async def _status(store: Store, message: Message) -> Status:
    return (await _now(store, message)).status


async def _statuses(store: Store, *messages: Message) -> list[Status]:
    return [await _status(store, message) for message in messages]


async def _late(store: Store, message: Message) -> list[Status | None]:
    history = await store.history(message.account, message.id)
    return [event.late_status for event in history if event.late]


async def _report(store: Store, *receipts: Receipt, now: datetime = LATER) -> None:
    await store.record_receipts(receipts, now)


async def _kept(store: Store) -> int:
    """How many receipts are kept; this forgets them."""
    kept = 0
    while step := (await store.prune(some_horizons(orphans=T0 + days(3650))))["orphans"]:
        kept += step
    return kept


def _to(recipient: str = RECIPIENT, **overrides: Any) -> dict[str, Any]:
    return {"recipient": recipient} | overrides


# Any writing


@pytest.mark.parametrize("answered", [*_DECIMAL, *_HEXADECIMAL])
@pytest.mark.parametrize("reported", [*_DECIMAL, *_HEXADECIMAL])
async def test_a_receipt_finds_its_message_in_whatever_writing(
    store: Store, answered: str, reported: str
) -> None:
    message = await _submit(store, answered)
    await _report(store, a_receipt(reported, **_to()))
    assert await _status(store, message) is Status.DELIVERED


@pytest.mark.parametrize("answered", [*_DECIMAL, *_HEXADECIMAL])
@pytest.mark.parametrize("reported", [*_DECIMAL, *_HEXADECIMAL])
async def test_a_receipt_that_came_first_is_found_in_whatever_writing(
    store: Store, answered: str, reported: str
) -> None:
    await _report(store, a_receipt(reported, **_to()))
    message = await _submit(store, answered)
    assert await _status(store, message) is Status.DELIVERED
    assert await _kept(store) == 0


@pytest.mark.parametrize("writing", ["c-1", "C-1", "00C-1"])
async def test_neither_case_nor_leading_zeros_need_a_recipient(store: Store, writing: str) -> None:
    message = await _submit(store, "c-1")
    await _report(store, a_receipt(writing))
    assert await _status(store, message) is Status.DELIVERED


@pytest.mark.parametrize(("answered", "reported"), [("ff", "255"), ("255", "FF"), ("255", "00ff")])
async def test_another_base_needs_the_recipient(store: Store, answered: str, reported: str) -> None:
    message = await _submit(store, answered)
    await _report(store, a_receipt(reported), a_receipt(reported, **_to(OTHER_RECIPIENT)))
    assert await _status(store, message) is Status.PENDING
    await _report(store, a_receipt(reported, **_to()))
    assert await _status(store, message) is Status.DELIVERED


async def test_the_very_id_comes_before_others_whichever_is_newer(store: Store) -> None:
    writings = ("255", "0255", "ff")
    for order in (writings, writings[::-1]):
        messages = {writing: await _submit(store, writing) for writing in order}
        for writing in writings:
            await _report(store, a_receipt(writing, **_to()))
            others = [m for w, m in messages.items() if w == writing]
            assert await _statuses(store, *others) == [Status.DELIVERED]
        assert await _statuses(store, *messages.values()) == [Status.DELIVERED] * 3


async def test_an_exact_id_is_not_read_in_another_base(store: Store) -> None:
    message = await _submit(store, "ff")
    await _report(store, a_receipt("255", **_to(exact_id=True)))
    assert await _status(store, message) is Status.PENDING
    await _report(store, a_receipt("00FF", **_to(exact_id=True)))
    assert await _status(store, message) is Status.DELIVERED


async def test_a_kept_exact_id_is_not_read_in_another_base_either(store: Store) -> None:
    await _report(store, a_receipt("255", **_to(exact_id=True)))
    message = await _submit(store, "ff")
    assert await _status(store, message) is Status.PENDING
    right = await _submit(store, "0255")
    assert await _statuses(store, message, right) == [Status.PENDING, Status.DELIVERED]
    assert await _kept(store) == 0


@pytest.mark.parametrize(
    "carrier_id", ["0", "0000", "x" * 64, "a'b\"c", "%_", "\u00fc\u00dc", "9" * 40, "f" * 40]
)
async def test_whatever_a_carrier_calls_an_id_is_one(store: Store, carrier_id: str) -> None:
    message = await _submit(store, carrier_id)
    await _report(store, a_receipt(carrier_id))
    assert await _status(store, message) is Status.DELIVERED


# Two messages and one id


async def test_two_carriers_may_use_the_same_id(store: Store) -> None:
    first = await _submit(store, "c1", carrier="one")
    second = await _submit(store, "c1", carrier="two")
    await _report(store, a_receipt("c1", Status.REJECTED, carrier="one"))
    assert await _statuses(store, first, second) == [Status.REJECTED, Status.PENDING]
    await _report(store, a_receipt("c1", carrier="two"))
    assert await _statuses(store, first, second) == [Status.REJECTED, Status.DELIVERED]


async def test_two_carriers_may_use_the_same_number_in_two_bases(store: Store) -> None:
    first = await _submit(store, "ff", carrier="one")
    second = await _submit(store, "255", carrier="two")
    await _report(store, a_receipt("255", Status.REJECTED, **_to(carrier="one")))
    assert await _statuses(store, first, second) == [Status.REJECTED, Status.PENDING]


async def test_a_kept_receipt_waits_for_its_carrier(store: Store) -> None:
    await _report(store, a_receipt("c1", carrier="two"))
    first = await _submit(store, "c1", carrier="one")
    second = await _submit(store, "c1", carrier="two")
    assert await _statuses(store, first, second) == [Status.PENDING, Status.DELIVERED]


@pytest.mark.parametrize("together", [False, True])
async def test_two_messages_with_one_id_are_told_apart_by_their_recipients(
    store: Store, together: bool
) -> None:
    first = await _submit(store, "c1", recipient=RECIPIENT)
    second = await _submit(store, "c1", recipient=OTHER_RECIPIENT)
    receipts = [
        a_receipt("c1", Status.EXPIRED, **_to(OTHER_RECIPIENT)),
        a_receipt("c1", **_to(RECIPIENT)),
    ]
    if together:
        await _report(store, *receipts)
    else:
        for receipt in receipts:
            await _report(store, receipt)
    assert await _statuses(store, first, second) == [Status.DELIVERED, Status.EXPIRED]


async def test_kept_receipts_with_one_id_are_told_apart_by_their_recipients(store: Store) -> None:
    await _report(
        store,
        a_receipt("c1", Status.EXPIRED, **_to(OTHER_RECIPIENT)),
        a_receipt("C1", **_to(RECIPIENT)),
    )
    first = await _submit(store, "c1", recipient=RECIPIENT)
    assert await _status(store, first) is Status.DELIVERED
    second = await _submit(store, "c1", recipient=OTHER_RECIPIENT)
    assert await _status(store, second) is Status.EXPIRED
    assert await _kept(store) == 0


@pytest.mark.parametrize(
    "told", ["436641234567", "00436641234567", "06641234567", "6641234567", "41234567"]
)
async def test_a_number_without_its_country_code_is_enough(store: Store, told: str) -> None:
    older = await _submit(store, "c1", recipient=RECIPIENT)
    newer = await _submit(store, "c1", recipient=OTHER_RECIPIENT)
    await _report(store, a_receipt("c1", **_to(told)))
    assert await _statuses(store, older, newer) == [Status.DELIVERED, Status.PENDING]


async def test_a_national_number_is_enough_for_another_base(store: Store) -> None:
    message = await _submit(store, "ff")
    await _report(store, a_receipt("255", **_to("06641234567")))
    assert await _status(store, message) is Status.DELIVERED


@pytest.mark.parametrize("told", ["234567", "ACME", "+6641234567", "436641234568"])
async def test_a_number_that_does_not_agree_keeps_the_receipt(store: Store, told: str) -> None:
    message = await _submit(store, "c1")
    await _report(store, a_receipt("c1", **_to(told)))
    assert await _status(store, message) is Status.PENDING
    assert await _kept(store) == 1


# Ids that are used again


async def test_of_messages_with_a_used_again_id_the_newest_is_meant(store: Store) -> None:
    messages = [await _submit(store, writing) for writing in ("c1", "c1", "c1")]
    await _report(store, a_receipt("c1"))
    assert await _statuses(store, *messages) == [Status.PENDING, Status.PENDING, Status.DELIVERED]


async def test_the_newest_is_meant_although_it_is_final(store: Store) -> None:
    old, new = await _submit(store, "c1"), await _submit(store, "c1")
    await _report(store, a_receipt("c1"))
    await _report(store, a_receipt("c1", Status.EXPIRED))
    assert await _statuses(store, old, new) == [Status.PENDING, Status.DELIVERED]
    assert await _late(store, new) == [Status.EXPIRED]


async def test_an_older_message_that_agrees_is_meant(store: Store) -> None:
    old = await _submit(store, "c1", recipient=OTHER_RECIPIENT)
    new = await _submit(store, "c1")
    await _report(store, a_receipt("c1", **_to(OTHER_RECIPIENT)))
    assert await _statuses(store, old, new) == [Status.DELIVERED, Status.PENDING]


_MANY = 5_000


async def _submit_many(store: Store, carrier_id: str, **overrides: Any) -> list[Message]:
    """To as many recipients, unless all are to go to one."""
    entries = [
        an_entry(**({"recipient": f"+4366412{number:05}"} | overrides)) for number in range(_MANY)
    ]
    stored = (await store.accept(Acceptance(entries))).entries
    for _ in range(0, _MANY, 1_000):
        claims = (await store.claim_due(T0, 1_000)).claims
        results = [a_result(c, accepted(carrier_id)) for c in claims]
        await store.record_submits(results)
    return [entry.message for entry in stored if entry.message is not None]


async def _seconds_to_report(store: Store, *receipts: Receipt) -> float:
    """Of the processor, for the quickest of a few, each by itself."""
    taken = []
    for receipt in receipts:
        began = time.process_time()
        await _report(store, receipt)
        taken.append(time.process_time() - began)
    return min(taken)


async def test_one_id_for_thousands_of_messages_costs_little_more_than_one_for_each(
    store: Store,
) -> None:
    same = (await _submit_many(store, "same"))[:: _MANY // 9]
    unique = [await _submit(store, f"unique-{n}") for n in range(9)]
    usual = await _seconds_to_report(
        store, *(a_receipt(f"unique-{n}", **_to(m.recipient)) for n, m in enumerate(unique))
    )
    # To load all that have such an id takes hundreds of times as long as to load one.
    receipts = [a_receipt("same", **_to(message.recipient)) for message in same]
    assert await _seconds_to_report(store, *receipts) < 60 * usual + 0.01
    assert set(await _statuses(store, *same)) == {Status.DELIVERED}


@pytest.mark.parametrize("told", ["", RECIPIENT])
async def test_of_thousands_of_messages_with_one_id_and_recipient_the_newest_is_meant(
    store: Store, told: str
) -> None:
    await _submit_many(store, "same", recipient=RECIPIENT)
    newest = await _submit(store, "same")
    for n in range(9):
        await _submit(store, f"unique-{n}")
    usual = await _seconds_to_report(store, *(a_receipt(f"unique-{n}") for n in range(9)))
    receipts = [a_receipt("same", code=str(n), **_to(told)) for n in range(9)]
    assert await _seconds_to_report(store, *receipts) < 60 * usual + 0.01
    assert await _status(store, newest) is Status.DELIVERED


async def test_a_final_message_is_not_reported_on_after_its_time(store: Store) -> None:
    message = await _submit(store, "c1")
    await _report(store, a_receipt("c1"))
    bound = message.expire_time + REPORTED_WITHIN
    await _report(store, a_receipt("c1", Status.EXPIRED), now=bound)
    assert await _late(store, message) == [Status.EXPIRED]
    await _report(store, a_receipt("c1", Status.REJECTED), now=bound + seconds(1))
    assert await _late(store, message) == [Status.EXPIRED]
    assert await _kept(store) == 1


async def test_then_its_id_is_that_of_the_message_that_has_it_next(store: Store) -> None:
    old = await _submit(store, "c1")
    await _report(store, a_receipt("c1"))
    again = old.expire_time + REPORTED_WITHIN + hours(1)
    # It comes before the answer: the old message must not take it.
    await _report(store, a_receipt("c1", Status.UNDELIVERABLE), now=again)
    new = await _submit(store, "c1", create_time=again)
    assert await _statuses(store, old, new) == [Status.DELIVERED, Status.UNDELIVERABLE]
    assert await _late(store, old) == []


async def test_a_message_that_is_not_final_is_reported_on_however_old_it_is(store: Store) -> None:
    message = await _submit(store, "c1")
    await _report(store, a_receipt("c1"), now=message.expire_time + REPORTED_WITHIN + hours(1))
    assert await _status(store, message) is Status.DELIVERED


async def test_what_expired_here_can_be_reported_late(store: Store) -> None:
    message = await _submit(store, "00ff")
    after = message.expire_time + EXPIRY_GRACE
    await store.expire_due(after, 10)
    await _report(store, a_receipt("255", **_to()), now=after + hours(1))
    assert await _status(store, message) is Status.EXPIRED
    assert await _late(store, message) == [Status.DELIVERED]


async def test_a_forgotten_id_is_unknown_again(store: Store) -> None:
    message = await _submit(store, "c1")
    await _report(store, a_receipt("c1"))
    while (await store.prune(some_horizons(parts=T0 + days(1))))["parts"]:
        pass
    await _report(store, a_receipt("c1", Status.EXPIRED))
    assert await _late(store, message) == []
    assert await _kept(store) == 1


# Parts of a long message


def _partly(*carrier_ids: str, **overrides: Any) -> SubmitOutcome:
    """The parts that have an id were taken; the others were refused for now."""
    taken = sum(1 << n for n, carrier_id in enumerate(carrier_ids) if carrier_id)
    values: dict[str, Any] = {
        "accepted": taken,
        "awaited": (1 << len(carrier_ids)) - 1,
        "reference": 7,
        "temporary": True,
    }
    return SubmitOutcome(OutcomeKind.REFUSED, carrier_ids, **(values | overrides))


def _the_rest(*carrier_ids: str, **overrides: Any) -> SubmitOutcome:
    taken = _partly(*carrier_ids, **overrides)
    return SubmitOutcome(
        OutcomeKind.ACCEPTED,
        taken.carrier_ids,
        accepted=taken.accepted,
        awaited=taken.awaited,
        reference=7,
    )


async def test_parts_taken_in_two_attempts_are_reported_each(store: Store) -> None:
    message = await _accept(store, segments=3)
    first = a_result(await _claim(store), _partly("c1", "", "c3"), retry_time=LATER)
    await store.record_submits([first])
    await _report(store, a_receipt("C3"))
    assert await _status(store, message) is Status.NEW
    second = await _claim(store, LATER)
    assert (second.accepted, second.reference, second.carrier) == (0b101, 7, CARRIER)
    await store.record_submits([a_result(second, _the_rest("", "c2", ""), time=LATER)])
    await _report(store, a_receipt("c1"))
    assert await _status(store, message) is Status.PENDING
    await _report(store, a_receipt("c2"))
    assert await _status(store, message) is Status.DELIVERED


async def test_a_part_that_fails_settles_a_message_of_which_the_rest_still_waits(
    store: Store,
) -> None:
    message = await _accept(store, segments=2)
    await store.record_submits([a_result(await _claim(store), _partly("c1", ""))])
    await _report(store, a_receipt("c1", Status.UNDELIVERABLE))
    assert await _status(store, message) is Status.UNDELIVERABLE
    assert not (await _now(store, message)).refunded
    claims = await store.claim_due(T0 + days(1), 10)
    assert (list(claims.claims), claims.next_due, store.backlog) == ([], None, 0)


async def test_kept_receipts_for_parts_take_effect_with_each_attempt(store: Store) -> None:
    message = await _accept(store, segments=2)
    await _report(store, a_receipt("16", **_to()), a_receipt("0011", **_to()))
    await store.record_submits([a_result(await _claim(store), _partly("10", ""))])
    assert await _status(store, message) is Status.NEW
    again = await _claim(store, T0 + hours(1))
    await store.record_submits([a_result(again, _the_rest("", "11"))])
    assert await _status(store, message) is Status.DELIVERED
    assert await _kept(store) == 0


@pytest.mark.parametrize(("awaited", "carrier_id"), [(0b001, "c1"), (0b100, "c3")])
async def test_one_receipt_can_stand_for_all_parts(
    store: Store, awaited: int, carrier_id: str
) -> None:
    message = await _accept(store, segments=3)
    outcome = _the_rest("c1", "c2", "c3", awaited=awaited)
    await store.record_submits([a_result(await _claim(store), outcome)])
    await _report(store, a_receipt("c2"))
    assert await _status(store, message) is Status.PENDING
    await _report(store, a_receipt(carrier_id))
    assert await _status(store, message) is Status.DELIVERED


async def test_but_not_while_the_rest_is_not_sent(store: Store) -> None:
    message = await _accept(store, segments=2)
    outcome = _partly("c1", "", awaited=0b01)
    await store.record_submits([a_result(await _claim(store), outcome)])
    await _report(store, a_receipt("c1"))
    assert await _status(store, message) is Status.NEW
    again = await _claim(store, T0 + hours(1))
    assert again.accepted == 0b01
    rest = a_result(again, _the_rest("", "c2", awaited=0b01), time=T0 + hours(1))
    await store.record_submits([rest])
    found = await _now(store, message)
    assert (found.status, found.final_time) == (Status.DELIVERED, T0 + hours(1))


async def test_a_repeat_of_that_receipt_changes_nothing(store: Store) -> None:
    message = await _accept(store, segments=2)
    outcome = _partly("c1", "", awaited=0b01)
    await store.record_submits([a_result(await _claim(store), outcome)])
    await _report(store, a_receipt("c1"), a_receipt("c1"))
    again = await _claim(store, T0 + hours(1))
    await store.record_submits([a_result(again, _the_rest("", "c2", awaited=0b01))])
    await _report(store, a_receipt("c1"))
    assert await _late(store, message) == []
    assert len(await store.history(ACCOUNT, message.id)) == 2


async def test_one_id_can_stand_for_all_parts(store: Store) -> None:
    message = await _accept(store, segments=3)
    outcome = SubmitOutcome(
        OutcomeKind.ACCEPTED, ("c1", "", ""), accepted=0b111, awaited=0b001, reference=7
    )
    await store.record_submits([a_result(await _claim(store), outcome)])
    await _report(store, a_receipt("c1"))
    assert await _status(store, message) is Status.DELIVERED


# Parts that have one id


def _namesakes(kind: OutcomeKind, *taken: int) -> SubmitOutcome:
    """Of three parts these were taken, all with the same id."""
    ids = tuple("all" if number in taken else "" for number in (1, 2, 3))
    bits = sum(1 << (number - 1) for number in taken)
    refused = kind is OutcomeKind.REFUSED
    return SubmitOutcome(
        kind, ids, accepted=bits, awaited=0b111, reference=7, temporary=refused, hold=not refused
    )


async def test_one_receipt_stands_for_all_parts_that_have_its_id(store: Store) -> None:
    message = await _submit(store, "all", "all", "all")
    await _report(store, a_receipt("ALL"))
    assert await _status(store, message) is Status.DELIVERED


@pytest.mark.parametrize("early", [False, True])
async def test_one_receipt_stands_for_the_parts_of_two_attempts(store: Store, early: bool) -> None:
    message = await _accept(store, segments=3)
    first = a_result(await _claim(store), _namesakes(OutcomeKind.REFUSED, 1, 3), retry_time=LATER)
    await store.record_submits([first])
    if early:
        await _report(store, a_receipt("all"))
        assert await _status(store, message) is Status.NEW
    second = await _claim(store, LATER)
    await store.record_submits([a_result(second, _namesakes(OutcomeKind.ACCEPTED, 2), time=LATER)])
    if not early:
        assert await _status(store, message) is Status.PENDING
        await _report(store, a_receipt("all"))
    assert await _status(store, message) is Status.DELIVERED


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("together", [False, True])
async def test_one_receipt_stands_for_a_part_that_was_answered_late(
    store: Store, early: bool, together: bool
) -> None:
    message = await _accept(store, segments=3)
    claim = await _claim(store)
    in_time = a_result(claim, _namesakes(OutcomeKind.UNKNOWN, 1, 3))
    late = a_result(claim, _namesakes(OutcomeKind.ACCEPTED, 2))
    if early and together:
        await _report(store, a_receipt("all"))
    await store.record_submits([in_time, late] if together else [in_time])
    if early and not together:
        await _report(store, a_receipt("all"))
    if not together:
        await store.record_submits([late])
    if not early:
        assert await _status(store, message) is Status.PENDING
        await _report(store, a_receipt("all"))
    assert await _status(store, message) is Status.DELIVERED


async def test_parts_with_two_ids_need_two_receipts(store: Store) -> None:
    message = await _submit(store, "one", "two", "one")
    await _report(store, a_receipt("one"))
    assert await _status(store, message) is Status.PENDING
    await _report(store, a_receipt("two"))
    assert await _status(store, message) is Status.DELIVERED


async def test_a_long_message_of_which_all_parts_have_one_id_is_delivered_though_others_have_it(
    store: Store,
) -> None:
    messages = [await _submit(store, *["all"] * 12) for _ in range(3)]
    await _report(store, a_receipt("all"), a_receipt("all", Status.EXPIRED, **_to()))
    assert await _statuses(store, *messages) == [Status.PENDING, Status.PENDING, Status.DELIVERED]


# Late answers


async def _held(store: Store, **overrides: Any) -> Claim:
    await _accept(store, **overrides)
    claim = await _claim(store)
    await store.record_submits([a_result(claim, unknown())])
    assert (await _now(store, claim.message)).reason is Reason.SUBMIT_OUTCOME_UNKNOWN
    return claim


async def test_the_late_answer_to_a_held_message_brings_its_id(store: Store) -> None:
    claim = await _held(store)
    await store.record_submits([a_result(claim, accepted("00FF"))])
    await _report(store, a_receipt("255", **_to()))
    assert await _status(store, claim.message) is Status.DELIVERED


@pytest.mark.parametrize("kept", ["c1", "C1", "00c1", "193"])
async def test_a_kept_receipt_takes_effect_with_a_late_answer(store: Store, kept: str) -> None:
    claim = await _held(store)
    await _report(store, a_receipt(kept, **_to()))
    assert await _status(store, claim.message) is Status.PENDING
    await store.record_submits([a_result(claim, accepted("c1"), time=T0 + hours(1))])
    found = await _now(store, claim.message)
    assert (found.status, found.final_time) == (Status.DELIVERED, T0 + hours(1))
    assert await _kept(store) == 0


async def test_late_answers_to_parts_bring_their_ids_one_by_one(store: Store) -> None:
    claim = await _held(store, segments=2)
    await _report(store, a_receipt("c1"), a_receipt("c2"))
    await store.record_submits([a_result(claim, _the_rest("", "c2"))])
    assert await _status(store, claim.message) is Status.PENDING
    await store.record_submits([a_result(claim, _the_rest("c1", ""))])
    assert await _status(store, claim.message) is Status.DELIVERED


async def test_a_late_answer_to_an_earlier_attempt_brings_its_id_too(store: Store) -> None:
    message = await _accept(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    first = await _claim(store)
    await store.record_submits([a_result(first, unknown(), retry_time=LATER)])
    await _report(store, a_receipt("255", **_to()))
    second = await _claim(store, LATER)
    await store.record_submits([a_result(first, accepted("ff"), time=LATER)])
    assert await _status(store, message) is Status.DELIVERED
    await store.record_submits([a_result(second, accepted("100"), time=LATER)])
    await _report(store, a_receipt("256", code="second", **_to()), now=T0 + hours(1))
    assert await _status(store, message) is Status.DELIVERED
    assert await _late(store, message) == [Status.DELIVERED]


async def test_a_late_answer_in_time_makes_another_attempt_needless(store: Store) -> None:
    message = await _accept(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    claim = await _claim(store)
    await store.record_submits([a_result(claim, unknown(), retry_time=LATER)])
    assert store.backlog == 1
    await store.record_submits([a_result(claim, accepted("c1"))])
    assert (await _now(store, message)).reason is Reason.SUBMITTED
    claims = await store.claim_due(T0 + days(1), 10)
    assert (list(claims.claims), claims.next_due, store.backlog) == ([], None, 0)
    await _report(store, a_receipt("c1"))
    assert await _status(store, message) is Status.DELIVERED


async def test_a_late_answer_to_a_message_that_expired_brings_its_id(store: Store) -> None:
    claim = await _held(store)
    after = claim.message.expire_time + EXPIRY_GRACE
    await store.expire_due(after, 10)
    await _report(store, a_receipt("c1"), now=after)
    await store.record_submits([a_result(claim, accepted("c1"), time=after + hours(1))])
    assert await _status(store, claim.message) is Status.EXPIRED
    assert await _late(store, claim.message) == [Status.DELIVERED]


# Many at once

_FLOOD = 10_000
# Far more than it takes, far less than a cost that grows with the square would.
_FLOOD_SECONDS = 20.0

_Id = Callable[[int], str]
_FLOODS: Mapping[str, _Id] = {
    "decimal": lambda n: str(10**9 + n),
    "hexadecimal": lambda n: f"{2**40 + n:X}",
    "names": lambda n: f"smsc-{n}",
    "one id": lambda n: "c1",
}


@pytest.mark.parametrize("kind", _FLOODS)
async def test_a_flood_of_receipts_for_unknown_ids_is_kept_in_bounded_time(
    store: Store, kind: str
) -> None:
    write = _FLOODS[kind]
    bystander = await _submit(store, "bystander")
    flood = [a_receipt(write(n), code=str(n), **_to(OTHER_RECIPIENT)) for n in range(_FLOOD)]
    began = time.monotonic()
    await asyncio.gather(
        *(store.record_receipts(flood[n : n + 500], T0) for n in range(0, _FLOOD, 500))
    )
    await _report(store, a_receipt("bystander"))
    assert time.monotonic() - began < _FLOOD_SECONDS
    assert await _status(store, bystander) is Status.DELIVERED
    assert await _kept(store) == _FLOOD


async def test_after_a_flood_each_receipt_still_finds_its_message(store: Store) -> None:
    chance = random.Random(5)
    numbers = chance.sample(range(2**32), _FLOOD)
    wanted = chance.sample(numbers, 300)
    flood = [a_receipt(str(n), **_to(f"+4366{n:011}")) for n in numbers]
    await _report(store, *flood)
    began = time.monotonic()
    messages = await _submit_all(store, [(f"{n:08X}", f"+4366{n:011}") for n in wanted])
    assert time.monotonic() - began < _FLOOD_SECONDS
    assert set(await _statuses(store, *messages)) == {Status.DELIVERED}
    assert await _kept(store) == _FLOOD - len(wanted)


async def _seconds_to_take(store: Store, wanted: Sequence[tuple[str, str]]) -> float:
    """Of the processor, for the quickest of a carrier's answers, each an id and a recipient."""
    taken = []
    for carrier_id, recipient in wanted:
        await _accept(store, recipient=recipient)
        claim = await _claim(store)
        began = time.process_time()
        await store.record_submits([a_result(claim, accepted(carrier_id), time=LATER)])
        taken.append(time.process_time() - began)
    return min(taken)


async def test_thousands_of_kept_receipts_with_one_id_cost_a_message_little(store: Store) -> None:
    flood = [a_receipt("c1", code=str(n), **_to(f"+4366{n:011}")) for n in range(_FLOOD)]
    await _report(store, *flood)
    recipients = [f"+4366{n:011}" for n in range(0, _FLOOD, _FLOOD // 9)]
    usual = await _seconds_to_take(store, [(f"unique-{n}", RECIPIENT) for n in range(9)])
    # To look for messages of all of them takes hundreds of times as long as for one.
    taken = await _seconds_to_take(store, [("c1", recipient) for recipient in recipients])
    assert taken < 60 * usual + 0.02
    assert await _kept(store) == _FLOOD - len(recipients)


@pytest.mark.parametrize("told", ["", RECIPIENT])
async def test_of_thousands_of_kept_receipts_that_a_message_can_mean_the_newest_are_taken(
    store: Store, told: str
) -> None:
    await _report(store, *(a_receipt("c1", code=str(n), **_to(told)) for n in range(_FLOOD)))
    message = await _submit(store, "c1")
    history = await store.history(message.account, message.id)
    assert message.status is Status.DELIVERED
    codes = [event.carrier_code for event in history[2:]]
    assert codes == [str(n) for n in range(_FLOOD - MOST_KEPT, _FLOOD)]
    assert await _kept(store) == _FLOOD - MOST_KEPT


async def test_a_flood_of_receipts_that_were_applied_before_changes_nothing(store: Store) -> None:
    messages = await _submit_all(store, [(f"c{n}", RECIPIENT) for n in range(300)])
    receipts = [a_receipt(f"c{n}", code="000", **_to()) for n in range(300)]
    await _report(store, *receipts)
    head = store.bounds.head
    began = time.monotonic()
    for _ in range(10):
        await _report(store, *receipts, *receipts[::-1], now=T0 + hours(1))
    assert time.monotonic() - began < _FLOOD_SECONDS
    assert store.bounds.head == head
    assert set(await _statuses(store, *messages)) == {Status.DELIVERED}
    assert await _kept(store) == 0


async def _submit_all(store: Store, wanted: Sequence[tuple[str, str]]) -> list[Message]:
    """Messages with these ids and recipients, taken by a carrier all at once."""
    messages = [await _accept(store, recipient=recipient) for _, recipient in wanted]
    ids = {m.seq: carrier_id for m, (carrier_id, _) in zip(messages, wanted, strict=True)}
    claims = (await store.claim_due(T0, len(wanted))).claims
    await store.record_submits([a_result(c, accepted(ids[c.message.seq])) for c in claims])
    return messages
