from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain.money import decimal_text, is_currency, parse_decimal

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
MOST = 10**18 - 1


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0"),
        (1, "0.000001"),
        (36_000, "0.036"),
        (500_000, "0.5"),
        (1_000_000, "1"),
        (10_000_000, "10"),
        (100_500_000, "100.5"),
        (-36_000, "-0.036"),
        (-2_000_000, "-2"),
        (MOST, "999999999999.999999"),
    ],
)
def test_an_amount_is_written_without_needless_zeros_and_read_back(micros: int, text: str) -> None:
    assert decimal_text(micros) == text
    assert parse_decimal(text, signed=True) == micros


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0", 0), ("0.0", 0), ("007", 7_000_000), ("0.036000", 36_000), ("1.5", 1_500_000)],
)
def test_needless_zeros_may_be_written(text: str, micros: int) -> None:
    assert parse_decimal(text) == micros


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        "1 ",
        "1\n",
        ".5",
        "5.",
        ".",
        "1,5",
        "1.000.000",
        "1_000",
        "1e3",
        "0x10",
        "+1",
        "-1",
        "-0",
        "0.0000001",
        "NaN",
        "Infinity",
        "٣",
        "１",
        "€1",
    ],
)
def test_what_is_no_plain_decimal_is_told_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a plain decimal number .* such as 0\.036"):
        parse_decimal(text)


def test_a_sign_is_read_only_where_it_is_asked_for() -> None:
    assert parse_decimal("-0.5", signed=True) == -500_000
    for text in ("--1", "+1", "- 1", "-"):
        with pytest.raises(ValueError, match="plain decimal"):
            parse_decimal(text, signed=True)


def test_an_amount_that_nobody_could_keep_is_refused() -> None:
    assert parse_decimal("999999999999.999999") == MOST
    for text in ("1000000000000", "0" * 13, "9" * 10_000):
        with pytest.raises(ValueError, match="at most 12 digits"):
            parse_decimal(text)


@BOUNDED
@given(st.integers(min_value=-MOST, max_value=MOST))
def test_every_amount_comes_back_and_is_what_decimal_takes_it_for(micros: int) -> None:
    text = decimal_text(micros)
    assert parse_decimal(text, signed=True) == micros
    assert Decimal(text) == Decimal(micros) / 1_000_000


@BOUNDED
@given(st.text(alphabet="0123456789.-+e ٣", max_size=20))
def test_what_is_read_is_what_decimal_reads(text: str) -> None:
    try:
        micros = parse_decimal(text, signed=True)
    except ValueError:
        return
    assert Decimal(text) * 1_000_000 == micros


@pytest.mark.parametrize("code", ["EUR", "USD", "XXX"])
def test_a_currency_is_three_capital_letters(code: str) -> None:
    assert is_currency(code)


@pytest.mark.parametrize("code", ["", "EU", "EURO", "eur", "Eur", "E1R", "EUR\n", " EUR", "ЕUR"])
def test_nothing_else_is_a_currency(code: str) -> None:
    assert not is_currency(code)
