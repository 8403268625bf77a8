"""A message, its six statuses and the transitions between them.

The whole life cycle is in this file.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType

from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.values import changed, frozen

# The product's promise: delivery is tried for at most this long.
MAX_VALIDITY = timedelta(hours=48)


class Status(IntEnum):
    """The six statuses. They never grow; nuance lives in `Reason`. Numbers are the contract's."""

    NEW = 1
    PENDING = 2
    UNDELIVERABLE = 3
    DELIVERED = 4
    EXPIRED = 5
    REJECTED = 6

    @property
    def final(self) -> bool:
        return not TRANSITIONS[self]


# A DLR may overtake the submit response, so NEW can go straight to any final status.
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.NEW: frozenset(Status) - {Status.NEW},
    Status.PENDING: frozenset(Status) - {Status.NEW, Status.PENDING},
    Status.UNDELIVERABLE: frozenset(),
    Status.DELIVERED: frozenset(),
    Status.EXPIRED: frozenset(),
    Status.REJECTED: frozenset(),
}


class Reason(IntEnum):
    """Why a message has its status. Open: readers must expect values they do not know."""

    UNSPECIFIED = 0
    ACCEPTED = 1
    SCHEDULED = 2
    SUBMITTED = 3
    HANDSET_RECEIPT = 4
    NETWORK_RECEIPT = 5
    VALIDITY_ELAPSED = 6
    CANCELLED_BY_CLIENT = 7
    POLICY_BLOCKED = 8
    PROVIDER_REFUSED = 9
    UNKNOWN_SUBSCRIBER = 10
    PARTIAL_DELIVERY = 11
    SUBMIT_OUTCOME_UNKNOWN = 12
    INTERMEDIATE_RECEIPT = 13


class Encoding(IntEnum):
    GSM7 = 1
    UCS2 = 2


class UnknownSubmit(IntEnum):
    """What to do when the carrier's answer to a submit was lost."""

    AT_MOST_ONCE = 1
    AT_LEAST_ONCE = 2


class PriceStatus(IntEnum):
    """How far a price can be trusted; UNKNOWN means that there is none, never that it is zero."""

    UNKNOWN = 1
    VENDOR_PUBLISHED = 2
    UNVERIFIED = 3
    DISPUTED = 4
    EXAMPLE = 5
    OPERATOR = 6


@frozen
class Price:
    """A price frozen at acceptance. Amounts are integer micros of `currency`, excluding VAT."""

    status: PriceStatus = PriceStatus.UNKNOWN
    currency: str = ""
    per_segment_micros: int = 0
    total_micros: int = 0
    tariff_version: int = 0

    @property
    def known(self) -> bool:
        return self.status is not PriceStatus.UNKNOWN


NO_PRICE = Price()
# One for all messages without labels: whoever has it must not change it.
NO_LABELS: Mapping[str, str] = MappingProxyType({})


@frozen(kw_only=True)
class Message:
    """One SMS to one recipient, as stored. Times are aware UTC datetimes.

    `seq` is the position of its NEW event in the log and `last_seq` that of its newest event; both
    are 0 until it is stored. `bundle_segments` are those that cost nothing, because a bundle
    covered them; `refunded` says that the rest of the charge was returned, too.
    """

    id: str
    account: str
    sender: str
    recipient: str
    country: str
    country_code: int
    text: str
    encoding: Encoding
    characters: int
    segments: int
    substituted_characters: int = 0
    status: Status = Status.NEW
    reason: Reason = Reason.ACCEPTED
    price: Price = NO_PRICE
    billing: BillingMode = BillingMode.SUBSCRIPTION
    bundle_segments: int = 0
    refunded: bool = False
    batch_id: str = ""
    client_reference: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    on_unknown_submit: UnknownSubmit = UnknownSubmit.AT_MOST_ONCE
    verification_id: str = ""
    callback: Callback | None = None
    carrier: str = ""
    create_time: datetime
    update_time: datetime
    expire_time: datetime
    schedule_time: datetime | None = None
    sent_time: datetime | None = None
    final_time: datetime | None = None
    seq: int = 0
    last_seq: int = 0

    def numbered(self, seq: int) -> "Message":
        """This message, told its place in the log; for a store, while nobody else has it."""
        # A copy of a frozen dataclass with thirty fields costs more than storing its row.
        object.__setattr__(self, "seq", seq)
        object.__setattr__(self, "last_seq", seq)
        return self

    def charged(self, bundle_segments: int) -> "Message":
        """This message, told what a bundle covers; for a store, while nobody else has it."""
        object.__setattr__(self, "bundle_segments", bundle_segments)
        return self

    @property
    def cost_micros(self) -> int:
        """What was charged for it, returned or not."""
        return self.price.per_segment_micros * (self.segments - self.bundle_segments)

    @property
    def due_time(self) -> datetime:
        """When it may first be submitted."""
        return self.schedule_time or self.create_time

    @property
    def delivered_time(self) -> datetime | None:
        return self.final_time if self.status is Status.DELIVERED else None

    @property
    def is_otp(self) -> bool:
        return bool(self.verification_id)

    def after(self, event: "StatusEvent", refund: bool = False) -> "Message":
        """This message once `event` happened to it, and with `refund` its charge was returned.

        A late receipt changes nothing but `last_seq`.
        """
        if event.late:
            return changed(self, last_seq=event.seq)
        submitted = event.reason in (Reason.SUBMITTED, Reason.SUBMIT_OUTCOME_UNKNOWN)
        return changed(
            self,
            status=event.to_status,
            reason=event.reason,
            carrier=event.carrier or self.carrier,
            update_time=event.event_time,
            sent_time=event.event_time if submitted and not self.sent_time else self.sent_time,
            final_time=event.event_time if event.to_status.final else None,
            refunded=refund,
            last_seq=event.seq,
        )


@frozen(kw_only=True)
class StatusEvent:
    """One entry of the log: a transition, or a receipt that came too late to be one.

    `message` is the message the event belongs to; of it only what never changes may be relied on
    (recipient, sender, labels …). `from_status` is None for NEW. A late event has from = to = the
    final status the message keeps, and `late_status` says what the receipt reported.
    """

    seq: int
    message: Message
    from_status: Status | None
    to_status: Status
    reason: Reason
    event_time: datetime
    carrier: str = ""
    carrier_time: datetime | None = None
    carrier_code: str = ""
    segment: int = 0
    late: bool = False
    late_status: Status | None = None
