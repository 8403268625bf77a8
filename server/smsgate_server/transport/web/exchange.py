"""One HTTP request and its response, over ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from grpc import StatusCode

from smsgate_server.transport.web.failures import Failure, Headers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
_MAX_QUERY_FIELDS = 1_100


class Exchange:
    """Header names are lower case; of a header that comes twice the first counts."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.scheme: str = scope["scheme"]
        self.started = False
        self._query: bytes = scope["query_string"]
        self._abort: Callable[[], None] = scope["extensions"]["smsgate.abort"]
        self._headers = dict(reversed(scope["headers"]))
        self._receive = receive
        self._send = send
        # Added to every response.
        self.extra: list[tuple[bytes, bytes]] = []

    def header(self, name: bytes) -> str:
        """Empty if there is none."""
        value: bytes = self._headers.get(name, b"")
        return value.decode("latin-1")

    def query(self) -> dict[str, list[str]]:
        try:
            text = self._query.decode("ascii")
            return parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS)
        except ValueError:
            raise Failure(StatusCode.INVALID_ARGUMENT, "the query is malformed") from None

    async def body(self, limit: int, seconds: float) -> bytes:
        """The whole body; Failure if it is larger or comes slower than that."""
        announced = self.header(b"content-length")
        if announced.isdigit() and int(announced) > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(seconds):
                return await self._read(limit)
        except TimeoutError:
            message = f"the body of the request did not come within {seconds:g} seconds"
            raise Failure(StatusCode.DEADLINE_EXCEEDED, message, http_status=408) from None

    async def _read(self, limit: int) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while True:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = event.get("body", b"")
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
            if not event.get("more_body"):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def disconnected(self) -> None:
        """Return once the caller is gone. The body must have been read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, http_status: int, content_type: bytes, headers: Headers = ()) -> None:
        self.started = True
        fields = [(b"content-type", content_type)] if content_type else []
        await self._send(
            {
                "type": "http.response.start",
                "status": http_status,
                "headers": [*fields, *self.extra, *headers],
            }
        )

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Returns once there is room for more."""
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def respond(
        self, http_status: int, content_type: bytes, body: bytes, headers: Headers = ()
    ) -> None:
        size = (b"content-length", b"%d" % len(body))
        if http_status == 204:
            await self.start(http_status, b"", headers)
        else:
            await self.start(http_status, content_type, [size, *headers])
        await self.write(b"" if self.method == "HEAD" else body, last=True)

    async def refuse(self, failure: Failure) -> None:
        await self.respond(failure.http_status, JSON, failure.json(), failure.headers)

    def abort(self) -> None:
        """Drop the connection, and what waits to be written to it."""
        self._abort()


class Disconnected(Exception):
    """The caller is gone; nobody is left to be answered."""


def _too_large(limit: int) -> Failure:
    message = f"the body of the request is larger than {limit} bytes"
    return Failure(StatusCode.RESOURCE_EXHAUSTED, message, http_status=413)
