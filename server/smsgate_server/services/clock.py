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
        self._latest = max(self._latest, time.time_ns() // 1000)
        return _EPOCH + timedelta(microseconds=self._latest)


class UuidV7:
    """RFC 9562 §5.7: 48 bits of milliseconds, then a counter (§6.2, method 1) and random bits.

    The counter keeps ids of the same millisecond in order, which keeps the index of ids append-
    only.
    """

    def __init__(self) -> None:
        self._millis = 0
        self._counter = 0
        self._random = memoryview(b"")

    def new(self, time: datetime) -> str:
        millis = (time - _EPOCH) // timedelta(milliseconds=1)
        if millis > self._millis:
            self._millis = millis
            self._counter = int.from_bytes(self._bytes(1), "big")
        else:
            self._counter += 1
            if self._counter > 0xFFF:
                # Borrow from the future rather than break the order.
                self._millis += 1
                self._counter = 0
        random = int.from_bytes(self._bytes(8), "big") & 0x3FFFFFFFFFFFFFFF
        value = (
            (self._millis & 0xFFFFFFFFFFFF) << 80
            | 0x7 << 76
            | self._counter << 64
            | 0x8000000000000000
            | random
        )
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _bytes(self, count: int) -> memoryview:
        """Fresh random bytes. The system is asked for many at once: a call costs it as much as all
        the rest of an id.
        """
        if len(self._random) < count:
            self._random = memoryview(os.urandom(_RANDOM_BYTES))
        taken, self._random = self._random[:count], self._random[count:]
        return taken
