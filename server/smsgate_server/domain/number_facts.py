"""What the numbering plans know of a number, valid or not."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumberFormat

from smsgate_server.domain.address import CACHED_NUMBERS, look_up
from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.pricing import ANY

NUMBERING_PLAN = "numbering-plan"

_NOT_DIGITS = re.compile(r"[^0-9]+")
_NOT_OF_A_SLUG = re.compile(r"[^a-z0-9]+")
_PUNCTUATION = re.compile(r"[\s().\-/\u2010-\u2015\u00a0\u202f]*")
_MAX_SLUG = 40


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """Texts are empty, and `country_code` is 0, where nothing is known."""

    valid: bool = False
    kind: str = "unknown"
    country: str = ""
    country_code: int = 0
    national_format: str = ""
    international_format: str = ""
    operator_hint: str = ""
    portable: bool = False
    suggested_recipient: str = ""

    @property
    def country_name(self) -> str:
        return name_of(self.country)

    @property
    def operator_source(self) -> str:
        return NUMBERING_PLAN if self.operator_hint else ""


def facts(text: str) -> NumberFacts:
    """All that is known of a text that may be a number; any text will do."""
    number = look_up(text) if _is_strict(text) else None
    if number is None or number.msisdn.e164 != text:
        return _wrong(text)
    msisdn = number.msisdn
    if msisdn.kind == "unknown" or number.length_fault:
        return NumberFacts(country=msisdn.country, country_code=msisdn.country_code)
    parsed = phonenumbers.parse(text, None)
    return NumberFacts(
        valid=True,
        kind=msisdn.kind,
        country=msisdn.country,
        country_code=msisdn.country_code,
        national_format=phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL),
        international_format=phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL),
        operator_hint=operator_of(text),
        portable=phonenumbers.is_mobile_number_portable_region(msisdn.country),
    )


def _is_strict(text: str) -> bool:
    return re.fullmatch(r"\+[1-9][0-9]{6,14}", text, re.ASCII) is not None


def _wrong(text: str) -> NumberFacts:
    """A number that is not strict E.164: what it may have been meant to be."""
    country, code = _country_by_prefix(text)
    meant = _meant(text)
    return NumberFacts(country=country, country_code=code, suggested_recipient=meant)


def _meant(text: str) -> str:
    """The valid number that the digits of `text` make; empty if they make none."""
    stripped = _PUNCTUATION.sub("", text)
    if stripped.startswith("00"):
        stripped = "+" + stripped[2:]
    if not stripped.startswith("+") or not stripped[1:].isascii() or not stripped[1:].isdigit():
        return ""
    # A national prefix in brackets, "+44 (0)7911…", is dropped by the form of the number itself.
    found = look_up(stripped) if _is_strict(stripped) else None
    if found is None or found.msisdn.kind == "unknown":
        return ""
    return found.msisdn.e164


def _country_by_prefix(text: str) -> tuple[str, int]:
    if not text.startswith("+"):
        return "", 0
    digits = _NOT_DIGITS.sub("", text)[:3]
    for length in (1, 2, 3):
        code = int(digits[:length] or 0)
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
        if regions and len(digits) >= length:
            single = regions[0] if len(regions) == 1 else ""
            return (f"+{code}" if single == "001" else single), code
    return "", 0


@lru_cache(CACHED_NUMBERS)
def operator_of(e164: str) -> str:
    """The operator that the number's range was allotted to; empty if that is not known."""
    name: str = _carriers().name_for_number(phonenumbers.parse(e164, None), "en")
    return name


def network_of(e164: str) -> str:
    """The slug of the operator, where the range alone decides it; else `*`."""
    parsed = look_up(e164)
    country = parsed.msisdn.country if parsed is not None else ""
    if phonenumbers.is_mobile_number_portable_region(country):
        return ANY
    return operator_slug(operator_of(e164)) or ANY


def operator_slug(name: str) -> str:
    """The name of an operator as the tariffs spell it: `TIM Personal` is `tim-personal`."""
    return _NOT_OF_A_SLUG.sub("-", name.lower()).strip("-")[:_MAX_SLUG]


def _carriers() -> Any:
    # Some 40 MiB and 0.4 s: only for those who ask for operators.
    from phonenumbers import carrier

    return carrier
