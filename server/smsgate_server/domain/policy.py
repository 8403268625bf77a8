"""Content that the operator does not let through."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

# Unicode's Default_Ignorable_Code_Point, as ranges: drawn as nothing, so good for hiding a word.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_BETWEEN_WORDS = r"[\W_]+"
_SEPARATOR = re.compile(_BETWEEN_WORDS)
_TOKEN = re.compile("[a-z0-9]+")
# Makes an ASCII text its tokens, in small letters and with spaces between them.
_TO_TOKENS = "".join(c.lower() if c.isalnum() else " " for c in map(chr, range(128))).encode()
_TO_TOKENS += bytes(128)


class ForbiddenWords:
    """A list of words and phrases, matched whole, whatever their case, width or composition.

    Accents count: `ano` is not found in `año`. So do scripts: a look-alike of another one is
    another character. The words of a phrase may stand any punctuation or white space apart.
    Invisible characters hide nothing. An empty list costs nothing, and for a text in ASCII that has
    none of the words a long one costs no more than a short one.
    """

    __slots__ = ("_names", "_pattern", "_tokens", "empty")

    def __init__(self, words: Iterable[str]) -> None:
        self._names: dict[str, str] = {}
        for word in words:
            if parts := _normal(_INVISIBLE.sub("", word)).split():
                self._names.setdefault(" ".join(parts), word)
        self._pattern = _compiled(self._names)
        self._tokens = _tokens(self._names)
        self.empty = self._pattern is None

    def find(self, text: str) -> str | None:
        """A word of the list that `text` contains, as the list spells it; None if there is none."""
        if self._pattern is None:
            return None
        if text.isascii():
            # Is as it should be but for its case.
            match = None if self._innocent(text) else self._pattern.search(text.lower())
            return None if match is None else self._named(match)
        if not _INVISIBLE.search(text):
            return self._search(text)
        # A zero-width space may hide inside a word, or be all that separates it from the next.
        joined, apart = _INVISIBLE.sub("", text), _INVISIBLE.sub(" ", text)
        return self._search(joined) or self._search(apart)

    def _innocent(self, ascii_text: str) -> bool:
        """Whether it is seen at once that none of the words can be in it."""
        if self._tokens is None:
            return False
        return self._tokens.isdisjoint(ascii_text.encode().translate(_TO_TOKENS).split())

    def _search(self, text: str) -> str | None:
        assert self._pattern is not None
        match = self._pattern.search(_normal(text))
        return None if match is None else self._named(match)

    def _named(self, match: re.Match[str]) -> str:
        return self._names.get(match[0]) or self._names.get(_SEPARATOR.sub(" ", match[0]), match[0])


def _normal(text: str) -> str:
    # Folding can undo the normal form, so it is made again: Unicode §3.13, D147.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def _tokens(phrases: Iterable[str]) -> frozenset[bytes] | None:
    """Of each phrase that can be in an ASCII text its longest run of letters and digits, which such
    a text then has between others; None if one has no such run.
    """
    runs = [_TOKEN.findall(phrase) for phrase in phrases if phrase.isascii()]
    if not all(runs):
        return None
    return frozenset(max(found, key=len).encode() for found in runs)


def _compiled(phrases: Iterable[str]) -> re.Pattern[str] | None:
    # The longest first, so that of a phrase and its first word the phrase is named.
    ordered = sorted(phrases, key=len, reverse=True)
    if not ordered:
        return None
    choices = "|".join(_BETWEEN_WORDS.join(map(re.escape, p.split())) for p in ordered)
    word = rf"[\w{_marks()}]"
    return re.compile(f"(?<!{word})(?:{choices})(?!{word})")


@cache
def _marks() -> str:
    r"""The combining marks: part of a word in many scripts, but not of `re`'s \w."""
    # The scripts beyond U+FFFF are nearly all dead, and would make each search three times slower.
    chars = map(chr, range(0x300, 0x10000))
    return "".join(char for char in chars if unicodedata.category(char).startswith("M"))
