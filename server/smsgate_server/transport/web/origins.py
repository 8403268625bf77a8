"""Which pages of browsers may call, and under which names.

An open server (no API key yet) takes every call from this machine. Without these rules that would
be every page that a developer has open: one that posts to localhost, and one whose own name is made
to lead there (DNS rebinding), to which the browser gives the answers too.
"""

from collections.abc import Callable
from ipaddress import ip_address

from grpc import StatusCode

from smsgate_server.transport.web.exchange import Exchange
from smsgate_server.transport.web.failures import Failure

_HEADERS = (
    b"authorization, content-type, connect-protocol-version, connect-timeout-ms, grpc-timeout, "
    b"x-grpc-web, x-user-agent, last-event-id"
)
_EXPOSED = b"grpc-status, grpc-message, grpc-status-details-bin, retry-after"
_METHODS = b"GET, POST, DELETE, OPTIONS"
_REMEMBER_SECONDS = b"7200"


class Origins:
    """`allowed` origins may call with an API key from their pages, but never with a cookie."""

    def __init__(
        self, allowed: tuple[str, ...], is_open: Callable[[], bool], loopback: bool
    ) -> None:
        self._allowed = frozenset(allowed)
        self._is_open = is_open
        self._loopback = loopback

    def check_host(self, exchange: Exchange) -> None:
        """Raise if an open server on loopback is called by a name that is not this machine's."""
        if self._loopback and self._is_open() and not _is_local(exchange.header(b"host")):
            raise Failure(
                StatusCode.PERMISSION_DENIED,
                "without API keys this server answers only to localhost and loopback addresses",
                http_status=421,
            )

    def check_page(self, exchange: Exchange) -> None:
        """Raise if a page from elsewhere makes a call of an open server."""
        if self._is_open() and self.is_foreign(exchange):
            raise Failure(
                StatusCode.PERMISSION_DENIED,
                "a page of another origin may not call this server; see the setting web_origins",
            )

    def is_foreign(self, exchange: Exchange) -> bool:
        """Whether the page that calls is neither ours nor allowed. No browser: False."""
        origin, site = exchange.header(b"origin"), exchange.header(b"sec-fetch-site")
        if origin in self._allowed:
            return False
        if site:
            return site not in ("same-origin", "none")
        # Without its scheme, which a proxy in front may have changed.
        return bool(origin) and origin.partition("://")[2] != exchange.header(b"host")

    def headers(self, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        """What lets a page of an allowed origin read the response."""
        if not self._allowed:
            return []
        headers = [(b"vary", b"origin")]
        origin = exchange.header(b"origin")
        if origin in self._allowed:
            headers.append((b"access-control-allow-origin", origin.encode()))
            headers.append((b"access-control-expose-headers", _EXPOSED))
        return headers

    async def preflight(self, exchange: Exchange) -> None:
        if exchange.header(b"origin") not in self._allowed:
            raise Failure(StatusCode.PERMISSION_DENIED, "this origin is not among web_origins")
        headers = [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _HEADERS),
            (b"access-control-max-age", _REMEMBER_SECONDS),
        ]
        await exchange.respond(204, b"", b"", headers)


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name.lower() == "localhost"
