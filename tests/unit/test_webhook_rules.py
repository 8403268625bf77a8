"""What an answer means, when an event is tried again, who signs, and how an endpoint is treated."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from tests.builders import ACCOUNT, T0, a_message, hours, minutes, seconds

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import Reason, Status, StatusEvent
from smsgate_server.domain.webhooks import (
    RETRY_SECONDS,
    Health,
    Outcome,
    Verdict,
    Webhook,
    event_id,
    outcome_of,
    retry_delay,
)
from smsgate_server.services.ports.webhooks import Parked, Progress
from smsgate_server.services.webhook_lanes import Lanes
from smsgate_server.services.webhook_ledger import Ledger
from smsgate_server.services.webhook_parking import Parking
from smsgate_server.services.webhook_patience import Endpoints, Patience
from smsgate_server.services.webhook_tail import Tail


class SetClock:
    def __init__(self) -> None:
        self.time = T0

    def now(self) -> datetime:
        return self.time


def a_webhook(**overrides: object) -> Webhook:
    values: dict[str, object] = {
        "id": "hook",
        "account": ACCOUNT,
        "wanted": EventFilter(ACCOUNT),
        "secret": "new",
        "create_time": T0,
        "update_time": T0,
    }
    return Webhook(**(values | overrides))  # type: ignore[arg-type]


def an_event(seq: int, message_id: str = "m") -> StatusEvent:
    return StatusEvent(
        seq=seq,
        message=a_message(id=message_id),
        from_status=None,
        to_status=Status.NEW,
        reason=Reason.ACCEPTED,
        event_time=T0,
    )


def parked(seq: int, message_id: str = "m", **overrides: object) -> Parked:
    values: dict[str, object] = {
        "webhook": "hook",
        "seq": seq,
        "message_id": message_id,
        "attempts": 1,
        "due_time": T0,
        "first_time": T0,
    }
    return Parked(**(values | overrides))  # type: ignore[arg-type]


# Answers and waits


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *((code, Verdict.DELIVERED) for code in (200, 201, 202, 204, 299)),
        *((code, Verdict.RETRY) for code in (100, 301, 302, 307, 400, 401, 404, 409, 429)),
        *((code, Verdict.RETRY) for code in (500, 502, 503, 504, 599)),
        (410, Verdict.GONE),
    ],
)
def test_what_an_answer_means(status: int, verdict: Verdict) -> None:
    outcome = outcome_of(status, None, seconds(1))
    assert (outcome.verdict, outcome.status) == (verdict, status)
    assert bool(outcome.error) is (verdict is not Verdict.DELIVERED)


def test_patience_that_is_asked_for_is_bounded_and_only_some_may_ask() -> None:
    assert outcome_of(429, seconds(5), seconds(0)).retry_after == seconds(5)
    assert outcome_of(503, hours(100), seconds(0)).retry_after == hours(1)
    assert outcome_of(503, seconds(-5), seconds(0)).retry_after == seconds(0)
    assert outcome_of(500, seconds(5), seconds(0)).retry_after is None


def test_waits_grow_and_end_after_about_a_day() -> None:
    waits = [retry_delay(n, RETRY_SECONDS, 0.0, None) for n in range(1, len(RETRY_SECONDS) + 1)]
    assert waits == sorted(waits, key=lambda wait: wait or timedelta(0))
    assert waits[0] == seconds(5)
    assert retry_delay(len(RETRY_SECONDS) + 1, RETRY_SECONDS, 0.0, None) is None
    total = sum((wait for wait in waits if wait), timedelta(0))
    assert hours(20) < total < hours(24)
    longest = [retry_delay(n, RETRY_SECONDS, 1.0, None) for n in range(1, len(waits) + 1)]
    assert sum((wait for wait in longest if wait), timedelta(0)) < hours(28)
    assert retry_delay(1, RETRY_SECONDS, 0.0, minutes(10)) == minutes(10)
    assert retry_delay(5, RETRY_SECONDS, 0.0, seconds(1)) == minutes(30)


def test_the_old_secret_signs_until_its_time_is_over() -> None:
    rotated = a_webhook(secret="old").rotated("new", T0, hours(1))
    assert rotated.secrets(T0) == ("new", "old")
    assert rotated.secrets(T0 + hours(1)) == ("new",)
    assert a_webhook(secret="old").rotated("new", T0, hours(0)).secrets(T0) == ("new",)
    # Of two rotations in a row only the last but one signs beside.
    assert rotated.rotated("newer", T0, hours(1)).secrets(T0) == ("newer", "new")


def test_secrets_and_headers_are_in_no_repr() -> None:
    text = repr(a_webhook(secret="s1", old_secret="s2", headers=(("a", "s3"),)))
    assert not any(hidden in text for hidden in ("s1", "s2", "s3"))


def test_ids_of_events_are_apart() -> None:
    hooks = [
        a_webhook(id="1"),
        a_webhook(id="11"),
        a_webhook(id="callbacks", account="acme"),
        a_webhook(id="callbacks", account="acme2"),
    ]
    ids = {event_id(hook, seq) for hook in hooks for seq in (1, 11, 111)}
    assert len(ids) == 12


def test_health_counts_failures_until_one_is_taken() -> None:
    refused = Outcome(Verdict.RETRY, 500, "no")
    health = Health().after(refused, T0).after(refused, T0 + seconds(1))
    assert (health.failures, health.failing_since, health.status) == (2, T0, 500)
    health = health.after(Outcome(Verdict.DELIVERED, 204), T0 + seconds(2))
    assert (health.failures, health.failing_since, health.error) == (0, None, "")
    assert health.failure_time == T0 + seconds(1)


# Patience


def a_patience(clock: SetClock) -> Patience:
    return Patience(clock, lambda: 0.0, 4, (5.0, 30.0, 600.0))


def test_places_grow_one_by_one_and_are_halved_by_a_failure() -> None:
    patience = a_patience(SetClock())

    def free() -> int:
        numbers = []
        while patience.may_begin():
            numbers.append(patience.begin())
        for number in numbers:
            patience.end(number)
        return len(numbers)

    places = [free()]
    for _ in range(5):
        patience.learn(True, True, None)
        places.append(free())
    patience.learn(False, True, None)
    assert [*places, free()] == [1, 2, 3, 4, 4, 4, 2]


def test_after_five_failures_in_a_row_it_is_probed_ever_more_rarely() -> None:
    clock = SetClock()
    patience = a_patience(clock)
    for _ in range(4):
        patience.learn(False, True, None)
    assert not patience.out
    waits = []
    for _ in range(4):
        patience.learn(False, True, None)
        assert patience.out
        assert not patience.may_begin()
        waits.append((patience.until - clock.time).total_seconds())
        clock.time = patience.until
        number = patience.begin()
        assert not patience.may_begin()
        patience.end(number)
    assert waits == [5.0, 30.0, 300.0, 300.0]
    patience.learn(True, False, None)
    assert patience.may_begin()


def test_repeats_of_one_bad_event_do_not_make_a_bad_endpoint() -> None:
    patience = a_patience(SetClock())
    for _ in range(20):
        patience.learn(False, False, None)
    assert not patience.out


def test_who_asks_to_be_left_alone_is() -> None:
    clock = SetClock()
    patience = a_patience(clock)
    patience.learn(False, True, seconds(60))
    assert not patience.may_begin()
    clock.time += seconds(60)
    assert patience.may_begin()


def test_a_request_that_takes_long_makes_an_endpoint_doubtful() -> None:
    clock = SetClock()
    patience = a_patience(clock)
    number = patience.begin()
    assert not patience.doubtful
    clock.time += seconds(2)
    assert patience.doubtful
    patience.end(number)
    assert not patience.doubtful


def test_the_endpoints_that_are_remembered_are_bounded() -> None:
    endpoints = Endpoints(SetClock(), lambda: 0.0, 4, (5.0,))
    busy = endpoints["busy"]
    busy.begin()
    for number in range(5_000):
        _ = endpoints[str(number)]
    assert len(endpoints._known) <= 1_000
    assert endpoints["busy"] is busy


# Lanes and parking


def test_of_a_message_only_the_oldest_event_is_begun() -> None:
    lanes = Lanes()
    for seq, message_id in ((1, "a"), (2, "a"), (3, "b")):
        lanes.add(an_event(seq, message_id), "")
    first, second = lanes.begin(""), lanes.begin("")
    assert (first.seq, second.seq) == (1, 3)
    assert not lanes.endpoints
    lanes.delivered(second)
    assert (lanes.oldest, len(lanes)) == (1, 2)
    lanes.delivered(first)
    assert lanes.oldest == 2
    assert lanes.begin("").seq == 2
    assert [event.seq for event in lanes.take_out("a")] == [2]
    assert (lanes.oldest, len(lanes)) == (None, 0)


def test_endpoints_take_turns() -> None:
    lanes = Lanes()
    for seq in range(1, 5):
        lanes.add(an_event(seq, f"m{seq}"), "one")
    lanes.add(an_event(5, "m5"), "two")
    order = []
    while lanes.endpoints:
        order.append(lanes.begin(lanes.endpoints[0]).seq)
    assert order == [1, 5, 2, 3, 4]


def a_parking(events: Sequence[Parked]) -> Parking:
    return Parking(lambda each: each.callback.url if each.callback else "", events)


def test_each_endpoint_has_a_queue_of_its_own_and_they_take_turns() -> None:
    one, two = Callback("one"), Callback("two")
    parking = a_parking([parked(n, f"m{n}", callback=two if n == 9 else one) for n in (1, 2, 3, 9)])
    order = []
    while due := parking.next_due():
        event = parking.take_due(next(iter(due)), T0)
        assert event is not None
        order.append(event.seq)
        parking.remove(event, T0)
    assert order == [1, 9, 2, 3]


def test_parked_events_of_a_message_come_due_one_after_the_other() -> None:
    parking = a_parking([parked(2), parked(1), parked(3, "other", due_time=T0 + seconds(5))])
    event = parking.take_due("", T0)
    assert event is not None
    assert event.seq == 1
    # What comes meanwhile, even if it is older, waits until that is settled.
    parking.add(parked(0))
    parking.hurry(T0)
    other = parking.take_due("", T0)
    assert other is not None
    assert other.seq == 3
    assert parking.take_due("", T0) is None
    following = parking.remove(event, T0 + seconds(9))
    assert following is not None
    assert (following.seq, following.first_time) == (0, T0 + seconds(9))
    assert (len(parking), parking.next_due()) == (3, {"": T0 + seconds(9)})


def test_a_repeat_comes_due_at_its_time() -> None:
    parking = a_parking([parked(1)])
    event = parking.take_due("", T0)
    assert event is not None
    parking.retry(parked(1, attempts=2, due_time=T0 + seconds(5)))
    assert parking.take_due("", T0 + seconds(4)) is None
    again = parking.take_due("", T0 + seconds(5))
    assert again is not None
    assert again.attempts == 2
    assert parking.remove(again, T0) is None
    assert (len(parking), "m" in parking) == (0, False)


# What is written down


def test_what_could_not_be_written_is_kept_and_newer_things_hold_over_it() -> None:
    ledger = Ledger()
    ledger.move("hook", 5, Health())
    ledger.put(parked(1, body="one"))
    ledger.put(parked(2, body="two"))
    taken = ledger.take()
    assert ledger.body("hook", 1) == "one"
    ledger.move("hook", 9, Health())
    ledger.put(parked(1, attempts=2))
    ledger.remove("hook", 2)
    ledger.put_back()
    again = ledger.take()
    assert again.places == {"hook": (9, Health())}
    assert again.parked == {("hook", 1): parked(1, attempts=2, body="one"), ("hook", 2): None}
    assert isinstance(taken, Progress)
    ledger.done()
    assert (len(ledger), ledger.body("hook", 1)) == (0, None)


def test_the_tail_has_the_newest_events_without_gaps() -> None:
    tail = Tail(10)
    assert tail.after(9, 5) is None
    assert tail.after(10, 5) == []
    tail.append([an_event(n) for n in range(11, 16)])
    assert [event.seq for event in tail.after(12, 2) or ()] == [13, 14]
    for start in range(16, 12_016, 100):
        tail.append([an_event(n) for n in range(start, start + 100)])
    assert tail.end == 12_015
    assert tail.after(10, 1) is None
    assert [event.seq for event in tail.after(12_010, 9) or ()] == list(range(12_011, 12_016))
