"""Who a message goes to and whom it comes from: parsed once, trusted after that."""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult

from smsgate_server.domain.errors import ErrorReason, Violation
from smsgate_server.domain.numbering import in_use
from smsgate_server.domain.values import frozen

# Numbers of many countries together need more patterns than `re` keeps compiled: without this each
# look-up compiles its own anew and takes ten times as long. The metadata bounds how many there are.
phonenumbers.enable_pattern_cache()

# Some 8 MB when full. A caller who repeats a number (OTP, a batch sent again) skips the metadata.
CACHED_NUMBERS = 16_384

_MAX_ECHO = 20

# ITU-T E.164 §6: at most 15 digits, country code first, so never a leading zero. Nobody's mobile
# number has fewer than 7.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# The first that matches says what is wrong with a text that is not E.164.
_NOT_E164 = (
    (re.compile(r"\s"), "contains white space"),
    (re.compile(r"(?i)\A(tel|sms|smsto):"), "is a URI; give the number alone"),
    (re.compile(r"[^\W\d_]"), "contains letters"),
    (re.compile(r"[^\W0-9_]"), "contains digits other than 0 to 9"),
    (re.compile(r"\A00[0-9]*\Z"), "starts with 00; write + and the country code"),
    (re.compile(r"\A[0-9]+\Z"), "does not start with + and the country code"),
    (re.compile(r"\A\+0[0-9]*\Z"), "starts with +0; no country code does"),
    (re.compile(r"\A\+[0-9]{0,6}\Z"), "is too short; with its country code it has 7 to 15 digits"),
    (re.compile(r"\A\+[0-9]{16,}\Z"), "is too long; with its country code it has 7 to 15 digits"),
    (re.compile(r"\A[0-9+()./-]+\Z"), "contains dashes, dots, brackets or a second +"),
)
_NOT_E164_AT_ALL = "contains characters other than + and digits"


class RecipientPolicy(StrEnum):
    """STRICT takes valid numbers that can receive SMS; POSSIBLE looks at their length only."""

    STRICT = "strict"
    POSSIBLE = "possible"


@frozen
class Msisdn:
    """A number in E.164 form. `kind` is what its range is for, "unknown" if the plan does not say.

    `country` is ISO 3166-1 alpha-2, or + and the calling code ("+881") for a number of no country.
    Of a number that is not valid in any of the countries that share its calling code it is the
    main one: US for +1.
    """

    e164: str
    country: str
    country_code: int
    kind: str


_KINDS = {
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_line_or_mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: "voip",
    PhoneNumberType.PERSONAL_NUMBER: "personal_number",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.UNKNOWN: "unknown",
}
_RECEIVES_SMS = frozenset({"mobile", "fixed_line_or_mobile"})

_LENGTH_FAULTS = {
    ValidationResult.TOO_SHORT: "is too short",
    ValidationResult.TOO_LONG: "is too long",
    ValidationResult.INVALID_LENGTH: "has a length that no number has",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
}


@frozen
class Number:
    """What the numbering plan says of a number. `msisdn.e164` may differ from what was written."""

    msisdn: Msisdn
    length_fault: str = ""


def parse_msisdn(
    text: str, policy: RecipientPolicy, allowed_prefixes: Sequence[str] = ()
) -> Msisdn | Violation:
    """The number that `text` is, exactly as written, or what keeps it from receiving SMS.

    `allowed_prefixes` ("+39371") are ranges to accept though the numbering plan does not know
    them; what it does know, a landline for instance, they do not change.
    """
    if _E164.fullmatch(text) is None:
        return _malformed(text)
    number = look_up(text)
    if number is None:
        description = f"{text} has no known country code"
        return _violation(ErrorReason.RECIPIENT_UNKNOWN_COUNTRY, description)
    msisdn = number.msisdn
    if msisdn.e164 != text:
        description = f"{text} contains a national prefix; its E.164 form is {msisdn.e164}"
        return _violation(ErrorReason.RECIPIENT_NOT_E164, description)
    if msisdn.kind == "unknown" and text.startswith(tuple(allowed_prefixes)):
        return msisdn
    return _refusal(number, policy) or msisdn


def _refusal(number: Number, policy: RecipientPolicy) -> Violation | None:
    msisdn = number.msisdn
    if number.length_fault:
        description = f"{msisdn.e164} {number.length_fault} in {msisdn.country}"
        return _violation(ErrorReason.RECIPIENT_NOT_POSSIBLE, description)
    if policy is RecipientPolicy.POSSIBLE or msisdn.kind in _RECEIVES_SMS:
        return None
    if msisdn.kind == "unknown":
        description = f"{msisdn.e164} is in no range in use in {msisdn.country}"
        return _violation(ErrorReason.RECIPIENT_NOT_VALID, description)
    description = f"{msisdn.e164} is a {msisdn.kind} number, which cannot receive SMS"
    return _violation(ErrorReason.RECIPIENT_CANNOT_RECEIVE_SMS, description)


@lru_cache(CACHED_NUMBERS)
def look_up(e164: str) -> Number | None:
    """The number as the metadata has it; None if no country has its code."""
    if known := in_use(e164):
        country, code, kind = known
        return Number(Msisdn(e164, country, code, kind))
    return _look_up(e164)


def _look_up(e164: str) -> Number | None:
    """The same for any number, by the library alone."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return None
    msisdn = Msisdn(
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
        _country(number),
        number.country_code or 0,
        _KINDS.get(phonenumbers.number_type(number), "unknown"),
    )
    # A known range is proof of the length; asked of the main country alone it could be denied.
    if msisdn.kind != "unknown":
        return Number(msisdn)
    length = phonenumbers.is_possible_number_with_reason(number)
    return Number(msisdn, _LENGTH_FAULTS.get(length, ""))


def _country(number: phonenumbers.PhoneNumber) -> str:
    code = number.country_code or 0
    region = phonenumbers.region_code_for_number(number)
    region = region or phonenumbers.region_code_for_country_code(code)
    # "001" is the metadata's word for the world: satellite phones, international networks.
    return f"+{code}" if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY else region


def _malformed(text: str) -> Violation:
    if not text:
        return _violation(ErrorReason.FIELD_REQUIRED, "is empty")
    matches = (why for pattern, why in _NOT_E164 if pattern.search(text))
    why = next(matches, _NOT_E164_AT_ALL)
    return _violation(ErrorReason.RECIPIENT_NOT_E164, f"{_echo(text)} {why}")


def _echo(text: str) -> str:
    """As much of what the caller wrote as may be repeated, safe to print and to log."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:_MAX_ECHO])
    return f'"{shown}"' if len(text) <= _MAX_ECHO else f'"{shown}"…'


def _violation(reason: ErrorReason, description: str) -> Violation:
    return Violation("recipient", reason, description)


_MIN_SENDER = 3
# 3GPP TS 23.040 §9.1.2.5: an alphanumeric address has at most 11 characters of the GSM alphabet.
_MAX_SENDER = 11
_SENDER = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]+(?: [A-Za-z0-9]+)*")
_NOT_OF_A_SENDER = re.compile(r"[^A-Za-z0-9 ]")


def parse_sender(text: str, default: str) -> str | Violation:
    """The alphanumeric alias that `text` is, `default` if it is empty, or what is wrong with it."""
    if not text:
        return default
    if _MIN_SENDER <= len(text) <= _MAX_SENDER and _SENDER.fullmatch(text):
        return text
    return Violation("sender", ErrorReason.INVALID_SENDER, _sender_fault(text))


def _sender_fault(text: str) -> str:
    if len(text) > _MAX_SENDER:
        return f"has {len(text)} characters; at most {_MAX_SENDER} are allowed"
    if wrong := _NOT_OF_A_SENDER.search(text):
        where = f"U+{ord(wrong[0]):04X} at offset {wrong.start()}"
        return f"contains {where}; only ASCII letters, digits and spaces are allowed"
    if text != text.strip(" "):
        return "starts or ends with a space"
    if "  " in text:
        return "contains two spaces in a row"
    if len(text) < _MIN_SENDER:
        return f"has {len(text)} characters; at least {_MIN_SENDER} are needed"
    return "has no letter; a numeric sender is not allowed"
