"""How many requests an endpoint gets at once, and how long it is left alone when it fails.

An endpoint starts with one request at a time and gets one more with each that is taken, up to its
share; a failure halves them. So endpoints that hang never hold more than a few places, however many
there are. After some failures in a row it is left alone for a while and then probed with one
request, ever more rarely.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from smsgate_server.domain.webhooks import JITTER
from smsgate_server.services.ports import Clock

# Failures in a row before it is left alone. Repeats of an event that failed before do not count:
# one bad event must not look like a bad endpoint.
FAILURES = 5
# The longest wait between two probes.
_LONGEST_SECONDS = 300.0
# A request that takes so long is a sign of trouble before it has failed.
_SLOW = timedelta(seconds=1)
# Endpoints of callbacks that are remembered.
_MAX_ENDPOINTS = 1_000

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Patience:
    """With one endpoint. `begin` and `end` surround every request; `waits` are those between
    probes, of which the last one stays.
    """

    def __init__(
        self, clock: Clock, fraction: Callable[[], float], share: int, waits: Sequence[float]
    ) -> None:
        self._clock = clock
        self._fraction = fraction
        self._share = share
        self._waits = waits
        self._places = 1
        self._failures = 0
        self._asked = False
        self._under_way: dict[int, datetime] = {}
        self._next = 0
        self.until = _LONG_AGO

    @property
    def out(self) -> bool:
        """Whether it failed so often, or asked to be left alone."""
        return self._failures >= FAILURES or self._asked

    @property
    def idle(self) -> bool:
        return not self._under_way

    @property
    def doubtful(self) -> bool:
        """Whether others should not wait for it: it fails, or has not answered for a while."""
        if self._failures or self._asked:
            return True
        oldest = next(iter(self._under_way.values()), None)
        return oldest is not None and self._clock.now() - oldest > _SLOW

    def may_begin(self) -> bool:
        if self.out:
            return not self._under_way and self._clock.now() >= self.until
        return len(self._under_way) < self._places

    def begin(self) -> int:
        """The number of the request, for `end`."""
        self._next += 1
        self._under_way[self._next] = self._clock.now()
        return self._next

    def end(self, number: int) -> None:
        del self._under_way[number]

    def reset(self) -> None:
        self._failures, self._asked, self.until = 0, False, _LONG_AGO

    def learn(self, delivered: bool, fresh: bool, asked: timedelta | None) -> None:
        """How a request ended; `asked` is how long the endpoint wants to be left alone."""
        if delivered:
            self._failures, self._asked = 0, False
            self._places = min(self._places + 1, self._share)
            return
        self._places = max(self._places // 2, 1)
        if fresh or self.out:
            self._failures += 1
        now = self._clock.now()
        if asked:
            self._asked = True
            self.until = max(self.until, now + asked)
        elif self._failures >= FAILURES:
            self.until = max(self.until, now + self._wait())

    def _wait(self) -> timedelta:
        probes = min(self._failures - FAILURES, len(self._waits) - 1)
        seconds = min(self._waits[probes], _LONGEST_SECONDS)
        return timedelta(seconds=seconds * (1 + JITTER * self._fraction()))


class Endpoints:
    """The patience with each endpoint of a webhook: one, or as many as its callbacks name."""

    def __init__(
        self, clock: Clock, fraction: Callable[[], float], share: int, waits: Sequence[float]
    ) -> None:
        self._clock = clock
        self._fraction = fraction
        self._share = share
        self._waits = waits
        self._known: dict[str, Patience] = {}

    def __getitem__(self, endpoint: str) -> Patience:
        known = self._known.get(endpoint)
        if known is None:
            if len(self._known) >= _MAX_ENDPOINTS:
                self._forget()
            known = Patience(self._clock, self._fraction, self._share, self._waits)
            self._known[endpoint] = known
        return known

    def _forget(self) -> None:
        """Room for another: of one that is left out nothing is lost but how it failed."""
        for endpoint, patience in self._known.items():
            if patience.idle:
                del self._known[endpoint]
                return

    def reset(self) -> None:
        for patience in self._known.values():
            patience.reset()
