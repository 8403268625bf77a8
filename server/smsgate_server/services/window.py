"""The newest part of the log in memory, encoded once for all who read it."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import StatusEvent

# Encodes an event so that the concatenation of encoded events is the encoding of their list.
Encode = Callable[[StatusEvent], bytes]

# What was worked out per filter is kept for this many batches only; readers further behind are few.
_CACHED_BATCHES = 64


class Batch:
    """Neighbouring events that are published together. Positions `first` to `last`."""

    __slots__ = (
        "_by_message",
        "_encode",
        "_encoded",
        "_payloads",
        "_selected",
        "events",
        "first",
        "last",
    )

    def __init__(self, events: Sequence[StatusEvent], encode: Encode) -> None:
        self.events = events
        self.first = events[0].seq
        self.last = events[-1].seq
        self._encode = encode
        self._encoded: dict[int, bytes] = {}
        self._by_message: dict[str, list[StatusEvent]] | None = None
        self._selected: dict[EventFilter, Sequence[StatusEvent]] = {}
        self._payloads: dict[EventFilter, bytes] = {}

    def select(self, wanted: EventFilter) -> Sequence[StatusEvent]:
        """The events that match, in order; worked out once per filter."""
        selected = self._selected.get(wanted)
        if selected is None:
            selected = self._selected[wanted] = self._select(wanted)
        return selected

    def _select(self, wanted: EventFilter) -> Sequence[StatusEvent]:
        candidates = self.events
        if 0 < len(wanted.message_ids) < len(candidates):
            # Streams that follow one message are the most common: they cost a look-up, not a scan.
            found = [e for i in wanted.message_ids for e in self._of_message(i)]
            candidates = sorted(found, key=lambda event: event.seq)
        return [event for event in candidates if wanted.matches(event)]

    def _of_message(self, message_id: str) -> Sequence[StatusEvent]:
        if self._by_message is None:
            self._by_message = {}
            for event in self.events:
                self._by_message.setdefault(event.message.id, []).append(event)
        return self._by_message.get(message_id, ())

    def payload(self, wanted: EventFilter) -> bytes:
        """The matching events, encoded."""
        payload = self._payloads.get(wanted)
        if payload is None:
            payload = self._payloads[wanted] = self.encode(self.select(wanted))
        return payload

    def encode(self, events: Sequence[StatusEvent]) -> bytes:
        return b"".join(map(self._encoding, events))

    def _encoding(self, event: StatusEvent) -> bytes:
        encoded = self._encoded.get(event.seq)
        if encoded is None:
            encoded = self._encoded[event.seq] = self._encode(event)
        return encoded

    def forget_filters(self) -> None:
        self._selected.clear()
        self._payloads.clear()


class Window:
    """At most `limit` events; the oldest go first. Positions below `start` are in the store."""

    def __init__(self, head: int, limit: int) -> None:
        self.start = head
        self.head = head
        self._limit = limit
        self._size = 0
        self._batches: list[Batch] = []
        self._lasts: list[int] = []

    def append(self, batch: Batch) -> None:
        self._batches.append(batch)
        self._lasts.append(batch.last)
        self._size += len(batch.events)
        self.head = batch.last
        if len(self._batches) > _CACHED_BATCHES:
            self._batches[-1 - _CACHED_BATCHES].forget_filters()
        self._trim()

    def _trim(self) -> None:
        drop = 0
        while self._size > self._limit and drop < len(self._batches) - 1:
            self._size -= len(self._batches[drop].events)
            self.start = self._batches[drop].last
            drop += 1
        # One deletion for many: taking from the front of a list moves all the rest.
        if drop:
            del self._batches[:drop]
            del self._lasts[:drop]

    def after(self, position: int, most: int) -> Sequence[Batch]:
        """Whole batches that hold what comes after `position`, about `most` events, at least one
        batch.
        """
        index = bisect_right(self._lasts, position)
        taken: list[Batch] = []
        count = 0
        for batch in self._batches[index : index + most]:
            if taken and count + len(batch.events) > most:
                break
            taken.append(batch)
            count += len(batch.events)
        return taken


def whole_batches(events: Sequence[StatusEvent], most: int) -> Iterator[Sequence[StatusEvent]]:
    """Cut a list into pieces of about `most` events, never between messages sent together."""
    start = 0
    while start < len(events):
        end = min(start + most, len(events))
        while end < len(events) and _sent_together(events[end - 1], events[end]):
            end += 1
        yield events[start:end]
        start = end


def _sent_together(one: StatusEvent, other: StatusEvent) -> bool:
    """Whether both are the NEW events of one batch, which a stream shows at once."""
    batch_id = one.message.batch_id
    return (
        batch_id != ""
        and batch_id == other.message.batch_id
        and one.from_status is None
        and other.from_status is None
    )


def latest_only(events: Sequence[StatusEvent]) -> list[StatusEvent]:
    """The newest event of each message, in the order of the log."""
    newest = {event.message.id: event for event in events}
    return sorted(newest.values(), key=lambda event: event.seq)


def events_of(batches: Sequence[Batch], wanted: EventFilter, after: int) -> list[StatusEvent]:
    selected = chain.from_iterable(batch.select(wanted) for batch in batches)
    return [event for event in selected if event.seq > after]
