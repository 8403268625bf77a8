"""Costs as whole billionths of a currency, so that they can be added and drawn exactly."""

from collections.abc import Iterable, Sequence

from google.type.money_pb2 import Money

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_client.cli.output import printable

_NANOS = 1_000_000_000
_FEWEST_DECIMALS = 2
_MOST_DECIMALS = 9


def nanos_of(amount: Money) -> int:
    """An amount in billionths."""
    return amount.units * _NANOS + amount.nanos


def cost_in(figures: pb.UsageFigures, currency: str) -> int:
    """What was charged in one currency, in billionths."""
    return sum(nanos_of(cost) for cost in figures.costs if cost.currency_code == currency)


def currencies_of(all_figures: Iterable[pb.UsageFigures]) -> list[str]:
    """The currencies that something was charged in, by their codes."""
    return sorted({cost.currency_code for figures in all_figures for cost in figures.costs})


def decimals_for(amounts: Iterable[int]) -> int:
    """How many decimals show all of these amounts exactly."""
    needed = _FEWEST_DECIMALS
    for nanos in amounts:
        decimals = f"{abs(nanos) % _NANOS:09d}".rstrip("0")
        needed = max(needed, len(decimals))
    return needed


def fixed(nanos: int, decimals: int) -> str:
    """An amount with so many decimals, e.g. "1,234.50"; enough of them is the caller's to give."""
    units, rest = divmod(abs(nanos), _NANOS)
    sign = "-" if nanos < 0 else ""
    shown = f"{rest:09d}"[: min(decimals, _MOST_DECIMALS)]
    return f"{sign}{units:,}.{shown}"


def cost_texts(all_figures: Sequence[pb.UsageFigures]) -> list[str]:
    """What was charged in each, e.g. "12.50 EUR + 3.00 USD", with the same decimals in all."""
    decimals = decimals_for(nanos_of(cost) for figures in all_figures for cost in figures.costs)
    return [
        " + ".join(
            f"{fixed(nanos_of(cost), decimals)} {printable(cost.currency_code)}"
            for cost in figures.costs
        )
        or "-"
        for figures in all_figures
    ]
