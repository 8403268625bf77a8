"""Every destination that the numbering plans know: countries, and codes that belong to none."""

import unicodedata
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata

from smsgate_server.domain.country_names import NAMES


@dataclass(frozen=True, slots=True)
class Place:
    """`country` is ISO 3166-1 alpha-2, or "+881" and the like."""

    country: str
    name: str
    country_code: int
    has_mobile_numbers: bool


@cache
def destinations() -> tuple[Place, ...]:
    """All of them, ordered by name as people do it: Åland with the A, Côte d'Ivoire with the C."""
    regions = [_region(region) for region in phonenumbers.SUPPORTED_REGIONS]
    codes = [_code(code) for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS]
    return tuple(sorted((*regions, *codes), key=lambda place: _order(place.name)))


def name_of(country: str) -> str:
    """Its English name; empty if there is no such destination."""
    return NAMES.get(country, "")


def _order(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    return "".join(char for char in letters if not unicodedata.combining(char)).casefold()


def _region(region: str) -> Place:
    code = phonenumbers.country_code_for_region(region)
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return Place(region, name_of(region), code, _has_mobiles(metadata))


def _code(code: int) -> Place:
    metadata = PhoneMetadata.metadata_for_nongeo_region(code, None)
    return Place(f"+{code}", name_of(f"+{code}"), code, _has_mobiles(metadata))


def _has_mobiles(metadata: PhoneMetadata | None) -> bool:
    # A plan that does not tell mobile numbers from landlines has the same pattern for both.
    mobile = metadata.mobile if metadata is not None else None
    return mobile is not None and bool(mobile.national_number_pattern)
