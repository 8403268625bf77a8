"""Forgetting whole parts of messages and events: their tables are dropped, no row is touched."""

from collections.abc import Sequence

from smsgate_server.storage.postgres import partitions
from smsgate_server.storage.sql.retention import first_live, oldest_in_use
from smsgate_server.storage.sql.transaction import Transaction


def leave_parts(tx: Transaction, positions: Sequence[int]) -> Sequence[int]:
    """Forget every part that is below the position as a whole; returns how many positions went.

    Its tables are dropped after the commit; should the server end before that, by the next sweep.
    """
    return [_leave_parts(tx, position) for position in positions]


def _leave_parts(tx: Transaction, position: int) -> int:
    (start,) = tx.db.execute("SELECT pruned FROM store").fetchone()
    bound = min(position, first_live(tx) - 1)
    newer = oldest_in_use(tx, start, bound, position)
    if newer is not None:
        bound = newer - 1
    end = partitions.whole_below(tx.db, bound) - 1
    if end <= start:
        return 0
    tx.db.execute("DELETE FROM batches WHERE last_seq <= ?", (end,))
    tx.db.execute("DELETE FROM labels WHERE message_seq <= ?", (end,))
    tx.db.execute("UPDATE store SET pruned = ?", (end,))
    return int(end - start)
