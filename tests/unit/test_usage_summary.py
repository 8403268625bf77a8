"""A usage report in words: what is said, what is left out, and how wide it is."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain.message import Status
from smsgate_server.domain.usage import Counts, UsageKey, UsageRow, day_of
from smsgate_server.domain.usage_report import Granularity, Span, report, span
from smsgate_server.domain.usage_summary import summary

BOUNDED = settings(deadline=None, max_examples=60, derandomize=True)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EARLIER = datetime(2026, 2, 3, tzinfo=UTC)
COLUMNS = 80
NAMES = {"AT": "Austria", "IT": "Italy"}


def a_row(
    time: datetime = NOW,
    country: str = "IT",
    status: int = Status.DELIVERED,
    currency: str = "EUR",
    **counts: int,
) -> UsageRow:
    return UsageRow(UsageKey("acme", day_of(time), country, status, currency), Counts(**counts))


def months(start: datetime | None = None) -> Span:
    found = span(Granularity.MONTH, start, None, NOW)
    assert isinstance(found, Span)
    return found


def told(*rows: UsageRow, over: Span | None = None) -> str:
    def names(country: str) -> str:
        return NAMES.get(country, "")

    by_country = Counter[str]()
    for row in rows:
        if row.counts.messages:
            by_country[row.key.country] += row.counts.messages
    return summary(report(rows, over or months(), frozenset(), 20, names), by_country, names)


def line_of(text: str, title: str) -> str:
    """What stands beside a title, without it."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"  {title} ")]
    return line.removeprefix(f"  {title}").strip()


def test_the_summary_of_a_year() -> None:
    text = told(
        a_row(EARLIER, messages=2, segments=3, cost=108_000),
        a_row(EARLIER, "AT", Status.REJECTED, messages=1, segments=1),
        a_row(country="IT", messages=1, segments=1, otp_messages=1, cost=36_000),
        a_row(country="", status=0, free_requests=5),
        a_row(country="IT", status=0, paid_requests=4),
    )
    assert text == (
        "Usage from 2025-04 to 2026-03:\n"
        "  Messages  4 in 5 segments, 1 of them one-time passwords\n"
        "  Status    3 DELIVERED, 1 REJECTED (75.0 % of the final ones delivered)\n"
        "  Cost      0.144 EUR, excluding VAT\n"
        "  Requests  4 paid, 5 free\n"
        "  Busiest   month 2026-02 with 3 messages\n"
        "  Latest    month 2026-03 with 1 (-67 % against the month before)\n"
        "  Most to   Italy: 3 (75.0 %)\n"
    )


def test_without_any_usage_there_is_nothing_yet() -> None:
    assert told() == "Usage from 2025-04 to 2026-03: nothing yet.\n"


def test_a_single_period_is_named_once_and_compared_with_none() -> None:
    text = told(a_row(messages=1), over=months(NOW - timedelta(hours=1)))
    assert text.startswith("Usage of 2026-03:\n")
    assert "Busiest" not in text
    assert "Latest" not in text


def test_requests_without_a_message_are_told_without_highlights() -> None:
    text = told(a_row(country="", status=0, free_requests=1))
    assert line_of(text, "Requests") == "0 paid, 1 free"
    assert not [word for word in ("Status", "Busiest", "Most to") if word in text]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([a_row(messages=1)], "nothing, excluding VAT"),
        ([a_row(messages=1, cost=1)], "0.000001 EUR, excluding VAT"),
        ([a_row(messages=1, cost=9_007_199_254_740_993)], "9007199254.740993 EUR, excluding VAT"),
        (
            [a_row(currency=c, messages=1, cost=36_000) for c in ("USD", "EUR")],
            "0.036 EUR + 0.036 USD, excluding VAT",
        ),
        (
            [a_row(cost=-5, messages=1), a_row(EARLIER, cost=5), a_row(currency="USD", cost=7)],
            "0.000007 USD, excluding VAT",
        ),
    ],
)
def test_costs_are_exact_and_stand_beside_their_currency(
    rows: Sequence[UsageRow], expected: str
) -> None:
    assert line_of(told(*rows), "Cost") == expected


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"bundle_segments": 1}, "1 segment covered by the bundle"),
        ({"unpriced_segments": 2}, "2 segments without a known price"),
        (
            {"bundle_segments": 2, "unpriced_segments": 1},
            "2 segments covered by the bundle, 1 segment without a known price",
        ),
    ],
)
def test_segments_that_are_not_in_the_costs_are_told(counts: dict[str, Any], expected: str) -> None:
    assert expected in told(a_row(messages=1, segments=3, **counts))
    without = told(a_row(messages=1, segments=3))
    assert "bundle" not in without
    assert "known price" not in without


def test_the_share_delivered_is_of_those_that_are_final() -> None:
    text = told(a_row(messages=1), a_row(status=Status.PENDING, messages=9))
    assert line_of(text, "Status") == "9 PENDING, 1 DELIVERED (100.0 % of the final ones delivered)"
    assert line_of(told(a_row(status=Status.NEW, messages=2)), "Status") == "2 NEW"


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (0, 5, "month 2026-03 with 5"),
        (2, 3, "month 2026-03 with 3 (+50 % against the month before)"),
        (2, 0, "month 2026-03 with 0 (-100 % against the month before)"),
        (2, 2, "month 2026-03 with 2 (about as many as the month before)"),
        (100_000, 99_999, "month 2026-03 with 99,999 (about as many as the month before)"),
        (1, 100, "month 2026-03 with 100 (+9,900 % against the month before)"),
    ],
)
def test_the_latest_period_is_compared_with_the_one_before(
    before: int, now: int, expected: str
) -> None:
    text = told(a_row(EARLIER, messages=before), a_row(messages=now))
    assert line_of(text, "Latest") == expected


def test_the_busiest_of_equal_periods_is_the_oldest_and_of_countries_the_first() -> None:
    text = told(a_row(EARLIER, "IT", messages=1), a_row(NOW, "AT", messages=1))
    assert line_of(text, "Busiest") == "month 2026-02 with 1 message"
    assert line_of(text, "Most to") == "Austria: 1 (50.0 %)"


_counts = st.builds(Counts, *[st.integers(0, 10**10)] * 7, st.integers(-(10**12), 10**17))
_rows = st.lists(
    st.builds(
        UsageRow,
        st.builds(
            UsageKey,
            st.just("acme"),
            st.integers(day_of(EARLIER), day_of(NOW)),
            st.sampled_from(["", "AT", "IT", "XX"]),
            st.integers(0, 6),
            st.sampled_from(["EUR", "USD", "GBP", "CHF", "SEK", "NOK"]),
        ),
        _counts,
    ),
    max_size=30,
)


@BOUNDED
@given(_rows)
def test_no_line_is_wider_than_a_terminal_and_none_ends_in_a_space(rows: list[UsageRow]) -> None:
    text = told(*rows)
    assert text.endswith("\n")
    assert text.isascii()
    for line in text.splitlines():
        assert line.strip()
        assert len(line) <= COLUMNS
        assert line == line.rstrip()


@BOUNDED
@given(_rows, st.randoms())
def test_the_same_usage_is_told_in_the_same_words(rows: list[UsageRow], random: object) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert told(*shuffled) == told(*rows)
