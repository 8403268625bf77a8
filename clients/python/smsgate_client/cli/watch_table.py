"""The live table of `smsgate watch`."""

import threading
import time
from collections import Counter, deque
from types import TracebackType
from typing import Self

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate_client.cli.output import STYLES, clock_text, printable, status_text
from smsgate_client.following import Followed
from smsgate_client.names import reason_name, status_name

_NEWEST = 500
_RATE_WINDOW_SECONDS = 10.0
_REFRESHES_PER_SECOND = 5
# The lines of the terminal that are not events: counters, heading, and one to breathe.
_OTHER_LINES = 4
_FIXED_COLUMNS = (("time", 8), ("status", 18), ("recipient", 19))
_FLEXIBLE_COLUMNS = (("reason", 3), ("sender", 2), ("reference", 5))


class WatchTable:
    """How many messages have each status, how fast events come, and the newest of them.

    Events are added by one thread and drawn by another, a few times a second, whatever their rate.
    """

    def __init__(self, console: Console, target: str) -> None:
        self._console = console
        self._target = target
        self._lock = threading.Lock()
        self._counts: Counter[int] = Counter()
        self._events: deque[message_pb2.StatusEvent] = deque(maxlen=_NEWEST)
        self._total = 0
        self._marks: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self.connected = False
        self._live = Live(self, console=console, refresh_per_second=_REFRESHES_PER_SECOND)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def add(self, step: Followed) -> None:
        """Count an event, or a message of the snapshot."""
        with self._lock:
            if step.message is not None:
                self._counts[step.message.status] += 1
            if step.event is None:
                return
            self._total += 1
            self._events.append(step.event)
            if not step.event.late:
                self._counts[step.event.to_status] += 1
                self._take_back(step.event.from_status)

    def _take_back(self, status: int) -> None:
        # A watch that starts in the middle did not see every message come in.
        if self._counts[status] > 0:
            self._counts[status] -= 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        with self._lock:
            room = max(1, console.height - _OTHER_LINES)
            newest = list(self._events)[-room:]
            yield self._headline()
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        for heading, width in _FIXED_COLUMNS:
            table.add_column(heading, width=width)
        for heading, ratio in _FLEXIBLE_COLUMNS:
            table.add_column(heading, ratio=ratio, no_wrap=True, overflow="ellipsis")
        for event in newest:
            table.add_row(*_cells(event))
        yield table

    def _headline(self) -> Text:
        line = Text(f"{self._target}  ", style="bold", no_wrap=True, overflow="ellipsis")
        if not self.connected:
            line.append("connecting …  ", style="red")
        for status, style in STYLES.items():
            number = self._counts[status]
            name = status_name(message_pb2.MessageStatus.ValueType(status))
            line.append(f"{name} {number:,}  ", style=style if number else "dim")
        line.append(f"{self._total:,} events, {self._rate():.1f}/s", style="not bold")
        return line

    def _rate(self) -> float:
        now = time.monotonic()
        self._marks.append((now, self._total))
        while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_WINDOW_SECONDS:
            self._marks.popleft()
        since, total = self._marks[0]
        return (self._total - total) / max(now - since, 0.001)


def _cells(event: message_pb2.StatusEvent) -> tuple[Text, ...]:
    status = status_text(event.to_status)
    if event.late:
        status = Text.assemble("late ", status_text(event.late_status))
    return (
        Text(clock_text(event.event_time)[11:], style="dim"),
        status,
        Text(f"{event.recipient} {event.country}"),
        Text(reason_name(event.reason)),
        Text(printable(event.sender)),
        Text(printable(event.client_reference) or event.message_id, style="dim"),
    )
