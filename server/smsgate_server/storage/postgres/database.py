"""A connection to PostgreSQL, as the operations want it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg

from smsgate_server.storage.sql.bulk import BYTES, NUMBER, TEXT, BulkStatement
from smsgate_server.storage.sql.database import Result, Row, Values

_TYPES = {NUMBER: "bigint", TEXT: "text", BYTES: "bytea"}
_PLACEHOLDER = re.compile(r"\?|(?<!:):(\w+)")

# A server that is frozen or cut off lets go of what it locked after this.
_IDLE = "5s"
# How long a commit may wait for the commits of other servers.
_LOCK = "10s"
# A connection that nobody answers on is given up after this.
_UNANSWERED_MILLISECONDS = 8_000
_CONNECT_SECONDS = 5

# Statements that were run this often stay prepared.
_PREPARE_AFTER = 1

# PostgreSQL has no NUL, so no stored text has one. What a caller asks for can: in its place comes a
# noncharacter, which matches nothing. What is to be written stays as it is, and is refused.
_NUL, _NOTHING = "\0", "\uffff"

Connection = psycopg.Connection[Row]


def connect(url: str) -> "PostgresDatabase":
    """A connection of which each statement is a transaction, unless it says BEGIN."""
    return PostgresDatabase(psycopg.connect(url, **options()))


def options() -> dict[str, Any]:
    return {
        "autocommit": True,
        "prepare_threshold": _PREPARE_AFTER,
        "application_name": "smsgate",
        "connect_timeout": _CONNECT_SECONDS,
        "tcp_user_timeout": _UNANSWERED_MILLISECONDS,
        "options": f"-c idle_in_transaction_session_timeout={_IDLE} -c lock_timeout={_LOCK} "
        "-c jit=off -c client_min_messages=warning",
    }


class PostgresDatabase:
    walk_join = "JOIN"
    walk_order = "ORDER BY m.seq DESC"

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def execute(self, sql: str, values: Values = (), /) -> Result:
        if _asks(sql):
            values = _askable(values)
        return _Result(self.connection, self.connection.execute(_translated(sql), values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        self.connection.cursor().executemany(_translated(sql), rows)

    def run_rows(self, statement: BulkStatement, rows: Sequence[Row]) -> None:
        self.connection.execute(_of_columns(statement), _columns(statement, rows))

    def fetch_rows(self, statement: BulkStatement, rows: Sequence[Row]) -> list[Row]:
        if _asks(statement.sql):
            rows = [tuple(map(_without_nul, row)) for row in rows]
        found = self.connection.execute(_of_columns(statement), _columns(statement, rows))
        return found.fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            yield
        finally:
            self.execute("COMMIT")

    def close(self) -> None:
        self.connection.close()


class _Result:
    """What a statement gave. In a pipeline it is waited for when it is looked at."""

    __slots__ = ("_connection", "_cursor", "fetchall", "fetchone")

    def __init__(self, connection: Connection, cursor: psycopg.Cursor[Row]) -> None:
        self._connection = connection
        self._cursor = cursor
        self.fetchone = cursor.fetchone
        self.fetchall = cursor.fetchall

    @property
    def rowcount(self) -> int:
        if self._cursor.rowcount < 0:
            with self._connection.pipeline() as pipeline:
                pipeline.sync()
        return self._cursor.rowcount

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor.fetchall())


@cache
def _asks(sql: str) -> bool:
    return sql.split(maxsplit=1)[0] in ("SELECT", "WITH")


def _askable(values: Values) -> Values:
    if isinstance(values, Mapping):
        return {name: _without_nul(value) for name, value in values.items()}
    return [_without_nul(value) for value in values]


def _without_nul(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_nul(each) for each in value]
    return value.replace(_NUL, _NOTHING) if isinstance(value, str) and _NUL in value else value


@cache
def _translated(sql: str) -> str:
    return _PLACEHOLDER.sub(lambda found: f"%({found[1]})s" if found[1] else "%s", sql)


@cache
def _of_columns(statement: BulkStatement) -> str:
    """The rows are given as one array for each column: one text, however many rows."""
    arrays = ", ".join(f"%s::{_TYPES[letter]}[]" for letter in statement.types)
    names = ", ".join(f"column{n}" for n in range(1, len(statement.types) + 1))
    return statement.sql.format(rows=f"SELECT * FROM unnest({arrays}) AS r ({names})")


def _columns(statement: BulkStatement, rows: Sequence[Row]) -> list[Any]:
    columns = zip(*rows, strict=True)
    return [_array(letter, column) for letter, column in zip(statement.types, columns, strict=True)]


def _array(letter: str, column: Sequence[Any]) -> Any:
    """An array literal: made here it costs a tenth of what the driver's own adaptation does."""
    if letter == NUMBER:
        return "{" + ",".join(["NULL" if v is None else str(int(v)) for v in column]) + "}"
    if letter == TEXT:
        return "{" + ",".join([_quoted(value) for value in column]) + "}"
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in column]) + "}"


def _quoted(value: str | None) -> str:
    if value is None:
        return "NULL"
    if "\\" in value or '"' in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value}"'
