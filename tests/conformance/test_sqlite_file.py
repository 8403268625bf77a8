"""The SQLite file: who may read it, and what happens when it has no room to grow."""

import asyncio
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.builders import ACCOUNT, T0, a_receipt, a_result, accepted, an_acceptance, minutes

from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.domain.message import Status
from smsgate_server.storage.sqlite import writer
from smsgate_server.storage.sqlite.store import SqliteStore
from smsgate_server.storage.sqlite.writer import Transaction, wal_of


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


def _wait_for_locks(tx: Transaction, milliseconds: Sequence[int]) -> Sequence[None]:
    for each in milliseconds:
        tx.db.execute(f"PRAGMA busy_timeout = {each}")
    return [None] * len(milliseconds)


async def test_all_that_wait_for_a_locked_database_are_refused_together(tmp_path: Path) -> None:
    path = tmp_path / "locked.db"
    store = SqliteStore(path)
    await store.open()
    loop = asyncio.get_running_loop()
    try:
        await store._writer.run(_wait_for_locks, 200)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = loop.time()
            waiting = [asyncio.create_task(store.accept(an_acceptance())) for _ in range(50)]
            answers = await asyncio.gather(*waiting, return_exceptions=True)
            # One may have come before the others, and waited alone.
            assert loop.time() - began < 5
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert (await store.accept(an_acceptance())).position == 1
    finally:
        await store.close()


@contextmanager
def _no_file_longer_than(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_log_that_cannot_be_folded_back_stays_and_writing_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "full.db"
    monkeypatch.setattr(writer, "_WAL_LIMIT_BYTES", 0)
    store = SqliteStore(path)
    await store.open()
    try:
        async with asyncio.timeout(20):
            await _fill(store)
            # Folds back all there is, so that nothing of it is under way while the size is taken.
            with closing(sqlite3.connect(path)) as other:
                other.execute("PRAGMA wal_checkpoint(FULL)")
            size = path.stat().st_size
            with _no_file_longer_than(size):
                while wal_of(path).stat().st_size < size // 2:
                    await store.accept(an_acceptance(100))
                assert path.stat().st_size == size
            # The log is folded back after the answer.
            while path.stat().st_size == size:
                await store.accept(an_acceptance(100))
    finally:
        await store.close()


async def test_what_the_writer_no_longer_remembers_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_MOST_KNOWN", 3)
    store = SqliteStore(tmp_path / "few.db")
    await store.open()
    try:
        for _ in range(10):
            await store.accept(an_acceptance())
        claims = (await store.claim_due(T0 + minutes(1), 20)).claims
        results = [a_result(claim, accepted(f"id-{claim.message.seq}")) for claim in claims]
        await store.record_submits(results)
        receipts = [a_receipt(f"id-{claim.message.seq}") for claim in claims]
        await store.record_receipts(receipts, T0 + minutes(2))
        ended = [await store.get(claim.message.account, claim.message.id) for claim in claims]
        assert [message.status for message in ended if message] == [Status.DELIVERED] * 10
    finally:
        await store.close()
