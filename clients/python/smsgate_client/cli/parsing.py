"""Times, spans and labels as people type them."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def span(text: str) -> timedelta:
    """A span such as 90s, 10m, 2h or 1d."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a span such as 90s, 10m, 2h or 1d")
    return timedelta(**{_UNITS[match[2]]: float(match[1])})


def moment(text: str) -> datetime:
    """A time such as 2026-01-31T09:00+01:00. Without a zone it is local time."""
    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time such as 2026-01-31T09:00") from None
    return parsed.astimezone(UTC)


def past(text: str) -> datetime:
    """A time, or how long ago it was: 10m means ten minutes ago."""
    return datetime.now(UTC) - span(text) if _SPAN.fullmatch(text.strip()) else moment(text)


def future(text: str) -> datetime:
    """A time, or in how long it will be: 10m means in ten minutes."""
    return datetime.now(UTC) + span(text) if _SPAN.fullmatch(text.strip()) else moment(text)


def labels(pairs: Iterable[str] | None) -> dict[str, str]:
    """Labels given as key=value."""
    found: dict[str, str] = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise typer.BadParameter(f"{pair!r} is not a label such as team=billing")
        found[key] = value
    return found


Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", help="Only this status, e.g. DELIVERED. Repeatable."),
]
Countries = Annotated[
    list[str] | None, typer.Option("--country", help="Only this country, e.g. IT. Repeatable.")
]
Senders = Annotated[
    list[str] | None, typer.Option("--sender", help="Only this sender. Repeatable.")
]
LabelFilter = Annotated[
    list[str] | None,
    typer.Option("--label", help="Only messages with this label, key=value. Repeatable."),
]
Batches = Annotated[
    list[str] | None, typer.Option("--batch", help="Only messages of this batch. Repeatable.")
]
MaxWait = Annotated[
    float | None,
    typer.Option("--max-wait", help="With --wait: give up after so many seconds (exit code 6)."),
]
