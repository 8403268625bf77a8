"""Streams as server-sent events: one event for each response of StreamStatus.

`id` is the cursor, so a browser that comes back says by itself (Last-Event-ID) where to go on; the
events of one transaction share a response, so none is seen twice. During a snapshot there is no id:
an interrupted snapshot starts again.

A browser gives up for ever at any answer but 200. So where only the moment is wrong (a server that
stops, a limit) it gets a stream that tells so and ends: then it comes again by itself. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from typing import Any

from grpc import StatusCode

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.transport.web.codecs import json_text
from smsgate_server.transport.web.context import WebContext
from smsgate_server.transport.web.exchange import Exchange
from smsgate_server.transport.web.failures import Failure
from smsgate_server.transport.web.methods import Method
from smsgate_server.transport.web.patience import Patience
from smsgate_server.transport.web.sessions import Callers
from smsgate_server.transport.web.stream_json import StreamJson

_TYPE = b"text/event-stream"
_HEADERS = [(b"x-accel-buffering", b"no")]
# Browsers come back after a second, not after their own three.
_RETRY_SECONDS = 1
_RETRY = b"retry: %d\n" % (_RETRY_SECONDS * 1_000)
_PASSING = frozenset({StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED})
# Behind the last cursor of a stream that has nothing more to tell.
_END = ".end"
_ALL_TERMINAL = pb.StreamStatusResponse.End.REASON_ALL_TERMINAL


def comes_again(exchange: Exchange, failure: Failure) -> bool:
    """Whether it is a browser's EventSource that is refused, and for what passes."""
    return "text/event-stream" in exchange.header(b"accept") and failure.code in _PASSING


class EventSource:
    def __init__(
        self, method: Method, callers: Callers, patience: Patience, stream_json: StreamJson
    ) -> None:
        self._method = method
        self._callers = callers
        self._patience = patience
        self._json = stream_json

    async def answer(self, exchange: Exchange, asked: dict[str, Any]) -> None:
        """`asked` is the JSON of a StreamStatusRequest."""
        seen = exchange.header(b"last-event-id")
        if seen.endswith(_END):
            # The one answer after which a browser does not come back again.
            await exchange.respond(204, b"", b"")
            return
        if seen:
            asked = _from(asked, seen)
        await self._patience.body(exchange)
        write = _Writer(exchange, self._json, bool(asked.get("snapshot"))).write
        context = WebContext(self._callers.metadata(exchange), write)
        call = self._method.handles["json"](json_text(asked), context)
        last = b""
        try:
            await self._patience.wait(call, exchange, None, True)
        except Failure as failure:
            if not exchange.started:
                raise
            last = _failed(failure)
        await self._patience.finish(exchange, last)

    async def put_off(self, exchange: Exchange, failure: Failure) -> None:
        """Tell why it is refused, and when to come again. There is no id: the last one stays."""
        seconds = int(dict(failure.headers).get(b"retry-after", _RETRY_SECONDS))
        await exchange.start(200, _TYPE, [*_HEADERS, *failure.headers])
        told = b"retry: %d\n" % (seconds * 1_000) + _failed(failure)
        await self._patience.finish(exchange, told)


def _from(asked: dict[str, Any], cursor: str) -> dict[str, Any]:
    starts = ("cursor", "startTime", "fromEarliest", "snapshot")
    return {name: asked[name] for name in asked if name not in starts} | {"cursor": cursor}


def _failed(failure: Failure) -> bytes:
    return b"event: failed\ndata: " + json_text(failure.fields()) + b"\n\n"


class _Writer:
    def __init__(self, exchange: Exchange, stream_json: StreamJson, snapshot: bool) -> None:
        self._exchange = exchange
        self._json = stream_json
        self._in_snapshot = snapshot

    async def write(self, response: bytes) -> None:
        read = pb.StreamStatusResponse.FromString(response)
        kind = read.WhichOneof("control") or ("snapshot" if read.snapshot else "events")
        if kind == "snapshot_end":
            self._in_snapshot = False
        lines = [b"event: " + kind.encode(), b"data: " + await self._json.of(response)]
        if read.cursor and not self._in_snapshot:
            over = kind == "end" and read.end.reason == _ALL_TERMINAL
            lines.append(f"id: {read.cursor}{_END if over else ''}".encode())
        data = b"\n".join(lines) + b"\n\n"
        if not self._exchange.started:
            await self._exchange.start(200, _TYPE, _HEADERS)
            data = _RETRY + data
        await self._exchange.write(data)
