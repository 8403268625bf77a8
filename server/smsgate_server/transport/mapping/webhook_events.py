"""What a webhook is sent: events as JSON."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict

from smsgate_server.domain.message import StatusEvent
from smsgate_server.transport.mapping import responses

_STATUS, _TEST = "message.status", "webhook.test"


def compose(event: StatusEvent, cursor: str, custom_data: Mapping[str, str]) -> str:
    """The event as the stream has it, in its JSON form, with its place and the caller's own data.

    It has neither the text of the message nor, thus, a code.
    """
    data: dict[str, Any] = MessageToDict(responses.event(event))
    data["cursor"] = cursor
    if custom_data:
        data["customData"] = dict(custom_data)
    return _body(_STATUS, event.event_time, data)


def compose_test(now: datetime) -> str:
    return _body(_TEST, now, {})


def _body(kind: str, time: datetime, data: Mapping[str, Any]) -> str:
    stamp = responses.timestamp(time).ToJsonString()
    whole = {"type": kind, "timestamp": stamp, "data": data}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
