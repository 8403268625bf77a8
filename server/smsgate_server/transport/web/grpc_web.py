"""gRPC-Web: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md

The response is HTTP 200 with envelopes, of which the last one holds the trailers; in the text form
all of it is base64.
"""

import base64
import binascii
import re
from urllib.parse import quote

from grpc import StatusCode

from smsgate_server.transport.errors import DETAILS
from smsgate_server.transport.web.context import WebContext
from smsgate_server.transport.web.exchange import Exchange
from smsgate_server.transport.web.failures import Failure
from smsgate_server.transport.web.framing import GRPC_WEB_TRAILERS, enveloped, only_message
from smsgate_server.transport.web.methods import CODECS, Method
from smsgate_server.transport.web.patience import Patience
from smsgate_server.transport.web.sessions import Callers
from smsgate_server.transport.web.stream_json import StreamJson

PREFIX = "application/grpc-web"
_MEDIA = re.compile(r"application/grpc-web(?P<text>-text)?(\+(?P<codec>proto|json))?")
_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_SECONDS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


class GrpcWeb:
    def __init__(self, callers: Callers, patience: Patience, stream_json: StreamJson) -> None:
        self._callers = callers
        self._patience = patience
        self._json = stream_json

    async def answer(self, method: Method, media: str, exchange: Exchange) -> None:
        form = _MEDIA.fullmatch(media)
        if form is None:
            message = f'there is no "{media[:80]}" here'
            raise Failure(StatusCode.INVALID_ARGUMENT, message, http_status=415)
        writer = _Writer(exchange, media, is_text=form["text"] is not None)
        try:
            await self._call(method, form["codec"] or "proto", writer, exchange)
        except Failure as failure:
            trailers = _refusal(failure)
        else:
            trailers = b"grpc-status: 0\r\n"
        await writer.start()
        end = writer.encoded(enveloped(trailers, GRPC_WEB_TRAILERS))
        await self._patience.finish(exchange, end)

    async def _call(
        self, method: Method, codec: str, writer: "_Writer", exchange: Exchange
    ) -> None:
        async def write(response: bytes) -> None:
            await writer.write(response if codec == "proto" else await self._json.of(response))

        timeout = timeout_of(exchange.header(b"grpc-timeout"))
        request = only_message(writer.decoded(await self._patience.body(exchange)))
        context = WebContext(self._callers.metadata(exchange), write)
        call = method.handles[codec](request, context)
        watch = method.streaming or method.may_wait
        response = await self._patience.wait(call, exchange, timeout, watch)
        if not method.streaming:
            await writer.write(CODECS[codec].write(response))


class _Writer:
    def __init__(self, exchange: Exchange, media: str, is_text: bool) -> None:
        self._exchange = exchange
        self._media = media.encode()
        self._is_text = is_text

    async def start(self) -> None:
        if not self._exchange.started:
            await self._exchange.start(200, self._media)

    async def write(self, message: bytes) -> None:
        await self.start()
        await self._exchange.write(self.encoded(enveloped(message)))

    def encoded(self, data: bytes) -> bytes:
        return base64.b64encode(data) if self._is_text else data

    def decoded(self, body: bytes) -> bytes:
        if not self._is_text:
            return body
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            message = "the body of the request is not base64"
            raise Failure(StatusCode.INVALID_ARGUMENT, message) from None


def _refusal(failure: Failure) -> bytes:
    number: int = failure.code.value[0]
    lines = [f"grpc-status: {number}", f"grpc-message: {quote(failure.message, safe=' ')}"]
    if failure.status is not None:
        details = base64.b64encode(failure.status.SerializeToString()).decode().rstrip("=")
        lines.append(f"{DETAILS}: {details}")
    return "".join(f"{line}\r\n" for line in lines).encode()


def timeout_of(text: str) -> float | None:
    """The seconds of a grpc-timeout; None if it is empty."""
    if not text:
        return None
    found = _TIMEOUT.fullmatch(text)
    if found is None:
        raise Failure(StatusCode.INVALID_ARGUMENT, "grpc-timeout is malformed")
    return int(found[1]) * _SECONDS[found[2]]
