"""The Connect protocol: https://connectrpc.com/docs/protocol

A unary call is a POST of a message and a response with a message, so it is plain JSON too. A stream
is a response of envelopes, of which the last one says how it ended.
"""

from grpc import StatusCode

from smsgate_server.transport.web.codecs import json_text
from smsgate_server.transport.web.context import WebContext
from smsgate_server.transport.web.exchange import Exchange
from smsgate_server.transport.web.failures import Failure
from smsgate_server.transport.web.framing import CONNECT_END, enveloped, only_message
from smsgate_server.transport.web.methods import CODECS, Method
from smsgate_server.transport.web.patience import Patience
from smsgate_server.transport.web.sessions import Callers
from smsgate_server.transport.web.stream_json import StreamJson

_UNARY, _STREAM = "application/", "application/connect+"
_TIMEOUT_DIGITS = 10


class Connect:
    def __init__(self, callers: Callers, patience: Patience, stream_json: StreamJson) -> None:
        self._callers = callers
        self._patience = patience
        self._stream_json = stream_json

    async def answer(self, method: Method, media: str, exchange: Exchange) -> None:
        if exchange.header(b"connect-protocol-version") not in ("", "1"):
            raise Failure(
                StatusCode.INVALID_ARGUMENT, "the only connect-protocol-version there is here is 1"
            )
        prefix = _STREAM if method.streaming else _UNARY
        codec = media.removeprefix(prefix)
        if not media.startswith(prefix) or codec not in CODECS:
            raise unsupported_media(method, media)
        timeout = _timeout(exchange)
        if method.streaming:
            await self._stream(method, codec, exchange, timeout)
        else:
            await self._unary(method, codec, exchange, timeout)

    async def _unary(
        self, method: Method, codec: str, exchange: Exchange, timeout: float | None
    ) -> None:
        if exchange.header(b"content-encoding") not in ("", "identity"):
            raise Failure(
                StatusCode.UNIMPLEMENTED,
                "compressed requests are not supported",
                headers=[(b"accept-encoding", b"identity")],
            )
        request = await self._patience.body(exchange)
        context = WebContext(self._callers.metadata(exchange))
        call = method.handles[codec](request, context)
        response = await self._patience.wait(call, exchange, timeout, method.may_wait)
        body = CODECS[codec].write(response)
        await exchange.respond(200, f"application/{codec}".encode(), body)

    async def _stream(
        self, method: Method, codec: str, exchange: Exchange, timeout: float | None
    ) -> None:
        content_type = f"{_STREAM}{codec}".encode()

        async def write(response: bytes) -> None:
            if not exchange.started:
                await exchange.start(200, content_type)
            await exchange.write(enveloped(await self._encoded(codec, response)))

        end = b"{}"
        try:
            if exchange.header(b"connect-content-encoding") not in ("", "identity"):
                raise Failure(StatusCode.UNIMPLEMENTED, "compressed streams are not supported")
            request = only_message(await self._patience.body(exchange))
            context = WebContext(self._callers.metadata(exchange), write)
            call = method.handles[codec](request, context)
            await self._patience.wait(call, exchange, timeout, True)
        except Failure as failure:
            end = json_text({"error": failure.fields(), "metadata": _metadata(failure)})
        if not exchange.started:
            await exchange.start(200, content_type)
        await self._patience.finish(exchange, enveloped(end, CONNECT_END))

    async def _encoded(self, codec: str, response: bytes) -> bytes:
        return response if codec == "proto" else await self._stream_json.of(response)


def _metadata(failure: Failure) -> dict[str, list[str]]:
    return {name.decode(): [value.decode()] for name, value in failure.headers}


def _timeout(exchange: Exchange) -> float | None:
    text = exchange.header(b"connect-timeout-ms")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _TIMEOUT_DIGITS):
        message = "connect-timeout-ms is not a number of at most 10 digits"
        raise Failure(StatusCode.INVALID_ARGUMENT, message)
    return int(text) / 1e3


def unsupported_media(method: Method, media: str) -> Failure:
    prefix = _STREAM if method.streaming else _UNARY
    accepted = ", ".join([*(prefix + name for name in CODECS), "application/grpc-web"])
    message = f'{method.name} takes the content-type {accepted}, and not "{media[:80]}"'
    headers = [(b"accept-post", accepted.encode())]
    return Failure(StatusCode.INVALID_ARGUMENT, message, http_status=415, headers=headers)
