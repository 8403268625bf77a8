"""Domain values as messages of the contract."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from smsgate.v1 import message_pb2 as pb
from smsgate.v1 import message_service_pb2 as service_pb
from smsgate_server.domain.address import Msisdn
from smsgate_server.domain.message import Message, PriceStatus, Status, StatusEvent
from smsgate_server.domain.segmentation import MAX_TEXT_CHARACTERS, Segmentation
from smsgate_server.domain.smart_encoding import ForcingCharacter
from smsgate_server.domain.submission import Draft
from smsgate_server.transport.mapping.money import money

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_SEGMENTS_SHOWN = 100


def timestamp(time: datetime) -> Timestamp:
    span = time - _EPOCH
    return Timestamp(seconds=span.days * 86_400 + span.seconds, nanos=span.microseconds * 1_000)


def duration(span: timedelta) -> Duration:
    return Duration(seconds=span.days * 86_400 + span.seconds, nanos=span.microseconds * 1_000)


def _status(status: Status) -> pb.MessageStatus.ValueType:
    return int(status)  # type: ignore[return-value]  # the numbers are the contract's


# Empty most of the time, and then not worth setting.
_OFTEN_EMPTY = (
    "batch_id",
    "substituted_characters",
    "verification_id",
    "client_reference",
    "carrier",
)
_TIMES = ("schedule_time", "sent_time", "delivered_time", "final_time")


def _set_time(field: Timestamp, time: datetime) -> None:
    """Fill a field in place, which costs less than making a Timestamp to be copied."""
    span = time - _EPOCH
    field.seconds = span.days * 86_400 + span.seconds
    field.nanos = span.microseconds * 1_000


def message(m: Message) -> pb.Message:
    made = pb.Message()
    put_message(made, m)
    return made


def put_message(made: pb.Message, m: Message, with_text: bool = True) -> None:
    """Fill a message where it stands: making it elsewhere would copy all of it."""
    price = m.price
    made.CopyFrom(
        _priced(
            price.status,
            price.currency,
            price.per_segment_micros,
            price.total_micros,
            price.tariff_version,
        )
    )
    made.id = m.id
    made.status = _status(m.status)
    made.reason = int(m.reason)  # type: ignore[assignment]
    made.sender = m.sender
    made.recipient = m.recipient
    made.country_code = m.country_code
    made.country = m.country
    if with_text:
        made.text = m.text
    made.encoding = int(m.encoding)  # type: ignore[assignment]
    made.characters = m.characters
    made.segments = m.segments
    made.otp = m.is_otp
    made.on_unknown_submit = int(m.on_unknown_submit)  # type: ignore[assignment]
    _put_times(made, m)
    for name in _OFTEN_EMPTY:
        if value := getattr(m, name):
            setattr(made, name, value)
    if m.labels:
        made.labels.update(m.labels)


def _put_times(made: pb.Message, m: Message) -> None:
    _set_time(made.create_time, m.create_time)
    _set_time(made.update_time, m.update_time)
    _set_time(made.expire_time, m.expire_time)
    for name in _TIMES:
        if (time := getattr(m, name)) is not None:
            _set_time(getattr(made, name), time)


@lru_cache(4_096)  # there are few prices, and each is in very many answers
def _priced(
    status: PriceStatus, currency: str, per_segment: int, total: int, version: int
) -> pb.Message:
    """What a message is filled from: to be copied, never changed."""
    made = pb.Message(price_status=int(status))  # type: ignore[arg-type]
    if status is not PriceStatus.UNKNOWN:
        made.price_per_segment.CopyFrom(money(per_segment, currency))
        made.total_price.CopyFrom(money(total, currency))
        made.tariff_version = version
    return made


def event(e: StatusEvent) -> pb.StatusEvent:
    m = e.message
    made = pb.StatusEvent(
        message_id=m.id,
        from_status=_status(e.from_status) if e.from_status else 0,  # type: ignore[arg-type]
        to_status=_status(e.to_status),
        reason=int(e.reason),  # type: ignore[arg-type]
        event_time=timestamp(e.event_time),
        carrier_code=e.carrier_code,
        carrier=e.carrier,
        segment=e.segment,
        late=e.late,
        late_status=_status(e.late_status) if e.late_status else 0,  # type: ignore[arg-type]
        recipient=m.recipient,
        country=m.country,
        sender=m.sender,
        client_reference=m.client_reference,
        labels=m.labels,
        batch_id=m.batch_id,
        verification_id=m.verification_id,
        segments=m.segments,
    )
    if e.carrier_time is not None:
        made.carrier_time.CopyFrom(timestamp(e.carrier_time))
    return made


def estimate(
    drafted: Draft,
    cut: Segmentation,
    forcing: tuple[ForcingCharacter, ...],
    cheaper: tuple[str, int] | None,
) -> service_pb.EstimateMessageResponse:
    recipient: Msisdn | None = drafted.recipient
    price = drafted.quote.price_of(cut.count)
    made = service_pb.EstimateMessageResponse(
        encoding=int(cut.encoding),  # type: ignore[arg-type]
        characters=cut.characters,
        segment_count=cut.count,
        segments=[
            service_pb.EstimatedSegment(
                text=s.text, units_used=s.units_used, units_available=s.units_available
            )
            for s in cut.segments[:_MAX_SEGMENTS_SHOWN]
        ],
        forcing_characters=[
            service_pb.ForcingCharacter(
                character=f.char,
                code_point=f.code_point,
                offset=f.offset,
                substitute=f.substitute or "",
            )
            for f in forcing
        ],
        cheaper_text=cheaper[0] if cheaper else "",
        cheaper_segment_count=cheaper[1] if cheaper else 0,
        price_exact=drafted.quote.known and drafted.quote.exact,
        price_status=int(price.status),  # type: ignore[arg-type]
        country=recipient.country if recipient else "",
        # One that is longer cannot be sent, and can be longer than callers accept.
        text=drafted.text[:MAX_TEXT_CHARACTERS],
        substituted_characters=drafted.substituted,
        sender=drafted.sender or "",
    )
    if price.known:
        lowest = drafted.quote.min_per_segment_micros * cut.count
        made.price_per_segment.CopyFrom(money(price.per_segment_micros, price.currency))
        made.total_price.CopyFrom(money(price.total_micros, price.currency))
        made.min_total_price.CopyFrom(money(lowest, price.currency))
    return made
