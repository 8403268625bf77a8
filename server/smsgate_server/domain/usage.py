"""What is counted of an account's use, and how a message's life changes the counts.

Counts are kept by account, day, country, status and currency, so that every report is a sum of
them. A message is counted in the day it was accepted, under the status it has now: a transition
takes it out of one row and puts it into another.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from smsgate_server.domain.message import Message, Status

_DAY_ONE = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)

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
    cost: int = 0

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*map(int.__add__, self, other))


NOTHING = Counts()
_FREE = Counts(free_requests=1)
_PAID = Counts(paid_requests=1)


class UsageRow(NamedTuple):
    key: UsageKey
    counts: Counts


class Usage:
    """Changes of counts that belong to one transaction, added up."""

    __slots__ = ("_changes",)

    def __init__(self) -> None:
        self._changes: dict[UsageKey, list[int]] = {}

    @property
    def changes(self) -> Mapping[UsageKey, list[int]]:
        return self._changes

    def add(self, key: UsageKey, counts: Counts) -> None:
        row = self._changes.get(key)
        if row is None:
            self._changes[key] = list(counts)
        else:
            for index, count in enumerate(counts):
                if count:
                    row[index] += count

    def paid_request(self, account: str, time: datetime, country: str) -> None:
        key = UsageKey(account, day_of(time), country, NO_STATUS, NO_CURRENCY)
        self.add(key, _PAID)

    def accepted(self, message: Message) -> None:
        self.add(_key(message), _counts(message))

    def moved(self, before: Message, after: Message) -> None:
        """`after` is what became of `before`."""
        if before.status is not after.status or before.refunded is not after.refunded:
            self.add(_key(before), Counts(*(-count for count in _counts(before))))
            self.add(_key(after), _counts(after))


def free_requests(account: str, day: int, count: int) -> tuple[UsageKey, Counts]:
    """What `count` requests of an account that cost nothing add."""
    return UsageKey(account, day, "", NO_STATUS, NO_CURRENCY), Counts(free_requests=count)


def recount(messages: Mapping[str, Message] | list[Message]) -> dict[UsageKey, Counts]:
    """The counts of messages, from nothing but the messages."""
    usage = Usage()
    for message in messages.values() if isinstance(messages, Mapping) else messages:
        usage.accepted(message)
    return {key: Counts(*row) for key, row in usage.changes.items()}


def _key(message: Message) -> UsageKey:
    return UsageKey(
        message.account,
        day_of(message.create_time),
        message.country,
        int(message.status),
        message.price.currency,
    )


def _counts(message: Message) -> Counts:
    segments = message.segments
    kept = not message.refunded
    return Counts(
        messages=1,
        otp_messages=1 if message.verification_id else 0,
        segments=segments,
        bundle_segments=message.bundle_segments if kept else 0,
        unpriced_segments=0 if message.price.known else segments,
        cost=message.cost_micros if kept else 0,
    )


def day_of(time: datetime) -> int:
    return (time - _EPOCH) // _DAY


def date_of(day: int) -> date:
    return _DAY_ONE + timedelta(days=day)


def status_of(key: UsageKey) -> Status | None:
    return Status(key.status) if key.status else None
