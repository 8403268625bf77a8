"""Pages of messages, newest first.

A filter is answered from the most selective thing it names: a batch is a range of the log,
recipients and labels have an index, anything else walks the messages backwards. However it is
answered, one page examines a bounded number of messages.
"""

from dataclasses import dataclass, field

from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message
from smsgate_server.storage.sql.database import Database
from smsgate_server.storage.sql.rows import MESSAGE_COLUMNS, message_of, micros, qualified

# The most messages that one page looks at.
_EXAMINED = 50_000


@dataclass
class _Where:
    conditions: list[str] = field(default_factory=list)
    values: list[object] = field(default_factory=list)

    def add(self, condition: str, *values: object) -> None:
        self.conditions.append(condition)
        self.values += values

    def one_of(self, column: str, values: frozenset[object]) -> None:
        if values:
            marks = ",".join("?" * len(values))
            self.add(f"{column} IN ({marks})", *sorted(values, key=str))

    @property
    def sql(self) -> str:
        return " AND ".join(self.conditions) or "TRUE"


def page(db: Database, wanted: MessageFilter, before: int, limit: int) -> tuple[list[Message], int]:
    """Messages with seq < `before`, and the `before` of the next page (0: this is the last)."""
    candidates = _candidates(db, wanted)
    where = _conditions(wanted)
    inner = (
        f"SELECT seq FROM ({candidates.sql}) AS k WHERE seq < ? ORDER BY seq DESC LIMIT {_EXAMINED}"
    )
    bound = (*candidates.values, before)
    rows = db.execute(
        f"SELECT {qualified(MESSAGE_COLUMNS, 'm')} FROM ({inner}) AS c "
        f"{db.walk_join} messages AS m ON m.seq = c.seq WHERE {where.sql} {db.walk_order} LIMIT ?",
        (*bound, *where.values, limit + 1),
    ).fetchall()
    messages = [message_of(row) for row in rows[:limit]]
    if len(rows) > limit:
        return messages, messages[-1].seq
    count, lowest = db.execute(f"SELECT count(*), min(seq) FROM ({inner}) AS i", bound).fetchone()
    return messages, lowest if count == _EXAMINED else 0


@dataclass(frozen=True)
class _Candidates:
    sql: str
    values: tuple[object, ...] = ()


def _candidates(db: Database, wanted: MessageFilter) -> _Candidates:
    if wanted.batch_ids:
        return _in_batches(db, wanted.batch_ids)
    if wanted.recipients:
        marks = ",".join("?" * len(wanted.recipients))
        sql = f"SELECT seq FROM messages WHERE recipient IN ({marks})"
        return _Candidates(sql, tuple(sorted(wanted.recipients)))
    if wanted.labels:
        sql = "SELECT message_seq AS seq FROM labels WHERE key = ? AND value = ?"
        return _Candidates(sql, wanted.labels[0])
    return _Candidates("SELECT seq FROM messages")


def _in_batches(db: Database, batch_ids: frozenset[str]) -> _Candidates:
    ranges: list[int] = []
    for batch_id in batch_ids:
        ranges += (
            db.execute(
                "SELECT first_seq, last_seq FROM batches WHERE id = ?", (batch_id,)
            ).fetchone()
            or ()
        )
    between = " OR ".join(["seq BETWEEN ? AND ?"] * (len(ranges) // 2))
    return _Candidates(f"SELECT seq FROM messages WHERE {between or 'FALSE'}", tuple(ranges))


def _conditions(wanted: MessageFilter) -> _Where:
    where = _Where()
    where.add("m.account = ?", wanted.account)
    where.one_of("m.status", frozenset(int(status) for status in wanted.statuses))
    where.one_of("m.country", frozenset(wanted.countries))
    where.one_of("m.sender", frozenset(wanted.senders))
    where.one_of("m.recipient", frozenset(wanted.recipients))
    where.one_of("m.batch_id", frozenset(wanted.batch_ids))
    where.one_of("m.verification_id", frozenset(wanted.verification_ids))
    for key, value in wanted.labels:
        where.add(
            "EXISTS (SELECT 1 FROM labels AS l "
            "WHERE l.key = ? AND l.value = ? AND l.message_seq = m.seq)",
            key,
            value,
        )
    if wanted.created_from:
        where.add("m.create_time >= ?", micros(wanted.created_from))
    if wanted.created_before:
        where.add("m.create_time < ?", micros(wanted.created_before))
    return where
