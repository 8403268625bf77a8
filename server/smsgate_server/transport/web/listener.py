"""The HTTP server: uvicorn inside the process and the event loop of the gateway.

Uvicorn gets its socket open and never sees a signal: the gateway stops everything in its own
order.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import uvicorn

from smsgate_server.transport.credentials import TlsFiles
from smsgate_server.transport.web.http_protocol import HttpProtocol
from smsgate_server.transport.web.tls import tls_context

KEEP_ALIVE_SECONDS = 75
MAX_CONNECTIONS = 20_000
_BACKLOG = 1_024
# What the last bytes of a stopping server have to reach their readers.
_GOODBYE_SECONDS = 1.0

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Listener:
    """`bind`, then `start`, then `stop`."""

    def __init__(
        self,
        application: Application,
        linger: timedelta,
        tls: TlsFiles | None = None,
        share_port: bool = False,
    ) -> None:
        self._application = application
        self._linger = linger
        self._tls = tls
        self._share_port = share_port
        self._context: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._ticking: asyncio.Task[None] | None = None

    def bind(self, address: str) -> int:
        """Listen on HOST:PORT (port 0 picks one); returns the port. OSError if it is taken."""
        if self._tls is not None:
            self._context = tls_context(self._tls)
        host, _, port = address.rpartition(":")
        try:
            self._socket = _listening(host.strip("[]"), int(port), self._share_port)
        except OSError as error:
            why = error.strerror or str(error)
            raise OSError(f"cannot serve the web on {address}: {why}") from error
        return int(self._socket.getsockname()[1])

    def _protocol(self, **arguments: Any) -> HttpProtocol:
        return HttpProtocol(**arguments, linger_seconds=self._linger.total_seconds())

    async def start(self) -> None:
        assert self._socket is not None
        config = uvicorn.Config(
            self._application,
            http=self._protocol,  # type: ignore[arg-type]  # all that it does with it is to call it
            ws="none",
            lifespan="off",
            loop="none",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            limit_concurrency=MAX_CONNECTIONS,
        )
        config.load()
        config.ssl = self._context
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        # Not serve(), which takes over the signals of the process.
        await server.startup([self._socket])
        self._server = server
        self._ticking = asyncio.create_task(server.main_loop())

    async def stop(self) -> None:
        """Close the port, and the connections once they are idle, or after a second."""
        if self._server is not None:
            for server in self._server.servers:
                server.close()
        if self._socket is not None:
            self._socket.close()
        if self._server is None or self._ticking is None:
            return
        self._server.should_exit = True
        state = self._server.server_state
        for connection in list(state.connections):
            connection.shutdown()
        await _gone(lambda: bool(state.connections or state.tasks), _GOODBYE_SECONDS)
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(self._ticking, *state.tasks, return_exceptions=True)


async def _gone(present: Callable[[], bool], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while present() and loop.time() < until:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)


def _listening(host: str, port: int, shared: bool) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        # A port in its last minute after a server that stopped can be taken again at once; one that
        # is being listened on cannot.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(address)
        made.listen(_BACKLOG)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made
