"""What is committed, by this server and the others, told in the order of the log.

    own commit ────────────▶ told at once, if nobody else's comes before it
    NOTIFY, or a look ─────▶ read from the log, up to the next own commit

A notification only wakes: whatever is lost of them, the position in the store says what there is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import psycopg

from smsgate_server.domain.errors import Unavailable
from smsgate_server.domain.message import StatusEvent
from smsgate_server.services.ports import LogPage
from smsgate_server.storage.postgres.database import options
from smsgate_server.storage.postgres.trouble import first_line

_log = logging.getLogger(__name__)

# Who committed, and up to where.
CHANNEL = "smsgate"

_LOOK_SECONDS = 1.0
_RECONNECT_SECONDS = 0.5
_PAGE = 1_000
_STATE = "SELECT head, waiting, earliest FROM store"

# Positions after the first up to the second, about so many.
ReadLog = Callable[[int, int, int], Awaitable[LogPage]]


class Tail:
    """`told` gets the events of commits on the event loop, without a gap. `head` is the position up
    to which they were told, `known` the newest of which this server has heard.
    """

    def __init__(
        self,
        url: str,
        server: str,
        head: int,
        read_log: ReadLog,
        told: Callable[[Sequence[StatusEvent]], None],
        seen: Callable[[int, int], None],
    ) -> None:
        self._url = url
        self._server = server
        self.head = self.known = head
        self._read_log = read_log
        self._told = told
        self._seen = seen
        # By the position before them: this server's commits that wait for others'.
        self._own: dict[int, tuple[int, Sequence[StatusEvent]]] = {}
        self._wake = asyncio.Event()
        self._reading = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._catch_up())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def committed(self, before: int, head: int, events: Sequence[StatusEvent]) -> None:
        """A commit of this server."""
        if before == self.head and not self._reading:
            self.known = max(self.known, head)
            self._tell(head, events)
        elif head > self.head:
            self._own[before] = (head, events)
            self.heard(head)

    def heard(self, head: int) -> None:
        """Somebody has committed up to `head`."""
        if head > self.known:
            self.known = head
        if self.known > self.head:
            self._wake.set()

    def _tell(self, head: int, events: Sequence[StatusEvent]) -> None:
        self.head = head
        self._told(events)

    async def _catch_up(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._reading = True
            try:
                await self._read_on()
            except Unavailable as error:
                _log.error("cannot read the log: %s", error)
                await asyncio.sleep(_RECONNECT_SECONDS)
                self._wake.set()
            finally:
                self._reading = False

    async def _read_on(self) -> None:
        while self.head < self.known:
            own = self._own.pop(self.head, None)
            if own is not None:
                self._tell(*own)
                continue
            self._own = {at: commit for at, commit in self._own.items() if at > self.head}
            until = min(self._own, default=self.known)
            page = await self._read_log(self.head, until, _PAGE)
            self._tell(page.position, page.events)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, OSError) as error:
                _log.error("cannot listen to the database: %s", first_line(error))
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, **options()) as connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            while True:
                row = await (await connection.execute(_STATE)).fetchone()
                assert row is not None
                self._seen(row[1], row[2])
                self.heard(row[0])
                async for notify in connection.notifies(timeout=_LOOK_SECONDS):
                    server, head = notify.payload.split()
                    # Of its own commits it is told by its writer.
                    if server != self._server:
                        self.heard(int(head))
