"""The only connection that writes: one thread, many requests per commit.

A commit with `synchronous=FULL` waits for the disk, so its cost is shared: the thread takes
whatever requests have queued up, runs them in one transaction, commits once and answers them all.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.routing import Lanes
from smsgate_server.storage.errors import store_unavailable
from smsgate_server.storage.sql.jobs import Answers, Job, Jobs, operate
from smsgate_server.storage.sql.known import Known
from smsgate_server.storage.sql.transaction import Transaction
from smsgate_server.storage.sqlite.database import SqliteDatabase, connect

# Past this the log is folded back into the database by the writer itself; before it, a thread
# beside the commit path does that.
_WAL_LIMIT_BYTES = 64 * 2**20
_CHECKPOINT_SECONDS = 1.0

# Messages that are remembered while they are under way. The newest events have them, too.
_MOST_KNOWN = 20_000


Committed = Callable[[int, int, Sequence[StatusEvent]], None]


class Writer:
    """`committed` is called on the event loop after each commit: head, waiting, events."""

    def __init__(
        self, path: Path, head: int, waiting: int, lanes: Lanes, committed: Committed
    ) -> None:
        self._path = path
        self._wal = str(wal_of(path))
        self._head = head
        self._waiting = waiting
        self._lanes = lanes
        self._committed = committed
        self._known = Known(_MOST_KNOWN)
        self._jobs = Jobs()
        self.run = self._jobs.run
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="smsgate-writer"),
            threading.Thread(target=self._checkpoint, name="smsgate-checkpoint", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    async def stop(self) -> None:
        """Commit what was asked for, then end."""
        self._jobs.end()
        await asyncio.to_thread(self._threads[0].join)
        self._stopped.set()
        await asyncio.to_thread(self._threads[1].join)

    def _run(self) -> None:
        db = connect(self._path)
        # The checkpoint thread does this off the commit path.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        ending = False
        while not ending:
            group, ending = self._jobs.gather()
            if group:
                self._commit(db, group)
        db.close()

    def _commit(self, db: SqliteDatabase, group: list[Job]) -> None:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            # No request is to blame. Trying each alone, one would wait for the lock after another.
            self._jobs.fail(group, _as_unavailable(error))
            return
        try:
            answers, tx = self._transact(db, group)
        except Exception as error:
            if len(group) == 1:
                self._jobs.fail(group, _as_unavailable(error))
                return
            # One bad request must not take its neighbours down.
            for job in group:
                self._commit(db, [job])
            return
        self._head, self._waiting = tx.head, tx.waiting
        self._jobs.answer(answers, lambda: self._committed(tx.head, tx.waiting, tx.events))
        self._limit_wal(db)

    def _transact(self, db: SqliteDatabase, group: list[Job]) -> tuple[Answers, Transaction]:
        transaction = Transaction(db, self._head, self._waiting, self._lanes, known=self._known)
        try:
            answers = operate(transaction, group)
            db.execute("COMMIT")
        except BaseException:
            # Whatever went wrong: from now on it is the database that knows.
            self._known.forget()
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        self._known.take(transaction.lives)
        return answers, transaction

    def _limit_wal(self, db: SqliteDatabase) -> None:
        if _size(self._wal) > _WAL_LIMIT_BYTES:
            # As below: if it fails, the log only stays longer.
            with suppress(sqlite3.Error):
                db.execute("PRAGMA wal_checkpoint(RESTART)")

    def _checkpoint(self) -> None:
        db = connect(self._path)
        while not self._stopped.wait(_CHECKPOINT_SECONDS):
            try:
                db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error:
                # Nothing is lost: the log only stays longer. A full disk shows in the commits.
                continue
        db.close()


def wal_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _as_unavailable(error: Exception) -> Exception:
    if not isinstance(error, sqlite3.Error):
        return error
    return store_unavailable(
        f"the store cannot write ({error}); nothing was changed, try again later"
    )
