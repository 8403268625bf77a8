"""One gRPC call as ASGI brings it: the request, responses and trailers.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

import asyncio
import base64
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NoReturn
from urllib.parse import quote

from grpc import StatusCode

from smsgate_server.transport.web.exchange import Disconnected
from smsgate_server.transport.web.failures import Failure
from smsgate_server.transport.web.framing import COMPRESSED, enveloped, opened
from smsgate_server.transport.web.patience import MAX_BODY_BYTES

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Trailer = tuple[bytes, bytes]

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/grpc"),
        (b"grpc-accept-encoding", b"identity, gzip, deflate"),
    ],
    "trailers": True,
}
# Of zlib: both forms, told apart by their first bytes.
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
OK: list[Trailer] = [(b"grpc-status", b"0")]


class EnvoyCall:
    """What calls.py, stall.py and patience.py see of a call, in place of grpc's own context."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.path: str = scope["path"]
        self._headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))
        self._receive = receive
        self._send = send
        self._started = False
        self._trailers: dict[str, str | bytes] = {}

    def header(self, name: bytes) -> str:
        """Empty if there is none."""
        return self._headers.get(name, b"").decode("latin-1")

    async def request(self) -> bytes:
        """The only message there is. Failure if it is too large, or none."""
        event = await self._receive()
        body: bytes = event.get("body", b"")
        if event.get("more_body"):
            body = await self._rest(body)
        elif event["type"] == "http.disconnect":
            raise Disconnected
        flags, message = opened(body)
        return self._inflated(message) if flags & COMPRESSED else message

    async def _rest(self, first: bytes) -> bytes:
        chunks, size, more = [first], len(first), True
        while more:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                raise Disconnected
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
            more = event.get("more_body", False)
            if size > MAX_BODY_BYTES:
                raise _too_large()
        return b"".join(chunks)

    def _inflated(self, message: bytes) -> bytes:
        encoding = self.header(b"grpc-encoding")
        if encoding not in ("gzip", "deflate"):
            text = f'messages compressed by "{encoding[:20]}" are not supported'
            raise Failure(StatusCode.UNIMPLEMENTED, text)
        reader = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            inflated = reader.decompress(message, MAX_BODY_BYTES)
        except zlib.error as error:
            raise Failure(
                StatusCode.INTERNAL, f"a compressed message is damaged: {error}"
            ) from None
        if reader.unconsumed_tail:
            raise _too_large()
        return inflated

    async def disconnected(self) -> None:
        """Return once the caller is gone. The request must have been read."""
        # Shielded: pyvoy complains of a wait that was cancelled when its event comes.
        while (await asyncio.shield(self._receive()))["type"] != "http.disconnect":
            pass

    def invocation_metadata(self) -> list[tuple[str, str]]:
        key = self.header(b"authorization")
        return [("authorization", key)] if key else []

    def set_trailing_metadata(self, trailers: Iterable[tuple[str, str | bytes]]) -> None:
        self._trailers = dict(trailers)

    async def abort(self, code: StatusCode, message: str) -> NoReturn:
        raise Failure(code, message)

    async def write(self, message: bytes) -> None:
        """Returns once there is room for more."""
        await self._begin()
        await self._send(
            {"type": "http.response.body", "body": enveloped(message), "more_body": True}
        )

    async def answer(self, message: bytes) -> None:
        """The response of a unary call, and its end."""
        await self._begin()
        await self._send(
            {"type": "http.response.body", "body": enveloped(message), "more_body": False}
        )
        await self._tell(OK)

    async def end(self) -> None:
        await self._end(OK)

    async def refuse(self, failure: Failure) -> None:
        number: int = failure.code.value[0]
        message = quote(failure.message, safe=" ").encode()
        await self._end(
            [
                (b"grpc-status", b"%d" % number),
                (b"grpc-message", message),
                *(_trailer(name, value) for name, value in self._trailers.items()),
            ]
        )

    async def _begin(self) -> None:
        if not self._started:
            self._started = True
            await self._send(_START)

    async def _end(self, trailers: list[Trailer]) -> None:
        await self._begin()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        await self._tell(trailers)

    async def _tell(self, trailers: list[Trailer]) -> None:
        await self._send(
            {"type": "http.response.trailers", "headers": trailers, "more_trailers": False}
        )


def _trailer(name: str, value: str | bytes) -> Trailer:
    # Those whose name ends with -bin are bytes.
    text = base64.b64encode(value).rstrip(b"=") if isinstance(value, bytes) else value.encode()
    return name.encode(), text


def _too_large() -> Failure:
    return Failure(
        StatusCode.RESOURCE_EXHAUSTED, f"the request is larger than {MAX_BODY_BYTES} bytes"
    )
