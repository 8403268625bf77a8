"""Messages as JSON and as protocol buffers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation

Read = Callable[[bytes], Message]


@dataclass(frozen=True, slots=True)
class Codec:
    """`name` is the part of the media type that says how messages are written."""

    name: str
    reader: Callable[[type[Message]], Read]
    write: Callable[[Message], bytes]


def read_json(kind: type[Message]) -> Read:
    """Strict, as everywhere: a misspelt name of an option must not send a message without it."""

    def read(data: bytes) -> Message:
        try:
            # An empty body is a request without fields, so that curl can call GetAccount.
            return json_format.Parse(data or b"{}", kind())
        except (json_format.ParseError, ValueError, RecursionError, TypeError) as error:
            raise InvalidArgument.of([_violation(kind, error)]) from None

    return read


def _violation(kind: type[Message], error: Exception) -> Violation:
    why = " ".join(str(error).split())[:200]
    description = f"is not the JSON of a {kind.DESCRIPTOR.name}: {why}"
    return Violation("request", ErrorReason.INVALID_FIELD, description)


def write_json(message: Message) -> bytes:
    return json_text(json_format.MessageToDict(message))


def json_text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
