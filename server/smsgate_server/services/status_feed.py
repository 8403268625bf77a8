"""Streams of status events: every stream is a position in the log.

    store ──commit──▶ pending ──publish──▶ window ──▶ stream, stream, stream …
      └───────────────── pages of the log ─────────▶ streams that are behind the window

Commits are published to the window in batches. With few streams that is at once; with many it is as
often as waking them all allows, so that the work per event does not grow with the number of
streams.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from enum import IntEnum

from smsgate_server.domain.errors import ErrorReason, ResourceExhausted, Unavailable
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.domain.values import frozen
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.patient_reads import PatientReads, next_pause, rest
from smsgate_server.services.ports import Clock, Store
from smsgate_server.services.quotas import STREAMS_RETRY
from smsgate_server.services.snapshot import Snapshot
from smsgate_server.services.terminal import Outstanding
from smsgate_server.services.window import (
    Batch,
    Encode,
    Window,
    events_of,
    latest_only,
    whole_batches,
)

# After waking the streams, publishing pauses until nearly all of them were served and then as long
# again, so that sends keep half of the event loop however many streams there are.
_UNSERVED_SHARE = 0.05
_LONGEST_REST_SECONDS = 0.1
_LOOK_AGAIN_SECONDS = 0.005
# A few slow streams do not hold the others for longer than this.
_LONGEST_ROUND_SECONDS = 0.25

# The most events in one response (one transaction is never parted, so a batch of sends can exceed
# it).
_MAX_EVENTS = 1_000
# The most events that LATEST_ONLY folds at once.
_MAX_FOLDED = 20_000


@frozen
class FeedSettings:
    retention: timedelta = timedelta(days=7)
    window_events: int = 50_000
    max_streams: int = 10_000


@frozen
class Follow:
    """What a stream asks for. One of the starts, or none of them: now."""

    wanted: EventFilter
    cursor: str = ""
    start_time: datetime | None = None
    from_earliest: bool = False
    snapshot: bool = False
    latest_only: bool = False
    heartbeat: float = 15.0
    end_when_all_terminal: bool = False


class EndReason(IntEnum):
    ALL_TERMINAL = 1
    SERVER_DRAINING = 2


@frozen
class Opened:
    position: int
    earliest: int
    retention: timedelta


@frozen
class SnapshotPage:
    messages: Sequence[Message]


@frozen
class SnapshotEnd:
    position: int
    count: int


@frozen
class Events:
    """`payload` is the encoded list of events; the stream is complete up to `position`."""

    position: int
    payload: bytes
    coalesced: int = 0


@frozen
class Heartbeat:
    position: int
    lag: timedelta


@frozen
class Ended:
    position: int
    reason: EndReason


Item = Opened | SnapshotPage | SnapshotEnd | Events | Heartbeat | Ended


class _Stream:
    """Where one reader is. `waiter` is set while it waits for something new."""

    __slots__ = (
        "outstanding",
        "pause",
        "position",
        "read_until",
        "since",
        "waiter",
        "wanted",
        "watched",
        "woken_in",
    )

    def __init__(self, wanted: EventFilter) -> None:
        self.wanted = wanted
        self.watched = wanted
        self.position = 0
        self.woken_in = 0
        # After the last failure to read, in seconds.
        self.pause = 0.0
        self.since: datetime | None = None
        self.read_until: datetime | None = None
        self.waiter: asyncio.Future[None] | None = None
        self.outstanding: Outstanding | None = None

    @property
    def settled(self) -> bool:
        return self.outstanding is not None and self.outstanding.settled

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class StatusFeed:
    def __init__(
        self, store: Store, clock: Clock, cursors: Cursors, encode: Encode, settings: FeedSettings
    ) -> None:
        self._store = store
        self._clock = clock
        self._cursors = cursors
        self._encode = encode
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._window = Window(store.bounds.head, settings.window_events)
        self._pending: list[StatusEvent] = []
        self._publishing: asyncio.TimerHandle | asyncio.Handle | None = None
        self._published_at = 0.0
        self._streams: set[_Stream] = set()
        self._round = self._woken = self._unserved = 0
        self._round_open = False
        self._rest_until = 0.0
        self._filters: dict[EventFilter, EventFilter] = {}
        self._draining = asyncio.Event()
        store.listen(self._committed)

    @property
    def stream_count(self) -> int:
        return len(self._streams)

    def drain(self) -> None:
        """End every stream, now and from now on, with SERVER_DRAINING."""
        self._draining.set()
        for stream in self._streams:
            stream.wake()

    def _committed(self, events: Sequence[StatusEvent]) -> None:
        self._pending += events
        if self._publishing is None:
            self._publishing = self._loop.call_soon(self._publish)

    def _publish(self) -> None:
        now = self._loop.time()
        if self._round_open and now < self._published_at + _LONGEST_ROUND_SECONDS:
            self._publishing = self._loop.call_later(_LOOK_AGAIN_SECONDS, self._publish)
            return
        if now < self._rest_until:
            self._publishing = self._loop.call_at(self._rest_until, self._publish)
            return
        self._publishing = None
        self._published_at = now
        pending, self._pending = self._pending, []
        self._round += 1
        self._woken = self._unserved = 0
        for events in whole_batches(pending, _MAX_EVENTS):
            self._offer(Batch(events, self._encode))
        self._round_open = self._woken > 0

    def _count_served(self, stream: _Stream) -> None:
        """Once nearly all woken streams wait again, the rest of the work has its turn."""
        if stream.woken_in != self._round or not self._round_open:
            return
        self._unserved -= 1
        if self._unserved <= _UNSERVED_SHARE * self._woken:
            self._round_open = False
            now = self._loop.time()
            self._rest_until = now + min(now - self._published_at, _LONGEST_REST_SECONDS)

    def _offer(self, batch: Batch) -> None:
        self._window.append(batch)
        for stream in self._streams:
            if stream.waiter is None or stream.waiter.done():
                continue
            if batch.select(stream.watched):
                stream.waiter.set_result(None)
                stream.woken_in = self._round
                self._woken += 1
                self._unserved += 1
            else:
                # It has seen all before and nothing here is for it: it is simply further on.
                stream.position = max(stream.position, batch.last)

    async def follow(self, asked: Follow) -> AsyncIterator[Item]:
        """The items of one stream, until the caller closes it or it ends by itself."""
        stream = await self._open(asked)
        try:
            bounds = self._store.bounds
            yield Opened(stream.position, bounds.earliest, self._settings.retention)
            if asked.snapshot:
                reads = PatientReads(self._store, self._draining)
                snapshot = Snapshot(reads, asked.wanted, stream.position)
                async for messages in snapshot.pages():
                    yield SnapshotPage(messages)
                yield SnapshotEnd(stream.position, snapshot.count)
            async for item in self._tail(stream, asked):
                yield item
        finally:
            self._streams.discard(stream)
            self._count_served(stream)

    async def _open(self, asked: Follow) -> _Stream:
        if len(self._streams) >= self._settings.max_streams:
            limit = self._settings.max_streams
            raise ResourceExhausted(
                ErrorReason.TOO_MANY_STREAMS,
                f"this server serves {limit} streams at most; close some, or ask another server",
                {"limit": "streams", "maximum": str(limit)},
                subject="streams",
                retry_after=STREAMS_RETRY,
            )
        # Equal filters become one object: then looking it up compares by identity first.
        stream = _Stream(self._filters.setdefault(asked.wanted, asked.wanted))
        stream.position = await self._start(asked)
        # The log is in time order but for a little: the first events can be older than asked for.
        stream.since = asked.start_time
        if asked.end_when_all_terminal:
            stream.outstanding = await Outstanding.find(self._store, asked.wanted, stream.position)
            stream.watched = stream.outstanding.watched
        self._streams.add(stream)
        if len(self._filters) > 2 * len(self._streams) + 64:
            self._filters = {s.wanted: s.wanted for s in self._streams}
        return stream

    async def _start(self, asked: Follow) -> int:
        if asked.cursor:
            return await self._position(asked.cursor)
        bounds = self._store.bounds
        if asked.from_earliest:
            return bounds.earliest
        if asked.start_time is not None:
            if asked.start_time < self._clock.now() - self._settings.retention:
                raise self._cursors.expired(bounds)
            return max(await self._store.position_at(asked.start_time), bounds.earliest)
        if asked.snapshot:
            # With what was accepted at another server a moment ago.
            with suppress(Unavailable):
                bounds = await self._store.refreshed()
        return bounds.head

    async def _position(self, cursor: str, field: str = "cursor") -> int:
        bounds = self._store.bounds
        if self._cursors.is_ahead(cursor, bounds):
            # Of a server that shares the store, and is a moment further on.
            bounds = await self._store.refreshed()
        return self._cursors.position(cursor, bounds, field)

    async def _tail(self, stream: _Stream, asked: Follow) -> AsyncIterator[Item]:
        beat = self._loop.time() + asked.heartbeat
        while True:
            if stream.settled:
                yield Ended(stream.position, EndReason.ALL_TERMINAL)
                return
            events = await self._take_patiently(stream, asked, beat)
            if events is not None:
                beat = self._loop.time() + asked.heartbeat
                yield events
            elif self._draining.is_set():
                yield Ended(stream.position, EndReason.SERVER_DRAINING)
                return
            elif self._loop.time() >= beat:
                beat = self._loop.time() + asked.heartbeat
                yield Heartbeat(stream.position, self._lag(stream))
            elif stream.position >= self._window.head and not stream.settled:
                await self._wait(stream, beat)

    def _lag(self, stream: _Stream) -> timedelta:
        if stream.position >= self._window.head:
            return timedelta(0)
        return self._clock.now() - (stream.read_until or self._clock.now())

    async def _wait(self, stream: _Stream, until: float) -> None:
        stream.waiter = self._loop.create_future()
        self._count_served(stream)
        timer = self._loop.call_at(until, stream.wake)
        try:
            if not self._draining.is_set():
                await stream.waiter
        finally:
            timer.cancel()
            stream.waiter = None

    async def _take_patiently(self, stream: _Stream, asked: Follow, beat: float) -> Events | None:
        """A store that is away is waited for, with heartbeats meanwhile."""
        try:
            events = await self._take(stream, asked)
            stream.pause = 0.0
            return events
        except Unavailable:
            stream.pause = next_pause(stream.pause)
        await rest(min(stream.pause, max(beat - self._loop.time(), 0)), self._draining)
        return None

    async def _take(self, stream: _Stream, asked: Follow) -> Events | None:
        """What comes next for a stream, its position moved past it; None if nothing in reach
        matches.
        """
        if stream.position < self._window.start:
            return await self._take_from_store(stream, asked)
        if stream.position >= self._window.head:
            return None
        after = stream.position
        most = _MAX_FOLDED if asked.latest_only else _MAX_EVENTS
        batches = self._window.after(after, most)
        stream.position = max(after, batches[-1].last)
        shared = stream.outstanding is None and stream.since is None and not asked.latest_only
        if shared and batches[0].first > after:
            return _events(stream.position, b"".join([b.payload(stream.wanted) for b in batches]))
        return self._chosen(stream, asked, events_of(batches, stream.watched, after), batches)

    async def _take_from_store(self, stream: _Stream, asked: Follow) -> Events | None:
        bounds = self._store.bounds
        if stream.position < bounds.earliest:
            raise self._cursors.expired(bounds)
        page = await self._store.read_log(stream.position, _MAX_EVENTS)
        stream.position = page.position
        if not page.events:
            return None
        stream.read_until = page.events[-1].event_time
        events = [event for event in page.events if stream.watched.matches(event)]
        return self._chosen(stream, asked, events, [Batch(page.events, self._encode)])

    def _chosen(
        self,
        stream: _Stream,
        asked: Follow,
        watched: Sequence[StatusEvent],
        batches: Sequence[Batch],
    ) -> Events | None:
        if stream.outstanding is not None:
            stream.outstanding.see(watched)
        events = [
            event
            for event in watched
            if stream.wanted.matches(event)
            and (stream.since is None or event.event_time >= stream.since)
        ]
        coalesced = 0
        if asked.latest_only:
            newest = latest_only(events)[:_MAX_EVENTS]
            if newest and len(newest) == _MAX_EVENTS:
                # The rest is folded anew, with what has come by then.
                stream.position = newest[-1].seq
                events = [event for event in events if event.seq <= stream.position]
            coalesced, events = len(events) - len(newest), newest
        payload = b"".join(
            [
                batch.encode([e for e in events if batch.first <= e.seq <= batch.last])
                for batch in batches
            ]
        )
        return _events(stream.position, payload, coalesced)

    async def wait_for_change(
        self, account: str, message_id: str, cursor: str, wait: timedelta
    ) -> None:
        """Return once the message has an event after the cursor, or when `wait` is over."""
        position = await self._position(cursor, "wait_after_cursor")
        stream = _Stream(EventFilter(account, message_ids=frozenset([message_id])))
        stream.position = position
        until = self._loop.time() + wait.total_seconds()
        self._streams.add(stream)
        try:
            # Asked again after each wake-up: an event may come between the look and the wait.
            while self._loop.time() < until and not self._draining.is_set():
                seen = self._window.head
                message = await self._store.get(account, message_id)
                if message is None or message.last_seq > position:
                    return
                if self._window.head == seen:
                    await self._wait(stream, until)
        finally:
            self._streams.discard(stream)
            self._count_served(stream)


def _events(position: int, payload: bytes, coalesced: int = 0) -> Events | None:
    return Events(position, payload, coalesced) if payload else None
