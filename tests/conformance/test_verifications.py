"""What every store promises of one-time passwords: sends and their limits, attempts, endings.

The seeds of the random lives at the end are in their names; `make soak` runs many more.
"""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

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
    days,
    hours,
    minutes,
    refused,
    seconds,
    some_horizons,
)
from tests.conformance.conftest import STORES, Medium

from smsgate_server.domain.account import BillingMode, Limit, LimitKind, PolicyMode
from smsgate_server.domain.charging import Terms
from smsgate_server.domain.message import Message, Price, PriceStatus, Reason, Status, StatusEvent
from smsgate_server.domain.otp import Verification, VerificationState, VerifyResult
from smsgate_server.domain.otp_codes import CodeAlphabet
from smsgate_server.services.ports import (
    Attempt,
    Attempted,
    Entry,
    Horizons,
    LimitHit,
    RequestKey,
    SendCode,
    SentCode,
    SentCodes,
    Store,
    TopUp,
)

MONITOR = PolicyMode.MONITOR
EURO_CENTS = Price(PriceStatus.DISPUTED, "EUR", 36_000, 36_000, 1)
PREPAID = Terms(billing=BillingMode.PREPAID)
LIFE = minutes(5)
COOL_DOWN = seconds(30)
REPEATABLE = seconds(60)
TICK = timedelta(microseconds=1)
SOON = T0 + seconds(1)

_numbers = count(1)


def a_verification(now: datetime = T0, **overrides: Any) -> Verification:
    """One that is sent for the first time at `now`, with an id that sorts after all before it."""
    values: dict[str, Any] = {
        "id": f"01955300-0000-7000-8000-{next(_numbers):012d}",
        "account": ACCOUNT,
        "recipient": RECIPIENT,
        "country": "AT",
        "purpose": "login",
        "length": 6,
        "alphabet": CodeAlphabet.NUMERIC,
        "key_id": "first",
        "locale": "de",
        "brand": "",
        "sender": "OTP MOBILE",
        "create_time": now,
        "update_time": now,
        "expire_time": now + LIFE,
        "next_send_time": now + COOL_DOWN,
    }
    return Verification(**(values | overrides))


def a_send(
    verification: Verification,
    sends_before: int = 0,
    limits: Sequence[Limit] = (),
    request: RequestKey | None = None,
    terms: Terms | None = None,
    **overrides: Any,
) -> SendCode:
    """What a service hands over to send the code of `verification`, as it will stand then."""
    message = a_message(
        account=verification.account,
        recipient=verification.recipient,
        country=verification.country,
        sender=verification.sender,
        text="Ihr Code ist {code}.",
        verification_id=verification.id,
        create_time=verification.update_time,
        **({"expire_time": verification.expire_time} | overrides),
    )
    return SendCode(verification, sends_before, Entry(message, request), limits, terms or Terms())


def sent_again(before: Verification, now: datetime, **fields: Any) -> SendCode:
    again = before.sent_again(now, COOL_DOWN, before.locale, before.brand, before.sender)
    return a_send(again, before.sends, **fields)


def a_limit(maximum: int, kind: LimitKind = LimitKind.OTP_RECIPIENT, **fields: Any) -> Limit:
    """A limit per hour, if nothing else is said."""
    return Limit(kind, maximum, **({"period": hours(1)} | fields))


@dataclass
class Judge:
    """Compares like a service does: right or wrong, and remembers what it was shown."""

    right: bool
    shown: list[Verification] = field(default_factory=list)

    def __call__(self, verification: Verification) -> bool:
        self.shown.append(verification)
        return self.right


def never(verification: Verification) -> bool:
    raise AssertionError("a code was compared")


async def _send(store: Store, wanted: SendCode) -> tuple[Verification, Message]:
    sent = await store.send_code(wanted)
    assert sent.verification is not None
    return sent.verification, _message(sent)


async def _start(store: Store, now: datetime = T0, **overrides: Any) -> Verification:
    """A verification whose code was sent once."""
    verification, _ = await _send(store, a_send(a_verification(now, **overrides)))
    return verification


def _message(sent: SentCode) -> Message:
    assert sent.entry is not None
    assert sent.entry.message is not None
    return sent.entry.message


async def _try(
    store: Store,
    verification: Verification,
    judge: Callable[[Verification], bool],
    now: datetime = SOON,
    request: RequestKey | None = None,
) -> Attempted:
    attempt = Attempt(verification.account, verification.id, judge, now, request, now - REPEATABLE)
    attempted = await store.attempt(attempt)
    assert attempted is not None
    return attempted


async def _now(store: Store, verification: Verification) -> Verification:
    found = await store.verification(verification.account, verification.id)
    assert found is not None
    return found


async def _ended(store: Store, state: VerificationState) -> Verification:
    """One that has ended a second after T0; EXPIRED is up to the clock of who looks."""
    verification = await _start(store, max_attempts=1)
    now = T0 + seconds(1)
    if state is VerificationState.APPROVED:
        await _try(store, verification, Judge(True), now)
    elif state is VerificationState.EXHAUSTED:
        await _try(store, verification, Judge(False), now)
    elif state is VerificationState.CANCELLED:
        await store.cancel_verification(ACCOUNT, verification.id, now)
    return verification


ENDINGS = [state for state in VerificationState if state is not VerificationState.PENDING]
LATE = T0 + LIFE + seconds(1)


async def _prune(store: Store, horizons: Horizons) -> Mapping[str, int]:
    """Forget until nothing is left to be forgotten; what went, by table."""
    total: dict[str, int] = {}
    while any((step := await store.prune(horizons)).values()):
        total = {table: total.get(table, 0) + gone for table, gone in step.items()}
    return total


async def _top_up(store: Store, micros: int) -> None:
    request = a_request_key("top-up", method="TopUp")
    await store.top_up(TopUp(ACCOUNT, micros, "", T0, request))


# Starting


async def test_a_sent_code_is_a_message_and_a_verification_together(store: Store) -> None:
    wanted = a_send(a_verification())
    sent = await store.send_code(wanted)
    assert (sent.stale, sent.conflict, list(sent.hits)) == (False, False, [])
    assert sent.verification == wanted.verification
    assert _message(sent) == replace(wanted.entry.message, seq=1, last_seq=1)
    assert await _now(store, wanted.verification) == wanted.verification
    assert list(await store.messages_of(wanted.verification.id)) == [_message(sent)]
    assert await store.get(ACCOUNT, _message(sent).id) == _message(sent)
    assert store.backlog == 1


async def test_after_its_position_come_all_later_events_of_the_message(store: Store) -> None:
    sent = await store.send_code(a_send(a_verification()))
    (claim,) = (await store.claim_due(T0, 10)).claims
    await store.record_submits([a_result(claim, accepted("c1"))])
    await store.record_receipts([a_receipt("c1")], T0 + seconds(2))
    events = (await store.read_log(sent.position, 10)).events
    assert [event.to_status for event in events] == [Status.PENDING, Status.DELIVERED]
    (message,) = await store.messages_of(claim.message.verification_id)
    assert message.status is Status.DELIVERED


async def test_a_verification_comes_back_as_it_was_given(store: Store) -> None:
    given = a_verification(
        T0 + timedelta(microseconds=123_457),
        country="+881",
        purpose="",
        length=10,
        alphabet=CodeAlphabet.ALPHANUMERIC,
        key_id="k20250301120000",
        locale="nb",
        brand="Grüße & 'Co'",
        client_reference='order "66"\N{ROCKET}',
        labels={"team": "ünï", "empty": ""},
        max_attempts=3,
        max_sends=2,
    )
    await store.send_code(a_send(given))
    assert await _now(store, given) == given
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "") == given


async def test_another_accounts_verification_is_as_none(store: Store) -> None:
    verification = await _start(store)
    assert await store.verification("other", verification.id) is None
    assert await store.newest_verification("other", RECIPIENT, "login") is None
    attempt = Attempt("other", verification.id, never, T0, None, T0)
    assert await store.attempt(attempt) is None
    assert await store.cancel_verification("other", verification.id, T0) is None
    assert (await _now(store, verification)).pending


async def test_what_never_was_is_none(store: Store) -> None:
    assert await store.verification(ACCOUNT, "unknown") is None
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") is None
    assert list(await store.messages_of("unknown")) == []
    assert await store.attempt(Attempt(ACCOUNT, "unknown", never, T0)) is None
    assert await store.cancel_verification(ACCOUNT, "unknown", T0) is None


async def test_accounts_recipients_and_purposes_do_not_touch_one_another(store: Store) -> None:
    others = [
        a_verification(account="other"),
        a_verification(recipient=OTHER_RECIPIENT, country="DE"),
        a_verification(purpose="payment"),
        a_verification(purpose=""),
    ]
    first = await _start(store)
    for other in others:
        assert not (await store.send_code(a_send(other))).stale
    await _try(store, first, Judge(True))
    for each in others:
        found = await store.newest_verification(each.account, each.recipient, each.purpose)
        assert found == each


@pytest.mark.parametrize("state", ENDINGS)
async def test_after_one_has_ended_a_new_one_begins_and_is_the_newest(
    store: Store, state: VerificationState
) -> None:
    ended = await _ended(store, state)
    found = await store.newest_verification(ACCOUNT, RECIPIENT, "login")
    assert found is not None
    assert (found.id, found.at(LATE).state) == (ended.id, state)
    fresh = await _start(store, LATE)
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") == fresh
    assert (await _now(store, ended)).at(LATE).state is state


# What is not paid for


async def test_a_code_that_is_not_paid_for_leaves_nothing_behind(store: Store) -> None:
    key = a_request_key(method="SendOTP")
    wanted = a_send(a_verification(), limits=[a_limit(1)], request=key, terms=PREPAID)
    wanted = replace(wanted, entry=replace(wanted.entry, message=_priced(wanted)))
    sent = await store.send_code(wanted)
    assert sent.entry is not None
    assert (sent.entry.message, sent.verification) == (None, None)
    assert sent.entry.declined is not None
    assert (sent.entry.declined.available, sent.entry.declined.required) == (0, 36_000)
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") is None
    assert (store.bounds.head, store.backlog) == (0, 0)
    assert await store.repeat_code(key) is None
    # Neither the limit nor the request id is used up.
    await _top_up(store, 36_000)
    again = await store.send_code(wanted)
    assert (again.verification, _message(again).seq) == (wanted.verification, 1)
    assert (await store.standing(ACCOUNT)).balance == 0


def _priced(wanted: SendCode) -> Message:
    return replace(wanted.entry.message, price=EURO_CENTS, billing=BillingMode.PREPAID)


# Sending again


async def test_sending_again_adds_a_message_and_changes_the_verification(store: Store) -> None:
    first, first_message = await _send(store, a_send(a_verification()))
    now = T0 + seconds(31)
    planned = first.sent_again(now, seconds(60), "it", "Acme", "Acme Srl")
    again, second_message = await _send(store, a_send(planned, 1))
    assert again == planned == await _now(store, first)
    assert (again.sends, again.expire_time) == (2, first.expire_time)
    assert list(await store.messages_of(first.id)) == [first_message, second_message]
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") == planned


async def test_attempts_made_since_the_plan_was_drawn_up_are_kept(store: Store) -> None:
    first = await _start(store)
    await _try(store, first, Judge(False))
    await _try(store, first, Judge(False))
    again, _ = await _send(store, sent_again(first, T0 + seconds(31)))
    assert (again.sends, again.attempts) == (2, 2)
    assert await _now(store, first) == again


async def _is_stale(store: Store, wanted: SendCode) -> bool:
    """Whether it is, and then nothing was stored."""
    before = store.bounds.head, store.backlog
    newest = await store.newest_verification(ACCOUNT, RECIPIENT, "login")
    sent = await store.send_code(wanted)
    if sent.stale:
        assert (sent.entry, sent.verification, sent.conflict) == (None, None, False)
        assert (store.bounds.head, store.backlog) == before
        assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") == newest
        assert await store.get(ACCOUNT, wanted.entry.message.id) is None
    return sent.stale


async def test_a_plan_for_a_new_one_is_stale_if_another_call_was_faster(store: Store) -> None:
    slow = a_send(a_verification())
    await _start(store)
    assert await _is_stale(store, slow)


async def test_a_plan_to_send_again_is_stale_if_another_call_sent_again(store: Store) -> None:
    first = await _start(store)
    slow = sent_again(first, T0 + seconds(32))
    await _send(store, sent_again(first, T0 + seconds(31)))
    assert await _is_stale(store, slow)


@pytest.mark.parametrize("state", ENDINGS)
async def test_a_plan_to_send_again_is_stale_if_the_verification_has_ended(
    store: Store, state: VerificationState
) -> None:
    ended = await _ended(store, state)
    assert await _is_stale(store, sent_again(ended, LATE))


async def test_a_plan_to_send_again_is_stale_if_a_new_one_has_begun_since(store: Store) -> None:
    first = await _start(store)
    await store.cancel_verification(ACCOUNT, first.id, T0 + seconds(1))
    await _start(store, T0 + seconds(2))
    assert await _is_stale(store, sent_again(first, T0 + seconds(40)))


async def test_a_plan_is_stale_if_it_is_for_the_first_time_and_there_was_none_before(
    store: Store,
) -> None:
    assert await _is_stale(store, a_send(a_verification(sends=2), 1))


async def test_a_stale_plan_does_not_use_up_its_request_id(store: Store) -> None:
    key = a_request_key(method="SendOTP")
    first = await _start(store)
    assert await _is_stale(store, a_send(a_verification(), request=key))
    assert await store.repeat_code(key) is None
    again = await store.send_code(sent_again(first, T0 + seconds(31), request=key))
    assert _message(again).seq == 2


async def test_of_many_starts_at_once_one_is_not_stale(store: Store) -> None:
    plans = [a_send(a_verification()) for _ in range(200)]
    sent = await asyncio.gather(*(store.send_code(plan) for plan in plans))
    (winner,) = [each for each in sent if not each.stale]
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") == winner.verification
    assert (store.bounds.head, store.backlog) == (1, 1)


async def test_of_many_repeats_at_once_one_is_not_stale(store: Store) -> None:
    first = await _start(store)
    plans = [sent_again(first, T0 + seconds(31)) for _ in range(200)]
    sent = await asyncio.gather(*(store.send_code(plan) for plan in plans))
    assert sum(not each.stale for each in sent) == 1
    assert (await _now(store, first)).sends == 2
    assert len(await store.messages_of(first.id)) == 2


# Repeated requests


KEY = a_request_key(method="SendOTP")


async def test_a_repeated_request_stores_nothing_and_answers_as_it_is_now(store: Store) -> None:
    wanted = a_send(a_verification(), request=KEY)
    first = await store.send_code(wanted)
    await _try(store, wanted.verification, Judge(False))
    await store.claim_due(T0, 10)
    await store.cancel_verification(ACCOUNT, wanted.verification.id, T0 + seconds(2))
    head = store.bounds.head
    again = await store.send_code(a_send(a_verification(T0 + seconds(3)), request=KEY))
    found = await store.repeat_code(KEY)
    assert found is not None
    for answer in (again, found):
        assert answer.entry is not None
        assert (answer.entry.replayed, answer.stale, answer.conflict) == (True, False, False)
        assert _message(answer).id == _message(first).id
        assert _message(answer) == await store.get(ACCOUNT, _message(first).id)
        assert answer.verification == await _now(store, wanted.verification)
        assert answer.verification is not None
        assert (answer.verification.attempts, answer.verification.pending) == (1, False)
    assert store.bounds.head == head


async def test_a_request_that_was_never_made_is_not_repeated(store: Store) -> None:
    await _start(store)
    assert await store.repeat_code(KEY) is None


async def test_a_repeat_is_answered_though_the_plan_is_stale_and_the_limit_used_up(
    store: Store,
) -> None:
    limits = [a_limit(1)]
    first = await store.send_code(a_send(a_verification(), limits=limits, request=KEY))
    again = await store.send_code(a_send(a_verification(), 3, limits=limits, request=KEY))
    assert (_message(again), list(again.hits)) == (_message(first), [])


async def test_the_same_request_id_with_other_content_is_a_conflict(store: Store) -> None:
    first, _ = await _send(store, a_send(a_verification(), request=KEY))
    other = replace(KEY, fingerprint=b"other")
    sent = await store.send_code(sent_again(first, T0 + seconds(31), request=other))
    assert (sent.conflict, sent.verification) == (True, None)
    found = await store.repeat_code(other)
    assert found is not None
    assert found.conflict
    assert (store.bounds.head, (await _now(store, first)).sends) == (1, 1)


async def test_request_ids_of_other_accounts_and_methods_are_others(store: Store) -> None:
    await store.send_code(a_send(a_verification(), request=KEY))
    for key in (replace(KEY, account="other"), replace(KEY, method="SendMessage")):
        assert await store.repeat_code(key) is None
    other = replace(KEY, account="other", fingerprint=b"other")
    sent = await store.send_code(a_send(a_verification(account="other"), request=other))
    assert not sent.conflict


# Attempts


async def test_the_right_code_approves_once(store: Store) -> None:
    verification, now = await _start(store), T0 + seconds(9)
    right = await _try(store, verification, Judge(True), now)
    assert (right.result, right.replayed, right.conflict) == (VerifyResult.APPROVED, False, False)
    assert right.verification == await _now(store, verification)
    assert right.verification.state is VerificationState.APPROVED
    assert (right.verification.final_time, right.verification.attempts) == (now, 1)
    again = await _try(store, verification, never, now + seconds(1))
    assert again.result is VerifyResult.ALREADY_USED
    assert again.verification == right.verification


async def test_an_attempt_is_counted_before_the_code_is_compared(store: Store) -> None:
    verification, judge = await _start(store), Judge(False)
    for n in range(1, 4):
        await _try(store, verification, judge, T0 + seconds(n))
        assert [shown.attempts for shown in judge.shown] == list(range(1, n + 1))
        assert judge.shown[-1].update_time == T0 + seconds(n)
        assert (await _now(store, verification)).attempts == n


async def test_wrong_codes_count_down_until_none_is_left(store: Store) -> None:
    verification = await _start(store)
    remaining = []
    for n in range(5):
        attempted = await _try(store, verification, Judge(False), T0 + seconds(n))
        assert attempted.result is VerifyResult.INCORRECT
        remaining.append(attempted.verification.attempts_remaining)
    assert remaining == [4, 3, 2, 1, 0]
    ended = await _now(store, verification)
    assert (ended.state, ended.final_time) == (VerificationState.EXHAUSTED, T0 + seconds(4))
    after = await _try(store, verification, never, T0 + seconds(6))
    assert (after.result, after.verification) == (VerifyResult.EXHAUSTED, ended)


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (VerificationState.APPROVED, VerifyResult.ALREADY_USED),
        (VerificationState.EXHAUSTED, VerifyResult.EXHAUSTED),
        (VerificationState.CANCELLED, VerifyResult.CANCELLED),
        (VerificationState.EXPIRED, VerifyResult.EXPIRED),
    ],
)
async def test_once_it_has_ended_no_code_is_compared_and_no_attempt_counted(
    store: Store, state: VerificationState, result: VerifyResult
) -> None:
    ended = await _ended(store, state)
    before = (await _now(store, ended)).at(LATE)
    for n in range(3):
        attempted = await _try(store, ended, never, LATE + seconds(n))
        assert (attempted.result, attempted.verification) == (result, before)
    assert (await _now(store, ended)).at(LATE) == before


async def test_the_clock_alone_ends_it_at_its_expire_time(store: Store) -> None:
    verification, other = await _start(store), await _start(store, purpose="payment")
    in_time = await _try(store, verification, Judge(True), verification.expire_time - TICK)
    assert in_time.result is VerifyResult.APPROVED
    late = await _try(store, other, never, other.expire_time)
    assert late.result is VerifyResult.EXPIRED
    assert late.verification.final_time == other.expire_time


async def test_one_that_ended_otherwise_never_expires(store: Store) -> None:
    approved = await _ended(store, VerificationState.APPROVED)
    attempted = await _try(store, approved, never, LATE + days(3))
    assert attempted.result is VerifyResult.ALREADY_USED


async def test_a_judge_that_fails_has_changed_nothing(store: Store) -> None:
    """Each method is one transaction: counted and answered, or neither."""
    verification = await _start(store)

    def failing(_: Verification) -> bool:
        raise ZeroDivisionError

    key = _attempt_key()
    with pytest.raises(ZeroDivisionError):
        await _try(store, verification, failing, request=key)
    assert await _now(store, verification) == verification
    after = await _try(store, verification, Judge(True), request=key)
    assert (after.result, after.replayed) == (VerifyResult.APPROVED, False)


async def test_a_judge_that_fails_takes_no_other_attempt_down(store: Store) -> None:
    verifications = [await _start(store, purpose=f"p{n}") for n in range(10)]

    def failing(_: Verification) -> bool:
        raise ZeroDivisionError

    judges = [failing if n == 5 else Judge(False) for n in range(10)]
    outcomes = await asyncio.gather(
        *(_try(store, v, judge) for v, judge in zip(verifications, judges, strict=True)),
        return_exceptions=True,
    )
    assert isinstance(outcomes.pop(5), ZeroDivisionError)
    assert {o.result for o in outcomes if isinstance(o, Attempted)} == {VerifyResult.INCORRECT}
    del verifications[5]
    assert [(await _now(store, v)).attempts for v in verifications] == [1] * 9


async def test_wrong_codes_at_once_never_get_more_tries_than_allowed(store: Store) -> None:
    verification, judge = await _start(store), Judge(False)
    answers = await asyncio.gather(*(_try(store, verification, judge) for _ in range(100)))
    results = [answer.result for answer in answers]
    assert results.count(VerifyResult.INCORRECT) == len(judge.shown) == 5
    assert results.count(VerifyResult.EXHAUSTED) == 95
    assert (await _now(store, verification)).attempts == 5
    assert (await _try(store, verification, Judge(True))).result is VerifyResult.EXHAUSTED


async def test_of_many_right_codes_at_once_one_is_approved(store: Store) -> None:
    verification, judge = await _start(store), Judge(True)
    answers = await asyncio.gather(*(_try(store, verification, judge) for _ in range(100)))
    results = [answer.result for answer in answers]
    assert results.count(VerifyResult.APPROVED) == len(judge.shown) == 1
    assert results.count(VerifyResult.ALREADY_USED) == 99


async def test_attempts_on_one_verification_do_not_count_on_another(store: Store) -> None:
    one, other = await _start(store), await _start(store, purpose="payment")
    for _ in range(5):
        await _try(store, one, Judge(False))
    assert await _now(store, other) == other


# Repeated attempts


def _attempt_key(request_id: str = "verify-1", **overrides: Any) -> RequestKey:
    return a_request_key(request_id, **({"method": "VerifyOTP"} | overrides))


async def test_a_repeat_of_an_approved_attempt_is_approved_again_for_a_while(
    store: Store,
) -> None:
    verification, now = await _start(store), T0 + seconds(1)
    first = await _try(store, verification, Judge(True), now, _attempt_key())
    for later in (now, now + seconds(30), now + REPEATABLE):
        again = await _try(store, verification, never, later, _attempt_key())
        assert again == replace(first, replayed=True)
    late = await _try(store, verification, never, now + REPEATABLE + TICK, _attempt_key())
    assert (late.result, late.replayed) == (VerifyResult.ALREADY_USED, False)


async def test_without_its_request_id_a_repeat_of_an_approved_attempt_is_not_approved(
    store: Store,
) -> None:
    verification, now = await _start(store), T0 + seconds(1)
    await _try(store, verification, Judge(True), now, _attempt_key())
    for key in (None, _attempt_key("verify-2")):
        again = await _try(store, verification, never, now, key)
        assert again.result is VerifyResult.ALREADY_USED


async def test_a_repeat_of_a_wrong_attempt_costs_no_second_one_for_a_while(store: Store) -> None:
    verification, now, judge = await _start(store), T0 + seconds(1), Judge(False)
    first = await _try(store, verification, judge, now, _attempt_key())
    again = await _try(store, verification, never, now + REPEATABLE, _attempt_key())
    assert again == replace(first, replayed=True)
    late = await _try(store, verification, judge, now + REPEATABLE + TICK, _attempt_key())
    assert (late.result, late.replayed) == (VerifyResult.INCORRECT, False)
    assert late.verification.attempts == 2
    # And that answer is repeatable in turn.
    after = await _try(store, verification, never, now + 2 * REPEATABLE, _attempt_key())
    assert after == replace(late, replayed=True)


async def test_a_repeat_tells_the_verification_as_it_is_now(store: Store) -> None:
    verification = await _start(store)
    await _try(store, verification, Judge(False), request=_attempt_key())
    await store.cancel_verification(ACCOUNT, verification.id, T0 + seconds(2))
    again = await _try(store, verification, never, T0 + seconds(3), _attempt_key())
    assert (again.result, again.replayed) == (VerifyResult.INCORRECT, True)
    assert again.verification.state is VerificationState.CANCELLED
    assert again.verification.attempts_remaining == 0


async def test_a_repeat_at_the_end_of_its_life_tells_that_it_expired(store: Store) -> None:
    verification = await _start(store)
    last = verification.expire_time - TICK
    await _try(store, verification, Judge(False), last, _attempt_key())
    again = await _try(store, verification, never, verification.expire_time, _attempt_key())
    assert (again.result, again.replayed) == (VerifyResult.INCORRECT, True)
    assert again.verification.state is VerificationState.EXPIRED


async def test_an_attempt_that_came_too_late_is_repeated_as_such(store: Store) -> None:
    cancelled = await _ended(store, VerificationState.CANCELLED)
    first = await _try(store, cancelled, never, T0 + seconds(2), _attempt_key())
    again = await _try(store, cancelled, never, T0 + seconds(3), _attempt_key())
    assert (first.result, first.replayed) == (VerifyResult.CANCELLED, False)
    assert again == replace(first, replayed=True)


@pytest.mark.parametrize("wait", [seconds(0), REPEATABLE, hours(20)], ids=str)
async def test_the_same_request_id_with_another_code_is_a_conflict_and_costs_no_attempt(
    store: Store, wait: timedelta
) -> None:
    verification, now = await _start(store, expire_time=T0 + days(1)), T0 + seconds(1)
    await _try(store, verification, Judge(False), now, _attempt_key())
    other = _attempt_key(fingerprint=b"other code")
    attempted = await _try(store, verification, never, now + wait, other)
    assert (attempted.conflict, attempted.replayed) == (True, False)
    assert (await _now(store, verification)).attempts == 1


async def test_the_same_request_id_for_another_verification_is_a_conflict(store: Store) -> None:
    one, other = await _start(store), await _start(store, purpose="payment")
    await _try(store, one, Judge(False), request=_attempt_key())
    assert (await _try(store, other, never, request=_attempt_key())).conflict
    assert (await _now(store, other)).attempts == 0


async def test_request_ids_of_attempts_are_those_of_an_account(store: Store) -> None:
    one, other = await _start(store), await _start(store, account="other")
    await _try(store, one, Judge(False), request=_attempt_key())
    attempted = await _try(store, other, Judge(True), request=_attempt_key(account="other"))
    assert (attempted.result, attempted.conflict) == (VerifyResult.APPROVED, False)


async def test_attempts_at_once_with_one_request_id_cost_one_attempt(store: Store) -> None:
    verification, judge = await _start(store), Judge(False)
    answers = await asyncio.gather(
        *(_try(store, verification, judge, request=_attempt_key()) for _ in range(200))
    )
    assert sum(not answer.replayed for answer in answers) == len(judge.shown) == 1
    assert (await _now(store, verification)).attempts == 1


# Cancelling


async def test_cancelling_ends_it_and_cancels_the_messages_that_wait(store: Store) -> None:
    await _top_up(store, 100_000)
    verification = a_verification()
    wanted = a_send(verification, price=EURO_CENTS, billing=BillingMode.PREPAID, terms=PREPAID)
    await store.send_code(wanted)
    again = sent_again(
        verification,
        T0 + seconds(31),
        price=EURO_CENTS,
        billing=BillingMode.PREPAID,
        terms=PREPAID,
    )
    await store.send_code(again)
    assert (await store.standing(ACCOUNT)).balance == 28_000
    now = T0 + seconds(40)
    cancelled = await store.cancel_verification(ACCOUNT, verification.id, now)
    assert cancelled is not None
    assert cancelled.verification == await _now(store, verification)
    assert cancelled.verification.state is VerificationState.CANCELLED
    assert (cancelled.verification.final_time, cancelled.verification.sends) == (now, 2)
    for message in await store.messages_of(verification.id):
        assert (message.status, message.reason) == (Status.REJECTED, Reason.CANCELLED_BY_CLIENT)
        assert (message.final_time, message.refunded) == (now, True)
    assert (await store.standing(ACCOUNT)).balance == 100_000
    assert (store.bounds.head, cancelled.position, store.backlog) == (4, 4, 0)
    assert list((await store.claim_due(T0 + minutes(1), 10)).claims) == []


async def test_what_a_carrier_can_have_is_not_cancelled_with_it(store: Store) -> None:
    verification = await _start(store)
    (claim,) = (await store.claim_due(T0, 10)).claims
    cancelled = await store.cancel_verification(ACCOUNT, verification.id, T0 + seconds(1))
    assert cancelled is not None
    assert cancelled.verification.state is VerificationState.CANCELLED
    (message,) = await store.messages_of(verification.id)
    assert message.status is Status.NEW
    await store.record_submits([a_result(claim, accepted("c1"))])
    await store.record_receipts([a_receipt("c1")], T0 + seconds(3))
    (message,) = await store.messages_of(verification.id)
    assert message.status is Status.DELIVERED
    assert (await _now(store, verification)).state is VerificationState.CANCELLED


async def test_of_two_messages_the_one_that_waits_is_cancelled(store: Store) -> None:
    verification = await _start(store)
    (claim,) = (await store.claim_due(T0, 10)).claims
    await store.record_submits([a_result(claim, accepted("c1"))])
    await store.send_code(sent_again(verification, T0 + seconds(31)))
    await store.cancel_verification(ACCOUNT, verification.id, T0 + seconds(32))
    statuses = [message.status for message in await store.messages_of(verification.id)]
    assert statuses == [Status.PENDING, Status.REJECTED]


async def test_a_message_that_waits_for_another_attempt_is_cancelled(store: Store) -> None:
    verification = await _start(store)
    (claim,) = (await store.claim_due(T0, 10)).claims
    await store.record_submits([a_result(claim, refused(temporary=True))])
    await store.cancel_verification(ACCOUNT, verification.id, T0 + seconds(2))
    (message,) = await store.messages_of(verification.id)
    assert message.status is Status.REJECTED
    assert list((await store.claim_due(T0 + minutes(1), 10)).claims) == []


async def test_the_events_of_one_cancellation_come_in_one_commit(store: Store) -> None:
    verification = await _start(store)
    await store.send_code(sent_again(verification, T0 + seconds(31)))
    commits: list[Sequence[StatusEvent]] = []
    both_told = asyncio.Event()

    def listen(events: Sequence[StatusEvent]) -> None:
        commits.append(events)
        if sum(map(len, commits)) == 2:
            both_told.set()

    store.listen(listen)
    await store.cancel_verification(ACCOUNT, verification.id, T0 + seconds(32))
    async with asyncio.timeout(5):
        await both_told.wait()
    assert [[event.seq for event in events] for events in commits] == [[3, 4]]


@pytest.mark.parametrize("state", ENDINGS)
async def test_what_has_ended_is_not_cancelled(store: Store, state: VerificationState) -> None:
    ended = await _ended(store, state)
    before, head = (await _now(store, ended)).at(LATE), store.bounds.head
    for n in range(2):
        cancelled = await store.cancel_verification(ACCOUNT, ended.id, LATE + seconds(n))
        assert cancelled is not None
        assert (cancelled.verification, cancelled.position) == (before, head)
    assert (await _now(store, ended)).at(LATE) == before
    assert store.bounds.head == head


async def test_the_messages_of_other_verifications_are_left_alone(store: Store) -> None:
    one, other = await _start(store), await _start(store, purpose="payment")
    await store.cancel_verification(ACCOUNT, one.id, T0 + seconds(1))
    (message,) = await store.messages_of(other.id)
    assert (message.status, (await _now(store, other)).pending) == (Status.NEW, True)


async def test_of_a_cancellation_and_right_codes_at_once_one_wins(store: Store) -> None:
    for n in range(10):
        verification, now = await _start(store, purpose=f"p{n}"), T0 + seconds(1)
        tries = [_try(store, verification, Judge(True), now) for _ in range(3)]
        await asyncio.gather(
            *tries[: n % 4],
            store.cancel_verification(ACCOUNT, verification.id, now),
            *tries[n % 4 :],
        )
        ended = await _now(store, verification)
        approved = ended.state is VerificationState.APPROVED
        assert approved or ended.state is VerificationState.CANCELLED
        assert ended.attempts == (1 if approved else 0)


# Limits


@dataclass(frozen=True)
class Counted:
    """Which sends a kind of limit counts, beside a code to RECIPIENT in AT."""

    kind: LimitKind
    counts: Mapping[str, str]
    counts_not: Mapping[str, str]


_NEIGHBOUR = RECIPIENT[:-4] + "9999"
_COMPATRIOT = RECIPIENT[:-5] + "00000"
_FOREIGNER = {"recipient": OTHER_RECIPIENT, "country": "DE"}


@pytest.mark.parametrize(
    "case",
    [
        Counted(LimitKind.OTP_RECIPIENT, {}, {"recipient": _NEIGHBOUR}),
        Counted(LimitKind.OTP_PREFIX, {"recipient": _NEIGHBOUR}, {"recipient": _COMPATRIOT}),
        Counted(LimitKind.OTP_COUNTRY, {"recipient": _COMPATRIOT}, _FOREIGNER),
        Counted(LimitKind.OTP_ACCOUNT, _FOREIGNER, {"account": "other"}),
    ],
    ids=lambda case: case.kind.word,
)
async def test_each_kind_of_limit_counts_what_it_is_named_for(store: Store, case: Counted) -> None:
    limit = a_limit(1, case.kind)
    for n, uncounted in enumerate((case.counts_not, {"account": "other"})):
        await _start(store, purpose=f"uncounted {n}", **uncounted)
    wanted = a_send(a_verification(purpose="first"), limits=[limit])
    assert list((await store.send_code(wanted)).hits) == []
    for n, counted in enumerate((case.counts, {})):
        more = a_send(a_verification(purpose=f"more {n}", **counted), limits=[limit])
        refused_one = await store.send_code(more)
        assert list(refused_one.hits) == [LimitHit(limit, T0 + hours(1))]
        assert (refused_one.entry, refused_one.verification) == (None, None)


async def test_a_limit_slides_and_ends_exactly_when_the_oldest_send_drops_out(
    store: Store,
) -> None:
    limits = [a_limit(2)]

    async def send(wait: timedelta) -> list[LimitHit]:
        purpose = f"p{next(_numbers)}"
        wanted = a_send(a_verification(T0 + wait, purpose=purpose), limits=limits)
        return list((await store.send_code(wanted)).hits)

    full = [LimitHit(limits[0], T0 + hours(1))]
    assert await send(minutes(0)) == []
    assert await send(minutes(10)) == []
    assert await send(minutes(20)) == full
    assert await send(hours(1) - TICK) == full
    assert await send(hours(1)) == []
    full = [LimitHit(limits[0], T0 + minutes(70))]
    assert await send(minutes(70) - TICK) == full
    assert await send(minutes(70)) == []
    assert await send(minutes(71)) == [LimitHit(limits[0], T0 + hours(2))]


async def test_a_limit_that_was_lowered_ends_when_enough_sends_have_dropped_out(
    store: Store,
) -> None:
    for n in range(5):
        await _start(store, T0 + minutes(n), purpose=f"p{n}")
    limit = a_limit(2)
    (hit,) = await store.otp_hits(ACCOUNT, RECIPIENT, "AT", [limit], T0 + minutes(10))
    # Then only that of the fourth minute is left.
    assert hit.retry_time == T0 + minutes(3) + hours(1)
    assert await store.otp_hits(ACCOUNT, RECIPIENT, "AT", [limit], hit.retry_time) == []


async def test_the_codes_that_an_account_sent_are_counted_with_the_time_of_the_newest(
    store: Store,
) -> None:
    first, *_ = [await _start(store, T0 + seconds(n), purpose=f"p{n}") for n in range(3)]
    newest = T0 + COOL_DOWN
    await _send(store, sent_again(first, newest))
    await _start(store, newest + TICK, account="other")

    async def sent(since: datetime, most: int = 10) -> SentCodes:
        return await store.codes_sent(ACCOUNT, since, most)

    assert await sent(T0 - TICK) == SentCodes(4, newest)
    assert await sent(T0) == SentCodes(3, newest)
    assert await sent(T0 - TICK, most=2) == SentCodes(2, newest)
    assert await sent(newest) == SentCodes(0, None)
    assert await store.codes_sent("nobody", T0 - TICK, 10) == SentCodes()


async def test_a_maximum_of_0_always_refuses(store: Store) -> None:
    limit = a_limit(0, period=minutes(10))
    for now in (T0, T0 + days(3)):
        sent = await store.send_code(a_send(a_verification(now), limits=[limit]))
        assert list(sent.hits) == [LimitHit(limit, now + minutes(10))]
        assert sent.entry is None
    assert store.bounds.head == 0


async def test_a_limit_that_only_monitors_lets_through_and_tells(store: Store) -> None:
    limit = a_limit(1, mode=MONITOR)
    await _start(store, purpose="first")
    for n in range(2):
        sent = await store.send_code(a_send(a_verification(purpose=f"p{n}"), limits=[limit]))
        assert sent.verification is not None
        assert list(sent.hits) == [LimitHit(limit, T0 + hours(1))]


async def test_all_limits_that_are_used_up_are_told_and_one_that_is_enforced_refuses(
    store: Store,
) -> None:
    await _start(store, purpose="first")
    by_recipient = a_limit(1, mode=MONITOR)
    by_account = a_limit(1, LimitKind.OTP_ACCOUNT, period=days(1))
    by_prefix = a_limit(2, LimitKind.OTP_PREFIX)
    wanted = a_send(a_verification(), limits=[by_recipient, by_account, by_prefix])
    sent = await store.send_code(wanted)
    assert list(sent.hits) == [
        LimitHit(by_recipient, T0 + hours(1)),
        LimitHit(by_account, T0 + days(1)),
    ]
    assert (sent.entry, store.bounds.head) == (None, 1)


async def test_two_limits_of_one_kind_both_hold(store: Store) -> None:
    hourly, daily = a_limit(1), a_limit(2, period=days(1))
    limits = [hourly, daily]

    async def send(wait: timedelta) -> list[Limit]:
        purpose = f"p{next(_numbers)}"
        wanted = a_send(a_verification(T0 + wait, purpose=purpose), limits=limits)
        return [hit.limit for hit in (await store.send_code(wanted)).hits]

    assert await send(minutes(0)) == []
    assert await send(minutes(1)) == [hourly]
    assert await send(minutes(61)) == []
    assert await send(minutes(62)) == [hourly, daily]
    assert await send(hours(3)) == [daily]


async def test_a_send_that_a_limit_refuses_stores_nothing_and_counts_for_nothing(
    store: Store,
) -> None:
    limits = [a_limit(1)]
    await _send(store, a_send(a_verification(purpose="first"), limits=limits))
    for n in range(3):
        wanted = a_send(a_verification(T0 + minutes(n + 1)), limits=limits, request=KEY)
        sent = await store.send_code(wanted)
        assert list(sent.hits) == [LimitHit(limits[0], T0 + hours(1))]
    assert (store.bounds.head, store.backlog) == (1, 1)
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") is None
    assert await store.repeat_code(KEY) is None
    wanted = a_send(a_verification(T0 + hours(1)), limits=limits, request=KEY)
    assert (await store.send_code(wanted)).verification is not None


async def test_sending_again_counts_too(store: Store) -> None:
    limits = [a_limit(2)]
    verification, _ = await _send(store, a_send(a_verification(), limits=limits))
    again, _ = await _send(store, sent_again(verification, T0 + seconds(31), limits=limits))
    third = await store.send_code(sent_again(again, T0 + seconds(62), limits=limits))
    assert list(third.hits) == [LimitHit(limits[0], T0 + hours(1))]
    assert await _now(store, verification) == again


async def test_neither_a_cancellation_nor_a_right_code_makes_room(store: Store) -> None:
    first, second = await _start(store, purpose="a"), await _start(store, purpose="b")
    await store.cancel_verification(ACCOUNT, first.id, T0 + seconds(1))
    await _try(store, second, Judge(True))
    limit = a_limit(2)
    hits = await store.otp_hits(ACCOUNT, RECIPIENT, "AT", [limit], T0 + seconds(2))
    assert list(hits) == [LimitHit(limit, T0 + hours(1))]


async def test_looking_at_limits_tells_what_a_send_would_and_counts_nothing(
    store: Store,
) -> None:
    limits = [a_limit(1), a_limit(0, LimitKind.OTP_PREFIX, mode=MONITOR)]

    async def look() -> list[LimitHit]:
        return list(await store.otp_hits(ACCOUNT, RECIPIENT, "AT", limits, T0))

    (only,) = await look()
    assert await look() == [only]
    sent = await store.send_code(a_send(a_verification(), limits=limits))
    assert list(sent.hits) == [only]
    assert await look() == list(
        (await store.send_code(a_send(a_verification(purpose="b"), limits=limits))).hits
    )


async def test_a_limit_at_which_many_arrive_at_once_lets_exactly_its_maximum_through(
    store: Store,
) -> None:
    limits = [a_limit(5)]
    plans = [a_send(a_verification(purpose=f"p{n}"), limits=limits) for n in range(200)]
    sent = await asyncio.gather(*(store.send_code(plan) for plan in plans))
    assert sum(each.verification is not None for each in sent) == 5
    assert store.bounds.head == 5


# Forgetting


async def _delivered(store: Store, verification: Verification, now: datetime) -> None:
    (claim,) = (await store.claim_due(now, 10)).claims
    carrier_id = claim.message.id
    await store.record_submits([a_result(claim, accepted(carrier_id), time=now)])
    await store.record_receipts([a_receipt(carrier_id)], now + seconds(1))


def _all_before(time: datetime) -> Horizons:
    return some_horizons(log=time, requests=time, parts=time, codes=time, messages=time)


async def test_verifications_are_kept_as_long_as_messages_are(store: Store) -> None:
    verification = await _start(store)
    await _delivered(store, verification, T0)
    later = T0 + days(400)
    gone = await _prune(store, replace(_all_before(later), messages=None))
    assert "codes" not in gone
    assert await _now(store, verification) == verification
    assert len(await store.messages_of(verification.id)) == 1


async def test_old_verifications_are_forgotten_with_their_sends(store: Store) -> None:
    old = await _start(store)
    await _delivered(store, old, T0)
    new = await _start(store, T0 + days(40))
    await _delivered(store, new, T0 + days(40))
    gone = await _prune(store, _all_before(T0 + days(35)))
    assert gone["codes"] == 2
    assert await store.verification(ACCOUNT, old.id) is None
    assert list(await store.messages_of(old.id)) == []
    assert await _now(store, new) == new
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") == new
    limit = a_limit(1, period=days(31))
    hits = await store.otp_hits(ACCOUNT, RECIPIENT, "AT", [limit], T0 + days(41))
    assert list(hits) == [LimitHit(limit, T0 + days(40) + days(31))]


async def test_sends_outlive_their_messages_as_long_as_a_limit_can_count_them(
    store: Store,
) -> None:
    verification, now = await _start(store), T0 + days(10)
    await _delivered(store, verification, T0)
    horizons = replace(_all_before(now), codes=T0 - days(21))
    gone = await _prune(store, horizons)
    assert (gone["messages"] > 0, gone["codes"]) == (True, 0)
    assert list(await store.messages_of(verification.id)) == []
    assert await _now(store, verification) == verification
    limit = a_limit(1, period=days(31))
    hits = await store.otp_hits(ACCOUNT, RECIPIENT, "AT", [limit], now)
    assert list(hits) == [LimitHit(limit, T0 + days(31))]


async def test_a_verification_is_not_forgotten_while_its_code_can_be_checked(
    store: Store,
) -> None:
    verification = await _start(store)
    await _delivered(store, verification, T0)
    await _prune(store, _all_before(T0 + minutes(1)))
    attempted = await _try(store, verification, Judge(True), T0 + minutes(2))
    assert attempted.result is VerifyResult.APPROVED


async def test_old_answers_to_attempts_are_forgotten(store: Store) -> None:
    verification = await _start(store, expire_time=T0 + days(4))
    await _try(store, verification, Judge(False), T0, _attempt_key("old"))
    await _try(store, verification, Judge(False), T0 + days(2), _attempt_key("new"))
    gone = await _prune(store, some_horizons(requests=T0 + days(1)))
    assert gone["attempts"] == 1
    now = T0 + days(2)
    again = await _try(store, verification, Judge(False), now, _attempt_key("old"))
    assert (again.replayed, again.verification.attempts) == (False, 3)
    new = await _try(store, verification, never, now, _attempt_key("new"))
    assert new.replayed


async def test_an_old_request_of_a_code_is_forgotten(store: Store) -> None:
    await store.send_code(a_send(a_verification(), request=KEY))
    await _prune(store, some_horizons(requests=T0 + minutes(1)))
    assert await store.repeat_code(KEY) is None
    sent = await store.send_code(a_send(a_verification(T0 + hours(1)), request=KEY))
    assert sent.entry is not None
    assert not sent.entry.replayed


# What survives


async def _reopened(durable: Medium, tmp_path: Path, store: Store) -> Store:
    await store.close()
    store = durable.make(tmp_path)
    await store.open()
    return store


async def test_all_of_it_survives(durable: Medium, tmp_path: Path) -> None:
    store = durable.make(tmp_path)
    await store.open()
    limits = [a_limit(2)]
    pending, _ = await _send(store, a_send(a_verification(), limits=limits, request=KEY))
    pending, _ = await _send(store, sent_again(pending, T0 + seconds(31), limits=limits))
    await _try(store, pending, Judge(False), request=_attempt_key("wrong"))
    approved = await _start(store, recipient=_NEIGHBOUR)
    await _try(store, approved, Judge(True), request=_attempt_key("right"))
    cancelled = await _start(store, recipient=_COMPATRIOT)
    await store.cancel_verification(ACCOUNT, cancelled.id, T0 + seconds(1))
    before = [await _now(store, each) for each in (pending, approved, cancelled)]
    messages = list(await store.messages_of(pending.id))

    store = await _reopened(durable, tmp_path, store)
    assert [await _now(store, each) for each in (pending, approved, cancelled)] == before
    assert list(await store.messages_of(pending.id)) == messages
    assert await store.newest_verification(ACCOUNT, RECIPIENT, "login") == before[0]
    repeated = await store.repeat_code(KEY)
    assert repeated is not None
    assert (_message(repeated), repeated.verification) == (messages[0], before[0])
    hits = await store.otp_hits(ACCOUNT, RECIPIENT, "AT", limits, T0 + minutes(1))
    assert list(hits) == [LimitHit(limits[0], T0 + hours(1))]
    wrong = await _try(store, pending, never, T0 + seconds(40), _attempt_key("wrong"))
    assert (wrong.result, wrong.replayed) == (VerifyResult.INCORRECT, True)
    right = await _try(store, approved, never, T0 + seconds(40), _attempt_key("right"))
    assert (right.result, right.replayed) == (VerifyResult.APPROVED, True)
    more = await _try(store, pending, Judge(False), T0 + seconds(40))
    assert more.verification.attempts == 2
    await store.close()


# Any life


_LIVES = 300 if os.environ.get("SMSGATE_SOAK") == "1" else 10
_STEPS = 60
_WAITS = (0, 0, 1, 20, 40, 200, 1_000)
_PLACES = (
    {"recipient": RECIPIENT, "country": "AT"},
    {"recipient": _NEIGHBOUR, "country": "AT"},
    _FOREIGNER,
)
_NAMES = tuple(product((ACCOUNT, "other"), _PLACES, ("", "login")))
_LIMITS = (
    a_limit(3),
    a_limit(4, LimitKind.OTP_PREFIX, period=minutes(20)),
    a_limit(6, LimitKind.OTP_ACCOUNT, mode=MONITOR),
    a_limit(0, LimitKind.OTP_COUNTRY, mode=MONITOR),
)

Act = Callable[[Store], Awaitable[Any]]


class _Life:
    """Draws what happens next; what it draws can then be done to every store alike."""

    def __init__(self, seed: int, guide: Store) -> None:
        self._chance = random.Random(seed)
        self._guide = guide
        self.now = T0
        self.known: list[tuple[str, str]] = [(ACCOUNT, "unknown")]

    async def next(self) -> Act:
        self.now += seconds(self._chance.choice(_WAITS))
        draw = self._chance.choice(
            [self._send, self._send, self._attempt, self._attempt, self._look, self._claim]
            + [self._cancel] * (self._chance.random() < 0.5)
        )
        return await draw()

    def _key(self, method: str, share: float) -> RequestKey | None:
        if self._chance.random() > share:
            return None
        fingerprint = self._chance.choice((b"a", b"a", b"b"))
        name = self._chance.choice(("r1", "r2", "r3"))
        return a_request_key(name, method=method, fingerprint=fingerprint)

    async def _send(self) -> Act:
        account, place, purpose = self._chance.choice(_NAMES)
        newest = await self._guide.newest_verification(account, place["recipient"], purpose)
        limits = self._chance.sample(_LIMITS, self._chance.choice((0, 0, 1, 4)))
        request = self._key("SendOTP", 0.3) if account == ACCOUNT else None
        # Now and then as if it was drawn up before another call was served.
        if newest is None or not newest.at(self.now).pending or self._chance.random() < 0.1:
            fresh = a_verification(self.now, account=account, purpose=purpose, **place)
            self.known.append((account, fresh.id))
            wanted = a_send(fresh, self._chance.choice((0, 0, 0, 0, 1)), limits, request)
        else:
            wanted = sent_again(newest, self.now, limits=limits, request=request)
        return lambda store: store.send_code(wanted)

    async def _attempt(self) -> Act:
        account, verification_id = self._chance.choice(self.known[-6:])
        judge = Judge(self._chance.random() < 0.15)
        request = self._key("VerifyOTP", 0.4) if account == ACCOUNT else None
        now = self.now
        attempt = Attempt(account, verification_id, judge, now, request, now - REPEATABLE)
        return lambda store: store.attempt(attempt)

    async def _cancel(self) -> Act:
        account, verification_id = self._chance.choice(self.known[-6:])
        now = self.now
        return lambda store: store.cancel_verification(account, verification_id, now)

    async def _look(self) -> Act:
        account, place, _ = self._chance.choice(_NAMES)
        now = self.now
        return lambda store: store.otp_hits(
            account, place["recipient"], place["country"], _LIMITS, now
        )

    async def _claim(self) -> Act:
        now, reached = self.now, self._chance.random() < 0.7

        async def claim(store: Store) -> list[Message]:
            claims = (await store.claim_due(now, 3)).claims
            for each in claims:
                outcome = accepted(each.message.id) if reached else refused()
                await store.record_submits([a_result(each, outcome, time=now)])
            return [each.message for each in claims]

        return claim


async def _whole(store: Store, life: _Life) -> list[Any]:
    """All that can be read of every verification there ever was."""
    read: list[Any] = [store.bounds, store.backlog]
    for account, verification_id in life.known:
        read.append(await store.verification(account, verification_id))
        read.append(list(await store.messages_of(verification_id)))
    for account, place, purpose in _NAMES:
        read.append(await store.newest_verification(account, place["recipient"], purpose))
        read.append(await store.codes_sent(account, T0, 5))
    return read


@pytest.mark.parametrize("seed", range(_LIVES))
async def test_whatever_happens_all_stores_say_the_same(tmp_path: Path, seed: int) -> None:
    stores = []
    for name, medium in STORES.items():
        (tmp_path / name).mkdir()
        stores.append(medium.make(tmp_path / name))
        await stores[-1].open()
    first, *others = stores
    life = _Life(seed, first)
    for _ in range(_STEPS):
        act = await life.next()
        said = await act(first)
        for other in others:
            assert await act(other) == said
    whole = await _whole(first, life)
    for other in others:
        assert await _whole(other, life) == whole
    for store in stores:
        await store.close()
