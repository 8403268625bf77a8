"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038 §6.2.1, §6.2.1.1).

Septets are kept one to a byte, as SMPP carries them; packing them into octets (§6.1.2.1) is the
carrier's affair. National language shift tables are not used: handsets support them too unevenly.
"""

import codecs
import re

ESCAPE = 0x1B

# §6.2.1, in code order. 0x1B is the escape; a receiver that meets it unpaired shows a space.
_DEFAULT = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

# §6.2.1.1: each of these is two septets, the escape and its code.
_EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

EXTENSION_CHARACTERS = frozenset(_EXTENSION)

_UNDEFINED = "\ufffe"  # What `charmap_build` takes for "no character has this code".


def _with_extension(codes: list[str]) -> str:
    """A table of 256 characters, with those of the extension table at 0x80 | code."""
    table = codes + [_UNDEFINED] * 128
    for char, code in _EXTENSION.items():
        table[0x80 | code] = char
    return "".join(table)


def _encoding_table() -> str:
    # `charmap_build` makes its fast three-level map only of a table whose code 0 is NUL; with "@"
    # there it falls back to a dict, five times slower. So "@" stands in the escape's place, which
    # no character needs, until `encode_septets` moves it back.
    return _with_extension(["\0", *_DEFAULT[1:ESCAPE], "@", *_DEFAULT[ESCAPE + 1 :]])


_ENCODING = codecs.charmap_build(_encoding_table())
_DECODING = _with_extension(list(_DEFAULT))
_AT_SIGN_HOME = bytes.maketrans(bytes([ESCAPE]), b"\0")
_EXPANSIONS = tuple((bytes([0x80 | c]), bytes([ESCAPE, c])) for c in _EXTENSION.values())
_ESCAPED = re.compile(rb"\x1b(.)", re.DOTALL)


def encode_septets(text: str) -> bytes | None:
    """The septets of `text`, one a byte, escapes as 0x1B and a code; None if one has no septet."""
    try:
        packed = codecs.charmap_encode(text, "strict", _ENCODING)[0]
    except UnicodeEncodeError:
        return None
    if 0 in packed:  # A NUL in the text: see `_encoding_table`.
        return None
    septets = packed.translate(_AT_SIGN_HOME)
    return septets if packed.isascii() else _expanded(septets)


def _expanded(septets: bytes) -> bytes:
    for short, escaped in _EXPANSIONS:
        septets = septets.replace(short, escaped)
    return septets


def is_gsm7(text: str) -> bool:
    """Whether each character of `text` is in the default alphabet or its extension table."""
    return encode_septets(text) is not None


def septet_count(text: str) -> int | None:
    """How many septets `text` takes, escapes counted; None if it is not GSM-7."""
    septets = encode_septets(text)
    return None if septets is None else len(septets)


def decode(septets: bytes) -> str:
    """The text of `septets`; whatever `encode_septets` gave comes back unchanged.

    As §6.2.1.1 asks of a receiver, an escaped code that the extension table lacks is read in the
    default alphabet, and an escape without a partner is a space. A byte over 0x7F is a ValueError.
    """
    if not septets.isascii():
        raise ValueError("a septet is at most 0x7F")
    if ESCAPE in septets:
        septets = _ESCAPED.sub(_unescaped, septets)
    return codecs.charmap_decode(septets, "strict", _DECODING)[0]


def _unescaped(match: re.Match[bytes]) -> bytes:
    code: int = match[1][0]
    return bytes([0x80 | code if _DECODING[0x80 | code] != _UNDEFINED else code])
