"""Usage as people ask for it: periods without gaps, divided into series."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from heapq import nsmallest
from typing import NamedTuple

from smsgate_server.domain.message import Status
from smsgate_server.domain.usage import NOTHING, Counts, UsageKey, UsageRow, date_of, day_of

MAX_PERIODS = 400


class Granularity(IntEnum):
    """The length of a period. Periods begin at midnight UTC."""

    DAY = 1
    MONTH = 2
    YEAR = 3


class Dimension(IntEnum):
    COUNTRY = 1
    STATUS = 2
    ACCOUNT = 3


_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)

# How many periods are reported if nobody says since when.
_DEFAULT_PERIODS = {Granularity.DAY: 31, Granularity.MONTH: 12, Granularity.YEAR: 5}


@dataclass(frozen=True, slots=True)
class Period:
    """`end` is exclusive."""

    start: datetime
    end: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Span:
    """Periods that follow one another, at least one."""

    granularity: Granularity
    periods: tuple[Period, ...]

    @property
    def first_day(self) -> int:
        return day_of(self.periods[0].start)

    @property
    def last_day(self) -> int:
        return day_of(self.periods[-1].end) - 1


def span(
    granularity: Granularity, start: datetime | None, end: datetime | None, now: datetime
) -> Span | str:
    """The periods from `start` to `end`, each widened to whole periods; or what is wrong with
    them.
    """
    last = end or now
    if start is not None and start >= last:
        return "begins when it ends or later"
    if end == _FIRST_MOMENT:
        return "ends before all calendars"
    # The end is exclusive: at midnight sharp the day before is the last.
    newest = _index(granularity, last - timedelta(microseconds=1) if end else last)
    if start is None:
        oldest = max(newest - _DEFAULT_PERIODS[granularity] + 1, _index(granularity, _FIRST_MOMENT))
    else:
        oldest = _index(granularity, start)
    if newest - oldest >= MAX_PERIODS:
        return f"has {newest - oldest + 1} periods; at most {MAX_PERIODS} are allowed"
    if newest >= _index(granularity, _LAST_MOMENT):
        return "ends beyond all calendars"
    return Span(granularity, tuple(_period(granularity, i) for i in range(oldest, newest + 1)))


def _index(granularity: Granularity, time: datetime) -> int:
    """The number of the period that `time` lies in."""
    if granularity is Granularity.DAY:
        return day_of(time)
    if granularity is Granularity.MONTH:
        return time.year * 12 + time.month - 1
    return time.year


def _start(granularity: Granularity, index: int) -> datetime:
    if granularity is Granularity.DAY:
        day = date_of(index)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    if granularity is Granularity.MONTH:
        return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
    return datetime(index, 1, 1, tzinfo=UTC)


def _period(granularity: Granularity, index: int) -> Period:
    start = _start(granularity, index)
    end = _start(granularity, index + 1)
    label = start.date().isoformat()[: {1: 10, 2: 7, 3: 4}[granularity]]
    return Period(start, end, label)


_MESSAGES = Counts._fields.index("messages")


@dataclass(slots=True)
class Figures:
    """Sums of counts. `costs` are micros by currency, `statuses` numbers of messages."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(NOTHING) - 1))
    costs: dict[str, int] = field(default_factory=dict)
    statuses: dict[Status, int] = field(default_factory=dict)

    def add(self, status: int, currency: str, counts: Sequence[int]) -> None:
        """`counts` are as in Counts, of messages with this status and currency."""
        *sums, cost = counts
        self._add_counts(sums)
        if cost:
            self._add_cost(currency, cost)
        if status and (messages := counts[_MESSAGES]):
            self._add_status(Status(status), messages)

    def merge(self, other: "Figures") -> None:
        self._add_counts(other.counts)
        for currency, cost in other.costs.items():
            self._add_cost(currency, cost)
        for status, number in other.statuses.items():
            self._add_status(status, number)

    def _add_counts(self, counts: Sequence[int]) -> None:
        for index, count in enumerate(counts):
            self.counts[index] += count

    def _add_cost(self, currency: str, cost: int) -> None:
        self.costs[currency] = self.costs.get(currency, 0) + cost

    def _add_status(self, status: Status, number: int) -> None:
        self.statuses[status] = self.statuses.get(status, 0) + number

    @property
    def free_requests(self) -> int:
        return self.counts[0]

    @property
    def paid_requests(self) -> int:
        return self.counts[1]

    @property
    def messages(self) -> int:
        return self.counts[2]

    @property
    def otp_messages(self) -> int:
        return self.counts[3]

    @property
    def segments(self) -> int:
        return self.counts[4]

    @property
    def bundle_segments(self) -> int:
        return self.counts[5]

    @property
    def unpriced_segments(self) -> int:
        return self.counts[6]

    @property
    def verifications(self) -> int:
        return self.counts[7]

    @property
    def verified(self) -> int:
        return self.counts[8]

    @property
    def anything(self) -> bool:
        return any(self.counts) or any(self.costs.values())


class Group(NamedTuple):
    """What the rows of a series have in common; empty and 0 where it is not divided."""

    account: str = ""
    country: str = ""
    status: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One figure for each period of the span. `others` sums up the groups that were left out."""

    group: Group
    label: str
    figures: Sequence[Figures]
    total: Figures
    others: bool = False


@dataclass(frozen=True, slots=True)
class UsageReport:
    span: Span
    series: Sequence[Series]
    total: Series


def report(
    rows: Iterable[UsageRow],
    wanted: Span,
    group_by: frozenset[Dimension],
    max_series: int,
    names: Callable[[str], str],
) -> UsageReport:
    """The rows of a span as series, those with the most messages first and the others last.

    `names` gives the name of a country.
    """
    counted = _within(rows, wanted)
    shown, left_out = _ranked(counted, group_by, max_series)
    made = [Series(g, _label(g, group_by, names), _gaps(wanted), Figures()) for g in shown]
    if left_out:
        label = f"{left_out} other{'s' if left_out > 1 else ''}"
        made.append(Series(Group(), label, _gaps(wanted), Figures(), others=True))
    _fill(made, counted, wanted, group_by)
    total = _together(made, wanted)
    return UsageReport(wanted, made if group_by and made else [total], total)


def _within(rows: Iterable[UsageRow], wanted: Span) -> list[UsageRow]:
    first, last = wanted.first_day, wanted.last_day
    return [row for row in rows if first <= row.key.day <= last and any(row.counts)]


def _gaps(wanted: Span) -> list[Figures]:
    return [Figures() for _ in wanted.periods]


_Place = tuple[str, str, int]


def _grouping(group_by: frozenset[Dimension]) -> Callable[[UsageKey], _Place]:
    """Tells the group of a key, as a plain tuple: it equals the Group, and is made faster."""
    by_account, by_country, by_status = (
        dimension in group_by
        for dimension in (Dimension.ACCOUNT, Dimension.COUNTRY, Dimension.STATUS)
    )

    def group_of(key: UsageKey) -> _Place:
        account, _, country, status, _ = key
        return (
            account if by_account else "",
            country if by_country else "",
            status if by_status else 0,
        )

    return group_of


def _ranked(
    rows: Iterable[UsageRow], group_by: frozenset[Dimension], most: int
) -> tuple[list[Group], int]:
    """The groups with the most messages, at most `most`, and how many others there are."""
    group_of = _grouping(group_by)
    messages: dict[_Place, int] = {}
    for key, counts in rows:
        group = group_of(key)
        messages[group] = messages.get(group, 0) + counts[_MESSAGES]
    first = nsmallest(most, ((-number, group) for group, number in messages.items()))
    return [Group(*group) for _, group in first], len(messages) - len(first)


def _fill(
    made: Sequence[Series],
    rows: Iterable[UsageRow],
    wanted: Span,
    group_by: frozenset[Dimension],
) -> None:
    # Groups can be so many that their periods fill the memory: only what is shown is kept. What
    # belongs to one figure is collected first, because one sum of a thousand is made faster than a
    # thousand of two.
    group_of = _grouping(group_by)
    place: dict[_Place, int] = {s.group: n for n, s in enumerate(made) if not s.others}
    period_of = _periods(wanted)
    cells: defaultdict[tuple[int, int, int, str], list[Counts]] = defaultdict(list)
    others = len(made) - 1
    for key, counts in rows:
        number = place.get(group_of(key), others)
        cells[number, period_of[key.day], key.status, key.currency].append(counts)
    for (number, index, status, currency), parts in cells.items():
        sums = [sum(column) for column in zip(*parts, strict=True)]
        made[number].figures[index].add(status, currency, sums)
        made[number].total.add(status, currency, sums)


def _periods(wanted: Span) -> dict[int, int]:
    """The place of the period of each day of the span."""
    return {
        day: place
        for place, period in enumerate(wanted.periods)
        for day in range(day_of(period.start), day_of(period.end))
    }


def _label(group: Group, group_by: frozenset[Dimension], names: Callable[[str], str]) -> str:
    parts = []
    if Dimension.ACCOUNT in group_by:
        parts.append(group.account)
    if Dimension.COUNTRY in group_by:
        parts.append((names(group.country) or group.country) if group.country else "no country")
    if Dimension.STATUS in group_by:
        parts.append(Status(group.status).name if group.status else "requests")
    return ", ".join(parts)


def _together(series: Sequence[Series], wanted: Span) -> Series:
    figures, total = _gaps(wanted), Figures()
    for one in series:
        total.merge(one.total)
        for into, part in zip(figures, one.figures, strict=True):
            into.merge(part)
    return Series(Group(), "Total", figures, total)
