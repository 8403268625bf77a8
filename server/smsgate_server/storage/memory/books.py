"""Balances, the ledger and counts of use."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count

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
from smsgate_server.domain.usage import Counts, Usage, UsageKey, UsageRow, free_requests
from smsgate_server.domain.values import changed
from smsgate_server.services.ports import EntryKind, LedgerEntry, UsageQuery


class Books:
    """One ledger entry for each message that moves a balance."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._standings: dict[str, Standing] = {}
        self._entries: list[LedgerEntry] = []
        self._ids: defaultdict[str, count[int]] = defaultdict(lambda: count(1))

    def standing(self, account: str) -> Standing:
        return self._standings.get(account, NO_STANDING)

    def check(self, terms: Terms, messages: Sequence[Message]) -> dict[int, Declined]:
        """Which of `messages`, all of one account, could not be paid after those before them."""
        standing = self.standing(messages[0].account) if messages else NO_STANDING
        return unpaid(terms, standing, messages)

    def charge(self, terms: Terms, message: Message) -> Charged | Declined:
        charged = charge(terms, self.standing(message.account), message)
        if isinstance(charged, Charged):
            self._standings[message.account] = charged.standing
        return charged

    def enter(self, message: Message) -> None:
        """Count a stored message, and put its charge in the ledger."""
        self.usage.accepted([message])
        if message.billing is BillingMode.PREPAID and message.cost_micros:
            self._move(EntryKind.CHARGE, -message.cost_micros, message)

    def follow(self, before: Message, after: Message) -> None:
        """Count what became of a message, and return its charge if it was never sent."""
        self.usage.moved(before, after)
        if not after.refunded or before.refunded:
            return
        self._standings[after.account] = refund(self.standing(after.account), after)
        if after.billing is BillingMode.PREPAID and after.cost_micros:
            self._move(EntryKind.REFUND, after.cost_micros, after)

    def deposit(self, account: str, micros: int, note: str, time: datetime) -> LedgerEntry:
        before = self.standing(account)
        after = self._standings[account] = changed(before, balance=before.balance + micros)
        entry = LedgerEntry(
            next(self._ids[account]), account, EntryKind.TOP_UP, micros, after.balance, time, note
        )
        self._entries.append(entry)
        return entry

    def _move(self, kind: EntryKind, amount: int, message: Message) -> None:
        balance = self.standing(message.account).balance
        span = (1, message.seq, message.seq)
        self._entries.append(
            LedgerEntry(
                next(self._ids[message.account]),
                message.account,
                kind,
                amount,
                balance,
                message.update_time,
                "",
                *span,
            )
        )

    def ledger(self, account: str, after: int, limit: int) -> Sequence[LedgerEntry]:
        own = [entry for entry in self._entries if entry.account == account and entry.id > after]
        return own[:limit]

    def count_free(self, counts: Mapping[tuple[str, int], int]) -> None:
        for (account, day), number in counts.items():
            self.usage.add(*free_requests(account, day, number))

    def rows(self, query: UsageQuery) -> Sequence[UsageRow]:
        return [
            UsageRow(key, Counts(*counts))
            for key, counts in ((UsageKey(*k), c) for k, c in self.usage.changes.items())
            if query.first <= key.day <= query.last
            and query.account in (None, key.account)
            and (not query.countries or key.country in query.countries)
        ]
