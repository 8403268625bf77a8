"""Time and ids as the running server has them."""

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from smsgate_server.services.clock import SystemClock, UuidV7

_T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_the_clock_never_goes_back_though_the_systems_does(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((2_000_000_000, 5_000_000_000, 1_000_000_000, 5_000_001_000))
    monkeypatch.setattr(time, "time_ns", lambda: next(times))
    clock = SystemClock()
    seen = [clock.now() for _ in range(4)]
    assert seen == sorted(seen)
    assert seen[2] == seen[1]
    assert seen[3] - seen[2] == timedelta(microseconds=1)


def test_the_clock_tells_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_ids_are_version_7_of_their_millisecond() -> None:
    made = uuid.UUID(UuidV7().new(_T0))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == int(_T0.timestamp() * 1000)


def test_ids_of_one_millisecond_sort_as_they_were_made() -> None:
    ids = UuidV7()
    made = [ids.new(_T0) for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_stay_in_order_when_the_time_goes_back() -> None:
    ids = UuidV7()
    assert ids.new(_T0) < ids.new(_T0 - timedelta(hours=1)) < ids.new(_T0 + timedelta(seconds=1))
