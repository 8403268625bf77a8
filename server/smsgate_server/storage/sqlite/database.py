"""A connection to a SQLite file, as the operations want it."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.database import Row

# SQLite allows 32,766 parameters; a message has 35. A long list is cut into pieces of 512, 256, …
# rows, so that few texts stay prepared.
_LARGEST_PIECE = 512
# Every length up to this has a statement of its own: it covers nearly every commit under load.
_SHORT = 64


class SqliteDatabase(sqlite3.Connection):
    # Without CROSS the planner would walk the messages and look each up among the candidates.
    walk_join = "CROSS JOIN"
    walk_order = ""

    def run_rows(self, statement: BulkStatement, rows: Sequence[Row]) -> None:
        for piece in _pieces(rows):
            values = [value for row in piece for value in row]
            self.execute(_text(statement, len(piece)), values)

    def fetch_rows(self, statement: BulkStatement, rows: Sequence[Row]) -> list[Row]:
        found: list[Row] = []
        for piece in _pieces(rows):
            values = [value for row in piece for value in row]
            found += self.execute(_text(statement, len(piece)), values).fetchall()
        return found

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.execute("COMMIT")


_texts: dict[tuple[BulkStatement, int], str] = {}


def _text(statement: BulkStatement, count: int) -> str:
    text = _texts.get((statement, count))
    if text is None:
        row = "(" + ",".join("?" * len(statement.types)) + ")"
        rows = "VALUES " + ",".join([row] * count)
        text = _texts[statement, count] = statement.sql.format(rows=rows)
    return text


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start, size = 0, _LARGEST_PIECE
    while start < len(rows):
        left = len(rows) - start
        while size > left:
            size //= 2
        if left <= _SHORT:
            size = left
        yield rows[start : start + size]
        start += size


def connect(path: Path) -> SqliteDatabase:
    """A connection that acknowledges only what is on the disk."""
    db = sqlite3.connect(
        path,
        isolation_level=None,
        cached_statements=512,
        check_same_thread=False,
        factory=SqliteDatabase,
    )
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA busy_timeout = 10000")
    db.execute("PRAGMA cache_size = -65536")
    return db
