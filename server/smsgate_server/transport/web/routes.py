"""The routes that the original API is known by, in front of the same methods."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from grpc import StatusCode

from smsgate_server.transport.web.codecs import json_text, write_json
from smsgate_server.transport.web.context import WebContext
from smsgate_server.transport.web.event_source import EventSource, comes_again
from smsgate_server.transport.web.exchange import JSON, Exchange
from smsgate_server.transport.web.failures import Failure, not_allowed
from smsgate_server.transport.web.methods import Method
from smsgate_server.transport.web.patience import Patience
from smsgate_server.transport.web.queries import check_names, flag, stream_request
from smsgate_server.transport.web.sessions import Callers

_MESSAGES = "/smsgate.v1.MessageService"
_OTP = "/smsgate.v1.OTPService"
_MESSAGE = re.compile(r"/messages/([^/]+)(/events)?")

Answer = Callable[[Exchange], Awaitable[None]]


class Routes:
    def __init__(
        self,
        methods: dict[str, Method],
        callers: Callers,
        patience: Patience,
        event_source: EventSource,
    ) -> None:
        self._methods = methods
        self._callers = callers
        self._patience = patience
        self._event_source = event_source
        self._posts = {
            "/messages": methods[f"{_MESSAGES}/SendMessage"],
            "/otp": methods[f"{_OTP}/SendOTP"],
            "/otp/verify": methods[f"{_OTP}/VerifyOTP"],
        }
        self._get_message = methods[f"{_MESSAGES}/GetMessage"]

    def find(self, path: str) -> Answer | None:
        """What answers this path; None if it is none of these routes."""
        if path in self._posts:
            return self._post
        if path == "/events":
            return self._events
        found = _MESSAGE.fullmatch(path)
        if found is None:
            return None
        return self._events_of_message if found[2] else self._message

    async def refuse(self, exchange: Exchange, failure: Failure) -> None:
        """Answer with a failure, in the way that the caller of this path understands."""
        if self.find(exchange.path) in (self._events, self._events_of_message) and comes_again(
            exchange, failure
        ):
            await self._event_source.put_off(exchange, failure)
        else:
            await exchange.refuse(failure)

    async def _post(self, exchange: Exchange) -> None:
        _only("POST", exchange)
        media = exchange.header(b"content-type").partition(";")[0].strip().lower()
        if media != "application/json":
            message = f'the content-type must be application/json, and not "{media[:80]}"'
            raise Failure(StatusCode.INVALID_ARGUMENT, message, http_status=415)
        body = await self._patience.body(exchange)
        await self._call(self._posts[exchange.path], body, exchange)

    async def _message(self, exchange: Exchange) -> None:
        _only("GET", exchange)
        query = exchange.query()
        check_names(query, frozenset({"history"}))
        asked = {"id": _id(exchange), "includeHistory": flag(query, "history")}
        await self._call(self._get_message, json_text(asked), exchange)

    async def _call(self, method: Method, request: bytes, exchange: Exchange) -> None:
        context = WebContext(self._callers.metadata(exchange))
        response = await method.handles["json"](request, context)
        await exchange.respond(200, JSON, write_json(response))

    async def _events_of_message(self, exchange: Exchange) -> None:
        """The message as it is, every later event, and the end once it is final."""
        _only("GET", exchange)
        query = exchange.query()
        check_names(query, frozenset({"heartbeat"}))
        asked: dict[str, Any] = stream_request(query)
        asked["filter"] = {"messageIds": [_id(exchange)]}
        asked |= {"snapshot": True, "endWhenAllTerminal": True}
        await self._event_source.answer(exchange, asked)

    async def _events(self, exchange: Exchange) -> None:
        _only("GET", exchange)
        await self._event_source.answer(exchange, stream_request(exchange.query()))


def _id(exchange: Exchange) -> str:
    found = _MESSAGE.fullmatch(exchange.path)
    assert found is not None
    return found[1]


def _only(method: str, exchange: Exchange) -> None:
    if exchange.method != method:
        raise not_allowed(method)
