"""The carrier that smsgate is a client (ESME) of: window, pace, answers and receipts.

submit ─▶ parts ─▶ queue ─▶ a bind with a free place ─▶ submit_sm ─▶ answer ─▶ outcome
deliver_sm ─▶ receipts, many at once ─▶ committed ─▶ deliver_sm_resp
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from smsgate_server.carriers.smpp.binding import Binding, Fraction
from smsgate_server.carriers.smpp.codes import Command, Status, hexadecimal
from smsgate_server.carriers.smpp.connection import Connection
from smsgate_server.carriers.smpp.pacing import Pace
from smsgate_server.carriers.smpp.parts import Unsendable, awaited, parts_of
from smsgate_server.carriers.smpp.pdu import NO_ID, Body, DataMessage, MessageId, Pdu, ShortMessage
from smsgate_server.carriers.smpp.receipts import LONGEST_ID, read_receipt
from smsgate_server.carriers.smpp.references import References
from smsgate_server.carriers.smpp.session import Answered, Asked, Ended, Event, Stray, Unanswered
from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.carriers.smpp.statuses import Verdict, judge
from smsgate_server.carriers.smpp.submits import Part, Submit
from smsgate_server.domain.carrier_health import CarrierHealth, Counts
from smsgate_server.domain.delivery import OutcomeKind, Receipt, SubmitOutcome
from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.message import Reason
from smsgate_server.services.ports import CarrierListener, Claim, Clock

_log = logging.getLogger(__name__)

# A part that the carrier throttles keeps its place for so long; then the message waits its turn.
_THROTTLED_SECONDS = 30.0
_MOST_THROTTLES = 4
# Receipts that are read and not yet committed; then reading stops, and TCP holds the carrier back.
_MOST_RECEIPTS = 2_000
_BATCH = 500
# How often it is looked whether the last answers have come.
_DRAIN_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class _Delivered:
    """A receipt and the request that brought it."""

    receipt: Receipt
    connection: Connection
    pdu: Pdu


class SmppCarrier:
    """Carriers that may send to one handset share their `references`."""

    def __init__(
        self, settings: SmppSettings, clock: Clock, jitter: Fraction, references: References
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._references = references
        self._counts = Counts()
        # Parts that the carrier throttled come before those that it has not seen.
        self._again: deque[Part] = deque()
        self._queue: deque[Part] = deque()
        self._receipts: deque[_Delivered] = deque()
        self._held: set[Connection] = set()
        self._committing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._taken = 0
        self._stopping = False
        self._bindings = [
            Binding(settings, command, self._take, self._changed, jitter)
            for command in _commands(settings)
        ]
        self._senders = [binding for binding in self._bindings if binding.transmits]
        self._pace = Pace(settings.tps, 0.0)
        self._now: Callable[[], float]
        self._listener: CarrierListener

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def able(self) -> bool:
        up = any(b.connection is not None for b in self._senders)
        return up and not self._stopping

    @property
    def health(self) -> CarrierHealth:
        up = [binding for binding in self._bindings if binding.connection is not None]
        trouble = next((b.trouble for b in self._bindings if b.trouble), "")
        return CarrierHealth(
            name=self.name,
            kind="smpp",
            binds=len(self._bindings),
            binds_up=len(up),
            able=any(binding.transmits for binding in up),
            window=self._settings.window * len(self._senders),
            under_way=sum(b.connection.session.under_way for b in up if b.connection is not None),
            rate=self._pace.rate,
            trouble=trouble,
            counts=self._counts,
        )

    async def start(self, listener: CarrierListener) -> None:
        self._listener = listener
        self._now = asyncio.get_running_loop().time
        self._pace = Pace(self._settings.tps, self._now())
        for binding in self._bindings:
            binding.start()

    async def stop(self) -> None:
        """Send nothing more, wait for the answers that are due, unbind."""
        self._stopping = True
        self._return_queue("stopping")
        deadline = self._now() + self._settings.response_seconds
        # Once in a life, so no answer need tell.
        while self._under_way() and self._now() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_DRAIN_SECONDS)
        if self._committing is not None:
            await asyncio.wait([self._committing])
        await asyncio.gather(*(binding.stop() for binding in self._bindings))
        if self._timer is not None:
            self._timer.cancel()

    def places(self) -> int:
        """How many messages could be written at once, or nearly."""
        if self._stopping:
            return 0
        up = [b.connection for b in self._senders if b.connection is not None]
        window = len(up) * self._settings.window
        # As many again may wait here, so that the window stays full while the store claims more.
        queued = len(self._again) + len(self._queue)
        under_way = sum(c.session.under_way for c in up) + queued
        free = 2 * window - under_way
        room = self._pace.room(self._now())
        if room >= free + queued:
            return max(free, 0)
        paced = int(room) - queued
        if paced <= 0:
            self._wake_in(self._pace.wait(self._now()))
        return max(min(free, paced), 0)

    async def submit(self, claim: Claim) -> SubmitOutcome:
        if not self.able:
            return self._outcome(SubmitOutcome(OutcomeKind.NOT_SENT, code="not bound"))
        message = claim.message
        reference = claim.reference
        # What the alphabet lacks can make several parts of one segment.
        if not reference and (message.segments > 1 or not self._settings.alphabet.is_gsm7):
            reference = self._references.next(message.recipient)
        try:
            bodies = parts_of(message, reference, self._settings, self._clock.now())
        except Unsendable as error:
            return self._outcome(SubmitOutcome(OutcomeKind.REFUSED, code=str(error)))
        submit = Submit(
            claim,
            len(bodies),
            awaited(len(bodies), self._settings.receipts),
            reference,
            self._late,
            asyncio.get_running_loop().create_future(),
        )
        parts = submit.parts(bodies)
        if not parts:
            # The carrier has it all, cut otherwise than it would be cut now.
            return self._outcome(SubmitOutcome(OutcomeKind.ACCEPTED))
        self._queue += parts
        self._pump()
        return self._outcome(await submit.outcome)

    def _outcome(self, outcome: SubmitOutcome) -> SubmitOutcome:
        self._counts.outcomes[outcome.kind] += 1
        if outcome.kind is OutcomeKind.UNKNOWN and self._settings.on_unknown_submit == "hold":
            return replace(outcome, hold=True)
        return outcome

    def _late(self, claim: Claim, outcome: SubmitOutcome) -> None:
        self._counts.late_answers += 1
        self._listener.late_answer(self.name, claim, outcome)

    # Sending

    def _pump(self) -> None:
        """Write as many parts as windows and pace allow."""
        now = self._now()
        while queue := self._again or self._queue:
            if queue[0].submit.doomed:
                queue.popleft().submit.part_not_sent("another part was refused")
                continue
            connection = self._roomiest()
            if connection is None:
                return
            if self._pace.room(now) < 1:
                self._wake_in(self._pace.wait(now))
                return
            self._write(connection, queue.popleft(), now)

    def _roomiest(self) -> Connection | None:
        """The bind with the most free places, if any has one."""
        best, most = None, 0
        for binding in self._senders:
            connection = binding.connection
            if connection is not None and (free := connection.free) > most:
                best, most = connection, free
        return best

    def _write(self, connection: Connection, part: Part, now: float) -> None:
        try:
            connection.ask(Command.SUBMIT_SM, part.body, part)
        except ValueError as error:
            _log.error("%s: cannot be written as submit_sm: %s", self.name, error)
            part.submit.part_refused(Status.INVALID_MESSAGE_LENGTH, temporary=False)
            return
        self._pace.take(now)
        self._counts.submits += 1

    def _wake_in(self, seconds: float) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(seconds, 0.001), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._pump()
        self._listener.room()

    def _return_queue(self, why: str) -> None:
        parts = [*self._again, *self._queue]
        self._again.clear()
        self._queue.clear()
        for part in parts:
            part.submit.part_not_sent(why)

    def _under_way(self) -> int:
        up = (b.connection for b in self._senders if b.connection is not None)
        return sum(len(c.session.outstanding()) for c in up if not c.ended.done())

    # What the binds tell

    def _changed(self, binding: Binding) -> None:
        """A bind came up or went down."""
        if not any(b.connection for b in self._senders):
            # Nobody knows for how long: what is not written can go another way.
            self._return_queue("not bound")
        if not self._stopping:
            self._pump()
        self._listener.room()

    def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Answered(token, pdu, late) if isinstance(token, Part):
                    self._answered(token, pdu, late)
                case Unanswered(token):
                    token.submit.part_unknown("no answer in time")
                case Asked(pdu):
                    self._asked(connection, pdu)
                case Stray(what):
                    self._counts.strays += 1
                    _log.debug("%s: %s", self.name, what)
                case Ended(why):
                    self._lost(connection, why)
                case _:
                    pass
        self._pump()
        self._listener.room()

    def _lost(self, connection: Connection, why: str) -> None:
        """Of what was written and not answered, nobody knows."""
        for part in connection.session.outstanding():
            part.submit.part_unknown(why)

    def _answered(self, part: Part, pdu: Pdu, late: bool) -> None:
        carrier_id = _id_in(pdu.body)
        verdict = judge(pdu.status, self._settings.try_later)
        if pdu.command == Command.GENERIC_NACK and verdict is Verdict.ACCEPTED:
            verdict = Verdict.REFUSED
        if late:
            if verdict is Verdict.ACCEPTED:
                part.submit.part_late(part, carrier_id)
        elif verdict is Verdict.ACCEPTED:
            self._taken += 1
            part.submit.part_accepted(part, carrier_id)
        elif verdict is Verdict.TOO_FAST:
            self._throttled(part, pdu.status)
        else:
            reason = self._settings.errors.get(hexadecimal(pdu.status), Reason.UNSPECIFIED)
            part.submit.part_refused(pdu.status, verdict is Verdict.TRY_LATER, reason)

    def _throttled(self, part: Part, status: int) -> None:
        now = self._now()
        self._counts.throttled += 1
        # Others are taken and this one is not: it is about the message, so nobody else need wait.
        alone = part.throttles > 0 and self._taken > part.taken_then
        if not alone:
            self._pace.throttled(now)
        if part.throttled_at is None:
            part.throttled_at = now
        part.throttles += 1
        part.taken_then = self._taken
        too_long = now - part.throttled_at > _THROTTLED_SECONDS
        if self._stopping or too_long or (alone and part.throttles >= _MOST_THROTTLES):
            part.submit.part_refused(status, temporary=True)
        else:
            self._again.append(part)

    # Receipts

    def _asked(self, connection: Connection, pdu: Pdu) -> None:
        body = pdu.body
        receipt = None
        if isinstance(body, ShortMessage | DataMessage):
            receipt = read_receipt(body, self._settings)
        if receipt is None:
            # Not for us: smsgate takes no messages from handsets. Who is refused would send it
            # again for days.
            self._counts.unwanted += 1
            _answer(connection, pdu, Status.OK)
            return
        self._counts.receipts += 1
        self._receipts.append(_Delivered(receipt, connection, pdu))
        if len(self._receipts) >= _MOST_RECEIPTS and connection not in self._held:
            self._held.add(connection)
            connection.hold_reading()
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_receipts())

    async def _commit_receipts(self) -> None:
        while self._receipts:
            count = min(len(self._receipts), _BATCH)
            batch = [self._receipts.popleft() for _ in range(count)]
            status = await self._commit(batch)
            for delivered in batch:
                _answer(delivered.connection, delivered.pdu, status)
            if len(self._receipts) < _MOST_RECEIPTS // 2:
                while self._held:
                    self._held.pop().go_on_reading()

    async def _commit(self, batch: Sequence[_Delivered]) -> Status:
        """What to answer: the carrier keeps what we could not store, and sends it again."""
        try:
            await self._listener.receipts([delivered.receipt for delivered in batch])
            return Status.OK
        except Unavailable as error:
            _log.error("%s: cannot store %d receipts: %s", self.name, len(batch), error)
        except Exception:
            _log.exception("%s: cannot store %d receipts", self.name, len(batch))
        self._counts.receipts_refused += len(batch)
        return Status.TEMPORARY_APP_ERROR


def _id_in(body: Body) -> str:
    """As receipts are read: there blanks around an id are no part of it."""
    return body.message_id.strip()[:LONGEST_ID] if isinstance(body, MessageId) else ""


def _answer(connection: Connection, pdu: Pdu, status: Status) -> None:
    if not connection.ended.done():
        connection.answer(pdu, status, NO_ID)


def _commands(settings: SmppSettings) -> list[Command]:
    if settings.bind == "transceiver":
        return [Command.BIND_TRANSCEIVER] * settings.binds
    return [Command.BIND_TRANSMITTER, Command.BIND_RECEIVER] * settings.binds
