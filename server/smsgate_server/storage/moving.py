"""Moving a whole store from a SQLite file to PostgreSQL.

    file ──5,000 rows, in the order of their key──▶ COPY, and how far it got ── one transaction

So it can be stopped at any instant and goes on where it was. While it is not finished no server
opens the database. In the end both sides are read and compared, table by table.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from smsgate_server.storage.errors import StoreSetupError
from smsgate_server.storage.postgres import partitions
from smsgate_server.storage.postgres.database import PostgresDatabase, connect
from smsgate_server.storage.postgres.migrations import COPY_TABLE, migrate
from smsgate_server.storage.sqlite.lock import FileLock
from smsgate_server.storage.sqlite.migrations import migrations

# Tables and the key of each. What carriers reported last is not worth taking along.
TABLES: dict[str, tuple[str, ...]] = {
    "accounts": ("id",),
    "account_requests": ("key",),
    "api_keys": ("id",),
    "tariffs": ("version",),
    "standings": ("account",),
    "ledger": ("account", "id"),
    "top_ups": ("key",),
    "usage": ("account", "day", "country", "status", "currency"),
    "messages": ("seq",),
    "events": ("seq",),
    "deliveries": ("message_seq",),
    "parts": ("message_seq", "segment", "carrier", "carrier_id"),
    "orphans": ("seq",),
    "requests": ("seq",),
    "batches": ("id",),
    "labels": ("key", "value", "message_seq"),
    "verifications": ("id",),
    "code_sends": ("message_seq",),
    "attempts": ("key",),
    "webhooks": ("seq",),
    "webhook_events": ("webhook", "seq"),
}
# Tables that number their rows themselves.
_NUMBERED = ("orphans", "requests", "webhooks")

_ROWS = 5_000
_STATE = "SELECT identity, earliest, pruned, revision, had_keys FROM store"

# Table, rows done, rows in all.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Table:
    """What both sides have of a table: how many rows, and a sum over all that they hold."""

    name: str
    rows: int
    digest: int


class Move:
    """`run` copies what is left to copy; `compare` reads both sides."""

    def __init__(self, source: Path, target: str) -> None:
        self._path = source
        self._target = target

    def run(self, progress: Progress) -> None:
        with self._opened() as (source, target):
            migrate(target)
            self._begin(source, target)
            for table, key in TABLES.items():
                self._copy(source, target, table, key, progress)
            _finish(source, target)

    def compare(self, progress: Progress) -> list[tuple[Table, Table]]:
        """Every table as the source has it, and as the target does."""
        with self._opened() as (source, target):
            return [
                (
                    _sum(table, _all(source, table, key), progress),
                    _sum(table, _copied(target, _columns(source, table), table), progress),
                )
                for table, key in TABLES.items()
            ]

    @contextmanager
    def _opened(self) -> Iterator[tuple[sqlite3.Connection, PostgresDatabase]]:
        if not self._path.exists():
            raise StoreSetupError(f"there is no database {self._path}")
        lock = FileLock(self._path.with_name(self._path.name + ".lock"))
        # No server may go on writing to what is being moved.
        lock.take()
        try:
            with closing(sqlite3.connect(self._path)) as source:
                _check_version(source, self._path)
                with closing(connect(self._target)) as target:
                    yield source, target
        except psycopg.OperationalError as error:
            raise StoreSetupError(f"the database went away: {str(error).strip()}") from error
        finally:
            lock.release()

    def _begin(self, source: sqlite3.Connection, target: PostgresDatabase) -> None:
        """Note what is copied, or see that it is still the same."""
        present = _mark(source)
        (known,) = target.execute(f"SELECT to_regclass('{COPY_TABLE}')").fetchone()
        if known is None:
            _check_empty(target)
            with target.connection.transaction():
                target.execute(
                    f"CREATE TABLE {COPY_TABLE} (name TEXT PRIMARY KEY, reached TEXT NOT NULL)"
                )
                target.execute(f"INSERT INTO {COPY_TABLE} VALUES ('', ?)", (present,))
                self._make_room(source, target)
            return
        (begun,) = target.execute(f"SELECT reached FROM {COPY_TABLE} WHERE name = ''").fetchone()
        if begun != present:
            raise StoreSetupError(
                "the file is not what the copy was begun from: a server has used it since, or it "
                "is another one; empty the PostgreSQL database and copy anew"
            )

    @staticmethod
    def _make_room(source: sqlite3.Connection, target: PostgresDatabase) -> None:
        pruned = int(source.execute("SELECT pruned FROM store").fetchone()[0])
        first = pruned - pruned % partitions.SIZE
        target.execute("UPDATE store SET partitioned = ?", (first,))
        partitions.extend(target, _head(source), first)

    @staticmethod
    def _copy(
        source: sqlite3.Connection,
        target: PostgresDatabase,
        table: str,
        key: Sequence[str],
        progress: Progress,
    ) -> None:
        columns = _columns(source, table)
        total = int(source.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
        row = target.execute(
            f"SELECT reached FROM {COPY_TABLE} WHERE name = ?", (table,)
        ).fetchone()
        done, after = _read_mark(row[0]) if row else (0, None)
        progress(table, done, total)
        while rows := _page(source, table, columns, key, after):
            done += len(rows)
            after = [rows[-1][columns.index(column)] for column in key]
            with target.connection.transaction():
                _write(target, table, columns, rows)
                target.execute(
                    f"INSERT INTO {COPY_TABLE} VALUES (?, ?) "
                    "ON CONFLICT (name) DO UPDATE SET reached = excluded.reached",
                    (table, _write_mark(done, after)),
                )
            progress(table, done, total)


def _check_version(source: sqlite3.Connection, path: Path) -> None:
    (version,) = source.execute("PRAGMA user_version").fetchone()
    if version != migrations()[-1][0]:
        raise StoreSetupError(
            f"the database {path} has version {version}; start this version of smsgate-server on "
            "it once, which brings it up to date, and stop it again"
        )


def _check_empty(target: PostgresDatabase) -> None:
    (head, revision) = target.execute("SELECT head, revision FROM store").fetchone()
    if head or revision:
        raise StoreSetupError(
            "the PostgreSQL database has messages or accounts already; copy into an empty one"
        )


def _finish(source: sqlite3.Connection, target: PostgresDatabase) -> None:
    """What stands beside the tables; from here on it is a store like any other."""
    _, earliest, pruned, revision, had_keys = source.execute(_STATE).fetchone()
    with target.connection.transaction():
        target.execute(
            "UPDATE store SET earliest = ?, pruned = ?, revision = ?, had_keys = ?, head = ?, "
            "waiting = (SELECT count(*) FROM deliveries JOIN messages ON seq = message_seq "
            "WHERE stage = 1 AND schedule_time IS NULL)",
            (earliest, pruned, revision, had_keys, _head(source)),
        )
        for table in _NUMBERED:
            target.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'seq'), "
                f"(SELECT coalesce(max(seq), 0) + 1 FROM {table}), false)"
            )
        target.execute(f"DROP TABLE {COPY_TABLE}")
    target.execute("ANALYZE")


def _head(source: sqlite3.Connection) -> int:
    row = source.execute(
        "SELECT pruned, (SELECT max(seq) FROM messages), (SELECT max(seq) FROM events) FROM store"
    ).fetchone()
    return max(value or 0 for value in row)


def _mark(source: sqlite3.Connection) -> str:
    """Changes whenever a server has used the file."""
    identity, *state = source.execute(_STATE).fetchone()
    return json.dumps([identity.hex(), *state, _head(source)])


def _columns(source: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in source.execute(f"PRAGMA table_info({table})")]


def _page(
    source: sqlite3.Connection,
    table: str,
    columns: Sequence[str],
    key: Sequence[str],
    after: Sequence[Any] | None,
) -> list[tuple[Any, ...]]:
    names, order = ", ".join(columns), ", ".join(key)
    where = f"WHERE ({order}) > ({', '.join('?' * len(key))})" if after else ""
    return source.execute(
        f"SELECT {names} FROM {table} {where} ORDER BY {order} LIMIT {_ROWS}", after or ()
    ).fetchall()


def _write(
    target: PostgresDatabase, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with target.connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _all(
    source: sqlite3.Connection, table: str, key: Sequence[str]
) -> Iterator[Sequence[tuple[Any, ...]]]:
    columns = _columns(source, table)
    after: list[Any] | None = None
    while rows := _page(source, table, columns, key, after):
        after = [rows[-1][columns.index(column)] for column in key]
        yield rows


def _copied(
    target: PostgresDatabase, columns: Sequence[str], table: str
) -> Iterator[Sequence[tuple[Any, ...]]]:
    with target.connection.transaction(), target.connection.cursor(name="compared") as cursor:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        cursor.execute(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table)))
        while rows := cursor.fetchmany(_ROWS):
            yield rows


def _sum(name: str, pages: Iterator[Sequence[tuple[Any, ...]]], progress: Progress) -> Table:
    """The sum does not depend on the order of the rows."""
    count = digest = 0
    for rows in pages:
        count += len(rows)
        for row in rows:
            digest += int.from_bytes(blake2b(repr(row).encode(), digest_size=16).digest())
        progress(name, count, count)
    return Table(name, count, digest % 2**128)


def _write_mark(done: int, after: Sequence[Any]) -> str:
    return json.dumps([done, [{"hex": v.hex()} if isinstance(v, bytes) else v for v in after]])


def _read_mark(text: str) -> tuple[int, list[Any]]:
    done, after = json.loads(text)
    return done, [bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for v in after]
