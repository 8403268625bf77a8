"""The Store port on PostgreSQL, shared by any number of servers."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg

from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.domain.routing import DEFAULT_LANE, ONE_LANE, Lanes
from smsgate_server.services.ports import Claims, Horizons, Lease, LogBounds, LogPage
from smsgate_server.storage.errors import StoreSetupError
from smsgate_server.storage.postgres import courier, forgetting, partitions
from smsgate_server.storage.postgres.database import PostgresDatabase, connect
from smsgate_server.storage.postgres.migrations import check_whole, migrate
from smsgate_server.storage.postgres.reading import Readers
from smsgate_server.storage.postgres.tail import Tail
from smsgate_server.storage.postgres.together import Together
from smsgate_server.storage.postgres.writer import Writer
from smsgate_server.storage.sql import reader
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.rows import micros
from smsgate_server.storage.sql.store import SqlStore
from smsgate_server.storage.sql.transaction import Operation

_T = TypeVar("_T")

_STATE = "SELECT identity, head, waiting, earliest FROM store"
_ADD_TAKEN = BulkStatement(
    """
    INSERT INTO limit_counts (name, total) {rows}
    ON CONFLICT (name) DO UPDATE SET total = limit_counts.total + excluded.total,
        change_time = excluded.change_time
    RETURNING name, total
    """,
    "tn",
)
_FORGET_TAKEN = "DELETE FROM limit_counts WHERE change_time < now() - interval '1 day'"
_LOOKERS = 4
_LONG_READERS = 2


class PostgresStore(SqlStore):
    def __init__(self, url: str, lanes: Lanes = ONE_LANE, part_size: int = partitions.SIZE) -> None:
        super().__init__()
        self._url = url
        self._lanes = lanes
        self._part_size = part_size
        self._server = secrets.token_hex(8)

    @property
    def shared(self) -> bool:
        return True

    @property
    def bounds(self) -> LogBounds:
        return LogBounds(self._earliest, self._tail.known)

    async def open(self) -> None:
        try:
            await asyncio.to_thread(self._prepare)
        except psycopg.Error as error:
            raise StoreSetupError(f"cannot open the database: {str(error).strip()}") from error
        self._lookers = Readers(self._url, _LOOKERS)
        self._readers = Readers(self._url, _LONG_READERS)
        self._together = Together(lambda ids: self._look(lambda db: reader.get_all(db, ids)))
        self._tail = Tail(
            self._url, self._server, self._head, self._read_between, self._tell, self._seen
        )
        self._writer = Writer(
            self._url, self._server, self._lanes, self._committed, self._part_size
        )
        self._writer.start()
        self._tail.start()

    def _prepare(self) -> None:
        db = connect(self._url)
        with db.connection:
            migrate(db)
            check_whole(db)
            row = db.execute(_STATE).fetchone()
            self._identity, self._head, self._waiting, self._earliest = row

    async def close(self) -> None:
        await self._writer.stop()
        await self._tail.stop()
        await self._lookers.close()
        await self._readers.close()

    async def refreshed(self) -> LogBounds:
        _, head, waiting, earliest = await self._look(lambda db: db.execute(_STATE).fetchone())
        self._seen(waiting, earliest)
        self._tail.heard(head)
        return LogBounds(earliest, max(head, self._tail.known))

    def _seen(self, waiting: int, earliest: int) -> None:
        self._waiting = waiting
        self._earliest = max(self._earliest, earliest)

    def _committed(
        self, before: int, head: int, waiting: int, events: Sequence[StatusEvent]
    ) -> None:
        self._waiting = waiting
        self._tail.committed(before, head, events)

    async def read_log(self, after: int, limit: int) -> LogPage:
        return await self._read_between(after, self._tail.known, limit)

    async def _read_between(self, after: int, head: int, limit: int) -> LogPage:
        return await self._read(lambda db: reader.read_log(db, after, head, limit))

    async def position_at(self, time: datetime) -> int:
        head = (await self.refreshed()).head
        return await self._read(lambda db: reader.position_at(db, micros(time), head))

    # Who sends

    async def take_courier(self, lease: timedelta) -> Lease:
        return await self._write(courier.take, lease, Lease)

    async def leave_courier(self) -> None:
        await self._run(courier.leave, None)

    async def add_taken(self, taken: Mapping[str, int]) -> Mapping[str, int]:
        # In one order, or two servers would wait for each other.
        rows = sorted(taken.items())
        return dict(await self._look(lambda db: _ADD_TAKEN.fetch(db, rows)))

    async def claim_due(self, now: datetime, limit: int, lane: str = DEFAULT_LANE) -> Claims:
        return await self._write(courier.claim_due, (now, limit, lane), Claims)

    # Retention

    async def prune(self, horizons: Horizons) -> Mapping[str, int]:
        await self._read(lambda db: db.execute(_FORGET_TAKEN).rowcount)
        return await super().prune(horizons)

    async def _forget_messages(self, horizon: datetime) -> int:
        """Whole parts by dropping them. Rows are deleted only where a part lasts long."""
        position = await self._forgettable(horizon)
        wanted = await self._read(lambda db: forgetting.parts_to_leave(db, position))
        left = await self._write(forgetting.leave_parts, wanted, int)
        await self._read(partitions.drop_left)
        await self._read(forgetting.delete_batches)
        return left + await self._delete_messages(horizon - forgetting.LONGEST_PART)

    def _run(self, operation: Operation, argument: Any) -> Awaitable[Any]:
        return self._writer.run(operation, argument)

    async def _get(self, message_id: str) -> Message | None:
        return await self._together.get(message_id)

    async def _look(self, query: Callable[[PostgresDatabase], _T]) -> _T:
        return await self._lookers.run(query)

    async def _read(self, query: Callable[[PostgresDatabase], _T]) -> _T:
        return await self._readers.run(query)
