"""What every store promises: each sentence of the port, and each rule that stores must share."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from tests.builders import (
    ACCOUNT,
    OTHER_RECIPIENT,
    RECIPIENT,
    T0,
    a_message,
    a_receipt,
    a_request_key,
    a_result,
    accepted,
    an_acceptance,
    an_entry,
    days,
    due_at_once,
    hours,
    ids_of,
    minutes,
    not_sent,
    refused,
    seconds,
    some_horizons,
    unknown,
)
from tests.conformance.conftest import Medium

from smsgate_server.domain.delivery import EXPIRY_GRACE, SubmitOutcome
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import (
    MAX_VALIDITY,
    Encoding,
    Message,
    Price,
    PriceStatus,
    Reason,
    Status,
    StatusEvent,
    UnknownSubmit,
)
from smsgate_server.services.ports import (
    Acceptance,
    Accepted,
    Claim,
    Entry,
    Horizons,
    Store,
)

EVERYTHING = MessageFilter(account=ACCOUNT)

# How many times 900 messages lie between two that a filter wants. A page examines a bounded number.
_BULKS = 50 if os.environ.get("SMSGATE_SOAK") == "1" else 1


async def _accept(store: Store, **overrides: object) -> Message:
    stored = await store.accept(an_acceptance(**overrides))
    return _messages(stored)[0]


def _messages(stored: Accepted) -> list[Message]:
    return [entry.message for entry in stored.entries if entry.message is not None]


async def _claim(store: Store, now: datetime = T0) -> Claim:
    claims = (await store.claim_due(now, 100)).claims
    assert len(claims) == 1
    return claims[0]


async def _submit(store: Store, *carrier_ids: str, **overrides: object) -> Message:
    """A message that a carrier has accepted under these ids, one per segment."""
    await _accept(store, segments=len(carrier_ids), **overrides)
    claim = await _claim(store)
    await store.record_submits([a_result(claim, accepted(*carrier_ids))])
    return await _now(store, claim.message)


async def _now(store: Store, message: Message) -> Message:
    found = await store.get(message.account, message.id)
    assert found is not None
    return found


async def _story(store: Store, message: Message) -> list[tuple[Status, Reason]]:
    """What happened to a message after NEW, late receipts not counted."""
    history = await store.history(message.account, message.id)
    return [(event.to_status, event.reason) for event in history[1:] if not event.late]


async def _late(store: Store, message: Message) -> list[Status | None]:
    history = await store.history(message.account, message.id)
    return [event.late_status for event in history if event.late]


async def _log(store: Store, after: int = 0, limit: int = 100) -> list[StatusEvent]:
    """The log to its end, piece by piece."""
    events: list[StatusEvent] = []
    while after < store.bounds.head:
        page = await store.read_log(after, limit)
        assert page.position > after
        events += page.events
        after = page.position
    return events


async def _pages(store: Store, wanted: MessageFilter, limit: int = 100) -> list[Message]:
    """Every page of a list."""
    page = await store.page(wanted, 0, limit)
    found = list(page.messages)
    while page.before:
        page = await store.page(wanted, page.before, limit)
        assert len(page.messages) <= limit
        found += page.messages
    return found


async def _prune(store: Store, horizons: Horizons) -> int:
    """Forget until nothing is left to be forgotten."""
    forgotten = 0
    while step := sum((await store.prune(horizons)).values()):
        forgotten += step
    return forgotten


async def _settled(store: Store, *carrier_ids: str, **overrides: object) -> Message:
    """A message that was delivered two seconds after T0."""
    message = await _submit(store, *carrier_ids, **overrides)
    await store.record_receipts([a_receipt(i) for i in carrier_ids], T0 + seconds(2))
    return await _now(store, message)


# Identity and beginnings


async def test_a_store_has_an_identity_of_eight_bytes(store: Store) -> None:
    assert len(store.identity) == 8


async def test_two_stores_have_different_identities(
    medium: Medium, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = medium.make(tmp_path / "other")
    await other.open()
    assert other.identity != store.identity
    await other.close()


async def test_an_empty_store_has_an_empty_log(store: Store) -> None:
    assert (store.bounds.earliest, store.bounds.head, store.backlog) == (0, 0, 0)
    page = await store.read_log(0, 10)
    assert (list(page.events), page.position) == ([], 0)


async def test_an_empty_store_has_nothing_to_list_or_to_do(store: Store) -> None:
    page = await store.page(EVERYTHING, 0, 10)
    assert (list(page.messages), page.before, page.position) == ([], 0, 0)
    claims = await store.claim_due(T0, 10)
    assert (list(claims.claims), claims.next_due) == ([], None)
    assert await store.expire_due(T0, 10) == 0
    assert await store.recover(T0) == 0
    assert await store.position_at(T0) == 0


# Acceptance


async def test_an_accepted_message_is_stored_with_its_new_event(store: Store) -> None:
    given = a_message()
    stored = await store.accept(Acceptance([Entry(given)]))
    assert stored.entries[0].message == replace(given, seq=1, last_seq=1)
    assert await store.get(ACCOUNT, given.id) == stored.entries[0].message
    (event,) = await store.history(ACCOUNT, given.id)
    assert (event.seq, event.from_status, event.to_status) == (1, None, Status.NEW)
    assert (event.reason, event.event_time) == (Reason.ACCEPTED, given.create_time)


async def test_a_message_comes_back_as_it_was_given(store: Store) -> None:
    given = a_message(
        sender="+436600000000",
        text="Grüße \U0001f680\n\t'\"",
        encoding=Encoding.UCS2,
        characters=9,
        segments=3,
        substituted_characters=2,
        price=Price(PriceStatus.DISPUTED, "EUR", 45_600, 136_800, 7),
        batch_id="batch-1",
        client_reference="order 66",
        labels={"team": "billing", "ünï": "cödé", "empty": ""},
        on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE,
        verification_id="verification-1",
        schedule_time=T0 + minutes(5) + seconds(0.000001),
        expire_time=T0 + hours(3),
    )
    await store.accept(Acceptance([Entry(given)]))
    found = await store.get(ACCOUNT, given.id)
    assert found == replace(given, seq=1, last_seq=1)
    assert found.schedule_time is not None
    assert found.schedule_time.utcoffset() == seconds(0)


async def test_a_scheduled_message_says_so_in_its_first_event(store: Store) -> None:
    message = await _accept(store, schedule_time=T0 + hours(1))
    (event,) = await store.history(ACCOUNT, message.id)
    assert (event.reason, event.event_time) == (Reason.SCHEDULED, T0)


async def test_messages_of_one_acceptance_are_neighbours_in_the_order_given(store: Store) -> None:
    await _accept(store)
    acceptance = an_acceptance(3)
    stored = await store.accept(acceptance)
    assert ids_of(_messages(stored)) == [entry.message.id for entry in acceptance.entries]
    assert [message.seq for message in _messages(stored)] == [2, 3, 4]


async def test_the_position_of_an_acceptance_parts_new_from_what_follows(store: Store) -> None:
    stored = await store.accept(an_acceptance(3))
    await store.cancel(ACCOUNT, _messages(stored)[0].id, T0)
    events = await _log(store)
    assert [e.to_status for e in events if e.seq <= stored.position] == [Status.NEW] * 3
    assert [e.to_status for e in events if e.seq > stored.position] == [Status.REJECTED]


async def test_an_acceptance_of_nothing_stores_nothing(store: Store) -> None:
    stored = await store.accept(Acceptance([]))
    assert (list(stored.entries), stored.position, stored.replayed) == ([], 0, False)
    assert store.bounds.head == 0


async def test_a_first_acceptance_is_no_repeat_and_no_conflict(store: Store) -> None:
    stored = await store.accept(an_acceptance(request=a_request_key()))
    assert (stored.replayed, stored.conflict) == (False, False)
    assert not stored.entries[0].replayed


# Repeated requests


async def test_a_repeated_request_id_returns_the_first_message(store: Store) -> None:
    first = await store.accept(an_acceptance(request=a_request_key()))
    again = await store.accept(an_acceptance(request=a_request_key()))
    assert (again.replayed, again.conflict) == (True, False)
    assert _messages(again) == _messages(first)
    assert again.entries[0].replayed
    assert store.bounds.head == 1


async def test_a_repeated_batch_returns_all_its_messages_in_order(store: Store) -> None:
    first = await store.accept(an_acceptance(5, a_request_key(), batch_id="b"))
    again = await store.accept(an_acceptance(5, a_request_key(), batch_id="b"))
    assert _messages(again) == _messages(first)
    assert [m.batch_id for m in _messages(again)] == ["b"] * 5


async def test_a_repeat_returns_messages_as_they_are_now(store: Store) -> None:
    await store.accept(an_acceptance(request=a_request_key()))
    claim = await _claim(store)
    await store.record_submits([a_result(claim, accepted("c1"))])
    again = await store.accept(an_acceptance(request=a_request_key()))
    assert [message.status for message in _messages(again)] == [Status.PENDING]
    assert again.position == store.bounds.head == 2


async def test_a_repeat_tells_again_what_was_refused(store: Store) -> None:
    await store.accept(an_acceptance(2, a_request_key(), refused="item 3: no such country"))
    again = await store.accept(an_acceptance(2, a_request_key()))
    assert again.refused == "item 3: no such country"


async def test_a_request_that_stored_nothing_is_remembered_too(store: Store) -> None:
    await store.accept(Acceptance([], a_request_key(), "everything"))
    again = await store.accept(Acceptance([], a_request_key()))
    assert (again.replayed, list(again.entries), again.refused) == (True, [], "everything")


async def test_a_request_id_used_for_something_else_stores_nothing(store: Store) -> None:
    await store.accept(an_acceptance(request=a_request_key()))
    other = a_request_key(fingerprint=b"fingerprint-2")
    stored = await store.accept(an_acceptance(request=other))
    assert (stored.conflict, stored.replayed, list(stored.entries)) == (True, False, [])
    assert store.bounds.head == 1
    assert store.backlog == 1


async def test_a_conflict_does_not_disturb_the_first_request(store: Store) -> None:
    first = await store.accept(an_acceptance(request=a_request_key()))
    await store.accept(an_acceptance(request=a_request_key(fingerprint=b"fingerprint-2")))
    again = await store.accept(an_acceptance(request=a_request_key()))
    assert _messages(again) == _messages(first)


@pytest.mark.parametrize("other", [{"account": "other"}, {"method": "SendBatch"}])
async def test_request_ids_of_other_accounts_and_methods_are_other_requests(
    store: Store, other: dict[str, str]
) -> None:
    await store.accept(an_acceptance(request=a_request_key()))
    stored = await store.accept(an_acceptance(request=a_request_key(**other)))
    assert (stored.replayed, stored.conflict) == (False, False)
    assert store.bounds.head == 2


async def test_the_parts_of_a_request_key_do_not_run_together(store: Store) -> None:
    keys = [a_request_key("c", method="ab"), a_request_key("bc", method="a")]
    for key in keys:
        assert not (await store.accept(an_acceptance(request=key))).replayed


async def test_an_entry_with_a_seen_key_returns_the_first_message(store: Store) -> None:
    key = a_request_key()
    first = await store.accept(Acceptance([an_entry(key)]))
    again = await store.accept(Acceptance([an_entry(), an_entry(key)]))
    assert [entry.replayed for entry in again.entries] == [False, True]
    assert again.entries[1].message == first.entries[0].message
    assert not again.replayed
    assert store.bounds.head == 2


async def test_an_entry_with_a_seen_key_returns_the_message_as_it_is_now(store: Store) -> None:
    key = a_request_key()
    first = await store.accept(Acceptance([an_entry(key)]))
    await store.cancel(ACCOUNT, _messages(first)[0].id, T0)
    again = await store.accept(Acceptance([an_entry(key)]))
    assert _messages(again)[0].status is Status.REJECTED


async def test_an_entry_with_a_key_used_for_something_else_is_left_out(store: Store) -> None:
    await store.accept(Acceptance([an_entry(a_request_key())]))
    other = a_request_key(fingerprint=b"fingerprint-2")
    stored = await store.accept(Acceptance([an_entry(other), an_entry()]))
    assert (stored.entries[0].message, stored.entries[0].replayed) == (None, False)
    assert stored.entries[1].message is not None
    assert not stored.conflict
    assert store.bounds.head == 2


async def test_a_key_twice_in_one_acceptance_counts_as_seen(store: Store) -> None:
    key = a_request_key()
    other = a_request_key(fingerprint=b"fingerprint-2")
    stored = await store.accept(Acceptance([an_entry(key), an_entry(key), an_entry(other)]))
    assert [entry.replayed for entry in stored.entries] == [False, True, False]
    assert stored.entries[1].message == stored.entries[0].message
    assert stored.entries[2].message is None
    assert store.bounds.head == 1


async def test_hundreds_of_simultaneous_accepts_with_one_request_id_store_one_message(
    store: Store,
) -> None:
    acceptances = [an_acceptance(request=a_request_key()) for _ in range(300)]
    stored = await asyncio.gather(*(store.accept(a) for a in acceptances))
    assert sum(not accepted.replayed for accepted in stored) == 1
    assert len({_messages(accepted)[0].id for accepted in stored}) == 1
    assert store.bounds.head == 1


async def test_simultaneous_accepts_with_one_id_and_different_contents_store_one_message(
    store: Store,
) -> None:
    keys = [a_request_key(fingerprint=bytes([n])) for n in range(50)]
    stored = await asyncio.gather(*(store.accept(an_acceptance(request=k)) for k in keys))
    assert sum(accepted.conflict for accepted in stored) == 49
    assert store.bounds.head == 1


# Reading one message


async def test_an_unknown_id_is_nobody(store: Store) -> None:
    assert await store.get(ACCOUNT, "no-such-id") is None
    assert list(await store.history(ACCOUNT, "no-such-id")) == []
    assert (await store.cancel(ACCOUNT, "no-such-id", T0)).message is None


async def test_another_account_cannot_see_or_touch_a_message(store: Store) -> None:
    message = await _accept(store)
    assert await store.get("other", message.id) is None
    assert list(await store.history("other", message.id)) == []
    cancelled = await store.cancel("other", message.id, T0)
    assert (cancelled.message, cancelled.changed) == (None, False)
    assert await _now(store, message) == message
    assert await _pages(store, MessageFilter(account="other")) == []


async def test_a_history_has_all_events_oldest_first(store: Store) -> None:
    message = await _settled(store, "c1")
    await store.record_receipts([a_receipt("c1", Status.EXPIRED)], T0 + seconds(3))
    history = await store.history(ACCOUNT, message.id)
    assert [event.seq for event in history] == [1, 2, 3, 4]
    assert [(event.from_status, event.to_status, event.late) for event in history] == [
        (None, Status.NEW, False),
        (Status.NEW, Status.PENDING, False),
        (Status.PENDING, Status.DELIVERED, False),
        (Status.DELIVERED, Status.DELIVERED, True),
    ]
    assert {event.message.id for event in history} == {message.id}


async def test_a_message_is_what_its_events_made_of_it(store: Store) -> None:
    given = a_message(segments=2)
    await store.accept(Acceptance([Entry(given)]))
    await store.record_submits([a_result(await _claim(store), accepted("c1", "c2"))])
    receipt = a_receipt("c2", Status.UNDELIVERABLE, code="011", carrier_time=T0)
    await store.record_receipts([a_receipt("c1"), receipt, a_receipt("c2")], T0 + minutes(1))
    folded = replace(given, seq=1, last_seq=1)
    for event in (await store.history(ACCOUNT, given.id))[1:]:
        folded = folded.after(event)
    assert await _now(store, given) == folded
    assert folded.status is Status.UNDELIVERABLE


async def test_the_log_and_the_history_tell_the_same(store: Store) -> None:
    message = await _settled(store, "c1", "c2", labels={"team": "billing"})
    await store.record_receipts([a_receipt("c1", Status.REJECTED)], T0 + minutes(1))
    log = [replace(e, message=message) for e in await _log(store)]
    history = await store.history(ACCOUNT, message.id)
    assert log == [replace(e, message=message) for e in history]


async def test_events_carry_what_never_changes_of_their_message(store: Store) -> None:
    await _settled(store, "c1", labels={"team": "billing"}, batch_id="b", country="DE")
    for event in await _log(store):
        assert event.message.account == ACCOUNT
        assert event.message.labels == {"team": "billing"}
        assert (event.message.batch_id, event.message.country) == ("b", "DE")
        assert event.message.recipient == RECIPIENT


# Claiming


async def test_a_due_message_is_claimed_once(store: Store) -> None:
    message = await _accept(store)
    first = await store.claim_due(T0, 10)
    assert [(claim.message.id, claim.attempt) for claim in first.claims] == [(message.id, 1)]
    second = await store.claim_due(T0 + hours(1), 10)
    assert (list(second.claims), second.next_due) == ([], None)


async def test_a_claim_is_no_event(store: Store) -> None:
    message = await _accept(store)
    await _claim(store)
    assert store.bounds.head == 1
    assert await _now(store, message) == message


async def test_claims_are_oldest_due_first(store: Store) -> None:
    for n in (3, 1, 2):
        await _accept(store, create_time=T0 + minutes(n), client_reference=str(n))
    claims = (await store.claim_due(T0 + hours(1), 10)).claims
    assert [claim.message.client_reference for claim in claims] == ["1", "2", "3"]


async def test_no_more_is_claimed_than_asked_for(store: Store) -> None:
    await store.accept(an_acceptance(5))
    first = await store.claim_due(T0, 2)
    assert [claim.message.seq for claim in first.claims] == [1, 2]
    assert first.next_due == due_at_once(store)
    rest = await store.claim_due(T0, 10)
    assert [claim.message.seq for claim in rest.claims] == [3, 4, 5]
    assert rest.next_due is None


async def test_a_scheduled_message_is_not_due_before_its_time(store: Store) -> None:
    later = T0 + hours(1)
    await _accept(store, schedule_time=later)
    early = await store.claim_due(later - seconds(1), 10)
    assert (list(early.claims), early.next_due) == ([], later)
    assert (await _claim(store, later)).message.schedule_time == later


async def test_next_due_is_the_earliest_of_those_that_wait(store: Store) -> None:
    for n in (3, 1, 2):
        await _accept(store, schedule_time=T0 + hours(n))
    assert (await store.claim_due(T0, 10)).next_due == T0 + hours(1)
    assert (await store.claim_due(T0 + hours(1), 10)).next_due == T0 + hours(2)


async def test_a_message_past_its_validity_expires_instead_of_being_claimed(store: Store) -> None:
    message = await _accept(store, expire_time=T0 + minutes(1))
    now = T0 + minutes(1)
    assert list((await store.claim_due(now, 10)).claims) == []
    assert await _story(store, message) == [(Status.EXPIRED, Reason.VALIDITY_ELAPSED)]
    assert (await _now(store, message)).final_time == now


async def test_simultaneous_claims_share_the_work_and_never_a_message(store: Store) -> None:
    await store.accept(an_acceptance(60))
    shares = await asyncio.gather(*(store.claim_due(T0, 7) for _ in range(10)))
    seqs = [claim.message.seq for share in shares for claim in share.claims]
    assert sorted(seqs) == list(range(1, 61))


# The ends of a submit


async def test_an_accepted_submit_makes_a_message_pending(store: Store) -> None:
    message = await _submit(store, "c1")
    assert (message.status, message.reason) == (Status.PENDING, Reason.SUBMITTED)
    assert (message.sent_time, message.carrier) == (T0 + seconds(1), "sim")
    assert message.update_time == T0 + seconds(1)
    assert await _story(store, message) == [(Status.PENDING, Reason.SUBMITTED)]


async def test_a_refused_submit_rejects_a_message(store: Store) -> None:
    message = await _accept(store)
    await store.record_submits([a_result(await _claim(store), refused("ESME_RINVDSTADR"))])
    assert await _story(store, message) == [(Status.REJECTED, Reason.PROVIDER_REFUSED)]
    event = (await store.history(ACCOUNT, message.id))[-1]
    assert (event.carrier, event.carrier_code) == ("sim", "ESME_RINVDSTADR")
    assert (await _now(store, message)).sent_time is None


@pytest.mark.parametrize(
    "outcome", [not_sent(), refused("ESME_RTHROTTLED", temporary=True)], ids=["not sent", "busy"]
)
async def test_an_attempt_that_may_be_repeated_is_repeated_at_its_time(
    store: Store, outcome: SubmitOutcome
) -> None:
    message = await _accept(store)
    retry_time = T0 + minutes(2)
    await store.record_submits([a_result(await _claim(store), outcome, retry_time=retry_time)])
    early = await store.claim_due(retry_time - seconds(1), 10)
    assert (list(early.claims), early.next_due) == ([], retry_time)
    assert (await _claim(store, retry_time)).attempt == 2
    assert await _story(store, message) == []


async def test_a_message_is_not_tried_again_after_its_validity(store: Store) -> None:
    message = await _accept(store, expire_time=T0 + minutes(1))
    result = a_result(await _claim(store), not_sent(), retry_time=T0 + hours(1))
    await store.record_submits([result])
    claims = await store.claim_due(T0 + minutes(1), 10)
    assert list(claims.claims) == []
    assert await _story(store, message) == [(Status.EXPIRED, Reason.VALIDITY_ELAPSED)]


async def test_an_unknown_outcome_is_not_repeated_where_at_most_once_is_wanted(
    store: Store,
) -> None:
    message = await _accept(store, on_unknown_submit=UnknownSubmit.AT_MOST_ONCE)
    await store.record_submits([a_result(await _claim(store), unknown())])
    assert await _story(store, message) == [(Status.PENDING, Reason.SUBMIT_OUTCOME_UNKNOWN)]
    assert list((await store.claim_due(T0 + hours(1), 10)).claims) == []


async def test_an_unknown_outcome_is_repeated_where_at_least_once_is_wanted(store: Store) -> None:
    message = await _accept(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    await store.record_submits([a_result(await _claim(store), unknown())])
    assert (await _claim(store, T0 + hours(1))).attempt == 2
    assert await _story(store, message) == []


async def test_an_answer_to_an_attempt_that_is_not_the_current_one_means_nothing(
    store: Store,
) -> None:
    message = await _accept(store)
    first = await _claim(store)
    await store.record_submits([a_result(first, not_sent(), retry_time=T0 + seconds(1))])
    await _claim(store, T0 + seconds(1))
    await store.record_submits([a_result(first, refused())])
    assert await _story(store, message) == []


async def test_an_answer_that_is_recorded_twice_counts_once(store: Store) -> None:
    message = await _accept(store)
    result = a_result(await _claim(store), accepted("c1"))
    await store.record_submits([result, result])
    await store.record_submits([result])
    assert await _story(store, message) == [(Status.PENDING, Reason.SUBMITTED)]


async def test_the_ids_of_a_late_answer_are_known_all_the_same(store: Store) -> None:
    message = await _accept(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    first = await _claim(store)
    await store.record_submits([a_result(first, unknown(), retry_time=T0 + seconds(1))])
    await store.record_submits([a_result(await _claim(store, T0 + seconds(1)), accepted("c2"))])
    await store.record_submits([a_result(first, accepted("c1"))])
    await store.record_receipts([a_receipt("c1")], T0 + minutes(1))
    assert (await _now(store, message)).status is Status.DELIVERED


async def test_a_receipt_that_a_late_answer_brings_in_is_recorded_at_the_time_of_the_answer(
    store: Store,
) -> None:
    message = await _accept(store)
    claim = await _claim(store)
    await store.record_submits([a_result(claim, unknown())])
    await store.record_receipts([a_receipt("c1")], T0 + hours(1))
    await store.record_submits([a_result(claim, accepted("c1"), time=T0 + hours(2))])
    # Else the log would be out of order of time, by far more than two callers can differ.
    assert (await _now(store, message)).final_time == T0 + hours(2)


async def test_an_answer_about_no_message_is_ignored(store: Store) -> None:
    await _accept(store)
    result = a_result(await _claim(store), accepted("c1"), seq=77)
    await store.record_submits([result])
    assert store.bounds.head == 1


async def test_many_answers_are_recorded_together(store: Store) -> None:
    await store.accept(an_acceptance(4))
    outcomes = [accepted("c1"), refused(), unknown(), not_sent()]
    claims = (await store.claim_due(T0, 10)).claims
    await store.record_submits([a_result(c, o) for c, o in zip(claims, outcomes, strict=True)])
    assert [(await _now(store, claim.message)).status for claim in claims] == [
        Status.PENDING,
        Status.REJECTED,
        Status.PENDING,
        Status.NEW,
    ]


async def test_recording_nothing_changes_nothing(store: Store) -> None:
    await store.record_submits([])
    await store.record_receipts([], T0)
    assert store.bounds.head == 0


# Receipts


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.DELIVERED, Reason.HANDSET_RECEIPT),
        (Status.UNDELIVERABLE, Reason.NETWORK_RECEIPT),
        (Status.EXPIRED, Reason.NETWORK_RECEIPT),
        (Status.REJECTED, Reason.NETWORK_RECEIPT),
    ],
)
async def test_a_receipt_settles_a_message(store: Store, status: Status, reason: Reason) -> None:
    message = await _submit(store, "c1")
    receipt = a_receipt("c1", status, code="042", carrier_time=T0 + seconds(90))
    await store.record_receipts([receipt], T0 + minutes(2))
    found = await _now(store, message)
    assert (found.status, found.reason, found.final_time) == (status, reason, T0 + minutes(2))
    event = (await store.history(ACCOUNT, message.id))[-1]
    assert (event.carrier, event.carrier_code) == ("sim", "042")
    assert (event.carrier_time, event.segment) == (T0 + seconds(90), 0)


async def test_a_receipt_can_say_why(store: Store) -> None:
    message = await _submit(store, "c1")
    receipt = a_receipt("c1", Status.UNDELIVERABLE, reason=Reason.UNKNOWN_SUBSCRIBER)
    await store.record_receipts([receipt], T0 + minutes(1))
    assert (await _now(store, message)).reason is Reason.UNKNOWN_SUBSCRIBER


async def test_an_intermediate_receipt_changes_nothing_for_a_pending_message(store: Store) -> None:
    message = await _submit(store, "c1")
    await store.record_receipts([a_receipt("c1", Status.PENDING)], T0 + minutes(1))
    assert await _now(store, message) == message


async def test_a_receipt_for_one_carrier_is_not_for_another(store: Store) -> None:
    message = await _submit(store, "c1")
    await store.record_receipts([a_receipt("c1", carrier="elsewhere")], T0 + minutes(1))
    assert await _now(store, message) == message


async def test_a_receipt_settles_a_message_whose_submit_ended_unknown(store: Store) -> None:
    message = await _accept(store)
    claim = await _claim(store)
    await store.record_submits([a_result(claim, unknown())])
    await store.record_submits([a_result(claim, accepted("c1"))])
    await store.record_receipts([a_receipt("c1")], T0 + minutes(1))
    assert await _story(store, message) == [
        (Status.PENDING, Reason.SUBMIT_OUTCOME_UNKNOWN),
        (Status.DELIVERED, Reason.HANDSET_RECEIPT),
    ]


async def test_a_receipt_that_comes_before_the_submit_response_takes_effect_with_it(
    store: Store,
) -> None:
    message = await _accept(store)
    claim = await _claim(store)
    await store.record_receipts([a_receipt("c1")], T0 + seconds(1))
    assert await _story(store, message) == []
    await store.record_submits([a_result(claim, accepted("c1"), time=T0 + seconds(2))])
    assert await _story(store, message) == [
        (Status.PENDING, Reason.SUBMITTED),
        (Status.DELIVERED, Reason.HANDSET_RECEIPT),
    ]
    assert (await _now(store, message)).final_time == T0 + seconds(2)


async def test_a_receipt_that_was_kept_takes_effect_once(store: Store) -> None:
    message = await _accept(store)
    claim = await _claim(store)
    await store.record_receipts([a_receipt("c1"), a_receipt("c1")], T0)
    result = a_result(claim, accepted("c1"))
    await store.record_submits([result])
    await store.record_submits([result])
    assert len(await store.history(ACCOUNT, message.id)) == 3


async def test_receipts_that_were_kept_take_effect_in_the_order_they_came(store: Store) -> None:
    message = await _accept(store, segments=2)
    claim = await _claim(store)
    receipts = [a_receipt("c2"), a_receipt("c1", Status.UNDELIVERABLE)]
    await store.record_receipts(receipts, T0)
    await store.record_submits([a_result(claim, accepted("c1", "c2"))])
    assert (await _now(store, message)).reason is Reason.PARTIAL_DELIVERY


async def test_a_receipt_must_agree_with_the_recipient_if_it_names_one(store: Store) -> None:
    message = await _submit(store, "c1")
    await store.record_receipts([a_receipt("c1", recipient=OTHER_RECIPIENT)], T0 + minutes(1))
    assert await _now(store, message) == message
    await store.record_receipts([a_receipt("c1", recipient=RECIPIENT)], T0 + minutes(1))
    assert (await _now(store, message)).status is Status.DELIVERED


async def test_a_kept_receipt_waits_for_the_message_it_agrees_with(store: Store) -> None:
    first = await _accept(store)
    claim = await _claim(store)
    await store.record_receipts([a_receipt("c1", recipient=OTHER_RECIPIENT)], T0)
    await store.record_submits([a_result(claim, accepted("c1"))])
    assert (await _now(store, first)).status is Status.PENDING
    second = await _submit(store, "c1", recipient=OTHER_RECIPIENT)
    assert second.status is Status.DELIVERED
    assert (await _now(store, first)).status is Status.PENDING


async def test_of_messages_with_the_same_carrier_id_the_newest_is_meant(store: Store) -> None:
    old = await _submit(store, "c1")
    new = await _submit(store, "c1")
    await store.record_receipts([a_receipt("c1")], T0 + minutes(1))
    assert (await _now(store, old)).status is Status.PENDING
    assert (await _now(store, new)).status is Status.DELIVERED


async def test_of_messages_with_the_same_carrier_id_the_one_that_agrees_is_meant(
    store: Store,
) -> None:
    old = await _submit(store, "c1", recipient=OTHER_RECIPIENT)
    new = await _submit(store, "c1")
    await store.record_receipts([a_receipt("c1", recipient=OTHER_RECIPIENT)], T0 + minutes(1))
    assert (await _now(store, old)).status is Status.DELIVERED
    assert (await _now(store, new)).status is Status.PENDING


async def test_kept_receipts_find_their_message_among_answers_with_the_same_id(
    store: Store,
) -> None:
    first = await _accept(store, recipient=OTHER_RECIPIENT)
    second = await _accept(store)
    await store.record_receipts([a_receipt("c1", recipient=OTHER_RECIPIENT)], T0)
    claims = (await store.claim_due(T0, 10)).claims
    await store.record_submits([a_result(claim, accepted("c1")) for claim in claims])
    assert (await _now(store, first)).status is Status.DELIVERED
    assert (await _now(store, second)).status is Status.PENDING


async def test_a_segment_without_an_id_gets_no_receipts(store: Store) -> None:
    message = await _submit(store, "c1", "")
    await store.record_receipts([a_receipt("")], T0 + minutes(1))
    assert await _now(store, message) == message
    await store.record_receipts([a_receipt("c1", Status.UNDELIVERABLE)], T0 + minutes(1))
    assert (await _now(store, message)).status is Status.UNDELIVERABLE


# Late and repeated receipts


@pytest.mark.parametrize("status", [s for s in Status if s.final or s is Status.PENDING])
async def test_a_late_receipt_is_on_record_and_changes_nothing(
    store: Store, status: Status
) -> None:
    message = await _settled(store, "c1")
    await store.record_receipts([a_receipt("c1", status, code="late")], T0 + minutes(5))
    assert await _now(store, message) == replace(message, last_seq=message.last_seq + 1)
    event = (await store.history(ACCOUNT, message.id))[-1]
    assert (event.late, event.late_status) == (True, status)
    assert (event.from_status, event.to_status) == (Status.DELIVERED, Status.DELIVERED)
    assert (event.event_time, event.carrier_code) == (T0 + minutes(5), "late")


async def test_a_receipt_for_a_message_that_expired_is_late(store: Store) -> None:
    message = await _submit(store, "c1")
    after = message.expire_time + EXPIRY_GRACE
    await store.expire_due(after, 10)
    await store.record_receipts([a_receipt("c1")], after + minutes(1))
    assert (await _now(store, message)).status is Status.EXPIRED
    assert await _late(store, message) == [Status.DELIVERED]


async def test_a_repeated_receipt_changes_nothing(store: Store) -> None:
    message = await _submit(store, "c1")
    receipt = a_receipt("c1", code="000", carrier_time=T0 + seconds(3))
    await store.record_receipts([receipt, receipt], T0 + minutes(1))
    head = store.bounds.head
    await store.record_receipts([receipt], T0 + minutes(2))
    await asyncio.gather(*(store.record_receipts([receipt], T0 + minutes(3)) for _ in range(5)))
    assert store.bounds.head == head == 3
    assert (await _now(store, message)).final_time == T0 + minutes(1)


async def test_a_repeated_late_receipt_is_on_record_once(store: Store) -> None:
    message = await _settled(store, "c1")
    late = a_receipt("c1", Status.EXPIRED, code="late")
    await store.record_receipts([late, late], T0 + minutes(1))
    await store.record_receipts([late], T0 + minutes(2))
    assert await _late(store, message) == [Status.EXPIRED]


async def test_a_repeat_is_recognised_although_something_new_came_with_it(store: Store) -> None:
    message = await _settled(store, "c1")
    old, new = (a_receipt("c1", Status.EXPIRED, code=code) for code in ("old", "new"))
    await store.record_receipts([old], T0 + minutes(1))
    await store.record_receipts([new, old], T0 + minutes(2))
    assert await _late(store, message) == [Status.EXPIRED] * 2


async def test_late_receipts_that_differ_are_each_on_record(store: Store) -> None:
    message = await _settled(store, "c1")
    receipts = [
        a_receipt("c1", Status.EXPIRED, code="1"),
        a_receipt("c1", Status.EXPIRED, code="2"),
        a_receipt("c1", Status.EXPIRED, code="2", carrier_time=T0),
    ]
    await store.record_receipts(receipts, T0 + minutes(1))
    assert await _late(store, message) == [Status.EXPIRED] * 3


# Long messages


@pytest.mark.parametrize("order", [("c1", "c2", "c3"), ("c3", "c1", "c2"), ("c2", "c3", "c1")])
async def test_a_long_message_is_delivered_once_every_segment_is(
    store: Store, order: Sequence[str]
) -> None:
    message = await _submit(store, "c1", "c2", "c3")
    for carrier_id in order[:-1]:
        await store.record_receipts([a_receipt(carrier_id)], T0 + minutes(1))
        assert (await _now(store, message)).status is Status.PENDING
    await store.record_receipts([a_receipt(order[-1])], T0 + minutes(2))
    found = await _now(store, message)
    assert (found.status, found.final_time) == (Status.DELIVERED, T0 + minutes(2))
    event = (await store.history(ACCOUNT, message.id))[-1]
    assert event.segment == int(order[-1][1])


async def test_all_segments_can_be_reported_in_one_call(store: Store) -> None:
    ids = [f"c{n}" for n in range(1, 33)]
    message = await _submit(store, *ids)
    await store.record_receipts([a_receipt(i) for i in ids], T0 + minutes(1))
    assert (await _now(store, message)).status is Status.DELIVERED


async def test_a_segment_reported_twice_counts_once(store: Store) -> None:
    message = await _submit(store, "c1", "c2")
    await store.record_receipts([a_receipt("c1"), a_receipt("c1")], T0 + minutes(1))
    await store.record_receipts([a_receipt("c1", code="again")], T0 + minutes(2))
    assert await _now(store, message) == message


async def test_a_segment_reported_again_after_all_were_delivered_changes_nothing(
    store: Store,
) -> None:
    message = await _settled(store, "c1", "c2")
    await store.record_receipts([a_receipt("c1"), a_receipt("c2")], T0 + minutes(1))
    assert await _now(store, message) == message
    assert await _late(store, message) == []


async def test_a_failed_segment_settles_a_long_message_as_partly_delivered(store: Store) -> None:
    message = await _submit(store, "c1", "c2", "c3")
    receipts = [a_receipt("c1"), a_receipt("c2", Status.EXPIRED)]
    await store.record_receipts(receipts, T0 + minutes(1))
    assert await _story(store, message) == [
        (Status.PENDING, Reason.SUBMITTED),
        (Status.UNDELIVERABLE, Reason.PARTIAL_DELIVERY),
    ]


async def test_a_failed_segment_settles_a_long_message_of_which_nothing_arrived(
    store: Store,
) -> None:
    message = await _submit(store, "c1", "c2")
    await store.record_receipts([a_receipt("c2", Status.EXPIRED)], T0 + minutes(1))
    assert (await _now(store, message)).status is Status.EXPIRED
    await store.record_receipts([a_receipt("c1")], T0 + minutes(2))
    assert await _late(store, message) == [Status.DELIVERED]


# Cancelling


async def test_a_message_that_waits_can_be_cancelled(store: Store) -> None:
    message = await _accept(store)
    cancelled = await store.cancel(ACCOUNT, message.id, T0 + seconds(1))
    assert cancelled.changed
    assert cancelled.message == await _now(store, message)
    assert cancelled.position >= cancelled.message.last_seq == 2
    assert await _story(store, message) == [(Status.REJECTED, Reason.CANCELLED_BY_CLIENT)]
    assert list((await store.claim_due(T0 + hours(1), 10)).claims) == []


async def test_a_message_that_waits_for_another_attempt_can_be_cancelled(store: Store) -> None:
    message = await _accept(store)
    await store.record_submits([a_result(await _claim(store), not_sent())])
    assert (await store.cancel(ACCOUNT, message.id, T0 + seconds(2))).changed


async def test_a_second_cancel_changes_nothing(store: Store) -> None:
    message = await _accept(store)
    first = await store.cancel(ACCOUNT, message.id, T0 + seconds(1))
    second = await store.cancel(ACCOUNT, message.id, T0 + seconds(2))
    assert (second.changed, second.message) == (False, first.message)
    assert store.bounds.head == 2


async def test_a_claimed_message_cannot_be_cancelled(store: Store) -> None:
    message = await _accept(store)
    await _claim(store)
    cancelled = await store.cancel(ACCOUNT, message.id, T0 + seconds(1))
    assert (cancelled.changed, cancelled.message) == (False, message)


async def test_a_submitted_message_cannot_be_cancelled(store: Store) -> None:
    message = await _submit(store, "c1")
    cancelled = await store.cancel(ACCOUNT, message.id, T0 + seconds(2))
    assert (cancelled.changed, cancelled.message) == (False, message)


async def test_a_message_that_waits_but_was_seen_by_a_carrier_cannot_be_cancelled(
    store: Store,
) -> None:
    message = await _accept(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    first = await _claim(store)
    await store.record_submits([a_result(first, unknown(), retry_time=T0 + seconds(1))])
    await store.record_submits([a_result(await _claim(store, T0 + seconds(1)), not_sent())])
    await store.record_submits([a_result(first, accepted("c1"))])
    await store.record_receipts([a_receipt("c1", Status.PENDING)], T0 + seconds(2))
    assert (await _now(store, message)).reason is Reason.INTERMEDIATE_RECEIPT
    assert not (await store.cancel(ACCOUNT, message.id, T0 + seconds(3))).changed


async def test_a_message_is_cancelled_or_claimed_but_never_both(store: Store) -> None:
    messages = _messages(await store.accept(an_acceptance(40)))
    cancelled: set[str] = set()
    claimed: set[str] = set()

    async def cancel(message: Message) -> None:
        if (await store.cancel(ACCOUNT, message.id, T0)).changed:
            cancelled.add(message.id)

    async def claim() -> None:
        claimed.update(c.message.id for c in (await store.claim_due(T0, 2)).claims)

    await asyncio.gather(*(step for m in messages for step in (cancel(m), claim())))
    assert not cancelled & claimed
    assert cancelled | claimed == set(ids_of(messages))


# Expiry


async def test_a_message_that_no_receipt_settled_expires(store: Store) -> None:
    message = await _submit(store, "c1")
    due = message.expire_time + EXPIRY_GRACE
    assert await store.expire_due(due - seconds(1), 10) == 0
    assert await store.expire_due(due, 10) == 1
    assert await _story(store, message) == [
        (Status.PENDING, Reason.SUBMITTED),
        (Status.EXPIRED, Reason.VALIDITY_ELAPSED),
    ]
    assert await store.expire_due(due, 10) == 0


async def test_a_message_whose_submit_ended_unknown_expires_too(store: Store) -> None:
    message = await _accept(store)
    await store.record_submits([a_result(await _claim(store), unknown())])
    assert await store.expire_due(message.expire_time + EXPIRY_GRACE, 10) == 1
    assert (await _now(store, message)).status is Status.EXPIRED


async def test_a_settled_message_does_not_expire(store: Store) -> None:
    message = await _settled(store, "c1")
    assert await store.expire_due(T0 + days(30), 10) == 0
    assert await _now(store, message) == message


async def test_no_more_expires_in_one_call_than_asked_for(store: Store) -> None:
    await store.accept(an_acceptance(10))
    claims = (await store.claim_due(T0, 10)).claims
    outcomes = [accepted(f"c{n}") if n % 2 else unknown() for n in range(10)]
    await store.record_submits([a_result(c, o) for c, o in zip(claims, outcomes, strict=True)])
    expired = [await store.expire_due(T0 + days(3), 4) for _ in range(4)]
    assert max(expired) == 4
    assert sum(expired) == 10


# After a crash


async def test_an_interrupted_attempt_is_not_repeated_where_at_most_once_is_wanted(
    store: Store,
) -> None:
    message = await _accept(store)
    await _claim(store)
    assert await store.recover(T0 + minutes(1)) == 1
    assert await _story(store, message) == [(Status.PENDING, Reason.SUBMIT_OUTCOME_UNKNOWN)]
    assert list((await store.claim_due(T0 + hours(1), 10)).claims) == []


async def test_an_interrupted_attempt_is_repeated_where_at_least_once_is_wanted(
    store: Store,
) -> None:
    message = await _accept(store, on_unknown_submit=UnknownSubmit.AT_LEAST_ONCE)
    await _claim(store)
    assert await store.recover(T0 + minutes(1)) == 1
    assert await _story(store, message) == []
    assert (await _claim(store, T0 + minutes(1))).attempt == 2


async def test_recovering_leaves_everything_else_alone(store: Store) -> None:
    submitted = await _submit(store, "c1")
    waiting = await _accept(store)
    assert await store.recover(T0 + minutes(1)) == 0
    assert await _now(store, submitted) == submitted
    assert await _now(store, waiting) == waiting


async def test_recovering_twice_settles_once(store: Store) -> None:
    await _accept(store)
    await _claim(store)
    assert await store.recover(T0) == 1
    assert await store.recover(T0) == 0
    assert store.bounds.head == 2


# The backlog


async def test_the_backlog_counts_what_waits_unless_it_is_scheduled(store: Store) -> None:
    await store.accept(an_acceptance(3))
    await _accept(store, schedule_time=T0 + hours(1))
    assert store.backlog == 3
    claims = (await store.claim_due(T0, 2)).claims
    assert store.backlog == 1
    await store.record_submits([a_result(claims[0], not_sent()), a_result(claims[1], unknown())])
    assert store.backlog == 2
    await store.cancel(ACCOUNT, claims[0].message.id, T0 + seconds(2))
    assert store.backlog == 1
    await store.claim_due(T0 + days(3), 10)
    assert store.backlog == 0


# The log


async def test_the_log_has_no_gaps_and_is_in_commit_order(store: Store) -> None:
    async def life(n: int) -> None:
        message = await _accept(store, batch_id="")
        claims = (await store.claim_due(T0, 3)).claims
        await store.record_receipts([a_receipt(f"c{message.seq}")], T0 + seconds(1))
        await store.record_submits([a_result(c, accepted(f"c{c.message.seq}")) for c in claims])
        await store.cancel(ACCOUNT, message.id, T0 + seconds(2))

    read: list[StatusEvent] = []
    writers = asyncio.gather(*(life(n) for n in range(60)))
    while not writers.done():
        after = read[-1].seq if read else 0
        read += (await store.read_log(after, 7)).events
        await asyncio.sleep(0)
    await writers
    read += await _log(store, after=read[-1].seq)
    assert [event.seq for event in read] == list(range(1, store.bounds.head + 1))
    assert await _log(store) == read or _same(await _log(store), read)


def _same(ones: Sequence[StatusEvent], others: Sequence[StatusEvent]) -> bool:
    """Equal but for what may have changed of the message."""
    return [replace(e, message=None) for e in ones] == [  # type: ignore[arg-type]
        replace(e, message=None)  # type: ignore[arg-type]
        for e in others
    ]


async def test_whoever_reads_on_misses_nothing_and_sees_nothing_twice(store: Store) -> None:
    for _ in range(10):
        await _accept(store)
    for limit in (1, 3, 10, 100):
        seqs = [event.seq for event in await _log(store, limit=limit)]
        assert seqs == list(range(1, 11))


async def test_a_page_of_the_log_says_how_far_it_read(store: Store) -> None:
    for _ in range(5):
        await _accept(store)
    page = await store.read_log(1, 2)
    assert ([event.seq for event in page.events], page.position) == ([2, 3], 3)
    page = await store.read_log(3, 10)
    assert ([event.seq for event in page.events], page.position) == ([4, 5], 5)
    page = await store.read_log(5, 10)
    assert (list(page.events), page.position) == ([], 5)


async def test_the_new_events_of_a_batch_are_never_parted(store: Store) -> None:
    await _accept(store)
    await store.accept(an_acceptance(20, batch_id="a"))
    await store.accept(an_acceptance(20, batch_id="b"))
    await _accept(store)
    page = await store.read_log(0, 5)
    assert (len(page.events), page.position) == (21, 21)
    page = await store.read_log(page.position, 5)
    assert ({event.message.batch_id for event in page.events}, page.position) == ({"b"}, 41)
    page = await store.read_log(page.position, 5)
    assert page.position == 42


async def test_the_largest_batch_is_not_parted_either(store: Store) -> None:
    await store.accept(an_acceptance(1000, batch_id="a"))
    await _accept(store)
    page = await store.read_log(0, 1)
    assert (len(page.events), page.position) == (1000, 1000)


async def test_messages_without_a_batch_are_parted_at_the_limit(store: Store) -> None:
    await store.accept(an_acceptance(10))
    assert (await store.read_log(0, 4)).position == 4


async def test_later_events_of_a_batch_are_parted_at_the_limit(store: Store) -> None:
    await store.accept(an_acceptance(6, batch_id="a"))
    claims = (await store.claim_due(T0, 10)).claims
    await store.record_submits([a_result(claim, refused()) for claim in claims])
    page = await store.read_log(6, 2)
    assert (len(page.events), page.position) == (2, 8)


async def test_a_position_in_a_batch_is_read_on_from(store: Store) -> None:
    await store.accept(an_acceptance(6, batch_id="a"))
    page = await store.read_log(3, 1)
    assert [event.seq for event in page.events] == [4, 5, 6]


async def test_the_position_of_a_time_is_before_its_events_and_not_much_before(
    store: Store,
) -> None:
    for n in range(10):
        await _accept(store, create_time=T0 + minutes(n))
    assert await store.position_at(T0 - hours(1)) == 0
    assert await store.position_at(T0) == 0
    assert await store.position_at(T0 + minutes(5)) == 5
    assert await store.position_at(T0 + minutes(4.5)) == 5
    assert await store.position_at(T0 + hours(1)) == 10


async def test_the_position_of_a_time_is_found_among_events_of_every_kind(store: Store) -> None:
    await _accept(store)
    result = a_result(await _claim(store), accepted("c1"), time=T0 + minutes(1))
    await store.record_submits([result])
    await store.record_receipts([a_receipt("c1")], T0 + minutes(2))
    await _accept(store, create_time=T0 + minutes(3))
    for position in range(5):
        assert await store.position_at(T0 + minutes(position)) == position


async def test_the_position_of_a_time_is_right_although_commits_are_not_in_order_of_time(
    store: Store,
) -> None:
    # Two callers read the clock one after the other and commit the other way round.
    for offset in (0, 1.0, 0.9, 2, 1.9, 1.8, 3):
        await _accept(store, create_time=T0 + seconds(offset))
    events = await _log(store)
    for event in events:
        position = await store.position_at(event.event_time)
        assert all(e.seq > position for e in events if e.event_time >= event.event_time)


# Listening


async def test_listeners_hear_every_event_once_and_in_commit_order(store: Store) -> None:
    heard: list[StatusEvent] = []
    complete = asyncio.Event()

    def listener(events: Sequence[StatusEvent]) -> None:
        heard.extend(events)
        if len(heard) == 80:
            complete.set()

    store.listen(listener)

    async def life() -> None:
        message = await _accept(store)
        await store.cancel(ACCOUNT, message.id, T0)

    await asyncio.gather(*(life() for _ in range(40)))
    await asyncio.wait_for(complete.wait(), 5)
    assert [event.seq for event in heard] == list(range(1, 81))
    assert _same(heard, await _log(store))


async def test_what_a_listener_hears_can_be_read(store: Store) -> None:
    heads: list[int] = []
    heard = asyncio.Event()

    def listener(events: Sequence[StatusEvent]) -> None:
        heads.append(store.bounds.head - events[-1].seq)
        heard.set()

    store.listen(listener)
    await _accept(store)
    await asyncio.wait_for(heard.wait(), 5)
    assert min(heads) >= 0
    assert len((await store.read_log(0, 10)).events) == 1


async def test_every_listener_hears_the_same(store: Store) -> None:
    heard: list[list[int]] = [[], []]
    both = asyncio.Event()

    def listener_of(mine: list[int]) -> None:
        def listener(events: Sequence[StatusEvent]) -> None:
            mine.extend(event.seq for event in events)
            if heard[0] == heard[1] == [1, 2, 3]:
                both.set()

        store.listen(listener)

    for mine in heard:
        listener_of(mine)
    await store.accept(an_acceptance(3))
    await asyncio.wait_for(both.wait(), 5)


async def test_a_listener_is_called_on_the_loop_and_never_from_within_a_call(
    store: Store,
) -> None:
    callers: list[tuple[object, object]] = []
    heard = asyncio.Event()

    def listener(_: Sequence[StatusEvent]) -> None:
        callers.append((asyncio.get_running_loop(), asyncio.current_task()))
        heard.set()

    store.listen(listener)
    await _accept(store)
    await asyncio.wait_for(heard.wait(), 5)
    ((loop, task),) = callers
    assert loop is asyncio.get_running_loop()
    assert task is not asyncio.current_task()


# Lists

_ALIKE = {
    "statuses": (frozenset({Status.REJECTED}), {}),
    "countries": (frozenset({"DE", "CH"}), {"country": "DE"}),
    "senders": (frozenset({"Shop", "Bank"}), {"sender": "Shop"}),
    "recipients": (frozenset({OTHER_RECIPIENT}), {"recipient": OTHER_RECIPIENT}),
    "labels": ((("team", "a"), ("env", "x")), {"labels": {"team": "a", "env": "x", "more": "1"}}),
    "batch_ids": (frozenset({"b1", "b2", "b3"}), {"batch_id": "b1"}),
    "verification_ids": (frozenset({"v1"}), {"verification_id": "v1"}),
    "created_from": (T0 + minutes(5), {"create_time": T0 + minutes(5)}),
    "created_before": (T0, {"create_time": T0 - seconds(1)}),
}


async def _wanted_and_others(store: Store, field: str) -> Message:
    """One message that a filter on `field` wants, among some that it does not."""
    await store.accept(an_acceptance(2, labels={"team": "a", "env": "y"}, batch_id="b0"))
    wanted = await _accept(store, **_ALIKE[field][1])
    if field == "statuses":
        await store.cancel(ACCOUNT, wanted.id, T0)
    await store.accept(an_acceptance(2, labels={"team": "b"}, verification_id="v2"))
    await _accept(store, account="other", **_in_batch(2, _ALIKE[field][1]))
    return wanted


def _in_batch(n: int, values: Mapping[str, object]) -> dict[str, object]:
    """The same in another batch: the messages of a batch are stored together."""
    return {**values, "batch_id": f"b{n}"} if "batch_id" in values else dict(values)


@pytest.mark.parametrize("field", _ALIKE)
async def test_a_list_is_filtered_by(store: Store, field: str) -> None:
    wanted = await _wanted_and_others(store, field)
    found = await _pages(store, MessageFilter(account=ACCOUNT, **{field: _ALIKE[field][0]}))
    assert ids_of(found) == [wanted.id]


@pytest.mark.parametrize("field", _ALIKE)
async def test_a_filter_that_nothing_passes_finds_nothing(store: Store, field: str) -> None:
    await _wanted_and_others(store, field)
    wanted = {field: _ALIKE[field][0]} | {"senders": frozenset({"Nobody"})}
    assert await _pages(store, MessageFilter(account=ACCOUNT, **wanted)) == []


@pytest.mark.parametrize("missing", _ALIKE)
async def test_filters_combine_by_and(store: Store, missing: str) -> None:
    everything = {
        name: value for _, values in _ALIKE.values() for name, value in values.items()
    } | {"create_time": T0 + minutes(5)}
    criteria = {name: value for name, (value, _) in _ALIKE.items() if name != "created_before"}
    criteria["created_before"] = T0 + minutes(6)
    whole = await _accept(store, **everything)
    lacking = _in_batch(2, everything)
    for name in _ALIKE[missing][1]:
        del lacking[name]
    if missing == "created_before":
        lacking["create_time"] = T0 + minutes(6)
    other = await _accept(store, **lacking)
    for message in (whole, other) if missing != "statuses" else (whole,):
        await store.cancel(ACCOUNT, message.id, T0)
    assert ids_of(await _pages(store, MessageFilter(account=ACCOUNT, **criteria))) == [whole.id]


async def test_values_of_one_filter_combine_by_or(store: Store) -> None:
    for n, country in enumerate(("AT", "DE", "CH", "DE")):
        await _accept(store, country=country, batch_id=f"b{n}", recipient=f"+{country}")
    for wanted in (
        MessageFilter(account=ACCOUNT, countries=frozenset({"AT", "DE"})),
        MessageFilter(account=ACCOUNT, batch_ids=frozenset({"b0", "b1", "b3", "b4"})),
        MessageFilter(account=ACCOUNT, recipients=frozenset({"+AT", "+DE"})),
    ):
        assert [m.country for m in await _pages(store, wanted)] == ["DE", "DE", "AT"]


async def test_a_message_without_labels_has_no_label(store: Store) -> None:
    await _accept(store)
    wanted = MessageFilter(account=ACCOUNT, labels=(("team", ""),))
    assert await _pages(store, wanted) == []


async def test_a_list_shows_messages_as_they_are_now(store: Store) -> None:
    message = await _submit(store, "c1")
    pending = MessageFilter(account=ACCOUNT, statuses=frozenset({Status.PENDING}))
    assert await _pages(store, pending) == [message]
    await store.record_receipts([a_receipt("c1")], T0 + minutes(1))
    assert await _pages(store, pending) == []
    assert await _pages(store, EVERYTHING) == [await _now(store, message)]


async def test_a_list_is_newest_first(store: Store) -> None:
    messages = _messages(await store.accept(an_acceptance(5)))
    page = await store.page(EVERYTHING, 0, 10)
    assert ids_of(page.messages) == ids_of(messages)[::-1]
    assert page.before == 0


async def test_a_list_is_in_order_of_storing_and_not_of_time(store: Store) -> None:
    late = await _accept(store, create_time=T0 + minutes(1))
    early = await _accept(store)
    assert ids_of(await _pages(store, EVERYTHING)) == [early.id, late.id]


async def test_a_page_tells_the_position_it_was_read_at(store: Store) -> None:
    await _settled(store, "c1")
    page = await store.page(EVERYTHING, 0, 10)
    assert page.position == store.bounds.head == 3


async def test_paging_shows_everything_exactly_once_while_new_messages_come_in(
    store: Store,
) -> None:
    await store.accept(an_acceptance(23))
    page = await store.page(EVERYTHING, 0, 4)
    seqs = [message.seq for message in page.messages]
    while page.before:
        await store.accept(an_acceptance(3))
        page = await store.page(EVERYTHING, page.before, 4)
        seqs += [message.seq for message in page.messages]
    assert seqs == list(range(23, 0, -1))


@pytest.mark.parametrize("limit", [1, 4, 7, 12, 100])
async def test_pages_of_any_size_show_everything_exactly_once(store: Store, limit: int) -> None:
    await store.accept(an_acceptance(12))
    assert [m.seq for m in await _pages(store, EVERYTHING, limit)] == list(range(12, 0, -1))


@pytest.mark.long
@pytest.mark.parametrize("field", ["labels", "recipients", "batch_ids", "senders"])
async def test_what_is_rare_is_found_in_the_end(store: Store, field: str) -> None:
    criterion, values = _ALIKE[field]
    rare = []
    for n in (1, 2, 3):
        rare.append((await _accept(store, **_in_batch(n, values))).id)
        for _ in range(_BULKS):
            await store.accept(an_acceptance(900))
    wanted = MessageFilter(account=ACCOUNT, **{field: criterion})
    assert ids_of(await _pages(store, wanted, 2)) == rare[::-1]


# Retention


async def test_nothing_is_forgotten_before_its_time(store: Store) -> None:
    message = await _settled(store, "c1")
    assert await _prune(store, some_horizons(messages=T0 - days(1))) == 0
    assert await _now(store, message) == message
    assert store.bounds.earliest == 0


async def test_the_log_can_be_read_from_its_newest_old_event_on(store: Store) -> None:
    for n in range(6):
        await _accept(store, create_time=T0 + minutes(n))
    await _prune(store, some_horizons(log=T0 + minutes(3)))
    assert (store.bounds.earliest, store.bounds.head) == (3, 6)
    assert [event.seq for event in await _log(store, after=3)] == [4, 5, 6]


async def test_the_earliest_position_never_goes_back(store: Store) -> None:
    for n in range(6):
        await _accept(store, create_time=T0 + minutes(n))
    await _prune(store, some_horizons(log=T0 + minutes(3)))
    await _prune(store, some_horizons(log=T0 + minutes(1)))
    assert store.bounds.earliest == 3


async def test_an_old_log_can_be_forgotten_whole(store: Store) -> None:
    await _settled(store, "c1")
    await _prune(store, some_horizons(log=T0 + days(1)))
    assert (store.bounds.earliest, store.bounds.head) == (3, 3)
    assert (list((await store.read_log(3, 10)).events)) == []


@pytest.mark.parametrize("messages", [None, T0 - days(1)], ids=["for ever", "for longer"])
async def test_messages_outlive_the_log(store: Store, messages: datetime | None) -> None:
    message = await _settled(store, "c1")
    await _prune(store, some_horizons(log=T0 + days(1), messages=messages))
    assert await _now(store, message) == message
    assert len(await store.history(ACCOUNT, message.id)) == 3
    assert await _pages(store, EVERYTHING) == [message]


async def test_carrier_ids_outlive_the_log(store: Store) -> None:
    message = await _submit(store, "c1")
    await _prune(store, some_horizons(log=T0 + days(1), parts=T0 - days(1)))
    await store.record_receipts([a_receipt("c1")], T0 + days(1))
    assert (await _now(store, message)).status is Status.DELIVERED


async def test_the_log_keeps_its_events_although_their_message_began_before_it(
    store: Store,
) -> None:
    message = await _submit(store, "c1")
    await store.record_receipts([a_receipt("c1")], T0 + hours(10))
    horizon = T0 + hours(5)
    await _prune(store, some_horizons(log=horizon, messages=horizon))
    assert store.bounds.earliest == 2
    assert [event.seq for event in await _log(store, after=2)] == [3]
    assert (await _now(store, message)).status is Status.DELIVERED


async def test_an_old_request_id_can_be_used_again(store: Store) -> None:
    old, new = a_request_key("old"), a_request_key("new")
    await store.accept(an_acceptance(request=old))
    await store.accept(an_acceptance(request=new, create_time=T0 + minutes(2)))
    assert await _prune(store, some_horizons(requests=T0 + minutes(1))) == 1
    assert (await store.accept(an_acceptance(request=new))).replayed
    assert not (await store.accept(an_acceptance(request=old))).replayed


async def test_a_key_of_an_entry_is_forgotten_too(store: Store) -> None:
    await store.accept(Acceptance([an_entry(a_request_key())]))
    await _prune(store, some_horizons(requests=T0 + minutes(1)))
    again = await store.accept(Acceptance([an_entry(a_request_key())]))
    assert not again.entries[0].replayed


async def test_an_old_receipt_that_found_no_message_is_forgotten(store: Store) -> None:
    await store.record_receipts([a_receipt("c1")], T0)
    await store.record_receipts([a_receipt("c2")], T0 + minutes(2))
    assert await _prune(store, some_horizons(orphans=T0 + minutes(1))) == 1
    assert (await _submit(store, "c1")).status is Status.PENDING
    assert (await _submit(store, "c2")).status is Status.DELIVERED


async def test_an_old_carrier_id_is_forgotten(store: Store) -> None:
    message = await _settled(store, "c1")
    assert await _prune(store, some_horizons(log=T0 + days(8), parts=T0 + days(8))) == 1
    await store.record_receipts([a_receipt("c1", Status.EXPIRED)], T0 + days(9))
    assert await _late(store, message) == []


async def test_old_messages_are_forgotten_with_everything_about_them(store: Store) -> None:
    old = await _settled(store, "c1", labels={"team": "a"}, batch_id="b1")
    new = await _accept(store, create_time=T0 + days(100), labels={"team": "a"}, batch_id="b2")
    horizon = T0 + days(90)
    assert await _prune(store, some_horizons(log=horizon, messages=horizon)) > 0
    assert await store.get(ACCOUNT, old.id) is None
    assert list(await store.history(ACCOUNT, old.id)) == []
    assert (await store.cancel(ACCOUNT, old.id, horizon)).message is None
    for wanted in (
        EVERYTHING,
        replace(EVERYTHING, labels=(("team", "a"),)),
        replace(EVERYTHING, batch_ids=frozenset({"b1", "b2"})),
    ):
        assert ids_of(await _pages(store, wanted)) == [new.id]
    assert store.bounds.earliest == 3
    assert [event.seq for event in await _log(store, after=3)] == [4]


async def test_a_receipt_for_a_forgotten_message_finds_nothing(store: Store) -> None:
    await _settled(store, "c1")
    horizon = T0 + days(90)
    await _prune(store, some_horizons(log=horizon, messages=horizon))
    await store.record_receipts([a_receipt("c1", Status.EXPIRED)], horizon)
    assert store.bounds.head == 3


async def test_a_message_that_is_not_final_is_never_forgotten(store: Store) -> None:
    message = await _submit(store, "c1")
    horizon = T0 + days(90)
    await _prune(store, some_horizons(log=horizon, messages=horizon))
    assert await _now(store, message) == message
    await store.record_receipts([a_receipt("c1")], horizon)
    assert (await _now(store, message)).status is Status.DELIVERED


async def test_messages_in_the_log_are_not_forgotten(store: Store) -> None:
    message = await _settled(store, "c1")
    await _prune(store, some_horizons(messages=T0 + days(90)))
    assert await _now(store, message) == message
    assert [event.seq for event in await _log(store)] == [1, 2, 3]


async def test_a_forgotten_messages_number_is_not_given_again(store: Store) -> None:
    await _settled(store, "c1")
    horizon = T0 + days(90)
    await _prune(store, some_horizons(log=horizon, messages=horizon))
    assert (await _accept(store, create_time=horizon)).seq == 4


async def test_a_repeat_leaves_out_messages_that_are_forgotten(store: Store) -> None:
    await store.accept(an_acceptance(request=a_request_key()))
    await store.record_submits([a_result(await _claim(store), refused())])
    horizon = T0 + days(90)
    await _prune(store, some_horizons(log=horizon, messages=horizon))
    again = await store.accept(an_acceptance(request=a_request_key()))
    assert (again.replayed, list(again.entries)) == (True, [])


# What survives


async def _reopened(durable: Medium, tmp_path: Path, store: Store) -> Store:
    await store.close()
    store = durable.make(tmp_path)
    await store.open()
    return store


async def test_an_identity_stays(durable: Medium, tmp_path: Path) -> None:
    store = durable.make(tmp_path)
    await store.open()
    identity = store.identity
    store = await _reopened(durable, tmp_path, store)
    assert store.identity == identity
    await store.close()


async def test_what_was_acknowledged_is_there_after_opening_again(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    message = await _submit(store, "c1", "c2", labels={"team": "a"})
    await store.record_receipts([a_receipt("c1"), a_receipt("c9")], T0 + minutes(1))
    waiting = await _accept(store, create_time=T0 + minutes(2))
    log, bounds = await _log(store), store.bounds

    store = await _reopened(durable, tmp_path, store)
    assert (store.bounds, store.backlog) == (bounds, 1)
    assert _same(await _log(store), log)
    assert await _pages(store, EVERYTHING) == [waiting, message]
    await store.record_receipts([a_receipt("c2")], T0 + minutes(3))
    assert (await _now(store, message)).status is Status.DELIVERED
    claim = await _claim(store, T0 + minutes(3))
    await store.record_submits([a_result(claim, accepted("c9"))])
    assert (await _now(store, waiting)).status is Status.DELIVERED
    await store.close()


async def test_a_request_id_is_remembered_after_opening_again(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await store.accept(an_acceptance(request=a_request_key(), refused="one"))
    store = await _reopened(durable, tmp_path, store)
    again = await store.accept(an_acceptance(request=a_request_key()))
    assert (again.replayed, again.refused, store.bounds.head) == (True, "one", 1)
    await store.close()


async def test_an_attempt_is_on_record_before_the_carrier_may_see_it(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await _accept(store)
    await _claim(store)
    store = await _reopened(durable, tmp_path, store)
    assert list((await store.claim_due(T0 + hours(1), 10)).claims) == []
    assert await store.recover(T0 + hours(1)) == 1
    await store.close()


async def test_the_bounds_of_the_log_stay(durable: Medium, tmp_path: Path) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await _settled(store, "c1")
    horizon = T0 + MAX_VALIDITY
    await _prune(store, some_horizons(log=horizon, messages=horizon))
    store = await _reopened(durable, tmp_path, store)
    assert (store.bounds.earliest, store.bounds.head) == (3, 3)
    assert (await _accept(store, create_time=horizon)).seq == 4
    await store.close()


async def test_closing_finishes_what_was_asked_for(durable: Medium, tmp_path: Path) -> None:
    store = durable.make(tmp_path)
    await store.open()
    asked = [asyncio.ensure_future(store.accept(an_acceptance())) for _ in range(50)]
    await asyncio.sleep(0)  # every call takes its first step: now it was asked for
    await store.close()
    stored = await asyncio.gather(*asked)
    store = durable.make(tmp_path)
    await store.open()
    assert store.bounds.head == 50
    for accepted_ in stored:
        assert await _now(store, _messages(accepted_)[0]) == _messages(accepted_)[0]
    await store.close()


async def test_a_position_by_time_is_before_the_events_of_clocks_that_are_seconds_apart(
    store: Store,
) -> None:
    """Of servers on one store one is three seconds ahead, and one three seconds behind."""
    for n in range(40):
        await _accept(store, create_time=T0 + seconds(n + (3 if n % 2 else -3)))
    events = (await store.read_log(0, 100)).events
    for n in range(40):
        asked = T0 + seconds(n)
        position = await store.position_at(asked)
        assert [e.seq for e in events if e.event_time >= asked and e.seq <= position] == []
