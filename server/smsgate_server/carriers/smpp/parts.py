"""A message as the submit_sm of its parts: what is written into them, whoever sends them.

A part is what travels by itself: a segment, or the whole text where the carrier cuts it.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from smsgate_server.carriers.smpp.addresses import recipient_address, sender_address
from smsgate_server.carriers.smpp.codes import (
    CODING_DEFAULT,
    CODING_UCS2,
    ESM_UDHI,
    RECEIPT_WANTED,
    Tag,
)
from smsgate_server.carriers.smpp.pdu import ShortMessage, Tlvs
from smsgate_server.carriers.smpp.settings import (
    Alphabet,
    Concatenation,
    ReceiptsFor,
    SmppSettings,
)
from smsgate_server.domain import gsm7
from smsgate_server.domain.message import Encoding, Message
from smsgate_server.domain.segmentation import (
    GSM7_SINGLE,
    UCS2_SINGLE,
    UDH8_OCTETS,
    UDH16_OCTETS,
    Segmentation,
    segment,
    segment_ucs2,
)

# TS 23.040 §9.2.3.24.1 and §9.2.3.24.8: what follows the length of the header.
_UDH8 = b"\x05\x00\x03"
_UDH16 = b"\x06\x08\x04"

_CACHED_PERIODS = 1_024


class Unsendable(Exception):
    """Why a carrier cannot be given a message at all."""


def parts_of(
    message: Message, reference: int, settings: SmppSettings, now: datetime
) -> list[ShortMessage]:
    """Every part, in order. `reference` ties the parts of a long message together."""
    texts, coding = _cut(message, settings)
    # A text that the carrier cuts is one part here and as many segments there as it has.
    count = max(len(texts), message.segments)
    if count > settings.max_segments:
        raise Unsendable(f"{count} segments; the carrier takes {settings.max_segments}")
    source = sender_address(message.sender, settings)
    destination = recipient_address(message.recipient, settings)
    validity = validity_period(message.expire_time, now, settings)
    # Every part asks for a receipt: which of them are then sent is the carrier's affair.
    registered = 0 if settings.receipts is ReceiptsFor.NONE else RECEIPT_WANTED
    parts = []
    for index, octets in enumerate(texts):
        header, tlvs = _tie(settings.concatenation, reference, index + 1, len(texts))
        if len(octets) > (GSM7_SINGLE if coding == CODING_DEFAULT else 2 * UCS2_SINGLE):
            tlvs, octets = {Tag.MESSAGE_PAYLOAD: octets}, b""
        parts.append(
            ShortMessage(
                source,
                destination,
                header + octets,
                ESM_UDHI if header else 0,
                coding,
                registered,
                validity,
                settings.service_type,
                tlvs=tlvs,
            )
        )
    return parts


def awaited(count: int, receipts: ReceiptsFor) -> int:
    """A bit for each part that must be reported delivered before the message is."""
    if receipts is ReceiptsFor.FIRST:
        return 1
    if receipts is ReceiptsFor.LAST:
        return 1 << (count - 1)
    return (1 << count) - 1


def _cut(message: Message, settings: SmppSettings) -> tuple[Sequence[bytes], int]:
    """The octets of each part's text, and their data_coding."""
    octets = UDH16_OCTETS if settings.concatenation is Concatenation.UDH16 else UDH8_OCTETS
    payload = settings.concatenation is Concatenation.PAYLOAD
    fits = message.segments == 1
    if message.encoding is Encoding.GSM7:
        texts = [message.text] if payload or fits else _texts(segment(message.text, octets))
        encoded = [_in_alphabet(text, settings.alphabet) for text in texts]
        if None not in encoded:
            return [part for part in encoded if part is not None], CODING_DEFAULT
    # What the carrier's alphabet lacks is sent as UCS-2, in more segments if need be.
    texts = [message.text] if payload else _texts(segment_ucs2(message.text, octets))
    return [text.encode("utf-16-be") for text in texts], CODING_UCS2


def _texts(segmentation: Segmentation) -> list[str]:
    return [segment.text for segment in segmentation.segments]


def _in_alphabet(text: str, alphabet: Alphabet) -> bytes | None:
    if alphabet is Alphabet.GSM7:
        return gsm7.encode_septets(text)
    try:
        return text.encode("latin-1" if alphabet is Alphabet.LATIN1 else "ascii")
    except UnicodeEncodeError:
        return None


def _tie(form: Concatenation, reference: int, number: int, count: int) -> tuple[bytes, Tlvs]:
    """The user data header and the TLVs that make a part one of `count`."""
    if count == 1:
        return b"", {}
    if form is Concatenation.UDH8:
        return _UDH8 + bytes((reference & 0xFF, count, number)), {}
    if form is Concatenation.UDH16:
        return _UDH16 + reference.to_bytes(2, "big") + bytes((count, number)), {}
    return b"", {
        Tag.SAR_MSG_REF_NUM: reference.to_bytes(2, "big"),
        Tag.SAR_TOTAL_SEGMENTS: bytes((count,)),
        Tag.SAR_SEGMENT_SEQNUM: bytes((number,)),
    }


def validity_period(expire_time: datetime, now: datetime, settings: SmppSettings) -> str:
    """§7.1.1: how long the carrier may try, so that it gives up when we do."""
    if settings.validity == "none":
        return ""
    if settings.validity == "absolute":
        return expire_time.strftime("%y%m%d%H%M%S000+")
    return _relative(round(max((expire_time - now).total_seconds(), 1)))


@lru_cache(_CACHED_PERIODS)  # nearly all messages have the same
def _relative(left: int) -> str:
    minutes, seconds = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"0000{days:02}{hours:02}{minutes:02}{seconds:02}000R"
