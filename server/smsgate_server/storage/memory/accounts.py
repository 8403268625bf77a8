"""Accounts, keys and top-ups."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from smsgate_server.domain.account import Account, ApiKey
from smsgate_server.domain.charging import Standing
from smsgate_server.domain.usage import UsageRow
from smsgate_server.services.ports import (
    MAX_BALANCE,
    CreatedAccount,
    Directory,
    LedgerEntry,
    RequestKey,
    TariffVersion,
    ToppedUp,
    TopUp,
    UsageQuery,
)
from smsgate_server.storage.memory.books import Books


class Accounts:
    """The AccountStore, UsageStore and TariffStore ports."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._accounts: dict[str, Account] = {}
        self._keys: dict[str, ApiKey] = {}
        self._made: dict[tuple[str, str, str], tuple[bytes, str]] = {}
        self._top_ups: dict[tuple[str, str, str], tuple[bytes, LedgerEntry]] = {}
        self._tariff: TariffVersion | None = None
        self._revision = 0

    async def directory(self) -> Directory:
        accounts = [self._accounts[name] for name in sorted(self._accounts)]
        return Directory(accounts, list(self._keys.values()), self._revision, bool(self._keys))

    async def revision(self) -> int:
        return self._revision

    async def create_account(self, account: Account, request: RequestKey | None) -> CreatedAccount:
        if request is not None and (seen := self._made.get(_name(request))):
            if seen[0] != request.fingerprint:
                return CreatedAccount(None, conflict=True)
            return CreatedAccount(self._accounts[seen[1]], replayed=True)
        if account.id in self._accounts:
            return CreatedAccount(None)
        self._accounts[account.id] = account
        if request is not None:
            self._made[_name(request)] = (request.fingerprint, account.id)
        self._revision += 1
        return CreatedAccount(account)

    async def replace_account(self, account: Account, version: int) -> bool:
        present = self._accounts.get(account.id)
        if present is None or present.version != version:
            return False
        self._accounts[account.id] = account
        self._revision += 1
        return True

    async def add_key(self, key: ApiKey) -> None:
        self._keys[key.id] = key
        self._revision += 1

    async def revoke_key(self, key_id: str, now: datetime) -> ApiKey | None:
        key = self._keys.get(key_id)
        if key is None:
            return None
        if key.revoke_time is None:
            key = self._keys[key_id] = replace(key, revoke_time=now)
        self._revision += 1
        return key

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        for key_id, time in uses.items():
            if key_id in self._keys:
                self._keys[key_id] = replace(self._keys[key_id], last_used_time=time)

    async def standing(self, account: str) -> Standing:
        return self._books.standing(account)

    async def top_up(self, top_up: TopUp) -> ToppedUp:
        if seen := self._top_ups.get(_name(top_up.request)):
            fingerprint, entry = seen
            if fingerprint != top_up.request.fingerprint:
                return ToppedUp(conflict=True)
            return ToppedUp(entry.id, entry.balance, replayed=True)
        if self._books.standing(top_up.account).balance + top_up.micros > MAX_BALANCE:
            return ToppedUp(too_much=True)
        entry = self._books.deposit(top_up.account, top_up.micros, top_up.note, top_up.time)
        self._top_ups[_name(top_up.request)] = (top_up.request.fingerprint, entry)
        return ToppedUp(entry.id, entry.balance)

    async def ledger(self, account: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        return self._books.ledger(account, after, limit)

    async def count_free_requests(self, counts: Mapping[tuple[str, int], int]) -> None:
        self._books.count_free(counts)

    async def usage(self, query: UsageQuery) -> Sequence[UsageRow]:
        return self._books.rows(query)

    async def tariff(self) -> TariffVersion | None:
        return self._tariff

    async def import_tariff(self, version: TariffVersion) -> bool:
        if version.version != (self._tariff.version if self._tariff else 1) + 1:
            return False
        self._tariff = version
        self._revision += 1
        return True


def _name(request: RequestKey) -> tuple[str, str, str]:
    return request.account, request.method, request.request_id
