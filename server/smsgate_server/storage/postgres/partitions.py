"""Messages, their labels and events are kept in parts, each a range of positions of the log: what
is old enough goes by dropping a table, and an index is never larger than one part.
"""

from typing import NamedTuple

from smsgate_server.storage.postgres.database import PostgresDatabase
from smsgate_server.storage.sql.database import Database

# Positions in one part.
SIZE = 2**21
# The most that one commit adds to the log: 1,024 requests of 1,000 messages.
_AHEAD = 2**20

_TABLES = ("messages", "events", "labels")
_PARTS = """
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), i.inhdetachpending
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(?)
    -- While one is half out, no other may go.
    ORDER BY i.inhdetachpending DESC, length(c.relname), c.relname
"""
# What was a part, and was not dropped when it was taken out.
_LEFT_BEHIND = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND NOT relispartition
    AND pg_table_is_visible(oid) AND relname ~ ?
"""


class _Part(NamedTuple):
    name: str
    end: int
    # Its taking out was begun and has not ended.
    half_out: bool


def extend(db: Database, head: int, partitioned: int, size: int = SIZE) -> int:
    """Make parts ahead of `head`, in the transaction that holds the store; returns up to where
    there are some.
    """
    while partitioned < head + min(_AHEAD, size) + 1:
        first, end = partitioned, partitioned + size
        for table in _TABLES:
            part = f"{table}_{first}"
            # Attached, not created as a part: that would have to wait until nobody reads.
            db.execute(f"CREATE TABLE {part} (LIKE {table} INCLUDING ALL)")
            db.execute(
                f"ALTER TABLE {table} ATTACH PARTITION {part} FOR VALUES FROM ({first}) TO ({end})"
            )
        partitioned = end
        db.execute("UPDATE store SET partitioned = ?", (end,))
    return partitioned


def whole_below(db: Database, position: int) -> int:
    """The end of the last part that is at or below the position as a whole; 0 if none is."""
    ends = [part.end for part in _parts(db, "messages") if part.end - 1 <= position]
    return max(ends, default=0)


def drop_left(db: PostgresDatabase) -> int:
    """Drop the parts of which everything is forgotten; returns how many. Whatever an earlier call
    left half done is done now.
    """
    (pruned,) = db.execute("SELECT pruned FROM store").fetchone()
    dropped = 0
    for table in _TABLES:
        for part in _parts(db, table):
            if part.end - 1 <= pruned:
                # Waits for those who read it, and not longer than for any lock.
                how = "FINALIZE" if part.half_out else "CONCURRENTLY"
                db.execute(f"ALTER TABLE {table} DETACH PARTITION {part.name} {how}")
        for (name,) in db.execute(_LEFT_BEHIND, (f"^{table}_[0-9]+$",)).fetchall():
            if int(name.rpartition("_")[2]) < pruned:
                db.execute(f"DROP TABLE {name}")
                dropped += 1
    return dropped


def _parts(db: Database, table: str) -> list[_Part]:
    rows = db.execute(_PARTS, (table,)).fetchall()
    return [
        _Part(name, int(bound.split("TO ('")[1].split("'")[0]), half_out)
        for name, bound, half_out in rows
    ]
