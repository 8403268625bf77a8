import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain import gsm7, segmentation
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.domain.message import Encoding
from smsgate_server.domain.segmentation import (
    MAX_TEXT_CHARACTERS,
    Segment,
    check_text,
    count_segments,
    segment,
)

GSM7, UCS2 = Encoding.GSM7, Encoding.UCS2
BOUNDED = settings(deadline=None, max_examples=300, derandomize=True)
# Whole texts made of few kinds of characters: escapes and clusters fall on every possible cut.
CROWDED = st.text(st.sampled_from("a]€\r\n@"), max_size=700)
BROKEN = st.text(
    st.sampled_from("aж😀\u0301\u200d🇮🏽👩가\u1100\u1161\u0915\u094d\r\n"), max_size=400
)
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
TEXTS = st.one_of(CROWDED, BROKEN, ANY)

# Each is one grapheme cluster, and stays one whatever stands beside it.
CLUSTERS = [
    "a", "ж", "]", "€", "中", "😀", "\r\n", "e\u0301", "и\u0306", "👩\u200d👩\u200d👧\u200d👦",
    "👍🏽", "🇮🇹", "🇪🇸",
    "❤\ufe0f", "1\ufe0f\u20e3", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "각", "가\u11a8", "\u1112\u1161\u11ab", "क्ष", "की", "กำ", "ｶﾞ",
]  # fmt: skip


def units(text: str, encoding: Encoding) -> int:
    if encoding is GSM7:
        return sum(2 if char in "\f^{}\\[~]|€" else 1 for char in text)
    return sum(2 if ord(char) > 0xFFFF else 1 for char in text)


def naive_segments(clusters: list[str]) -> tuple[Encoding, list[str]]:
    """The same, the slow way, from a text whose clusters are known."""
    text = "".join(clusters)
    encoding = GSM7 if all(gsm7.is_gsm7(char) for char in text) else UCS2
    single, multi = (160, 153) if encoding is GSM7 else (70, 67)
    if units(text, encoding) <= single:
        return encoding, [text]
    parts = [""]
    for cluster in clusters:
        if units(parts[-1] + cluster, encoding) > multi:
            parts.append("")
        parts[-1] += cluster
    return encoding, parts


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", GSM7, 1),
        ("a" * 160, GSM7, 1),
        ("a" * 161, GSM7, 2),
        ("a" * 306, GSM7, 2),
        ("a" * 307, GSM7, 3),
        ("]" * 80, GSM7, 1),
        ("]" * 81, GSM7, 2),
        ("]" * 152, GSM7, 2),
        ("]" * 153, GSM7, 3),
        ("@" * 160, GSM7, 1),
        ("ж" * 70, UCS2, 1),
        ("ж" * 71, UCS2, 2),
        ("ж" * 134, UCS2, 2),
        ("ж" * 135, UCS2, 3),
        ("😀" * 35, UCS2, 1),
        ("😀" * 36, UCS2, 2),
        ("😀" * 66, UCS2, 2),
        ("😀" * 67, UCS2, 3),
        ("a" * 71 + "ç", UCS2, 2),
        ("àèéìòùÉÇ" * 20, GSM7, 1),
        *((char, UCS2, 1) for char in "ÀÈÌÒÙçê"),
    ],
)
def test_a_text_has_as_many_segments_as_the_specification_says(
    text: str, encoding: Encoding, count: int
) -> None:
    assert count_segments(text) == (encoding, count)
    assert segment(text).count == count


def test_characters_are_code_points_and_units_are_septets_or_utf16() -> None:
    assert segment("a€").segments == (Segment("a€", 3, 160),)
    assert segment("a😀").segments == (Segment("a😀", 3, 70),)
    assert (segment("a😀").characters, segment("a😀").units_used) == (2, 3)


def test_the_units_of_a_long_text_add_up() -> None:
    long = segment("a" * 200)
    assert (long.units_used, long.units_available) == (200, 306)
    assert [part.units_available for part in long.segments] == [153, 153]


def test_an_escape_pair_is_never_split() -> None:
    first, second = segment("a" * 152 + "€" + "b" * 100).segments
    assert (first.text, first.units_used) == ("a" * 152, 152)
    assert second.text.startswith("€")


def test_a_surrogate_pair_is_never_split() -> None:
    first, second = segment("ж" * 66 + "😀" + "ж" * 10).segments
    assert (first.text, first.units_used) == ("ж" * 66, 66)
    assert second.text.startswith("😀")


@pytest.mark.parametrize("cluster", [c for c in CLUSTERS if len(c) > 1])
def test_a_grapheme_cluster_is_never_split(cluster: str) -> None:
    for before in range(67 - units(cluster, UCS2) + 1, 67):
        parts = [part.text for part in segment("ж" * before + cluster + "ж" * 50).segments]
        assert parts == ["ж" * before, cluster + "ж" * 50]


def test_cr_lf_is_never_split_in_gsm7_either() -> None:
    first, second = segment("a" * 152 + "\r\n" + "b" * 100).segments
    assert (first.text, second.text) == ("a" * 152, "\r\n" + "b" * 100)
    # A form feed is an escape and the code of LF: no cluster with the CR before it.
    assert segment("a" * 152 + "\r\f" + "b" * 100).segments[0].text == "a" * 152 + "\r"


def test_a_cluster_longer_than_a_segment_is_cut_where_the_segment_ends() -> None:
    parts = segment("ж" + "\u0301" * 199).segments
    assert [part.units_used for part in parts] == [67, 67, 66]


def test_an_odd_number_of_flag_halves_is_cut_between_flags() -> None:
    parts = segment("🇮🇹" * 40).segments
    assert [part.text for part in parts] == ["🇮🇹" * 16, "🇮🇹" * 16, "🇮🇹" * 8]


def test_the_short_cut_for_plain_characters_agrees_with_the_rule() -> None:
    plain = [char for char in map(chr, range(0x10000)) if segmentation._PLAIN_PAIR.match(char * 2)]
    assert len(plain) > 20_000
    for char in plain:
        assert not any(segmentation._joined(pair, 0, 1) for pair in (f"{char}a", f"a{char}"))


@BOUNDED
@given(TEXTS)
def test_segments_rejoin_to_the_text(text: str) -> None:
    assert "".join(part.text for part in segment(text).segments) == text


@BOUNDED
@given(TEXTS)
def test_no_segment_is_over_its_limit_or_empty(text: str) -> None:
    result = segment(text)
    for part in result.segments:
        assert part.units_used == units(part.text, result.encoding) <= part.units_available
        assert part.text or not text


@BOUNDED
@given(TEXTS)
def test_each_segment_decodes_alone(text: str) -> None:
    result = segment(text)
    for part in result.segments:
        if result.encoding is GSM7:
            septets = gsm7.encode_septets(part.text)
            assert septets is not None
            assert not septets.endswith(b"\x1b")
            assert gsm7.decode(septets) == part.text
        else:
            assert part.text.encode("utf-16-be").decode("utf-16-be") == part.text


@BOUNDED
@given(TEXTS)
def test_the_count_alone_agrees_with_the_segments(text: str) -> None:
    result = segment(text)
    assert count_segments(text) == (result.encoding, result.count)
    assert result.characters == len(text)


@BOUNDED
@given(st.lists(st.sampled_from(CLUSTERS), max_size=300))
def test_segments_are_those_of_the_naive_way(clusters: list[str]) -> None:
    encoding, parts = naive_segments(clusters)
    result = segment("".join(clusters))
    assert (result.encoding, [part.text for part in result.segments]) == (encoding, parts)


@BOUNDED
@given(st.lists(st.sampled_from(["a", "]", "€", "@", "\r\n", "\f", "à"]), max_size=700))
def test_gsm7_segments_are_those_of_the_naive_way(clusters: list[str]) -> None:
    encoding, parts = naive_segments(clusters)
    result = segment("".join(clusters))
    assert (result.encoding, [part.text for part in result.segments]) == (encoding, parts)


@BOUNDED
@given(st.text(st.characters(), max_size=300))
def test_even_a_text_with_lone_surrogates_has_segments(text: str) -> None:
    assert "".join(part.text for part in segment(text).segments) == text


@pytest.mark.parametrize("text", ["a", "a\n\r\f\u2028", "😀", "\ue000", "a" * MAX_TEXT_CHARACTERS])
def test_a_text_that_can_be_sent_is_let_through(text: str) -> None:
    assert check_text(text) is None


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("", ErrorReason.FIELD_REQUIRED, "empty"),
        ("a\x1bb", ErrorReason.INVALID_TEXT, "U+001B, a control character, at offset 1"),
        ("\x00", ErrorReason.INVALID_TEXT, "U+0000, a control character, at offset 0"),
        ("ab\t", ErrorReason.INVALID_TEXT, "U+0009, a control character, at offset 2"),
        ("😀\x7f", ErrorReason.INVALID_TEXT, "U+007F, a control character, at offset 1"),
        ("\x85", ErrorReason.INVALID_TEXT, "U+0085, a control character, at offset 0"),
        ("a\ud83d", ErrorReason.INVALID_TEXT, "U+D83D, a lone surrogate, at offset 1"),
        ("a" * (MAX_TEXT_CHARACTERS + 1), ErrorReason.FIELD_TOO_LONG, "5001 characters"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused(text: str, reason: ErrorReason, words: str) -> None:
    violation = check_text(text)
    assert violation is not None
    assert (violation.field, violation.reason) == ("text", reason)
    assert words in violation.description


def test_of_all_control_characters_only_lf_ff_and_cr_are_let_through() -> None:
    controls = [*range(0x20), *range(0x7F, 0xA0)]
    assert [code for code in controls if check_text(chr(code)) is None] == [0x0A, 0x0C, 0x0D]
