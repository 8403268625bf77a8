"""Numbered migrations: each .sql file is applied once, in order, in a transaction of its own."""

import os
from importlib.resources import files

from smsgate_server.storage.errors import StoreSetupError
from smsgate_server.storage.postgres.database import PostgresDatabase

# Servers that start together wait for each other: "smsgate" in ASCII.
_LOCK = 0x736D7367617465

_MINIMUM = 140_000

# There is such a table while a store is being copied into the database.
COPY_TABLE = "copy_progress"


def migrations() -> list[tuple[int, str]]:
    """(version, SQL) of every migration, oldest first."""
    folder = files(__package__) / "migrations"
    found = [f for f in folder.iterdir() if f.name.endswith(".sql")]
    return sorted((int(f.name[:4]), f.read_text(encoding="utf-8")) for f in found)


def migrate(db: PostgresDatabase) -> None:
    """Bring the database to the newest version; refuse one that is newer than this server knows."""
    _check_server(db)
    known = migrations()
    db.execute("SELECT pg_advisory_lock(?)", (_LOCK,))
    try:
        version = _version(db)
        if version > known[-1][0]:
            raise StoreSetupError(
                f"the database has version {version}, made by a newer smsgate-server; this one "
                f"knows versions up to {known[-1][0]}: upgrade it, or use another database"
            )
        for number, sql in known:
            if number > version:
                _apply(db, number, sql)
    finally:
        db.execute("SELECT pg_advisory_unlock(?)", (_LOCK,))


def check_whole(db: PostgresDatabase) -> None:
    """Refuse a database that is not a whole store yet."""
    (copying,) = db.execute(f"SELECT to_regclass('{COPY_TABLE}')").fetchone()
    if copying is not None:
        raise StoreSetupError(
            "a store is being copied into this database; finish it with `smsgate-server store copy`"
        )


def _check_server(db: PostgresDatabase) -> None:
    info = db.connection.info
    if info.server_version < _MINIMUM:
        raise StoreSetupError(
            f"PostgreSQL {info.server_version // 10_000} is too old; 14 or later is needed"
        )
    (encoding,) = db.execute("SHOW server_encoding").fetchone()
    if encoding != "UTF8":
        raise StoreSetupError(
            f"the database is encoded in {encoding}, which has not every character of a text; "
            "make one with ENCODING 'UTF8'"
        )


def _version(db: PostgresDatabase) -> int:
    db.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
    row = db.execute("SELECT version FROM schema_version").fetchone()
    return int(row[0]) if row else 0


def _apply(db: PostgresDatabase, number: int, sql: str) -> None:
    with db.connection.transaction():
        # As bytes it is sent as it is: several statements at once.
        db.connection.execute(sql.encode())
        db.execute("DELETE FROM schema_version")
        db.execute("INSERT INTO schema_version (version) VALUES (?)", (number,))
        if number == 1:
            db.execute("INSERT INTO store (identity) VALUES (?)", (os.urandom(8),))
