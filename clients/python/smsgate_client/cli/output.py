"""What the commands print: for people in a terminal, for programs in a pipe."""

import json
import sys
from enum import StrEnum
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status as RpcStatus
from google.type.money_pb2 import Money
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate_client import names, values
from smsgate_client.errors import SmsgateError, from_status

STYLES: dict[int, str] = {
    message_pb2.MESSAGE_STATUS_NEW: "cyan",
    message_pb2.MESSAGE_STATUS_PENDING: "yellow",
    message_pb2.MESSAGE_STATUS_UNDELIVERABLE: "red",
    message_pb2.MESSAGE_STATUS_DELIVERED: "green",
    message_pb2.MESSAGE_STATUS_EXPIRED: "magenta",
    message_pb2.MESSAGE_STATUS_REJECTED: "bold red",
}


class Output(StrEnum):
    """How results are printed."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


def print_json(value: ProtoMessage | dict[str, Any]) -> None:
    """One line of JSON, written at once: a reader of a pipe waits for it."""
    plain = as_plain(value) if isinstance(value, ProtoMessage) else value
    print_line(json.dumps(plain, ensure_ascii=False))


def print_line(line: str) -> None:
    """One plain line, written at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def as_plain(message: ProtoMessage) -> Any:
    """A message of the contract for JSON: its own field names, short enum names, decimal money."""
    if isinstance(message, Timestamp | Duration):
        return message.ToJsonString()
    if isinstance(message, Money):
        return {"amount": f"{values.amount_of(message):f}", "currency": message.currency_code}
    if isinstance(message, RpcStatus):
        return error_as_plain(from_status(message))
    return {field.name: _field(field, value) for field, value in message.ListFields()}


def error_as_plain(error: SmsgateError) -> dict[str, Any]:
    """An error for JSON."""
    plain: dict[str, Any] = {
        "code": error.code.name,
        "reason": error.reason,
        "message": error.message,
        "violations": [
            {"field": v.field, "reason": v.reason, "description": v.description}
            for v in error.violations
        ],
        "metadata": error.metadata,
    }
    if error.retry_after is not None:
        plain["retry_after_seconds"] = error.retry_after.total_seconds()
    return {name: value for name, value in plain.items() if value}


def _field(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if isinstance(value, str | bytes | int | ProtoMessage):
        return _single(field, value)
    return [_single(field, item) for item in value]


def _single(field: FieldDescriptor, value: Any) -> Any:
    if isinstance(value, ProtoMessage):
        return as_plain(value)
    if field.enum_type is not None:
        return names.short_name(field.enum_type, value)
    return value


def printable(text: str) -> str:
    """A text from outside, without the characters that could move the cursor of a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def status_text(status: names.Status) -> Text:
    """The short name of a status, in its colour."""
    return Text(names.status_name(status), style=STYLES.get(status, ""))


def price_text(message: message_pb2.Message) -> str:
    """What a message costs."""
    return money_text(message.total_price) if message.HasField("total_price") else "price unknown"


def money_text(price: Money) -> str:
    """An amount with its currency."""
    return f"{values.amount_of(price):f} {price.currency_code}"


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 segment", "1,200 segments"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def clock_text(stamp: Timestamp) -> str:
    """A time for people, in their own zone."""
    return values.time_of(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
