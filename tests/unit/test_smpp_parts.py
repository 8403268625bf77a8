import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import RECIPIENT, T0, a_message

from smsgate_server.carriers.smpp.codes import Command, Tag
from smsgate_server.carriers.smpp.parts import Unsendable, awaited, parts_of, validity_period
from smsgate_server.carriers.smpp.pdu import Address, Pdu, ShortMessage, encode
from smsgate_server.carriers.smpp.references import References
from smsgate_server.carriers.smpp.settings import (
    Alphabet,
    Concatenation,
    ReceiptsFor,
    SmppSettings,
)
from smsgate_server.domain import gsm7
from smsgate_server.domain.message import Encoding, Message
from smsgate_server.domain.segmentation import count_segments

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
UDH8, UDH16, SAR, PAYLOAD = (
    Concatenation.UDH8,
    Concatenation.UDH16,
    Concatenation.SAR,
    Concatenation.PAYLOAD,
)
REFERENCE = 0xABCD


def some_settings(**overrides: Any) -> SmppSettings:
    values: dict[str, Any] = {"name": "sim", "hosts": ("smsc:2775",), "system_id": "me"}
    return SmppSettings(**(values | overrides))


def a_text(text: str, **overrides: Any) -> Message:
    encoding, count = count_segments(text)
    values: dict[str, Any] = {"encoding": encoding, "segments": count, "characters": len(text)}
    return a_message(text=text, **(values | overrides))


def parts(message: Message | str, **overrides: Any) -> list[ShortMessage]:
    if isinstance(message, str):
        message = a_text(message)
    return parts_of(message, REFERENCE, some_settings(**overrides), T0)


def header_of(part: ShortMessage) -> bytes:
    return part.text[: part.text[0] + 1] if part.esm_class & 0x40 else b""


def words_of(part: ShortMessage) -> bytes:
    """The text of a part without its header, wherever it is."""
    return part.text[len(header_of(part)) :] or part.tlvs.get(Tag.MESSAGE_PAYLOAD, b"")


def text_of(bodies: list[ShortMessage], alphabet: Alphabet = Alphabet.GSM7) -> str:
    """What a handset shows: each part is decoded by itself."""
    return "".join(decoded(body, alphabet) for body in bodies)


def decoded(body: ShortMessage, alphabet: Alphabet) -> str:
    if body.data_coding == 8:
        return words_of(body).decode("utf-16-be")
    if alphabet is Alphabet.GSM7:
        return gsm7.decode(words_of(body))
    return words_of(body).decode("latin-1" if alphabet is Alphabet.LATIN1 else "ascii")


def sizes(bodies: list[ShortMessage]) -> list[int]:
    """Septets, or UTF-16 units."""
    return [len(words_of(body)) // (2 if body.data_coding == 8 else 1) for body in bodies]


# One part


def test_a_short_text_is_one_submit_sm_with_all_its_fields() -> None:
    (part,) = parts(a_text("Hi @{€"), service_type="CMT")
    assert part == ShortMessage(
        source=Address("ACME", 5, 0),
        destination=Address("436641234567", 1, 1),
        text=b"Hi \x00\x1b\x28\x1b\x65",
        esm_class=0,
        data_coding=0,
        registered_delivery=1,
        validity_period="000002000000000R",
        service_type="CMT",
    )


def test_addresses_have_the_type_and_plan_that_the_settings_say() -> None:
    (part,) = parts(a_text("Hi", sender="12345"), sender=(3, 9), recipient=(2, 8))
    assert part.source == Address("12345", 3, 9)
    assert part.destination == Address("436641234567", 2, 8)


def test_a_text_beyond_gsm_7_is_ucs_2() -> None:
    (part,) = parts("жa😀")
    assert part.data_coding == 8
    assert part.text == bytes.fromhex("0436 0061 D83D DE00")
    assert part.esm_class == 0


@pytest.mark.parametrize("form", Concatenation)
@pytest.mark.parametrize(
    "text", ["a", "a" * 160, "€" * 80, "ж", "ж" * 70, "😀" * 35, "@", "\n\r\f"]
)
def test_what_fits_into_one_part_has_no_header_and_no_tlvs(text: str, form: Concatenation) -> None:
    (part,) = parts(text, concatenation=form)
    assert part.esm_class == 0
    assert part.tlvs == {}
    assert text_of([part]) == text


# Many parts

CASES = [
    (UDH8, "a", 160, [160]),
    (UDH8, "a", 161, [153, 8]),
    (UDH8, "a", 306, [153, 153]),
    (UDH8, "a", 307, [153, 153, 1]),
    (UDH16, "a", 160, [160]),
    (UDH16, "a", 161, [152, 9]),
    (UDH16, "a", 304, [152, 152]),
    (UDH16, "a", 305, [152, 152, 1]),
    (SAR, "a", 161, [153, 8]),
    (SAR, "a", 307, [153, 153, 1]),
    (PAYLOAD, "a", 161, [161]),
    (PAYLOAD, "a", 1000, [1000]),
    (UDH8, "ж", 70, [70]),
    (UDH8, "ж", 71, [67, 4]),
    (UDH8, "ж", 135, [67, 67, 1]),
    (UDH16, "ж", 71, [66, 5]),
    (UDH16, "ж", 133, [66, 66, 1]),
    (SAR, "ж", 71, [67, 4]),
    (PAYLOAD, "ж", 71, [71]),
]


@pytest.mark.parametrize(("form", "char", "count", "expected"), CASES)
def test_a_long_text_is_cut_where_the_form_says(
    form: Concatenation, char: str, count: int, expected: list[int]
) -> None:
    bodies = parts(char * count, concatenation=form)
    assert sizes(bodies) == expected
    assert text_of(bodies) == char * count
    assert {body.data_coding for body in bodies} == {0 if char == "a" else 8}


@pytest.mark.parametrize("char", ["a", "ж"])
def test_a_header_with_8_bits_of_reference(char: str) -> None:
    bodies = parts(char * 310, concatenation=UDH8)
    count = len(bodies)
    assert [header_of(body) for body in bodies] == [
        bytes((5, 0, 3, 0xCD, count, number)) for number in range(1, count + 1)
    ]
    assert all(body.esm_class == 0x40 and body.tlvs == {} for body in bodies)


@pytest.mark.parametrize("char", ["a", "ж"])
def test_a_header_with_16_bits_of_reference(char: str) -> None:
    bodies = parts(char * 310, concatenation=UDH16)
    count = len(bodies)
    assert [header_of(body) for body in bodies] == [
        bytes((6, 8, 4, 0xAB, 0xCD, count, number)) for number in range(1, count + 1)
    ]
    assert all(body.esm_class == 0x40 and body.tlvs == {} for body in bodies)


def test_the_first_part_byte_for_byte() -> None:
    first, second = parts("a" * 161)
    assert first.text == bytes.fromhex("05 00 03 CD 02 01") + b"a" * 153
    assert second.text == bytes.fromhex("05 00 03 CD 02 02") + b"a" * 8


@pytest.mark.parametrize("char", ["a", "ж"])
def test_sar_tlvs_instead_of_a_header(char: str) -> None:
    bodies = parts(char * 310, concatenation=SAR)
    count = len(bodies)
    assert [body.tlvs for body in bodies] == [
        {0x020C: b"\xab\xcd", 0x020E: bytes([count]), 0x020F: bytes([number])}
        for number in range(1, count + 1)
    ]
    assert all(body.esm_class == 0 for body in bodies)


@pytest.mark.parametrize(("text", "coding"), [("a" * 161, 0), ("€" * 81, 0), ("ж" * 71, 8)])
def test_a_long_text_in_the_message_payload_is_one_part(text: str, coding: int) -> None:
    (body,) = parts(text, concatenation=PAYLOAD)
    assert body.text == b""
    assert list(body.tlvs) == [0x0424]
    assert body.esm_class == 0
    assert body.data_coding == coding
    assert text_of([body]) == text


def test_a_reference_of_one_octet_or_less_is_written_in_two_where_two_are_due() -> None:
    carrier = some_settings(concatenation=UDH16)
    first, _ = parts_of(a_text("a" * 161), 7, carrier, T0)
    assert header_of(first) == bytes((6, 8, 4, 0, 7, 2, 1))


# Where it may not be cut


@pytest.mark.parametrize(("form", "most"), [(UDH8, 153), (UDH16, 152), (SAR, 153)])
@pytest.mark.parametrize("pair", ["€", "[", "\f", "\r\n"])
def test_an_escape_pair_is_never_split(form: Concatenation, most: int, pair: str) -> None:
    for before in (most - 2, most - 1, most):
        text = "a" * before + pair + "b" * 40
        bodies = parts(text, concatenation=form)
        first = most - 1 if before == most - 1 else most
        assert sizes(bodies) == [first, before + 2 + 40 - first]
        assert text_of(bodies) == text


@pytest.mark.parametrize(("form", "most"), [(UDH8, 67), (UDH16, 66), (SAR, 67)])
def test_a_surrogate_pair_is_never_split(form: Concatenation, most: int) -> None:
    for before in (most - 2, most - 1, most):
        text = "ж" * before + "😀" + "ы" * 20
        bodies = parts(text, concatenation=form)
        first = most - 1 if before == most - 1 else most
        assert sizes(bodies) == [first, before + 2 + 20 - first]
        assert text_of(bodies) == text


TEXTS = st.one_of(
    st.text(st.sampled_from("a]€\r\n@"), min_size=1, max_size=700),
    st.text(st.sampled_from("aж😀\u0301👩\u200d🇮🏽"), min_size=1, max_size=400),
    st.text(st.sampled_from("abcé[à€"), min_size=1, max_size=700),
    st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x1b\0"),
        min_size=1,
        max_size=400,
    ),
)


@BOUNDED
@given(TEXTS, st.sampled_from(Concatenation), st.sampled_from(Alphabet))
def test_parts_decoded_and_joined_give_the_text_back(
    text: str, form: Concatenation, alphabet: Alphabet
) -> None:
    bodies = parts(text, concatenation=form, alphabet=alphabet)
    assert text_of(bodies, alphabet) == text
    for number, body in enumerate(bodies, start=1):
        frame = encode(Pdu(Command.SUBMIT_SM, number, 0, body))
        assert len(frame) < 70_000
        octets = len(header_of(body)) or (6 if body.tlvs else 0)
        room = (140 - octets) // 2 if body.data_coding == 8 else (140 - octets) * 8 // 7
        assert form is PAYLOAD or sizes([body])[0] <= room


# The carrier's alphabet


@pytest.mark.parametrize(
    ("alphabet", "text", "coding", "octets"),
    [
        (Alphabet.GSM7, "é@_", 0, b"\x05\x00\x11"),
        (Alphabet.LATIN1, "é@_", 0, b"\xe9@_"),
        (Alphabet.LATIN1, "[]{}", 0, b"[]{}"),
        (Alphabet.LATIN1, "€", 8, b"\x20\xac"),
        (Alphabet.LATIN1, "Δ", 8, b"\x03\x94"),
        (Alphabet.ASCII, "a@_[", 0, b"a@_["),
        (Alphabet.ASCII, "é", 8, b"\x00\xe9"),
        (Alphabet.ASCII, "€", 8, b"\x20\xac"),
        (Alphabet.LATIN1, "ç", 8, b"\x00\xe7"),
    ],
)
def test_what_the_carriers_alphabet_lacks_is_sent_as_ucs_2(
    alphabet: Alphabet, text: str, coding: int, octets: bytes
) -> None:
    (part,) = parts(text, alphabet=alphabet)
    assert (part.data_coding, part.text) == (coding, octets)


@pytest.mark.parametrize(
    ("alphabet", "form", "text", "expected"),
    [
        (Alphabet.LATIN1, UDH8, "é" * 161, [153, 8]),
        (Alphabet.LATIN1, UDH8, "é" * 160, [160]),
        (Alphabet.LATIN1, PAYLOAD, "é" * 161, [161]),
        (Alphabet.ASCII, UDH8, "é" * 70, [70]),
        (Alphabet.ASCII, UDH8, "é" * 160, [67, 67, 26]),
        (Alphabet.ASCII, UDH16, "é" * 160, [66, 66, 28]),
        (Alphabet.ASCII, SAR, "a" * 300 + "é", [67, 67, 67, 67, 33]),
        (Alphabet.ASCII, PAYLOAD, "é" * 71, [71]),
        # A bracket counts as two septets though the carrier takes it as one octet.
        (Alphabet.LATIN1, UDH8, "[" * 81, [76, 5]),
    ],
)
def test_a_text_may_need_more_segments_in_the_carriers_alphabet(
    alphabet: Alphabet, form: Concatenation, text: str, expected: list[int]
) -> None:
    bodies = parts(text, alphabet=alphabet, concatenation=form)
    assert sizes(bodies) == expected
    assert text_of(bodies, alphabet) == text


def test_a_message_that_is_to_be_ucs_2_is_ucs_2() -> None:
    message = a_text("a" * 71, encoding=Encoding.UCS2, segments=2)
    bodies = parts(message)
    assert [body.data_coding for body in bodies] == [8, 8]
    assert sizes(bodies) == [67, 4]


# How many


@pytest.mark.parametrize("form", [UDH8, SAR, PAYLOAD])
def test_more_segments_than_the_carrier_takes_are_refused(form: Concatenation) -> None:
    carrier: dict[str, Any] = {"max_segments": 3, "concatenation": form}
    assert text_of(parts("a" * 459, **carrier)) == "a" * 459
    with pytest.raises(Unsendable, match="4 segments; the carrier takes 3"):
        parts("a" * 460, **carrier)


def test_segments_are_counted_as_this_carrier_needs_them() -> None:
    assert len(parts("a" * 306, max_segments=2)) == 2
    with pytest.raises(Unsendable, match="3 segments"):
        parts("a" * 306, max_segments=2, concatenation=UDH16)
    with pytest.raises(Unsendable, match="2 segments"):
        parts("é" * 71, max_segments=1, alphabet=Alphabet.ASCII)


def test_32_segments_are_the_most() -> None:
    bodies = parts("a" * 32 * 153)
    assert len(bodies) == 32
    assert header_of(bodies[31]) == bytes((5, 0, 3, 0xCD, 32, 32))
    with pytest.raises(Unsendable, match="33 segments"):
        parts("a" * 32 * 153, concatenation=UDH16)


# Receipts


@pytest.mark.parametrize("form", Concatenation)
@pytest.mark.parametrize("receipts", ReceiptsFor)
def test_every_part_asks_for_a_receipt_unless_there_are_none(
    form: Concatenation, receipts: ReceiptsFor
) -> None:
    bodies = parts("a" * 400, concatenation=form, receipts=receipts)
    wanted = 0 if receipts is ReceiptsFor.NONE else 1
    assert {body.registered_delivery for body in bodies} == {wanted}


@pytest.mark.parametrize(
    ("count", "receipts", "bits"),
    [
        (1, ReceiptsFor.EACH, 0b1),
        (1, ReceiptsFor.FIRST, 0b1),
        (1, ReceiptsFor.LAST, 0b1),
        (3, ReceiptsFor.EACH, 0b111),
        (3, ReceiptsFor.FIRST, 0b001),
        (3, ReceiptsFor.LAST, 0b100),
        (3, ReceiptsFor.NONE, 0b111),
        (32, ReceiptsFor.EACH, 0xFFFFFFFF),
        (32, ReceiptsFor.LAST, 0x80000000),
    ],
)
def test_the_parts_that_must_be_reported(count: int, receipts: ReceiptsFor, bits: int) -> None:
    assert awaited(count, receipts) == bits


# Validity


@pytest.mark.parametrize(
    ("left", "relative"),
    [
        (timedelta(hours=48), "000002000000000R"),
        (timedelta(hours=47, minutes=59, seconds=59), "000001235959000R"),
        (timedelta(hours=24), "000001000000000R"),
        (timedelta(minutes=90, seconds=5), "000000013005000R"),
        (timedelta(seconds=1), "000000000001000R"),
        (timedelta(0), "000000000001000R"),
        (timedelta(seconds=-30), "000000000001000R"),
        (timedelta(seconds=59.7), "000000000100000R"),
        (timedelta(hours=48) - timedelta(milliseconds=3), "000002000000000R"),
    ],
)
def test_the_relative_validity_is_what_is_left(left: timedelta, relative: str) -> None:
    assert validity_period(T0 + left, T0, some_settings()) == relative


@pytest.mark.parametrize(
    ("expire_time", "absolute"),
    [
        (T0 + timedelta(hours=48), "250303120000000+"),
        (datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "251231235959000+"),
        (datetime(2028, 2, 29, tzinfo=UTC), "280229000000000+"),
    ],
)
def test_the_absolute_validity_is_when_it_ends_in_utc(expire_time: datetime, absolute: str) -> None:
    assert validity_period(expire_time, T0, some_settings(validity="absolute")) == absolute


def test_a_carrier_may_want_no_validity() -> None:
    assert {body.validity_period for body in parts("a" * 161, validity="none")} == {""}


@pytest.mark.parametrize(
    ("form", "period"), [("relative", "000002000000000R"), ("absolute", "250303120000000+")]
)
def test_every_part_has_the_validity_of_the_message(form: str, period: str) -> None:
    assert [body.validity_period for body in parts("a" * 161, validity=form)] == [period] * 2


# References


@pytest.mark.parametrize("start", [0, 1, 250, 0xFF00, 0xFFFE, 0xFFFF])
def test_256_references_of_one_recipient_never_collide_in_8_bits(start: int) -> None:
    references = References(lambda: start)
    numbers = []
    for n in range(2000):
        numbers.append(references.next(RECIPIENT) & 0xFF)
        # What others are sent does not matter.
        for other in range(n % 4):
            references.next(f"+4366400000{other}")
    for first in range(len(numbers) - 256):
        assert len(set(numbers[first : first + 256])) == 256


def test_references_of_one_recipient_never_collide_in_16_bits() -> None:
    references = References(lambda: 0xFFF0)
    numbers = [references.next(RECIPIENT) for _ in range(3 * 65_280)]
    for first in (0, 1, 15, 1000, 65_280, 2 * 65_280):
        assert len(set(numbers[first : first + 65_280])) == 65_280
    assert 0 < min(numbers) <= max(numbers) == 0xFFFF


@pytest.mark.parametrize("start", range(0xFFF0, 0x10010))
def test_a_reference_is_never_0(start: int) -> None:
    references = References(lambda: start)
    numbers = [references.next(f"+436640000{n}") for n in range(40)]
    numbers += [references.next(RECIPIENT) for _ in range(40)]
    assert 0 < min(numbers) <= max(numbers) <= 0xFFFF


def test_the_recipients_that_are_remembered_are_bounded_and_the_last_are_kept() -> None:
    references = References(lambda: 0)
    first = references.next(RECIPIENT)
    for n in range(100_050):
        references.next(f"+{n}")
        if n == 60_000:
            assert references.next(RECIPIENT) == first + 1
    assert len(references._last) == 100_000
    assert references.next(RECIPIENT) == first + 2


def test_after_a_restart_hardly_a_handset_gets_the_numbers_again_that_it_had() -> None:
    recipients = [f"+43664{n:07}" for n in range(2_000)]
    chance = random.Random(5)
    lives = [References(lambda: chance.getrandbits(16)) for _ in range(2)]
    before, after = ([life.next(r) & 0xFF for r in recipients] for life in lives)
    again = sum(one == other for one, other in zip(before, after, strict=True))
    # One in 256 is what chance gives.
    assert again < 3 * len(recipients) / 256
    assert len(set(before)) == 256
