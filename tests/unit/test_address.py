import re
from collections.abc import Iterable

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from smsgate_server.domain.address import Msisdn, RecipientPolicy, parse_msisdn, parse_sender
from smsgate_server.domain.errors import ErrorReason, Violation

STRICT, POSSIBLE = RecipientPolicy.STRICT, RecipientPolicy.POSSIBLE
BOUNDED = settings(deadline=None, max_examples=300, derandomize=True)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
NON_GEOGRAPHIC = sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
CANNOT = frozenset(PhoneNumberType.values()) - {
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.UNKNOWN,
}


def example(region: str, kind: int) -> str | None:
    number = phonenumbers.example_number_for_type(region, kind)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if number else None


def refusal(text: str, policy: RecipientPolicy = STRICT) -> Violation:
    result = parse_msisdn(text, policy)
    assert isinstance(result, Violation), result
    assert result.field == "recipient"
    return result


def examples(kinds: Iterable[int]) -> list[tuple[str, str]]:
    """Region and number, of what the numbering plans give as examples of these kinds."""
    numbers = ((region, example(region, kind)) for region in REGIONS for kind in kinds)
    return sorted({(region, text) for region, text in numbers if text})


def is_known_as(text: str, kinds: Iterable[int]) -> bool:
    return phonenumbers.number_type(phonenumbers.parse(text)) in kinds


def test_nearly_every_region_has_an_example_of_a_mobile_number() -> None:
    assert len(examples([PhoneNumberType.MOBILE])) >= 240


@pytest.mark.parametrize(("region", "text"), examples([PhoneNumberType.MOBILE]))
def test_the_example_mobile_number_of_every_region_is_accepted(region: str, text: str) -> None:
    result = parse_msisdn(text, STRICT)
    assert isinstance(result, Msisdn), result
    assert result.e164 == text
    assert result.country_code == phonenumbers.country_code_for_region(region)
    # Some regions share their ranges with another; the number is then of one of them.
    assert result.country in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[result.country_code]


# Left out: a few that another region with the same calling code knows as mobile, and Iran's
# four-digit UAN, which is not as long as any mobile number.
@pytest.mark.parametrize(
    ("region", "text"),
    [
        (region, text)
        for region, text in examples(CANNOT)
        if is_known_as(text, CANNOT) and len(text) > 7
    ],
)
def test_an_example_number_that_cannot_receive_sms_is_refused(region: str, text: str) -> None:
    violation = refusal(text)
    assert violation.reason is ErrorReason.RECIPIENT_CANNOT_RECEIVE_SMS
    assert isinstance(parse_msisdn(text, POSSIBLE), Msisdn)


@pytest.mark.parametrize("code", NON_GEOGRAPHIC)
def test_a_number_of_no_country_has_its_calling_code_for_one(code: int) -> None:
    number = phonenumbers.example_number_for_non_geo_entity(code)
    assert number is not None
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    result = parse_msisdn(text, POSSIBLE)
    assert isinstance(result, Msisdn)
    assert (result.country, result.country_code) == (f"+{code}", code)


@pytest.mark.parametrize(
    ("text", "country", "code", "kind"),
    [
        ("+393331234567", "IT", 39, "mobile"),
        ("+34612345678", "ES", 34, "mobile"),
        ("+12015550123", "US", 1, "fixed_line_or_mobile"),
        ("+15062345678", "CA", 1, "fixed_line_or_mobile"),
        ("+18762101234", "JM", 1, "mobile"),
        ("+79123456789", "RU", 7, "mobile"),
        ("+77710009998", "KZ", 7, "mobile"),
        ("+447400123456", "GB", 44, "mobile"),
        ("+447781123456", "GG", 44, "mobile"),
        ("+447624123456", "IM", 44, "mobile"),
        ("+447797712345", "JE", 44, "mobile"),
        ("+881612345678", "+881", 881, "mobile"),
        ("+870301234567", "+870", 870, "mobile"),
        ("+5491123456789", "AR", 54, "mobile"),
        ("+6591234567", "SG", 65, "mobile"),
    ],
)
def test_a_mobile_number_is_of_its_country(text: str, country: str, code: int, kind: str) -> None:
    assert parse_msisdn(text, STRICT) == Msisdn(text, country, code, kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("+390236618300", "fixed_line"),
        ("+3906698123456", "fixed_line"),
        ("+39800123456", "toll_free"),
        ("+39899123456", "premium_rate"),
        ("+442012345678", "fixed_line"),
        ("+442071838750", "fixed_line"),
        ("+448431234567", "premium_rate"),
        ("+611300123456", "shared_cost"),
        ("+445512345678", "uan"),
        ("+447640123456", "pager"),
        ("+447012345678", "personal_number"),
        ("+18002345678", "toll_free"),
        ("+80012345678", "toll_free"),
        ("+878101234567890", "voip"),
    ],
)
def test_the_kind_that_cannot_receive_sms_is_named(text: str, kind: str) -> None:
    violation = refusal(text)
    assert violation.reason is ErrorReason.RECIPIENT_CANNOT_RECEIVE_SMS
    assert kind in violation.description


def test_an_empty_recipient_is_missing() -> None:
    assert refusal("").reason is ErrorReason.FIELD_REQUIRED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("+39 333 1234567", "white space"),
        (" +393331234567", "white space"),
        ("+393331234567 ", "white space"),
        ("+393331234567\n", "white space"),
        ("+39\u00a03331234567", "white space"),
        ("+39-333-1234567", "dashes"),
        ("+39(333)1234567", "brackets"),
        ("+39.333.1234567", "dots"),
        ("+39/3331234567", "dashes"),
        ("++393331234567", "second +"),
        ("39+3331234567", "second +"),
        ("393331234567", "does not start with +"),
        ("3331234567", "does not start with +"),
        ("00393331234567", "starts with 00"),
        ("+0393331234567", "starts with +0"),
        ("+00393331234567", "starts with +0"),
        ("+1800FLOWERS", "letters"),
        ("+39333123456x", "letters"),
        ("Mario", "letters"),
        ("tel:+393331234567", "URI"),
        ("sms:+393331234567", "URI"),
        ("+٣٩٣٣٣١٢٣٤٥٦٧", "digits other than"),
        ("+３９３３３１２３４５６７", "digits other than"),
        ("＋393331234567", "other than + and digits"),
        ("+39333\u200b1234567", "other than + and digits"),
        ("+39333_1234567", "other than + and digits"),
        ("+39333;1234567", "other than + and digits"),
        ("+39333\x001234567", "other than + and digits"),
        ("+", "too short"),
        ("+39", "too short"),
        ("+393331", "too short"),
        ("+3933312345678901", "too long"),
        ("+" + "1" * 100_000, "too long"),
    ],
)
def test_what_is_not_e164_is_refused_and_told_why(text: str, words: str) -> None:
    violation = refusal(text)
    assert violation.reason is ErrorReason.RECIPIENT_NOT_E164
    assert words in violation.description


@pytest.mark.parametrize("text", ["+9991234567", "+2101234567", "+80412345678"])
def test_a_calling_code_that_nobody_has_is_refused(text: str) -> None:
    assert refusal(text).reason is ErrorReason.RECIPIENT_UNKNOWN_COUNTRY
    assert refusal(text, POSSIBLE).reason is ErrorReason.RECIPIENT_UNKNOWN_COUNTRY


@pytest.mark.parametrize(
    ("text", "e164"),
    [("+4407400123456", "+447400123456"), ("+330612345678", "+33612345678")],
)
def test_a_national_prefix_is_refused_and_the_right_form_shown(text: str, e164: str) -> None:
    violation = refusal(text)
    assert violation.reason is ErrorReason.RECIPIENT_NOT_E164
    assert e164 in violation.description


@pytest.mark.parametrize("policy", RecipientPolicy)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("+3312345", "is too short in FR"),
        ("+120155501234", "is too long in US"),
        ("+12015550", "lacks its area code in US"),
        ("+417812345678", "has a length that no number has in CH"),
    ],
)
def test_a_length_that_the_country_does_not_have_is_refused(
    text: str, words: str, policy: RecipientPolicy
) -> None:
    violation = refusal(text, policy)
    assert violation.reason is ErrorReason.RECIPIENT_NOT_POSSIBLE
    assert words in violation.description


@pytest.mark.parametrize("text", ["+12001234567", "+33012345678"])
def test_a_number_in_no_range_is_not_valid(text: str) -> None:
    assert refusal(text).reason is ErrorReason.RECIPIENT_NOT_VALID


def test_the_possible_policy_takes_what_it_cannot_place_for_the_main_country() -> None:
    assert parse_msisdn("+12001234567", POSSIBLE) == Msisdn("+12001234567", "US", 1, "unknown")


def test_an_allowed_prefix_adds_a_range_that_the_plan_does_not_know() -> None:
    new = "+12001234567"
    assert parse_msisdn(new, STRICT, ["+1200"]) == Msisdn(new, "US", 1, "unknown")
    assert isinstance(parse_msisdn(new, STRICT, ["+1201", "+39"]), Violation)


def test_an_allowed_prefix_does_not_make_a_landline_receive_sms() -> None:
    result = parse_msisdn("+390236618300", STRICT, ["+39"])
    assert isinstance(result, Violation)


@BOUNDED
@given(st.one_of(st.text(max_size=40), st.text("+0123456789 ()-", max_size=20)))
def test_any_text_is_a_number_or_a_printable_violation(text: str) -> None:
    for policy in RecipientPolicy:
        result = parse_msisdn(text, policy)
        if isinstance(result, Violation):
            assert result.description.isprintable()
            assert len(result.description) < 120
        else:
            assert result.e164 == text


@BOUNDED
@given(st.from_regex(re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII), fullmatch=True))
def test_an_accepted_number_is_returned_as_it_was_written(text: str) -> None:
    strict, possible = parse_msisdn(text, STRICT), parse_msisdn(text, POSSIBLE)
    if isinstance(strict, Msisdn):
        assert possible == strict
        assert strict.e164 == text
        assert strict.kind in ("mobile", "fixed_line_or_mobile")
        assert phonenumbers.is_valid_number(phonenumbers.parse(text))


def test_no_more_than_twenty_characters_of_the_input_are_repeated() -> None:
    description = refusal("A" * 500).description
    assert description.count("A") == 20


@pytest.mark.parametrize(
    "text", ["Openapi", "OTP MOBILE", "ABC", "A1B", "1st", "a b", "12345678 x9", "A B C D E F"]
)
def test_an_alias_is_taken_as_it_is(text: str) -> None:
    assert parse_sender(text, "Default") == text


def test_an_empty_sender_is_the_default() -> None:
    assert parse_sender("", "OTP MOBILE") == "OTP MOBILE"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ab", "at least 3"),
        ("A", "at least 3"),
        ("ABCDEFGHIJKL", "at most 11"),
        ("12345", "no letter"),
        ("123 456", "no letter"),
        ("+393331234", "U+002B at offset 0"),
        (" Shop", "starts or ends"),
        ("Shop ", "starts or ends"),
        ("   ", "starts or ends"),
        ("My  Shop", "two spaces"),
        ("Caffè", "U+00E8 at offset 4"),
        ("My-Shop", "U+002D at offset 2"),
        ("My\tShop", "U+0009 at offset 2"),
        ("Shop\n", "U+000A at offset 4"),
        ("My\u00a0Shop", "U+00A0 at offset 2"),
        ("Ａbc", "U+FF21 at offset 0"),
        ("abc١", "U+0661 at offset 3"),
    ],
)
def test_what_is_wrong_with_an_alias_is_said_exactly(text: str, words: str) -> None:
    result = parse_sender(text, "Openapi")
    assert isinstance(result, Violation)
    assert (result.field, result.reason) == ("sender", ErrorReason.INVALID_SENDER)
    assert words in result.description


@BOUNDED
@given(st.one_of(st.text(max_size=20), st.text("aB1 ", max_size=13)))
def test_any_text_is_an_alias_or_a_printable_violation(text: str) -> None:
    result = parse_sender(text, "Openapi")
    if isinstance(result, Violation):
        assert result.description.isprintable()
    else:
        assert result == (text or "Openapi")
        assert result.isascii()
        assert 3 <= len(result) <= 11
        assert any(char.isalpha() for char in result)
        assert " ".join(result.split(" ")) == result == result.strip()
