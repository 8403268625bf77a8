"""Delivery receipts in all the forms in which carriers send them. Nothing here raises.

SMPP 3.4 appendix B gives the usual text; TLVs (§5.3.2) say the same more surely, so they come
first.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from smsgate_server.carriers.smpp.addresses import handset_of
from smsgate_server.carriers.smpp.codes import (
    CODING_UCS2,
    ESM_INTERMEDIATE,
    ESM_RECEIPT,
    ESM_TYPE_BITS,
    Tag,
)
from smsgate_server.carriers.smpp.pdu import DataMessage, ShortMessage
from smsgate_server.carriers.smpp.settings import ReceiptIds, SmppSettings
from smsgate_server.domain.delivery import Receipt
from smsgate_server.domain.message import Reason, Status
from smsgate_server.domain.values import frozen

# `text:` begins the message's own words, which may look like anything.
_KEY = re.compile(
    r"\b(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|text)\s*:[ ]?", re.IGNORECASE
)
_LOOKS_LIKE_ONE = re.compile(r"\s*id\s*:\s*\S+.*\bstat\s*:", re.IGNORECASE | re.DOTALL)
# As appendix B has it, and most carriers: found at once, where `_KEY` looks at every character.
_USUAL = re.compile(
    r"id:([^\s:]+) sub:\d+ dlvrd:\d+ submit date:\d+ done date:(\d+) stat:([^\s:]+) err:([^\s:]+)"
    r"(?: [Tt]ext:|\s*\Z)",
    re.ASCII,
)
_NAMES: Mapping[str, str] = {
    **{name: name for name in ("id", "sub", "dlvrd", "stat", "err", "text")},
    **{f"submit{gap}date": "submitdate" for gap in ("", " ", "_")},
    **{f"done{gap}date": "donedate" for gap in ("", " ", "_")},
}
# §5.2.23; what is longer is cut alike in answers and in receipts.
LONGEST_ID = 64
# No receipt is longer before its `text:`.
_MOST_CHARACTERS = 500
_CACHED_TIMES = 256

_STATES: Mapping[str, Status] = {
    "DELIVRD": Status.DELIVERED,
    "EXPIRED": Status.EXPIRED,
    "REJECTD": Status.REJECTED,
    "UNDELIV": Status.UNDELIVERABLE,
    "DELETED": Status.UNDELIVERABLE,
    "UNKNOWN": Status.UNDELIVERABLE,
    "SKIPPED": Status.UNDELIVERABLE,
}
# §5.2.28. Those that are not here are on their way.
_WORDS: Mapping[int, str] = {
    0: "SCHEDULED",
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
    9: "SKIPPED",
}


@frozen
class _Said:
    """What a receipt says, in the carrier's own words. `word` tells the state; `raw` is the same,
    or what the text calls it in a word that is no standard's.
    """

    carrier_id: str
    word: str
    raw: str
    error: str
    done: datetime | None


def read_receipt(body: ShortMessage | DataMessage, settings: SmppSettings) -> Receipt | None:
    """The receipt in a deliver_sm or data_sm; None if it is none, or says of no message."""
    kind = body.esm_class & ESM_TYPE_BITS
    text = _text(body)
    if not _is_receipt(kind, body, text, settings):
        return None
    said = _read(body, text, settings)
    if not said.carrier_id:
        return None
    status = Status.PENDING if kind == ESM_INTERMEDIATE else _status(said.word, settings)
    return Receipt(
        carrier=settings.name,
        carrier_id=_converted(said.carrier_id, settings.receipt_ids),
        status=status,
        code=":".join(filter(None, (said.raw, said.error)))[:64],
        reason=_reason(said.error, settings),
        carrier_time=said.done,
        recipient=handset_of(body.source, body.destination, settings.receipt_number),
        exact_id=settings.receipt_ids is not ReceiptIds.AUTO,
    )


def _is_receipt(
    kind: int, body: ShortMessage | DataMessage, text: str, settings: SmppSettings
) -> bool:
    if kind in (ESM_RECEIPT, ESM_INTERMEDIATE) or Tag.RECEIPTED_MESSAGE_ID in body.tlvs:
        return True
    return settings.receipts_without_esm_class and bool(_LOOKS_LIKE_ONE.match(text))


def _text(body: ShortMessage | DataMessage) -> str:
    octets = body.text if isinstance(body, ShortMessage) else b""
    octets = octets or body.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")
    # Some carriers call UCS-2 what is plain text; that would have a NUL in every second place.
    is_ucs2 = body.data_coding == CODING_UCS2 and b"\0" in octets[:4]
    coding = "utf-16-be" if is_ucs2 else "latin-1"
    text = octets[: 2 * _MOST_CHARACTERS].decode(coding, "replace")[:_MOST_CHARACTERS]
    # Some carriers close the text, or even its fields, with a NUL.
    return text.replace("\0", " ")


def _read(body: ShortMessage | DataMessage, text: str, settings: SmppSettings) -> _Said:
    fields = _fields(text)
    tlvs = body.tlvs
    carrier_id = _string(tlvs.get(Tag.RECEIPTED_MESSAGE_ID, b"")) or _first(fields.get("id", ""))
    state = tlvs.get(Tag.MESSAGE_STATE, b"")
    stat = _first(fields.get("stat", "")).upper()
    word = (_WORDS.get(state[0], f"STATE{state[0]}") if state else "") or stat
    error = _first(fields.get("err", "")) or _network_error(tlvs.get(Tag.NETWORK_ERROR_CODE, b""))
    done = _time(_first(fields.get("donedate", "")), settings.receipt_offset_minutes)
    raw = stat if stat and stat not in _WORDS.values() else word
    return _Said(carrier_id[:LONGEST_ID], word[:32], raw[:32], error[:16], done)


def _fields(text: str) -> Mapping[str, str]:
    """The fields of the text, the first of each name; nothing of what follows `text:`."""
    if usual := _USUAL.match(text):
        return dict(zip(("id", "donedate", "stat", "err"), usual.groups(), strict=True))
    found: dict[str, str] = {}
    name, start = "", 0
    for match in _KEY.finditer(text):
        if name:
            found.setdefault(name, text[start : match.start()].strip())
        name = _NAMES[match[1].lower()]
        start = match.end()
        if name == "text":
            return found
    if name:
        found.setdefault(name, text[start:].strip())
    return found


def _first(value: str) -> str:
    return value.split()[0] if value else ""


def _string(value: bytes) -> str:
    return value.split(b"\0")[0].decode("latin-1").strip()


def _network_error(value: bytes) -> str:
    """§5.3.2.31: a type of network and a code of two octets."""
    return str(int.from_bytes(value[1:3], "big")) if len(value) == 3 else ""


@lru_cache(_CACHED_TIMES)  # receipts come many at a time, and tell minutes
def _time(text: str, offset_minutes: int) -> datetime | None:
    """YYMMDDhhmm, with or without seconds, with or without the century."""
    if len(text) not in (10, 12, 14) or not (text.isascii() and text.isdigit()):
        return None
    whole = text if len(text) == 14 else f"20{text}"
    month, day, hour, minute, second = (int(whole[at : at + 2] or 0) for at in range(4, 14, 2))
    try:
        there = datetime(int(whole[:4]), month, day, hour, minute, second, tzinfo=UTC)
        return there - timedelta(minutes=offset_minutes)
    except (ValueError, OverflowError):
        return None


def _status(word: str, settings: SmppSettings) -> Status:
    # A word that nobody knows settles nothing: the message expires in time if no other comes.
    return settings.states.get(word) or _STATES.get(word, Status.PENDING)


def _reason(error: str, settings: SmppSettings) -> Reason:
    return settings.errors.get(error, Reason.UNSPECIFIED)


def _converted(carrier_id: str, ids: ReceiptIds) -> str:
    """The id as the answer to the submit had it, if the carrier writes the two differently."""
    try:
        if ids is ReceiptIds.HEX_TO_DECIMAL and carrier_id.isdecimal():
            return f"{int(carrier_id):x}"
        if ids is ReceiptIds.DECIMAL_TO_HEX:
            return str(int(carrier_id, 16))
    except ValueError:
        pass
    return carrier_id
