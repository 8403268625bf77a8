"""The receipts of one ESME: kept until it acknowledges them, whichever bind it comes on."""

import asyncio
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from smsgate_server.carriers.smpp.codes import Command
from smsgate_server.carriers.smpp.connection import Connection
from smsgate_server.carriers.smsc.receipts import Due, receipt_body
from smsgate_server.carriers.smsc.settings import SmscSettings

# A receipt that was refused, or not answered, comes again after this.
_AGAIN = timedelta(seconds=1)


class Mailbox:
    def __init__(self, settings: SmscSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._random = random.Random(settings.seed)
        self._later: list[tuple[datetime, int, Due]] = []
        self._now: deque[Due] = deque()
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._binds: list[Connection] = []

    def __len__(self) -> int:
        """Receipts that nobody has acknowledged, those under way not counted."""
        return len(self._later) + len(self._now)

    def opened(self, connection: Connection) -> None:
        """An ESME that takes receipts has bound."""
        self._binds.append(connection)
        self.deliver()

    def closed(self, connection: Connection) -> None:
        if connection in self._binds:
            self._binds.remove(connection)

    def add(self, due: Due, at: datetime) -> None:
        copies = 2 if self._random.random() < self._settings.duplicate else 1
        for _ in range(copies):
            heapq.heappush(self._later, (at, next(self._order), due))
        self._set_timer()

    def add_now(self, due: Due) -> None:
        """Before anything else is written."""
        self._now.append(due)
        self.deliver()

    def again(self, due: Due) -> None:
        self.add(due, self._clock() + _AGAIN)

    def deliver(self) -> None:
        """Send what is due, as far as the binds have places."""
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            self._now.append(heapq.heappop(self._later)[2])
        if self._settings.shuffle:
            self._random.shuffle(self._now)
        while self._now:
            connection = max(self._binds, key=lambda c: c.free, default=None)
            if connection is None or connection.free <= 0:
                break
            due = self._now.popleft()
            ids, form = self._settings.receipt_ids, self._settings.receipts
            connection.ask(Command.DELIVER_SM, receipt_body(due, now, ids, form), due)
        self._set_timer()

    def _set_timer(self) -> None:
        if not self._later or self._timer is not None:
            return
        wait = max((self._later[0][0] - self._clock()).total_seconds(), 0.001)
        self._timer = asyncio.get_running_loop().call_later(min(wait, 0.05), self._due)

    def _due(self) -> None:
        self._timer = None
        self.deliver()
