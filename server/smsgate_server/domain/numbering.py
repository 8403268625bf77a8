"""The numbering plans of the countries, asked directly.

`phonenumbers` answers everything about every writing of a number, and takes some 60 µs for it. Of
a number that is written in E.164 and lies in a range in use, its metadata alone tell country and
kind, in 9 µs. All else is left to the library; a test holds both against each other.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberDesc

# The order in which ranges are looked at: the first that matches says what a number is for.
_SPECIAL = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_LONGEST_CODE = 3


@dataclass(frozen=True, slots=True)
class _Range:
    """`lengths` is empty if the pattern alone decides."""

    lengths: frozenset[int]
    pattern: re.Pattern[str]

    def has(self, national: str) -> bool:
        if self.lengths and len(national) not in self.lengths:
            return False
        return self.pattern.fullmatch(national) is not None


@dataclass(frozen=True, slots=True)
class _Plan:
    """One country. `leading` is what its numbers begin with, where that tells it from others."""

    country: str
    leading: re.Pattern[str] | None
    every: _Range
    special: tuple[tuple[str, _Range], ...]
    fixed: _Range | None
    mobile: _Range | None
    fixed_is_mobile: bool

    def kind_of(self, national: str) -> str:
        """What the range of a number is for; empty if it is in no range in use."""
        if not self.every.has(national):
            return ""
        for kind, numbers in self.special:
            if numbers.has(national):
                return kind
        is_mobile = self.mobile is not None and self.mobile.has(national)
        if self.fixed is not None and self.fixed.has(national):
            return "fixed_line_or_mobile" if is_mobile or self.fixed_is_mobile else "fixed_line"
        return "mobile" if is_mobile and not self.fixed_is_mobile else ""


@dataclass(frozen=True, slots=True)
class _Zone:
    """The countries that share a calling code. `prefix` is what people dial before a number at
    home: one that begins with it may have been written with it.
    """

    prefix: re.Pattern[str] | None
    plans: tuple[_Plan, ...]


def in_use(e164: str) -> tuple[str, int, str] | None:
    """Country, calling code and kind of a number in E.164 that is surely written right and in use;
    None for any other.
    """
    for length in range(1, _LONGEST_CODE + 1):
        code = int(e164[1 : length + 1])
        zone = _zone(code)
        if zone is None:
            continue
        national = e164[length + 1 :]
        if zone.prefix is not None and (found := zone.prefix.match(national)) and found.end():
            return None
        return _settled(zone, code, national)
    return None


def _settled(zone: _Zone, code: int, national: str) -> tuple[str, int, str] | None:
    alone = len(zone.plans) == 1
    for plan in zone.plans:
        if not alone and plan.leading is not None:
            if not plan.leading.match(national):
                continue
            kind = plan.kind_of(national)
            return (plan.country, code, kind) if kind else None
        if kind := plan.kind_of(national):
            return plan.country, code, kind
    return None


@cache
def _zone(code: int) -> _Zone | None:
    """None if no country has the code. Codes of no country, such as satellites', have no plans."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code)
    if regions is None:
        return None
    main = PhoneMetadata.metadata_for_region(regions[0])
    if main is None:
        return _Zone(None, ())
    prefix = main.national_prefix_for_parsing
    return _Zone(re.compile(prefix) if prefix else None, tuple(_plans(regions)))


def _plans(regions: tuple[str, ...]) -> Iterator[_Plan]:
    for region in regions:
        known = PhoneMetadata.metadata_for_region(region)
        assert known is not None, region
        every = _range(known.general_desc)
        assert every is not None, region
        special = ((kind, _range(getattr(known, kind))) for kind in _SPECIAL)
        yield _Plan(
            region,
            re.compile(known.leading_digits) if known.leading_digits else None,
            every,
            tuple((kind, numbers) for kind, numbers in special if numbers is not None),
            _range(known.fixed_line),
            _range(known.mobile),
            bool(known.same_mobile_and_fixed_line_pattern),
        )


def _range(described: PhoneNumberDesc | None) -> _Range | None:
    if described is None or not described.national_number_pattern:
        return None
    lengths = frozenset(described.possible_length)
    return _Range(lengths, re.compile(described.national_number_pattern))
