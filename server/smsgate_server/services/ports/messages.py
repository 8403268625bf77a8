"""Messages, their log and the way to the handsets, as the services need them from the world."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from smsgate_server.domain.charging import DEFAULT_TERMS, Declined, Terms
from smsgate_server.domain.delivery import Delivery, Receipt, SubmitResult
from smsgate_server.domain.filters import MessageFilter
from smsgate_server.domain.message import Message, StatusEvent
from smsgate_server.domain.pricing import PriceList
from smsgate_server.domain.routing import DEFAULT_LANE
from smsgate_server.domain.values import frozen


class Clock(Protocol):
    def now(self) -> datetime:
        """The present as an aware UTC datetime.

        Never goes back, not even when the system's clock does.
        """
        ...


class Ids(Protocol):
    def new(self, time: datetime) -> str:
        """A new UUIDv7 in text form. Ids made later sort later."""
        ...


class Pricing(Protocol):
    def prices(self, now: datetime) -> PriceList:
        """The prices in force at `now`."""
        ...


@frozen
class RequestKey:
    """Makes a request repeatable.

    `fingerprint` tells a true repeat from another request's reuse of the id.
    """

    account: str
    method: str
    request_id: str
    fingerprint: bytes


@frozen
class Entry:
    """One message to store; with a key, only if the key was not seen before."""

    message: Message
    request: RequestKey | None = None


@frozen
class Acceptance:
    """Messages of one account to store together, each charged by `terms`.

    `refused` is kept with the request, so that a repeat can tell it again. With `all_or_nothing`
    none is stored if one cannot be paid.
    """

    entries: Sequence[Entry]
    request: RequestKey | None = None
    refused: str = ""
    terms: Terms = DEFAULT_TERMS
    all_or_nothing: bool = False


@frozen
class StoredEntry:
    """`message` is None if it was not paid for (`declined` says why), or else if the request id of
    the entry was used for something else, then or now.
    """

    message: Message | None
    replayed: bool = False
    declined: Declined | None = None
    over_budget: bool = False


@frozen
class Accepted:
    """`position` is at or after the NEW events and before every later event of the messages.

    With `replayed` the entries are those of the first request, as they are now, and `refused` what
    was kept with it. With `conflict` nothing was stored, because the request id was used for
    something else.
    """

    entries: Sequence[StoredEntry]
    position: int
    replayed: bool = False
    conflict: bool = False
    refused: str = ""


@frozen
class Cancelled:
    """`message` is None if there is none; `changed` is False if it was cancelled before or is under
    way.
    """

    message: Message | None
    position: int = 0
    changed: bool = False


@frozen
class Claim:
    """A message to submit, its attempt already on record.

    Of an earlier attempt `carrier` has the parts in `accepted`, tied together by `reference`: only
    the others are submitted, and only to it.
    """

    message: Message
    attempt: int
    accepted: int = 0
    reference: int = 0
    carrier: str = ""

    @classmethod
    def of(cls, message: Message, delivery: Delivery) -> "Claim":
        if not delivery.accepted:
            return cls(message, delivery.attempts)
        d = delivery
        return cls(message, d.attempts, d.accepted, d.reference, d.carrier)


@frozen
class Claims:
    """What was due, and when something is due next (None: nothing is waiting)."""

    claims: Sequence[Claim]
    next_due: datetime | None


@frozen
class Page:
    """Messages newest first. `before` is where the next page starts; 0 if this is the last."""

    messages: Sequence[Message]
    before: int
    position: int


@frozen
class LogPage:
    """Events in commit order, and the position up to which the log was read."""

    events: Sequence[StatusEvent]
    position: int


@frozen
class LogBounds:
    """Streams can start from any position of `earliest` to `head`, both included."""

    earliest: int
    head: int


@frozen
class Horizons:
    """What may be forgotten: everything older than these times.

    `codes` bounds how soon sends of codes are forgotten with their messages: limits count them.
    """

    log: datetime
    requests: datetime
    orphans: datetime
    parts: datetime
    codes: datetime
    messages: datetime | None = None


CommitListener = Callable[[Sequence[StatusEvent]], None]


class MessageStore(Protocol):
    """Durable messages and the log of their events.

    Each method is one transaction: it happens wholly or not at all, and once it returned it
    survives a crash. The log is numbered without gaps in commit order: a position is a number, and
    whoever has read up to it and reads on misses nothing and sees nothing twice. A method that
    cannot do its work because the medium fails raises `Unavailable`, and nothing was changed.
    """

    @property
    def identity(self) -> bytes:
        """8 bytes that tell this store from every other one."""
        ...

    @property
    def backlog(self) -> int:
        """How many messages wait to be submitted, scheduled ones not counted."""
        ...

    @property
    def bounds(self) -> LogBounds: ...

    async def refreshed(self) -> LogBounds:
        """The bounds after what any server that shares the store has committed by now."""
        ...

    def listen(self, listener: CommitListener) -> Callable[[], None]:
        """Call `listener` on the event loop after every commit, in order, with its events; until
        the answer is called.
        """
        ...

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Finish what was asked for and let go of the medium."""
        ...

    async def accept(self, acceptance: Acceptance) -> Accepted:
        """Store new messages with their NEW events and their request ids."""
        ...

    async def repeat(self, acceptance: Acceptance) -> Accepted | None:
        """What `accept` would answer if it need not store anything; None if it must."""
        ...

    async def get(self, account: str, message_id: str) -> Message | None: ...

    async def history(self, account: str, message_id: str) -> Sequence[StatusEvent]:
        """All events of a message, oldest first."""
        ...

    async def page(self, wanted: MessageFilter, before: int, limit: int) -> Page:
        """Messages stored before position `before` (0: now), newest first.

        Examines a bounded number of messages: a page can be short while `before` says there is
        more.
        """
        ...

    async def cancel(self, account: str, message_id: str, now: datetime) -> Cancelled: ...

    async def claim_due(self, now: datetime, limit: int, lane: str = DEFAULT_LANE) -> Claims:
        """Take messages of a lane to submit, oldest due first; ones that are past their validity
        expire instead.
        """
        ...

    async def record_submits(self, results: Sequence[SubmitResult]) -> None:
        """Write down how submits ended. Receipts that came earlier take effect now."""
        ...

    async def record_receipts(self, receipts: Sequence[Receipt], now: datetime) -> None:
        """Apply receipts; one for an id that is not known yet is kept until it is."""
        ...

    async def expire_due(self, now: datetime, limit: int) -> int:
        """Expire what no carrier took, or no receipt settled, in time; returns how many."""
        ...

    async def recover(self, now: datetime) -> int:
        """Settle attempts that a crash interrupted, by each message's policy; returns how many.

        What waits in a lane that there is no more waits where it would if it were accepted now.
        """
        ...

    async def read_log(self, after: int, limit: int) -> LogPage:
        """Events after a position.

        The NEW events of a batch are never parted, so it can exceed `limit`.
        """
        ...

    async def position_at(self, time: datetime) -> int:
        """A position before every event recorded at `time` or later, and not much before."""
        ...

    async def prune(self, horizons: Horizons) -> Mapping[str, int]:
        """Forget what is old, in bounded steps; returns what was forgotten, by table."""
        ...
