"""Usage as people ask for it: periods without gaps, divided into series."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from smsgate_server.domain.message import Status
from smsgate_server.domain.usage import NOTHING, UsageKey, UsageRow, date_of, day_of

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
    # The end is exclusive: at midnight sharp the day before is the last.
    newest = _index(granularity, last - timedelta(microseconds=1) if end else last)
    if start is None:
        oldest = max(newest - _DEFAULT_PERIODS[granularity] + 1, _first(granularity))
    else:
        oldest = _index(granularity, start)
    if newest - oldest >= MAX_PERIODS:
        return f"has {newest - oldest + 1} periods; at most {MAX_PERIODS} are allowed"
    if newest >= _index(granularity, datetime.max.replace(tzinfo=UTC)):
        return "ends beyond all calendars"
    return Span(granularity, tuple(_period(granularity, i) for i in range(oldest, newest + 1)))


def _first(granularity: Granularity) -> int:
    return _index(granularity, datetime.min.replace(tzinfo=UTC))


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


@dataclass(slots=True)
class Figures:
    """Sums of counts. `costs` are micros by currency, `statuses` numbers of messages."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(NOTHING) - 1))
    costs: dict[str, int] = field(default_factory=dict)
    statuses: dict[Status, int] = field(default_factory=dict)

    def add(self, row: UsageRow) -> None:
        *counts, cost = row.counts
        self.counts = [a + b for a, b in zip(self.counts, counts, strict=True)]
        if cost:
            self._add_cost(row.key.currency, cost)
        if row.key.status and row.counts.messages:
            self._add_status(Status(row.key.status), row.counts.messages)

    def merge(self, other: "Figures") -> None:
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        for currency, cost in other.costs.items():
            self._add_cost(currency, cost)
        for status, number in other.statuses.items():
            self._add_status(status, number)

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
    def anything(self) -> bool:
        return any(self.counts) or any(self.costs.values())


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """What the rows of a series have in common; empty and None where it is not divided."""

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
    cells = _sum_up(rows, wanted, group_by)
    made = [_series(wanted, group, cells[group], group_by, names) for group in cells]
    made.sort(key=lambda series: (-series.total.messages, series.group))
    total = _together("Total", made, wanted)
    if not group_by or not made:
        return UsageReport(wanted, [total], total)
    shown, rest = made[:max_series], made[max_series:]
    if rest:
        others = _together(f"{len(rest)} others", rest, wanted, others=True)
        shown = [*shown, others]
    return UsageReport(wanted, shown, total)


_Cells = Mapping[Group, Mapping[int, Figures]]


def _sum_up(rows: Iterable[UsageRow], wanted: Span, group_by: frozenset[Dimension]) -> _Cells:
    # Days of one period and keys of one group are many and the same: both are worked out once.
    first = _index(wanted.granularity, wanted.periods[0].start)
    periods: dict[int, int] = {}
    groups: dict[tuple[str, str, int], Group] = {}
    cells: defaultdict[Group, dict[int, Figures]] = defaultdict(dict)
    for row in rows:
        if not any(row.counts):
            continue
        key = row.key
        index = periods.get(key.day)
        if index is None:
            day = datetime.combine(date_of(key.day), datetime.min.time(), UTC)
            index = periods[key.day] = _index(wanted.granularity, day) - first
        name = (key.account, key.country, key.status)
        group = groups.get(name)
        if group is None:
            group = groups[name] = _group(key, group_by)
        figures = cells[group].get(index)
        if figures is None:
            figures = cells[group][index] = Figures()
        figures.add(row)
    return cells


def _group(key: UsageKey, group_by: frozenset[Dimension]) -> Group:
    return Group(
        key.account if Dimension.ACCOUNT in group_by else "",
        key.country if Dimension.COUNTRY in group_by else "",
        key.status if Dimension.STATUS in group_by else 0,
    )


def _series(
    wanted: Span,
    group: Group,
    cells: Mapping[int, Figures],
    group_by: frozenset[Dimension],
    names: Callable[[str], str],
) -> Series:
    figures = [cells.get(index) or Figures() for index in range(len(wanted.periods))]
    return Series(group, _label(group, group_by, names), figures, _total(figures))


def _label(group: Group, group_by: frozenset[Dimension], names: Callable[[str], str]) -> str:
    parts = []
    if Dimension.ACCOUNT in group_by:
        parts.append(group.account)
    if Dimension.COUNTRY in group_by:
        parts.append((names(group.country) or group.country) if group.country else "no country")
    if Dimension.STATUS in group_by:
        parts.append(Status(group.status).name if group.status else "requests")
    return ", ".join(parts)


def _together(label: str, series: Sequence[Series], wanted: Span, others: bool = False) -> Series:
    figures = [Figures() for _ in wanted.periods]
    for one in series:
        for into, part in zip(figures, one.figures, strict=True):
            into.merge(part)
    return Series(Group(), label, figures, _total(figures), others)


def _total(figures: Iterable[Figures]) -> Figures:
    total = Figures()
    for one in figures:
        total.merge(one)
    return total
