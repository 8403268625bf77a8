"""The messages that one operation works on: loaded together, changed step by step, written
together.
"""

from collections.abc import Iterable
from datetime import datetime

from smsgate_server.domain.delivery import EXPIRY_GRACE, Delivery, Stage, Step
from smsgate_server.domain.message import Message
from smsgate_server.domain.standing import in_backlog
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.database import Database, Row
from smsgate_server.storage.sql.known import Life
from smsgate_server.storage.sql.rows import (
    DELIVERY_COLUMNS,
    DELIVERY_TYPES,
    EVENT_COLUMNS,
    EVENT_TYPES,
    MESSAGE_COLUMNS,
    MESSAGE_WIDTH,
    delivery_of,
    delivery_row,
    event_row,
    message_of,
    micros,
    micros_or_none,
    qualified,
)
from smsgate_server.storage.sql.transaction import Transaction

_COLUMNS = f"{qualified(MESSAGE_COLUMNS, 'm')}, {qualified(DELIVERY_COLUMNS, 'd')}"
_JOINED = f"""
    SELECT {_COLUMNS} FROM messages AS m LEFT JOIN deliveries AS d ON d.message_seq = m.seq
"""
_BY_SEQ = BulkStatement(f"{_JOINED} WHERE m.seq IN ({{rows}})", "n")
_BY_ID = BulkStatement(f"{_JOINED} WHERE m.id IN ({{rows}})", "t")
_LIVE = "SELECT message_seq FROM deliveries"
# The stages are written out, or SQLite would not see that an index is for them.
_DUE = f"""
    {_LIVE} WHERE stage = {int(Stage.WAITING)} AND lane = ? AND due_time <= ?
    ORDER BY due_time, message_seq LIMIT ?
"""
_EXPIRED_WAITING = f"""
    {_LIVE} WHERE expire_time <= ? AND stage = {int(Stage.WAITING)}
    ORDER BY expire_time, message_seq LIMIT ?
"""
_EXPIRED_WITH_CARRIER = f"""
    {_LIVE} WHERE expire_time <= ? AND stage IN ({int(Stage.SUBMITTED)}, {int(Stage.HELD)})
    ORDER BY expire_time, message_seq LIMIT ?
"""
_INSERT_EVENTS = BulkStatement(f"INSERT INTO events ({EVENT_COLUMNS}) {{rows}}", EVENT_TYPES)
_UPDATE_MESSAGES = BulkStatement(
    """
    UPDATE messages SET status = v.column2, reason = v.column3, carrier = v.column4,
        update_time = v.column5, sent_time = v.column6, final_time = v.column7,
        last_seq = v.column8, refunded = v.column9
    FROM ({rows}) AS v WHERE seq = v.column1
    """,
    "nnntnnnnn",
)
_UPDATE_DELIVERIES = BulkStatement(
    """
    UPDATE deliveries SET stage = v.column2, due_time = v.column3, attempts = v.column4,
        delivered = v.column5, exposed = v.column6, lane = v.column7, accepted = v.column8,
        awaited = v.column9, reference = v.column10, carrier = v.column11
    FROM ({rows}) AS v WHERE message_seq = v.column1
    """,
    "n" + DELIVERY_TYPES,
)
_DELETE_DELIVERIES = BulkStatement("DELETE FROM deliveries WHERE message_seq IN ({rows})", "n")


class Workspace:
    """Use: load, then `apply` steps, then `flush` once. Keeps `transaction.waiting` true."""

    def __init__(self, transaction: Transaction) -> None:
        self._tx = transaction
        self.messages: dict[int, Message] = {}
        self.deliveries: dict[int, Delivery | None] = {}
        # Their `last_seq` leads into the database; that of `messages` may not yet.
        self.as_loaded: dict[int, Message] = {}
        self._stored: dict[int, Delivery | None] = {}
        self._events: list[Row] = []
        self._changed: set[int] = set()

    @property
    def db(self) -> Database:
        return self._tx.db

    def load(self, seqs: Iterable[int]) -> None:
        tx, missing = self._tx, []
        for seq in set(seqs):
            if seq in self.messages:
                continue
            life = tx.lives.get(seq) or tx.known.get(seq)
            if life is None:
                missing.append((seq,))
            else:
                self._know(seq, life)
        self._take(_BY_SEQ.fetch(tx.db, missing))

    def load_ids(self, ids: Iterable[str]) -> dict[str, int]:
        """Load by id; returns the seq of every id that exists."""
        rows = _BY_ID.fetch(self._tx.db, [(message_id,) for message_id in set(ids)])
        return {self.messages[seq].id: seq for seq in self._take(rows)}

    def load_due(self, lane: str, now: datetime, limit: int) -> list[int]:
        """What may be submitted, oldest due first."""
        return self._load_found(_DUE, (lane, micros(now), limit))

    def load_expired(self, now: datetime, limit: int) -> list[int]:
        """What no carrier has and is past its validity, and what a carrier had time enough for."""
        found = self._load_found(_EXPIRED_WAITING, (micros(now), limit))
        wanted = (micros(now - EXPIRY_GRACE), limit - len(found))
        return found + self._load_found(_EXPIRED_WITH_CARRIER, wanted)

    def _load_found(self, query: str, values: Row) -> list[int]:
        seqs = [seq for (seq,) in self._tx.db.execute(query, values).fetchall()]
        self.load(seqs)
        return seqs

    def _take(self, rows: Iterable[Row]) -> list[int]:
        seqs = []
        for row in rows:
            seq = row[0]
            seqs.append(seq)
            self._know(seq, (message_of(row), delivery_of(row[MESSAGE_WIDTH:])))
        return seqs

    def _know(self, seq: int, life: Life) -> None:
        self.messages[seq] = self.as_loaded[seq] = life[0]
        self.deliveries[seq] = self._stored[seq] = life[1]

    def peek_seq(self) -> int:
        """The number that the next event will have."""
        return self._tx.head + 1

    def apply(self, seq: int, step: Step) -> None:
        message = self.messages[seq]
        if step.event is not None:
            self._tx.head += 1
            assert step.event.seq == self._tx.head
            self._events.append(event_row(step.event, message.last_seq))
            self._tx.events.append(step.event)
            after = self.messages[seq] = message.after(step.event, step.refund)
            self._tx.books.follow(message, after)
            self._changed.add(seq)
        self.deliveries[seq] = step.delivery

    def flush(self) -> None:
        db = self._tx.db
        _INSERT_EVENTS.run(db, self._events)
        _UPDATE_MESSAGES.run(db, [_changes(self.messages[seq]) for seq in self._changed])
        updated, deleted = [], []
        for seq, before in self._stored.items():
            after = self.deliveries[seq]
            if after is not before or seq in self._changed:
                self._tx.lives[seq] = (self.messages[seq], after)
            if after is before or before is None:
                continue
            message = self.messages[seq]
            self._tx.waiting += in_backlog(message, after) - in_backlog(message, before)
            if after is None:
                deleted.append((seq,))
            else:
                updated.append(delivery_row(seq, after))
        _UPDATE_DELIVERIES.run(db, updated)
        _DELETE_DELIVERIES.run(db, deleted)


def _changes(message: Message) -> Row:
    return (
        message.seq,
        int(message.status),
        int(message.reason),
        message.carrier,
        micros(message.update_time),
        micros_or_none(message.sent_time),
        micros_or_none(message.final_time),
        message.last_seq,
        message.refunded,
    )
