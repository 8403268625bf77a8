"""Moves the bytes of a session over a socket; the same for both ends.

What the session wants to write in one turn of the event loop goes out in one piece.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from smsgate_server.carriers.smpp.codes import Command
from smsgate_server.carriers.smpp.pdu import NOTHING, Body, Pdu
from smsgate_server.carriers.smpp.session import Ended, Event, Session

# How long the other end may take to read what was written before the connection is cut off.
_CLOSING_SECONDS = 2.0

OnEvents = Callable[["Connection", Sequence[Event]], None]


class Connection(asyncio.Protocol):
    """`on_events` is told everything that happens, in order, at last that it `Ended`, and also,
    with no event, that there may be places again. `ended` is done once the socket is closed.
    """

    def __init__(self, make_session: Callable[[float], Session], on_events: OnEvents) -> None:
        self._loop = asyncio.get_running_loop()
        self._make_session = make_session
        self._on_events = on_events
        self._session: Session
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._timer_time = float("inf")
        self._flushing = False
        self._writable = True
        self._why = ""
        # Whether the owner knows that it is over.
        self._told = False
        self.ended: asyncio.Future[str] = self._loop.create_future()

    # What the owner asks for

    @property
    def session(self) -> Session:
        return self._session

    @property
    def free(self) -> int:
        """How many requests may be sent now: none while the other end does not read."""
        return self._session.free if self._writable and not self.ended.done() else 0

    @property
    def peer(self) -> str:
        """The address of the other end."""
        name = self._transport.get_extra_info("peername")
        return f"{name[0]}:{name[1]}" if name else ""

    def bind(self, command: Command, body: Body) -> None:
        self._session.bind(command, body, self._loop.time())
        self._flush_soon()

    def ask(self, command: Command, body: Body, token: Any) -> None:
        self._session.ask(command, body, token, self._loop.time())
        self._flush_soon()

    def answer(self, asked: Pdu, status: int = 0, body: Body = NOTHING) -> None:
        self._session.answer(asked, status, body)
        self._flush_soon()

    def unbind(self) -> None:
        self._session.unbind(self._loop.time())
        self._flush_soon()

    def close(self, why: str) -> None:
        """Close the socket after what is written already."""
        self._why = self._why or why
        self._flush()
        self._transport.close()
        self._loop.call_later(_CLOSING_SECONDS, self._transport.abort)

    def abort(self, why: str) -> None:
        """Close the socket at once."""
        self._why = self._why or why
        self._transport.abort()

    def hold_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.pause_reading()
            self._session.hold(self._loop.time())

    def go_on_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()
            self._session.go_on(self._loop.time())
            self._flush_soon()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._session = self._make_session(self._loop.time())

    def data_received(self, data: bytes) -> None:
        self._tell(self._session.receive(data, self._loop.time()))

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._on_events(self, ())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        reason = f"connection lost: {exc}" if exc else "closed by the other end"
        self._why = self._why or reason
        self.ended.set_result(self._why)
        if not self._told:
            self._on_events(self, (Ended(self._why),))

    def _tell(self, events: Sequence[Event]) -> None:
        if events:
            last = events[-1]
            self._told = self._told or isinstance(last, Ended)
            self._on_events(self, events)
            if isinstance(last, Ended):
                self.close(last.why)
        self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        data = self._session.outgoing()
        if data and not self._transport.is_closing():
            self._transport.write(data)
        self._set_timer()

    def _set_timer(self) -> None:
        due = self._session.next_time()
        # A timer that fires too early does no harm; setting one for every answer would cost more.
        if due < self._timer_time and not self.ended.done():
            if self._timer is not None:
                self._timer.cancel()
            self._timer_time = due
            self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer, self._timer_time = None, float("inf")
        if not self.ended.done():
            self._tell(self._session.tick(self._loop.time()))
