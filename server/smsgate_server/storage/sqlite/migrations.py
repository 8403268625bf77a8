"""Numbered migrations: each .sql file is applied once, in order, in a transaction of its own."""

from importlib.resources import files
from pathlib import Path

import aiosqlite

from smsgate_server.storage.errors import StoreSetupError

# WAL lets readers go on beside the writer; UPSERT, RETURNING and UPDATE FROM need 3.35.
MINIMUM_SQLITE = (3, 35, 0)


def migrations() -> list[tuple[int, str]]:
    """(version, SQL) of every migration, oldest first."""
    folder = files(__package__) / "migrations"
    found = [f for f in folder.iterdir() if f.name.endswith(".sql")]
    return sorted((int(f.name[:4]), f.read_text(encoding="utf-8")) for f in found)


async def migrate(path: Path) -> None:
    """Bring the database to the newest version; refuse one that is newer than this server knows."""
    if aiosqlite.sqlite_version_info < MINIMUM_SQLITE:
        raise StoreSetupError(
            f"SQLite {aiosqlite.sqlite_version} is too old; 3.35 or later is needed"
        )
    known = migrations()
    async with aiosqlite.connect(path, isolation_level=None) as db:
        await db.execute("PRAGMA journal_mode = WAL")
        (version,) = await _one(db, "PRAGMA user_version")
        if version > known[-1][0]:
            raise StoreSetupError(
                f"the database {path} has version {version}, made by a newer smsgate-server; "
                f"this one knows versions up to {known[-1][0]}: upgrade it, or use another database"
            )
        for number, sql in known:
            if number > version:
                await db.executescript(f"BEGIN;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")


async def check_version(path: Path) -> None:
    """Refuse a database that this server would have to change before using it."""
    async with aiosqlite.connect(path, isolation_level=None) as db:
        (version,) = await _one(db, "PRAGMA user_version")
    if version != migrations()[-1][0]:
        raise StoreSetupError(
            f"the database {path} has version {version} and is used by a server of another "
            "version; use the commands of that version"
        )


async def _one(db: aiosqlite.Connection, sql: str) -> tuple[int]:
    async with db.execute(sql) as cursor:
        row = await cursor.fetchone()
    assert row is not None
    return (int(row[0]),)
