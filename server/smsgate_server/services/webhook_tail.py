"""The newest events of the log in memory, for webhooks that keep up: they then need no reading."""

from collections.abc import Awaitable, Callable, Sequence

from smsgate_server.domain.message import StatusEvent
from smsgate_server.services.ports.messages import LogBounds, LogPage

# Some seconds under full load; what is behind reads the store.
_MAX_EVENTS = 5_000
_PAGE = 500


class Tail:
    """Events after `start`, without gaps. Positions before it must be read from the store."""

    def __init__(self, start: int) -> None:
        self.start = start
        self._events: list[StatusEvent] = []

    @property
    def end(self) -> int:
        return self.start + len(self._events)

    def append(self, events: Sequence[StatusEvent]) -> None:
        if events[0].seq != self.end + 1:
            self.start, self._events = events[0].seq - 1, []
        self._events += events
        if len(self._events) > 2 * _MAX_EVENTS:
            # Half at once, so that each event is moved once on average.
            gone = len(self._events) - _MAX_EVENTS
            self.start += gone
            del self._events[:gone]

    def clear(self, head: int) -> None:
        self.start, self._events = head, []

    def after(self, position: int, limit: int) -> Sequence[StatusEvent] | None:
        """Up to `limit` events after a position; None if they are not here."""
        if position < self.start:
            return None
        begin = position - self.start
        return self._events[begin : begin + limit]


class LogReader:
    """The log for all webhooks, from memory if it is there."""

    def __init__(
        self,
        read: Callable[[int, int], Awaitable[LogPage]],
        tail: Tail,
        bounds: Callable[[], LogBounds],
    ) -> None:
        self._read = read
        self._tail = tail
        self._bounds = bounds

    @property
    def earliest(self) -> int:
        return self._bounds().earliest

    @property
    def head(self) -> int:
        return self._bounds().head

    @property
    def told(self) -> int:
        """Up to here every webhook was told what is its account's."""
        return self._tail.end

    async def after(self, position: int) -> LogPage:
        events = self._tail.after(position, _PAGE)
        if events is not None:
            return LogPage(events, events[-1].seq if events else position)
        return await self._read(position, _PAGE)
