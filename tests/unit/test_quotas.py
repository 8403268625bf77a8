"""Rate limits: what is taken, what flows back, and how much of each is left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import T0, a_profile, minutes, seconds

from smsgate_server.domain.account import (
    ALL_SCOPES,
    AccountPolicy,
    ApiKey,
    Limit,
    LimitKind,
    PolicyMode,
)
from smsgate_server.domain.errors import ErrorReason, ResourceExhausted
from smsgate_server.services.access import Caller
from smsgate_server.services.notices import Notices
from smsgate_server.services.profiles import Profile
from smsgate_server.services.quotas import STREAMS_RETRY, LimitStatus, Quotas

BOUNDED = settings(deadline=None, max_examples=40, derandomize=True)

MESSAGES, REQUESTS = LimitKind.MESSAGES, LimitKind.REQUESTS
MONITOR = PolicyMode.MONITOR


@dataclass
class Hall:
    """Quotas with clocks that go only when they are told to. `noted` is what went on record."""

    passed: float = 0.0
    noted: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        notices = Notices(lambda account, reason: self.noted.append((account, reason)))
        self.quotas = Quotas(self, lambda: 5_000.0 + self.passed, notices)

    def now(self) -> datetime:
        return T0 + seconds(self.passed)


@pytest.fixture
def hall() -> Hall:
    return Hall()


def a_limit(
    maximum: int, per: timedelta | None = None, kind: LimitKind = MESSAGES, **fields: Any
) -> Limit:
    """A limit per minute, if nothing else is said."""
    return Limit(kind, maximum, per or minutes(1), **fields)


def limited(*limits: Limit, account: str = "acme") -> Profile:
    return a_profile(id=account, policy=AccountPolicy(limits=limits))


def a_caller(*limits: Limit, key: str = "", account: str = "acme") -> Caller:
    made = ApiKey(id=key, account=account, scopes=ALL_SCOPES, digest=b"", create_time=T0)
    return Caller(limited(*limits, account=account), ALL_SCOPES, made if key else None)


def refused(call: Callable[..., object], *arguments: object) -> ResourceExhausted:
    with pytest.raises(ResourceExhausted) as caught:
        call(*arguments)
    return caught.value


def taken(hall: Hall, profile: Profile, most: int = 1_000) -> int:
    """How many messages are let through one by one."""
    for number in range(most):
        try:
            hall.quotas.take_messages(profile, 1)
        except ResourceExhausted:
            return number
    return most


def left(hall: Hall, profile: Profile) -> list[int | None]:
    return [status.remaining for status in hall.quotas.status(profile)]


# What may be taken


def test_after_a_rest_the_maximum_may_be_used_at_once_and_no_more(hall: Hall) -> None:
    assert taken(hall, limited(a_limit(7))) == 7


@pytest.mark.parametrize("burst", [1, 3, 50])
def test_a_burst_of_its_own_bounds_what_may_be_used_at_once(hall: Hall, burst: int) -> None:
    profile = limited(a_limit(10, burst=burst))
    assert taken(hall, profile) == burst
    hall.passed += 3_600
    assert taken(hall, profile) == burst


def test_what_was_used_flows_back_evenly_over_the_period(hall: Hall) -> None:
    profile = limited(a_limit(6))
    assert taken(hall, profile) == 6
    hall.passed += 9
    assert taken(hall, profile) == 0
    hall.passed += 1
    assert taken(hall, profile) == 1
    hall.passed += 20
    assert taken(hall, profile) == 2
    hall.passed += 60
    assert taken(hall, profile) == 6


def test_a_day_of_rest_gives_no_more_than_the_burst(hall: Hall) -> None:
    profile = limited(a_limit(6, burst=2))
    taken(hall, profile)
    hall.passed += 86_400
    assert taken(hall, profile) == 2


def test_a_refusal_takes_nothing(hall: Hall) -> None:
    profile = limited(a_limit(10))
    hall.quotas.take_messages(profile, 4)
    for _ in range(5):
        refused(hall.quotas.take_messages, profile, 7)
    hall.quotas.take_messages(profile, 6)
    assert left(hall, profile) == [0]


def test_a_limit_of_nothing_lets_nothing_through(hall: Hall) -> None:
    error = refused(hall.quotas.take_messages, limited(a_limit(0)), 1)
    assert error.reason is ErrorReason.RATE_LIMITED
    assert error.retry_after is None


def test_a_limit_of_nothing_is_one_whatever_its_burst(hall: Hall) -> None:
    profile = limited(a_limit(0, burst=2))
    for _ in range(3):
        error = refused(hall.quotas.take_messages, profile, 1)
        assert error.retry_after is None


def test_all_limits_of_one_kind_hold(hall: Hall) -> None:
    profile = limited(a_limit(3, seconds(1)), a_limit(5, minutes(1)))
    assert taken(hall, profile) == 3
    hall.passed += 1
    assert taken(hall, profile) == 2
    hall.passed += 1
    assert taken(hall, profile) == 0


def test_what_one_limit_refuses_is_not_taken_from_the_others(hall: Hall) -> None:
    profile = limited(a_limit(100, minutes(10)), a_limit(3, seconds(1)), a_limit(50, minutes(5)))
    before = left(hall, profile)
    refused(hall.quotas.take_messages, profile, 4)
    assert left(hall, profile) == before


def test_each_account_has_limits_of_its_own(hall: Hall) -> None:
    limit = a_limit(2)
    assert taken(hall, limited(limit)) == 2
    assert taken(hall, limited(limit, account="other")) == 2
    assert taken(hall, limited(limit)) == 0


def test_the_limits_of_messages_do_not_count_requests_nor_the_other_way_round(hall: Hall) -> None:
    caller = a_caller(a_limit(2), a_limit(3, kind=REQUESTS))
    for _ in range(3):
        hall.quotas.enter(caller)
    assert taken(hall, caller.profile) == 2
    assert refused(hall.quotas.enter, caller).metadata == {"limit": "requests"}


def test_a_key_has_a_limit_of_its_own_beside_that_of_its_account(hall: Hall) -> None:
    limits = (a_limit(5, kind=REQUESTS), a_limit(3, kind=LimitKind.KEY_REQUESTS))
    one, two = a_caller(*limits, key="k1"), a_caller(*limits, key="k2")
    for _ in range(3):
        hall.quotas.enter(one)
    # A refused call counts too, so this one is the fourth of the account.
    assert refused(hall.quotas.enter, one).metadata == {"limit": "key_requests"}
    hall.quotas.enter(two)
    assert refused(hall.quotas.enter, two).metadata == {"limit": "requests"}


# When to come again


@pytest.mark.parametrize(
    ("maximum", "period", "count", "wait"),
    [
        (1, 1, 1, 1.0),
        (6, 60, 1, 10.0),
        (6, 60, 6, 60.0),
        (10, 1, 3, 0.3),
        (100, 86_400, 1, 864.0),
    ],
)
def test_who_is_refused_is_told_when_it_will_be_let_through(
    hall: Hall, maximum: int, period: int, count: int, wait: float
) -> None:
    profile = limited(a_limit(maximum, seconds(period)))
    hall.quotas.take_messages(profile, maximum)
    error = refused(hall.quotas.take_messages, profile, count)
    assert error.reason is ErrorReason.RATE_LIMITED
    assert error.metadata == {"limit": "messages"}
    assert error.subject == "messages"
    assert error.retry_after is not None
    assert error.retry_after.total_seconds() == pytest.approx(wait, abs=0.002)
    hall.passed += error.retry_after.total_seconds() - 0.01 * wait
    refused(hall.quotas.take_messages, profile, count)
    hall.passed += 0.01 * wait + 0.001
    hall.quotas.take_messages(profile, count)


def test_more_than_fits_at_once_is_refused_without_a_time_to_come_again(hall: Hall) -> None:
    profile = limited(a_limit(100, burst=10))
    error = refused(hall.quotas.take_messages, profile, 11)
    assert error.retry_after is None
    assert "never" in error.message
    assert "10" in error.message
    hall.quotas.take_messages(profile, 10)


@BOUNDED
@given(
    st.integers(1, 50),
    st.integers(1, 3_600),
    st.integers(0, 80),
    st.lists(st.tuples(st.integers(1, 60), st.floats(0, 500)), min_size=1, max_size=20),
)
def test_no_span_of_time_lets_more_through_than_the_burst_and_what_flows_back(
    maximum: int, period: int, burst: int, calls: list[tuple[int, float]]
) -> None:
    hall = Hall()
    profile = limited(a_limit(maximum, seconds(period), burst=burst))
    capacity = burst or maximum
    through = 0
    for count, pause in calls:
        hall.passed += pause
        found = hall.quotas.would_refuse(profile, count)
        if found:
            error = refused(hall.quotas.take_messages, profile, count)
            assert [str(error)] == [str(each) for each in found]
            assert (error.retry_after is None) == (count > capacity)
            wait = error.retry_after or timedelta(0)
            # Told to the microsecond, so a moment later is soon enough.
            hall.passed += wait.total_seconds() + 0.000_002
        if count <= capacity:
            hall.quotas.take_messages(profile, count)
            through += count
        assert through <= capacity + hall.passed * maximum / period + 1e-6
        assert 0 <= (left(hall, profile)[0] or 0) <= capacity


# What was not accepted is given back


def test_what_was_not_accepted_may_be_used_again(hall: Hall) -> None:
    profile = limited(a_limit(10), a_limit(20, minutes(5)))
    hall.quotas.take_messages(profile, 10)
    hall.quotas.return_messages(profile, 4)
    assert left(hall, profile) == [4, 14]
    assert taken(hall, profile) == 4


def test_giving_back_never_makes_more_than_there_can_be(hall: Hall) -> None:
    profile = limited(a_limit(10))
    hall.quotas.take_messages(profile, 2)
    hall.passed += 60
    hall.quotas.return_messages(profile, 2)
    assert left(hall, profile) == [10]
    assert taken(hall, profile) == 10


# What would be refused


def test_a_forecast_takes_nothing_and_says_what_would_be_refused(hall: Hall) -> None:
    profile = limited(a_limit(3), a_limit(2, minutes(10)))
    assert hall.quotas.would_refuse(profile, 2) == []
    assert left(hall, profile) == [3, 2]
    found = hall.quotas.would_refuse(profile, 4)
    assert [error.reason for error in found] == [ErrorReason.RATE_LIMITED] * 2
    hall.quotas.take_messages(profile, 2)
    (found_later,) = hall.quotas.would_refuse(profile, 1)
    assert isinstance(found_later, ResourceExhausted)
    assert found_later.retry_after == minutes(5)
    assert left(hall, profile) == [1, 0]


def test_a_forecast_is_silent_about_what_is_only_monitored(hall: Hall) -> None:
    assert hall.quotas.would_refuse(limited(a_limit(1, mode=MONITOR)), 5) == []
    assert not hall.noted


# Monitored limits


def test_a_monitored_limit_lets_everything_through_and_tells_what_it_would_refuse(
    hall: Hall,
) -> None:
    profile = limited(a_limit(3, mode=MONITOR), a_limit(4, minutes(10), mode=MONITOR))
    found = [hall.quotas.take_messages(profile, 1) for _ in range(5)]
    assert [len(each) for each in found] == [0, 0, 0, 1, 2]
    assert {error.reason for each in found for error in each} == {ErrorReason.RATE_LIMITED}
    assert left(hall, profile) == [0, 0]
    # It is put on record by who knows that the messages were accepted.
    assert not hall.noted


def test_a_monitored_limit_never_tells_more_than_was_ever_left_of_it(hall: Hall) -> None:
    profile = limited(a_limit(3, mode=MONITOR))
    hall.quotas.take_messages(profile, 3)
    assert hall.quotas.take_messages(profile, 2)  # nothing was left to be taken
    hall.quotas.return_messages(profile, 2)  # it could not be paid, say
    assert left(hall, profile) == [0]
    assert hall.quotas.take_messages(profile, 1)


def test_what_an_enforced_limit_refuses_adds_nothing_to_a_monitored_one(hall: Hall) -> None:
    profile = limited(a_limit(3, mode=MONITOR), a_limit(5, minutes(10)))
    hall.quotas.take_messages(profile, 3)
    hall.quotas.take_messages(profile, 2)
    assert left(hall, profile) == [0, 0]
    refused(hall.quotas.take_messages, profile, 2)
    assert left(hall, profile) == [0, 0]


def test_a_monitored_limit_of_requests_lets_calls_through(hall: Hall) -> None:
    caller = a_caller(a_limit(1, kind=REQUESTS, mode=MONITOR))
    for _ in range(3):
        hall.quotas.enter(caller)
    assert hall.noted == [("acme", "RATE_LIMITED")] * 2


# Streams


def test_as_many_streams_may_be_open_as_the_limit_says(hall: Hall) -> None:
    caller = a_caller(Limit(LimitKind.STREAMS, 2))
    hall.quotas.open_stream(caller)
    hall.quotas.open_stream(caller)
    error = refused(hall.quotas.open_stream, caller)
    assert error.reason is ErrorReason.TOO_MANY_STREAMS
    assert error.metadata == {"limit": "streams", "maximum": "2"}
    assert error.retry_after == STREAMS_RETRY
    assert left(hall, caller.profile) == [0]
    hall.quotas.close_stream(caller)
    assert left(hall, caller.profile) == [1]
    hall.quotas.open_stream(caller)
    refused(hall.quotas.open_stream, caller)


def test_a_refused_stream_is_not_counted_as_open(hall: Hall) -> None:
    caller = a_caller(Limit(LimitKind.STREAMS, 1))
    hall.quotas.open_stream(caller)
    for _ in range(3):
        refused(hall.quotas.open_stream, caller)
    hall.quotas.close_stream(caller)
    hall.quotas.open_stream(caller)


def test_streams_of_another_account_are_not_counted(hall: Hall) -> None:
    limit = Limit(LimitKind.STREAMS, 1)
    hall.quotas.open_stream(a_caller(limit))
    hall.quotas.open_stream(a_caller(limit, account="other"))


def test_a_monitored_limit_of_streams_opens_them_and_counts_them(hall: Hall) -> None:
    caller = a_caller(Limit(LimitKind.STREAMS, 1, mode=MONITOR))
    for _ in range(3):
        hall.quotas.open_stream(caller)
    assert hall.noted == [("acme", "TOO_MANY_STREAMS")] * 2
    assert left(hall, caller.profile) == [0]
    for _ in range(3):
        hall.quotas.close_stream(caller)
    assert left(hall, caller.profile) == [1]


# What is left


def test_what_was_never_used_is_all_there_and_has_no_time_to_be_there_again(hall: Hall) -> None:
    limit = a_limit(5, burst=8)
    assert hall.quotas.status(limited(limit)) == [LimitStatus(limit, 8, None)]


def test_the_status_says_how_much_is_left_and_when_all_of_it_is_there_again(hall: Hall) -> None:
    limit = a_limit(6)
    profile = limited(limit)
    hall.quotas.take_messages(profile, 4)
    assert hall.quotas.status(profile) == [LimitStatus(limit, 2, T0 + seconds(40))]
    hall.passed += 15
    assert hall.quotas.status(profile) == [LimitStatus(limit, 3, T0 + seconds(40))]
    hall.passed += 25
    assert hall.quotas.status(profile) == [LimitStatus(limit, 6, None)]


def test_the_status_of_a_key_is_told_with_the_key_alone(hall: Hall) -> None:
    limit = a_limit(5, kind=LimitKind.KEY_REQUESTS)
    caller = a_caller(limit, key="k1")
    hall.quotas.enter(caller)
    assert hall.quotas.status(caller.profile) == [LimitStatus(limit, None, None)]
    (status,) = hall.quotas.status(caller.profile, "k1")
    assert status.remaining == 4
    (other,) = hall.quotas.status(caller.profile, "k2")
    assert (other.remaining, other.reset_time) == (5, None)


@pytest.mark.parametrize("kind", [kind for kind in LimitKind if kind.of_otp])
def test_of_codes_it_knows_nothing_for_they_are_counted_by_the_store(
    hall: Hall, kind: LimitKind
) -> None:
    limit = a_limit(5, kind=kind)
    assert hall.quotas.status(limited(limit)) == [LimitStatus(limit, None, None)]


def test_a_status_that_is_asked_for_uses_nothing(hall: Hall) -> None:
    profile = limited(a_limit(2))
    for _ in range(10):
        assert left(hall, profile) == [2]
    assert taken(hall, profile) == 2
