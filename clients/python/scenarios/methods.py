"""Requests as JSON, made into calls as a Python service writes them."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from smsgate_client import SmsgateClient, batch_item

_SPANS = {"wait", "validity_period", "heartbeat_interval", "ttl"}
_TIMES = {"send_time", "start_time", "end_time", "created_from", "created_before"}
# What a keyword of the client is called, where it is not the name of the field.
_KEYWORDS = {"validity_period": "validity", "cursor": "start_cursor", "include_history": "history"}
_NESTED = {"options", "filter"}
_ENUM = re.compile(r"(?:MESSAGE_STATUS|UNKNOWN_SUBMIT_POLICY|STREAM_DELIVERY)_([A-Z_]+)")


def keywords(request: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a request: nested messages are flat in Python."""
    made: dict[str, Any] = {}
    for key, value in request.items():
        name = re.sub(r"[A-Z]", lambda match: "_" + match[0].lower(), key)
        if name in _NESTED:
            made |= keywords(value)
        else:
            made[_KEYWORDS.get(name, name)] = _value(name, value)
    return made


def _value(name: str, value: Any) -> Any:
    if name in _SPANS:
        return float(value.removesuffix("s"))
    if name in _TIMES:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, list):
        return [_value(name, inner) for inner in value]
    if isinstance(value, str) and (known := _ENUM.fullmatch(value)):
        return known[1]
    return value


_Call = Callable[..., Awaitable[Message]]


def _batch(client: SmsgateClient) -> _Call:
    def send(items: list[dict[str, Any]], **fields: Any) -> Awaitable[Message]:
        return client.send_batch([batch_item(**keywords(item)) for item in items], **fields)

    return send


_METHODS: dict[str, Callable[[SmsgateClient], _Call]] = {
    "SendMessage": lambda client: client.send,
    "SendBatch": _batch,
    "EstimateMessage": lambda client: client.estimate,
    "GetMessage": lambda client: client.get,
    "ListMessages": lambda client: client.list_page,
    "CancelMessage": lambda client: client.cancel,
    "SendOTP": lambda client: client.send_otp,
    "VerifyOTP": lambda client: client.verify_otp,
    "GetVerification": lambda client: client.get_verification,
    "CancelVerification": lambda client: client.cancel_verification,
    "ListPrices": lambda client: client.list_prices_page,
    "ListDestinations": lambda client: client.list_destinations_page,
    "LookupNumber": lambda client: client.lookup_number,
    "GetUsage": lambda client: client.get_usage,
    "GetAccount": lambda client: client.get_account,
}


async def call(
    client: SmsgateClient, method: str, request: dict[str, Any], timeout: float | None
) -> dict[str, Any]:
    """The answer, in its JSON form."""
    made = _METHODS[method](client)
    return MessageToDict(await made(**keywords(request), timeout=timeout))
