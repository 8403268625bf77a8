"""Time and ids as the running server has them; tests bring their own."""

import os
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANDOM_BYTES = 4_096


class SystemClock:
    """The system's clock, but never going back: the log stays in order when an operator sets the
    time.
    """

    def __init__(self) -> None:
        self._latest = 0

    def now(self) -> datetime:
        micros = time.time_ns() // 1_000
        if micros > self._latest:
            self._latest = micros
        # In whole seconds and the rest: a timedelta of microseconds alone takes twice as long.
        return _EPOCH + timedelta(0, *divmod(self._latest, 1_000_000))


class UuidV7:
    """RFC 9562 §5.7: 48 bits of milliseconds, then a counter (§6.2, method 1) and random bits.

    The counter keeps ids of the same millisecond in order, which keeps the index of ids append-
    only.
    """

    def __init__(self) -> None:
        self._millis = 0
        self._counter = 0
        # What all ids of the millisecond begin with.
        self._head = ""
        self._digits = ""
        self._at = 0

    def new(self, time: datetime) -> str:
        span = time - _EPOCH
        millis = span.days * 86_400_000 + span.seconds * 1_000 + span.microseconds // 1_000
        if millis > self._millis:
            self._begin(millis, int(self._random(2), 16))
        else:
            self._counter += 1
            if self._counter > 0xFFF:
                # Borrow from the future rather than break the order.
                self._begin(self._millis + 1, 0)
        random = self._random(16)
        # §4.1: the two highest bits are 10.
        variant = "89ab"[int(random[0], 16) & 3]
        return f"{self._head}{self._counter:03x}-{variant}{random[1:4]}-{random[4:]}"

    def _begin(self, millis: int, counter: int) -> None:
        text = f"{millis & 0xFFFFFFFFFFFF:012x}"
        self._millis, self._counter = millis, counter
        self._head = f"{text[:8]}-{text[8:]}-7"

    def _random(self, digits: int) -> str:
        """Fresh random hexadecimal digits. The system is asked for many at once: a call costs it as
        much as all the rest of an id.
        """
        if self._at + digits > len(self._digits):
            self._digits, self._at = os.urandom(_RANDOM_BYTES).hex(), 0
        start = self._at
        self._at = start + digits
        return self._digits[start : self._at]
