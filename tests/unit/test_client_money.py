"""Money in the client: exact from units and nanos, never through a float."""

from decimal import Decimal

import pytest
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_client import amount_of, money
from smsgate_client.cli import costs
from smsgate_client.cli.output import money_text

_NANOS = st.integers(min_value=-(10**27), max_value=10**27)


@pytest.mark.parametrize(
    ("text", "units", "nanos"),
    [
        ("0.05 EUR", 0, 50_000_000),
        ("12 eur", 12, 0),
        ("-1.5 EUR", -1, -500_000_000),
        ("0.000000001 EUR", 0, 1),
        ("9007199254740993.1 EUR", 9007199254740993, 100_000_000),
    ],
)
def test_an_amount_is_read_exactly(text: str, units: int, nanos: int) -> None:
    assert money(text) == Money(currency_code="EUR", units=units, nanos=nanos)


@pytest.mark.parametrize(
    "text", ["", "5", "EUR", "five EUR", "NaN EUR", "inf EUR", "0.0000000001 EUR", "1,5 EUR"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        money(text)


@pytest.mark.parametrize(
    ("units", "nanos", "text"),
    [
        (0, 0, "0 EUR"),
        (12, 500_000_000, "12.5 EUR"),
        (0, 1, "0.000000001 EUR"),
        (-1, -500_000_000, "-1.5 EUR"),
        (9007199254740993, 0, "9007199254740993 EUR"),
        (100, 0, "100 EUR"),
    ],
)
def test_an_amount_is_shown_exactly(units: int, nanos: int, text: str) -> None:
    amount = Money(currency_code="EUR", units=units, nanos=nanos)
    assert money_text(amount) == text
    assert amount_of(amount) * 10**9 == costs.nanos_of(amount)


@pytest.mark.parametrize(
    ("amounts", "decimals"),
    [
        ([], 2),
        ([0], 2),
        ([1_500_000_000], 2),
        ([42_100_000], 4),
        ([1], 9),
        ([-42_125_000, 10**9], 6),
    ],
)
def test_there_are_as_many_decimals_as_the_finest_amount_needs(
    amounts: list[int], decimals: int
) -> None:
    assert costs.decimals_for(amounts) == decimals


@pytest.mark.parametrize(
    ("nanos", "decimals", "text"),
    [
        (0, 2, "0.00"),
        (1_234_567_890_000_000, 2, "1,234,567.89"),
        (-500_000_000, 2, "-0.50"),
        (42_100_000, 4, "0.0421"),
        (1, 9, "0.000000001"),
    ],
)
def test_amounts_of_one_column_have_the_same_decimals(nanos: int, decimals: int, text: str) -> None:
    assert costs.fixed(nanos, decimals) == text


@given(_NANOS)
def test_nothing_is_lost_between_billionths_and_text(nanos: int) -> None:
    shown = costs.fixed(nanos, costs.decimals_for([nanos]))
    sign = -1 if shown.startswith("-") else 1
    units, _, fraction = shown.removeprefix("-").replace(",", "").partition(".")
    assert sign * (int(units) * 10**9 + int(fraction.ljust(9, "0"))) == nanos


def test_costs_of_several_currencies_stay_apart() -> None:
    figures = pb.UsageFigures(costs=[money("1.5 EUR"), money("2.0421 USD")])
    assert costs.cost_texts([figures, pb.UsageFigures()]) == ["1.5000 EUR + 2.0421 USD", "-"]
    assert costs.currencies_of([figures]) == ["EUR", "USD"]
    assert Decimal(costs.cost_in(figures, "USD")) / 10**9 == Decimal("2.0421")
    assert costs.cost_in(figures, "GBP") == 0
