"""What becomes of a submit_sm: its answer, and the receipts that follow."""

import random
from collections import OrderedDict
from dataclasses import dataclass

from smsgate_server.carriers.script import Plan, PlannedReceipt, plan_for
from smsgate_server.carriers.smpp.codes import (
    ESM_UDHI,
    RECEIPT_BITS,
    RECEIPT_IF_FAILED,
    RECEIPT_WANTED,
    Status,
    Tag,
)
from smsgate_server.carriers.smpp.pdu import MAX_ADDRESS, ShortMessage
from smsgate_server.carriers.smsc.settings import SmscSettings
from smsgate_server.domain.delivery import OutcomeKind
from smsgate_server.domain.message import Status as MessageStatus

# Messages of which it is remembered how often they came.
_MOST_KNOWN = 100_000
_NO_FAILURES = (MessageStatus.DELIVERED, MessageStatus.PENDING)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`status` None: no answer at all. Receipts with a negative delay come before the answer."""

    status: int | None
    receipts: tuple[PlannedReceipt, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    reference: int
    count: int
    number: int


class Judge:
    """The scripts of the simulated carrier (docs/simulator.md), part by part."""

    def __init__(self, settings: SmscSettings) -> None:
        self._settings = settings
        self._random = random.Random(settings.seed)
        self._attempts: OrderedDict[tuple[str, str, bytes], int] = OrderedDict()

    def judge(self, body: ShortMessage) -> Verdict:
        settings = self._settings
        # A receipt could not say them: none of these is a number.
        if len(body.destination.digits) > MAX_ADDRESS:
            return Verdict(Status.INVALID_DESTINATION)
        if len(body.source.digits) > MAX_ADDRESS:
            return Verdict(Status.INVALID_SOURCE)
        part = _part_of(body)
        attempt = self._attempt(body)
        recipient = body.destination.digits
        key = f"{settings.seed}:{recipient}:{part.reference}:{attempt}"
        if part.count == 1:
            key += f":{self._random.random()}"
        plan = plan_for(
            recipient,
            part.count,
            attempt,
            key,
            settings.receipt_seconds,
            settings.jitter,
            settings.rates,
        )
        if plan.outcome is OutcomeKind.ACCEPTED:
            # Whoever submits the same once more means another message.
            del self._attempts[_name(body)]
        receipts = (r for r in plan.receipts if r.segment == part.number)
        return Verdict(_status(plan), tuple(r for r in receipts if _wanted(r, body)))

    def _attempt(self, body: ShortMessage) -> int:
        """How often this very submit has come since it was taken last, this time included."""
        name = _name(body)
        attempt = self._attempts.pop(name, 0) + 1
        self._attempts[name] = attempt
        if len(self._attempts) > _MOST_KNOWN:
            self._attempts.popitem(last=False)
        return attempt


def _name(body: ShortMessage) -> tuple[str, str, bytes]:
    return body.source.digits, body.destination.digits, body.text


def _wanted(receipt: PlannedReceipt, body: ShortMessage) -> bool:
    """§5.2.17: all receipts, none, or those of failures."""
    wanted = body.registered_delivery & RECEIPT_BITS
    return wanted == RECEIPT_WANTED or (
        wanted == RECEIPT_IF_FAILED and receipt.status not in _NO_FAILURES
    )


def _status(plan: Plan) -> int | None:
    if plan.outcome is OutcomeKind.ACCEPTED:
        return Status.OK
    if plan.outcome is OutcomeKind.UNKNOWN:
        return None
    # That nothing was sent cannot be said in SMPP; the next best is to ask for another try.
    return int(plan.code, 16) if plan.outcome is OutcomeKind.REFUSED else Status.SYSTEM_ERROR


def _part_of(body: ShortMessage) -> _Part:
    if body.esm_class & ESM_UDHI:
        return _part_of_header(body.text)
    count = body.tlvs.get(Tag.SAR_TOTAL_SEGMENTS, b"\1")
    number = body.tlvs.get(Tag.SAR_SEGMENT_SEQNUM, b"\1")
    reference = int.from_bytes(body.tlvs.get(Tag.SAR_MSG_REF_NUM, b""), "big")
    return _Part(reference, *_in_range(count[:1], number[:1]))


def _part_of_header(text: bytes) -> _Part:
    """TS 23.040 §9.2.3.24: elements of an identifier, a length and that many octets."""
    end = 1 + text[0] if text else 0
    at = 1
    while at + 2 <= min(end, len(text)):
        identifier, length = text[at], text[at + 1]
        octets = text[at + 2 : at + 2 + length]
        if (identifier, len(octets)) in ((0x00, 3), (0x08, 4)):
            return _Part(int.from_bytes(octets[:-2], "big"), *_in_range(octets[-2:-1], octets[-1:]))
        at += 2 + length
    return _Part(0, 1, 1)


def _in_range(count: bytes, number: bytes) -> tuple[int, int]:
    total, which = int.from_bytes(count, "big"), int.from_bytes(number, "big")
    return (total, which) if 1 <= which <= total else (1, 1)
