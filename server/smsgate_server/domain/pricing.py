"""Tariffs and quotes. Amounts are integer micros: a million times 0.036 must be exactly 36,000."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache

from smsgate_server.domain.message import NO_PRICE, Price, PriceStatus
from smsgate_server.domain.values import frozen

ANY = "*"

# By rule their price is the same whatever the operator.
FLAT_COUNTRIES = frozenset({"IT", "ES"})

# Today's prices must survive that somebody asks for those of another day.
DAYS_KEPT = 2

# From the least trusted to the most.
_TRUST = (
    PriceStatus.EXAMPLE,
    PriceStatus.DISPUTED,
    PriceStatus.UNVERIFIED,
    PriceStatus.VENDOR_PUBLISHED,
    PriceStatus.OPERATOR,
)


@frozen
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


@frozen
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
        return _price(
            self.status, self.currency, self.per_segment_micros, segments, self.tariff_version
        )


NO_QUOTE = Quote()


@lru_cache(4_096)  # there are few prices, and each is that of very many messages
def _price(
    status: PriceStatus, currency: str, per_segment_micros: int, segments: int, tariff_version: int
) -> Price:
    if status is PriceStatus.UNKNOWN:
        return NO_PRICE
    return Price(
        status=status,
        currency=currency,
        per_segment_micros=per_segment_micros,
        total_micros=per_segment_micros * segments,
        tariff_version=tariff_version,
    )


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

    def quote(self, country: str, billing: str, network: str = ANY) -> Quote:
        """No row means no price: it is never invented and never 0. Where the price depends on an
        operator that is not known, it is the highest that could apply.
        """
        key = (country, billing, network)
        quote = self._quotes.get(key)
        if quote is None:
            # Bounded: countries and networks come from the numbering plans.
            quote = self._quotes[key] = self._make(country, billing, network)
        return quote

    def _make(self, country: str, billing: str, network: str) -> Quote:
        names = self._possible(country, network)
        rows = [self._row(country, billing, name) for name in names]
        known = [row for row in rows if row is not None]
        return self._quoted(known, len(known) == len(rows)) if known else NO_QUOTE

    def _possible(self, country: str, network: str) -> Sequence[str]:
        """The networks whose prices could be those of `network`."""
        listed = self._networks.get(country, set())
        if network == ANY:
            return (*listed, ANY)
        if network in listed:
            return (network,)
        # The tariffs may list by its MCCMNC the operator that is asked for by name.
        spelled_otherwise = (name for name in listed if _is_mccmnc(name) != _is_mccmnc(network))
        return (*spelled_otherwise, network)

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

    def _quoted(self, rows: Sequence[TariffRow], complete: bool) -> Quote:
        highest = max(row.price_micros for row in rows)
        lowest = min(row.price_micros for row in rows)
        return Quote(
            status=min((row.status for row in rows), key=_TRUST.index),
            currency=rows[0].currency,
            per_segment_micros=highest,
            min_per_segment_micros=lowest,
            # Operators without any price are no reason to call that of the others certain.
            exact=complete and highest == lowest,
            tariff_version=self.version,
        )


def _is_mccmnc(network: str) -> bool:
    # An operator can be named by digits, too, but not by so many: 3 is one.
    return len(network) in (5, 6) and network.isdigit()


class Tariff:
    """One version of the price list, over all time."""

    def __init__(self, version: int, rows: Iterable[TariffRow]) -> None:
        self.version = version
        self.rows = tuple(sorted(rows, key=lambda row: row.order))
        self._lists: dict[date, PriceList] = {}

    def on(self, day: date) -> PriceList:
        """The prices in force on a day; at no cost for the last days asked for."""
        found = self._lists.pop(day, None)
        if found is None:
            found = PriceList(self.version, [row for row in self.rows if row.in_force(day)])
        self._lists[day] = found
        if len(self._lists) > DAYS_KEPT:
            del self._lists[next(iter(self._lists))]
        return found
