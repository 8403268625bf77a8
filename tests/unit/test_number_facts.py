import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from smsgate_server.domain.address import Msisdn, RecipientPolicy, parse_msisdn
from smsgate_server.domain.country_names import NAMES
from smsgate_server.domain.number_facts import (
    NumberFacts,
    facts,
    network_of,
    operator_of,
    operator_slug,
)
from smsgate_server.domain.pricing import ANY

BOUNDED = settings(deadline=None, max_examples=300, derandomize=True)


def test_a_valid_number_is_told_whole() -> None:
    found = facts("+393331234567")
    assert found == NumberFacts(
        valid=True,
        kind="mobile",
        country="IT",
        country_code=39,
        national_format="333 123 4567",
        international_format="+39 333 123 4567",
        operator_hint="TIM",
    )
    assert found.country_name == "Italy"
    assert found.operator_source == "numbering-plan"
    assert found.portable


@pytest.mark.parametrize(
    ("number", "kind", "country"),
    [
        ("+390612345678", "fixed_line", "IT"),
        ("+12025550123", "fixed_line_or_mobile", "US"),
        ("+16847331234", "mobile", "AS"),
        ("+18005550123", "toll_free", "US"),
        ("+447911123456", "mobile", "GG"),
        ("+447400123456", "mobile", "GB"),
        ("+77010009998", "mobile", "KZ"),
        ("+881612345678", "mobile", "+881"),
        ("+80012345678", "toll_free", "+800"),
        ("+390669812345", "fixed_line", "VA"),
    ],
)
def test_a_valid_number_has_its_kind_and_its_country(number: str, kind: str, country: str) -> None:
    found = facts(number)
    assert (found.valid, found.kind, found.country) == (True, kind, country)
    assert found.country_name == NAMES[country]
    assert found.suggested_recipient == ""


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("+39", "IT", 39),
        ("+3933", "IT", 39),
        ("+39 333 12", "IT", 39),
        ("+39abc", "IT", 39),
        ("0039 333", "IT", 39),
        ("+39 06698", "VA", 39),
        ("+7 7", "KZ", 7),
        ("+7 3", "RU", 7),
        ("+1 684 12", "AS", 1),
        ("+44 7624", "IM", 44),
        ("+881 6", "+881", 881),
        ("+3512", "PT", 351),
        # Several countries share the code and the digits do not decide.
        ("+1", "", 1),
        ("+1 555", "", 1),
        ("+44 7911", "", 44),
        ("+7 1", "", 7),
        # A strict number that some policy could accept has the country of its message.
        ("+15550000000", "US", 1),
        ("+390000000000", "IT", 39),
        # No country.
        ("+9991234567", "", 0),
        ("+3", "", 0),
        ("+0039333", "", 0),
        ("+", "", 0),
        ("++39333", "", 0),
        ("+a39333", "", 0),
        ("39", "", 0),
        ("3331234567", "", 0),
        ("", "", 0),
        ("\x00", "", 0),
        ("Casa", "", 0),
    ],
)
def test_a_wrong_number_has_the_country_that_its_prefix_decides(
    text: str, country: str, code: int
) -> None:
    assert facts(text) == NumberFacts(country=country, country_code=code)
    assert facts(text).operator_source == ""


def test_whether_numbers_can_be_taken_along_is_a_fact_of_the_country() -> None:
    assert facts("+39 333 12").portable
    assert not facts("+881612345678").portable
    assert not facts("").portable


@pytest.mark.parametrize(
    "text",
    [
        "+39 333 1234567",
        " +39 333 123 45 67\n",
        "+39-333.123/4567",
        "+39 (333) 1234567",
        "(+39) 333 1234567",
        "00393331234567",
        "0039 333 1234567",
        "393331234567",
        "39 333 123 4567",
        "tel:+393331234567",
        "SMSTO:00393331234567",
        "＋39 333 1234567",
        "+39٣٣٣١٢٣٤٥٦٧",
        "\u202a+39\u00a0333\u20111234567\u202c",
        "+39\u200b333\u00ad1234567\ufeff",
    ],
)
def test_what_people_write_for_a_number_suggests_it(text: str) -> None:
    assert facts(text) == NumberFacts(
        country="IT", country_code=39, suggested_recipient="+393331234567"
    )


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("+4407911123456", "+447911123456"),
        ("+44 (0)7911 123456", "+447911123456"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("12025550123", "+12025550123"),
    ],
)
def test_a_suggestion_has_the_strict_form(text: str, suggestion: str) -> None:
    assert facts(text).suggested_recipient == suggestion
    assert facts(suggestion).valid


@pytest.mark.parametrize(
    "text",
    [
        # A letter for a digit: without it the rest is another number.
        "+39 333 123456O",
        "+39 333 1234567 ext 5",
        "+39 333 1234567;ext=5",
        "call +39 333 1234567",
        "+39 333 1234567, +39 333 7654321",
        "+39+3331234567",
        "++393331234567",
        "+39 333 123456789012",
        "000393331234567",
        # National numbers of Italy: the first two are landlines of Belgium and Hungary besides.
        "3281234567",
        "3661234567",
        "3331234567",
        "0612345678",
        "202 555 0123",
        "+393331234567" * 4,
    ],
)
def test_what_is_not_clearly_one_number_suggests_none(text: str) -> None:
    assert facts(text).suggested_recipient == ""
    assert not facts(text).valid


EXAMPLES = [
    phonenumbers.format_number(number, PhoneNumberFormat.E164)
    for country in sorted(NAMES)
    for kind in PhoneNumberType.values()
    if not country.startswith("+")
    if (number := phonenumbers.example_number_for_type(country, kind)) is not None
]


def test_every_example_of_every_plan_is_valid_and_suggested_for_how_it_is_written() -> None:
    assert len(EXAMPLES) > 1_000
    for number in EXAMPLES:
        msisdn = parse_msisdn(number, RecipientPolicy.POSSIBLE)
        if not isinstance(msisdn, Msisdn) or msisdn.kind == "unknown":
            continue
        found = facts(number)
        assert found.valid, number
        assert (found.kind, found.country) == (msisdn.kind, msisdn.country)
        assert facts(found.international_format).suggested_recipient == number
        assert found.national_format


def test_a_number_that_can_be_sent_to_has_the_country_of_its_message() -> None:
    for number in EXAMPLES:
        changed = number[:-4] + "0000"
        msisdn = parse_msisdn(changed, RecipientPolicy.POSSIBLE)
        if isinstance(msisdn, Msisdn):
            assert facts(changed).country == msisdn.country, changed


def test_the_operator_of_a_range_is_known_to_the_plan() -> None:
    assert operator_of("+393331234567") == "TIM"
    assert operator_of("+390612345678") == ""
    for text in ("", "+", "x", "+9991234567", "+393331234567x"):
        assert operator_of(text) == ""
        assert network_of(text) == ANY


def test_a_range_decides_the_network_only_where_numbers_cannot_be_taken_along() -> None:
    assert network_of("+393331234567") == ANY
    assert network_of("+881612345678") == "iridium-satellite"
    assert network_of("+9613123456") == operator_slug(operator_of("+9613123456")) != ANY
    assert network_of("+96112345678") == ANY


def test_networks_are_remembered_within_bounds() -> None:
    assert network_of.cache_parameters()["maxsize"] == 16_384


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("TIM", "tim"),
        ("TIM Personal", "tim-personal"),
        ("Telefónica", "telefonica"),
        ("AT&T", "at-t"),
        ("3", "3"),
        ("  Orange / France  ", "orange-france"),
        ("O₂", "o2"),
        ("Straße", "strasse"),
        ("МТС", ""),
        ("--", ""),
        ("", ""),
        ("x" * 39 + " y", "x" * 39),
    ],
)
def test_a_slug_is_a_name_as_the_tariffs_spell_it(name: str, slug: str) -> None:
    assert operator_slug(name) == slug


@BOUNDED
@given(st.text(max_size=60))
def test_a_slug_is_fit_for_the_tariffs_and_its_own_slug(name: str) -> None:
    slug = operator_slug(name)
    assert len(slug) <= 40
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert slug == slug.strip("-") == operator_slug(slug)


def test_every_operator_that_the_plans_know_has_a_slug() -> None:
    from phonenumbers.carrierdata import CARRIER_DATA

    names = {texts["en"] for texts in CARRIER_DATA.values() if "en" in texts}
    assert len(names) > 1_000
    assert all(operator_slug(name) for name in names)


anything = st.text(max_size=64) | st.text(
    alphabet="+0123456789 ()-./٣９＋aO:\u202a\x00\ud800", max_size=64
)


@BOUNDED
@given(
    anything
    | st.sampled_from(["tel:", "sms:", "smsto:"]).flatmap(lambda s: anything.map(s.__add__))
)
def test_any_text_has_facts(text: str) -> None:
    found = facts(text)
    assert found.country == "" or found.country_name
    if not found.valid:
        assert found.kind == "unknown"
        assert found.national_format == found.international_format == found.operator_hint == ""
    if found.suggested_recipient:
        assert not found.valid
        assert facts(found.suggested_recipient).valid
    assert network_of(text) == ANY or found.valid or found.suggested_recipient


@BOUNDED
@given(
    st.sampled_from(EXAMPLES),
    st.lists(st.sampled_from(["", " ", "-", ".", "(", ")", "/", "\u00a0"]), min_size=16),
)
def test_however_a_valid_number_is_divided_it_is_suggested(number: str, between: list[str]) -> None:
    text = "".join(map("".join, zip(number, between, strict=False)))
    found, divided = facts(number), facts(text)
    if found.valid and text != number:
        assert divided.suggested_recipient == number
        assert divided.country == found.country
