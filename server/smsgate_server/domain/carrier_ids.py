"""Which message a receipt is about. Carriers write one id in several ways, and use ids again."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from smsgate_server.domain.delivery import Receipt
from smsgate_server.domain.message import Message

_DECIMAL = re.compile(r"[0-9]{1,20}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,16}")
# No carrier counts further: a longer one is a name that happens to be of digits.
_LARGEST = 2**64 - 1

# A carrier may give the same id to message after message. For a receipt that names no recipient, or
# one to whom many of them went, so many of the newest are looked at, with all their parts.
MOST_NAMESAKES = 10

# The same of receipts that came before their id: of those that name the recipient, and of those
# that name none, so many of the newest. All reports on all parts of a long message are fewer.
MOST_KEPT = 100

# A national number without its country code is the end of the whole one.
NATIONAL_DIGITS = 7

# How long after its validity a final message may still be reported; then its id may be another's.
REPORTED_WITHIN = timedelta(hours=72)


def key_of(carrier_id: str) -> str:
    """What ids are looked up by: neither case nor leading zeros count."""
    return carrier_id.lower().lstrip("0") or "0"


def keys_of(receipt: Receipt) -> list[str]:
    """The keys that the id of a receipt can have in the answer to the submit, best first.

    Some carriers answer in hexadecimal and report in decimal, or the other way round. Of two keys
    each is among those of the other.
    """
    key = key_of(receipt.carrier_id)
    if receipt.exact_id:
        return [key]
    return [key, *other_keys(key)]


def other_keys(key: str) -> list[str]:
    keys = []
    if _DECIMAL.fullmatch(key) and int(key) <= _LARGEST:
        keys.append(f"{int(key):x}")
    if _HEXADECIMAL.fullmatch(key):
        keys.append(str(int(key, 16)))
    return [other for other in keys if other != key]


def end_of(recipient: str) -> str:
    """What a recipient that a receipt says has in common with that of its message, so that one can
    be looked up by the other; empty if it says none.
    """
    return recipient.removeprefix("00").lstrip("+0")[-NATIONAL_DIGITS:]


class Candidate(NamedTuple):
    """A part of a message, by one of the keys of a receipt."""

    carrier_id: str
    seq: int
    segment: int


def choose(
    receipt: Receipt, candidates: Sequence[tuple[Candidate, Message]], now: datetime
) -> Candidate | None:
    """The part that a receipt is about; None if none of them can be.

    The same id comes first, then the same but for its writing, then the same number in another
    base; of several messages, the newest.
    """
    best: tuple[int, int, int] | None = None
    found = None
    for candidate, message in candidates:
        likeness = _likeness(receipt, candidate.carrier_id)
        if likeness == _OTHER_BASE and not receipt.recipient:
            continue  # Two numbers in two bases are too weak a sign alone.
        if not concerns(receipt, message) or _is_over(message, now):
            continue
        rank = (likeness, -candidate.seq, candidate.segment)
        if best is None or rank < best:
            best, found = rank, candidate
    return found


def parts_with_id(part: Candidate, candidates: Iterable[Candidate]) -> int:
    """The bits of all parts of the same message that have the same id: some carriers give all the
    parts one, and send one receipt for them all.
    """
    bits = 0
    for each in candidates:
        if (each.seq, each.carrier_id) == (part.seq, part.carrier_id):
            bits |= 1 << (each.segment - 1)
    return bits


def _is_over(message: Message, now: datetime) -> bool:
    return message.status.final and now > message.expire_time + REPORTED_WITHIN


_SAME, _SAME_KEY, _OTHER_BASE = 0, 1, 2


def _likeness(receipt: Receipt, carrier_id: str) -> int:
    if carrier_id == receipt.carrier_id:
        return _SAME
    return _SAME_KEY if key_of(carrier_id) == key_of(receipt.carrier_id) else _OTHER_BASE


def concerns(receipt: Receipt, message: Message) -> bool:
    """Whether the recipient that a receipt says, if it says one, is the message's."""
    told = receipt.recipient
    if not told or told == message.recipient:
        return True
    digits = told.removeprefix("00").lstrip("0")
    if told.startswith("+") or len(digits) < NATIONAL_DIGITS:
        return False
    return message.recipient.endswith(digits)
