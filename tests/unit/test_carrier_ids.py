"""Which part a receipt is about, in whatever writing the carrier gives its id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import OTHER_RECIPIENT, RECIPIENT, T0, a_message, a_receipt, hours, seconds

from smsgate_server.domain.carrier_ids import (
    REPORTED_WITHIN,
    Candidate,
    choose,
    concerns,
    end_of,
    key_of,
    keys_of,
    other_keys,
)
from smsgate_server.domain.delivery import Receipt
from smsgate_server.domain.message import Message, Status

_LARGEST = 2**64 - 1

_numbers = st.integers(0, _LARGEST)
# What a carrier may write: numbers in both bases, padded or not, in either case; and anything else.
_ids = st.one_of(
    _numbers.map(str),
    _numbers.map(lambda n: f"{n:x}"),
    _numbers.map(lambda n: f"{n:016X}"),
    st.integers(2**64, 10**20 - 1).map(str),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=24),
)


@pytest.mark.parametrize(
    ("carrier_id", "key"),
    [
        ("1a2b", "1a2b"),
        ("1A2B", "1a2b"),
        ("00001a2b", "1a2b"),
        ("0001A2B", "1a2b"),
        ("4711", "4711"),
        ("0000", "0"),
        ("0", "0"),
        ("", "0"),
        ("SMSC-07/x", "smsc-07/x"),
        ("550E8400-E29B-41D4-A716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
    ],
)
def test_neither_case_nor_leading_zeros_count_for_a_key(carrier_id: str, key: str) -> None:
    assert key_of(carrier_id) == key


@pytest.mark.parametrize(
    ("key", "others"),
    [
        ("ff", ["255"]),
        ("255", ["ff", "597"]),
        ("10", ["a", "16"]),
        ("9", []),
        ("0", []),
        ("a", ["10"]),
        ("ffffffffffffffff", [str(_LARGEST)]),
        (str(_LARGEST), ["ffffffffffffffff"]),
        # Longer than any number that a carrier counts with: a name, not a number.
        (str(_LARGEST + 1), []),
        ("10000000000000000f", []),
        ("123456789012345678901", []),
        ("g7", []),
        ("-5", []),
        ("1.5", []),
        ("\u0661\u0662", []),
        ("550e8400-e29b", []),
    ],
)
def test_a_number_has_another_key_in_the_other_base(key: str, others: list[str]) -> None:
    assert other_keys(key) == others


def test_the_keys_of_a_receipt_begin_with_its_own() -> None:
    assert keys_of(a_receipt("00FF")) == ["ff", "255"]
    assert keys_of(a_receipt("0255")) == ["255", "ff", "597"]


def test_an_exact_id_has_no_other_key() -> None:
    assert keys_of(a_receipt("0255", exact_id=True)) == ["255"]


@given(_ids)
def test_of_two_keys_each_is_among_those_of_the_other(carrier_id: str) -> None:
    key = key_of(carrier_id)
    for other in other_keys(key):
        assert key in other_keys(other)


@given(_ids)
def test_no_key_of_a_receipt_stands_twice_and_each_is_a_key(carrier_id: str) -> None:
    keys = keys_of(a_receipt(carrier_id))
    assert len(set(keys)) == len(keys)
    assert all(key_of(key) == key for key in keys)


_FORMS = {
    "decimal": str,
    "padded decimal": lambda n: f"{n:020}",
    "hex": lambda n: f"{n:x}",
    "HEX": lambda n: f"{n:X}",
    "padded HEX": lambda n: f"{n:016X}",
}


@pytest.mark.parametrize("answered", _FORMS)
@pytest.mark.parametrize("reported", _FORMS)
@given(number=_numbers)
def test_one_number_is_found_in_any_two_forms(answered: str, reported: str, number: int) -> None:
    receipt = a_receipt(_FORMS[reported](number))
    assert key_of(_FORMS[answered](number)) in keys_of(receipt)


# The recipient


@pytest.mark.parametrize(
    "told",
    [
        "",
        "+436641234567",
        "436641234567",
        "00436641234567",
        "06641234567",
        "6641234567",
        "41234567",
        "1234567",
    ],
)
def test_a_number_that_is_the_recipients_concerns_its_message(told: str) -> None:
    assert concerns(a_receipt(recipient=told), a_message(recipient="+436641234567"))


@pytest.mark.parametrize(
    "told",
    [
        "+491701234567",
        "491701234567",
        "436641234568",
        "+6641234567",  # an international number is whole
        "234567",  # too short to tell
        "0000234567",
        "4366412345670",
        "ACME",
        "OTP MOBILE",
        "+",
        "00",
        "0",
    ],
)
def test_any_other_number_does_not(told: str) -> None:
    assert not concerns(a_receipt(recipient=told), a_message(recipient="+436641234567"))


@given(st.text(max_size=30))
def test_any_text_may_stand_for_the_recipient(told: str) -> None:
    agrees = concerns(a_receipt(recipient=told), a_message(recipient="+436641234567"))
    assert agrees in (True, False)


# The choice


def _choice(receipt: Receipt, *known: tuple[str, Message], **when: float) -> int | None:
    """The seq of the message chosen; they are numbered from 1 as given, oldest first."""
    found = choose(
        receipt,
        [(Candidate(carrier_id, seq, 1), m) for seq, (carrier_id, m) in enumerate(known, 1)],
        T0 + seconds(1) + hours(when.get("hours", 0)),
    )
    return None if found is None else found.seq


def test_nothing_is_chosen_from_nothing() -> None:
    assert _choice(a_receipt("c1")) is None


def test_the_very_id_comes_before_a_newer_one_in_another_writing() -> None:
    message = a_message()
    assert _choice(a_receipt("ab"), ("ab", message), ("AB", message), ("00ab", message)) == 1


def test_another_writing_comes_before_a_newer_one_in_another_base() -> None:
    message = a_message()
    receipt = a_receipt("255", recipient=RECIPIENT)
    assert _choice(receipt, ("0255", message), ("ff", message)) == 1
    assert _choice(receipt, ("ff", message), ("0255", message)) == 2


def test_of_equal_writings_the_newest_message_is_chosen() -> None:
    message = a_message()
    receipt = a_receipt("255", recipient=RECIPIENT)
    for writing in ("255", "0255", "ff"):
        assert _choice(receipt, (writing, message), (writing, message)) == 2


def test_of_one_message_the_first_part_is_chosen() -> None:
    message = a_message(segments=2)
    candidates = [(Candidate("c1", 7, segment), message) for segment in (2, 1)]
    assert choose(a_receipt("c1"), candidates, T0) == Candidate("c1", 7, 1)


def test_a_number_in_another_base_needs_the_recipient_to_agree() -> None:
    message = a_message()
    assert _choice(a_receipt("255"), ("ff", message)) is None
    assert _choice(a_receipt("255", recipient=OTHER_RECIPIENT), ("ff", message)) is None
    assert _choice(a_receipt("255", recipient=RECIPIENT), ("ff", message)) == 1
    assert _choice(a_receipt("255", recipient="06641234567"), ("ff", message)) == 1


def test_another_writing_needs_no_recipient_but_none_that_disagrees() -> None:
    message = a_message()
    assert _choice(a_receipt("00AB"), ("ab", message)) == 1
    assert _choice(a_receipt("00AB", recipient=OTHER_RECIPIENT), ("ab", message)) is None


def test_an_older_message_that_agrees_comes_before_a_newer_one_that_does_not() -> None:
    receipt = a_receipt("ab", recipient=RECIPIENT)
    known = [("AB", a_message()), ("ab", a_message(recipient=OTHER_RECIPIENT))]
    assert _choice(receipt, *known) == 1


def test_a_final_message_is_reported_on_for_72_hours_after_its_validity() -> None:
    final = a_message(status=Status.DELIVERED)
    bound = final.expire_time + REPORTED_WITHIN
    candidates = [(Candidate("c1", 1, 1), final)]
    assert choose(a_receipt("c1"), candidates, bound) is not None
    assert choose(a_receipt("c1"), candidates, bound + seconds(0.000001)) is None


def test_one_that_is_not_final_is_reported_on_for_ever() -> None:
    pending = a_message(status=Status.PENDING)
    assert _choice(a_receipt("c1"), ("c1", pending), hours=10_000) == 1


def test_a_used_up_id_falls_to_the_message_that_has_it_now_even_in_another_writing() -> None:
    final = a_message(status=Status.DELIVERED)
    fresh = a_message(status=Status.PENDING, create_time=T0 + hours(200))
    assert _choice(a_receipt("ab"), ("ab", final), ("AB", fresh), hours=201) == 2


_digits = st.text(st.sampled_from("0123456789"), min_size=7, max_size=14)


@given(st.sampled_from(["", "+", "00", "0", "000"]), _digits, st.sampled_from(["", "4", "49"]))
def test_a_recipient_that_agrees_has_the_same_end(prefix: str, digits: str, code: str) -> None:
    message = a_message(recipient=f"+{code}{digits}")
    receipt = a_receipt(recipient=prefix + digits)
    if concerns(receipt, message):
        assert end_of(receipt.recipient) == end_of(message.recipient)
