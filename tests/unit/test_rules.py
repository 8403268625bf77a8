"""What the rules of an operator have against a message: what refuses it, what goes on record."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain.account import CountryPolicy, PolicyMode
from smsgate_server.domain.errors import (
    FailedPrecondition,
    PermissionDenied,
    SmsgateError,
)
from smsgate_server.domain.message import PriceStatus
from smsgate_server.domain.policy import ForbiddenWords
from smsgate_server.domain.pricing import NO_QUOTE, Quote
from smsgate_server.domain.rules import (
    Findings,
    MaxPrice,
    Rules,
    check_rules,
    suspended_error,
)

BOUNDED = settings(deadline=None, max_examples=300, derandomize=True)
ENFORCE, MONITOR = PolicyMode.ENFORCE, PolicyMode.MONITOR
QUOTE = Quote(PriceStatus.OPERATOR, "EUR", 36_000, 36_000)
WORDS = ForbiddenWords(["casino"])


def checked(rules: Rules, **message: Any) -> Findings:
    """Of a message to Italy that nobody has anything against, but for what a test says of it."""
    values: dict[str, Any] = {
        "sender": "Acme",
        "text": "Ciao!",
        "country": "IT",
        "quote": QUOTE,
        "segments": 1,
        "max_price": None,
    }
    return check_rules(rules, **values | message)


def reasons(errors: Sequence[SmsgateError]) -> list[str]:
    return [error.reason.value for error in errors]


def only(findings: Findings) -> SmsgateError:
    """The one thing that is wrong, for which the message is refused."""
    (error,) = findings.errors
    assert not findings.noted
    return error


def nothing(findings: Findings) -> bool:
    return not findings.errors and not findings.noted


def test_rules_of_defaults_have_nothing_against_a_message() -> None:
    assert nothing(checked(Rules()))
    assert nothing(checked(Rules(), quote=NO_QUOTE))


# Suspension


def test_a_suspended_account_may_not_send_and_is_told_why() -> None:
    error = only(checked(Rules(account="shop", suspended="it owes us money")))
    assert isinstance(error, PermissionDenied)
    assert reasons([error]) == ["ACCOUNT_SUSPENDED"]
    assert "it owes us money" in error.message
    assert error.metadata == {"account_id": "shop"}


def test_a_suspension_without_a_reason_is_one_too() -> None:
    error = only(checked(Rules(account="shop", suspended="")))
    assert reasons([error]) == ["ACCOUNT_SUSPENDED"]
    assert ":" not in error.message
    assert suspended_error(Rules(account="shop", suspended="")).message == error.message


# Countries


@pytest.mark.parametrize(
    ("allowed", "denied", "country", "admitted"),
    [
        ((), (), "IT", True),
        (("IT",), (), "IT", True),
        (("IT",), (), "ES", False),
        ((), ("IT",), "IT", False),
        ((), ("IT",), "ES", True),
        (("IT", "ES"), ("IT",), "IT", False),
        (("IT", "ES"), ("IT",), "ES", True),
        (("+881",), (), "+881", True),
        (("US",), (), "CA", False),
    ],
)
def test_a_country_must_be_allowed_and_not_denied(
    allowed: tuple[str, ...], denied: tuple[str, ...], country: str, admitted: bool
) -> None:
    found = checked(Rules(countries=CountryPolicy(allowed, denied)), country=country)
    assert reasons(found.errors) == ([] if admitted else ["COUNTRY_NOT_ALLOWED"])


def test_a_refused_country_is_named() -> None:
    error = only(checked(Rules(countries=CountryPolicy(denied=("IT",)))))
    assert isinstance(error, FailedPrecondition)
    assert (error.metadata, error.subject) == ({"country": "IT"}, "IT")
    assert "IT" in error.message


def test_of_a_country_that_is_not_known_nothing_is_said() -> None:
    rules = Rules(countries=CountryPolicy(("IT",)), require_price=True)
    assert nothing(checked(rules, country=None, quote=NO_QUOTE, max_price=MaxPrice(0, "EUR")))


# Words


@pytest.mark.parametrize(
    ("sender", "text", "fields"),
    [
        ("Acme", "the casino", ["text"]),
        ("Casino", "Ciao!", ["sender"]),
        ("Casino", "the CASINO", ["sender", "text"]),
        (None, "the casino", ["text"]),
        ("", "the casino", ["text"]),
        ("Acme", "Ciao!", []),
        ("Acme", "", []),
    ],
)
def test_a_forbidden_word_is_found_in_sender_and_text_each_for_itself(
    sender: str | None, text: str, fields: list[str]
) -> None:
    found = checked(Rules(forbidden_words=WORDS), sender=sender, text=text)
    assert reasons(found.errors) == ["FORBIDDEN_CONTENT"] * len(fields)
    assert [error.metadata["field"] for error in found.errors] == fields
    assert [getattr(error, "subject", "") for error in found.errors] == fields


def test_a_phrase_does_not_reach_from_the_sender_into_the_text() -> None:
    rules = Rules(forbidden_words=ForbiddenWords(["free money"]))
    assert nothing(checked(rules, sender="Free", text="money"))
    assert len(checked(rules, sender="Free", text="free money").errors) == 1


@BOUNDED
@given(st.text("abc c\u200b", max_size=8), st.text("abc c\u200b", max_size=8))
def test_each_field_is_judged_as_if_it_were_alone(sender: str, text: str) -> None:
    words = ForbiddenWords(["a", "b c"])
    found = checked(Rules(forbidden_words=words), sender=sender, text=text)
    fields = [name for name, value in (("sender", sender), ("text", text)) if words.find(value)]
    assert [error.metadata["field"] for error in found.errors] == fields


def test_the_word_is_not_told() -> None:
    error = only(checked(Rules(forbidden_words=WORDS), text="the casino"))
    told = f"{error.message} {dict(error.metadata)} {getattr(error, 'subject', '')}"
    assert "casino" not in told


# Prices


def test_a_price_that_is_not_known_is_no_fault_unless_it_is_demanded() -> None:
    assert nothing(checked(Rules(), quote=NO_QUOTE))
    error = only(checked(Rules(require_price=True), quote=NO_QUOTE, country="FR"))
    assert isinstance(error, FailedPrecondition)
    assert reasons([error]) == ["PRICE_UNKNOWN"]
    assert (error.metadata, error.subject) == ({"country": "FR"}, "FR")


def test_a_price_of_nothing_is_a_known_one() -> None:
    free = Quote(PriceStatus.OPERATOR, "EUR")
    assert nothing(checked(Rules(require_price=True), quote=free, max_price=MaxPrice(0, "EUR")))


@pytest.mark.parametrize("required", [True, False])
def test_a_maximum_demands_a_price_and_the_fault_is_told_once(required: bool) -> None:
    found = checked(Rules(require_price=required), quote=NO_QUOTE, max_price=MaxPrice(10**9, "EUR"))
    assert reasons([only(found)]) == ["PRICE_UNKNOWN"]


@pytest.mark.parametrize(
    ("segments", "micros", "currency", "refused"),
    [
        (1, 36_000, "EUR", False),
        (1, 35_999, "EUR", True),
        (3, 108_000, "EUR", False),
        (3, 107_999, "EUR", True),
        (1, 0, "EUR", True),
        (1, 10**12, "USD", True),
    ],
)
def test_the_whole_price_must_not_exceed_a_maximum_in_the_same_currency(
    segments: int, micros: int, currency: str, refused: bool
) -> None:
    found = checked(Rules(), segments=segments, max_price=MaxPrice(micros, currency))
    assert reasons(found.errors) == (["PRICE_ABOVE_MAXIMUM"] if refused else [])


def test_a_price_that_is_too_high_is_told_with_the_maximum() -> None:
    error = only(checked(Rules(), segments=2, max_price=MaxPrice(50_000, "EUR")))
    assert error.metadata == {"total_price": "0.072", "max_price": "0.05", "currency": "EUR"}
    assert "0.072 EUR" in error.message


def test_the_highest_price_that_could_apply_must_not_exceed_the_maximum() -> None:
    uncertain = Quote(PriceStatus.OPERATOR, "EUR", 90_000, 10_000, exact=False)
    assert nothing(checked(Rules(), quote=uncertain, max_price=MaxPrice(90_000, "EUR")))
    found = checked(Rules(), quote=uncertain, max_price=MaxPrice(89_999, "EUR"))
    assert reasons(found.errors) == ["PRICE_ABOVE_MAXIMUM"]


def test_a_price_in_another_currency_than_the_accounts_cannot_be_charged() -> None:
    error = only(checked(Rules(currency="USD")))
    assert reasons([error]) == ["PRICE_UNKNOWN"]
    assert "EUR" in error.message
    assert "USD" in error.message


# Modes


def with_modes(countries: PolicyMode, content: PolicyMode, price: PolicyMode) -> Rules:
    return Rules(
        countries=CountryPolicy(denied=("IT",), mode=countries),
        forbidden_words=WORDS,
        content_mode=content,
        require_price=True,
        price_mode=price,
    )


@pytest.mark.parametrize("modes", list(product((ENFORCE, MONITOR), repeat=3)))
def test_each_part_is_refused_or_put_on_record_by_its_own_mode(
    modes: tuple[PolicyMode, PolicyMode, PolicyMode],
) -> None:
    found = checked(with_modes(*modes), text="casino", quote=NO_QUOTE)
    named = dict(
        zip(("COUNTRY_NOT_ALLOWED", "FORBIDDEN_CONTENT", "PRICE_UNKNOWN"), modes, strict=True)
    )
    assert reasons(found.errors) == [name for name, mode in named.items() if mode is ENFORCE]
    assert reasons(found.noted) == [name for name, mode in named.items() if mode is MONITOR]


def test_what_is_monitored_would_be_refused_with_the_very_same_error() -> None:
    message = {"text": "casino", "quote": NO_QUOTE}
    enforced = checked(with_modes(ENFORCE, ENFORCE, ENFORCE), **message).errors
    monitored = checked(with_modes(MONITOR, MONITOR, MONITOR), **message).noted
    assert [(e.reason, e.message, e.metadata) for e in enforced] == [
        (e.reason, e.message, e.metadata) for e in monitored
    ]


def test_no_mode_softens_what_the_caller_or_the_operator_decided_otherwise() -> None:
    lenient = with_modes(MONITOR, MONITOR, MONITOR)
    too_dear = checked(lenient, country="ES", max_price=MaxPrice(1, "EUR"))
    assert reasons(too_dear.errors) == ["PRICE_ABOVE_MAXIMUM"]
    unknown = checked(lenient, country="ES", quote=NO_QUOTE, max_price=MaxPrice(1, "EUR"))
    assert reasons(unknown.errors) == ["PRICE_UNKNOWN"]
    foreign = checked(lenient, country="ES", quote=Quote(PriceStatus.OPERATOR, "USD", 1, 1))
    assert reasons(foreign.errors) == ["PRICE_UNKNOWN"]


def test_everything_is_told_at_once() -> None:
    found = checked(
        replace(with_modes(ENFORCE, ENFORCE, ENFORCE), suspended=""),
        sender="Casino",
        text="casino",
        quote=NO_QUOTE,
    )
    assert reasons(found.errors) == [
        "ACCOUNT_SUSPENDED",
        "COUNTRY_NOT_ALLOWED",
        "FORBIDDEN_CONTENT",
        "FORBIDDEN_CONTENT",
        "PRICE_UNKNOWN",
    ]
