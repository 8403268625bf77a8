"""Multi-row statements.

The writer shares the interpreter with a busy event loop. Every call into SQLite hands the
interpreter lock over and has to win it back, so a thousand small statements take far longer than
one big one. A short list is one statement; a long one is cut into pieces of 512, 256, … rows, so
that few texts stay prepared.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

Row = tuple[Any, ...]

# SQLite allows 32,766 parameters; a message has 34.
_LARGEST_PIECE = 512
# Every length up to this has a statement of its own: it covers nearly every commit under load.
_SHORT = 64


class BulkStatement:
    """A statement with one `{rows}` where the VALUES list goes."""

    def __init__(self, sql: str, columns: int) -> None:
        self._sql = sql
        self._row = "(" + ",".join("?" * columns) + ")"
        self._texts: dict[int, str] = {}

    def run(self, db: sqlite3.Connection, rows: Sequence[Row]) -> None:
        for piece in _pieces(rows):
            db.execute(self._text(len(piece)), [value for row in piece for value in row])

    def fetch(self, db: sqlite3.Connection, rows: Sequence[Row]) -> list[Row]:
        found: list[Row] = []
        for piece in _pieces(rows):
            values = [value for row in piece for value in row]
            found += db.execute(self._text(len(piece)), values).fetchall()
        return found

    def _text(self, count: int) -> str:
        text = self._texts.get(count)
        if text is None:
            text = self._texts[count] = self._sql.format(rows=",".join([self._row] * count))
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
