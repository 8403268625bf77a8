"""Forgetting whole parts of messages and events: their tables are dropped, no row is touched."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from smsgate_server.storage.postgres import partitions
from smsgate_server.storage.postgres.database import PostgresDatabase
from smsgate_server.storage.sql.retention import STEP, first_live, oldest_in_use
from smsgate_server.storage.sql.transaction import Transaction

# Where messages come so slowly that a part lasts longer than this, rows are deleted after all: few.
LONGEST_PART = timedelta(days=1)

_DELETE_BATCHES = f"""
    DELETE FROM batches WHERE id IN
    (SELECT id FROM batches WHERE last_seq <= ? ORDER BY last_seq LIMIT {STEP})
"""
_FIRST_WITH_EVENT_SINCE = "SELECT min(message_seq) FROM events WHERE seq > ? AND message_seq <= ?"


class Leave(NamedTuple):
    """Up to where whole parts may go, as it was when the log ended at `head`."""

    end: int
    head: int


def parts_to_leave(db: PostgresDatabase, position: int) -> Leave:
    """The parts that are below the position as a whole, with no event above it. A walk through one
    part and more: so it holds up nobody.
    """
    start, head = db.execute("SELECT pruned, head FROM store").fetchone()
    end = partitions.whole_below(db, position) - 1
    if end <= start:
        return Leave(0, head)
    newer = oldest_in_use(db, start, end, position)
    return Leave(end if newer is None else partitions.whole_below(db, newer - 1) - 1, head)


def leave_parts(tx: Transaction, wanted: Sequence[Leave]) -> Sequence[int]:
    """Forget these parts, but for what has become of them since; returns how many positions went.

    The tables are dropped after the commit; should the server end before that, with the next round.
    """
    return [_leave_parts(tx, each) for each in wanted]


def _leave_parts(tx: Transaction, wanted: Leave) -> int:
    (start,) = tx.db.execute("SELECT pruned FROM store").fetchone()
    end = wanted.end
    (newer,) = tx.db.execute(_FIRST_WITH_EVENT_SINCE, (wanted.head, end)).fetchone()
    kept = first_live(tx) if newer is None else min(first_live(tx), newer)
    if kept <= end:
        end = partitions.whole_below(tx.db, kept - 1) - 1
    if end <= start:
        return 0
    tx.db.execute("UPDATE store SET pruned = ?", (end,))
    return int(end - start)


def delete_batches(db: PostgresDatabase) -> int:
    """Delete the batches of which everything is forgotten, some at a time; returns how many."""
    (pruned,) = db.execute("SELECT pruned FROM store").fetchone()
    total = 0
    while deleted := db.execute(_DELETE_BATCHES, (pruned,)).rowcount:
        total += deleted
    return total
