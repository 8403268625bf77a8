"""A stream that outlives its connections: where it stands and what comes next, without any I/O.

The clients only move responses into `Following` and wait as long as it says. What it promises:

* Every event after the start comes exactly once and in order, however often the connection or the
  server goes away, as long as the log's retention covers the outage.
* It goes on from the cursor of the last response that was received whole. The first response,
  Opened, has the cursor of the start, so a break before the first event loses nothing either.
* A snapshot has no cursors: one that is interrupted starts again. A message that was yielded before
  is yielded again only if its status or reason is another by then.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

import grpc

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client import values
from smsgate_client.errors import (
    Cancelled,
    DeadlineExceeded,
    LimitExceeded,
    ServerError,
    SmsgateError,
    Unavailable,
)
from smsgate_client.keywords import refuse_unknown
from smsgate_client.requests import StreamFields, stream_request

DEFAULT_HEARTBEAT_SECONDS = 15.0
# A connection that is silent for this many intervals is dead.
SILENT_INTERVALS = 3
FIRST_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 3.0
# Errors without a reason of ours come from something between the client and the server, and pass.
# If they do not pass they are meant.
MAX_FOREIGN_ERRORS = 5

_End = pb.StreamStatusResponse.End


class FollowPhase(Enum):
    """What has just become of a followed stream."""

    OPEN = "open"
    SNAPSHOT_COMPLETE = "snapshot complete"
    HEARTBEAT = "heartbeat"
    INTERRUPTED = "interrupted"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowState:
    """What `on_state` is told. Raising in it ends the following with what was raised."""

    phase: FollowPhase
    cursor: str
    """The position reached; empty before the first response and during a snapshot."""
    error: SmsgateError | None = None
    retry_in: float = 0.0
    """INTERRUPTED: seconds until the next attempt."""
    lag: timedelta | None = None
    """HEARTBEAT: how far the stream is behind the newest event."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An event, a message of a snapshot, or neither: then it is only a bookmark.

    Whoever stores `cursor` once the item is dealt with, and later starts from it, loses nothing.
    The events of one response share one position: all but its last have the cursor of the response
    before, so that after a start from it they come again together. A bookmark has the newest
    position when nothing matched; store it too, or the stored cursor may outlive the retention.
    During a snapshot it is empty.
    """

    cursor: str
    event: message_pb2.StatusEvent | None = None
    message: message_pb2.Message | None = None
    coalesced: int = 0
    """LATEST_ONLY: how many events were left out just before this one."""


class FollowFields(StreamFields, total=False):
    """A stream, and how to hold on to it."""

    on_state: Callable[[FollowState], None] | None
    """Told of every opening, heartbeat, interruption and end."""
    max_outage: timedelta | float | None
    """Give up with the last error after being without a stream for so long. None: never."""
    timeout: timedelta | float | None
    """End with DeadlineExceeded after so long, whatever happened. None: never."""


@dataclass(slots=True)
class Backoff:
    """Exponential, with full jitter: clients that were cut off together come back spread out."""

    random: Callable[[], float]
    attempts: int = 0

    def next(self) -> float:
        ceiling = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0 ** min(self.attempts, 16))
        self.attempts += 1
        return ceiling * self.random()


class Following:
    """One followed stream: `request`, `received` for each response, then `broken` or `ended`."""

    def __init__(
        self,
        fields: FollowFields,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        refuse_unknown(fields, FollowFields)
        self._first_request = stream_request(fields)
        self._on_state = fields.get("on_state") or (lambda _: None)
        self._max_outage = _seconds(fields.get("max_outage"))
        timeout = _seconds(fields.get("timeout"))
        self._clock = clock
        self._deadline = None if timeout is None else clock() + timeout
        self._backoff = Backoff(jitter)
        self._foreign_errors = 0
        self._outage_began: float | None = clock()
        self._snapshot: _Snapshot | None = _Snapshot() if self._first_request.snapshot else None
        interval = _seconds(fields.get("heartbeat_interval")) or DEFAULT_HEARTBEAT_SECONDS
        self.silence_limit = SILENT_INTERVALS * interval
        self.position = ""
        self.finished = False
        """The server said that there is nothing more to come."""
        self.draining = False
        """The server said that it goes away: leave this stream and open another."""

    def request(self) -> pb.StreamStatusRequest:
        """What to open the stream with: as the caller wanted it, or from where it broke off."""
        self.draining = False
        request = pb.StreamStatusRequest()
        request.CopyFrom(self._first_request)
        if self.position:
            request.snapshot = False
            request.cursor = self.position
        return request

    def time_left(self) -> float | None:
        """The deadline of the stream that is to be opened."""
        return None if self._deadline is None else max(0.0, self._deadline - self._clock())

    def received(self, response: pb.StreamStatusResponse) -> Iterator[Followed]:
        """What to yield for a response. Consume it all before the next one."""
        control = response.WhichOneof("control")
        self._outage_began = None
        if control != "opened":
            # Opened alone does not count: a server that opens and dies must not be hammered.
            self._backoff.attempts = self._foreign_errors = 0
        before = self.position
        if control == "snapshot_end":
            self._snapshot = None
        if response.cursor and self._snapshot is None:
            self.position = response.cursor
        yield from self._items(response, before)
        self._note(response, control)

    def _items(self, response: pb.StreamStatusResponse, before: str) -> Iterator[Followed]:
        for message in response.snapshot:
            if self._snapshot is None or self._snapshot.is_new(message):
                yield Followed("", message=message)
        last = len(response.events) - 1
        for index, event in enumerate(response.events):
            cursor = self.position if index == last else before
            yield Followed(cursor, event, coalesced=0 if index else response.coalesced)
        if last < 0 and self.position != before:
            yield Followed(self.position)

    def _note(self, response: pb.StreamStatusResponse, control: str | None) -> None:
        if control == "opened":
            self._tell(FollowPhase.OPEN)
        elif control == "snapshot_end":
            self._tell(FollowPhase.SNAPSHOT_COMPLETE)
        elif control == "heartbeat":
            self._tell(FollowPhase.HEARTBEAT, lag=response.heartbeat.lag.ToTimedelta())
        elif control == "end":
            self.finished = response.end.reason == _End.REASON_ALL_TERMINAL
            self.draining = not self.finished
            if self.finished:
                self._tell(FollowPhase.ENDED)

    def ended(self) -> float:
        """The stream ended with OK, yet not for good: the seconds to wait before the next one."""
        reason = "SERVER_DRAINING" if self.draining else ""
        return self.broken(
            Unavailable(
                "the server ended the stream", code=grpc.StatusCode.UNAVAILABLE, reason=reason
            )
        )

    def silent(self) -> float:
        """The stream was silent too long: the seconds to wait before the next one."""
        return self.broken(
            Unavailable(
                f"no word from the server for {self.silence_limit:g} s",
                code=grpc.StatusCode.UNAVAILABLE,
                reason="HEARTBEAT_MISSED",
            )
        )

    def broken(self, error: SmsgateError) -> float:
        """The stream broke: the seconds to wait before the next. Raises what cannot be mended."""
        now = self._clock()
        if self._deadline is not None and now >= self._deadline:
            raise DeadlineExceeded(
                "the time given to follow is over", code=grpc.StatusCode.DEADLINE_EXCEEDED
            ) from error
        if not self._can_mend(error):
            raise error
        if self._outage_began is None:
            self._outage_began = now
        if self._max_outage is not None and now - self._outage_began >= self._max_outage:
            raise error
        if self._snapshot:
            self._snapshot.begin_again()
        delay = self._delay(error)
        self._tell(FollowPhase.INTERRUPTED, error=error, retry_in=delay)
        return delay

    def _delay(self, error: SmsgateError) -> float:
        delay = self._backoff.next()
        if error.retry_after is not None:
            delay = max(delay, min(error.retry_after.total_seconds(), MAX_BACKOFF_SECONDS))
        time_left = self.time_left()
        return delay if time_left is None else min(delay, time_left)

    def _can_mend(self, error: SmsgateError) -> bool:
        if isinstance(error, Unavailable) or error.reason == "SLOW_CONSUMER":
            return True
        if isinstance(error, LimitExceeded) and error.reason:
            # After a break the server may still count the stream that broke.
            return bool(self.position)
        if isinstance(error, Cancelled | DeadlineExceeded | ServerError) and not error.reason:
            self._foreign_errors += 1
            return self._foreign_errors <= MAX_FOREIGN_ERRORS
        return False

    def _tell(self, phase: FollowPhase, **more: Any) -> None:
        self._on_state(FollowState(phase=phase, cursor=self.position, **more))


class _Snapshot:
    """The messages yielded so far, so that one that starts again yields only what is new."""

    def __init__(self) -> None:
        self._yielded: dict[str, tuple[int, int]] = {}
        self._interrupted = False

    def begin_again(self) -> None:
        self._interrupted = True

    def is_new(self, message: message_pb2.Message) -> bool:
        state = (message.status, message.reason)
        known = self._interrupted and self._yielded.get(message.id) == state
        self._yielded[message.id] = state
        return not known


def _seconds(span: timedelta | float | None) -> float | None:
    return None if span is None else values.seconds(span)
