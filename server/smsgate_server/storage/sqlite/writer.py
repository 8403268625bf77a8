"""The only connection that writes: one thread, many requests per commit.

A commit with `synchronous=FULL` waits for the disk, so its cost is shared: the thread takes
whatever requests have queued up, runs them in one transaction, commits once and answers them all.
Requests of the same kind run as one operation, so that a hundred sends are a few statements and
not hundreds.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.routing import Lanes
from smsgate_server.storage.sqlite.books import Books

# The most requests in one transaction: bounds the time that the first of them waits.
_MAX_GROUP = 1024

# Under load a short wait lets more requests join, which saves CPU for the event loop. A lone
# caller never waits: the pause is taken only if the commit before had company.
_GATHER_SECONDS = 0.002

# Past this the log is folded back into the database by the writer itself; before it, a thread
# beside the commit path does that.
_WAL_LIMIT_BYTES = 64 * 2**20
_CHECKPOINT_SECONDS = 1.0


@dataclass
class Transaction:
    """What the operations of one commit share. `head` is the number of the newest event; `books` is
    written once they are all done.
    """

    db: sqlite3.Connection
    head: int
    waiting: int
    lanes: Lanes
    events: list[StatusEvent] = field(default_factory=list)
    books: Books = field(init=False)

    def __post_init__(self) -> None:
        self.books = Books(self.db)

    def next_seq(self) -> int:
        self.head += 1
        return self.head


Operation = Callable[[Transaction, Sequence[Any]], Sequence[Any]]
Committed = Callable[[int, int, Sequence[StatusEvent]], None]


@dataclass(slots=True)
class _Job:
    operation: Operation
    argument: Any
    future: "asyncio.Future[Any]"


class Writer:
    """`committed` is called on the event loop after each commit: head, waiting, events."""

    def __init__(
        self, path: Path, head: int, waiting: int, lanes: Lanes, committed: Committed
    ) -> None:
        self._path = path
        self._head = head
        self._waiting = waiting
        self._lanes = lanes
        self._committed = committed
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
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
        self._jobs.put(None)
        await asyncio.to_thread(self._threads[0].join)
        self._stopped.set()
        await asyncio.to_thread(self._threads[1].join)

    async def run(self, operation: Operation, argument: Any) -> Any:
        """Run `operation` with this argument, and perhaps others', in the next transaction.

        The transaction happens even if the caller goes away.
        """
        future: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put(_Job(operation, argument, future))
        return await future

    def _run(self) -> None:
        db = connect(self._path)
        # The checkpoint thread does this off the commit path.
        db.execute("PRAGMA wal_autocheckpoint = 0")
        group: list[_Job] = []
        while True:
            first = self._jobs.get()
            if len(group) > 1:
                time.sleep(_GATHER_SECONDS)
            group, ending = self._gather(first)
            if group:
                self._commit(db, group)
            if ending:
                break
        db.close()

    def _gather(self, first: _Job | None) -> tuple[list[_Job], bool]:
        group: list[_Job] = []
        job = first
        while job is not None:
            group.append(job)
            if len(group) == _MAX_GROUP:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return group, False
        return group, True

    def _commit(self, db: sqlite3.Connection, group: list[_Job]) -> None:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            # No request is to blame. Trying each alone, one would wait for the lock after another.
            for job in group:
                self._tell(self._fail, job, _as_unavailable(error))
            return
        try:
            answers, transaction = self._transact(db, group)
        except Exception as error:
            if len(group) == 1:
                self._tell(self._fail, group[0], _as_unavailable(error))
                return
            # One bad request must not take its neighbours down.
            for job in group:
                self._commit(db, [job])
            return
        self._head, self._waiting = transaction.head, transaction.waiting
        self._tell(self._answer, transaction, answers)
        self._limit_wal(db)

    def _transact(
        self, db: sqlite3.Connection, group: list[_Job]
    ) -> tuple[list[tuple[_Job, Any]], Transaction]:
        transaction = Transaction(db, self._head, self._waiting, self._lanes)
        kinds: dict[Operation, list[_Job]] = {}
        for job in group:
            kinds.setdefault(job.operation, []).append(job)
        answers: list[tuple[_Job, Any]] = []
        try:
            for operation, jobs in kinds.items():
                results = operation(transaction, [job.argument for job in jobs])
                answers += zip(jobs, results, strict=True)
            transaction.books.write()
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return answers, transaction

    def _tell(self, callback: Callable[..., None], *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(callback, *arguments)

    def _answer(self, transaction: Transaction, answers: list[tuple[_Job, Any]]) -> None:
        self._committed(transaction.head, transaction.waiting, transaction.events)
        for job, result in answers:
            if not job.future.done():
                job.future.set_result(result)

    @staticmethod
    def _fail(job: _Job, error: Exception) -> None:
        if not job.future.done():
            job.future.set_exception(error)

    def _limit_wal(self, db: sqlite3.Connection) -> None:
        if _size(wal_of(self._path)) > _WAL_LIMIT_BYTES:
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


def connect(path: Path) -> sqlite3.Connection:
    """A connection that acknowledges only what is on the disk."""
    db = sqlite3.connect(path, isolation_level=None, cached_statements=512, check_same_thread=False)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA busy_timeout = 10000")
    db.execute("PRAGMA cache_size = -65536")
    return db


def wal_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _as_unavailable(error: Exception) -> Exception:
    if not isinstance(error, sqlite3.Error):
        return error
    return Unavailable(
        ErrorReason.STORE_UNAVAILABLE,
        f"the store cannot write ({error}); nothing was changed, try again later",
    )
