"""The quick look at the numbering plans says what the library says, or nothing."""

import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate_server.domain.address import Number, _look_up
from smsgate_server.domain.numbering import in_use

_REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
_KINDS = [
    kind for name, kind in vars(phonenumbers.PhoneNumberType).items() if isinstance(kind, int)
]
_NEIGHBOURS = 40


def _agree(e164: str) -> bool:
    """Whether the quick look knew the number; it must not differ from the library if so."""
    quick = in_use(e164)
    slow = _look_up(e164)
    if quick is None:
        return False
    assert isinstance(slow, Number), e164
    known = slow.msisdn
    assert (e164, *quick) == (known.e164, known.country, known.country_code, known.kind)
    assert slow.length_fault == ""
    return True


def _examples(region: str) -> list[str]:
    found = (phonenumbers.example_number_for_type(region, kind) for kind in _KINDS)
    e164 = phonenumbers.PhoneNumberFormat.E164
    return [phonenumbers.format_number(number, e164) for number in found if number is not None]


@pytest.mark.parametrize("region", _REGIONS)
def test_of_the_numbers_of_a_country_it_says_what_the_library_says(region: str) -> None:
    """The examples of every kind, and numbers near them: a digit more, less, or another one."""
    chance = random.Random(region)
    for example in _examples(region):
        _agree(example)
        for _ in range(_NEIGHBOURS):
            digits = list(example[1:])
            digits[chance.randrange(len(digits))] = chance.choice("0123456789")
            changed = "".join(digits[: len(digits) - chance.choice((0, 0, 0, 1))])
            if changed[0] != "0":
                _agree(f"+{changed}{chance.choice(('', '', '', '7'))}")


def test_it_knows_the_mobile_numbers_of_nearly_every_country() -> None:
    mobile = phonenumbers.PhoneNumberType.MOBILE
    found = [phonenumbers.example_number_for_type(region, mobile) for region in _REGIONS]
    e164 = phonenumbers.PhoneNumberFormat.E164
    examples = [phonenumbers.format_number(number, e164) for number in found if number is not None]
    unknown = [example for example in examples if not _agree(example)]
    assert len(unknown) <= len(examples) // 20, unknown


@given(st.integers(min_value=1, max_value=10**15 - 1))
def test_of_any_digits_it_says_what_the_library_says(number: int) -> None:
    _agree(f"+{number}")


def test_it_knows_nothing_of_codes_that_no_country_has() -> None:
    assert in_use("+999123456789") is None
    assert in_use("+881612345678") is None
