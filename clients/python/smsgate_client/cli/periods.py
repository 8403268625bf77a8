"""Days, months and years as people type them: all of them are UTC, as usage is counted."""

import re
from datetime import UTC, datetime, timedelta

from smsgate_client.cli import parsing

_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def start_of(text: str) -> datetime:
    """The beginning of 2026, 2026-01 or 2026-01-31; else a time, or how long ago: 30d."""
    match = _PERIOD.fullmatch(text.strip())
    return _midnight(text, match) if match else parsing.past(text)


def end_of(text: str) -> datetime:
    """The end of 2026, 2026-01 or 2026-01-31, all of it included; else a time, or how long ago."""
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        return parsing.past(text)
    start = _midnight(text, match)
    if match[3]:
        return start + timedelta(days=1)
    if match[2]:
        # Day 28 is in every month, and four days later is always the next one.
        return (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    return start.replace(year=start.year + 1)


def _midnight(text: str, match: re.Match[str]) -> datetime:
    try:
        return datetime(int(match[1]), int(match[2] or 1), int(match[3] or 1), tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{text!r} is no date; write 2026, 2026-01 or 2026-01-31") from None
