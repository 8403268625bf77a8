"""What Envoy loads: the whole gateway, as an ASGI application.

A line to the process that started Envoy brings the settings and the word to stop. If the line
breaks, that process is gone, and this one goes too.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

from smsgate_server import collector, logs
from smsgate_server.app import App, web_url
from smsgate_server.transport.envoy.call import Receive, Scope, Send

LINE = "SMSGATE_FRONT_LINE"
STOP, STOPPED = "stop", "stopped"

_log = logging.getLogger(__name__)


class Inside:
    def __init__(self) -> None:
        self._app: App | None = None
        # Envoy listens only once the start is complete.
        self._application: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            assert self._application is not None
            await self._application(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        line = Connection(int(os.environ[LINE]))
        try:
            await self._start(line)
        except Exception as error:
            # For who started Envoy to tell; here it would be a trace.
            line.send(error)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self, line: Connection) -> None:
        settings, behind = line.recv()
        logs.configure(settings.log_format, settings.log_level)
        app = App(settings, behind)
        await app.start()
        collector.set_up()
        self._app, self._application = app, app.application
        asyncio.get_running_loop().add_reader(line.fileno(), self._told, line)
        line.send(web_url(settings, app.web_port))

    def _told(self, line: Connection) -> None:
        asyncio.get_running_loop().remove_reader(line.fileno())
        self._stopping = asyncio.create_task(self._stop_as_told(line))

    async def _stop_as_told(self, line: Connection) -> None:
        if not _says_stop(line):
            # A crash, as if this process had been killed, too: its port and its store are free for
            # the next.
            os._exit(1)
        await self._stop()
        line.send(STOPPED)

    async def _stop(self) -> None:
        app, self._app = self._app, None
        if app is not None:
            _log.info("stopping: no new calls, finishing those under way")
            await app.stop()
            _log.info("stopped")


def _says_stop(line: Connection) -> bool:
    try:
        return bool(line.recv() == STOP)
    except (EOFError, OSError):
        return False


app = Inside()
