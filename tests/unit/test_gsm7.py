import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain import gsm7

# 3GPP TS 23.038 §6.2.1 once more, by code, so that the tables check each other.
DEFAULT = {
    0x00: "@", 0x01: "£", 0x02: "$", 0x03: "¥", 0x04: "è", 0x05: "é", 0x06: "ù", 0x07: "ì",
    0x08: "ò", 0x09: "Ç", 0x0A: "\n", 0x0B: "Ø", 0x0C: "ø", 0x0D: "\r", 0x0E: "Å", 0x0F: "å",
    0x10: "Δ", 0x11: "_", 0x12: "Φ", 0x13: "Γ", 0x14: "Λ", 0x15: "Ω", 0x16: "Π", 0x17: "Ψ",
    0x18: "Σ", 0x19: "Θ", 0x1A: "Ξ", 0x1C: "Æ", 0x1D: "æ", 0x1E: "ß", 0x1F: "É", 0x24: "¤",
    0x40: "¡", 0x5B: "Ä", 0x5C: "Ö", 0x5D: "Ñ", 0x5E: "Ü", 0x5F: "§", 0x60: "¿", 0x7B: "ä",
    0x7C: "ö", 0x7D: "ñ", 0x7E: "ü", 0x7F: "à",
}  # fmt: skip
DEFAULT |= {c: chr(c) for c in range(0x20, 0x7B) if c not in DEFAULT}
EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]",
    0x40: "|", 0x65: "€",
}  # fmt: skip
ALPHABET = [*DEFAULT.values(), *EXTENSION.values()]
BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)


def test_the_alphabet_has_127_characters_and_10_more_behind_the_escape() -> None:
    assert len(set(DEFAULT.values())) == 127
    assert frozenset(EXTENSION.values()) == gsm7.EXTENSION_CHARACTERS


@pytest.mark.parametrize(("code", "char"), DEFAULT.items())
def test_a_default_character_is_one_septet_both_ways(code: int, char: str) -> None:
    assert gsm7.encode_septets(char) == bytes([code])
    assert gsm7.decode(bytes([code])) == char


@pytest.mark.parametrize(("code", "char"), EXTENSION.items())
def test_an_extension_character_is_an_escape_pair_both_ways(code: int, char: str) -> None:
    assert gsm7.encode_septets(char) == bytes([0x1B, code])
    assert gsm7.decode(bytes([0x1B, code])) == char


def test_no_other_character_of_unicode_is_gsm7() -> None:
    found = {char for char in map(chr, range(0x110000)) if gsm7.is_gsm7(char)}
    assert found == set(ALPHABET)


@pytest.mark.parametrize("char", "ÀÈÌÒÙçê`’\x00\x1b\t\ufffe\ud800😀")
def test_a_look_alike_of_the_alphabet_is_not_encodable(char: str) -> None:
    assert gsm7.encode_septets(f"a{char}b") is None
    assert gsm7.septet_count(char) is None


@pytest.mark.parametrize(
    ("text", "septets"),
    [("", 0), ("ciao", 4), ("€", 2), ("[@]", 5), ("è\r\n", 3), ("]" * 153, 306)],
)
def test_septets_count_escapes(text: str, septets: int) -> None:
    assert gsm7.septet_count(text) == septets


@BOUNDED
@given(st.text(st.sampled_from(ALPHABET)))
def test_what_is_encoded_decodes_to_the_same_text(text: str) -> None:
    septets = gsm7.encode_septets(text)
    assert septets is not None
    assert septets.isascii()
    assert gsm7.decode(septets) == text


@BOUNDED
@given(st.lists(st.integers(0, 0x7F)).map(bytes))
def test_any_septets_can_be_read(septets: bytes) -> None:
    assert len(gsm7.decode(septets)) <= len(septets)


@pytest.mark.parametrize(
    ("septets", "text"),
    [(b"\x1b", " "), (b"a\x1b", "a "), (b"\x1bA", "A"), (b"\x1b\x1b", " "), (b"\x1b\x00", "@")],
)
def test_an_escape_that_means_nothing_is_read_as_the_specification_says(
    septets: bytes, text: str
) -> None:
    assert gsm7.decode(septets) == text


def test_a_byte_that_is_no_septet_is_refused() -> None:
    with pytest.raises(ValueError, match="0x7F"):
        gsm7.decode(b"a\x8a")
