import gc
import time
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain import tariff_csv
from smsgate_server.domain.country_names import NAMES
from smsgate_server.domain.message import PriceStatus
from smsgate_server.domain.pricing import ANY, FLAT_COUNTRIES, TariffRow
from smsgate_server.domain.tariff_csv import (
    COLUMNS,
    HEADER,
    MAX_FAULTS,
    MAX_FIELD,
    MAX_PRICE,
    MAX_ROWS,
    TariffFaults,
    parse,
    render,
)
from smsgate_server.services.tariffs import seed

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
GOOD = "FR,*,prepaid,EUR,0.045,2026-01-01,2026-12-31,operator,contract 12,a note"


def a_file(*lines: str) -> str:
    return "\n".join((HEADER, *lines)) + "\n"


def a_line(**changes: str) -> str:
    values = dict(zip(COLUMNS, GOOD.split(","), strict=True)) | changes
    return ",".join(values.values())


def faults_of(text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(TariffFaults) as caught:
        parse(text)
    found = [(fault.line, fault.column, fault.description) for fault in caught.value.faults]
    assert caught.value.count >= len(found) > 0
    return found


def outcome(text: str) -> list[TariffRow] | TariffFaults:
    try:
        return parse(text)
    except TariffFaults as faults:
        return faults


def where(text: str) -> list[tuple[int, str]]:
    return [(line, column) for line, column, _ in faults_of(text)]


def test_a_row_is_read_as_it_is_written() -> None:
    assert parse(a_file(GOOD)) == [
        TariffRow(
            country="FR",
            network=ANY,
            billing="prepaid",
            currency="EUR",
            price_micros=45_000,
            status=PriceStatus.OPERATOR,
            valid_from=date(2026, 1, 1),
            valid_to=date(2026, 12, 31),
            source="contract 12",
            note="a note",
        )
    ]


def test_the_tariffs_that_the_server_ships_with_are_good() -> None:
    rows = parse(seed())
    assert len(rows) == 4
    assert {row.country for row in rows} == FLAT_COUNTRIES
    assert parse(render(rows)) == sorted(rows, key=lambda row: row.order)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + a_file(GOOD),
        a_file(GOOD).replace("\n", "\r\n"),
        a_file(GOOD).rstrip("\n"),
        a_file("", GOOD, "", ""),
        a_file(",".join(f'"{field}"' for field in GOOD.split(","))),
    ],
)
def test_what_other_programs_make_of_a_file_is_read_too(text: str) -> None:
    assert parse(text) == parse(a_file(GOOD))


def test_a_header_alone_is_a_tariff_without_prices() -> None:
    assert parse(a_file()) == parse(HEADER) == []


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("", f"lacks {', '.join(COLUMNS)}"),
        (HEADER.replace(",status", ""), "lacks status"),
        (HEADER + ",vat", "has unknown vat"),
        (HEADER.replace("price", "Price"), "lacks price; has unknown Price"),
        (HEADER.replace(",note", ", note"), "lacks note; has unknown  note"),
        (HEADER.replace("network,billing", "billing,network"), "in another order"),
        (HEADER + ",note", "repeats note"),
        (HEADER.replace(",", ";"), "lacks country"),
        (GOOD, "lacks country"),
        (HEADER + ",\x1b[31m" + "x" * 1_000, "has unknown \\x1b[31mxxxxx"),
    ],
)
def test_a_wrong_header_is_told_whole_and_nothing_else_is(header: str, why: str) -> None:
    ((line, column, description),) = faults_of(f"{header}\nnonsense\n")
    assert (line, column) == (1, "")
    assert why in description
    assert HEADER in description
    assert len(description) < 400


@pytest.mark.parametrize(("count", "line"), [(1, "FR"), (9, GOOD[:-7]), (11, GOOD + ",x")])
def test_every_row_has_ten_fields(count: int, line: str) -> None:
    description = f"has {count} fields, and 10 are needed"
    assert faults_of(a_file(GOOD, line)) == [(3, "", description)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("country", ANY),
        ("country", "XK"),
        ("country", "+881"),
        ("network", "20801"),
        ("network", "310410"),
        ("network", "free-mobile"),
        ("network", "3"),
        ("network", "x" * 40),
        ("billing", ANY),
        ("billing", "subscription"),
        ("currency", "XXX"),
        ("price", "0.000001"),
        ("price", "00.1"),
        ("price", str(MAX_PRICE)),
        ("valid_from", ""),
        ("valid_from", "0001-01-01"),
        ("valid_from", "2024-02-29"),
        ("valid_to", ""),
        ("valid_to", "9999-12-31"),
        ("valid_to", "2026-01-01"),
        ("status", "vendor-published"),
        ("status", "unverified"),
        ("status", "disputed"),
        ("status", "example"),
        ("source", "x" * MAX_FIELD),
        ("source", "Ångström's préis"),
        ("note", ""),
        ("note", "x" * MAX_FIELD),
        ("note", "日本 🙂"),
    ],
)
def test_good_values(column: str, value: str) -> None:
    (row,) = parse(a_file(a_line(**{column: value})))
    assert parse(render([row])) == [row]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("country", ""),
        ("country", "fr"),
        ("country", " FR"),
        ("country", "ZZ"),
        ("country", "FRA"),
        ("country", "+33"),
        ("country", "881"),
        ("country", "**"),
        ("network", ""),
        ("network", "Orange"),
        ("network", "free mobile"),
        ("network", "télécom"),
        ("network", "٢٠٨٠١"),
        ("network", "x" * 41),
        ("billing", ""),
        ("billing", "Prepaid"),
        ("currency", ""),
        ("currency", "eur"),
        ("currency", "€"),
        ("price", ""),
        ("price", "."),
        ("price", "-1"),
        ("price", "1e-3"),
        ("price", "0.0000001"),
        ("price", "0.04 EUR"),
        ("price", f"{MAX_PRICE}.000001"),
        ("price", "9" * 5_000),
        ("valid_from", "2026-1-1"),
        ("valid_from", "20260101"),
        ("valid_from", "2026-W01-1"),
        ("valid_from", "2026-02-30"),
        ("valid_from", "0000-01-01"),
        ("valid_from", "01/01/2026"),
        ("valid_to", "2027-02-29"),
        ("valid_to", "never"),
        ("valid_to", "2026-12-31T00:00:00"),
        ("valid_to", "٢٠٢٦-12-31"),
        ("status", ""),
        ("status", "unknown"),
        ("status", "OPERATOR"),
        ("status", "vendor_published"),
        ("source", ""),
        ("source", "  "),
        ("source", "x" * (MAX_FIELD + 1)),
        ("source", "a\tb"),
        ("note", "x" * (MAX_FIELD + 1)),
        ("note", "\x00"),
        ("note", "\x1b[2J"),
        ("note", "\x85"),
        ("note", "\u2028"),
        ("note", "\ud800"),
    ],
)
def test_bad_values_are_told_with_their_line_and_column(column: str, value: str) -> None:
    ((line, where, description),) = faults_of(
        a_file(a_line(country="AT"), a_line(**{column: value}))
    )
    assert (line, where) == (3, column)
    assert description.isprintable()
    assert len(description) < 100


def test_a_line_break_in_a_field_is_told_where_its_row_begins() -> None:
    assert where(a_file(a_line(note='"one\ntwo\nthree"'), a_line(country=""))) == [
        (2, "note"),
        (5, "country"),
    ]


def test_a_price_of_0_must_be_the_operators_own() -> None:
    for price in ("0", "0.0", "00.000000"):
        assert parse(a_file(a_line(price=price)))[0].price_micros == 0
        told = faults_of(a_file(a_line(price=price, status="unverified")))
        assert told == [(2, "price", "is 0, which only a price of the operator's own can be")]


def test_a_last_day_before_the_first_is_told() -> None:
    assert parse(a_file(a_line(valid_to="2026-01-01")))
    told = faults_of(a_file(a_line(valid_to="2025-12-31")))
    assert told == [(2, "valid_to", "is before valid_from")]


@pytest.mark.parametrize("country", [*sorted(FLAT_COUNTRIES), ANY])
def test_where_operators_make_no_difference_a_network_is_an_error(country: str) -> None:
    assert where(a_file(a_line(country=country, network="tim"))) == [(2, "network")]


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        (("", ""), ("", ""), True),
        (("", "2026-06-30"), ("2026-07-01", ""), False),
        (("", "2026-06-30"), ("2026-06-30", ""), True),
        (("", "2026-06-30"), ("", "2026-01-01"), True),
        (("2026-07-01", ""), ("", "2026-06-30"), False),
        (("2026-07-01", ""), ("", "2026-07-01"), True),
        (("2026-01-01", "2026-12-31"), ("2026-03-01", "2026-03-01"), True),
        (("0001-01-01", ""), ("", "0001-01-01"), True),
        (("", "9999-12-31"), ("9999-12-31", ""), True),
    ],
)
def test_two_rows_for_the_same_thing_must_not_be_in_force_at_once(
    first: tuple[str, str], second: tuple[str, str], overlap: bool
) -> None:
    lines = [a_line(valid_from=days[0], valid_to=days[1]) for days in (first, second)]
    if not overlap:
        assert len(parse(a_file(*lines))) == 2
        return
    ((line, column, description),) = faults_of(a_file(*lines))
    other = 5 - line
    assert (column, description) == ("valid_from", f"is in force at the same time as line {other}")


def test_a_long_row_is_held_against_all_that_it_overlaps() -> None:
    months = [a_line(valid_from=f"2026-0{n}-01", valid_to=f"2026-0{n}-20") for n in (2, 4, 6)]
    told = faults_of(a_file(a_line(), *months))
    assert [line for line, _, _ in told] == [3, 4, 5]
    assert {why for _, _, why in told} == {"is in force at the same time as line 2"}


def test_rows_for_different_things_may_be_in_force_at_once() -> None:
    names = product(("FR", "DE"), (ANY, "orange", "20801"), (ANY, "prepaid", "subscription"))
    lines = [a_line(country=c, network=n, billing=b) for c, n, b in names]
    assert len(parse(a_file(*lines))) == 18


def test_a_country_has_one_currency() -> None:
    lines = (a_line(), a_line(billing="subscription", currency="CHF"), a_line(country="CH"))
    told = faults_of(a_file(*lines))
    assert told == [(3, "currency", "is not EUR, as in line 2: a country has one currency")]
    assert parse(a_file(a_line(), a_line(country="CH", currency="CHF")))


def test_a_price_by_operator_is_in_the_currency_of_the_row_for_all_countries() -> None:
    world = a_line(country=ANY, currency="USD")
    assert parse(a_file(world, a_line()))
    assert parse(a_file(world, a_line(network="orange", currency="USD")))
    ((line, column, why),) = faults_of(a_file(a_line(network="orange"), world))
    assert (line, column) == (2, "currency")
    assert why == "is not USD, as in line 3, which counts for other operators"


def test_all_faults_are_told_at_once_by_line() -> None:
    text = a_file(
        a_line(country="DE"),
        a_line(country="XX", price="x", status="?", source=""),
        "a,b",
        a_line(country="DE"),
        a_line(country="IT", network="tim", currency="euro"),
    )
    assert where(text) == [
        (3, "country"),
        (3, "price"),
        (3, "status"),
        (3, "source"),
        (4, ""),
        (5, "valid_from"),
        (6, "currency"),
        (6, "network"),
    ]


def test_an_open_quote_is_told_where_it_begins() -> None:
    told = faults_of(a_file(GOOD, a_line(country="XX"), a_line(note='"open'), *[GOOD] * 9))
    assert [(line, column) for line, column, _ in told] == [(3, "country"), (4, "")]
    assert "is not CSV, nor is what follows" in told[-1][2]


def test_a_quote_within_a_field_is_no_csv() -> None:
    assert where(a_file(a_line(note='"a "b" c"'))) == [(2, "")]


def test_an_endless_field_is_refused() -> None:
    # By the csv module, whose own limit belongs to the whole process, or by ours.
    assert [line for line, _ in where(a_file(a_line(note='"' + "x" * 200_000 + '"')))] == [2]


def test_of_many_faults_the_first_are_told_and_all_are_counted() -> None:
    with pytest.raises(TariffFaults) as caught:
        parse(a_file(*[a_line(country="")] * 1_000))
    assert len(caught.value.faults) == MAX_FAULTS
    assert caught.value.count == 1_000
    told = str(caught.value).splitlines()
    assert told[0].startswith("line 2, country: must be ISO 3166-1")
    assert told[-1] == f"and {1_000 - MAX_FAULTS} more"


def many(count: int) -> str:
    countries = sorted(NAMES.keys() - FLAT_COUNTRIES)
    names = (f"{countries[n % 250]},{10_000 + n // 250}" for n in range(count))
    return a_file(*(f"{name},*,EUR,0.04{n % 9},,,operator,x," for n, name in enumerate(names)))


@pytest.mark.parametrize("count", [MAX_ROWS // 20, pytest.param(MAX_ROWS, marks=pytest.mark.soak)])
def test_the_time_for_a_file_does_not_grow_with_the_square_of_its_rows(count: int) -> None:
    tenth = min(seconds_for(count // 10) for _ in range(3))
    # With the square it would be a hundred times as long.
    assert seconds_for(count) < tenth * 40


def seconds_for(count: int) -> float:
    """The time of this process that a file of so many rows takes, garbage left aside: what else
    the process has in memory is looked through with it.
    """
    text = many(count)
    gc.disable()
    try:
        start = time.process_time()
        assert len(parse(text)) == count
        return time.process_time() - start
    finally:
        gc.enable()


def test_one_row_more_than_allowed_is_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tariff_csv, "MAX_ROWS", 30)
    assert len(parse(many(30) + "\n\n")) == 30
    ((line, column, why),) = faults_of(many(32))
    assert (line, column, why) == (32, "", "is over the 30 rows allowed")


free_text = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)
days = st.none() | st.dates()
row_names = st.one_of(
    st.tuples(
        st.sampled_from(sorted(NAMES.keys() - FLAT_COUNTRIES)),
        st.just(ANY) | st.from_regex(r"[0-9]{5,6}|[a-z0-9-]{1,40}", fullmatch=True),
    ),
    st.tuples(st.sampled_from([ANY, *sorted(FLAT_COUNTRIES)]), st.just(ANY)),
)


@st.composite
def a_good_row(draw: st.DrawFn) -> TariffRow:
    country, network = draw(row_names)
    first, last = draw(days), draw(days)
    if first and last and last < first:
        first, last = last, first
    return TariffRow(
        country=country,
        network=network,
        billing=draw(st.sampled_from(["subscription", "prepaid", ANY])),
        currency="EUR",
        price_micros=draw(st.integers(min_value=1, max_value=MAX_PRICE * 1_000_000)),
        status=draw(st.sampled_from([s for s in PriceStatus if s is not PriceStatus.UNKNOWN])),
        valid_from=first,
        valid_to=last,
        source=draw(free_text.filter(str.strip)),
        note=draw(free_text),
    )


@BOUNDED
@given(st.lists(a_good_row(), max_size=8, unique_by=lambda row: row.order[:3]))
def test_what_is_exported_is_imported_as_it_was(rows: list[TariffRow]) -> None:
    text = render(rows)
    read = parse(text)
    assert read == sorted(rows, key=lambda row: row.order)
    assert render(read) == text
    assert parse(text.replace("\n", "\r\n")) == read


lines = st.lists(
    st.sampled_from(["FR", "IT", ANY, "", "tim", "prepaid", "EUR", "0", "2026-01-01", '"', "\r"])
    | st.text(max_size=5),
    max_size=12,
).map(",".join)


@BOUNDED
@given(st.lists(lines, max_size=5), st.booleans())
def test_any_text_is_a_tariff_or_faults(body: list[str], with_header: bool) -> None:
    read = outcome(a_file(*body) if with_header else "\n".join(body))
    if isinstance(read, TariffFaults):
        assert 0 < len(read.faults) <= MAX_FAULTS
        assert str(read).isascii()
    else:
        assert parse(render(read)) == sorted(read, key=lambda row: row.order)


spans = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(sorted)


@BOUNDED
@given(st.lists(spans, min_size=1, max_size=5))
def test_a_file_is_refused_if_and_only_if_two_rows_share_a_day(spans: list[list[int]]) -> None:
    start = date(2026, 1, 1)
    covered = [set(range(first, last + 1)) for first, last in spans]
    shared = sum(map(len, covered)) > len(set().union(*covered))
    text = a_file(
        *(
            a_line(valid_from=str(start + timedelta(first)), valid_to=str(start + timedelta(last)))
            for first, last in spans
        )
    )
    if shared:
        assert {column for _, column in where(text)} == {"valid_from"}
    else:
        assert len(parse(text)) == len(spans)
