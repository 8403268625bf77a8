"""Messages of the contract as domain values.

What cannot be read becomes a violation, never an exception.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation
from smsgate_server.domain.filters import EventFilter, MessageFilter
from smsgate_server.domain.message import Status, UnknownSubmit
from smsgate_server.domain.submission import NO_OPTIONS, MaxPrice, Options, Submission
from smsgate_server.services.batches import BatchItem, BatchSubmission
from smsgate_server.services.status_feed import Follow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# google.protobuf.Timestamp: years 1 to 9999. google.protobuf.Duration: about 10,000 years.
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
_MAX_DURATION_SECONDS = 315_576_000_000

_MAX_FILTER_VALUES = 1_000
_MAX_BATCH_IDS = 100
_MAX_VALUE = 128
_HEARTBEAT = timedelta(seconds=15)
_HEARTBEAT_RANGE = (timedelta(seconds=1), timedelta(seconds=60))
_MAX_WAIT = timedelta(seconds=60)


class Reader:
    """Collects every violation of one request; `done` raises them at once."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def refuse(self, field: str, reason: ErrorReason, description: str) -> None:
        self.violations.append(Violation(field, reason, description))

    def done(self) -> None:
        if self.violations:
            raise InvalidArgument.of(self.violations)

    def time(self, field: str, value: Timestamp) -> datetime | None:
        if not 0 <= value.nanos < 1_000_000_000 or not (
            _FIRST_SECOND <= value.seconds <= _LAST_SECOND
        ):
            self.refuse(
                field, ErrorReason.INVALID_TIME, "is not a time between the years 1 and 9999"
            )
            return None
        return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1_000)

    def span(self, field: str, value: Duration) -> timedelta | None:
        mixed = value.seconds * value.nanos < 0
        if mixed or abs(value.nanos) >= 1_000_000_000 or abs(value.seconds) > _MAX_DURATION_SECONDS:
            self.refuse(field, ErrorReason.INVALID_DURATION, "is not a valid duration")
            return None
        return timedelta(seconds=value.seconds, microseconds=value.nanos // 1_000)

    def statuses(self, field: str, values: Iterable[int]) -> frozenset[Status]:
        known = {int(status) for status in Status}
        listed = list(values)
        for index, value in enumerate(listed[:_MAX_FILTER_VALUES]):
            if value not in known:
                self.refuse(f"{field}[{index}]", ErrorReason.INVALID_FIELD, "is not a status")
        return frozenset(Status(value) for value in listed if value in known)

    def texts(
        self, field: str, values: Iterable[str], most: int = _MAX_FILTER_VALUES
    ) -> frozenset[str]:
        listed = list(values)
        if len(listed) > most:
            description = f"has {len(listed)} values; at most {most} are allowed"
            self.refuse(field, ErrorReason.TOO_MANY_ITEMS, description)
        for index, value in enumerate(listed[:most]):
            if not value or len(value) > _MAX_VALUE:
                description = f"must have 1 to {_MAX_VALUE} characters"
                self.refuse(f"{field}[{index}]", ErrorReason.INVALID_FIELD, description)
        return frozenset(listed)

    def labels(self, field: str, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        if len(labels) > 16:
            description = f"has {len(labels)} labels; at most 16 are allowed"
            self.refuse(field, ErrorReason.TOO_MANY_ITEMS, description)
        return tuple(sorted(labels.items()))


def submission(request: pb.SendMessageRequest | pb.EstimateMessageRequest) -> Submission:
    options = _options(request.options) if request.HasField("options") else NO_OPTIONS
    if isinstance(request, pb.EstimateMessageRequest):
        return Submission(request.recipient, request.text, request.sender, options=options)
    return Submission(
        recipient=request.recipient,
        text=request.text,
        sender=request.sender,
        request_id=request.request_id,
        client_reference=request.client_reference,
        labels=dict(request.labels),
        options=options,
    )


def _options(options: pb.SendOptions) -> Options:
    reader = Reader()
    validity = send_time = max_price = None
    if options.HasField("validity_period"):
        validity = reader.span("options.validity_period", options.validity_period)
    if options.HasField("send_time"):
        send_time = reader.time("options.send_time", options.send_time)
    if options.HasField("max_price"):
        max_price = _max_price(reader, options)
    policy = UnknownSubmit.AT_MOST_ONCE
    if options.on_unknown_submit:
        try:
            policy = UnknownSubmit(options.on_unknown_submit)
        except ValueError:
            field = "options.on_unknown_submit"
            reader.refuse(field, ErrorReason.INVALID_FIELD, "is not a policy")
    return Options(
        dry_run=options.dry_run,
        fail_on_multiple_messages=options.fail_on_multiple_messages,
        max_segments=options.max_segments,
        validity_period=validity,
        send_time=send_time,
        max_price=max_price,
        smart_encoding=options.smart_encoding,
        on_unknown_submit=policy,
        unreadable=tuple(reader.violations),
    )


def _max_price(reader: Reader, options: pb.SendOptions) -> MaxPrice | None:
    money, field = options.max_price, "options.max_price"
    if len(money.currency_code) != 3 or not (
        money.currency_code.isascii() and money.currency_code.isupper()
    ):
        reader.refuse(field, ErrorReason.INVALID_MONEY, "needs a currency code such as EUR")
    elif money.units < 0 or not 0 <= money.nanos < 1_000_000_000:
        reader.refuse(field, ErrorReason.INVALID_MONEY, "must be an amount of 0 or more")
    elif money.nanos % 1_000:
        reader.refuse(field, ErrorReason.INVALID_MONEY, "has more than six decimal places")
    else:
        return MaxPrice(money.units * 1_000_000 + money.nanos // 1_000, money.currency_code)
    return None


def batch(request: pb.SendBatchRequest) -> BatchSubmission:
    common = _options(request.options) if request.HasField("options") else NO_OPTIONS
    labels = dict(request.labels)
    items = [
        BatchItem(
            item.item_id or str(index),
            Submission(
                recipient=item.recipient,
                text=item.text or request.text,
                sender=item.sender or request.sender,
                request_id=item.request_id,
                client_reference=item.client_reference,
                labels=labels | dict(item.labels) if item.labels else labels,
                options=_options(item.options) if item.HasField("options") else common,
            ),
        )
        for index, item in enumerate(request.items)
    ]
    return BatchSubmission(items, common.dry_run, request.all_or_nothing, request.request_id)


def cancelled_id(request: pb.CancelMessageRequest) -> str:
    if not request.id:
        raise InvalidArgument.of([Violation("id", ErrorReason.FIELD_REQUIRED, "is empty")])
    return request.id


def wait(request: pb.GetMessageRequest) -> timedelta:
    """How long to wait for a change; zero means not at all."""
    reader = Reader()
    if not request.id:
        reader.refuse("id", ErrorReason.FIELD_REQUIRED, "is empty")
    span = timedelta(0)
    if request.HasField("wait"):
        span = reader.span("wait", request.wait) or timedelta(0)
        if not timedelta(0) <= span <= _MAX_WAIT:
            reader.refuse("wait", ErrorReason.INVALID_DURATION, "must be from 0 to 60 seconds")
        if not request.wait_after_cursor:
            description = "is needed to wait: the cursor of an earlier answer"
            reader.refuse("wait_after_cursor", ErrorReason.FIELD_REQUIRED, description)
    reader.done()
    return span


def message_filter(account: str, asked: pb.MessageFilter) -> MessageFilter:
    reader = Reader()
    wanted = MessageFilter(
        account=account,
        statuses=reader.statuses("filter.statuses", asked.statuses),
        countries=reader.texts("filter.countries", asked.countries),
        senders=reader.texts("filter.senders", asked.senders),
        recipients=reader.texts("filter.recipients", asked.recipients),
        labels=reader.labels("filter.labels", asked.labels),
        batch_ids=reader.texts("filter.batch_ids", asked.batch_ids, _MAX_BATCH_IDS),
        created_from=reader.time("filter.created_from", asked.created_from)
        if asked.HasField("created_from")
        else None,
        created_before=reader.time("filter.created_before", asked.created_before)
        if asked.HasField("created_before")
        else None,
    )
    begin, end = wanted.created_from, wanted.created_before
    if begin is not None and end is not None and end < begin:
        description = "is before created_from"
        reader.refuse("filter.created_before", ErrorReason.INVALID_TIME, description)
    reader.done()
    return wanted


def follow(account: str, request: pb.StreamStatusRequest) -> Follow:
    reader = Reader()
    asked = request.filter
    wanted = EventFilter(
        account=account,
        message_ids=reader.texts("filter.message_ids", asked.message_ids),
        batch_ids=reader.texts("filter.batch_ids", asked.batch_ids, _MAX_BATCH_IDS),
        statuses=reader.statuses("filter.statuses", asked.statuses),
        countries=reader.texts("filter.countries", asked.countries),
        senders=reader.texts("filter.senders", asked.senders),
        labels=reader.labels("filter.labels", asked.labels),
        verification_ids=reader.texts("filter.verification_ids", asked.verification_ids),
        terminal_only=asked.terminal_only,
    )
    start = request.WhichOneof("start")
    if request.snapshot and start:
        reader.refuse("snapshot", ErrorReason.INVALID_FIELD, f"cannot be combined with {start}")
    if start == "cursor" and not request.cursor:
        reader.refuse("cursor", ErrorReason.CURSOR_INVALID, "is empty")
    if request.end_when_all_terminal and not (asked.message_ids or asked.batch_ids):
        description = "needs message_ids or batch_ids in the filter"
        reader.refuse("end_when_all_terminal", ErrorReason.INVALID_FIELD, description)
    if request.delivery not in (0, 1, 2):
        reader.refuse("delivery", ErrorReason.INVALID_FIELD, "is not a way of delivery")
    heartbeat = _heartbeat(reader, request)
    start_time = reader.time("start_time", request.start_time) if start == "start_time" else None
    reader.done()
    return Follow(
        wanted=wanted,
        cursor=request.cursor,
        start_time=start_time,
        from_earliest=request.from_earliest,
        snapshot=request.snapshot,
        latest_only=request.delivery == pb.STREAM_DELIVERY_LATEST_ONLY,
        heartbeat=heartbeat.total_seconds(),
        end_when_all_terminal=request.end_when_all_terminal,
    )


def _heartbeat(reader: Reader, request: pb.StreamStatusRequest) -> timedelta:
    if not request.HasField("heartbeat_interval"):
        return _HEARTBEAT
    span = reader.span("heartbeat_interval", request.heartbeat_interval)
    if span is None:
        return _HEARTBEAT
    low, high = _HEARTBEAT_RANGE
    if not low <= span <= high:
        description = "must be from 1 to 60 seconds"
        reader.refuse("heartbeat_interval", ErrorReason.INVALID_DURATION, description)
    return span
