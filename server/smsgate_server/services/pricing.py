"""The price list that ships with the server.

Loading, versions and editing belong to the operator's tools.
"""

import csv
from decimal import Decimal
from importlib.resources import files
from io import StringIO

from smsgate_server.domain.message import PriceStatus
from smsgate_server.domain.pricing import Tariff, TariffRow

_MICROS = Decimal(1_000_000)


class SeedPricing:
    """Knows only the prices that the product's own material states; there are no others."""

    def __init__(self) -> None:
        text = (files("smsgate_server") / "data" / "tariffs_seed.csv").read_text(encoding="utf-8")
        self._tariff = Tariff(1, parse_tariff(text))

    def tariff(self) -> Tariff:
        return self._tariff


def parse_tariff(text: str) -> list[TariffRow]:
    return [
        TariffRow(
            country=row["country"],
            network=row["network"],
            billing=row["billing"],
            currency=row["currency"],
            price_micros=int(Decimal(row["price"]) * _MICROS),
            status=PriceStatus[row["status"].upper().replace("-", "_")],
        )
        for row in csv.DictReader(StringIO(text))
    ]
