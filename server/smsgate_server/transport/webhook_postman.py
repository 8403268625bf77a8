"""Requests to webhooks: signed, bounded in time and size, and to checked addresses only.

A name is looked up once per connection, and the connection goes to the address that was checked:
what a name server says a moment later changes nothing. The address is checked again where the
socket is made, because addresses written in a URL are not looked up at all.
"""

import socket
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from standardwebhooks import Webhook as Signer

from smsgate_server.domain.webhook_addresses import Networks, is_allowed, parse_address
from smsgate_server.domain.webhook_checks import url_fault
from smsgate_server.domain.webhooks import Outcome, Verdict, outcome_of
from smsgate_server.services.ports import Clock
from smsgate_server.transport.late_postman import Resolve, look_up

# An answer is read so far, so that its connection can be used again; what is longer is cut off.
_MAX_ANSWER_BYTES = 64 * 2**10
_MAX_HEADER_BYTES = 16 * 2**10
_KEEP_ALIVE_SECONDS = 30.0


class _Refused(OSError):
    """An address that may not be reached."""


class _CheckedResolver(AbstractResolver):
    def __init__(self, resolve: Resolve, networks: Networks) -> None:
        self._resolve = resolve
        self._networks = networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = [parse_address(text) for text in await self._resolve(host, port)]
        allowed = [a for a in addresses if a is not None and is_allowed(a, self._networks)]
        if not allowed:
            raise _Refused("the name leads to no address that webhooks may reach")
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in allowed
        ]

    async def close(self) -> None:
        pass


class HttpPostman:
    """The Postman port. `resolve` gives the addresses of a name, as often as it is asked."""

    def __init__(
        self,
        clock: Clock,
        *,
        networks: Networks = (),
        allow_http: bool = False,
        timeout_seconds: float = 10.0,
        connections: int = 256,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._networks = networks
        self._allow_http = allow_http
        self._timeout_seconds = timeout_seconds
        self._resolver = _CheckedResolver(resolve, networks)
        self._connections = connections
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=self._connections,
                resolver=self._resolver,
                use_dns_cache=False,
                keepalive_timeout=_KEEP_ALIVE_SECONDS,
                socket_factory=self._socket,
                ssl=self._tls or True,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                # A small answer can unpack to a large one, and nobody reads it.
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds),
                max_line_size=_MAX_HEADER_BYTES,
                max_field_size=_MAX_HEADER_BYTES,
            )
        return self._session

    def _socket(self, info: Any) -> socket.socket:
        family, kind, proto, _, target = info
        address = parse_address(str(target[0]))
        if address is None or not is_allowed(address, self._networks):
            raise _Refused("the address is not one that webhooks may reach")
        made = socket.socket(family, kind, proto)
        made.setblocking(False)
        return made

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        event_id: str,
        body: str,
        secrets: Sequence[str],
    ) -> Outcome:
        """One request. No error says more of the URL than its host."""
        started = time.monotonic()

        def failed(error: str) -> Outcome:
            return Outcome(Verdict.RETRY, error=error, duration=_since(started))

        # Settings can have become stricter since the URL was accepted.
        fault = url_fault(url, self._allow_http, self._networks)
        if fault:
            return failed(f"the URL {fault}")
        try:
            return await self._post(url, headers, event_id, body, secrets, started)
        except TimeoutError:
            return failed(f"no whole answer within {self._timeout_seconds:g} seconds")
        except aiohttp.ClientConnectorCertificateError:
            return failed("the certificate of the endpoint is not trusted")
        except aiohttp.ClientSSLError:
            return failed("no TLS connection to the endpoint")
        except aiohttp.ClientConnectorError as error:
            return failed(_why_not_connected(error))
        except _Refused as error:
            return failed(str(error))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return failed(f"the request failed: {type(error).__name__}")

    async def _post(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        event_id: str,
        body: str,
        secrets: Sequence[str],
        started: float,
    ) -> Outcome:
        sent = {
            **dict(headers),
            **signed(event_id, body, secrets, self._clock.now()),
            "content-type": "application/json",
            "user-agent": "smsgate",
        }
        async with self._open().post(
            url, data=body.encode(), headers=sent, allow_redirects=False
        ) as response:
            await _read_some(response)
            patience = _retry_after(response.headers.get("retry-after", ""), self._clock.now())
            return outcome_of(response.status, patience, _since(started))


def signed(event_id: str, body: str, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, with a signature for each secret."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(
            Signer(secret).sign(msg_id=event_id, timestamp=now, data=body) for secret in secrets
        ),
    }


async def _read_some(response: aiohttp.ClientResponse) -> None:
    """The status alone counts, but an answer that is read leaves a connection to use again."""
    left = _MAX_ANSWER_BYTES
    async for piece in response.content.iter_any():
        left -= len(piece)
        if left < 0:
            response.close()
            return


def _retry_after(text: str, now: datetime) -> timedelta | None:
    """RFC 9110 10.2.3: seconds or a date; None if it is neither."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        time = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)) - now


def _since(started: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - started)


def _why_not_connected(error: aiohttp.ClientConnectorError) -> str:
    inner = error.os_error
    if isinstance(inner, _Refused):
        return str(inner)
    if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(inner, socket.gaierror):
        return "the name of the endpoint is not known"
    return f"no connection to the endpoint: {inner.strerror or type(inner).__name__}"
