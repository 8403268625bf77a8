"""Queries. Each function takes a connection and reads one consistent state of the database."""

from collections.abc import Sequence
from datetime import timedelta

from smsgate_server.domain.delivery import CLOCKS_APART, opening_event
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.services.ports import LogPage
from smsgate_server.storage.sql.database import Database
from smsgate_server.storage.sql.rows import (
    EVENT_COLUMNS,
    EVENT_WIDTH,
    MESSAGE_COLUMNS,
    event_of,
    message_of,
    qualified,
)

_GET = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ?"
_GET_ALL = f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE id = ANY(?)"
_EVENT = f"SELECT {EVENT_COLUMNS} FROM events WHERE seq = ?"
_LOG_EVENTS = f"""
    SELECT {qualified(EVENT_COLUMNS, "e")}, {qualified(MESSAGE_COLUMNS, "m")}
    FROM events AS e JOIN messages AS m ON m.seq = e.message_seq
    WHERE e.seq > ? AND e.seq <= ? ORDER BY e.seq
"""
_LOG_MESSAGES = (
    f"SELECT {MESSAGE_COLUMNS} FROM messages WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
)

_TIME_AT = """
    SELECT t FROM (
        SELECT * FROM
            (SELECT seq, create_time AS t FROM messages WHERE seq >= :seq ORDER BY seq LIMIT 1) AS m
        UNION ALL
        SELECT * FROM
            (SELECT seq, event_time AS t FROM events WHERE seq >= :seq ORDER BY seq LIMIT 1) AS e
    ) AS found
    ORDER BY seq LIMIT 1
"""

# Neighbours in the log are stamped before they are committed, and by servers whose clocks are
# apart, so their times can be this much out of order.
_TIME_SLACK_MICROS = CLOCKS_APART // timedelta(microseconds=1)


def get(db: Database, message_id: str) -> Message | None:
    row = db.execute(_GET, (message_id,)).fetchone()
    return message_of(row) if row else None


def get_all(db: Database, message_ids: Sequence[str]) -> dict[str, Message]:
    """Those that exist, by their ids; on PostgreSQL, which has arrays."""
    found = map(message_of, db.execute(_GET_ALL, (list(message_ids),)).fetchall())
    return {message.id: message for message in found}


def history_of(db: Database, message: Message) -> list[StatusEvent]:
    """All events of a message, oldest first, along the chain from its newest."""
    events = []
    seq = message.last_seq
    while seq > message.seq:
        row = db.execute(_EVENT, (seq,)).fetchone()
        if row is None:  # the newest is of the transaction that is being made
            break
        events.append(event_of(row, message))
        seq = row[2]
    events.append(opening_event(message, message.seq))
    return events[::-1]


def read_log(db: Database, after: int, head: int, limit: int) -> LogPage:
    """Positions after `after` up to `head`: about `limit` of them, but never half a batch."""
    end = min(after + limit, head)
    new = [message_of(row) for row in db.execute(_LOG_MESSAGES, (after, end, limit)).fetchall()]
    # Messages and events share one gapless sequence, so a range of numbers is the whole log there.
    events = {message.seq: opening_event(message, message.seq) for message in new}
    for row in db.execute(_LOG_EVENTS, (after, end)).fetchall():
        events[row[0]] = event_of(row, message_of(row[EVENT_WIDTH:]))
    page = [events[seq] for seq in sorted(events)]
    if page and page[-1].seq == end < head and page[-1].message.batch_id:
        rest = _rest_of_batch(db, page[-1], head, limit)
        page += rest
        end += len(rest)
    return LogPage(page, end)


def _rest_of_batch(db: Database, last: StatusEvent, head: int, limit: int) -> list[StatusEvent]:
    if last.from_status is not None:
        return []
    rest: list[StatusEvent] = []
    bound = max(limit, 1000)
    for row in db.execute(_LOG_MESSAGES, (last.seq, head, bound)).fetchall():
        message = message_of(row)
        if message.seq != last.seq + 1 + len(rest) or message.batch_id != last.message.batch_id:
            break
        rest.append(opening_event(message, message.seq))
    return rest


def position_at(db: Database, time: int, head: int) -> int:
    """A position before every event at `time` or later; the log is nearly in time order."""
    low, high = 0, head
    while low < high:
        middle = (low + high) // 2
        row = db.execute(_TIME_AT, {"seq": middle + 1}).fetchone()
        if row is not None and row[0] < time - _TIME_SLACK_MICROS:
            low = middle + 1
        else:
            high = middle
    return low
