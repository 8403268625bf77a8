"""What answers a request, by its path: the ASGI application."""

import logging
import uuid
from datetime import timedelta

from grpc import StatusCode

from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.transport.errors import code_of, status_of
from smsgate_server.transport.web.connect import Connect
from smsgate_server.transport.web.exchange import JSON, Disconnected, Exchange, Receive, Scope, Send
from smsgate_server.transport.web.failures import Failure, not_allowed
from smsgate_server.transport.web.grpc_web import PREFIX, GrpcWeb
from smsgate_server.transport.web.methods import Method
from smsgate_server.transport.web.origins import Origins
from smsgate_server.transport.web.pages import Pages
from smsgate_server.transport.web.routes import Routes
from smsgate_server.transport.web.sessions import METHODS, Callers

_failures = logging.getLogger("smsgate.failure")

_SECURE = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
# An answer of the API is no page, and is nobody else's.
_ANSWER = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class Front:
    """`draining` refuses new calls, and says so at /readyz."""

    def __init__(
        self,
        methods: dict[str, Method],
        connect: Connect,
        grpc_web: GrpcWeb,
        routes: Routes,
        callers: Callers,
        origins: Origins,
        pages: Pages,
    ) -> None:
        self._methods = methods
        self._connect = connect
        self._grpc_web = grpc_web
        self._routes = routes
        self._callers = callers
        self._origins = origins
        self._pages = pages
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        exchange.extra += [*_SECURE, *self._origins.headers(exchange)]
        try:
            await self._answer(exchange)
        except Disconnected:
            pass
        except Failure as failure:
            await self._refuse(exchange, failure)
        except Exception as error:
            await self._refuse(exchange, _internal(exchange, error))

    async def _refuse(self, exchange: Exchange, failure: Failure) -> None:
        if exchange.started:
            exchange.abort()
        else:
            await self._routes.refuse(exchange, failure)

    async def _answer(self, exchange: Exchange) -> None:
        path = exchange.path
        if self._pages.has(path):
            self._origins.check_host(exchange)
            await self._pages.answer(exchange)
            return
        exchange.extra += _ANSWER
        if path in ("/healthz", "/readyz"):
            await self._tell_health(exchange)
            return
        self._origins.check_host(exchange)
        if exchange.method == "OPTIONS":
            await self._origins.preflight(exchange)
            return
        self._origins.check_page(exchange)
        if self.draining:
            raise _draining()
        await self._answer_call(exchange)

    async def _answer_call(self, exchange: Exchange) -> None:
        method = self._methods.get(exchange.path)
        if method is not None:
            await self._answer_rpc(method, exchange)
            return
        if exchange.path == "/session":
            if exchange.method not in METHODS:
                raise not_allowed(", ".join(METHODS))
            await self._callers.answer(exchange)
            return
        answer = self._routes.find(exchange.path)
        if answer is None:
            message = "there is nothing at this path; the API has /smsgate.v1.SERVICE/METHOD"
            raise Failure(StatusCode.UNIMPLEMENTED, message, http_status=404)
        await answer(exchange)

    async def _answer_rpc(self, method: Method, exchange: Exchange) -> None:
        if exchange.method != "POST":
            raise not_allowed("POST")
        media = exchange.header(b"content-type").partition(";")[0].strip().lower()
        if media.startswith(PREFIX):
            await self._grpc_web.answer(method, media, exchange)
        else:
            await self._connect.answer(method, media, exchange)

    async def _tell_health(self, exchange: Exchange) -> None:
        if self.draining and exchange.path == "/readyz":
            raise _draining()
        await exchange.respond(200, JSON, b'{"status":"SERVING"}')


def draining() -> Unavailable:
    return Unavailable(
        ErrorReason.SERVER_DRAINING,
        "the server is stopping; try again",
        retry_after=timedelta(seconds=1),
    )


def _draining() -> Failure:
    error = draining()
    status = status_of(error)
    headers = [(b"retry-after", b"1"), (b"connection", b"close")]
    return Failure(code_of(error), status.message, status=status, headers=headers)


def _internal(exchange: Exchange, error: Exception) -> Failure:
    """The caller learns an id to report, never what the server looks like inside."""
    error_id = uuid.uuid4().hex
    _failures.error("%s failed, error_id %s", exchange.path, error_id, exc_info=error)
    message = f"an error of the server, not of the request; report error_id {error_id}"
    return Failure(StatusCode.INTERNAL, message)
