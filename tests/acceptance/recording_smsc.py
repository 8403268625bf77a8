"""An SMSC that does as a test says and remembers all that came: over real SMPP, in this process."""

import asyncio
import itertools
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.acceptance.reading import GUARD_SECONDS

from smsgate_server.carriers.smpp.codes import (
    BINDS,
    ESM_RECEIPT,
    ESM_UDHI,
    Command,
    Status,
    Tag,
)
from smsgate_server.carriers.smpp.connection import Connection
from smsgate_server.carriers.smpp.pdu import NOTHING, BindAnswer, MessageId, Pdu, ShortMessage
from smsgate_server.carriers.smpp.session import (
    Answered,
    Asked,
    End,
    Ended,
    Event,
    Session,
    State,
    Timers,
)

# Ids go on where those of no earlier test can be.
_FIRST_ID = 0x5EED0000
# deliver_sm under way on one bind.
_WINDOW = 50
# A refused receipt comes again after this.
_AGAIN_SECONDS = 0.05


class _Line(Connection):
    """A connection that can be cut, as a network does it or as the other end does."""

    def cut(self, reset: bool) -> None:
        if reset:
            # No farewell: RST.
            lingering = struct.pack("ii", 1, 0)
            found = self._transport.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
            self.abort("reset")
        else:
            self.close("closed")


@dataclass(eq=False)
class Taken:
    """A submit_sm as it came. `part` counts from 1."""

    recipient: str
    text: str
    part: int
    line: _Line
    pdu: Pdu
    body: ShortMessage
    carrier_id: str = ""
    answered: bool = False

    @property
    def name(self) -> tuple[str, int]:
        """What must not come twice: a message of a test has a recipient of its own."""
        return self.recipient, self.part


@dataclass(eq=False)
class Report:
    """A receipt on its way: the answers it got are in `statuses`."""

    taken: Taken
    word: str = "DELIVRD"
    line: _Line | None = None
    times_sent: int = 0
    statuses: list[int] = field(default_factory=list)

    @property
    def acknowledged(self) -> bool:
        return Status.OK in self.statuses


@dataclass(eq=False)
class _Echo:
    heard: bool = False


class RecordingSmsc:
    """`answering`: submits are answered at once. `reporting`: what was answered is delivered, and
    the receipt is sent. `listening`: acknowledgements are heard; else it is as if they were lost,
    and the receipts come again on the next bind; `unheard` counts them. `on_other_bind`: receipts
    avoid the bind of their submit.

    Tests can replace `on_taken` and `on_acknowledged`, which see each as it comes.
    """

    def __init__(self) -> None:
        self.answering = True
        self.reporting = True
        self.listening = True
        self.unheard = 0
        self.on_other_bind = False
        self.on_taken: Callable[[Taken], None] = self._answer_if_told
        self.on_acknowledged: Callable[[Report], None] = lambda report: None
        self.taken: list[Taken] = []
        self.reports: list[Report] = []
        self.unbinds = 0
        self.happened = 0
        self.port = 0
        self._ids = itertools.count(_FIRST_ID)
        self._lines: list[_Line] = []
        self._queue: list[Report] = []
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        timers = Timers(30.0, 30.0)
        self._server = await loop.create_server(
            lambda: _Line(lambda now: Session(End.SMSC, timers, _WINDOW, now), self._take),
            "127.0.0.1",
            0,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        lines = list(self._lines)
        for line in lines:
            line.abort("stopped")
        await asyncio.gather(*(line.ended for line in lines))

    # What a test sees

    async def until(self, met: Callable[[], bool], seconds: float = GUARD_SECONDS) -> None:
        """Until something that came made it true."""
        async with asyncio.timeout(seconds):
            while not met():
                self._changed.clear()
                await self._changed.wait()

    async def until_taken(self, count: int) -> None:
        await self.until(lambda: len(self.taken) >= count)

    async def until_acknowledged(self) -> None:
        """Every receipt, however often it must be sent."""
        await self.until(lambda: all(report.acknowledged for report in self.reports))

    async def until_idle(self) -> None:
        """Until the other end has read all that was sent to it."""
        echoes = [_Echo() for _ in self._lines]
        for line, echo in zip(self._lines, echoes, strict=True):
            line.ask(Command.ENQUIRE_LINK, NOTHING, echo)
        await self.until(lambda: all(echo.heard for echo in echoes))

    async def until_bound(self, count: int = 1) -> None:
        await self.until(lambda: len(self._lines) >= count)

    @property
    def bound(self) -> int:
        return len(self._lines)

    def times_taken(self) -> Counter[tuple[str, int]]:
        return Counter(taken.name for taken in self.taken)

    def of(self, recipient: str) -> list[Taken]:
        return [taken for taken in self.taken if taken.recipient == recipient]

    # What a test says

    def answer(self, taken: Taken, carrier_id: str = "") -> None:
        """Accept a submit, with an id that was never given before if none is said."""
        taken.answered = True
        taken.carrier_id = carrier_id or taken.carrier_id or self.new_id()
        if not taken.line.ended.done():
            taken.line.answer(taken.pdu, Status.OK, MessageId(taken.carrier_id))
        if self.reporting:
            self.report(taken)

    def answer_all(self) -> None:
        """What waits for an answer on a line that is still there."""
        for taken in self.taken:
            if not taken.answered and not taken.line.ended.done():
                self.answer(taken)

    def new_id(self) -> str:
        return f"{next(self._ids):X}"

    def report(self, taken: Taken, carrier_id: str = "") -> Report:
        """Send a receipt, even one that overtakes the answer."""
        taken.carrier_id = carrier_id or taken.carrier_id or self.new_id()
        report = Report(taken)
        self.reports.append(report)
        self._queue.append(report)
        self._deliver()
        return report

    def cut(self, reset: bool) -> None:
        for line in list(self._lines):
            line.cut(reset)

    # What comes

    def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        assert isinstance(connection, _Line)
        self.happened += len(events)
        for event in events:
            match event:
                case Asked(pdu) if pdu.command in BINDS:
                    connection.answer(pdu, Status.OK, BindAnswer("recording"))
                    self._lines.append(connection)
                case Asked(pdu):
                    self._submitted(connection, pdu)
                case Answered(Report() as report, pdu):
                    self._answered(report, pdu.status)
                case Answered(_Echo() as echo, _):
                    echo.heard = True
                case Ended(why):
                    self._lost(connection, why)
                case _:
                    pass
        self._deliver()
        self._changed.set()

    def _submitted(self, line: _Line, pdu: Pdu) -> None:
        body = pdu.body
        assert isinstance(body, ShortMessage)
        part, octets = 1, body.text
        if body.esm_class & ESM_UDHI:
            part, octets = octets[5], octets[1 + octets[0] :]
        # Tests write what the GSM alphabet and ASCII have in common.
        text = octets.decode("ascii")
        taken = Taken(f"+{body.destination.digits}", text, part, line, pdu, body)
        self.taken.append(taken)
        self.on_taken(taken)

    def _answer_if_told(self, taken: Taken) -> None:
        if self.answering:
            self.answer(taken)

    def _answered(self, report: Report, status: int) -> None:
        if not self.listening:
            self.unheard += 1
            return
        report.line = None
        report.statuses.append(status)
        if status == Status.OK:
            self.on_acknowledged(report)
        else:
            asyncio.get_running_loop().call_later(_AGAIN_SECONDS, self._again, report)

    def _again(self, report: Report) -> None:
        self._queue.append(report)
        self._deliver()

    def _lost(self, line: _Line, why: str) -> None:
        self.unbinds += why == "the other end unbound"
        if line in self._lines:
            self._lines.remove(line)
        for report in self.reports:
            if report.line is line:
                report.line = None
                self._queue.append(report)

    def _deliver(self) -> None:
        waiting, self._queue = self._queue, []
        for report in waiting:
            line = self._line_for(report)
            if line is None:
                self._queue.append(report)
                continue
            report.line = line
            report.times_sent += 1
            line.ask(Command.DELIVER_SM, _receipt(report), report)

    def _line_for(self, report: Report) -> _Line | None:
        usable = [
            line
            for line in self._lines
            if line.free > 0
            and line.session.state in (State.BOUND_RECEIVER, State.BOUND_TRANSCEIVER)
            and not (self.on_other_bind and line is report.taken.line)
        ]
        return max(usable, key=lambda line: line.free, default=None)


def _receipt(report: Report) -> ShortMessage:
    submitted, carrier_id = report.taken.body, report.taken.carrier_id
    text = (
        f"id:{carrier_id} sub:001 dlvrd:001 submit date:2601011200 done date:2601011201 "
        f"stat:{report.word} err:000 text:"
    )
    return ShortMessage(
        source=submitted.destination,
        destination=submitted.source,
        text=text.encode(),
        esm_class=ESM_RECEIPT,
        tlvs={Tag.RECEIPTED_MESSAGE_ID: carrier_id.encode() + b"\0"},
    )
