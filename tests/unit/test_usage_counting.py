"""What is counted of an account's use, and how a message's life changes the counts."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import T0, a_message, seconds

from smsgate_server.domain.message import (
    NO_PRICE,
    TRANSITIONS,
    Message,
    Price,
    PriceStatus,
    Reason,
    Status,
    StatusEvent,
)
from smsgate_server.domain.usage import (
    NO_STATUS,
    NOTHING,
    Counts,
    Usage,
    UsageKey,
    date_of,
    day_of,
    free_requests,
    recount,
    status_of,
)

BOUNDED = settings(deadline=None, max_examples=40, derandomize=True)

DAY = day_of(T0)
NEW, PENDING, DELIVERED, REJECTED = (
    Status.NEW,
    Status.PENDING,
    Status.DELIVERED,
    Status.REJECTED,
)


def priced(segments: int = 1, currency: str = "EUR", **overrides: Any) -> Message:
    price = Price(PriceStatus.DISPUTED, currency, 36_000, 36_000 * segments, 1)
    return a_message(**{"price": price, "segments": segments} | overrides)


def becomes(
    message: Message, status: Status, reason: Reason = Reason.SUBMITTED, refund: bool = False
) -> Message:
    event = StatusEvent(
        seq=message.last_seq + 1,
        message=message,
        from_status=message.status,
        to_status=status,
        reason=reason,
        event_time=T0 + seconds(1),
    )
    return message.after(event, refund)


def key(status: int, country: str = "AT", currency: str = "EUR", day: int = DAY) -> UsageKey:
    return UsageKey("acme", day, country, status, currency)


def rows(usage: Usage) -> dict[UsageKey, Counts]:
    """What is counted. A row of nothing is as good as none."""
    made = {UsageKey(*key): Counts(*row) for key, row in usage.changes.items()}
    return {key: counts for key, counts in made.items() if counts != NOTHING}


# Days


@pytest.mark.parametrize(
    ("time", "day", "on"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0, date(1970, 1, 1)),
        (datetime(1970, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC), 0, date(1970, 1, 1)),
        (datetime(2025, 2, 28, 23, 59, 59, tzinfo=UTC), 20_147, date(2025, 2, 28)),
        (datetime(2025, 3, 1, tzinfo=UTC), 20_148, date(2025, 3, 1)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), 19_782, date(2024, 2, 29)),
    ],
)
def test_days_begin_at_midnight_utc(time: datetime, day: int, on: date) -> None:
    assert day_of(time) == day
    assert date_of(day) == on


@BOUNDED
@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_the_day_of_a_time_is_its_date(time: datetime) -> None:
    assert date_of(day_of(time)) == time.date()


# A message counts under what it is now


def test_an_accepted_message_counts_where_it_belongs() -> None:
    usage = Usage()
    usage.accepted([priced(3)])
    assert rows(usage) == {key(NEW): Counts(messages=1, segments=3, cost=108_000)}


def test_what_the_bundle_covers_is_counted_and_not_in_the_cost() -> None:
    usage = Usage()
    usage.accepted([priced(3).charged(2)])
    counts = Counts(messages=1, segments=3, bundle_segments=2, cost=36_000)
    assert rows(usage) == {key(NEW): counts}


def test_without_a_price_segments_are_unpriced_and_of_no_currency() -> None:
    usage = Usage()
    usage.accepted([a_message(segments=2, price=NO_PRICE)])
    assert rows(usage) == {
        key(NEW, currency=""): Counts(messages=1, segments=2, unpriced_segments=2)
    }


def test_a_one_time_password_counts_as_a_message_and_as_such() -> None:
    usage = Usage()
    usage.accepted([priced(verification_id="v1")])
    assert rows(usage)[key(NEW)] == Counts(messages=1, otp_messages=1, segments=1, cost=36_000)


def test_messages_alike_share_a_row_and_others_have_their_own() -> None:
    usage = Usage()
    for message in (
        priced(),
        priced(),
        priced(country="IT"),
        priced(currency="CHF"),
        priced(create_time=T0 + timedelta(days=1)),
        priced(account="other"),
    ):
        usage.accepted([message])
    one = Counts(messages=1, segments=1, cost=36_000)
    assert rows(usage) == {
        key(NEW): one.plus(one),
        key(NEW, country="IT"): one,
        key(NEW, currency="CHF"): one,
        key(NEW, day=DAY + 1): one,
        key(NEW)._replace(account="other"): one,
    }


def test_a_transition_moves_a_message_to_another_row() -> None:
    usage = Usage()
    message = priced(2)
    usage.accepted([message])
    pending = becomes(message, PENDING)
    usage.moved(message, pending)
    assert rows(usage) == {key(PENDING): Counts(messages=1, segments=2, cost=72_000)}
    usage.moved(pending, becomes(pending, DELIVERED, Reason.HANDSET_RECEIPT))
    assert rows(usage) == {key(DELIVERED): Counts(messages=1, segments=2, cost=72_000)}


@pytest.mark.parametrize("status", [REJECTED, Status.EXPIRED])
def test_what_was_paid_back_costs_nothing_and_uses_no_bundle_but_is_counted(
    status: Status,
) -> None:
    usage = Usage()
    message = priced(3, verification_id="v1").charged(2)
    usage.accepted([message])
    usage.moved(message, becomes(message, status, refund=True))
    assert rows(usage) == {key(status): Counts(messages=1, otp_messages=1, segments=3)}


def test_what_was_not_paid_back_keeps_its_cost_however_it_ends() -> None:
    usage = Usage()
    message = becomes(priced(3).charged(1), PENDING)
    usage.accepted([message])
    usage.moved(message, becomes(message, Status.EXPIRED, Reason.VALIDITY_ELAPSED))
    counts = Counts(messages=1, segments=3, bundle_segments=1, cost=72_000)
    assert rows(usage) == {key(Status.EXPIRED): counts}


def test_a_late_receipt_moves_nothing() -> None:
    usage = Usage()
    message = becomes(becomes(priced(), PENDING), DELIVERED, Reason.HANDSET_RECEIPT)
    late = StatusEvent(
        seq=9,
        message=message,
        from_status=DELIVERED,
        to_status=DELIVERED,
        reason=Reason.NETWORK_RECEIPT,
        event_time=T0 + seconds(9),
        late=True,
        late_status=Status.UNDELIVERABLE,
    )
    usage.moved(message, message.after(late))
    assert not usage.changes


# Requests


def test_paid_requests_count_by_country_and_free_ones_by_none() -> None:
    usage = Usage()
    usage.paid_request("acme", T0, "AT")
    usage.paid_request("acme", T0, "AT")
    usage.paid_request("acme", T0, "")
    usage.add(*free_requests("acme", DAY, 7))
    assert rows(usage) == {
        key(NO_STATUS, currency=""): Counts(paid_requests=2),
        key(NO_STATUS, country="", currency=""): Counts(paid_requests=1, free_requests=7),
    }


def test_only_what_is_a_message_has_a_status() -> None:
    assert status_of(key(NO_STATUS)) is None
    assert [status_of(key(int(status))) for status in Status] == list(Status)


# Whatever happens


@st.composite
def stories(draw: st.DrawFn) -> Sequence[Message]:
    """What a message was from its acceptance on."""
    segments = draw(st.integers(1, 5))
    message = priced(
        segments,
        country=draw(st.sampled_from(("IT", "AT"))),
        create_time=T0 + timedelta(hours=draw(st.integers(0, 48))),
    )
    if draw(st.booleans()):
        message = message.charged(draw(st.integers(0, segments)))
    story = [message]
    while following := sorted(TRANSITIONS[message.status]):
        if draw(st.booleans()):
            break
        status = draw(st.sampled_from(following))
        unsent = message.status is NEW and status.final
        message = becomes(message, status, refund=unsent and draw(st.booleans()))
        story.append(message)
    return story


@BOUNDED
@given(st.lists(stories(), max_size=8))
def test_after_any_stories_the_counts_are_those_of_the_messages_as_they_are(
    told: list[Sequence[Message]],
) -> None:
    usage = Usage()
    for story in told:
        usage.accepted([story[0]])
    for story in told:
        for before, after in pairwise(story):
            usage.moved(before, after)
    now = [story[-1] for story in told]
    assert rows(usage) == recount(now)
    assert recount({message.id: message for message in now}) == recount(now)
    total = sum(counts.messages for counts in rows(usage).values())
    assert total == len(told)
