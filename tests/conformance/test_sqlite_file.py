"""The SQLite file: who may read it, and what happens when it has no room to grow."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.builders import ACCOUNT, an_acceptance

from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.storage.sqlite.store import SqliteStore
from smsgate_server.storage.sqlite.writer import Transaction


def _limit_pages(tx: Transaction, limits: Sequence[int]) -> Sequence[int]:
    """SQLite's own stand-in for a full disk: the file may not grow."""
    return [int(tx.db.execute(f"PRAGMA max_page_count = {n}").fetchone()[0]) for n in limits]


async def _fill(store: SqliteStore) -> None:
    for _ in range(50):
        await store.accept(an_acceptance(100))


def _rights(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


async def test_a_new_database_can_be_read_by_its_user_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "private.db")
    await store.open()
    await store.accept(an_acceptance())
    rights = _rights(tmp_path)
    await store.close()
    assert {"private.db", "private.db-wal"} <= set(rights)
    assert set(rights.values()) == {0o600}


async def test_without_room_a_send_is_refused_whole_and_works_again_with_room(
    tmp_path: Path,
) -> None:
    path = tmp_path / "full.db"
    store = SqliteStore(path)
    await store.open()
    try:
        before = (await store.accept(an_acceptance(5))).position
        await store._writer.run(_limit_pages, 1)
        with pytest.raises(Unavailable) as refusal:
            await _fill(store)
        assert refusal.value.reason is ErrorReason.STORE_UNAVAILABLE
        head = store.bounds.head
        assert (head - before) % 100 == 0
        assert len((await store.read_log(0, 10_000)).events) == head
        await store._writer.run(_limit_pages, 1_000_000)
        after = await store.accept(an_acceptance(3))
        assert after.position == head + 3
        first = after.entries[0].message
        assert first is not None
        assert await store.get(ACCOUNT, first.id) is not None
    finally:
        await store.close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
