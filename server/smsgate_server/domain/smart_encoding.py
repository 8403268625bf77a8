"""Spelling a text in GSM-7 where it says the same: one typographic quote costs 90 characters.

Two levels. What `simplify` replaces no reader will miss, and it is done only on request. What
`cheaper_spelling` proposes (letters without their accents) changes the spelling: it is only shown.
"""

import unicodedata
from dataclasses import dataclass
from itertools import islice

from smsgate_server.domain import gsm7
from smsgate_server.domain.segmentation import count_segments

MAX_FORCING_CHARACTERS = 100

_GROUPS = {
    "'": "`´ʹʻʼʽʾʿˈˊˋ‘’‚‛′‵‹›❛❜",
    '"': "«»ʺ˝“”„‟″‶❝❞〝〞〟",
    "-": "‐‑‒–—―−⁃⁻₋─﹘﹣",
    "*": "•‣●▪◦∙⁎∗",
    ".": "·․‧⋅",
    "..": "‥",
    "...": "…⋯",
    "/": "⁄∕",
    ":": "∶",
    "~": "∼˜",
    "^": "ˆ",
    "|": "∣¦",
    "!!": "‼",
    "<": "˂",
    ">": "˃",
    "x": "×",
    "ff": "ﬀ",
    "fi": "ﬁ",
    "fl": "ﬂ",
    "ffi": "ﬃ",
    "ffl": "ﬄ",
    "st": "ﬅﬆ",
    # Spaces of every width (general category Zs), and the line and paragraph separators.
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
    "\u205f\u3000",
    "\n": "\u2028\u2029",
    # Invisible: soft hyphen, zero-width characters, direction marks, variation selectors 15 and 16.
    "": "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff",
}


def _substitutes() -> dict[int, str]:
    table = {ord(char): plain for plain, chars in _GROUPS.items() for char in chars}
    # The full-width forms repeat ASCII in order, from U+FF01 for "!"; GSM-7 has no grave accent.
    full_width = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    return table | full_width | {0xFF40: "'"}


_SUBSTITUTES = _substitutes()

# Letters that Unicode does not decompose into a base and a mark.
_UNDECOMPOSED = {
    "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Ħ": "H", "ħ": "h", "ı": "i",
    "Œ": "OE", "œ": "oe", "Þ": "Th", "þ": "th", "ẞ": "SS", "ĸ": "k", "Ŋ": "N", "ŋ": "n", "Ŧ": "T",
    "ŧ": "t", "Ŀ": "L", "ŀ": "l", "ŉ": "'n", "Ĳ": "IJ", "ĳ": "ij", "ſ": "s", "Ə": "E", "ə": "e",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SmartText:
    """The text to send, and how many characters of the text given were replaced or removed."""

    text: str
    substituted: int


@dataclass(frozen=True, slots=True)
class ForcingCharacter:
    """A character that GSM-7 lacks, at `offset` code points into the text.

    `substitute` is "" for one that can be left out, and None if nothing can stand in its place.
    """

    char: str
    code_point: str
    offset: int
    substitute: str | None


def substitute_for(char: str) -> str | None:
    """What `simplify` puts in place of `char`: always GSM-7, perhaps empty; None if nothing."""
    return _SUBSTITUTES.get(ord(char))


def simplify(text: str) -> SmartText:
    """`text` with its typography in GSM-7, if that makes the whole of it GSM-7; else as it is."""
    unchanged = SmartText(text, 0)
    if gsm7.is_gsm7(text):
        return unchanged
    simple = text.translate(_SUBSTITUTES)
    # Of a text of nothing but invisible characters nothing would be left to send.
    if not simple or not gsm7.is_gsm7(simple):
        return unchanged
    return SmartText(simple, sum(ord(char) in _SUBSTITUTES for char in text))


def cheaper_spelling(text: str) -> str | None:
    """A GSM-7 spelling that needs fewer segments, accents dropped where need be; None if none."""
    if gsm7.is_gsm7(text):
        return None
    composed = unicodedata.normalize("NFC", text)
    table = {ord(char): _plain(char) for char in set(composed) if not gsm7.is_gsm7(char)}
    if None in table.values():
        return None
    spelled = composed.translate(table)
    return spelled if spelled and count_segments(spelled)[1] < count_segments(text)[1] else None


def forcing_characters(text: str) -> tuple[ForcingCharacter, ...]:
    """The characters for which `text` must be UCS-2, the first MAX_FORCING_CHARACTERS of them."""
    if gsm7.is_gsm7(text):
        return ()
    found = ((at, char) for at, char in enumerate(text) if not gsm7.is_gsm7(char))
    return tuple(
        ForcingCharacter(char, f"U+{ord(char):04X}", at, _plain(char))
        for at, char in islice(found, MAX_FORCING_CHARACTERS)
    )


def _plain(char: str) -> str | None:
    substitute = substitute_for(char)
    return _without_accents(char) if substitute is None else substitute


def _without_accents(char: str) -> str | None:
    """The letter with as many of its marks as GSM-7 can keep: U+01D8 is ü, but ç is c."""
    if unicodedata.combining(char):
        return ""
    marks = unicodedata.normalize("NFD", char)
    for end in range(len(marks), 0, -1):
        candidate = unicodedata.normalize("NFC", marks[:end])
        candidate = _UNDECOMPOSED.get(candidate, candidate)
        if gsm7.is_gsm7(candidate):
            return candidate
    return None
