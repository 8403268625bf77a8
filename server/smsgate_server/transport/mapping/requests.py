"""Messages of the contract as domain values.

What cannot be read becomes a violation, never an exception.
"""

from datetime import timedelta

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation
from smsgate_server.domain.filters import EventFilter, MessageFilter
from smsgate_server.domain.message import NO_LABELS, UnknownSubmit
from smsgate_server.domain.submission import NO_OPTIONS, Options, Submission
from smsgate_server.services.batches import BatchItem, BatchSubmission
from smsgate_server.services.status_feed import Follow
from smsgate_server.transport.mapping.money import amount
from smsgate_server.transport.mapping.reading import Reader
from smsgate_server.transport.mapping.webhooks import callback_of

_MAX_BATCH_IDS = 100
_HEARTBEAT = timedelta(seconds=15)
_HEARTBEAT_RANGE = (timedelta(seconds=1), timedelta(seconds=60))
_NO_WAIT = timedelta(0)
_MAX_WAIT = timedelta(seconds=60)


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
        labels=dict(request.labels) if request.labels else NO_LABELS,
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
        max_price = amount(reader, "options.max_price", options.max_price)
    callback = callback_of(options.callback) if options.HasField("callback") else None
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
        callback=callback,
        unreadable=tuple(reader.violations),
    )


def batch(request: pb.SendBatchRequest) -> BatchSubmission:
    common = _options(request.options) if request.HasField("options") else NO_OPTIONS
    # Read once: each reading of a text makes another string.
    text, sender, labels = request.text, request.sender, dict(request.labels)
    items = [
        BatchItem(
            item.item_id or str(index),
            Submission(
                recipient=item.recipient,
                text=item.text or text,
                sender=item.sender or sender,
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
    if request.id and not request.HasField("wait"):
        return _NO_WAIT
    reader = Reader()
    if not request.id:
        reader.refuse("id", ErrorReason.FIELD_REQUIRED, "is empty")
    span = _NO_WAIT
    if request.HasField("wait"):
        span = reader.span("wait", request.wait) or _NO_WAIT
        if not _NO_WAIT <= span <= _MAX_WAIT:
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
