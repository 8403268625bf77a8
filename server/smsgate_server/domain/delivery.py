"""What happens to a message between acceptance and its final status, as pure decisions.

A store keeps a `Delivery` beside every message that is not final. The functions here say what a
carrier's answer or receipt means for both; the stores only write down the result. So the memory
store and the SQL stores cannot differ in their rules.

    WAITING ──claim──▶ IN_FLIGHT ──Accepted──▶ SUBMITTED ──receipts──▶ final
       ▲                   │ ─────Unknown────▶ HELD ──────receipts──▶ final
       └─ NotSent, temporary refusal, Unknown under AT_LEAST_ONCE
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import IntEnum

from smsgate_server.domain.message import (
    TRANSITIONS,
    Message,
    Reason,
    Status,
    StatusEvent,
    UnknownSubmit,
)
from smsgate_server.domain.values import changed, frozen

# Parts of one message are tracked in a bit mask that must fit a signed 64-bit integer. A carrier
# may need one or two more than there are segments.
MAX_SEGMENTS = 32

# A carrier is given the same expiry as we have; this is how long its own word may still take.
EXPIRY_GRACE = timedelta(seconds=60)


class Stage(IntEnum):
    WAITING = 1
    IN_FLIGHT = 2
    SUBMITTED = 3
    HELD = 4


@frozen
class Delivery:
    """The part of a message's state that is gone once it is final.

    `due_time` is when it may be submitted. `lane` is the queue in which it waits. `exposed` says
    that an earlier attempt may have reached the carrier, though nobody knows.

    The carrier knows a message by its parts, which are its segments, or fewer or more, as the
    carrier wants them cut. Part k + 1 is bit k: in `delivered` once it was reported so, in
    `accepted` once `carrier` took it, in `awaited` if it must be reported delivered before the
    message is (0: each of the segments). `reference` ties the parts together.
    """

    stage: Stage
    due_time: datetime
    attempts: int = 0
    delivered: int = 0
    exposed: bool = False
    lane: str = ""
    accepted: int = 0
    awaited: int = 0
    reference: int = 0
    carrier: str = ""

    @property
    def unseen(self) -> bool:
        """Whether no carrier can have the message, or a part of it."""
        return self.stage is Stage.WAITING and not self.exposed and not self.accepted


class OutcomeKind(IntEnum):
    """How a submit ended; there is no fifth way."""

    ACCEPTED = 1
    REFUSED = 2
    NOT_SENT = 3
    UNKNOWN = 4


@frozen
class SubmitOutcome:
    """A carrier's answer to one submit.

    ACCEPTED has one carrier id per part (empty where a part has none). REFUSED is permanent unless
    `temporary`; then, as after NOT_SENT, it is tried again at `retry_time`. Whatever the end, the
    parts in `accepted` were taken, have their ids, and are not submitted again. `in_doubt` says of
    a REFUSED one that another part may have been taken, though nobody knows. With `hold` an UNKNOWN
    outcome is final for this attempt, whatever the message says. `reason` is why it was REFUSED, if
    the carrier's code tells more than that it was.
    """

    kind: OutcomeKind
    carrier_ids: tuple[str, ...] = ()
    code: str = ""
    temporary: bool = False
    accepted: int = 0
    awaited: int = 0
    reference: int = 0
    in_doubt: bool = False
    hold: bool = False
    reason: Reason = Reason.UNSPECIFIED


@frozen
class SubmitResult:
    """The outcome of attempt `attempt` at the message stored at `seq`."""

    seq: int
    attempt: int
    carrier: str
    outcome: SubmitOutcome
    time: datetime
    retry_time: datetime


@frozen
class Receipt:
    """A carrier's delivery receipt (DLR) for one of its ids.

    `recipient` may be empty if it says none, or lack its country code. With `exact_id` the id is
    written as in the answer to the submit; else in whatever base the carrier likes.
    """

    carrier: str
    carrier_id: str
    status: Status
    code: str = ""
    reason: Reason = Reason.UNSPECIFIED
    carrier_time: datetime | None = None
    recipient: str = ""
    exact_id: bool = False


@frozen
class Step:
    """What to write: an event or none, and the delivery from now on (None: it is final).

    `refund`: the message ended unsent, so that its charge is returned.
    """

    event: StatusEvent | None
    delivery: Delivery | None
    refund: bool = False


# How far the clocks of servers that share a store may be apart, from the fastest to the slowest.
CLOCKS_APART = timedelta(seconds=10)


def begin(message: Message, lane: str = "", shared: bool = False) -> Delivery:
    """With `shared`, the server that sends may have another clock than the one that accepted: what
    is due at once is so by each of them.
    """
    due = message.due_time
    if shared and message.schedule_time is None:
        due -= CLOCKS_APART
    return Delivery(Stage.WAITING, due, lane=lane)


def claim(delivery: Delivery) -> Delivery:
    """The attempt is on record before the carrier may see the message."""
    return changed(delivery, stage=Stage.IN_FLIGHT, attempts=delivery.attempts + 1)


def opening_event(message: Message, seq: int) -> StatusEvent:
    return StatusEvent(
        seq=seq,
        message=message,
        from_status=None,
        to_status=Status.NEW,
        reason=Reason.SCHEDULED if message.schedule_time else Reason.ACCEPTED,
        event_time=message.create_time,
    )


def after_submit(message: Message, delivery: Delivery, result: SubmitResult, seq: int) -> Step:
    """What the end of a submit means.

    An answer to an attempt that is not the current one means nothing.
    """
    if delivery.attempts != result.attempt or not _may_be_answered(delivery):
        return Step(None, delivery)
    outcome = result.outcome
    whole = _is_whole(delivery, outcome)
    delivery = _with_parts(message, delivery, result, whole)
    if whole:
        # Perhaps late, when it was held, or waited for another attempt that is not needed now.
        return _taken(message, delivery, result, seq)
    if delivery.stage is not Stage.IN_FLIGHT or outcome.kind is OutcomeKind.ACCEPTED:
        # The late answer to a part; of another one nobody knows yet.
        return Step(None, delivery)
    if outcome.kind is OutcomeKind.REFUSED and not outcome.temporary:
        return _refused(message, delivery, result, seq)
    if outcome.kind is OutcomeKind.UNKNOWN and (
        outcome.hold or message.on_unknown_submit is UnknownSubmit.AT_MOST_ONCE
    ):
        reason = Reason.SUBMIT_OUTCOME_UNKNOWN
        return _submitted(message, delivery, result, seq, Stage.HELD, reason)
    due = min(result.retry_time, message.expire_time)
    exposed = delivery.exposed or outcome.kind is OutcomeKind.UNKNOWN
    return Step(None, changed(delivery, stage=Stage.WAITING, due_time=due, exposed=exposed))


def with_namesakes(delivery: Delivery, parts: Iterable[int]) -> Delivery:
    """The receipt that came for a part stands for those, too, that were given the same id after it.
    `parts` has their bits, id by id.
    """
    delivered = delivery.delivered
    for of_one_id in parts:
        if of_one_id & delivered:
            delivered |= of_one_id
    return changed(delivery, delivered=delivered)


def _may_be_answered(delivery: Delivery) -> bool:
    """Whether an attempt is under way, or nobody knows how one ended."""
    if delivery.stage is Stage.WAITING:
        return delivery.exposed
    return delivery.stage is not Stage.SUBMITTED


def _is_whole(delivery: Delivery, outcome: SubmitOutcome) -> bool:
    """Whether a carrier has all the parts."""
    if outcome.kind is OutcomeKind.ACCEPTED and not outcome.accepted:
        return True  # It does not speak of parts.
    every = (1 << len(outcome.carrier_ids)) - 1
    return every > 0 and (delivery.accepted | outcome.accepted) & every == every


def _with_parts(
    message: Message, delivery: Delivery, result: SubmitResult, whole: bool
) -> Delivery:
    """With the parts that were taken. If none was, another carrier may get the message and cut it
    otherwise.
    """
    outcome = result.outcome
    if not whole and not outcome.accepted:
        return delivery
    awaited = outcome.awaited
    if delivery.accepted:
        # An earlier answer may have said that a part is not reported by itself.
        awaited = awaited & delivery.awaited or awaited
    elif whole and awaited in (0, _each(message)):
        return delivery
    return changed(
        delivery,
        accepted=delivery.accepted | outcome.accepted,
        awaited=awaited,
        reference=outcome.reference,
        carrier=result.carrier,
    )


def _each(message: Message) -> int:
    return (1 << message.segments) - 1


def _taken(message: Message, delivery: Delivery, result: SubmitResult, seq: int) -> Step:
    awaited = delivery.awaited or _each(message)
    if delivery.delivered & awaited != awaited:
        stage, reason = Stage.SUBMITTED, Reason.SUBMITTED
        return _submitted(message, delivery, result, seq, stage, reason)
    # What is reported was, before the rest was sent.
    event = _transition(message, Status.DELIVERED, Reason.HANDSET_RECEIPT, result.time, seq)
    return Step(changed(event, carrier=result.carrier, carrier_code=result.outcome.code), None)


def _refused(message: Message, delivery: Delivery, result: SubmitResult, seq: int) -> Step:
    # A carrier that has a part of it may deliver that: then it was not rejected as a whole.
    status = Status.UNDELIVERABLE if delivery.accepted else Status.REJECTED
    reason = result.outcome.reason or Reason.PROVIDER_REFUSED
    event = _transition(message, status, reason, result.time, seq)
    refused = changed(event, carrier=result.carrier, carrier_code=result.outcome.code)
    may_have_it = delivery.exposed or delivery.accepted or result.outcome.in_doubt
    return Step(refused, None, refund=not may_have_it)


def _submitted(
    message: Message,
    delivery: Delivery,
    result: SubmitResult,
    seq: int,
    stage: Stage,
    reason: Reason,
) -> Step:
    onward = changed(delivery, stage=stage)
    if message.status is not Status.NEW:  # an intermediate receipt came before the answer
        return Step(None, onward)
    event = _transition(message, Status.PENDING, reason, result.time, seq)
    return Step(changed(event, carrier=result.carrier, carrier_code=result.outcome.code), onward)


def after_receipt(
    message: Message,
    delivery: Delivery | None,
    receipt: Receipt,
    segment: int,
    now: datetime,
    seq: int,
    parts: int = 0,
) -> Step:
    """What a receipt for one segment means; `parts` has the bits of all that have the same id, for
    which one receipt stands.

    After the final status it is a late event, which changes nothing. Segments of a long message are
    collected: all delivered make it DELIVERED, one permanent failure settles it.
    """
    if delivery is None or message.status.final:
        event = _late(message, receipt, now, seq)
        return Step(_by_carrier(event, message, receipt, segment), None)
    if receipt.status is Status.DELIVERED:
        delivered = delivery.delivered | parts | 1 << (segment - 1)
        awaited = _awaited(message, delivery)
        if delivered & awaited != awaited:
            return Step(None, changed(delivery, delivered=delivered))
    if receipt.status is Status.PENDING:
        if Status.PENDING not in TRANSITIONS[message.status]:
            return Step(None, delivery)
        event = _transition(message, Status.PENDING, Reason.INTERMEDIATE_RECEIPT, now, seq)
        return Step(_by_carrier(event, message, receipt, segment), delivery)
    reason = _receipt_reason(message, delivery, receipt)
    event = _transition(message, _receipt_status(receipt, reason), reason, now, seq)
    return Step(_by_carrier(event, message, receipt, segment), None)


def _awaited(message: Message, delivery: Delivery) -> int:
    each = _each(message)
    awaited = delivery.awaited or each
    if delivery.accepted and delivery.stage in (Stage.WAITING, Stage.IN_FLIGHT):
        # A report that stands for all of it does not for what is not sent yet.
        return awaited | each
    return awaited


def _receipt_reason(message: Message, delivery: Delivery, receipt: Receipt) -> Reason:
    if receipt.status is Status.DELIVERED:
        return receipt.reason or Reason.HANDSET_RECEIPT
    if message.segments > 1 and delivery.delivered:
        return Reason.PARTIAL_DELIVERY
    return receipt.reason or Reason.NETWORK_RECEIPT


def _receipt_status(receipt: Receipt, reason: Reason) -> Status:
    # A part of it was delivered, so it was neither rejected nor expired as a whole.
    return Status.UNDELIVERABLE if reason is Reason.PARTIAL_DELIVERY else receipt.status


def expire(message: Message, delivery: Delivery, now: datetime, seq: int) -> Step:
    event = _transition(message, Status.EXPIRED, Reason.VALIDITY_ELAPSED, now, seq)
    return Step(event, None, refund=delivery.unseen)


def cancel(message: Message, delivery: Delivery, now: datetime, seq: int) -> Step:
    event = _transition(message, Status.REJECTED, Reason.CANCELLED_BY_CLIENT, now, seq)
    return Step(event, None, refund=delivery.unseen)


def _transition(
    message: Message, to_status: Status, reason: Reason, now: datetime, seq: int
) -> StatusEvent:
    assert to_status in TRANSITIONS[message.status], (message.id, message.status, to_status)
    return StatusEvent(
        seq=seq,
        message=message,
        from_status=message.status,
        to_status=to_status,
        reason=reason,
        event_time=_not_before(message, now),
        carrier=message.carrier,
    )


def _late(message: Message, receipt: Receipt, now: datetime, seq: int) -> StatusEvent:
    return StatusEvent(
        seq=seq,
        message=message,
        from_status=message.status,
        to_status=message.status,
        reason=receipt.reason or Reason.NETWORK_RECEIPT,
        event_time=_not_before(message, now),
        late=True,
        late_status=receipt.status,
    )


def _not_before(message: Message, now: datetime) -> datetime:
    """The server that wrote the last event may have had a clock ahead of this one's."""
    return max(now, message.update_time)


def _by_carrier(
    event: StatusEvent, message: Message, receipt: Receipt, segment: int
) -> StatusEvent:
    return changed(
        event,
        carrier=receipt.carrier,
        carrier_time=receipt.carrier_time,
        carrier_code=receipt.code,
        segment=segment if message.segments > 1 else 0,
    )


def repeats(receipt: Receipt, segment: int, event: StatusEvent) -> bool:
    """Whether a receipt says again what `event` recorded: carriers send the same receipt many
    times.
    """
    said = event.late_status if event.late else event.to_status
    return (
        said is receipt.status
        and event.carrier_code == receipt.code
        and event.carrier_time == receipt.carrier_time
        and (event.segment in (0, segment))
    )
