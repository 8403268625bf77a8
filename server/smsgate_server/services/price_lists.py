"""Prices, destinations and numbers, as callers look them up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from smsgate_server.domain.account import BillingMode
from smsgate_server.domain.address import Msisdn, parse_msisdn
from smsgate_server.domain.destinations import Place, destinations
from smsgate_server.domain.errors import SmsgateError, Violation
from smsgate_server.domain.number_facts import NumberFacts, facts
from smsgate_server.domain.pricing import ANY, FLAT_COUNTRIES, NO_QUOTE, Quote, TariffRow
from smsgate_server.domain.routing import ONE_LANE, Destined, Lanes
from smsgate_server.domain.rules import Rules, check_rules
from smsgate_server.domain.submission import quote_of
from smsgate_server.services.messages import no_route
from smsgate_server.services.page_tokens import read_token, write_token
from smsgate_server.services.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from smsgate_server.services.ports import Clock
from smsgate_server.services.profiles import Profile
from smsgate_server.services.tariffs import Tariffs


@dataclass(frozen=True, slots=True)
class PricePage:
    rows: Sequence[TariffRow]
    next_token: str
    version: int
    import_time: datetime | None


@dataclass(frozen=True, slots=True)
class Offer:
    """A destination, and what is known of sending there."""

    place: Place
    allowed: bool
    quote: Quote
    flat: bool


@dataclass(frozen=True, slots=True)
class OfferPage:
    offers: Sequence[Offer]
    next_token: str
    total: int
    priced: int
    version: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which destinations: all, or only those that are all of these."""

    mobile: bool = False
    priced: bool = False
    allowed: bool = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """`fault` is what keeps the number from being a recipient of the account, with its reason."""

    facts: NumberFacts
    quote: Quote
    fault: tuple[str, str] | None


class PriceLists:
    def __init__(self, tariffs: Tariffs, clock: Clock, lanes: Lanes = ONE_LANE) -> None:
        self._tariffs = tariffs
        self._clock = clock
        self._lanes = lanes

    def prices(
        self,
        countries: frozenset[str],
        billings: frozenset[BillingMode],
        time: datetime | None,
        size: int,
        token: str,
    ) -> PricePage:
        """Rows in force at `time`, ordered by country, network and billing mode."""
        key = ("prices", self._tariffs.version, sorted(countries), sorted(billings), time)
        start = int(read_token(key, token)) if token else 0
        words = {billing.word for billing in billings} | {ANY}
        rows = [
            row
            for row in self._tariffs.prices(time or self._clock.now()).rows
            if row.billing in words and (not countries or row.country in countries)
        ]
        end = start + min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        onward = write_token(key, str(end)) if end < len(rows) else ""
        return PricePage(rows[start:end], onward, self._tariffs.version, self._tariffs.import_time)

    async def destinations(
        self, profile: Profile, wanted: Wanted, billing: BillingMode, size: int, token: str
    ) -> OfferPage:
        """Destinations ordered by name."""
        key = ("destinations", self._tariffs.version, wanted, billing, profile.account.version)
        start = int(read_token(key, token)) if token else 0
        prices = self._tariffs.prices(self._clock.now())
        offers = [
            Offer(
                place,
                not profile.rules.countries.refuses(place.country),
                prices.quote(place.country, billing.word),
                place.country in FLAT_COUNTRIES,
            )
            # The first list of all reads the numbering plans of the world.
            for place in await asyncio.to_thread(destinations)
        ]
        chosen = [offer for offer in offers if _is_wanted(offer, wanted)]
        end = start + min(size or MAX_PAGE_SIZE, MAX_PAGE_SIZE)
        onward = write_token(key, str(end)) if end < len(chosen) else ""
        priced = sum(offer.quote.known for offer in chosen)
        return OfferPage(chosen[start:end], onward, len(chosen), priced, self._tariffs.version)

    async def look_up(self, profile: Profile, recipient: str, billing: BillingMode) -> Lookup:
        """All that is known of a number; a wrong one is an answer, too."""
        # The first look-up of all loads the operators, which takes half a second.
        found = await asyncio.to_thread(facts, recipient)
        rules = profile.rules
        parsed = parse_msisdn(recipient, rules.recipient_policy, rules.allowed_prefixes)
        if isinstance(parsed, Violation):
            return Lookup(found, NO_QUOTE, (parsed.reason.value, parsed.description))
        prices = self._tariffs.prices(self._clock.now())
        quote = quote_of(parsed, prices, billing)
        way = Destined(profile.id, parsed.country, parsed.e164, {})
        fault = _refusal(rules, parsed, quote) or no_route(self._lanes, way)
        return Lookup(found, quote, (fault.reason.value, fault.message) if fault else None)


def _is_wanted(offer: Offer, wanted: Wanted) -> bool:
    return (
        (not wanted.mobile or offer.place.has_mobile_numbers)
        and (not wanted.priced or offer.quote.known)
        and (not wanted.allowed or offer.allowed)
    )


def _refusal(rules: Rules, recipient: Msisdn, quote: Quote) -> SmsgateError | None:
    # Whose account is suspended can still ask which numbers are right.
    active = replace(rules, suspended=None)
    found = check_rules(active, None, "", recipient.country, quote, 1, None)
    return next(iter(found.errors), None)
