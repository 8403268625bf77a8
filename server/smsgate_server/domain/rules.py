"""What the operator decided about the messages of an account, and what a message goes against."""

from collections.abc import Sequence
from dataclasses import field

from smsgate_server.domain.account import (
    DEFAULT_CURRENCY,
    BillingMode,
    CountryPolicy,
    PolicyMode,
)
from smsgate_server.domain.address import RecipientPolicy
from smsgate_server.domain.errors import (
    ErrorReason,
    FailedPrecondition,
    PermissionDenied,
    SmsgateError,
)
from smsgate_server.domain.money import decimal_text
from smsgate_server.domain.policy import ForbiddenWords
from smsgate_server.domain.pricing import Quote
from smsgate_server.domain.values import frozen


@frozen
class MaxPrice:
    micros: int
    currency: str


@frozen
class Rules:
    """`forbidden_words` are the server's and the account's. `suspended` says why; None: it is not.

    A mode of MONITOR puts a finding beside the errors and not among them.
    """

    account: str = ""
    default_sender: str = "Openapi"
    recipient_policy: RecipientPolicy = RecipientPolicy.STRICT
    allowed_prefixes: tuple[str, ...] = ()
    countries: CountryPolicy = field(default_factory=CountryPolicy)
    forbidden_words: ForbiddenWords = field(default_factory=lambda: ForbiddenWords(()))
    content_mode: PolicyMode = PolicyMode.ENFORCE
    suspend_for_content: bool = False
    require_price: bool = False
    price_mode: PolicyMode = PolicyMode.ENFORCE
    billing: BillingMode = BillingMode.SUBSCRIPTION
    currency: str = DEFAULT_CURRENCY
    suspended: str | None = None


@frozen
class Findings:
    """What a message goes against: `errors` refuse it, `noted` are only put on record."""

    errors: tuple[SmsgateError, ...] = ()
    noted: tuple[SmsgateError, ...] = ()

    def plus(self, mode: PolicyMode, found: Sequence[SmsgateError]) -> "Findings":
        if mode is PolicyMode.ENFORCE:
            return Findings((*self.errors, *found), self.noted)
        return Findings(self.errors, (*self.noted, *found))


# Of nearly every message.
NO_FINDINGS = Findings()


def check_rules(
    rules: Rules,
    sender: str | None,
    text: str,
    country: str | None,
    quote: Quote,
    segments: int,
    max_price: MaxPrice | None,
) -> Findings:
    """Everything that the rules have against a message; of what is None nothing is known."""
    found = NO_FINDINGS
    if rules.suspended is not None:
        found = found.plus(PolicyMode.ENFORCE, [suspended_error(rules)])
    if country is not None and not rules.countries.admits(country):
        found = found.plus(rules.countries.mode, [_country_refused(country)])
    if not rules.forbidden_words.empty and (words := _forbidden(rules, sender or "", text)):
        found = found.plus(rules.content_mode, words)
    # An unknown price has no currency, and so not the account's.
    if country is not None and (max_price is not None or quote.currency != rules.currency):
        found = _check_price(found, rules, quote, segments, country, max_price)
    return found


def suspended_error(rules: Rules) -> SmsgateError:
    """Why an account that is suspended may not send."""
    why = f": {rules.suspended}" if rules.suspended else ""
    return PermissionDenied(
        ErrorReason.ACCOUNT_SUSPENDED,
        f"the account {rules.account} is suspended and may not send{why}; ask the operator",
        {"account_id": rules.account},
    )


def _country_refused(country: str) -> SmsgateError:
    return FailedPrecondition(
        ErrorReason.COUNTRY_NOT_ALLOWED,
        f"this account may not send to {country}",
        {"country": country},
        subject=country,
    )


def _forbidden(rules: Rules, sender: str, text: str) -> list[SmsgateError]:
    if not rules.forbidden_words.find(f"{sender}\n{text}"):  # nearly always, and one search less
        return []
    return [
        # The word itself is not told: an error must not teach how to get around the list.
        FailedPrecondition(
            ErrorReason.FORBIDDEN_CONTENT,
            f"the {name} contains a word that this gateway does not send",
            {"field": name},
            subject=name,
        )
        for name, value in (("sender", sender), ("text", text))
        if rules.forbidden_words.find(value)
    ]


def _check_price(
    found: Findings,
    rules: Rules,
    quote: Quote,
    segments: int,
    country: str,
    maximum: MaxPrice | None,
) -> Findings:
    if not quote.known:
        if maximum is not None:
            return found.plus(PolicyMode.ENFORCE, [_price_unknown(country)])
        if rules.require_price:
            return found.plus(rules.price_mode, [_price_unknown(country)])
        return found
    errors = []
    if quote.currency != rules.currency:
        errors.append(_foreign_price(country, quote.currency, rules.currency))
    total = quote.per_segment_micros * segments
    if maximum is not None and (maximum.currency != quote.currency or total > maximum.micros):
        errors.append(_too_dear(total, quote.currency, maximum))
    return found.plus(PolicyMode.ENFORCE, errors) if errors else found


def _price_unknown(country: str) -> SmsgateError:
    return FailedPrecondition(
        ErrorReason.PRICE_UNKNOWN,
        f"no price is known for {country}, and this message needs one",
        {"country": country},
        subject=country,
    )


def _foreign_price(country: str, currency: str, wanted: str) -> SmsgateError:
    return FailedPrecondition(
        ErrorReason.PRICE_UNKNOWN,
        f"the price for {country} is in {currency}, and the account pays in {wanted}",
        {"country": country},
        subject=country,
    )


def _too_dear(total: int, currency: str, maximum: MaxPrice) -> SmsgateError:
    return FailedPrecondition(
        ErrorReason.PRICE_ABOVE_MAXIMUM,
        f"it would cost {decimal_text(total)} {currency}, over max_price",
        {
            "total_price": decimal_text(total),
            "max_price": decimal_text(maximum.micros),
            "currency": currency,
        },
        subject="max_price",
    )
