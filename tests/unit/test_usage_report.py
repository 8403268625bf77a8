"""Usage divided into periods and series: what a report adds up to, and how it is cut."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smsgate_server.domain.message import Status
from smsgate_server.domain.usage import NOTHING, Counts, UsageKey, UsageRow, date_of, day_of
from smsgate_server.domain.usage_report import (
    MAX_PERIODS,
    Dimension,
    Figures,
    Granularity,
    Span,
    UsageReport,
    report,
    span,
)

BOUNDED = settings(deadline=None, max_examples=60, derandomize=True)

DAY, MONTH, YEAR = Granularity.DAY, Granularity.MONTH, Granularity.YEAR
COUNTRY, STATUS, ACCOUNT = Dimension.COUNTRY, Dimension.STATUS, Dimension.ACCOUNT
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAMES = {"AT": "Austria", "IT": "Italy", "FR": "France"}


def at(year: int, month: int = 1, day: int = 1, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def made(granularity: Granularity, start: datetime | None, end: datetime | None) -> Span:
    found = span(granularity, start, end, NOW)
    assert isinstance(found, Span), found
    return found


def labels(wanted: Span) -> list[str]:
    return [period.label for period in wanted.periods]


def a_row(
    time: datetime = NOW,
    country: str = "IT",
    status: int = Status.DELIVERED,
    currency: str = "EUR",
    account: str = "acme",
    **counts: int,
) -> UsageRow:
    return UsageRow(UsageKey(account, day_of(time), country, status, currency), Counts(**counts))


def reported(
    rows: Iterable[UsageRow], *group_by: Dimension, over: Span | None = None, most: int = 20
) -> UsageReport:
    wanted = over or made(MONTH, None, None)
    return report(rows, wanted, frozenset(group_by), most, lambda country: NAMES.get(country, ""))


# Spans


@pytest.mark.parametrize(
    ("granularity", "first", "last", "number"),
    [
        (DAY, "2026-01-30", "2026-03-01", 31),
        (MONTH, "2025-04", "2026-03", 12),
        (YEAR, "2022", "2026", 5),
    ],
)
def test_a_span_that_nobody_names_ends_with_the_present_period(
    granularity: Granularity, first: str, last: str, number: int
) -> None:
    found = labels(made(granularity, None, None))
    assert (found[0], found[-1], len(found)) == (first, last, number)


@pytest.mark.parametrize(
    ("granularity", "start", "end", "expected"),
    [
        (DAY, at(2024, 2, 28, 23), at(2024, 3, 1, 1), ["2024-02-28", "2024-02-29", "2024-03-01"]),
        (DAY, at(2025, 2, 28), at(2025, 3, 1, 1), ["2025-02-28", "2025-03-01"]),
        (DAY, at(2025, 12, 31), at(2026, 1, 2), ["2025-12-31", "2026-01-01"]),
        (MONTH, at(2025, 11, 30), at(2026, 1, 1, 1), ["2025-11", "2025-12", "2026-01"]),
        (MONTH, at(2025, 11, 30), at(2026, 1, 1), ["2025-11", "2025-12"]),
        (YEAR, at(2023, 12, 31, 23), at(2025, 1, 1), ["2023", "2024"]),
        (YEAR, at(1), at(1, 1, 2), ["0001"]),
    ],
)
def test_a_span_is_widened_to_whole_periods_and_its_end_is_exclusive(
    granularity: Granularity, start: datetime, end: datetime, expected: list[str]
) -> None:
    assert labels(made(granularity, start, end)) == expected


@pytest.mark.parametrize(
    ("start", "end", "fault"),
    [
        (at(2026, 2), at(2026, 1), "begins when it ends or later"),
        (at(2026, 2), at(2026, 2), "begins when it ends or later"),
        (at(2026, 4), None, "begins when it ends or later"),
        (at(2025, 1), at(2026, 2, 6), "has 401 periods; at most 400 are allowed"),
        (None, at(1), "ends before all calendars"),
        (None, datetime.max.replace(tzinfo=UTC), "ends beyond all calendars"),
    ],
)
def test_a_span_that_cannot_be_is_said_why(
    start: datetime | None, end: datetime | None, fault: str
) -> None:
    assert span(DAY, start, end, NOW) == fault


def test_a_span_may_have_as_many_periods_as_are_allowed() -> None:
    start = at(2025, 1)
    assert len(made(DAY, start, start + timedelta(days=MAX_PERIODS)).periods) == MAX_PERIODS


@BOUNDED
@given(
    st.sampled_from(Granularity),
    st.datetimes(at(2).replace(tzinfo=None), at(9998).replace(tzinfo=None), timezones=st.just(UTC)),
    st.timedeltas(timedelta(microseconds=1), timedelta(days=390)),
)
@example(DAY, at(2024, 2, 29), timedelta(days=1))
@example(MONTH, at(2023, 12, 31, 23), timedelta(hours=1, microseconds=1))
def test_periods_follow_one_another_and_enclose_what_was_asked_for(
    granularity: Granularity, start: datetime, length: timedelta
) -> None:
    wanted = made(granularity, start, start + length)
    periods = wanted.periods
    assert all(before.end == after.start for before, after in pairwise(periods))
    assert periods[0].start <= start < periods[0].end
    assert periods[-1].start < start + length <= periods[-1].end
    assert all(period.label == period.start.isoformat()[: len(period.label)] for period in periods)
    days = sum((period.end - period.start).days for period in periods)
    assert wanted.last_day - wanted.first_day + 1 == days


# Series


def test_usage_that_is_not_divided_is_one_series_called_total() -> None:
    made_of = [a_row(country="IT", messages=2), a_row(country="", status=0, free_requests=3)]
    (series,) = reported(made_of).series
    assert (series.label, series.group, series.others) == ("Total", ("", "", 0), False)
    assert (series.total.messages, series.total.free_requests) == (2, 3)


@pytest.mark.parametrize("group_by", [(), (COUNTRY,), (COUNTRY, STATUS, ACCOUNT)])
def test_there_is_a_series_without_any_usage(group_by: Sequence[Dimension]) -> None:
    found = reported([a_row()], *group_by)
    (series,) = found.series
    assert (series.label, series.others, len(series.figures)) == ("Total", False, 12)
    assert not series.total.anything
    assert not found.total.total.anything


def test_a_message_counts_in_the_period_of_its_day() -> None:
    times = [at(2025, 12, 31, 23), at(2026, 1, 1), at(2026, 1, 31), at(2026, 3, 1)]
    found = reported([a_row(time, messages=1) for time in times])
    counted = {
        period.label: figures.messages
        for period, figures in zip(found.span.periods, found.series[0].figures, strict=True)
        if figures.messages
    }
    assert counted == {"2025-12": 1, "2026-01": 2, "2026-03": 1}


def test_what_lies_outside_the_span_is_in_no_period() -> None:
    rows = [a_row(time, messages=1) for time in (at(2025, 3, 31), at(2026, 4, 1))]
    assert not reported(rows, COUNTRY).total.total.anything


@pytest.mark.parametrize(
    ("group_by", "country", "status", "expected"),
    [
        ([COUNTRY], "IT", 4, "Italy"),
        ([COUNTRY], "XX", 4, "XX"),
        ([COUNTRY], "", 0, "no country"),
        ([STATUS], "IT", 4, "DELIVERED"),
        ([STATUS], "IT", 0, "requests"),
        ([COUNTRY, STATUS], "IT", 4, "Italy, DELIVERED"),
        ([COUNTRY, STATUS], "", 0, "no country, requests"),
        ([ACCOUNT], "IT", 4, "acme"),
        ([STATUS, ACCOUNT, COUNTRY], "IT", 6, "acme, Italy, REJECTED"),
    ],
)
def test_the_label_of_a_series_is_in_plain_words(
    group_by: list[Dimension], country: str, status: int, expected: str
) -> None:
    row = a_row(country=country, status=status, free_requests=1)
    assert [series.label for series in reported([row], *group_by).series] == [expected]


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        ([ACCOUNT], [("a", "", 0), ("b", "", 0)]),
        ([COUNTRY], [("", "AT", 0), ("", "IT", 0)]),
        ([STATUS], [("", "", 4), ("", "", 6)]),
        ([ACCOUNT, STATUS], [("a", "", 4), ("a", "", 6), ("b", "", 4), ("b", "", 6)]),
    ],
)
def test_usage_is_divided_by_nothing_but_what_was_asked_for(
    group_by: list[Dimension], groups: list[tuple[str, str, int]]
) -> None:
    rows = [
        a_row(account=account, country=country, status=status, messages=1)
        for account in ("a", "b")
        for country in ("AT", "IT")
        for status in (4, 6)
    ]
    found = reported(rows, *group_by).series
    assert [series.group for series in found] == groups
    assert {series.total.messages for series in found} == {len(rows) // len(groups)}


def test_the_series_with_the_most_messages_is_first_and_equal_ones_go_by_key() -> None:
    rows = [a_row(country=c, messages=n) for c, n in (("IT", 1), ("FR", 5), ("AT", 1), ("BE", 2))]
    found = reported(rows, COUNTRY).series
    assert [series.group.country for series in found] == ["FR", "BE", "AT", "IT"]


@pytest.mark.parametrize(
    ("most", "shown", "left_out"),
    [
        (1, ["FR"], "3 others"),
        (3, ["FR", "BE", "AT"], "1 other"),
        (4, ["FR", "BE", "AT", "IT"], ""),
    ],
)
def test_what_max_series_leaves_out_is_summed_up_last(
    most: int, shown: list[str], left_out: str
) -> None:
    rows = [a_row(country=c, messages=n) for c, n in (("IT", 1), ("FR", 5), ("AT", 1), ("BE", 2))]
    found = reported(rows, COUNTRY, most=most).series
    assert [series.group.country for series in found if not series.others] == shown
    assert [series.label for series in found if series.others] == ([left_out] if left_out else [])
    assert not any(series.others for series in found[:-1])
    alone = {"FR": 5, "BE": 2, "AT": 1, "IT": 1}
    expected = [alone[country] for country in shown]
    expected += [9 - sum(expected)] if left_out else []
    assert [series.total.messages for series in found] == expected
    assert [series.figures[-1].messages for series in found] == expected


def test_costs_of_different_currencies_are_never_added() -> None:
    rows = [a_row(currency=c, messages=1, cost=n) for c, n in (("USD", 5), ("EUR", 7), ("USD", 1))]
    assert reported(rows).total.total.costs == {"USD": 6, "EUR": 7}


def test_rows_that_count_nothing_make_no_group() -> None:
    rows = [a_row(country="FR"), a_row(country="IT", messages=1)]
    assert [series.group.country for series in reported(rows, COUNTRY).series] == ["IT"]


# Sums


_counts = st.builds(Counts, *[st.integers(0, 3)] * 7, st.integers(-50, 50))


@st.composite
def _rows(draw: st.DrawFn) -> list[UsageRow]:
    keys = st.builds(
        UsageKey,
        st.sampled_from(["a", "b"]),
        st.integers(day_of(at(2024, 2, 27)), day_of(at(2026, 3, 1))),
        st.sampled_from(["", "AT", "FR", "IT"]),
        st.integers(0, 6),
        st.sampled_from(["", "EUR", "USD"]),
    )
    rows = draw(st.lists(st.tuples(keys, _counts), max_size=40, unique_by=lambda row: row[0]))
    return [UsageRow(key, counts) for key, counts in rows]


def _recounted(rows: Iterable[UsageRow]) -> tuple[list[int], Counter[str], Counter[int]]:
    """The sums of rows, the plain way."""
    counts, costs, statuses = [0] * (len(NOTHING) - 1), Counter[str](), Counter[int]()
    for row in rows:
        counts = [a + b for a, b in zip(counts, row.counts[:-1], strict=True)]
        costs[row.key.currency] += row.counts.cost
        if row.key.status:
            statuses[row.key.status] += row.counts.messages
    return counts, costs, statuses


def _assert_equal(figures: Figures, rows: Iterable[UsageRow]) -> None:
    counts, costs, statuses = _recounted(rows)
    assert figures.counts == counts
    assert {k: v for k, v in figures.costs.items() if v} == {k: v for k, v in costs.items() if v}
    assert figures.statuses == {k: v for k, v in statuses.items() if v}


def _added(parts: Iterable[Figures]) -> Figures:
    total = Figures()
    for part in parts:
        total.merge(part)
    return total


_groupings = st.frozensets(st.sampled_from(Dimension))


@BOUNDED
@given(_rows(), st.sampled_from([MONTH, YEAR]), _groupings, st.integers(1, 5))
def test_series_and_others_add_up_to_the_total_which_is_the_sum_of_the_rows(
    rows: list[UsageRow], granularity: Granularity, group_by: frozenset[Dimension], most: int
) -> None:
    over = made(granularity, at(2024, 2, 27), NOW)
    found = reported(rows, *group_by, over=over, most=most)
    _assert_equal(found.total.total, rows)
    assert _same(_added(series.total for series in found.series), found.total.total)
    for series in (*found.series, found.total):
        assert len(series.figures) == len(over.periods)
        assert _same(_added(series.figures), series.total)
    assert sum(series.others for series in found.series) <= 1
    assert len(found.series) <= most + 1


@BOUNDED
@given(_rows(), _groupings)
def test_each_period_of_a_group_is_the_sum_of_its_rows(
    rows: list[UsageRow], group_by: frozenset[Dimension]
) -> None:
    over = made(MONTH, at(2024, 2, 27), NOW)
    found = reported(rows, *group_by, over=over, most=1_000)
    for series in found.series:
        own = [row for row in rows if not group_by or _belongs(row.key, series.group, group_by)]
        for period, figures in zip(over.periods, series.figures, strict=True):
            days = (period.start.date(), period.end.date())
            _assert_equal(figures, [r for r in own if _within(date_of(r.key.day), *days)])


def _belongs(key: UsageKey, group: tuple[str, str, int], group_by: frozenset[Dimension]) -> bool:
    account, country, status = group
    return (
        (ACCOUNT not in group_by or key.account == account)
        and (COUNTRY not in group_by or key.country == country)
        and (STATUS not in group_by or key.status == status)
    )


def _within(day: date, start: date, end: date) -> bool:
    return start <= day < end


def _same(one: Figures, other: Figures) -> bool:
    return (
        one.counts == other.counts
        and {k: v for k, v in one.costs.items() if v} == {k: v for k, v in other.costs.items() if v}
        and one.statuses == other.statuses
    )
