"""The connection that writes: one thread, many requests per commit.

Every commit of every server first locks the one row of `store`, which has the newest position. So
commits come one after another, whoever makes them: the log's numbers have no gaps and grow in the
order of the commits, and an operation may look and then write, as it does on one machine.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import psycopg

from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.routing import Lanes
from smsgate_server.storage.postgres import courier, partitions
from smsgate_server.storage.postgres.database import PostgresDatabase, connect
from smsgate_server.storage.postgres.tail import CHANNEL
from smsgate_server.storage.postgres.transaction import SharedTransaction
from smsgate_server.storage.postgres.trouble import Away, cannot_write, first_line
from smsgate_server.storage.sql.jobs import Answers, Job, Jobs, operate
from smsgate_server.storage.sql.reader import read_log

_log = logging.getLogger(__name__)

_LOCK = "SELECT head, waiting, partitioned, courier FROM store FOR UPDATE"
_ADVANCE = "UPDATE store SET head = ?, waiting = ?"
_NOTIFY = "SELECT pg_notify(?, ?)"

# After a failure to connect, requests are refused for this long without another try.
_RECONNECT_SECONDS = 0.5
# How long to ask what became of a commit whose answer was lost.
_RESOLVE_SECONDS = 5.0

# Position before the commit, position after it, messages that wait, events.
Committed = Callable[[int, int, int, Sequence[StatusEvent]], None]


class Writer:
    """`committed` is called on the event loop after each commit."""

    def __init__(
        self, url: str, server: str, lanes: Lanes, committed: Committed, part_size: int
    ) -> None:
        self._url = url
        self._server = server
        self._lanes = lanes
        self._committed = committed
        self._part_size = part_size
        self._jobs = Jobs()
        self.run = self._jobs.run
        self._thread = threading.Thread(target=self._run, name="smsgate-writer")
        self._db: PostgresDatabase | None = None
        self._away_until = 0.0
        # Whether a COMMIT was sent and not answered.
        self._doubtful = False
        # Messages that such a commit may have claimed, of which nobody was told.
        self._lost_claims: list[list[int]] = []

    def start(self) -> None:
        self._thread.start()

    async def stop(self) -> None:
        """Commit what was asked for, then end."""
        self._jobs.end()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        ending = False
        while not ending:
            group, ending = self._jobs.gather()
            if group:
                self._commit(group)
        if self._db is not None:
            self._db.close()

    def _commit(self, group: list[Job]) -> None:
        try:
            db = self._connected()
        except psycopg.Error as error:
            self._jobs.fail(group, cannot_write(error))
            return
        try:
            self._transact(db, group)
        except psycopg.OperationalError as error:
            # The database is away, or others hold it: no request is to blame.
            self._let_go(db)
            self._jobs.fail(group, cannot_write(error))
        except Exception as error:
            self._roll_back(db)
            if len(group) == 1:
                unable = cannot_write(error) if isinstance(error, psycopg.Error) else error
                self._jobs.fail(group, unable)
                return
            # One bad request must not take its neighbours down.
            for job in group:
                self._commit([job])

    def _transact(self, db: PostgresDatabase, group: list[Job]) -> None:
        answers: Answers = ()
        tx: SharedTransaction | None = None
        before = 0
        try:
            # Statements whose results nobody looks at travel with the next one that is waited for.
            with db.connection.pipeline():
                tx = self._begin(db)
                before = tx.head
                answers = operate(tx, group)
                self._end(db, tx, before)
                self._doubtful = True
                db.execute("COMMIT")
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if tx is None or not self._doubtful:
                raise
            # Whether or not there was an answer: one that says that the connection ends can come
            # in the place of the true one.
            self._let_go(db)
            if not self._resolve(tx, answers):
                # Never run again from here: what has no request_id could be stored twice.
                raise psycopg.OperationalError(first_line(error)) from error
        finally:
            self._doubtful = False
        assert tx is not None
        done = tx
        self._jobs.answer(
            answers, lambda: self._committed(before, done.head, done.waiting, done.events)
        )

    def _begin(self, db: PostgresDatabase) -> SharedTransaction:
        db.execute("BEGIN")
        head, waiting, partitioned, sends = db.execute(_LOCK).fetchone()
        tx = SharedTransaction(
            db,
            head,
            waiting,
            self._lanes,
            server=self._server,
            courier=sends,
            partitioned=partitioned,
        )
        partitions.extend(db, head, partitioned, self._part_size)
        return tx

    def _end(self, db: PostgresDatabase, tx: SharedTransaction, before: int) -> None:
        db.execute(_ADVANCE, (tx.head, tx.waiting))
        if tx.head > before:
            db.execute(_NOTIFY, (CHANNEL, f"{self._server} {tx.head}"))

    def _connected(self) -> PostgresDatabase:
        if self._db is not None and not self._db.connection.closed:
            return self._db
        now = time.monotonic()
        if now < self._away_until:
            raise Away
        self._away_until = now + _RECONNECT_SECONDS
        db = connect(self._url)
        # Before anything else is claimed: nobody could tell these claims from later ones.
        self._give_back_claims(db)
        self._db = db
        self._away_until = 0.0
        return db

    def _resolve(self, tx: SharedTransaction, answers: Answers) -> bool:
        """Whether a commit took place whose answer never came.

        The log is asked. The transaction's number would not do: a database that crashed may give
        the number of a transaction that it lost to another one.
        """
        until = time.monotonic() + _RESOLVE_SECONDS
        while time.monotonic() < until:
            with suppress(psycopg.Error):
                if _is_stored(connect(self._url), tx):
                    return True
                break
            time.sleep(_RECONNECT_SECONDS / 2)
        claims = [r for job, r in answers if job.operation is courier.claim_due]
        self._lost_claims.append([claim.message.seq for each in claims for claim in each.claims])
        return False

    def _give_back_claims(self, db: PostgresDatabase) -> None:
        """What was claimed by a commit that was thought to have failed, and perhaps had not."""
        lost = [seq for seqs in self._lost_claims for seq in seqs]
        if lost:
            _log.warning("giving back what a commit claimed whose answer was lost: %d", len(lost))
            future = asyncio.Future[None](loop=self._jobs.loop)
            self._transact(db, [Job(courier.unclaim, lost, future)])
        self._lost_claims.clear()

    def _roll_back(self, db: PostgresDatabase) -> None:
        with suppress(psycopg.Error):
            db.execute("ROLLBACK")

    def _let_go(self, db: PostgresDatabase) -> None:
        """The connection is in a state that nobody knows."""
        with suppress(psycopg.Error):
            db.close()
        self._db = None


def _is_stored(db: PostgresDatabase, tx: SharedTransaction) -> bool:
    """Whether the log has the last event of this transaction, once it is over.

    False for a transaction without events: its callers are told to repeat, and may.
    """
    with db.connection:
        db.execute("BEGIN")
        # Whoever commits has this row until it is done.
        db.execute(_LOCK).fetchone()
        if not tx.events:
            return False
        last = tx.events[-1]
        stored = read_log(db, last.seq - 1, last.seq, 1).events
        return [_gist(event) for event in stored] == [_gist(last)]


def _gist(event: StatusEvent) -> tuple[object, ...]:
    """What no other event has."""
    return event.message.id, event.to_status, event.event_time
