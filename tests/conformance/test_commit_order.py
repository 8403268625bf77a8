"""The log has the order of the commits: a writer that has its numbers and has not committed is
passed by nobody, so whoever reads on from where he was misses nothing.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.builders import an_acceptance
from tests.databases import database_of

from smsgate_server.storage.sqlite.database import SqliteDatabase
from smsgate_server.storage.sqlite.store import SqliteStore

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"


class Held:
    """The first COMMIT after it was made waits, with all that comes before it written."""

    def __init__(self, database: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        self._execute = database.execute
        self._reached, self._go = threading.Event(), threading.Event()
        monkeypatch.setattr(database, "execute", self._heard(self._execute))

    def _heard(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def heard(db: Any, sql: str, *values: Any) -> Any:
            if sql == "COMMIT" and not self._reached.is_set():
                # Whatever the driver still has in hand is in the database by then.
                execute(db, "SELECT 1").fetchone()
                self._reached.set()
                assert self._go.wait(30)
            return execute(db, sql, *values)

        return heard

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 30)

    def release(self) -> None:
        self._go.set()


@dataclass
class Case:
    """Two writers on one store. `decided` returns once the second has committed or must wait."""

    one: Any
    other: Any
    held: Held
    decided: Callable[["asyncio.Task[Any]"], Awaitable[None]]


async def _on_sqlite(folder: Path, stack: AsyncExitStack, patch: pytest.MonkeyPatch) -> Case:
    store = SqliteStore(folder / "smsgate.db")
    await store.open()
    stack.push_async_callback(store.close)

    async def decided(_: "asyncio.Task[Any]") -> None:
        """The one thread that writes is held."""

    return Case(store, store, Held(SqliteDatabase, patch), decided)


async def _on_postgres(folder: Path, stack: AsyncExitStack, patch: pytest.MonkeyPatch) -> Case:
    psycopg = pytest.importorskip("psycopg")
    module = pytest.importorskip("smsgate_server.storage.postgres.store")
    url = database_of(folder)
    stores = [module.PostgresStore(url) for _ in range(2)]
    for store in stores:
        await store.open()
        stack.push_async_callback(store.close)
    watching = await psycopg.AsyncConnection.connect(url, autocommit=True)
    await stack.enter_async_context(watching)

    async def decided(second: "asyncio.Task[Any]") -> None:
        while not second.done():
            found = await watching.execute(_WAITING, (watching.info.dbname,))
            if (await found.fetchone())[0]:
                return

    return Case(*stores, Held(module.PostgresDatabase, patch), decided)


async def _read_on(store: Any, position: int) -> tuple[int, list[int]]:
    """As a stream does: all there is after a position, and where that ends."""
    head = (await store.refreshed()).head
    seen: list[int] = []
    while position < head:
        page = await store.read_log(position, 2)
        position = page.position
        seen += [event.seq for event in page.events]
    return position, seen


@pytest.mark.parametrize("make", [_on_sqlite, _on_postgres], ids=["sqlite", "postgres"])
async def test_a_writer_that_has_its_numbers_and_has_not_committed_is_passed_by_nobody(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asyncio.timeout(60), AsyncExitStack() as stack:
        case = await make(tmp_path, stack, monkeypatch)
        first = asyncio.create_task(case.one.accept(an_acceptance(3)))
        await case.held.reached()
        # Of another account: they share nothing but the log.
        second = asyncio.create_task(case.other.accept(an_acceptance(3, account="another")))
        await case.decided(second)
        position, seen = await _read_on(case.other, 0)
        case.held.release()
        await asyncio.gather(first, second)
        _, later = await _read_on(case.other, position)
        assert seen + later == [1, 2, 3, 4, 5, 6]
