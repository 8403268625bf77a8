"""Accounts, policies and keys: what may stand in each field, and that all that is wrong is told."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import T0, an_account, seconds

from smsgate_server.domain.account import (
    AccountPolicy,
    AccountState,
    BillingMode,
    BudgetPolicy,
    Bundle,
    ContentPolicy,
    CountryPolicy,
    Limit,
    LimitKind,
    PolicyMode,
    PricePolicy,
)
from smsgate_server.domain.account_checks import (
    MAX_DISPLAY_NAME,
    MAX_LIMITS,
    MAX_PERIOD,
    MAX_REASON,
    MAX_WORD,
    MAX_WORDS,
    MIN_PERIOD,
    check_account,
    check_account_id,
    check_display_name,
    check_expiry,
    check_note,
    limit_faults,
)
from smsgate_server.domain.errors import Violation

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def faults(**fields: Any) -> dict[str, str]:
    """The reason of each violation by its path in the account."""
    return reasons(check_account(an_account(**fields)))


def policy_faults(**parts: Any) -> dict[str, str]:
    return faults(policy=AccountPolicy(**parts))


def reasons(violations: list[Violation]) -> dict[str, str]:
    found = {violation.field: violation.reason.value for violation in violations}
    assert len(found) == len(violations), "a field is told twice"
    assert all(violation.description for violation in violations)
    return found


# A whole account


def test_an_account_of_defaults_has_no_fault() -> None:
    assert check_account(an_account()) == []


def test_an_account_with_every_field_has_no_fault() -> None:
    limits = tuple(
        Limit(kind, 5, None if kind is LimitKind.STREAMS else HOUR, 9, PolicyMode.MONITOR)
        for kind in LimitKind
    )
    policy = AccountPolicy(
        countries=CountryPolicy(("IT", "+881"), ("ES",), PolicyMode.MONITOR),
        content=ContentPolicy(("casino", "free money"), PolicyMode.MONITOR, suspend_account=True),
        budget=BudgetPolicy(0),
        prices=PricePolicy(require_price=True),
        limits=limits,
    )
    account = an_account(
        id="web-shop-2",
        display_name="Boutique d'été №2",
        state=AccountState.SUSPENDED,
        state_reason="owes us money",
        billing_mode=BillingMode.PREPAID,
        currency="USD",
        bundle=Bundle(1_000, ("IT", "ES", "+883")),
        policy=policy,
        default_sender="Web Shop 2",
        labels={"team": "è una squadra"},
    )
    assert check_account(account) == []


def test_everything_that_is_wrong_is_told_at_once_with_its_path() -> None:
    policy = AccountPolicy(
        countries=CountryPolicy(("IT", "xx"), ("Italy",)),
        content=ContentPolicy(("ok", "")),
        limits=(Limit(LimitKind.MESSAGES, 1), Limit(LimitKind.STREAMS, 1, HOUR)),
    )
    assert faults(
        id="A",
        display_name="x" * 101,
        state_reason="a\x00b",
        currency="eur",
        default_sender="12345",
        labels={"team name": "a"},
        bundle=Bundle(1, ("IT", "*")),
        policy=policy,
    ) == {
        "id": "INVALID_FIELD",
        "display_name": "FIELD_TOO_LONG",
        "state_reason": "INVALID_FIELD",
        "currency": "INVALID_MONEY",
        "default_sender": "INVALID_SENDER",
        'labels["team name"]': "INVALID_LABEL",
        "bundle.countries[1]": "INVALID_FIELD",
        "policy.countries.allowed_countries[1]": "INVALID_FIELD",
        "policy.countries.denied_countries[0]": "INVALID_FIELD",
        "policy.content.forbidden_words[1]": "INVALID_FIELD",
        "policy.limits[0].period": "INVALID_DURATION",
        "policy.limits[1].period": "INVALID_DURATION",
    }


# Ids


@pytest.mark.parametrize("account_id", ["ab", "web-shop", "a1", "a-", "x" * 40, "local"])
def test_an_id_is_a_lower_case_letter_and_up_to_39_more(account_id: str) -> None:
    assert check_account_id(account_id) == []


@pytest.mark.parametrize(
    "account_id",
    ["a", "x" * 41, "1ab", "-ab", "Ab", "aB", "a_b", "a b", "a.b", "àb", "aé", "ab\n", "a٣", "*"],
)
def test_any_other_id_is_refused(account_id: str) -> None:
    assert reasons(check_account_id(account_id)) == {"id": "INVALID_FIELD"}


def test_an_empty_id_is_one_that_is_missing() -> None:
    assert reasons(check_account_id("")) == {"id": "FIELD_REQUIRED"}


@BOUNDED
@given(st.text(max_size=45))
def test_an_id_that_is_taken_can_stand_anywhere_as_it_is(account_id: str) -> None:
    if not check_account_id(account_id):
        assert account_id.isascii()
        assert account_id == account_id.lower()
        assert 2 <= len(account_id) <= 40


# Texts


@pytest.mark.parametrize(
    ("field", "longest"), [("display_name", MAX_DISPLAY_NAME), ("state_reason", MAX_REASON)]
)
def test_a_text_may_be_as_long_as_the_contract_says_and_no_longer(field: str, longest: int) -> None:
    # Characters are counted, not bytes or units.
    assert faults(**{field: "😀" * longest}) == {}
    assert faults(**{field: "a" * (longest + 1)}) == {field: "FIELD_TOO_LONG"}


def test_the_bounds_are_those_of_the_contract() -> None:
    lengths = (MAX_DISPLAY_NAME, MAX_REASON, MAX_WORDS, MAX_WORD, MAX_LIMITS)
    assert lengths == (100, 200, 1_000, 64, 64)
    periods = (MIN_PERIOD, MAX_PERIOD)
    assert periods == (timedelta(seconds=1), timedelta(days=31))


@pytest.mark.parametrize("character", ["\x00", "\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\ud800"])
def test_a_text_has_no_control_characters(character: str) -> None:
    text = f"a{character}b"
    wrong = {"display_name": text, "state_reason": text}
    assert faults(**wrong) == dict.fromkeys(wrong, "INVALID_FIELD")
    assert reasons(check_display_name(text)) == {"display_name": "INVALID_FIELD"}
    assert reasons(check_note(text)) == {"note": "INVALID_FIELD"}


@pytest.mark.parametrize("text", ["", " ", "Müller & Söhne", "株式会社", "a\u200bb"])
def test_any_other_text_will_do(text: str) -> None:
    assert faults(display_name=text, state_reason=text) == {}
    assert check_display_name(text) == check_note(text) == []


def test_names_of_keys_and_notes_have_lengths_of_their_own() -> None:
    assert check_display_name("a" * 100) == check_note("a" * 200) == []
    assert reasons(check_display_name("a" * 101)) == {"display_name": "FIELD_TOO_LONG"}
    assert reasons(check_note("a" * 201)) == {"note": "FIELD_TOO_LONG"}


# Money, sender, labels


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "EU", "€", "EUR ", "ÉUR"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    assert faults(currency=currency) == {"currency": "INVALID_MONEY"}


@pytest.mark.parametrize("sender", ["ab", "12345", " Acme", "Acme ", "A  B", "Caffè", "x" * 12])
def test_a_default_sender_is_an_alias_like_any_other(sender: str) -> None:
    assert faults(default_sender=sender) == {"default_sender": "INVALID_SENDER"}


def test_no_default_sender_means_that_of_the_server() -> None:
    assert faults(default_sender="") == {}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({f"k{n}": "v" for n in range(16)}, {}),
        ({f"k{n}": "v" for n in range(17)}, {"labels": "TOO_MANY_ITEMS"}),
        ({"k": "v" * 129}, {'labels["k"]': "INVALID_LABEL"}),
        ({"": "v"}, {'labels[""]': "INVALID_LABEL"}),
        ({f"k{n}": "v" * 128 for n in range(8)}, {"labels": "INVALID_LABEL"}),
    ],
)
def test_labels_have_the_bounds_of_those_of_messages(
    labels: Mapping[str, str], expected: Mapping[str, str]
) -> None:
    assert faults(labels=labels) == expected


# Countries


@pytest.mark.parametrize("country", ["IT", "ES", "XK", "GG", "+881", "+800"])
def test_a_country_is_one_of_the_destinations(country: str) -> None:
    countries = CountryPolicy((country,), (country,))
    assert faults(bundle=Bundle(1, (country,)), policy=AccountPolicy(countries)) == {}


@pytest.mark.parametrize("country", ["", "it", "ITA", "XX", "+39", "39", "*", "IT "])
def test_what_is_no_destination_is_refused_at_its_place(country: str) -> None:
    policy = AccountPolicy(CountryPolicy(("IT", country), (country, "IT")))
    assert faults(bundle=Bundle(1, (country,)), policy=policy) == dict.fromkeys(
        [
            "bundle.countries[0]",
            "policy.countries.allowed_countries[1]",
            "policy.countries.denied_countries[0]",
        ],
        "INVALID_FIELD",
    )


def test_a_long_country_is_not_repeated_as_a_whole() -> None:
    (violation,) = check_account(an_account(bundle=Bundle(1, ("\x1b[31m" + "x" * 500,))))
    assert len(violation.description) < 100
    assert violation.description.isprintable()


# Words


@pytest.mark.parametrize("word", ["a", "casino", "free money", "c++", "заём", "x" * 64])
def test_a_word_has_1_to_64_characters(word: str) -> None:
    assert policy_faults(content=ContentPolicy((word,))) == {}


@pytest.mark.parametrize("word", ["", " ", "\t\n", "x" * 65])
def test_any_other_word_is_refused_at_its_place(word: str) -> None:
    assert policy_faults(content=ContentPolicy(("ok", word))) == {
        "policy.content.forbidden_words[1]": "INVALID_FIELD"
    }


def test_there_are_at_most_1000_words() -> None:
    assert policy_faults(content=ContentPolicy(("word",) * 1_000)) == {}
    assert policy_faults(content=ContentPolicy(("",) * 1_001)) == {
        "policy.content.forbidden_words": "TOO_MANY_ITEMS"
    }


# Limits


@pytest.mark.parametrize("kind", [kind for kind in LimitKind if kind is not LimitKind.STREAMS])
@pytest.mark.parametrize(
    ("period", "good"),
    [
        (None, False),
        (timedelta(0), False),
        (-HOUR, False),
        (timedelta(seconds=1) - MICROSECOND, False),
        (timedelta(seconds=1), True),
        (timedelta(days=31), True),
        (timedelta(days=31) + MICROSECOND, False),
    ],
)
def test_a_period_is_from_1_second_to_31_days(
    kind: LimitKind, period: timedelta | None, good: bool
) -> None:
    assert bool(list(limit_faults(Limit(kind, 1, period)))) is not good


def test_streams_have_no_period() -> None:
    assert list(limit_faults(Limit(LimitKind.STREAMS, 1))) == []
    assert len(list(limit_faults(Limit(LimitKind.STREAMS, 1, HOUR)))) == 1


def test_there_are_at_most_64_limits_and_each_fault_is_told_at_its_place() -> None:
    good = Limit(LimitKind.MESSAGES, 1, HOUR)
    assert policy_faults(limits=(good,) * 64) == {}
    assert policy_faults(limits=(good,) * 65) == {"policy.limits": "TOO_MANY_ITEMS"}
    wrong = Limit(LimitKind.MESSAGES, 1)
    assert policy_faults(limits=(good, wrong, good, wrong)) == {
        "policy.limits[1].period": "INVALID_DURATION",
        "policy.limits[3].period": "INVALID_DURATION",
    }


@pytest.mark.parametrize("maximum", [0, 1, 2**32 - 1])
def test_a_maximum_can_be_any_number_of_the_contract(maximum: int) -> None:
    assert policy_faults(limits=(Limit(LimitKind.REQUESTS, maximum, HOUR, maximum),)) == {}


# Keys


def test_a_key_ends_in_the_future_or_never() -> None:
    assert check_expiry(None, T0) == check_expiry(T0 + MICROSECOND, T0) == []
    for past in (T0, T0 - seconds(1)):
        assert reasons(check_expiry(past, T0)) == {"expire_time": "INVALID_TIME"}
