"""The requests, made from plain Python values. Both clients share them."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from google.type.money_pb2 import Money

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client import names, values
from smsgate_client.keywords import takes


class SendOptionFields(TypedDict, total=False):
    """How a message is checked and sent; see SendOptions in the contract."""

    dry_run: bool
    fail_on_multiple_messages: bool
    max_segments: int
    validity: timedelta | float
    """How long delivery is tried: a timedelta or seconds, at most 48 hours."""
    send_time: datetime
    max_price: Money | str
    """The most it may cost: a Money, or text such as "0.05 EUR"."""
    smart_encoding: bool
    on_unknown_submit: names.OnUnknownSubmit | str
    """AT_MOST_ONCE or AT_LEAST_ONCE."""
    callback: message_pb2.Callback | str
    """Where the events of the message are posted: a Callback, or only its URL."""


class SendFields(SendOptionFields, total=False):
    """What a message can have beside its recipient and text."""

    sender: str
    request_id: str | None
    """Makes the call safe to repeat. Made once per call if it is not given."""
    client_reference: str
    labels: Mapping[str, str]


class BatchFields(SendOptionFields, total=False):
    """What all messages of a batch have in common, where they do not say otherwise."""

    text: str
    sender: str
    labels: Mapping[str, str]
    all_or_nothing: bool
    request_id: str | None


class EstimateFields(SendOptionFields, total=False):
    """The message that is not to be sent."""

    recipient: str
    sender: str


class ListFields(TypedDict, total=False):
    """Which messages: AND across the fields, OR within one; see MessageFilter in the contract."""

    statuses: Iterable[names.Status | str]
    countries: Sequence[str]
    senders: Sequence[str]
    recipients: Sequence[str]
    labels: Mapping[str, str]
    batch_ids: Sequence[str]
    created_from: datetime
    created_before: datetime


class StreamFields(TypedDict, total=False):
    """Where a stream starts, and what it has. At most one of the first four; none means now."""

    start_cursor: str | None
    start_time: datetime | None
    from_earliest: bool
    snapshot: bool
    message_ids: Sequence[str]
    batch_ids: Sequence[str]
    statuses: Iterable[names.Status | str]
    countries: Sequence[str]
    senders: Sequence[str]
    labels: Mapping[str, str]
    verification_ids: Sequence[str]
    terminal_only: bool
    delivery: names.Delivery | str
    """EVERY_TRANSITION or LATEST_ONLY."""
    heartbeat_interval: timedelta | float | None
    end_when_all_terminal: bool


def new_request_id() -> str:
    """A request_id that nobody else has."""
    return str(uuid.uuid4())


def send_options(fields: SendOptionFields) -> pb.SendOptions | None:
    """The options that were given; None if none was."""
    options = pb.SendOptions(
        dry_run=fields.get("dry_run", False),
        fail_on_multiple_messages=fields.get("fail_on_multiple_messages", False),
        max_segments=fields.get("max_segments", 0),
        smart_encoding=fields.get("smart_encoding", False),
    )
    if (validity := fields.get("validity")) is not None:
        options.validity_period.CopyFrom(values.duration(validity))
    if (send_time := fields.get("send_time")) is not None:
        options.send_time.CopyFrom(values.timestamp(send_time))
    if (max_price := fields.get("max_price")) is not None:
        options.max_price.CopyFrom(values.money(max_price))
    if policy := fields.get("on_unknown_submit"):
        options.on_unknown_submit = names.on_unknown_submit_from(policy)
    if (callback := fields.get("callback")) is not None:
        options.callback.CopyFrom(callback_of(callback))
    # A zero validity or price is a value, too, and must reach the server to be refused there.
    return options if options.ListFields() else None


def callback_of(callback: message_pb2.Callback | str) -> message_pb2.Callback:
    """A callback, or that with only this URL."""
    return message_pb2.Callback(url=callback) if isinstance(callback, str) else callback


@takes(SendFields)
def send_request(recipient: str, text: str, **fields: Unpack[SendFields]) -> pb.SendMessageRequest:
    """One message, always with a request_id."""
    return pb.SendMessageRequest(
        recipient=recipient,
        text=text,
        sender=fields.get("sender", ""),
        request_id=fields.get("request_id") or new_request_id(),
        client_reference=fields.get("client_reference", ""),
        labels=fields.get("labels", {}),
        options=send_options(fields),
    )


@takes(SendFields)
def batch_item(recipient: str, text: str = "", **fields: Unpack[SendFields]) -> pb.BatchItem:
    """One message of a batch. What it does not say it takes from the batch."""
    return pb.BatchItem(
        recipient=recipient,
        text=text,
        sender=fields.get("sender", ""),
        request_id=fields.get("request_id") or "",
        client_reference=fields.get("client_reference", ""),
        labels=fields.get("labels", {}),
        options=send_options(fields),
    )


@takes(BatchFields)
def batch_request(
    items: Iterable[pb.BatchItem | str], **fields: Unpack[BatchFields]
) -> pb.SendBatchRequest:
    """A batch, always with a request_id. An item that is only text is a recipient."""
    return pb.SendBatchRequest(
        items=[pb.BatchItem(recipient=i) if isinstance(i, str) else i for i in items],
        text=fields.get("text", ""),
        sender=fields.get("sender", ""),
        labels=fields.get("labels", {}),
        all_or_nothing=fields.get("all_or_nothing", False),
        request_id=fields.get("request_id") or new_request_id(),
        options=send_options(fields),
    )


@takes(EstimateFields)
def estimate_request(text: str, **fields: Unpack[EstimateFields]) -> pb.EstimateMessageRequest:
    """An estimate."""
    return pb.EstimateMessageRequest(
        text=text,
        recipient=fields.get("recipient", ""),
        sender=fields.get("sender", ""),
        options=send_options(fields),
    )


def get_request(
    id: str,
    history: bool = False,
    wait_after_cursor: str = "",
    wait: timedelta | float | None = None,
) -> pb.GetMessageRequest:
    """A message by its id."""
    return pb.GetMessageRequest(
        id=id,
        include_history=history,
        wait_after_cursor=wait_after_cursor,
        wait=None if wait is None else values.duration(wait),
    )


@takes(ListFields)
def list_request(
    page_size: int = 0, page_token: str = "", **fields: Unpack[ListFields]
) -> pb.ListMessagesRequest:
    """One page of a list."""
    message_filter = pb.MessageFilter(
        statuses=[names.status_from(status) for status in fields.get("statuses", ())],
        countries=fields.get("countries", ()),
        senders=fields.get("senders", ()),
        recipients=fields.get("recipients", ()),
        labels=fields.get("labels", {}),
        batch_ids=fields.get("batch_ids", ()),
    )
    if (created_from := fields.get("created_from")) is not None:
        message_filter.created_from.CopyFrom(values.timestamp(created_from))
    if (created_before := fields.get("created_before")) is not None:
        message_filter.created_before.CopyFrom(values.timestamp(created_before))
    return pb.ListMessagesRequest(filter=message_filter, page_size=page_size, page_token=page_token)


def stream_request(fields: StreamFields) -> pb.StreamStatusRequest:
    """A stream from where the caller wants it."""
    _at_most_one_start(fields)
    request = pb.StreamStatusRequest(
        filter=_status_filter(fields),
        snapshot=fields.get("snapshot", False),
        end_when_all_terminal=fields.get("end_when_all_terminal", False),
    )
    if cursor := fields.get("start_cursor"):
        request.cursor = cursor
    elif (start_time := fields.get("start_time")) is not None:
        request.start_time.CopyFrom(values.timestamp(start_time))
    elif fields.get("from_earliest"):
        request.from_earliest = True
    if delivery := fields.get("delivery"):
        request.delivery = names.delivery_from(delivery)
    if (interval := fields.get("heartbeat_interval")) is not None:
        request.heartbeat_interval.CopyFrom(values.duration(interval))
    return request


def _at_most_one_start(fields: StreamFields) -> None:
    given = [
        name
        for name in ("start_cursor", "start_time", "from_earliest", "snapshot")
        if fields.get(name)
    ]
    if len(given) > 1:
        raise ValueError(f"a stream has one start, not {len(given)}: {' and '.join(given)}")


def _status_filter(fields: StreamFields) -> pb.StatusFilter:
    return pb.StatusFilter(
        message_ids=fields.get("message_ids", ()),
        batch_ids=fields.get("batch_ids", ()),
        statuses=[names.status_from(status) for status in fields.get("statuses", ())],
        countries=fields.get("countries", ()),
        senders=fields.get("senders", ()),
        labels=fields.get("labels", {}),
        verification_ids=fields.get("verification_ids", ()),
        terminal_only=fields.get("terminal_only", False),
    )
