from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.carriers.smpp.pacing import Pace

BOUNDED = settings(deadline=None, max_examples=300, derandomize=True)
NO_LIMIT = float("inf")
START = 5000.0


def drained(pace: Pace, now: float) -> int:
    """How many submits can be begun at once; a thousand for no limit."""
    count = 0
    while pace.room(now) >= 1 and count < 1000:
        pace.take(now)
        count += 1
    return count


def sent(pace: Pace, now: float, seconds: float, step: float = 0.01) -> int:
    """How many submits are begun in that time by someone who always has more."""
    return sum(drained(pace, now + step * n) for n in range(1, round(seconds / step) + 1))


def a_throttled_pace(limit: float) -> Pace:
    pace = Pace(limit, START)
    pace.throttled(START)
    return pace


# The limit


@pytest.mark.parametrize("limit", [0.1, 1, 7, 100, 1000, 3333])
def test_as_many_are_sent_as_the_limit_allows(limit: float) -> None:
    pace = Pace(limit, START)
    assert pace.rate == limit
    assert sent(pace, START, 10, step=0.001) == pytest.approx(10 * limit, rel=0.01, abs=1)


@pytest.mark.parametrize(("limit", "most"), [(0.1, 1), (1, 1), (10, 1), (50, 5), (1000, 100)])
def test_who_was_silent_may_send_a_tenth_of_a_second_at_once(limit: float, most: int) -> None:
    pace = Pace(limit, START)
    assert drained(pace, START + 3600) == most
    assert drained(pace, START + 3600) == 0


def test_the_first_needs_no_wait() -> None:
    pace = Pace(0.01, START)
    assert pace.wait(START) == 0
    assert pace.room(START) == 1


@pytest.mark.parametrize("limit", [0.1, 1, 30, 1000])
def test_after_the_wait_there_is_room_for_one(limit: float) -> None:
    pace = Pace(limit, START)
    drained(pace, START)
    wait = pace.wait(START)
    assert wait == pytest.approx(1 / limit)
    assert pace.room(START + wait * 0.9) < 1
    assert pace.room(START + wait + 1e-6) >= 1


def test_a_clock_that_stands_still_gives_nothing() -> None:
    pace = Pace(10, START)
    assert drained(pace, START) == 1
    assert drained(pace, START) == drained(pace, START - 1) == 0


@BOUNDED
@given(
    st.floats(0.1, 5000),
    st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=60),
)
def test_the_limit_is_never_exceeded_over_any_time(
    limit: float, turns: list[tuple[float, bool]]
) -> None:
    pace, now = Pace(limit, START), START
    counts: list[tuple[float, int]] = []
    for passed, throttled in turns:
        now += passed
        counts.append((now, drained(pace, now)))
        if throttled:
            pace.throttled(now)
        assert 0 < pace.rate <= limit
        assert pace.wait(now) >= 0
    for first, (began, _) in enumerate(counts):
        total = sum(count for _, count in counts[first:])
        assert total <= (now - began) * limit + max(limit / 10, 1) + 1e-6


# Throttling, with a limit


def test_throttling_halves_the_pace_and_stops_at_once() -> None:
    pace = Pace(100, START)
    pace.throttled(START)
    assert pace.rate == 50
    assert pace.room(START) == 0
    assert pace.wait(START) == pytest.approx(1 / 50)
    assert sent(pace, START, 1) == pytest.approx(50, abs=1)


def test_a_burst_of_refusals_halves_it_once() -> None:
    pace = Pace(100, START)
    for n in range(100):
        pace.throttled(START + n / 101)
    assert pace.rate == 50


def test_the_next_burst_halves_it_again() -> None:
    pace = a_throttled_pace(100)
    pace.throttled(START + 1)
    pace.throttled(START + 2)
    assert pace.rate == pytest.approx(12.5)


@pytest.mark.parametrize("steps", [1, 3, 100])
def test_the_pace_grows_back_after_the_burst_however_often_it_is_asked(steps: int) -> None:
    pace = a_throttled_pace(100)
    rates = {}
    for seconds in range(1, 9):
        for step in range(1, steps + 1):
            pace.room(START + seconds - 1 + step / steps)
        rates[seconds] = pace.rate
    expected = {1: 50, 2: 60, 3: 70, 4: 80, 5: 90, 6: 100, 7: 100, 8: 100}
    assert rates == pytest.approx(expected)


def test_a_long_silence_brings_the_whole_limit_back() -> None:
    pace = a_throttled_pace(100)
    assert pace.room(START + 86_400) == 5
    assert pace.rate == 100
    assert pace.room(START + 86_401) == 10


@pytest.mark.parametrize(
    ("limit", "slowest"), [(1000, 0.5), (1, 0.5), (0.5, 0.5), (0.3, 0.3), (0.01, 0.01)]
)
def test_there_is_a_slowest_pace_and_it_is_not_above_the_limit(
    limit: float, slowest: float
) -> None:
    pace, now = Pace(limit, START), START
    for _ in range(30):
        pace.throttled(now)
        now += 1
    assert pace.rate == slowest
    drained(pace, now)
    assert pace.wait(now) <= 1 / slowest


# Without a limit


def test_without_a_limit_there_is_room_for_all() -> None:
    pace = Pace(0, START)
    assert pace.rate == pace.room(START) == NO_LIMIT
    assert pace.wait(START) == 0
    assert drained(pace, START) == 1000
    assert pace.room(START) == NO_LIMIT


def test_who_is_throttled_without_a_limit_sends_half_of_what_he_sent() -> None:
    pace = Pace(0, START)
    for n in range(1000):
        pace.take(START + n / 200)
    pace.throttled(START + 5)
    assert pace.rate == pytest.approx(100, rel=0.02)
    assert pace.room(START + 5) == 0
    assert pace.wait(START + 5) == pytest.approx(1 / pace.rate)


def test_who_is_throttled_at_his_first_submits_does_not_stand_still() -> None:
    pace = Pace(0, START)
    pace.take(START)
    pace.throttled(START)
    assert pace.rate == 5
    assert sent(pace, START, 1) == pytest.approx(5, abs=1)


def test_without_a_limit_the_pace_doubles_each_second_until_it_is_free() -> None:
    pace = Pace(0, START)
    for n in range(400):
        pace.take(START + n / 400)
    pace.throttled(START + 1)
    rates = []
    for second in range(2, 12):
        pace.room(START + second)
        rates.append(pace.rate)
    assert rates[0] == pytest.approx(200, rel=0.02)
    assert all(after in (before * 2, NO_LIMIT) for before, after in pairwise(rates))
    assert rates[-1] == NO_LIMIT
    assert pace.room(START + 12) == NO_LIMIT
    assert pace.wait(START + 12) == 0


@pytest.mark.parametrize("silence", [60, 1_100, 86_400, 1e9])
def test_without_a_limit_a_silence_of_any_length_sets_it_free(silence: float) -> None:
    pace = a_throttled_pace(0)
    pace.room(START + silence)
    assert pace.rate == NO_LIMIT
    assert pace.wait(START + silence) == 0
    assert pace.room(START + silence) == NO_LIMIT


def test_without_a_limit_who_is_free_again_can_be_throttled_again() -> None:
    pace = a_throttled_pace(0)
    pace.room(START + 60)
    pace.throttled(START + 61)
    assert pace.rate < NO_LIMIT
    assert pace.room(START + 61) == 0
