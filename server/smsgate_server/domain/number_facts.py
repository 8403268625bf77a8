"""What the numbering plans know of a number, valid or not."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat

from smsgate_server.domain.address import CACHED_NUMBERS, Number, look_up
from smsgate_server.domain.destinations import name_of
from smsgate_server.domain.pricing import ANY

NUMBERING_PLAN = "numbering-plan"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_INTERNATIONAL = re.compile(r"(?:\+|00)([0-9]+)")
_SCHEME = re.compile(r"(?i)\s*(?:tel|smsto|sms):")
# What people write between digits, and the invisible marks that come along when they paste.
_BETWEEN = re.compile(
    r"[\s().\-/\u00ad\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_RECEIVES_SMS = frozenset({"mobile", "fixed_line_or_mobile"})

_NOT_OF_A_SLUG = re.compile(r"[^a-z0-9]+")
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
    suggested_recipient: str = ""

    @property
    def country_name(self) -> str:
        return name_of(self.country)

    @property
    def operator_source(self) -> str:
        return NUMBERING_PLAN if self.operator_hint else ""

    @property
    def portable(self) -> bool:
        return phonenumbers.is_mobile_number_portable_region(self.country)


def facts(text: str) -> NumberFacts:
    """All that is known of a text that may be a number; any text will do.

    Of a number that some policy could accept, the country is the one that its message would have;
    of any other, the one that its prefix decides.
    """
    number = _number(text)
    if number is None or number.msisdn.e164 != text or number.length_fault:
        return _wrong(text)
    msisdn = number.msisdn
    if msisdn.kind == "unknown":
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
    )


def operator_of(e164: str) -> str:
    """The operator that the number's range was allotted to; empty if that is not known."""
    if _number(e164) is None:
        return ""
    name: str = _carriers().name_for_number(phonenumbers.parse(e164, None), "en")
    return name


@lru_cache(CACHED_NUMBERS)
def network_of(e164: str) -> str:
    """The slug of the operator, where the range alone decides it; else `*`."""
    number = _number(e164)
    if number is None or phonenumbers.is_mobile_number_portable_region(number.msisdn.country):
        return ANY
    return operator_slug(operator_of(e164)) or ANY


def operator_slug(name: str) -> str:
    """The name of an operator as the tariffs spell it: `TIM Personal` is `tim-personal`."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    plain = "".join(char for char in letters if not unicodedata.combining(char))
    return _NOT_OF_A_SLUG.sub("-", plain).strip("-")[:_MAX_SLUG].rstrip("-")


def load_operators() -> None:
    """Load the operators' names now, so that no call waits for it later."""
    _carriers()


def _carriers() -> Any:
    # 44 MiB and half a second: only for those who ask for operators.
    from phonenumbers import carrier

    return carrier


def _number(text: str) -> Number | None:
    return look_up(text) if _E164.fullmatch(text) else None


def _wrong(text: str) -> NumberFacts:
    """What the number may have been meant to be, and what its beginning tells."""
    written = _without_punctuation(text)
    meant = _meant(written)
    if meant is None:
        country, code = _by_prefix(written)
        return NumberFacts(country=country, country_code=code)
    return NumberFacts(
        country=meant.msisdn.country,
        country_code=meant.msisdn.country_code,
        suggested_recipient=meant.msisdn.e164,
    )


def _without_punctuation(text: str) -> str:
    """The text with nothing between its digits, and those of any script as 0 to 9."""
    bare = _BETWEEN.sub("", _SCHEME.sub("", text, count=1) if _SCHEME.match(text) else text)
    return "".join(str(unicodedata.decimal(char, char)) for char in bare.replace("\uff0b", "+"))


def _meant(written: str) -> Number | None:
    """The valid number that the digits make; None if they make none, or are not alone."""
    international = _INTERNATIONAL.fullmatch(written)
    # A national prefix, as in "+44 (0)7911 123456", is dropped by the form of the number itself.
    number = _number(f"+{international[1] if international else written}")
    if number is None or number.msisdn.kind == "unknown":
        return None
    # Without a prefix it may be a national number, which by chance is a landline elsewhere:
    # 328 123 4567 of Italy is one in Belgium. To suggest that would help nobody.
    if international is None and number.msisdn.kind not in _RECEIVES_SMS:
        return None
    return number


def _by_prefix(written: str) -> tuple[str, int]:
    """The country and the calling code of a number of which only the beginning can be trusted."""
    found = _INTERNATIONAL.match(written)
    digits = found[1] if found else ""
    for length in range(1, min(len(digits), 3) + 1):
        code = int(digits[:length])
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code)
        if regions:
            return _of_those_that_share(code, regions, digits[length:]), code
    return "", 0


def _of_those_that_share(code: int, regions: Sequence[str], rest: str) -> str:
    """The country that the digits after a calling code decide; empty if they do not."""
    if regions[0] == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        return f"+{code}"
    if len(regions) == 1:
        return regions[0]
    leading = {region: _leading_digits(region) for region in regions}
    for region, pattern in leading.items():
        if pattern and re.match(pattern, rest):
            return region
    # If all but the main country, which is the first, have digits of their own, the rest is its.
    others = [region for region, pattern in leading.items() if not pattern]
    return regions[0] if others == [regions[0]] else ""


def _leading_digits(region: str) -> str:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return (metadata.leading_digits if metadata is not None else None) or ""
