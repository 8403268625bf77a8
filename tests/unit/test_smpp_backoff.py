"""How long it takes until a bind that ended is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from smsgate_server.carriers.smpp.binding import Backoff


def _waits(*up_seconds: float, first: float = 1.0, jitter: float = 1.0) -> list[float]:
    backoff = Backoff(first, 60.0, lambda: jitter)
    return [backoff.wait(up) for up in up_seconds]


def test_each_wait_is_twice_the_one_before_up_to_a_cap() -> None:
    assert _waits(*[0.0] * 9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_after_a_bind_that_was_up_for_a_while_the_wait_is_the_shortest_again() -> None:
    assert _waits(0, 0, 0, 29.9, 30, 0, 3600) == [1, 2, 4, 8, 1, 2, 1]


def test_the_first_wait_is_not_beyond_the_cap_either() -> None:
    assert _waits(0, 0, first=100.0) == [60, 60]


@given(st.floats(0, 1), st.integers(1, 12))
def test_a_wait_is_jittered_from_its_half_to_the_whole(jitter: float, tries: int) -> None:
    longest, wait = _waits(*[0.0] * tries)[-1], _waits(*[0.0] * tries, jitter=jitter)[-1]
    assert longest / 2 <= wait <= longest
    assert wait == longest * (0.5 + jitter / 2)
