"""Tariffs and quotes. Amounts are integer micros: a million times 0.036 must be exactly 36,000."""

from collections.abc import Iterable
from dataclasses import dataclass

from smsgate_server.domain.message import NO_PRICE, Price, PriceStatus

ANY = "*"


@dataclass(frozen=True, slots=True)
class TariffRow:
    """The price of one segment to a country, for a network and a billing mode, each of which may be
    `*`.
    """

    country: str
    network: str
    billing: str
    currency: str
    price_micros: int
    status: PriceStatus


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of one segment.

    `exact` is False where it depends on what is not known beforehand.
    """

    status: PriceStatus = PriceStatus.UNKNOWN
    currency: str = ""
    per_segment_micros: int = 0
    min_per_segment_micros: int = 0
    exact: bool = True
    tariff_version: int = 0

    @property
    def known(self) -> bool:
        return self.status is not PriceStatus.UNKNOWN

    def price_of(self, segments: int) -> Price:
        if not self.known:
            return NO_PRICE
        return Price(
            status=self.status,
            currency=self.currency,
            per_segment_micros=self.per_segment_micros,
            total_micros=self.per_segment_micros * segments,
            tariff_version=self.tariff_version,
        )


NO_QUOTE = Quote()


class Tariff:
    """One version of the price list, looked up from the most specific row to the least."""

    def __init__(self, version: int, rows: Iterable[TariffRow]) -> None:
        self.version = version
        self._quotes = {(row.country, row.network, row.billing): self._quoted(row) for row in rows}

    def quote(self, country: str, billing: str, network: str = ANY) -> Quote:
        """No row means no price: it is never invented and never 0."""
        for key in (
            (country, network, billing),
            (country, network, ANY),
            (country, ANY, billing),
            (country, ANY, ANY),
            (ANY, ANY, billing),
            (ANY, ANY, ANY),
        ):
            quote = self._quotes.get(key)
            if quote is not None:
                return quote
        return NO_QUOTE

    def _quoted(self, row: TariffRow) -> Quote:
        return Quote(
            status=row.status,
            currency=row.currency,
            per_segment_micros=row.price_micros,
            min_per_segment_micros=row.price_micros,
            tariff_version=self.version,
        )
