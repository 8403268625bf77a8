"""The SMSC itself: who may bind, how submits are answered, which faults it makes."""

import asyncio
import itertools
import logging
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from smsgate_server.carriers.smpp.codes import BINDS, Command, Status, Tag
from smsgate_server.carriers.smpp.connection import Connection
from smsgate_server.carriers.smpp.pacing import Pace
from smsgate_server.carriers.smpp.pdu import Bind, BindAnswer, MessageId, Pdu, ShortMessage
from smsgate_server.carriers.smpp.session import (
    Answered,
    Asked,
    End,
    Ended,
    Event,
    Session,
    State,
    Timers,
    Unanswered,
)
from smsgate_server.carriers.smsc.mailbox import Mailbox
from smsgate_server.carriers.smsc.receipts import Due, written_id
from smsgate_server.carriers.smsc.settings import SmscSettings
from smsgate_server.carriers.smsc.submits import Judge

_log = logging.getLogger(__name__)

_RECEIVING = (State.BOUND_RECEIVER, State.BOUND_TRANSCEIVER)


class Smsc:
    """`start`, then `stop`; `port` is known after `start`. `submits` counts the submit_sm taken."""

    def __init__(self, settings: SmscSettings) -> None:
        self._settings = settings
        self._judge = Judge(settings)
        self._random = random.Random(settings.seed)
        # Ids of an earlier process must not come again.
        self._numbers = itertools.count(int(datetime.now(UTC).timestamp()) << 20)
        self._mailboxes: dict[str, Mailbox] = {}
        self._owners: dict[Connection, str] = {}
        self._server: asyncio.Server | None = None
        self._pace: Pace
        self.port = settings.port
        self.submits = 0

    @property
    def binds(self) -> int:
        return len(self._owners)

    @property
    def waiting(self) -> int:
        """Receipts that were not acknowledged yet, those under way included."""
        kept = sum(len(mailbox) for mailbox in self._mailboxes.values())
        return kept + sum(len(owned.session.outstanding()) for owned in self._owners)

    async def start(self) -> None:
        """Listen. OSError if that is not possible."""
        loop = asyncio.get_running_loop()
        self._pace = Pace(self._settings.tps, loop.time())
        timers = Timers(30.0, self._settings.enquire_link_seconds)
        window = self._settings.receipt_window
        self._server = await loop.create_server(
            lambda: Connection(lambda now: Session(End.SMSC, timers, window, now), self._take),
            self._settings.host,
            self._settings.port,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Unbind all, and close."""
        assert self._server is not None
        self._server.close()
        binds = list(self._owners)
        for connection in binds:
            connection.unbind()
        if binds:
            await asyncio.wait([connection.ended for connection in binds], timeout=1.0)
        for connection in list(self._owners):
            connection.abort("stopped")

    def drop(self) -> None:
        """Cut every connection off."""
        for connection in list(self._owners):
            connection.abort("dropped")

    def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Asked(pdu) if pdu.command in BINDS:
                    self._bind(connection, pdu)
                case Asked(pdu):
                    self._asked(connection, pdu)
                case Answered(Due() as due, pdu, late) if pdu.status and not late:
                    self._mailbox(connection).again(due)
                case Unanswered(due):
                    self._mailbox(connection).again(due)
                case Ended(why):
                    self._lost(connection, why)
                case _:
                    pass
        if connection in self._owners:
            self._mailbox(connection).deliver()

    def _mailbox(self, connection: Connection) -> Mailbox:
        return self._mailboxes[self._owners[connection]]

    # Binds

    def _bind(self, connection: Connection, pdu: Pdu) -> None:
        body = pdu.body
        assert isinstance(body, Bind)
        if self._settings.silent:
            return
        status = self._refusal(body)
        answer = BindAnswer("smsgate-smsc", {Tag.SC_INTERFACE_VERSION: b"\x34"})
        connection.answer(pdu, status, answer)
        if status:
            _log.warning("refused to bind %s with 0x%08X", body.system_id, status)
            return
        self._owners[connection] = body.system_id
        name = Command(pdu.command).name.removeprefix("BIND_").lower()
        _log.info("%s bound as %s from %s", body.system_id, name, connection.peer)
        mailbox = self._mailboxes.setdefault(body.system_id, Mailbox(self._settings, _now))
        if connection.session.state in _RECEIVING:
            mailbox.opened(connection)

    def _refusal(self, body: Bind) -> Status:
        wanted = self._settings
        if wanted.system_id and body.system_id != wanted.system_id:
            return Status.INVALID_SYSTEM_ID
        if wanted.password and body.password != wanted.password:
            return Status.INVALID_PASSWORD
        return Status.OK

    def _lost(self, connection: Connection, why: str) -> None:
        owner = self._owners.get(connection)
        if owner is None:
            return
        mailbox = self._mailboxes[owner]
        mailbox.closed(connection)
        for due in connection.session.outstanding():
            mailbox.again(due)
        del self._owners[connection]
        _log.info("%s is gone: %s", owner, why)

    # Submits

    def _asked(self, connection: Connection, pdu: Pdu) -> None:
        body = pdu.body
        if not isinstance(body, ShortMessage):
            connection.answer(pdu, Status.INVALID_COMMAND_ID)
            return
        now = asyncio.get_running_loop().time()
        if self._settings.tps and self._pace.room(now) < 1:
            connection.answer(pdu, Status.THROTTLED, MessageId())
            return
        self._pace.take(now)
        self.submits += 1
        if self._settings.drop_every and self.submits % self._settings.drop_every == 0:
            connection.abort("dropped")
            return
        self._submit(connection, pdu, body)

    def _submit(self, connection: Connection, pdu: Pdu, body: ShortMessage) -> None:
        verdict = self._judge.judge(body)
        number = next(self._numbers)
        mailbox, now = self._mailbox(connection), _now()
        for planned in verdict.receipts:
            due = Due(number, body.source, body.destination, now, planned)
            if planned.delay < 0 or self._random.random() < self._settings.early:
                mailbox.add_now(due)
            else:
                wait = self._settings.answer_seconds + planned.delay
                mailbox.add(due, now + timedelta(seconds=wait))
        if verdict.status is None:
            return
        accepted = verdict.status == Status.OK
        carrier_id = written_id(number, self._settings.answer_ids) if accepted else ""
        answer = (pdu, verdict.status, MessageId(carrier_id))
        if self._settings.answer_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(self._settings.answer_seconds, self._answer, connection, answer)
        else:
            connection.answer(*answer)

    def _answer(self, connection: Connection, answer: tuple[Pdu, int, MessageId]) -> None:
        if not connection.ended.done():
            connection.answer(*answer)


def _now() -> datetime:
    return datetime.now(UTC)
