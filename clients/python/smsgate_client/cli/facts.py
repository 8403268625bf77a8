"""Things with names and values: a grid in a terminal, `name: value` lines in a pipe."""

from collections.abc import Iterable, Mapping
from typing import Literal

from google.protobuf.duration_pb2 import Duration
from rich.table import Table
from rich.text import Text

from smsgate_client.cli.output import print_line, printable
from smsgate_client.cli.session import Session

Fact = tuple[str, Text | str]
_UNITS: tuple[tuple[Literal["d", "h", "m"], int], ...] = (("d", 86_400), ("h", 3_600), ("m", 60))
_NANOS = 1_000_000_000


def print_facts(session: Session, facts: Iterable[Fact]) -> None:
    """All facts that have a value."""
    shown = [(name, value) for name, value in facts if value]
    if not session.in_terminal:
        for name, value in shown:
            print_line(f"{name}: {value}")
        return
    grid = Table.grid(padding=(0, 2))
    for name, value in shown:
        grid.add_row(Text(name, style="dim"), value)
    session.out.print(grid)


def labels_text(labels: Mapping[str, str]) -> str:
    """Labels as they are typed."""
    return printable(" ".join(f"{key}={value}" for key, value in sorted(labels.items())))


def span_text(span: Duration) -> str:
    """A span as it is typed: 90s, 10m, 2h or 1d; no float comes near it."""
    for unit, seconds in _UNITS:
        if span.seconds and not span.nanos and span.seconds % seconds == 0:
            return f"{span.seconds // seconds}{unit}"
    fraction = f".{span.nanos:09d}".rstrip("0") if span.nanos else ""
    return f"{span.seconds}{fraction}s"
