"""What one SMPP connection remembers, at either end of it. Bytes in, events out, bytes out: no I/O.

    OPEN ──bind──▶ BINDING ──bind_resp──▶ BOUND ──unbind──▶ UNBINDING ──unbind_resp──▶ CLOSED

Times are seconds of one monotonic clock. enquire_link and unbind are answered here; all else that
the other end asks is an `Asked`, for the owner to `answer`.
"""

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from smsgate_server.carriers.smpp.codes import (
    BINDS,
    MAX_SEQUENCE,
    RESPONSE,
    Command,
    Status,
)
from smsgate_server.carriers.smpp.framing import Framer, FramingError
from smsgate_server.carriers.smpp.pdu import NOTHING, Body, Pdu, PduError, decode, encode
from smsgate_server.domain.values import frozen


class End(Enum):
    """Which end of the connection this is."""

    ESME = auto()
    SMSC = auto()


class State(Enum):
    OPEN = auto()
    BINDING = auto()
    BOUND_TRANSMITTER = auto()
    BOUND_RECEIVER = auto()
    BOUND_TRANSCEIVER = auto()
    UNBINDING = auto()
    CLOSED = auto()

    @property
    def bound(self) -> bool:
        return self in _BOUND_STATES


_BOUND = {
    Command.BIND_TRANSMITTER: State.BOUND_TRANSMITTER,
    Command.BIND_RECEIVER: State.BOUND_RECEIVER,
    Command.BIND_TRANSCEIVER: State.BOUND_TRANSCEIVER,
}
_BOUND_STATES = frozenset(_BOUND.values())
_FROM_ESME = frozenset(
    {
        Command.SUBMIT_SM,
        Command.SUBMIT_MULTI,
        Command.DATA_SM,
        Command.QUERY_SM,
        Command.CANCEL_SM,
        Command.REPLACE_SM,
    }
)
_FROM_SMSC = frozenset({Command.DELIVER_SM, Command.DATA_SM, Command.ALERT_NOTIFICATION})
# What an SMSC takes in which state (§2.3). An ESME takes what it is given, on whatever bind: to
# refuse a receipt because of the bind that it came on would lose it.
_TAKEN_BY_SMSC = {
    State.OPEN: BINDS,
    State.BOUND_TRANSMITTER: _FROM_ESME,
    State.BOUND_TRANSCEIVER: _FROM_ESME,
}


@frozen
class Timers:
    """`response`: how long an answer may take. `enquire_link`: how long nothing need be heard."""

    response: float = 30.0
    enquire_link: float = 30.0


@frozen
class Asked:
    """The other end wants something; `Session.answer` it."""

    pdu: Pdu


@frozen
class Answered:
    """The answer to what was asked with `token`; `late` if it was reported Unanswered before."""

    token: Any
    pdu: Pdu
    late: bool = False


@frozen
class Unanswered:
    """No answer in time. One may still come, and its place in the window stays taken until then."""

    token: Any


@frozen
class Stray:
    """Something that was understood by nobody and did no harm; for counting."""

    what: str


@frozen
class Ended:
    """The connection must be closed. Nothing happens in the session after this."""

    why: str


Event = Asked | Answered | Unanswered | Stray | Ended


@dataclass(slots=True)
class _Outstanding:
    command: int
    token: Any
    deadline: float
    counted: bool
    overdue: bool = False


class Session:
    """`window` bounds the requests under way that were sent with `ask`."""

    def __init__(self, end: End, timers: Timers, window: int, now: float) -> None:
        self._end = end
        self._timers = timers
        self._window = window
        self._state = State.OPEN
        self._framer = Framer()
        self._out: list[bytes] = []
        self._sequence = 0
        self._outstanding: dict[int, _Outstanding] = {}
        self._deadlines: deque[tuple[float, int]] = deque()
        self._counted = 0
        self._overdue = 0
        self._heard = now
        self._enquiring = False
        self._held_from: float | None = None

    @property
    def state(self) -> State:
        return self._state

    @property
    def free(self) -> int:
        """How many more requests the window has places for."""
        return self._window - self._counted if self._state.bound else 0

    @property
    def under_way(self) -> int:
        """Requests without an answer, those that are overdue included."""
        return self._counted

    def bind(self, command: Command, body: Body, now: float) -> None:
        """Ask to be bound; the answer comes with the command as its token."""
        assert self._state is State.OPEN
        self._send(command, body, command, now, counted=False)
        self._state = State.BINDING

    def ask(self, command: Command, body: Body, token: Any, now: float) -> None:
        """Send a request; only while there is a free place. ValueError if a field does not fit."""
        assert self.free > 0
        self._send(command, body, token, now, counted=True)
        self._counted += 1

    def unbind(self, now: float) -> None:
        """Say goodbye; `Ended` follows the answer, or its absence."""
        if self._state.bound:
            self._state = State.UNBINDING
            self._send(Command.UNBIND, NOTHING, Command.UNBIND, now, counted=False)

    def answer(self, asked: Pdu, status: int = 0, body: Body = NOTHING) -> None:
        """Answer a request. If it was a bind and `status` is 0, the other end is bound now."""
        if self._state is State.CLOSED:
            return
        self._reply(asked, status, body)
        if asked.command in BINDS:
            self._state = State.OPEN if status else _BOUND[Command(asked.command)]

    def outgoing(self) -> bytes:
        """The bytes to be sent since this was asked last."""
        data = b"".join(self._out)
        self._out.clear()
        return data

    def outstanding(self) -> list[Any]:
        """The tokens of all requests that have no answer; for when the connection is lost."""
        return [o.token for o in self._outstanding.values() if o.counted and not o.overdue]

    def receive(self, data: bytes, now: float) -> list[Event]:
        """What the bytes mean."""
        if self.state is State.CLOSED:
            return []
        events: list[Event] = []
        self._heard = now
        try:
            for frame in self._framer.feed(data):
                if self._state is State.CLOSED:
                    break
                self._take(frame, events)
        except FramingError as error:
            if self._state is not State.CLOSED:
                self._nack(0, Status.INVALID_COMMAND_LENGTH)
                self._close(str(error), events)
        return events

    def hold(self, now: float) -> None:
        """Nothing is read from now on, for reasons of our own: the other end does not answer for
        that time.
        """
        self._held_from = now

    def go_on(self, now: float) -> None:
        """It is read again."""
        if self._held_from is None:
            return
        held, self._held_from = now - self._held_from, None
        self._heard += held
        for outstanding in self._outstanding.values():
            outstanding.deadline += held
        self._deadlines = deque((deadline + held, number) for deadline, number in self._deadlines)

    def tick(self, now: float) -> list[Event]:
        """What the passing of time means; to be asked at `next_time`, and not harmful before."""
        events: list[Event] = []
        if self._held_from is not None:
            return events
        while self._deadlines and self._deadlines[0][0] <= now:
            self._expire(*self._deadlines.popleft(), events)
        if self._state is State.CLOSED:
            return events
        if 0 < self._window <= self._overdue:
            self._close("no answer to any of the submits that fill the window", events)
        elif self._idle(now) and self._state.bound and not self._enquiring:
            self._enquiring = True
            self._send(Command.ENQUIRE_LINK, NOTHING, Command.ENQUIRE_LINK, now, counted=False)
        return events

    def _idle(self, now: float) -> bool:
        # The same sum as in `next_time`: a difference could be rounded to less for ever.
        return now >= self._heard + self._timers.enquire_link

    def next_time(self) -> float:
        """When `tick` has something to do, unless bytes come before."""
        if self._held_from is not None:
            return float("inf")
        idle = self._heard + self._timers.enquire_link
        if not self._state.bound or self._enquiring:
            idle = float("inf")
        return min(self._deadlines[0][0], idle) if self._deadlines else idle

    def _send(self, command: Command, body: Body, token: Any, now: float, *, counted: bool) -> None:
        sequence = self._next_sequence()
        self._out.append(encode(Pdu(command, sequence, 0, body)))
        deadline = now + self._timers.response
        self._outstanding[sequence] = _Outstanding(command, token, deadline, counted)
        self._deadlines.append((deadline, sequence))

    def _next_sequence(self) -> int:
        while True:
            self._sequence = self._sequence % MAX_SEQUENCE + 1
            # After 2^31 requests the numbers begin again, and one of the first may still be open.
            if self._sequence not in self._outstanding:
                return self._sequence

    def _take(self, frame: bytes, events: list[Event]) -> None:
        try:
            pdu = decode(frame)
        except PduError as error:
            self._take_malformed(error, events)
            return
        if pdu.is_response:
            self._take_response(pdu, events)
        else:
            self._take_request(pdu, events)

    def _take_malformed(self, error: PduError, events: list[Event]) -> None:
        events.append(Stray(str(error)))
        self._reply(Pdu(error.command, error.sequence), error.status)

    def _take_response(self, pdu: Pdu, events: list[Event]) -> None:
        known = self._outstanding.get(pdu.sequence)
        nack = pdu.command == Command.GENERIC_NACK
        if known is None or not (nack or pdu.command == known.command | RESPONSE):
            events.append(Stray("an answer to nothing that was asked"))
            return
        del self._outstanding[pdu.sequence]
        self._forget_deadlines()
        if known.counted:
            self._counted -= 1
            self._overdue -= known.overdue
            events.append(Answered(known.token, pdu, known.overdue))
        elif known.command == Command.ENQUIRE_LINK:
            self._enquiring = False
        elif known.command == Command.UNBIND:
            self._close("unbound", events)
        else:
            self._bound(pdu, known, events)

    def _bound(self, pdu: Pdu, asked: _Outstanding, events: list[Event]) -> None:
        if pdu.command == Command.GENERIC_NACK and not pdu.status:
            # Whoever did not understand the bind has not bound us, whatever the status says.
            pdu = replace(pdu, status=Status.UNKNOWN_ERROR)
        self._state = State.OPEN if pdu.status else _BOUND[Command(asked.command)]
        events.append(Answered(asked.token, pdu))

    def _take_request(self, pdu: Pdu, events: list[Event]) -> None:
        if pdu.command == Command.ENQUIRE_LINK:
            self._reply(pdu)
        elif pdu.command == Command.UNBIND:
            self._reply(pdu)
            self._close("the other end unbound", events)
        elif pdu.command in BINDS and self._state.bound:
            self._reply(pdu, Status.ALREADY_BOUND)
        elif pdu.command not in self._known():
            events.append(Stray(f"command 0x{pdu.command:08X}"))
            self._nack(pdu.sequence, Status.INVALID_COMMAND_ID)
        elif pdu.command not in self._takes():
            self._reply(pdu, Status.INVALID_BIND_STATUS)
        else:
            if pdu.command in BINDS:
                self._state = State.BINDING
            events.append(Asked(pdu))

    def _known(self) -> frozenset[Command]:
        return _FROM_SMSC if self._end is End.ESME else BINDS | _FROM_ESME

    def _takes(self) -> frozenset[Command]:
        if self._end is End.SMSC:
            return _TAKEN_BY_SMSC.get(self._state, frozenset())
        return _FROM_SMSC if self._state.bound or self._state is State.UNBINDING else frozenset()

    def _forget_deadlines(self) -> None:
        """Those of answered requests, or thousands would pile up until their time has come."""
        while self._deadlines and self._deadlines[0][1] not in self._outstanding:
            self._deadlines.popleft()

    def _expire(self, deadline: float, sequence: int, events: list[Event]) -> None:
        known = self._outstanding.get(sequence)
        # An answered request leaves its deadline behind; its number may serve another by now.
        if known is None or known.deadline != deadline or self._state is State.CLOSED:
            return
        if not known.counted:
            name = Command(known.command).name.lower()
            self._close(f"no answer to {name}", events)
            return
        known.overdue = True
        self._overdue += 1
        events.append(Unanswered(known.token))

    def _reply(self, asked: Pdu, status: int = 0, body: Body = NOTHING) -> None:
        # §4.12.1: alert_notification is the one request that has no response.
        if asked.command != Command.ALERT_NOTIFICATION:
            self._out.append(encode(Pdu(asked.command | RESPONSE, asked.sequence, status, body)))

    def _nack(self, sequence: int, status: Status) -> None:
        self._out.append(encode(Pdu(Command.GENERIC_NACK, sequence, status)))

    def _close(self, why: str, events: list[Event]) -> None:
        self._state = State.CLOSED
        events.append(Ended(why))
