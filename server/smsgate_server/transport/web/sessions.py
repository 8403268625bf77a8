"""Who calls over HTTP: an API key in the authorization header, as with gRPC, or a session.

EventSource cannot send headers. A page sends the key once, to POST /session, and gets a cookie that
no script can read (HttpOnly) and that no other site can use (SameSite=Strict, and the origin is
looked at). It ends after hours, or with the key.
"""

from datetime import UTC, datetime

from grpc import StatusCode

from smsgate_server.domain.errors import SmsgateError, Unauthenticated
from smsgate_server.services.sessions import Sessions
from smsgate_server.transport.auth import Gate
from smsgate_server.transport.errors import code_of, status_of
from smsgate_server.transport.web.codecs import json_text
from smsgate_server.transport.web.context import Metadata
from smsgate_server.transport.web.exchange import JSON, Exchange
from smsgate_server.transport.web.failures import Failure
from smsgate_server.transport.web.origins import Origins

COOKIE = "smsgate_session"
METHODS = ("GET", "POST", "DELETE")


class Callers:
    def __init__(self, gate: Gate, sessions: Sessions, origins: Origins) -> None:
        self._gate = gate
        self._sessions = sessions
        self._origins = origins

    def metadata(self, exchange: Exchange) -> Metadata:
        """The metadata of gRPC that a request stands for."""
        key = exchange.header(b"authorization")
        if not key and not self._origins.is_foreign(exchange):
            token = _cookie(exchange)
            key = f"Bearer {token}" if token else ""
        return [("authorization", key)] if key else []

    async def answer(self, exchange: Exchange) -> None:
        """GET, POST and DELETE of /session: who am I, log in, log out."""
        if self._origins.is_foreign(exchange):
            raise Failure(StatusCode.PERMISSION_DENIED, "only our own pages have sessions")
        if exchange.method == "DELETE":
            await exchange.respond(204, b"", b"", [_set_cookie(exchange, "", 0)])
            return
        try:
            await self._told(exchange)
        except Unauthenticated as error:
            raise refused(error) from None

    async def _told(self, exchange: Exchange) -> None:
        opening = exchange.method == "POST"
        authorization = exchange.header(b"authorization")
        metadata = [("authorization", authorization)] if opening else self.metadata(exchange)
        caller = self._gate.identify(metadata)
        fields = {"account": caller.account, "scopes": sorted(s.name for s in caller.scopes)}
        headers = []
        session = self._sessions.open(caller) if opening else None
        if session is not None:
            token, end = session
            fields["expireTime"] = f"{end.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
            seconds = int((end - datetime.now(UTC)).total_seconds())
            headers.append(_set_cookie(exchange, token, max(seconds, 0)))
        await exchange.respond(200, JSON, json_text(fields), headers)


def refused(error: SmsgateError) -> Failure:
    status = status_of(error)
    return Failure(code_of(error), status.message, status=status)


def _cookie(exchange: Exchange) -> str:
    for pair in exchange.header(b"cookie").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _set_cookie(exchange: Exchange, token: str, seconds: int) -> tuple[bytes, bytes]:
    secure = "; Secure" if exchange.scheme == "https" else ""
    text = f"{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
    return b"set-cookie", text.encode("latin-1")
