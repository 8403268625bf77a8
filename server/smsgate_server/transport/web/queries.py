"""What stands in the query of a URL, as the JSON of a StreamStatusRequest."""

from collections.abc import Mapping
from typing import Any

from grpc import StatusCode

from smsgate_server.transport.web.failures import Failure

_STATUS = "MESSAGE_STATUS_"
# Names in the query and the lists of the filter that they fill.
_LISTS = {
    "message_id": "messageIds",
    "batch_id": "batchIds",
    "country": "countries",
    "sender": "senders",
    "verification_id": "verificationIds",
}
_STARTS = {"cursor": "cursor", "start_time": "startTime"}
_FLAGS = ("terminal_only", "from_earliest", "snapshot", "latest_only")
_KNOWN = frozenset([*_LISTS, *_STARTS, *_FLAGS, "status", "label", "heartbeat"])

Query = Mapping[str, list[str]]


def stream_request(query: Query) -> dict[str, Any]:
    """Lists are repeated names or commas between values; a label is KEY=VALUE."""
    check_names(query, _KNOWN)
    made: dict[str, Any] = {"filter": _filter(query)}
    for name, field in _STARTS.items():
        if name in query:
            made[field] = query[name][0]
    if flag(query, "from_earliest"):
        made["fromEarliest"] = True
    if flag(query, "snapshot"):
        made["snapshot"] = True
    if flag(query, "latest_only"):
        made["delivery"] = "STREAM_DELIVERY_LATEST_ONLY"
    if "heartbeat" in query:
        made["heartbeatInterval"] = f"{query['heartbeat'][0].removesuffix('s')}s"
    return made


def _filter(query: Query) -> dict[str, Any]:
    made: dict[str, Any] = {
        field: _values(query[name]) for name, field in _LISTS.items() if name in query
    }
    if "status" in query:
        names = [value.upper().removeprefix(_STATUS) for value in _values(query["status"])]
        made["statuses"] = [_STATUS + name for name in names]
    if "label" in query:
        pairs = [text.partition("=") for text in query["label"]]
        made["labels"] = {key: value for key, _, value in pairs}
    if flag(query, "terminal_only"):
        made["terminalOnly"] = True
    return made


def _values(texts: list[str]) -> list[str]:
    return [value for text in texts for value in text.split(",") if value]


def check_names(query: Query, known: frozenset[str]) -> None:
    """A misspelt filter must not be taken for none."""
    unknown = sorted(set(query) - known)
    if unknown:
        names = ", ".join(sorted(known))
        message = f'there is no "{unknown[0][:80]}" in this query; there is {names}'
        raise Failure(StatusCode.INVALID_ARGUMENT, message)


def flag(query: Query, name: str) -> bool:
    values = query.get(name, ["false"])
    if values[0] in ("true", "1", ""):
        return True
    if values[0] in ("false", "0"):
        return False
    raise Failure(StatusCode.INVALID_ARGUMENT, f"{name} is true or false")
