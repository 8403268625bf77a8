"""The Store port on one SQLite file."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from smsgate_server.domain.account import Account, ApiKey, Limit
from smsgate_server.domain.charging import Standing
from smsgate_server.domain.delivery import Receipt, Stage, SubmitResult
from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.domain.otp import Verification
from smsgate_server.domain.routing import DEFAULT_LANE, ONE_LANE, Lanes
from smsgate_server.domain.usage import UsageRow
from smsgate_server.services.ports import (
    Acceptance,
    Accepted,
    Attempt,
    Attempted,
    Cancelled,
    CancelledCode,
    CarrierReport,
    Claims,
    CommitListener,
    CreatedAccount,
    Directory,
    Horizons,
    LedgerEntry,
    LimitHit,
    LogBounds,
    LogPage,
    Page,
    RequestKey,
    SendCode,
    SentCode,
    TariffVersion,
    ToppedUp,
    TopUp,
    UsageQuery,
)
from smsgate_server.storage.errors import StoreSetupError
from smsgate_server.storage.sqlite import (
    acceptance,
    accounts,
    carriers,
    listing,
    operations,
    reader,
    retention,
    usage,
    verifications,
)
from smsgate_server.storage.sqlite.lock import FileLock
from smsgate_server.storage.sqlite.migrations import check_version, migrate
from smsgate_server.storage.sqlite.rows import micros
from smsgate_server.storage.sqlite.writer import Writer, connect

_T = TypeVar("_T")

_TIME_AT = """
    SELECT t FROM (
        SELECT * FROM
            (SELECT seq, create_time AS t FROM messages WHERE seq >= ?1 ORDER BY seq LIMIT 1)
        UNION ALL
        SELECT * FROM
            (SELECT seq, event_time AS t FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1))
    ORDER BY seq LIMIT 1
"""

# Neighbours in the log are stamped before they are committed, so their times can be this much out
# of order.
_TIME_SLACK_MICROS = 2_000_000


class SqliteStore:
    """Point reads run on the event loop (a hop to a thread costs ten times the read), long ones do
    not.
    """

    def __init__(self, path: Path, lanes: Lanes = ONE_LANE, beside: bool = False) -> None:
        """`beside` opens a database that a server may be using: for accounts, keys, money and
        tariffs only, which are read anew in every transaction.
        """
        self._path = path
        self._lanes = lanes
        self._beside = beside
        self._lock = FileLock(path.with_name(path.name + ".lock"))
        self._listeners: list[CommitListener] = []
        self._identity = b""
        self._head = self._earliest = self._waiting = 0
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="smsgate-reader")

    @property
    def identity(self) -> bytes:
        return self._identity

    @property
    def backlog(self) -> int:
        return self._waiting

    @property
    def bounds(self) -> LogBounds:
        return LogBounds(self._earliest, self._head)

    def listen(self, listener: CommitListener) -> None:
        self._listeners.append(listener)

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
        if events:
            for listener in self._listeners:
                listener(events)

    async def accept(self, wanted: Acceptance) -> Accepted:
        return await self._write(acceptance.accept, wanted, Accepted)

    async def repeat(self, wanted: Acceptance) -> Accepted | None:
        return await self._writer.run(acceptance.repeat, wanted)  # type: ignore[no-any-return]

    async def cancel(self, account: str, message_id: str, now: datetime) -> Cancelled:
        return await self._write(operations.cancel_messages, (account, message_id, now), Cancelled)

    async def claim_due(self, now: datetime, limit: int, lane: str = DEFAULT_LANE) -> Claims:
        return await self._write(operations.claim_due, (now, limit, lane), Claims)

    async def record_submits(self, results: Sequence[SubmitResult]) -> None:
        await self._writer.run(operations.record_submits, results)

    async def record_receipts(self, receipts: Sequence[Receipt], now: datetime) -> None:
        await self._writer.run(operations.record_receipts, (receipts, now))

    async def expire_due(self, now: datetime, limit: int) -> int:
        return await self._write(operations.expire_due, (now, limit), int)

    async def recover(self, now: datetime) -> int:
        return await self._write(operations.recover, now, int)

    async def get(self, account: str, message_id: str) -> Message | None:
        with _as_unavailable():
            message = reader.get(self._now_reader, message_id)
        return message if message is not None and message.account == account else None

    async def history(self, account: str, message_id: str) -> Sequence[StatusEvent]:
        message = await self.get(account, message_id)
        if message is None:
            return ()
        with _as_unavailable():
            return reader.history_of(self._now_reader, message)

    async def page(self, wanted: MessageFilter, before: int, limit: int) -> Page:
        head = self._head
        messages, onward = await self._read(
            lambda db: listing.page(db, wanted, before or head + 1, limit)
        )
        return Page(messages, onward, head)

    async def read_log(self, after: int, limit: int) -> LogPage:
        head = self._head
        return await self._read(lambda db: reader.read_log(db, after, head, limit))

    async def position_at(self, time: datetime) -> int:
        return await self._read(lambda db: self._position_at(db, micros(time)))

    def _position_at(self, db: sqlite3.Connection, time: int) -> int:
        """Binary search: the log is in time order but for a slack."""
        low, high = 0, self._head
        while low < high:
            middle = (low + high) // 2
            row = db.execute(_TIME_AT, (middle + 1,)).fetchone()
            if row is not None and row[0] < time - _TIME_SLACK_MICROS:
                low = middle + 1
            else:
                high = middle
        return low

    # Accounts

    async def directory(self) -> Directory:
        with _as_unavailable():
            return accounts.directory(self._now_reader)

    async def revision(self) -> int:
        with _as_unavailable():
            return accounts.revision(self._now_reader)

    async def create_account(self, account: Account, request: RequestKey | None) -> CreatedAccount:
        return await self._write(accounts.create_accounts, (account, request), CreatedAccount)

    async def replace_account(self, account: Account, version: int) -> bool:
        return await self._write(accounts.replace_accounts, (account, version), bool)

    async def add_key(self, key: ApiKey) -> None:
        await self._writer.run(accounts.add_keys, key)

    async def revoke_key(self, key_id: str, now: datetime) -> ApiKey | None:
        return await self._writer.run(accounts.revoke_keys, (key_id, now))  # type: ignore[no-any-return]

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        await self._writer.run(accounts.note_uses, uses)

    async def standing(self, account: str) -> Standing:
        with _as_unavailable():
            return accounts.standing(self._now_reader, account)

    async def top_up(self, top_up: TopUp) -> ToppedUp:
        return await self._write(accounts.top_up, top_up, ToppedUp)

    async def ledger(self, account: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        return await self._read(lambda db: accounts.ledger(db, account, after, limit))

    # One-time passwords

    async def send_code(self, wanted: SendCode) -> SentCode:
        return await self._write(verifications.send_codes, wanted, SentCode)

    async def repeat_code(self, request: RequestKey) -> SentCode | None:
        with _as_unavailable():
            return verifications.repeat(self._now_reader, request, self._head)

    async def otp_hits(
        self, account: str, recipient: str, country: str, limits: Sequence[Limit], now: datetime
    ) -> Sequence[LimitHit]:
        return await self._read(
            lambda db: verifications.hits(db, account, recipient, country, limits, now)
        )

    async def verification(self, account: str, verification_id: str) -> Verification | None:
        with _as_unavailable():
            return verifications.get(self._now_reader, account, verification_id)

    async def newest_verification(
        self, account: str, recipient: str, purpose: str
    ) -> Verification | None:
        with _as_unavailable():
            return verifications.newest(self._now_reader, account, recipient, purpose)

    async def messages_of(self, verification_id: str) -> Sequence[Message]:
        with _as_unavailable():
            return verifications.messages_of(self._now_reader, verification_id)

    async def attempt(self, attempt: Attempt) -> Attempted | None:
        return await self._writer.run(verifications.attempt, attempt)  # type: ignore[no-any-return]

    async def cancel_verification(
        self, account: str, verification_id: str, now: datetime
    ) -> CancelledCode | None:
        wanted = (account, verification_id, now)
        return await self._writer.run(verifications.cancel_verifications, wanted)  # type: ignore[no-any-return]

    # Usage and tariffs

    async def count_free_requests(self, counts: Mapping[tuple[str, int], int]) -> None:
        await self._writer.run(usage.count_free_requests, counts)

    async def usage(self, query: UsageQuery) -> Sequence[UsageRow]:
        return await self._read(lambda db: usage.usage(db, query))

    async def tariff(self) -> TariffVersion | None:
        return await self._read(usage.tariff)

    async def import_tariff(self, version: TariffVersion) -> bool:
        return await self._write(usage.import_tariffs, version, bool)

    # Carriers

    async def report_carriers(self, reports: Sequence[CarrierReport]) -> None:
        await self._writer.run(carriers.report_carriers, reports)

    async def carrier_reports(self) -> Sequence[CarrierReport]:
        return await self._read(carriers.carrier_reports)

    # Retention

    async def prune(self, horizons: Horizons) -> Mapping[str, int]:
        earliest = await self.position_at(horizons.log)
        await self._writer.run(retention.move_earliest, earliest)
        self._earliest = max(self._earliest, earliest)
        forgotten = {
            "requests": await self._sweep(retention.delete_requests, micros(horizons.requests)),
            "orphans": await self._sweep(retention.delete_orphans, micros(horizons.orphans)),
            "attempts": await self._sweep(retention.delete_attempts, micros(horizons.requests)),
            "parts": await self._sweep(
                retention.delete_parts, await self.position_at(horizons.parts)
            ),
        }
        if horizons.messages is not None:
            position = min(await self.position_at(horizons.messages), self._earliest)
            forgotten["messages"] = await self._sweep(retention.delete_messages, position)
            codes = micros(min(horizons.messages, horizons.codes))
            forgotten["codes"] = await self._sweep(retention.delete_codes, codes)
        return forgotten

    async def _sweep(self, operation: Callable[..., Any], horizon: int) -> int:
        total = 0
        while deleted := await self._write(operation, horizon, int):
            total += deleted
        return total

    async def _write(self, operation: Callable[..., Any], argument: Any, kind: type[_T]) -> _T:
        result = await self._writer.run(operation, argument)
        assert isinstance(result, kind)
        return result

    async def _read(self, query: Callable[[sqlite3.Connection], _T]) -> _T:
        def run() -> _T:
            with _as_unavailable():
                return query(self._long_reader)

        return await asyncio.get_running_loop().run_in_executor(self._executor, run)


class _as_unavailable:  # reads as a word after `with`
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error):
            raise Unavailable(
                ErrorReason.STORE_UNAVAILABLE,
                f"the store cannot be read ({error}); try again later",
            ) from error
