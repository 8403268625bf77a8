"""Forgetting what is old, in steps small enough that no send waits for long."""

from collections.abc import Sequence

from smsgate_server.storage.sql.database import Database
from smsgate_server.storage.sql.transaction import Transaction

# Rows that one step deletes at most, from each table.
STEP = 5_000

_DELETE_REQUESTS = f"""
    DELETE FROM requests WHERE create_time < ?
    AND seq IN (SELECT seq FROM requests ORDER BY seq LIMIT {STEP})
"""
_DELETE_ORPHANS = f"""
    DELETE FROM orphans WHERE receive_time < ?
    AND seq IN (SELECT seq FROM orphans ORDER BY seq LIMIT {STEP})
"""
_DELETE_PARTS = f"""
    DELETE FROM parts WHERE message_seq IN
    (SELECT message_seq FROM parts WHERE message_seq <= ? ORDER BY message_seq LIMIT {STEP})
"""
_DELETE_EVENTS = "DELETE FROM events WHERE seq <= ?"
_DELETE_MESSAGES = "DELETE FROM messages WHERE seq <= ?"
_DELETE_ATTEMPTS = f"""
    DELETE FROM attempts WHERE key IN (SELECT key FROM attempts WHERE time < ? LIMIT {STEP})
"""
_DELETE_SENDS = f"""
    DELETE FROM code_sends WHERE time < ?
    AND message_seq IN (SELECT message_seq FROM code_sends ORDER BY message_seq LIMIT {STEP})
"""
_DELETE_VERIFICATIONS = f"""
    DELETE FROM verifications WHERE expire_time < ?
    AND id IN (SELECT id FROM verifications ORDER BY id LIMIT {STEP})
"""
_FIRST_WITH_NEWER_EVENT = (
    "SELECT min(seq) FROM messages WHERE seq > ? AND seq <= ? AND last_seq > ?"
)
_FIRST_LIVE = "SELECT min(message_seq) FROM deliveries"
_DELETE_LABELS = "DELETE FROM labels WHERE message_seq <= ?"
_DELETE_BATCHES = "DELETE FROM batches WHERE last_seq <= ?"


def delete_requests(tx: Transaction, horizons: Sequence[int]) -> Sequence[int]:
    return [tx.db.execute(_DELETE_REQUESTS, (time,)).rowcount for time in horizons]


def delete_orphans(tx: Transaction, horizons: Sequence[int]) -> Sequence[int]:
    return [tx.db.execute(_DELETE_ORPHANS, (time,)).rowcount for time in horizons]


def delete_parts(tx: Transaction, positions: Sequence[int]) -> Sequence[int]:
    """A message that is not final keeps its carrier's ids, however old it is."""
    end = first_live(tx)
    return [tx.db.execute(_DELETE_PARTS, (min(p, end - 1),)).rowcount for p in positions]


def delete_attempts(tx: Transaction, horizons: Sequence[int]) -> Sequence[int]:
    return [tx.db.execute(_DELETE_ATTEMPTS, (time,)).rowcount for time in horizons]


def delete_codes(tx: Transaction, horizons: Sequence[int]) -> Sequence[int]:
    """Verifications that ended, and what was sent for them; returns how many rows went."""
    return [
        tx.db.execute(_DELETE_SENDS, (time,)).rowcount
        + tx.db.execute(_DELETE_VERIFICATIONS, (time,)).rowcount
        for time in horizons
    ]


def move_earliest(tx: Transaction, positions: Sequence[int]) -> Sequence[int]:
    for position in positions:
        tx.db.execute("UPDATE store SET earliest = ? WHERE earliest < ?", (position, position))
    return positions


def delete_messages(tx: Transaction, positions: Sequence[int]) -> Sequence[int]:
    """Delete up to STEP positions of the log at or below the given one; returns how many went.

    A message that is not final, or has an event above the position, stops the sweep: a message is
    forgotten with all its events or not at all.
    """
    return [_delete_messages(tx, position) for position in positions]


def _delete_messages(tx: Transaction, position: int) -> int:
    (start,) = tx.db.execute("SELECT pruned FROM store").fetchone()
    end = min(position, start + STEP, first_live(tx) - 1)
    newer = oldest_in_use(tx.db, start, end, position)
    if newer is not None:
        end = newer - 1
    if end <= start:
        return 0
    for sql in (_DELETE_EVENTS, _DELETE_MESSAGES):
        tx.db.execute(sql, (end,))
    tx.db.execute(_DELETE_BATCHES, (end,))
    # Labels are keyed by their text: a walk of the whole table, so only when a message had some.
    tx.db.execute(_DELETE_LABELS, (end,))
    tx.db.execute("UPDATE store SET pruned = ?", (end,))
    return int(end - start)


def first_live(tx: Transaction) -> int:
    """The oldest message that is not final, or the next one to come."""
    (live,) = tx.db.execute(_FIRST_LIVE).fetchone()
    return int(live) if live is not None else tx.head + 1


def oldest_in_use(db: Database, start: int, end: int, position: int) -> int | None:
    """The oldest message after `start` up to `end` that has an event above the position."""
    (newer,) = db.execute(_FIRST_WITH_NEWER_EVENT, (start, end, position)).fetchone()
    return None if newer is None else int(newer)
