"""How a text becomes segments (3GPP TS 23.038 §6.2, TS 23.040 §9.2.3.24.1).

A segment holds 140 octets: 160 septets or 70 UTF-16 units. The concatenation header with an 8-bit
reference takes six of them from each segment of a longer text, which leaves 153 or 67. No cut
separates an escape from its code, the halves of a surrogate pair, or the parts of a grapheme
cluster that would fit in a segment; so the count is not simply the length divided.
"""

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from smsgate_server.domain import gsm7
from smsgate_server.domain.errors import ErrorReason, Violation
from smsgate_server.domain.message import Encoding

_OCTETS = 140
# The concatenation header, with a reference of 8 or of 16 bits.
UDH8_OCTETS = 6
UDH16_OCTETS = 7

GSM7_SINGLE = 160
GSM7_MULTI = 153
UCS2_SINGLE = 70
UCS2_MULTI = 67

# Enough for the most segments a caller may ask for (32 x 153 = 4,896). Bounds all work on a text.
MAX_TEXT_CHARACTERS = 5_000

# LF, CR and FF have septets. A raw ESC would let a caller write septets of his own choice.
_FORBIDDEN = re.compile("[\x00-\x09\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a text that travels by itself. Units are septets, or UTF-16 units for UCS-2."""

    text: str
    units_used: int
    units_available: int


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The segments of a text, in order: joined, their texts are the text. There is at least one."""

    encoding: Encoding
    characters: int
    segments: tuple[Segment, ...]

    @property
    def count(self) -> int:
        return len(self.segments)

    @property
    def units_used(self) -> int:
        return sum(segment.units_used for segment in self.segments)

    @property
    def units_available(self) -> int:
        return sum(segment.units_available for segment in self.segments)


def check_text(text: str) -> Violation | None:
    """What makes `text` unfit to be sent, or None. The other functions here take any text."""
    if not text:
        return Violation("text", ErrorReason.FIELD_REQUIRED, "is empty")
    if len(text) > MAX_TEXT_CHARACTERS:
        description = f"has {len(text)} characters; at most {MAX_TEXT_CHARACTERS} are allowed"
        return Violation("text", ErrorReason.FIELD_TOO_LONG, description)
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    what = "a lone surrogate" if found[0] >= "\ud800" else "a control character"
    description = f"contains U+{ord(found[0]):04X}, {what}, at offset {found.start()}"
    return Violation("text", ErrorReason.INVALID_TEXT, description)


def count_segments(text: str) -> tuple[Encoding, int]:
    """The encoding and number of segments, as `segment` would give them, without the segments."""
    septets = gsm7.encode_septets(text)
    if septets is not None:
        single = len(septets) <= GSM7_SINGLE
        return Encoding.GSM7, 1 if single else len(_septet_cuts(septets)) - 1
    single = _utf16_units(text) <= UCS2_SINGLE
    return Encoding.UCS2, 1 if single else len(_ucs2_cuts(text)) - 1


def segment(text: str, header: int = UDH8_OCTETS) -> Segmentation:
    """The segments of `text`, each as full as can be; GSM-7 if each character has a septet.

    `header` is what concatenation takes of each, in octets.
    """
    septets = gsm7.encode_septets(text)
    if septets is None:
        return segment_ucs2(text, header)
    return Segmentation(Encoding.GSM7, len(text), _gsm7_segments(text, septets, header))


def segment_ucs2(text: str, header: int = UDH8_OCTETS) -> Segmentation:
    """The same in UCS-2, whatever GSM-7 could write of it."""
    return Segmentation(Encoding.UCS2, len(text), _ucs2_segments(text, (_OCTETS - header) // 2))


def _gsm7_segments(text: str, septets: bytes, header: int) -> tuple[Segment, ...]:
    if len(septets) <= GSM7_SINGLE:
        return (Segment(text, len(septets), GSM7_SINGLE),)
    most = (_OCTETS - header) * 8 // 7
    segments = []
    offset = 0
    for start, end in pairwise(_septet_cuts(septets, most)):
        characters = end - start - septets.count(gsm7.ESCAPE, start, end)
        segments.append(Segment(text[offset : offset + characters], end - start, most))
        offset += characters
    return tuple(segments)


def _septet_cuts(septets: bytes, most: int = GSM7_MULTI) -> list[int]:
    """Where each segment begins, and the end. The one cluster that GSM-7 can write is CR LF."""
    cuts = [0]
    while (end := cuts[-1] + most) < len(septets):
        before = septets[end - 1]
        crlf = before == 0x0D and septets[end] == 0x0A
        cuts.append(end - 1 if crlf or before == gsm7.ESCAPE else end)
    return [*cuts, len(septets)]


def _ucs2_segments(text: str, most: int) -> tuple[Segment, ...]:
    if (units := _utf16_units(text)) <= UCS2_SINGLE:
        return (Segment(text, units, UCS2_SINGLE),)
    parts = (text[start:end] for start, end in pairwise(_ucs2_cuts(text, most)))
    return tuple(Segment(part, _utf16_units(part), most) for part in parts)


def _ucs2_cuts(text: str, most: int = UCS2_MULTI) -> list[int]:
    """Where each segment begins, and the end."""
    cuts = [0]
    while (end := _fitting(text, cuts[-1], most)) < len(text):
        plain = _PLAIN_PAIR.match(text, end - 1)
        cuts.append(end if plain else _cluster_start(text, cuts[-1], end))
    return [*cuts, len(text)]


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _fitting(text: str, start: int, most: int) -> int:
    """The end of the most characters from `start` on that fit in `most` units."""
    part = text[start : start + most]
    # A character has at most two units, so this never drops one too many.
    while (excess := _utf16_units(part) - most) > 0:
        part = part[: -((excess + 1) // 2)]
    return start + len(part)


def _cluster_start(text: str, start: int, end: int) -> int:
    """The last cut up to `end` that is inside no cluster; `end` if one cluster fills it all."""
    cut = end
    while cut > start and _joined(text, start, cut):
        cut -= 1
    return cut if cut > start else end


# The rules of Unicode UAX #29 §3.1.1, as far as unicodedata can tell. Where it cannot, characters
# count as joined: the cost is a cut a little earlier, never a broken character on the screen.
_ZERO_WIDTH_JOINER = "\u200d"
# Two that never join, of the scripts most written: Latin, Greek, Cyrillic, Armenian, kana, Han.
_PLAIN_PAIR = re.compile(
    "[ -~\u00a0-\u02ff\u0370-\u0482\u048a-\u0590\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]{2}"
)
# Extending, though not marks: (non-)joiners, Thai and Lao AM, half-width voicing marks.
_EXTENDERS = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f")
_PREPENDED = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2")
_VIRAMA = 9  # The canonical combining class of the marks that bind two consonants.
_JAMO_JOINS = frozenset({"LL", "LV", "LS", "LB", "SV", "VV", "ST", "VT", "BT", "TT"})


def _joined(text: str, start: int, cut: int) -> bool:
    """Whether a cut there would be inside a cluster, given that none began before `start`."""
    before, after = text[cut - 1], text[cut]
    if before < " " or after < " ":
        return before == "\r" and after == "\n"
    return (
        _extends(after)
        or before == _ZERO_WIDTH_JOINER
        or before in _PREPENDED
        or (unicodedata.combining(before) == _VIRAMA and after.isalpha())
        or _jamo(before) + _jamo(after) in _JAMO_JOINS
        or (_is_flag_half(after) and _flag_halves(text, start, cut) % 2 == 1)
    )


def _extends(char: str) -> bool:
    return (
        unicodedata.category(char).startswith("M")  # Variation selectors are marks, too.
        or char in _EXTENDERS
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # Skin tones.
        or "\U000e0020" <= char <= "\U000e007f"  # Tags, which spell the flags of regions.
    )


def _jamo(char: str) -> str:
    """L, V or T for a Hangul letter; S or B for a syllable open or closed; "?" for all else."""
    if "\uac00" <= char <= "\ud7a3":
        return "B" if (ord(char) - 0xAC00) % 28 else "S"
    if "\u1100" <= char <= "\u115f" or "\ua960" <= char <= "\ua97c":
        return "L"
    if "\u1160" <= char <= "\u11a7" or "\ud7b0" <= char <= "\ud7c6":
        return "V"
    return "T" if "\u11a8" <= char <= "\u11ff" or "\ud7cb" <= char <= "\ud7fb" else "?"


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_halves(text: str, start: int, cut: int) -> int:
    """How many regional indicators stand right before `cut`: an odd one waits for its partner."""
    position = cut
    while position > start and _is_flag_half(text[position - 1]):
        position -= 1
    return cut - position
