"""Tariffs and quotes. Amounts are integer micros: a million times 0.036 must be exactly 36,000."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from smsgate_server.domain.message import NO_PRICE, Price, PriceStatus

ANY = "*"

# By rule their price is the same whatever the operator.
FLAT_COUNTRIES = frozenset({"IT", "ES"})

# From the least trusted to the most.
_TRUST = (
    PriceStatus.EXAMPLE,
    PriceStatus.DISPUTED,
    PriceStatus.UNVERIFIED,
    PriceStatus.VENDOR_PUBLISHED,
    PriceStatus.OPERATOR,
)


@dataclass(frozen=True, slots=True)
class TariffRow:
    """The price of one segment to a country, for a network and a billing mode, each of which may be
    `*`. In force from `valid_from` to `valid_to`, both included; None is without end.
    """

    country: str
    network: str
    billing: str
    currency: str
    price_micros: int
    status: PriceStatus
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    note: str = ""

    def in_force(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )

    @property
    def order(self) -> tuple[str, str, str, date]:
        return (self.country, self.network, self.billing, self.valid_from or date.min)


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


class PriceList:
    """The prices of one day, looked up from the most specific row to the least."""

    def __init__(self, version: int, rows: Iterable[TariffRow]) -> None:
        self.version = version
        self.rows = tuple(rows)
        self._rows = {(row.country, row.network, row.billing): row for row in self.rows}
        self._networks: dict[str, set[str]] = {}
        for row in self.rows:
            if row.network != ANY:
                self._networks.setdefault(row.country, set()).add(row.network)
        self._quotes: dict[tuple[str, str, str], Quote] = {}

    def has_networks(self, country: str) -> bool:
        """Whether the price of a country can depend on the operator."""
        return country in self._networks

    def networks(self, country: str) -> Sequence[str]:
        return sorted(self._networks.get(country, ()))

    def quote(self, country: str, billing: str, network: str = ANY) -> Quote:
        """No row means no price: it is never invented and never 0. Without a network, where the
        price depends on it, the highest that it can be.
        """
        key = (country, billing, network)
        quote = self._quotes.get(key)
        if quote is None:
            # Bounded: countries and networks come from the numbering plans.
            quote = self._quotes[key] = self._make(country, billing, network)
        return quote

    def _make(self, country: str, billing: str, network: str) -> Quote:
        if network != ANY or country not in self._networks:
            row = self._row(country, billing, network)
            return NO_QUOTE if row is None else self._quoted([row])
        rows = [self._row(country, billing, name) for name in (*self._networks[country], ANY)]
        known = [row for row in rows if row is not None]
        return self._quoted(known) if known else NO_QUOTE

    def _row(self, country: str, billing: str, network: str) -> TariffRow | None:
        for key in (
            (country, network, billing),
            (country, network, ANY),
            (country, ANY, billing),
            (country, ANY, ANY),
            (ANY, ANY, billing),
            (ANY, ANY, ANY),
        ):
            row = self._rows.get(key)
            if row is not None:
                return row
        return None

    def _quoted(self, rows: Sequence[TariffRow]) -> Quote:
        highest = max(row.price_micros for row in rows)
        lowest = min(row.price_micros for row in rows)
        return Quote(
            status=min((row.status for row in rows), key=_TRUST.index),
            currency=rows[0].currency,
            per_segment_micros=highest,
            min_per_segment_micros=lowest,
            exact=highest == lowest,
            tariff_version=self.version,
        )


class Tariff:
    """One version of the price list, over all time."""

    def __init__(self, version: int, rows: Iterable[TariffRow]) -> None:
        self.version = version
        self.rows = tuple(sorted(rows, key=lambda row: row.order))
        self._day: date | None = None
        self._list = PriceList(version, ())

    def on(self, day: date) -> PriceList:
        """The prices in force on a day."""
        if day != self._day:
            self._list = PriceList(self.version, (row for row in self.rows if row.in_force(day)))
            self._day = day
        return self._list
