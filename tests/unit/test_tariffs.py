"""Tariffs: which price counts on which day, and what differs between two versions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain.message import NO_PRICE, PriceStatus
from smsgate_server.domain.pricing import (
    ANY,
    DAYS_KEPT,
    FLAT_COUNTRIES,
    NO_QUOTE,
    PriceList,
    Quote,
    Tariff,
    TariffRow,
)
from smsgate_server.domain.tariff_diff import MAX_LINES, diff, lines

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
DAY = date(2026, 3, 1)
OPERATOR = PriceStatus.OPERATOR


def a_row(
    country: str = "FR",
    network: str = ANY,
    billing: str = ANY,
    micros: int = 50_000,
    status: PriceStatus = OPERATOR,
    first: date | None = None,
    last: date | None = None,
    currency: str = "EUR",
    note: str = "",
) -> TariffRow:
    return TariffRow(
        country, network, billing, currency, micros, status, first, last, "contract", note
    )


def priced(*rows: TariffRow) -> PriceList:
    return Tariff(7, rows).on(DAY)


def exactly(micros: int, status: PriceStatus = OPERATOR) -> Quote:
    return Quote(status, "EUR", micros, micros, True, 7)


def between(low: int, high: int, status: PriceStatus = OPERATOR) -> Quote:
    return Quote(status, "EUR", high, low, False, 7)


# From the most specific to the least, each with a price of its own.
LADDER = [
    a_row("FR", "orange", "prepaid", 1),
    a_row("FR", "orange", ANY, 2),
    a_row("FR", ANY, "prepaid", 3),
    a_row("FR", ANY, ANY, 4),
    a_row(ANY, ANY, "prepaid", 5),
    a_row(ANY, ANY, ANY, 6),
]


@pytest.mark.parametrize("missing", range(len(LADDER)))
def test_the_most_specific_row_counts(missing: int) -> None:
    prices = priced(*LADDER[missing:])
    assert prices.quote("FR", "prepaid", "orange") == exactly(missing + 1)


def test_without_a_row_no_price_is_known() -> None:
    for prices in (priced(), priced(a_row("DE"), a_row("FR", billing="subscription"))):
        quote = prices.quote("FR", "prepaid")
        assert quote is NO_QUOTE
        assert not quote.known
        assert quote.price_of(3) is NO_PRICE


@pytest.mark.parametrize(
    ("country", "billing", "network", "micros"),
    [
        ("DE", "prepaid", ANY, 5),
        ("DE", "subscription", ANY, 6),
        ("FR", "subscription", "orange", 2),
        ("FR", "subscription", "sfr", 4),
        ("FR", "prepaid", "sfr", 3),
    ],
)
def test_a_row_for_something_else_does_not_count(
    country: str, billing: str, network: str, micros: int
) -> None:
    assert priced(*LADDER).quote(country, billing, network) == exactly(micros)


def test_a_million_times_a_price_is_exact() -> None:
    price = priced(a_row(micros=36_000)).quote("FR", "prepaid").price_of(1_000_000)
    assert (price.per_segment_micros, price.total_micros) == (36_000, 36_000_000_000)
    assert (price.currency, price.status, price.tariff_version) == ("EUR", OPERATOR, 7)


def test_where_the_price_depends_on_the_operator_the_highest_counts() -> None:
    prices = priced(
        a_row(network="orange", micros=40_000),
        a_row(network="sfr", micros=60_000),
        a_row(micros=50_000),
    )
    assert prices.has_networks("FR")
    assert prices.quote("FR", "prepaid") == between(40_000, 60_000)
    assert prices.quote("FR", "prepaid", "sfr") == exactly(60_000)
    assert prices.quote("FR", "prepaid", "free-mobile") == exactly(50_000)


def test_the_row_of_the_country_counts_for_all_other_operators() -> None:
    prices = priced(a_row(network="orange", micros=40_000), a_row(micros=70_000))
    assert prices.quote("FR", "prepaid") == between(40_000, 70_000)


def test_so_does_the_row_of_all_countries() -> None:
    prices = priced(a_row(network="orange", micros=40_000), a_row(ANY, micros=90_000))
    assert prices.quote("FR", "prepaid") == between(40_000, 90_000)


def test_a_price_by_operator_for_another_billing_mode_changes_nothing() -> None:
    prices = priced(a_row(network="orange", billing="prepaid", micros=90_000), a_row(micros=50_000))
    assert prices.quote("FR", "subscription") == exactly(50_000)
    assert prices.quote("FR", "prepaid") == between(50_000, 90_000)


def test_operators_that_all_cost_the_same_make_an_exact_price_of_the_least_trusted_kind() -> None:
    prices = priced(
        a_row(network="orange", status=PriceStatus.DISPUTED),
        a_row(network="sfr", status=PriceStatus.VENDOR_PUBLISHED),
        a_row(),
    )
    assert prices.quote("FR", "prepaid") == exactly(50_000, PriceStatus.DISPUTED)


def test_an_operator_without_any_price_makes_that_of_the_others_inexact() -> None:
    prices = priced(a_row(network="orange"), a_row(network="sfr"))
    assert prices.quote("FR", "prepaid") == between(50_000, 50_000)
    assert prices.quote("FR", "prepaid", "orange") == exactly(50_000)
    assert prices.quote("FR", "prepaid", "free-mobile") is NO_QUOTE


def test_a_name_may_be_any_of_the_operators_listed_by_mccmnc() -> None:
    prices = priced(
        a_row("LB", "41501", micros=40_000),
        a_row("LB", "41503", micros=60_000),
        a_row("LB", "ogero", micros=99_000),
        a_row("LB", micros=50_000),
    )
    assert prices.quote("LB", "prepaid", "touch") == between(40_000, 60_000)
    assert prices.quote("LB", "prepaid", "41501") == exactly(40_000)
    assert prices.quote("LB", "prepaid", "41509") == between(50_000, 99_000)
    # 3 is a name, too.
    assert priced(a_row("HK", "3"), a_row("HK", micros=1)).quote("HK", ANY, "csl") == exactly(1)


@pytest.mark.parametrize("status", [status for status in PriceStatus if status != OPERATOR][1:])
def test_of_several_prices_the_least_trusted_tells_the_status(status: PriceStatus) -> None:
    prices = priced(a_row(network="orange", micros=1, status=status), a_row(micros=2))
    assert prices.quote("FR", "prepaid").status is status


def test_trust_grows_from_an_example_to_the_operators_own_price() -> None:
    order = ["EXAMPLE", "DISPUTED", "UNVERIFIED", "VENDOR_PUBLISHED", "OPERATOR"]
    for less, more in pairwise(order):
        rows = [a_row(network="orange", status=PriceStatus[more]), a_row(status=PriceStatus[less])]
        assert priced(*rows).quote("FR", "prepaid").status is PriceStatus[less]


def test_flat_countries_are_italy_and_spain() -> None:
    assert frozenset({"IT", "ES"}) == FLAT_COUNTRIES


FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


@pytest.mark.parametrize(
    ("first", "last", "day", "in_force"),
    [
        (None, None, date.min, True),
        (None, None, date.max, True),
        (FIRST, None, FIRST - timedelta(1), False),
        (FIRST, None, FIRST, True),
        (FIRST, None, date.max, True),
        (None, LAST, date.min, True),
        (None, LAST, LAST, True),
        (None, LAST, LAST + timedelta(1), False),
        (FIRST, FIRST, FIRST, True),
    ],
)
def test_the_first_and_the_last_day_are_in_force(
    first: date | None, last: date | None, day: date, in_force: bool
) -> None:
    row = a_row(first=first, last=last)
    prices = Tariff(7, [row]).on(day)
    assert prices.rows == ((row,) if in_force else ())
    assert prices.quote("FR", "prepaid").known == in_force


def test_a_new_price_takes_over_on_its_first_day() -> None:
    tariff = Tariff(7, [a_row(micros=1, last=LAST), a_row(micros=2, first=LAST + timedelta(1))])
    assert tariff.on(LAST).quote("FR", "prepaid") == exactly(1)
    assert tariff.on(LAST + timedelta(1)).quote("FR", "prepaid") == exactly(2)


def test_a_row_that_is_over_hides_no_less_specific_one() -> None:
    tariff = Tariff(7, [a_row(network="orange", micros=1, last=LAST), a_row(micros=2)])
    later = tariff.on(LAST + timedelta(1))
    assert not later.has_networks("FR")
    assert later.quote("FR", "prepaid") == exactly(2)


def test_rows_are_ordered_by_country_network_billing_and_first_day() -> None:
    rows = [
        a_row(ANY),
        a_row("AT"),
        a_row("FR", ANY, ANY),
        a_row("FR", ANY, "prepaid", last=LAST),
        a_row("FR", ANY, "prepaid", first=LAST + timedelta(1)),
        a_row("FR", "orange", ANY),
    ]
    tariff = Tariff(7, reversed(rows))
    assert tariff.rows == tuple(rows)
    assert tariff.version == tariff.on(DAY).version == 7


def test_asking_for_another_day_does_not_cost_todays_prices() -> None:
    tariff = Tariff(7, LADDER)
    today = tariff.on(DAY)
    for days in range(1, 10 * DAYS_KEPT):
        assert tariff.on(DAY + timedelta(days)) is not today
        assert tariff.on(DAY) is today


def test_the_same_question_has_the_same_answer_at_once() -> None:
    prices = priced(*LADDER)
    assert prices.quote("FR", "prepaid") is prices.quote("FR", "prepaid")
    assert prices.quote("XX", "prepaid") is prices.quote("XX", "prepaid")


COUNTRIES, NETWORKS, BILLINGS = ["FR", "DE", ANY], ["orange", "20801", ANY], ["prepaid", ANY]
KEYS = [key for key in product(COUNTRIES, NETWORKS, BILLINGS) if key[0] != ANY or key[1] == ANY]
some_rows = st.dictionaries(
    st.sampled_from(KEYS), st.integers(min_value=1, max_value=9), max_size=len(KEYS)
).map(lambda prices: [a_row(*key, micros) for key, micros in prices.items()])


def naive(rows: Sequence[TariffRow], network: str) -> int | None:
    """The price in France by the plain words of the contract."""
    known = {(row.country, row.network, row.billing): row.price_micros for row in rows}
    for key in (
        ("FR", network, "prepaid"),
        ("FR", network, ANY),
        ("FR", ANY, "prepaid"),
        ("FR", ANY, ANY),
        (ANY, ANY, "prepaid"),
        (ANY, ANY, ANY),
    ):
        if key in known:
            return known[key]
    return None


@BOUNDED
@given(some_rows)
def test_a_quote_spans_the_prices_of_all_operators(rows: list[TariffRow]) -> None:
    prices = priced(*rows)
    networks = {row.network for row in rows if row.country == "FR"} | {ANY}
    by_network = [naive(rows, network) for network in networks]
    known = [price for price in by_network if price is not None]
    quote = prices.quote("FR", "prepaid")
    if not known:
        assert quote is NO_QUOTE
        return
    assert (quote.min_per_segment_micros, quote.per_segment_micros) == (min(known), max(known))
    assert quote.exact == (len(set(by_network)) == 1)
    for network in networks - {ANY}:
        one = prices.quote("FR", "prepaid", network)
        assert one.exact
        assert (one.per_segment_micros or None) == naive(rows, network)


def test_what_was_added_removed_and_changed_is_told_apart() -> None:
    same, gone, new = a_row("AT"), a_row("BE"), a_row("CH")
    old_price, new_price = a_row("FR", micros=36_000), a_row("FR", micros=39_000)
    found = diff([same, gone, old_price], [new_price, new, same])
    assert found.added == [new]
    assert found.removed == [gone]
    assert found.changed == [(old_price, new_price)]
    assert found.unchanged == 1
    assert found.any


def test_the_same_rows_in_another_order_are_no_difference() -> None:
    found = diff(LADDER, LADDER[::-1])
    assert not found.any
    assert found.unchanged == len(LADDER)
    assert lines(found) == [f"0 added, 0 removed, 0 changed, {len(LADDER)} unchanged"]


def test_another_first_day_makes_another_row() -> None:
    found = diff([a_row(first=FIRST)], [a_row(first=LAST)])
    assert (len(found.added), len(found.removed), len(found.changed)) == (1, 1, 0)


BASE = a_row("IT", ANY, "subscription", 36_000)


@pytest.mark.parametrize(
    ("new", "line"),
    [
        (replace(BASE, price_micros=39_000), "0.036 → 0.039 EUR (+8.3 %)"),
        (replace(BASE, price_micros=18_000), "0.036 → 0.018 EUR (-50.0 %)"),
        (replace(BASE, price_micros=36_001), "0.036 → 0.036001 EUR (+0.0 %)"),
        (replace(BASE, currency="CHF"), "0.036 EUR → 0.036 CHF"),
        (replace(BASE, note="x"), "0.036 EUR, other note"),
        (
            replace(BASE, price_micros=39_000, status=PriceStatus.DISPUTED, source="y"),
            "0.036 → 0.039 EUR (+8.3 %), other status, source",
        ),
    ],
)
def test_a_change_says_what_it_was_and_what_it_is(new: TariffRow, line: str) -> None:
    assert lines(diff([BASE], [new]))[0] == f"~ IT * subscription {line}"


def test_a_price_that_was_zero_rose_by_no_percentage() -> None:
    told = lines(diff([replace(BASE, price_micros=0)], [BASE]))
    assert told[0] == "~ IT * subscription 0 → 0.036 EUR"


def test_rows_that_come_and_go_are_named_with_their_days() -> None:
    old = [a_row("FR", "orange", "prepaid", 45_000, first=FIRST, last=LAST)]
    new = [a_row("FR", ANY, "prepaid", 45_000)]
    assert lines(diff(old, new)) == [
        "- FR orange prepaid from 2026-01-01 to 2026-12-31 0.045 EUR",
        "+ FR * prepaid 0.045 EUR",
        "1 added, 1 removed, 0 changed, 0 unchanged",
    ]


def test_a_long_difference_is_cut_and_counted() -> None:
    rows = [a_row(network=f"n{number:04d}") for number in range(1_000)]
    told = lines(diff([], rows))
    assert len(told) == MAX_LINES + 2
    assert told[-2:] == ["… and 800 more", "1000 added, 0 removed, 0 changed, 0 unchanged"]
    assert len(lines(diff([], rows[:MAX_LINES]))) == MAX_LINES + 1


@BOUNDED
@given(some_rows, some_rows)
def test_a_difference_turns_the_old_rows_into_the_new(
    old: list[TariffRow], new: list[TariffRow]
) -> None:
    found = diff(old, new)
    kept = set(old) - set(found.removed) - {before for before, _ in found.changed}
    assert kept | set(found.added) | {after for _, after in found.changed} == set(new)
    assert len(kept) == found.unchanged
