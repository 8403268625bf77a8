"""What one commit changes of balances and counts: read once, changed in memory, written once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.charging import (
    NO_STANDING,
    Charged,
    Declined,
    Standing,
    Terms,
    charge,
    refund,
    unpaid,
)
from smsgate_server.domain.message import Message
from smsgate_server.domain.usage import Usage
from smsgate_server.domain.values import changed
from smsgate_server.services.ports import EntryKind
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.database import Database, Row
from smsgate_server.storage.sql.rows import micros

_FIND = BulkStatement(
    "SELECT account, entries, balance, month, spent, bundle_used FROM standings "
    "WHERE account IN ({rows})",
    "t",
)
_WRITE = BulkStatement(
    """
    INSERT INTO standings (account, entries, balance, month, spent, bundle_used) {rows}
    ON CONFLICT (account) DO UPDATE SET entries = excluded.entries, balance = excluded.balance,
        month = excluded.month, spent = excluded.spent, bundle_used = excluded.bundle_used
    """,
    "tnnnnn",
)
_ENTER = BulkStatement(
    "INSERT INTO ledger "
    "(account, id, kind, micros, balance, time, note, messages, first_seq, last_seq) {rows}",
    "tnnnnntnnn",
)
COUNTS = (
    "free_requests",
    "paid_requests",
    "messages",
    "otp_messages",
    "segments",
    "bundle_segments",
    "unpriced_segments",
    "verifications",
    "verified",
    "cost",
)
_COUNT = BulkStatement(
    f"""
    INSERT INTO usage (account, day, country, status, currency, {", ".join(COUNTS)})
    {{rows}}
    ON CONFLICT (account, day, country, status, currency) DO UPDATE SET
    {", ".join(f"{count} = usage.{count} + excluded.{count}" for count in COUNTS)}
    """,
    "tntnt" + "n" * len(COUNTS),
)


@dataclass(slots=True)
class _Movement:
    """The messages of one commit that move a balance in one direction."""

    first_seq: int
    last_seq: int = 0
    micros: int = 0
    messages: int = 0

    def add(self, micros: int, seq: int) -> None:
        self.micros += micros
        self.messages += 1
        if seq > self.last_seq:
            self.last_seq = seq
        if seq < self.first_seq:
            self.first_seq = seq


class Books:
    """`usage` takes counts; `charge` and `refund` take money. `write` once, before the commit."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.usage = Usage()
        self._standings: dict[str, Standing] = {}
        self._entries: dict[str, int] = {}
        self._changed: set[str] = set()
        self._movements: dict[tuple[str, EntryKind], _Movement] = {}
        self._time: datetime | None = None

    def load(self, accounts: Iterable[str]) -> None:
        """Read the standings of these accounts, all at once."""
        missing = [(account,) for account in set(accounts) if account not in self._standings]
        for account, entries, *figures in _FIND.fetch(self._db, missing):
            self._standings[account] = Standing(*figures)
            self._entries[account] = entries

    def standing(self, account: str) -> Standing:
        return self._standings.get(account, NO_STANDING)

    def check(self, terms: Terms, messages: Sequence[Message]) -> dict[int, Declined]:
        """Which of `messages`, all of one account, could not be paid after those before them."""
        standing = self.standing(messages[0].account) if messages else NO_STANDING
        return unpaid(terms, standing, messages)

    def charge(self, terms: Terms, message: Message) -> Charged | Declined:
        """Charge a message that is about to be numbered; `enter` it once it is, with others."""
        account = message.account
        before = self._standings.get(account, NO_STANDING)
        charged = charge(terms, before, message)
        if isinstance(charged, Charged) and charged.standing is not before:
            self._standings[account] = charged.standing
            self._changed.add(account)
        return charged

    def enter(self, messages: Collection[Message]) -> None:
        """Count stored messages, and put their charges in the ledger."""
        self.usage.accepted(messages)
        for message in messages:
            if message.billing is BillingMode.PREPAID and (cost := message.cost_micros):
                self._move(EntryKind.CHARGE, -cost, message)

    def deposit(self, account: str, amount: int, time: int, note: str) -> tuple[int, int]:
        """Add to a balance; returns the id of the entry and the balance."""
        # What moved the balance before goes into the ledger first.
        self._write_ledger()
        before = self.standing(account)
        after = changed(before, balance=before.balance + amount)
        self._standings[account] = after
        self._changed.add(account)
        entry = self._next_entry(account)
        kind = int(EntryKind.TOP_UP)
        _ENTER.run(self._db, [(account, entry, kind, amount, after.balance, time, note, 0, 0, 0)])
        return entry, after.balance

    def follow(self, before: Message, after: Message) -> None:
        """Count what became of a message, and return its charge if it was never sent."""
        self.usage.moved(before, after)
        if not after.refunded or before.refunded:
            return
        account = after.account
        self.load([account])
        self._standings[account] = refund(self.standing(account), after)
        self._changed.add(account)
        if after.billing is BillingMode.PREPAID and after.cost_micros:
            self._move(EntryKind.REFUND, after.cost_micros, after)

    def _move(self, kind: EntryKind, amount: int, message: Message) -> None:
        name, seq = (message.account, kind), message.seq
        moved = self._movements.get(name)
        if moved is None:
            moved = self._movements[name] = _Movement(seq)
        moved.add(amount, seq)
        if self._time is None or message.update_time > self._time:
            self._time = message.update_time

    def write(self) -> None:
        self._write_ledger()
        if self._changed:
            _WRITE.run(self._db, [self._standing_row(account) for account in self._changed])
        if self.usage.changes:
            _COUNT.run(self._db, [(*key, *row) for key, row in self.usage.changes.items()])

    def _write_ledger(self) -> None:
        if self._movements:
            _ENTER.run(self._db, self._ledger_rows())
            self._movements.clear()

    def _standing_row(self, account: str) -> Row:
        s = self._standings[account]
        entries = self._entries.get(account, 0)
        return (account, entries, s.balance, s.month, s.spent, s.bundle_used)

    def _next_entry(self, account: str) -> int:
        entry = self._entries[account] = self._entries.get(account, 0) + 1
        return entry

    def _ledger_rows(self) -> list[Row]:
        """Refunds before charges, so that no entry shows a balance that could not be."""
        assert self._time is not None
        rows, time = [], micros(self._time)
        for (account, kind), moved in sorted(self._movements.items(), reverse=True):
            balance = self.standing(account).balance
            charges = self._movements.get((account, EntryKind.CHARGE))
            if kind is EntryKind.REFUND and charges is not None:
                balance -= charges.micros
            span = (moved.messages, moved.first_seq, moved.last_seq)
            entry = self._next_entry(account)
            rows.append((account, entry, int(kind), moved.micros, balance, time, "", *span))
        return rows
