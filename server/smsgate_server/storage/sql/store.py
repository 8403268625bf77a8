"""The Store port, over operations in SQL: all of it but how a database is opened, written to and
read.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from smsgate_server.domain.account import Account, ApiKey, Limit
from smsgate_server.domain.charging import Standing
from smsgate_server.domain.delivery import Receipt, SubmitResult
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.domain.otp import Verification
from smsgate_server.domain.routing import DEFAULT_LANE
from smsgate_server.domain.usage import UsageRow
from smsgate_server.domain.webhooks import Webhook
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
    Lease,
    LedgerEntry,
    LimitHit,
    LogBounds,
    LogPage,
    Page,
    RequestKey,
    SendCode,
    SentCode,
    SentCodes,
    TariffVersion,
    ToppedUp,
    TopUp,
    UsageQuery,
)
from smsgate_server.services.ports.webhooks import (
    CreatedWebhook,
    FailedQuery,
    KnownWebhook,
    Parked,
    Progress,
)
from smsgate_server.storage.sql import (
    acceptance,
    accounts,
    carriers,
    listing,
    operations,
    reader,
    retention,
    usage,
    verifications,
    webhooks,
)
from smsgate_server.storage.sql.rows import micros
from smsgate_server.storage.sql.transaction import Operation

_T = TypeVar("_T")


class SqlStore(ABC):
    def __init__(self) -> None:
        self._listeners: list[CommitListener] = []
        self._identity = b""
        self._head = self._earliest = self._waiting = 0

    @abstractmethod
    def _run(self, operation: Operation, argument: Any) -> Awaitable[Any]:
        """Run an operation in the next transaction, perhaps with others."""

    @abstractmethod
    async def _look(self, query: Callable[[Any], _T]) -> _T:
        """Run a query that looks at a row or two."""

    @abstractmethod
    async def _read(self, query: Callable[[Any], _T]) -> _T:
        """Run a query that may take long."""

    @property
    def identity(self) -> bytes:
        return self._identity

    @property
    def backlog(self) -> int:
        return self._waiting

    @property
    def bounds(self) -> LogBounds:
        return LogBounds(self._earliest, self._head)

    @property
    def shared(self) -> bool:
        return False

    async def refreshed(self) -> LogBounds:
        return self.bounds

    async def take_courier(self, lease: timedelta) -> Lease:
        return Lease.RENEWED

    async def leave_courier(self) -> None:
        return None

    async def add_taken(self, taken: Mapping[str, int]) -> Mapping[str, int]:
        return taken

    def listen(self, listener: CommitListener) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, events: Sequence[StatusEvent]) -> None:
        if events:
            for listener in self._listeners:
                listener(events)

    async def accept(self, wanted: Acceptance) -> Accepted:
        return await self._write(acceptance.accept, wanted, Accepted)

    async def repeat(self, wanted: Acceptance) -> Accepted | None:
        return await self._run(acceptance.repeat, wanted)  # type: ignore[no-any-return]

    async def cancel(self, account: str, message_id: str, now: datetime) -> Cancelled:
        return await self._write(operations.cancel_messages, (account, message_id, now), Cancelled)

    async def claim_due(self, now: datetime, limit: int, lane: str = DEFAULT_LANE) -> Claims:
        return await self._write(operations.claim_due, (now, limit, lane), Claims)

    async def record_submits(self, results: Sequence[SubmitResult]) -> None:
        await self._run(operations.record_submits, results)

    async def record_receipts(self, receipts: Sequence[Receipt], now: datetime) -> None:
        await self._run(operations.record_receipts, (receipts, now))

    async def expire_due(self, now: datetime, limit: int) -> int:
        return await self._write(operations.expire_due, (now, limit), int)

    async def recover(self, now: datetime) -> int:
        return await self._write(operations.recover, now, int)

    async def get(self, account: str, message_id: str) -> Message | None:
        message = await self._get(message_id)
        return message if message is not None and message.account == account else None

    async def _get(self, message_id: str) -> Message | None:
        return await self._look(lambda db: reader.get(db, message_id))

    async def history(self, account: str, message_id: str) -> Sequence[StatusEvent]:
        message = await self.get(account, message_id)
        if message is None:
            return ()
        return await self._look(lambda db: reader.history_of(db, message))

    async def page(self, wanted: MessageFilter, before: int, limit: int) -> Page:
        head = (await self.refreshed()).head
        messages, onward = await self._read(
            lambda db: listing.page(db, wanted, before or head + 1, limit)
        )
        return Page(messages, onward, head)

    async def read_log(self, after: int, limit: int) -> LogPage:
        head = self._head
        return await self._read(lambda db: reader.read_log(db, after, head, limit))

    async def position_at(self, time: datetime) -> int:
        head = self._head
        return await self._read(lambda db: reader.position_at(db, micros(time), head))

    # Accounts

    async def directory(self) -> Directory:
        return await self._look(lambda db: accounts.directory(db))

    async def revision(self) -> int:
        return await self._look(lambda db: accounts.revision(db))

    async def create_account(self, account: Account, request: RequestKey | None) -> CreatedAccount:
        return await self._write(accounts.create_accounts, (account, request), CreatedAccount)

    async def replace_account(self, account: Account, version: int) -> bool:
        return await self._write(accounts.replace_accounts, (account, version), bool)

    async def add_key(self, key: ApiKey) -> None:
        await self._run(accounts.add_keys, key)

    async def revoke_key(self, key_id: str, now: datetime) -> ApiKey | None:
        return await self._run(accounts.revoke_keys, (key_id, now))  # type: ignore[no-any-return]

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        await self._run(accounts.note_uses, uses)

    async def standing(self, account: str) -> Standing:
        return await self._look(lambda db: accounts.standing(db, account))

    async def top_up(self, top_up: TopUp) -> ToppedUp:
        return await self._write(accounts.top_up, top_up, ToppedUp)

    async def ledger(self, account: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        return await self._read(lambda db: accounts.ledger(db, account, after, limit))

    # One-time passwords

    async def send_code(self, wanted: SendCode) -> SentCode:
        return await self._write(verifications.send_codes, wanted, SentCode)

    async def repeat_code(self, request: RequestKey) -> SentCode | None:
        return await self._look(lambda db: verifications.repeat(db, request, self._head))

    async def otp_hits(
        self, account: str, recipient: str, country: str, limits: Sequence[Limit], now: datetime
    ) -> Sequence[LimitHit]:
        return await self._read(
            lambda db: verifications.hits(db, account, recipient, country, limits, now)
        )

    async def codes_sent(self, account: str, since: datetime, most: int) -> SentCodes:
        return await self._read(lambda db: verifications.sent(db, account, since, most))

    async def verification(self, account: str, verification_id: str) -> Verification | None:
        return await self._look(lambda db: verifications.get(db, account, verification_id))

    async def newest_verification(
        self, account: str, recipient: str, purpose: str
    ) -> Verification | None:
        return await self._look(lambda db: verifications.newest(db, account, recipient, purpose))

    async def messages_of(self, verification_id: str) -> Sequence[Message]:
        return await self._look(lambda db: verifications.messages_of(db, verification_id))

    async def attempt(self, attempt: Attempt) -> Attempted | None:
        return await self._run(verifications.attempt, attempt)  # type: ignore[no-any-return]

    async def cancel_verification(
        self, account: str, verification_id: str, now: datetime
    ) -> CancelledCode | None:
        wanted = (account, verification_id, now)
        return await self._run(verifications.cancel_verifications, wanted)  # type: ignore[no-any-return]

    # Usage and tariffs

    async def count_free_requests(self, counts: Mapping[tuple[str, int], int]) -> None:
        await self._run(usage.count_free_requests, counts)

    async def usage(self, query: UsageQuery) -> Sequence[UsageRow]:
        return await self._read(lambda db: usage.usage(db, query))

    async def tariff(self) -> TariffVersion | None:
        return await self._read(usage.tariff)

    async def import_tariff(self, version: TariffVersion) -> bool:
        return await self._write(usage.import_tariffs, version, bool)

    # Carriers

    async def report_carriers(self, reports: Sequence[CarrierReport]) -> None:
        await self._run(carriers.report_carriers, reports)

    async def carrier_reports(self) -> Sequence[CarrierReport]:
        return await self._read(carriers.carrier_reports)

    # Webhooks

    async def webhooks(self) -> Sequence[KnownWebhook]:
        return await self._read(webhooks.webhooks)

    async def create_webhook(
        self,
        webhook: Webhook,
        position: int,
        request: RequestKey | None = None,
        room: bool = True,
    ) -> CreatedWebhook:
        wanted = (webhook, position, request, room)
        return await self._write(webhooks.create_webhooks, wanted, CreatedWebhook)

    async def replace_webhook(self, webhook: Webhook) -> None:
        await self._run(webhooks.replace_webhooks, webhook)

    async def delete_webhook(self, key: str) -> None:
        await self._run(webhooks.delete_webhooks, key)

    async def record_progress(self, progress: Progress) -> None:
        await self._run(webhooks.record_progress, progress)

    async def parked(self, key: str) -> Sequence[Parked]:
        return await self._read(lambda db: webhooks.parked(db, key))

    async def parked_body(self, key: str, seq: int) -> str | None:
        return await self._look(lambda db: webhooks.parked_body(db, key, seq))

    async def failed(self, query: FailedQuery, limit: int) -> Sequence[Parked]:
        return await self._read(lambda db: webhooks.failed(db, query, limit))

    async def revive(self, query: FailedQuery, now: datetime, limit: int) -> Sequence[Parked]:
        return await self._run(webhooks.revive, (query, now, limit))  # type: ignore[no-any-return]

    async def forget_failed(self, before: datetime) -> int:
        return await self._write(webhooks.forget_failed, before, int)

    # Retention

    async def prune(self, horizons: Horizons) -> Mapping[str, int]:
        earliest = await self.position_at(horizons.log)
        await self._run(retention.move_earliest, earliest)
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
            forgotten["messages"] = await self._forget_messages(horizons.messages)
            codes = micros(min(horizons.messages, horizons.codes))
            forgotten["codes"] = await self._sweep(retention.delete_codes, codes)
        return forgotten

    async def _forget_messages(self, horizon: datetime) -> int:
        return await self._delete_messages(horizon)

    async def _delete_messages(self, horizon: datetime) -> int:
        """Row by row, in small steps."""
        return await self._sweep(retention.delete_messages, await self._forgettable(horizon))

    async def _forgettable(self, horizon: datetime) -> int:
        """The position up to which messages are older, and no stream may start."""
        return min(await self.position_at(horizon), self._earliest)

    async def _sweep(self, operation: Callable[..., Any], horizon: int) -> int:
        total = 0
        while deleted := await self._write(operation, horizon, int):
            total += deleted
        return total

    async def _write(self, operation: Callable[..., Any], argument: Any, kind: type[_T]) -> _T:
        result = await self._run(operation, argument)
        assert isinstance(result, kind)
        return result
