"""The web server: what app.py starts and stops beside the one of gRPC."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import timedelta

from smsgate_server.services.sessions import Sessions
from smsgate_server.transport.auth import Gate
from smsgate_server.transport.calls import Calls
from smsgate_server.transport.credentials import TlsFiles
from smsgate_server.transport.stall import StallGuard
from smsgate_server.transport.web.connect import Connect
from smsgate_server.transport.web.event_source import EventSource
from smsgate_server.transport.web.front import Front
from smsgate_server.transport.web.grpc_web import GrpcWeb
from smsgate_server.transport.web.listener import Listener
from smsgate_server.transport.web.methods import methods
from smsgate_server.transport.web.origins import Origins
from smsgate_server.transport.web.pages import Pages
from smsgate_server.transport.web.patience import Patience
from smsgate_server.transport.web.routes import Routes
from smsgate_server.transport.web.sessions import Callers
from smsgate_server.transport.web.stream_json import StreamJson

_STREAM = "/smsgate.v1.MessageService/StreamStatus"


class WebServer:
    """`services` are the same objects that gRPC serves, and `calls` what surrounds them there."""

    def __init__(
        self,
        calls: Calls,
        gate: Gate,
        sessions: Sessions,
        services: Mapping[str, object],
        stall_limit: timedelta,
        origins: tuple[str, ...],
        is_open: Callable[[], bool],
        loopback: bool,
        tls: TlsFiles | None,
        share_port: bool = False,
    ) -> None:
        self._calls = calls
        known = methods(services, calls, StallGuard(stall_limit))
        rules = Origins(origins, is_open, loopback)
        callers = Callers(gate, sessions, rules)
        patience, stream_json = Patience(stall_limit), StreamJson()
        event_source = EventSource(known[_STREAM], callers, patience, stream_json)
        self._front = Front(
            known,
            Connect(callers, patience, stream_json),
            GrpcWeb(callers, patience, stream_json),
            Routes(known, callers, patience, event_source),
            callers,
            rules,
            Pages(),
        )
        self._listener = Listener(self._front, stall_limit, tls, share_port)

    def bind(self, address: str) -> int:
        """Listen on HOST:PORT (port 0 picks one); returns the port. OSError if it is taken."""
        return self._listener.bind(address)

    async def start(self) -> None:
        await self._listener.start()

    def drain(self) -> None:
        """Not ready from now on, and no new calls. Ending the streams is for who has the feed."""
        self._front.draining = True

    async def stop(self, grace: timedelta) -> None:
        """Drain; calls under way get `grace` to finish."""
        self.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace.total_seconds()):
                await self._calls.finished()
        await self._listener.stop()
