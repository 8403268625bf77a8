"""Rows and domain values, in both directions.

The only place that knows the order of the columns.
"""

import json
from datetime import UTC, datetime, timedelta

from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.carrier_ids import key_of
from smsgate_server.domain.delivery import Delivery, Receipt, Stage
from smsgate_server.domain.message import (
    NO_LABELS,
    NO_PRICE,
    Encoding,
    Message,
    Price,
    PriceStatus,
    Reason,
    Status,
    StatusEvent,
    UnknownSubmit,
)
from smsgate_server.storage.sql.database import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

MESSAGE_COLUMNS = (
    "seq, id, account, sender, recipient, country, country_code, text, encoding, characters, "
    "segments, substituted, status, reason, price_status, currency, price_micros, tariff_version, "
    "batch_id, client_reference, labels, on_unknown_submit, verification_id, carrier, create_time, "
    "update_time, expire_time, schedule_time, sent_time, final_time, last_seq, billing, "
    "bundle_segments, refunded, callback"
)
MESSAGE_TYPES = "ntttttntnnnnnnntnntttnttnnnnnnnnnnt"
MESSAGE_WIDTH = len(MESSAGE_TYPES)
EVENT_COLUMNS = (
    "seq, message_seq, prev_seq, from_status, to_status, reason, event_time, carrier, "
    "carrier_time, carrier_code, segment, late_status"
)
EVENT_TYPES = "nnnnnnntntnn"
EVENT_WIDTH = len(EVENT_TYPES)

# Enum look-ups by value cost more than a tuple index, and a row needs several.
_STATUS = (None, *Status)
_REASON = tuple(Reason)
_ENCODING = (None, *Encoding)
_PRICE_STATUS = (None, *PriceStatus)
_UNKNOWN_SUBMIT = (None, *UnknownSubmit)
_STAGE = (None, *Stage)
_BILLING = (None, *BillingMode)


def qualified(columns: str, table: str) -> str:
    return ", ".join(f"{table}.{column.strip()}" for column in columns.split(","))


def micros(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def micros_or_none(time: datetime | None) -> int | None:
    return None if time is None else micros(time)


def time_of(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def time_or_none(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def message_row(message: Message) -> Row:
    price = message.price
    created = micros(message.create_time)
    return (
        message.seq,
        message.id,
        message.account,
        message.sender,
        message.recipient,
        message.country,
        message.country_code,
        message.text,
        int(message.encoding),
        message.characters,
        message.segments,
        message.substituted_characters,
        int(message.status),
        int(message.reason),
        int(price.status),
        price.currency,
        price.per_segment_micros,
        price.tariff_version,
        message.batch_id,
        message.client_reference,
        json.dumps(dict(message.labels), ensure_ascii=False) if message.labels else "",
        int(message.on_unknown_submit),
        message.verification_id,
        message.carrier,
        created,
        created,
        micros(message.expire_time),
        micros_or_none(message.schedule_time),
        None,
        None,
        message.last_seq,
        int(message.billing),
        message.bundle_segments,
        0,
        callback_text(message.callback),
    )


def message_of(row: Row) -> Message:
    """The message of a row that starts with MESSAGE_COLUMNS."""
    return Message(
        seq=row[0],
        id=row[1],
        account=row[2],
        sender=row[3],
        recipient=row[4],
        country=row[5],
        country_code=row[6],
        text=row[7],
        encoding=_ENCODING[row[8]],
        characters=row[9],
        segments=row[10],
        substituted_characters=row[11],
        status=_STATUS[row[12]],
        reason=_REASON[row[13]],
        price=_price_of(row),
        batch_id=row[18],
        client_reference=row[19],
        labels=json.loads(row[20]) if row[20] else NO_LABELS,
        on_unknown_submit=_UNKNOWN_SUBMIT[row[21]],
        verification_id=row[22],
        carrier=row[23],
        create_time=time_of(row[24]),
        update_time=time_of(row[25]),
        expire_time=time_of(row[26]),
        schedule_time=time_or_none(row[27]),
        sent_time=time_or_none(row[28]),
        final_time=time_or_none(row[29]),
        last_seq=row[30],
        billing=_BILLING[row[31]],
        bundle_segments=row[32],
        refunded=row[33] == 1,
        callback=callback_of(row[34]),
    )


def callback_text(callback: Callback | None) -> str:
    if callback is None:
        return ""
    return json.dumps([callback.url, callback.headers, callback.custom_data], ensure_ascii=False)


def callback_of(text: str) -> Callback | None:
    if not text:
        return None
    url, headers, custom = json.loads(text)
    return Callback(url, tuple(map(tuple, headers)), tuple(map(tuple, custom)))


def _price_of(row: Row) -> Price:
    status = _PRICE_STATUS[row[14]]
    if status is None or status is PriceStatus.UNKNOWN:
        return NO_PRICE
    return Price(status, row[15], row[16], row[16] * row[10], row[17])


# What changes of a delivery. expire_time is beside it, and is the message's.
DELIVERY_COLUMNS = (
    "stage, due_time, attempts, delivered, exposed, lane, accepted, awaited, reference, carrier"
)
DELIVERY_TYPES = "nnnnntnnnt"


# Of a new delivery; the other columns begin at what it has.
OPENING_COLUMNS = "message_seq, stage, due_time, attempts, delivered, lane, expire_time"
OPENING_TYPES = "nnnnntn"


def opening_row(message: Message, delivery: Delivery) -> Row:
    due, expiry = micros(delivery.due_time), micros(message.expire_time)
    return (message.seq, int(delivery.stage), due, 0, 0, delivery.lane, expiry)


def delivery_row(message_seq: int, delivery: Delivery) -> Row:
    return (
        message_seq,
        int(delivery.stage),
        micros(delivery.due_time),
        delivery.attempts,
        delivery.delivered,
        delivery.exposed,
        delivery.lane,
        delivery.accepted,
        delivery.awaited,
        delivery.reference,
        delivery.carrier,
    )


def delivery_of(row: Row) -> Delivery | None:
    """The delivery of DELIVERY_COLUMNS, NULL for a final message."""
    if row[0] is None:
        return None
    return Delivery(_STAGE[row[0]], time_of(row[1]), row[2], row[3], row[4] == 1, *row[5:10])


def event_row(event: StatusEvent, prev_seq: int) -> Row:
    return (
        event.seq,
        event.message.seq,
        prev_seq,
        int(event.from_status or 0),
        int(event.to_status),
        int(event.reason),
        micros(event.event_time),
        event.carrier,
        micros_or_none(event.carrier_time),
        event.carrier_code,
        event.segment,
        int(event.late_status or 0) if event.late else None,
    )


def event_of(row: Row, message: Message) -> StatusEvent:
    """The event of a row that starts with EVENT_COLUMNS."""
    return StatusEvent(
        seq=row[0],
        message=message,
        from_status=_STATUS[row[3]],
        to_status=_STATUS[row[4]],
        reason=_REASON[row[5]],
        event_time=time_of(row[6]),
        carrier=row[7],
        carrier_time=time_or_none(row[8]),
        carrier_code=row[9],
        segment=row[10],
        late=row[11] is not None,
        late_status=_STATUS[row[11] or 0],
    )


ORPHAN_COLUMNS = (
    "carrier, carrier_id, status, code, reason, carrier_time, recipient, exact_id, carrier_key, "
    "receive_time"
)
ORPHAN_TYPES = "ttntnntntn"


def orphan_row(receipt: Receipt, now: datetime) -> Row:
    return (
        receipt.carrier,
        receipt.carrier_id,
        int(receipt.status),
        receipt.code,
        int(receipt.reason),
        micros_or_none(receipt.carrier_time),
        receipt.recipient,
        receipt.exact_id,
        key_of(receipt.carrier_id),
        micros(now),
    )


def orphan_of(row: Row) -> Receipt:
    """The receipt of a row that starts with ORPHAN_COLUMNS."""
    return Receipt(
        carrier=row[0],
        carrier_id=row[1],
        status=_STATUS[row[2]],
        code=row[3],
        reason=_REASON[row[4]],
        carrier_time=time_or_none(row[5]),
        recipient=row[6],
        exact_id=row[7] == 1,
    )
