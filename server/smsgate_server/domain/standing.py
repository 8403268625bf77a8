"""Questions that every store asks about a stored message, answered in one place."""

from collections.abc import Iterable

from smsgate_server.domain.delivery import Delivery, Receipt, Stage, repeats
from smsgate_server.domain.message import Message, Status, StatusEvent


def cancellable(message: Message, delivery: Delivery | None) -> bool:
    """Whether no carrier can have the message: only then can it be taken back.

    One that waits for another attempt may have reached the carrier with the one before; it can even
    be PENDING, because a carrier reported on an attempt whose answer came late.
    """
    return delivery is not None and delivery.unseen and message.status is Status.NEW


def in_backlog(message: Message, delivery: Delivery | None) -> bool:
    return (
        delivery is not None and delivery.stage is Stage.WAITING and message.schedule_time is None
    )


def heard_before(
    message: Message, history: Iterable[StatusEvent], receipt: Receipt, segment: int
) -> bool:
    """Whether a receipt says nothing that is not on record.

    Of a long message that was delivered, every segment was reported delivered, although only the
    last report made an event.
    """
    if message.segments > 1 and message.status is receipt.status is Status.DELIVERED:
        return True
    return any(repeats(receipt, segment, event) for event in history)
