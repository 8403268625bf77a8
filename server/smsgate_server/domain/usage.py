"""What is counted of an account's use, and how a message's life changes the counts.

Counts are kept by account, day, country, status and currency, so that every report is a sum of
them. A message is counted in the day it was accepted, under the status it has now: a transition
takes it out of one row and puts it into another.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from smsgate_server.domain.message import Message, Status
from smsgate_server.domain.otp import Verification

_DAY_ONE = date(1970, 1, 1)
_DAY_ONE_ORDINAL = _DAY_ONE.toordinal()

# The status and the currency of what is not a message.
NO_STATUS = 0
NO_CURRENCY = ""


class UsageKey(NamedTuple):
    """`day` is counted from 1970-01-01, UTC. Requests have no status; reads have no country."""

    account: str
    day: int
    country: str
    status: int
    currency: str


class Counts(NamedTuple):
    """`cost` is what was charged less what was returned, in micros of the key's currency."""

    free_requests: int = 0
    paid_requests: int = 0
    messages: int = 0
    otp_messages: int = 0
    segments: int = 0
    bundle_segments: int = 0
    unpriced_segments: int = 0
    verifications: int = 0
    verified: int = 0
    cost: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*map(int.__add__, self, other))


NOTHING = Counts()
_PAID, _MESSAGES, _OTP, _SEGMENTS, _BUNDLE, _UNPRICED, _VERIFICATIONS, _VERIFIED, _COST = (
    Counts._fields.index(name)
    for name in (
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
)


class UsageRow(NamedTuple):
    key: UsageKey
    counts: Counts


class Usage:
    """Changes of counts that belong to one transaction, added up."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes: dict[tuple[str, int, str, int, str], list[int]] = {}

    @property
    def changes(self) -> Mapping[tuple[str, int, str, int, str], list[int]]:
        """Rows of counts; each key has the fields of a UsageKey."""
        return self._changes

    def add(self, key: UsageKey, counts: Counts) -> None:
        row = self._row(key)
        for index, count in enumerate(counts):
            row[index] += count

    def _row(self, key: tuple[str, int, str, int, str]) -> list[int]:
        # A plain tuple is looked up: it equals the key, and is made faster.
        row = self._changes.get(key)
        if row is None:
            row = self._changes[key] = [0] * len(NOTHING)
        return row

    def paid_request(self, account: str, time: datetime, country: str) -> None:
        self._row((account, day_of(time), country, NO_STATUS, NO_CURRENCY))[_PAID] += 1

    def asked_for(self, verification: Verification) -> None:
        self._codes_row(verification)[_VERIFICATIONS] += 1

    def verified(self, verification: Verification) -> None:
        """Its code came back. It counts in the day the code was asked for, so that what came back
        can be compared with what was sent.
        """
        self._codes_row(verification)[_VERIFIED] += 1

    def _codes_row(self, v: Verification) -> list[int]:
        return self._row((v.account, day_of(v.create_time), v.country, NO_STATUS, NO_CURRENCY))

    def accepted(self, messages: Iterable[Message]) -> None:
        self._count(messages, 1)

    def moved(self, before: Message, after: Message) -> None:
        """`after` is what became of `before`."""
        if before.status is not after.status or before.refunded is not after.refunded:
            self._count((before,), -1)
            self._count((after,), 1)

    def _count(self, messages: Iterable[Message], sign: int) -> None:
        # Every message comes through here several times in its life: rows are changed in place.
        for message in messages:
            price, segments = message.price, message.segments
            day = day_of(message.create_time)
            key = (message.account, day, message.country, message.status, price.currency)
            row = self._row(key)
            row[_MESSAGES] += sign
            row[_SEGMENTS] += sign * segments
            if message.verification_id:
                row[_OTP] += sign
            if not price.known:
                row[_UNPRICED] += sign * segments
            elif not message.refunded:
                row[_BUNDLE] += sign * message.bundle_segments
                row[_COST] += sign * message.cost_micros


def free_requests(account: str, day: int, count: int) -> tuple[UsageKey, Counts]:
    """What `count` requests of an account that cost nothing add."""
    return UsageKey(account, day, "", NO_STATUS, NO_CURRENCY), Counts(free_requests=count)


def recount(messages: Mapping[str, Message] | list[Message]) -> dict[UsageKey, Counts]:
    """The counts of messages, from nothing but the messages."""
    usage = Usage()
    usage.accepted(messages.values() if isinstance(messages, Mapping) else messages)
    return {UsageKey(*key): Counts(*row) for key, row in usage.changes.items()}


def day_of(time: datetime) -> int:
    return time.toordinal() - _DAY_ONE_ORDINAL


def date_of(day: int) -> date:
    return _DAY_ONE + timedelta(days=day)


def status_of(key: UsageKey) -> Status | None:
    return Status(key.status) if key.status else None
