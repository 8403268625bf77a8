import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smsgate_server.domain.policy import ForbiddenWords

BOUNDED = settings(deadline=None, max_examples=200, derandomize=True)
WORDS = ForbiddenWords(["casino", "Free Money", "ano", "Straße", "заём", "c++", "की", "free"])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("casino", "casino"),
        ("the CASINO!", "casino"),
        ("ＣＡＳＩＮＯ", "casino"),
        ("𝐜𝐚𝐬𝐢𝐧𝐨", "casino"),
        ("ca\u200bsi\u00adno", "casino"),
        ("the\u200bcasino\u2060now", "casino"),
        ("ca\u3164si\ufe0fno", "casino"),
        ("get free money now", "Free Money"),
        ("FREE\n  money", "Free Money"),
        ("free-money", "Free Money"),
        ("free, money", "Free Money"),
        ("free lunch", "free"),
        ("STRASSE", "Straße"),
        ("заем заём", "заём"),
        ("зае\u0308м", "заём"),
        ("I write c++ code", "c++"),
        ("की", "की"),
    ],
)
def test_a_forbidden_word_is_found_and_named_as_the_list_spells_it(text: str, word: str) -> None:
    assert WORDS.find(text) == word


@pytest.mark.parametrize(
    "text",
    [
        "",
        "casinos",
        "mycasino",
        "casino_1",
        "año",
        "an\u0303o",
        "freemoney",
        "freedom",
        "заем",
        "c+",
        "कीं",
        "cásino",
        "ca\u0301sino",
        # Cyrillic es, a and o.
        "\u0441\u0430sin\u043e",
    ],
)
def test_what_only_looks_like_a_forbidden_word_is_let_through(text: str) -> None:
    assert WORDS.find(text) is None


def test_a_word_ends_neither_before_nor_after_a_combining_mark() -> None:
    assert ForbiddenWords(["क"]).find("की") is None
    assert ForbiddenWords(["a"]).find("x\u0302a") is None


def test_characters_of_regular_expressions_are_taken_as_they_are() -> None:
    words = ForbiddenWords(["a.c", "(x|y)"])
    assert words.find("a.c") == "a.c"
    assert words.find("abc") is None
    assert words.find("say (x|y) now") == "(x|y)"


@pytest.mark.parametrize("words", [[], [""], ["  ", "\u200b"]])
def test_an_empty_list_forbids_nothing(words: list[str]) -> None:
    nothing = ForbiddenWords(words)
    assert nothing.empty
    assert nothing.find("casino") is None


def test_a_list_with_words_is_not_empty() -> None:
    assert not WORDS.empty


@BOUNDED
@given(st.text(max_size=80))
def test_any_text_can_be_searched(text: str) -> None:
    assert WORDS.find(text) in {
        None,
        "casino",
        "Free Money",
        "ano",
        "Straße",
        "заём",
        "c++",
        "की",
        "free",
    }


@BOUNDED
@given(st.lists(st.text(max_size=10), max_size=5))
def test_any_list_can_be_compiled(words: list[str]) -> None:
    assert ForbiddenWords(words).find("plain text") in {None, *words}


@BOUNDED
@given(st.text("abc", min_size=1, max_size=8), st.text(" .,\n", min_size=1, max_size=3))
def test_a_word_among_others_is_always_found(word: str, gap: str) -> None:
    assert ForbiddenWords([word]).find(f"x{gap}{word}{gap}y") == word


_PIECES = st.text("abB1_-. +", max_size=12)


@BOUNDED
@given(st.lists(_PIECES, max_size=6), _PIECES)
def test_what_is_seen_to_be_innocent_at_once_is_innocent(words: list[str], text: str) -> None:
    # A list with a word of signs alone has to be searched for.
    searched = ForbiddenWords([*words, "~~"])

    assert ForbiddenWords(words).find(text) == searched.find(text)
