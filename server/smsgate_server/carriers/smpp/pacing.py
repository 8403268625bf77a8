"""How fast a carrier may be given messages: its limit, and what it says about it meanwhile."""

# After a refusal for speed, how long further ones count as the same burst: they answer what was
# sent before we slowed down.
_BURST_SECONDS = 1.0
# How much of the limit comes back each second.
_GROWTH_PER_SECOND = 0.1
_SLOWEST_PER_SECOND = 0.5
# A carrier without a limit that throttles all the same: from what it gets down to half of it.
_NO_LIMIT = float("inf")
_FREE = 10_000.0
_LEAST_MEASURED = 10.0
# From the slowest to free, and a few more: what 2 to the power of an idle day would overflow.
_MOST_DOUBLINGS = 20.0


class Pace:
    """A token bucket of a tenth of a second; seconds are of one monotonic clock. `limit` is in
    submits a second; 0 for none.
    """

    def __init__(self, limit: float, now: float) -> None:
        self._limit = limit or _NO_LIMIT
        self._rate = self._limit
        self._tokens = 1.0
        self._filled = now
        self._throttled = -_NO_LIMIT
        self._taken = 0
        self._counted_from = now
        self._measured = 0.0

    @property
    def rate(self) -> float:
        """Submits a second that are allowed now; inf for no limit."""
        return self._rate

    def room(self, now: float) -> float:
        """How many submits may be begun now; inf for no limit."""
        self._fill(now)
        return self._tokens

    def take(self, now: float) -> None:
        """Count one submit; `room` was at least 1."""
        self._count(now)
        if self._rate != _NO_LIMIT:
            self._tokens -= 1

    def wait(self, now: float) -> float:
        """Seconds until there is room for one."""
        self._fill(now)
        return max((1 - self._tokens) / self._rate, 0.0) if self._rate != _NO_LIMIT else 0.0

    def throttled(self, now: float) -> None:
        """The carrier refused a submit for speed: half the pace, once for a burst."""
        if now - self._throttled < _BURST_SECONDS:
            return
        self._fill(now)
        self._throttled = now
        now_sending = (
            self._rate if self._rate != _NO_LIMIT else max(self._measured, _LEAST_MEASURED)
        )
        self._rate = max(now_sending / 2, min(_SLOWEST_PER_SECOND, self._limit))
        self._tokens = 0.0

    def _count(self, now: float) -> None:
        """How many submits a second there really are, for a carrier without a limit."""
        self._taken += 1
        if (passed := now - self._counted_from) >= 1.0:
            self._measured = self._taken / passed
            self._taken, self._counted_from = 0, now
        elif self._measured < self._taken:
            self._measured = float(self._taken)

    def _fill(self, now: float) -> None:
        passed = max(now - self._filled, 0.0)
        self._filled = now
        if self._rate == _NO_LIMIT:
            self._tokens = _NO_LIMIT
            return
        self._tokens = min(self._tokens + passed * self._rate, max(self._rate / 10, 1.0))
        growing = now - self._throttled - _BURST_SECONDS
        if self._rate < self._limit and growing > 0:
            self._grow(min(passed, growing))

    def _grow(self, passed: float) -> None:
        if self._limit != _NO_LIMIT:
            self._rate = min(self._rate + self._limit * _GROWTH_PER_SECOND * passed, self._limit)
            return
        # Without a limit nobody knows where to stop: twice as fast each second, until it is free
        # again. What the carrier cannot take it will say.
        self._rate *= 2.0 ** min(passed, _MOST_DOUBLINGS)
        if self._rate > _FREE:
            self._rate = _NO_LIMIT
