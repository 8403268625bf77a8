import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain import gsm7, smart_encoding
from smsgate_server.domain.segmentation import count_segments
from smsgate_server.domain.smart_encoding import (
    MAX_FORCING_CHARACTERS,
    ForcingCharacter,
    SmartText,
    cheaper_spelling,
    forcing_characters,
    simplify,
    substitute_for,
)

BOUNDED = settings(deadline=None, max_examples=300, derandomize=True)
TEXTS = st.one_of(
    st.text(st.sampled_from("ab€“”’–…\u00a0\u200bêçÀ😀ж\u0301"), max_size=200),
    st.text(max_size=100),
)


@pytest.mark.parametrize(
    ("text", "simple", "substituted"),
    [
        ("It’s “fine”", 'It\'s "fine"', 3),
        ("10–12 — or −3", "10-12 - or -3", 3),
        ("wait…", "wait...", 1),
        ("a\u00a0b\u202fc\u2009d\u3000e", "a b c d e", 4),
        ("zero\u200bwidth\ufeff", "zerowidth", 2),
        ("• one\u2028• two", "* one\n* two", 3),
        ("`code´", "'code'", 2),
        ("ＡＢ！", "AB!", 3),
        ("ﬁne", "fine", 1),
        ("l·l", "l.l", 1),
    ],
)
def test_typography_becomes_gsm7(text: str, simple: str, substituted: int) -> None:
    assert simplify(text) == SmartText(simple, substituted)


@pytest.mark.parametrize(
    "text", ["", "plain €", "“ж”", "😀 it’s", "ça “va”", "\u200b", "a\u0301’", "\x1b’"]
)
def test_a_text_that_would_not_be_gsm7_as_a_whole_is_left_alone(text: str) -> None:
    assert simplify(text) == SmartText(text, 0)


def test_a_substitute_is_always_gsm7_and_only_for_what_is_not() -> None:
    substituted = [c for c in map(chr, range(0x110000)) if substitute_for(c) is not None]
    assert len(substituted) > 150
    for char in substituted:
        assert not gsm7.is_gsm7(char)
        assert gsm7.is_gsm7(substitute_for(char) or "")


def test_every_space_of_unicode_has_a_substitute() -> None:
    spaces = [c for c in map(chr, range(0x80, 0x110000)) if unicodedata.category(c) == "Zs"]
    assert {substitute_for(char) for char in spaces} == {" "}


def test_every_undecomposed_letter_has_a_gsm7_spelling_it_lacks_itself() -> None:
    for letter, plain in smart_encoding._UNDECOMPOSED.items():
        assert not gsm7.is_gsm7(letter)
        assert gsm7.is_gsm7(plain)


@BOUNDED
@given(TEXTS)
def test_simplifying_changes_nothing_or_makes_all_of_it_gsm7(text: str) -> None:
    result = simplify(text)
    assert (result.text == text) == (result.substituted == 0)
    assert result.text == text or gsm7.is_gsm7(result.text)
    assert simplify(result.text) == SmartText(result.text, 0)


@pytest.mark.parametrize(
    ("letters", "plain"),
    [
        ("ÀÈÌÒÙ", "AEIOU"),
        ("çêâîôûëï", "ceaioueı".replace("ı", "i")),
        ("łŁœŒđ", "lLoeOEd"),
        ("ǘế", "üe"),
        ("e\u0301x\u0302", "éx"),
        ("“ñ”", '"ñ"'),
        ("Ångström", "Ångström"),
        ("ćšžőű", "cszou"),
    ],
)
def test_a_cheaper_spelling_drops_the_accents_gsm7_lacks_and_no_others(
    letters: str, plain: str
) -> None:
    padding = "ê" + "a" * 80
    assert cheaper_spelling(letters + padding) == plain + "e" + "a" * 80


@pytest.mark.parametrize(
    "text", ["", "a" * 200, "ê", "ê" + "a" * 69, "ж" * 80, "😀" + "a" * 80, "ê中" + "a" * 80]
)
def test_there_is_no_cheaper_spelling_where_none_saves_a_segment(text: str) -> None:
    assert cheaper_spelling(text) is None


@BOUNDED
@given(TEXTS)
def test_a_cheaper_spelling_is_gsm7_and_has_fewer_segments(text: str) -> None:
    spelling = cheaper_spelling(text)
    if spelling is not None:
        assert gsm7.is_gsm7(spelling)
        assert count_segments(spelling)[1] < count_segments(text)[1]


def test_forcing_characters_are_named_with_their_place_and_substitute() -> None:
    assert forcing_characters("è’ç\u200b😀") == (
        ForcingCharacter("’", "U+2019", 1, "'"),
        ForcingCharacter("ç", "U+00E7", 2, "c"),
        ForcingCharacter("\u200b", "U+200B", 3, ""),
        ForcingCharacter("😀", "U+1F600", 4, None),
    )


def test_no_more_than_the_first_hundred_forcing_characters_are_named() -> None:
    found = forcing_characters("a" + "ж" * 500)
    assert len(found) == MAX_FORCING_CHARACTERS
    assert (found[0].offset, found[-1].offset) == (1, 100)


@BOUNDED
@given(TEXTS)
def test_a_text_has_forcing_characters_exactly_if_it_is_not_gsm7(text: str) -> None:
    found = forcing_characters(text)
    assert bool(found) != gsm7.is_gsm7(text)
    for each in found:
        assert text[each.offset] == each.char
        assert not gsm7.is_gsm7(each.char)
        assert each.substitute is None or gsm7.is_gsm7(each.substitute)
