"""Accounts, keys and money, as the services need them from a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Protocol

from smsgate_server.domain.account import Account, ApiKey
from smsgate_server.domain.charging import Standing
from smsgate_server.services.ports.messages import RequestKey


@dataclass(frozen=True, slots=True)
class Directory:
    """Every account and every key, at one revision. `had_keys`: whether there ever was one."""

    accounts: Sequence[Account]
    keys: Sequence[ApiKey]
    revision: int
    had_keys: bool


@dataclass(frozen=True, slots=True)
class CreatedAccount:
    """`account` is None if the id is taken, or with `conflict` if the request id is."""

    account: Account | None
    replayed: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class TopUp:
    account: str
    micros: int
    note: str
    time: datetime
    request: RequestKey


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """`too_much`: the balance would pass what can be counted. Then nothing was added."""

    entry_id: int = 0
    balance: int = 0
    replayed: bool = False
    conflict: bool = False
    too_much: bool = False


class EntryKind(IntEnum):
    TOP_UP = 1
    CHARGE = 2
    REFUND = 3


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A change of a balance. The charges of one commit are one entry: `messages` of them, whose
    places in the log are `first_seq` to `last_seq`.
    """

    id: int
    account: str
    kind: EntryKind
    micros: int
    balance: int
    time: datetime
    note: str = ""
    messages: int = 0
    first_seq: int = 0
    last_seq: int = 0


# A balance stays far below what 64 bits hold.
MAX_BALANCE = 10**18


class AccountStore(Protocol):
    """Accounts, their keys and their money. Each method is one transaction."""

    async def directory(self) -> Directory: ...

    async def revision(self) -> int:
        """Changes whenever accounts, keys or tariffs do, whoever changed them; cheap to ask."""
        ...

    async def create_account(self, account: Account, request: RequestKey | None) -> CreatedAccount:
        """Store a new account; its request id is kept for ever."""
        ...

    async def replace_account(self, account: Account, version: int) -> bool:
        """Store `account` in place of its version `version`; False if that is not the present
        one.
        """
        ...

    async def add_key(self, key: ApiKey) -> None: ...

    async def revoke_key(self, key_id: str, now: datetime) -> ApiKey | None:
        """The revoked key, with the time of the first revocation; None if there is none."""
        ...

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Remember when keys were last used."""
        ...

    async def standing(self, account: str) -> Standing: ...

    async def top_up(self, top_up: TopUp) -> ToppedUp: ...

    async def ledger(self, account: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        """Entries with ids above `after`, oldest first."""
        ...
