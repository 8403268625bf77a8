import sys

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from smsgate_server.domain.country_names import NAMES
from smsgate_server.domain.destinations import Place, destinations, name_of

BY_COUNTRY = {place.country: place for place in destinations()}


def test_there_are_254_destinations_of_which_247_can_hold_a_mobile_number() -> None:
    assert len(destinations()) == len(BY_COUNTRY) == 254
    assert sum(place.has_mobile_numbers for place in destinations()) == 247
    assert sum(country.startswith("+") for country in BY_COUNTRY) == 9


@pytest.mark.parametrize(
    "place",
    [
        Place("IT", "Italy", 39, True),
        Place("VA", "Vatican", 39, True),
        Place("US", "United States", 1, True),
        Place("CA", "Canada", 1, True),
        Place("AX", "Åland Islands", 358, True),
        Place("XK", "Kosovo", 383, True),
        Place("TA", "Tristan da Cunha", 290, False),
        Place("+881", "Global Mobile Satellite System", 881, True),
        Place("+800", "International Freephone", 800, False),
    ],
)
def test_a_destination_has_its_name_and_its_calling_code(place: Place) -> None:
    assert BY_COUNTRY[place.country] == place
    assert name_of(place.country) == place.name


def test_every_destination_has_a_name_and_every_name_a_destination() -> None:
    assert BY_COUNTRY.keys() == NAMES.keys()
    names = [place.name for place in destinations()]
    assert all(name == name.strip() and name.isprintable() for name in names)
    assert len(set(names)) == len(names)


def test_they_are_ordered_as_people_look_them_up() -> None:
    order = [place.country for place in destinations()]
    for before, after in (("AF", "AX"), ("AX", "AL"), ("CR", "CI"), ("CI", "HR"), ("YE", "ZM")):
        assert order.index(before) < order.index(after)
    plain = [place.name for place in destinations() if place.name.isascii()]
    assert plain == sorted(plain, key=str.casefold)


def test_the_list_is_made_once() -> None:
    assert destinations() is destinations()


@pytest.mark.parametrize("country", ["", "*", "it", "ZZ", "881", "+39", "+999", "Italy"])
def test_what_is_no_destination_has_no_name(country: str) -> None:
    assert name_of(country) == ""


def test_a_country_can_hold_mobile_numbers_if_its_plan_has_an_example_of_one() -> None:
    for country, place in BY_COUNTRY.items():
        if not country.startswith("+"):
            example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
            assert (example is not None) == place.has_mobile_numbers, country


def test_the_100_mib_of_place_names_are_never_loaded() -> None:
    assert "phonenumbers.geocoder" not in sys.modules
