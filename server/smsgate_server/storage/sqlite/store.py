"""The Store port on one SQLite file."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from smsgate_server.domain.delivery import Stage
from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.routing import ONE_LANE, Lanes
from smsgate_server.storage.errors import StoreSetupError, store_unavailable
from smsgate_server.storage.sql.store import SqlStore
from smsgate_server.storage.sql.transaction import Operation
from smsgate_server.storage.sqlite.database import SqliteDatabase, connect
from smsgate_server.storage.sqlite.lock import FileLock
from smsgate_server.storage.sqlite.migrations import check_version, migrate
from smsgate_server.storage.sqlite.writer import Writer

_T = TypeVar("_T")


class SqliteStore(SqlStore):
    """Point reads run on the event loop (a hop to a thread costs ten times the read), long ones do
    not.
    """

    def __init__(self, path: Path, lanes: Lanes = ONE_LANE, beside: bool = False) -> None:
        """`beside` opens a database that a server may be using: for accounts, keys, money and
        tariffs only, which are read anew in every transaction.
        """
        super().__init__()
        self._path = path
        self._lanes = lanes
        self._beside = beside
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="smsgate-reader")

    async def open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            served = self._beside and not self._lock.is_free()
            if not served:
                self._lock.take()
            # Texts and numbers are for this user alone. The -wal and -shm files get the same.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            await (check_version if served else migrate)(self._path)
            self._load()
        except (OSError, sqlite3.Error) as error:
            self._lock.release()
            raise StoreSetupError(f"cannot open the database {self._path}: {error}") from error
        self._writer = Writer(self._path, self._head, self._waiting, self._lanes, self._committed)
        self._writer.start()

    def _load(self) -> None:
        self._now_reader = connect(self._path)
        self._long_reader = connect(self._path)
        db = self._now_reader
        row = db.execute("SELECT identity, earliest, pruned FROM store").fetchone()
        if row is None:
            row = (os.urandom(8), 0, 0)
            db.execute("INSERT INTO store (identity, earliest, pruned) VALUES (?, ?, ?)", row)
        self._identity, self._earliest, pruned = row
        tops = db.execute("SELECT (SELECT max(seq) FROM messages), (SELECT max(seq) FROM events)")
        self._head = max(pruned, *(top or 0 for top in tops.fetchone()))
        (self._waiting,) = db.execute(
            "SELECT count(*) FROM deliveries JOIN messages ON seq = message_seq "
            "WHERE stage = ? AND schedule_time IS NULL",
            (int(Stage.WAITING),),
        ).fetchone()
        for reading in (self._now_reader, self._long_reader):
            reading.execute("PRAGMA query_only = ON")

    async def close(self) -> None:
        await self._writer.stop()
        await asyncio.to_thread(self._executor.shutdown)
        self._now_reader.close()
        self._long_reader.close()
        self._lock.release()

    def _committed(self, head: int, waiting: int, events: Sequence[StatusEvent]) -> None:
        self._head, self._waiting = head, waiting
        self._tell(events)

    def _run(self, operation: Operation, argument: Any) -> Awaitable[Any]:
        return self._writer.run(operation, argument)

    async def _look(self, query: Callable[[SqliteDatabase], _T]) -> _T:
        with _as_unavailable():
            return query(self._now_reader)

    async def _read(self, query: Callable[[SqliteDatabase], _T]) -> _T:
        def run() -> _T:
            with _as_unavailable():
                return query(self._long_reader)

        return await asyncio.get_running_loop().run_in_executor(self._executor, run)


class _as_unavailable:  # reads as a word after `with`
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            told = f"the store cannot be read ({error}); try again later"
            raise store_unavailable(told) from error
