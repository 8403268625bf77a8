"""Multi-row statements.

A writer shares the interpreter with a busy event loop. Every call into the database hands the
interpreter lock over and has to win it back, so a thousand small statements take far longer than
one big one.
"""

from collections.abc import Sequence

from smsgate_server.storage.sql.database import Database, Row

# The types of columns, a letter each.
NUMBER, TEXT, BYTES = "n", "t", "b"


class BulkStatement:
    """A statement with one `{rows}` where the rows go, whose columns are named column1, column2 …

    `types` has a letter for each column.
    """

    __slots__ = ("sql", "types")

    def __init__(self, sql: str, types: str) -> None:
        self.sql = sql
        self.types = types

    def run(self, db: Database, rows: Sequence[Row]) -> None:
        if rows:
            db.run_rows(self, rows)

    def fetch(self, db: Database, rows: Sequence[Row]) -> list[Row]:
        return db.fetch_rows(self, rows) if rows else []
