"""One-time codes that are stored nowhere, and the keys that they derive from.

A code is a function of a key, the verification and the recipient, so the same one comes back when
it is sent again and when it is checked. Without the key nothing that is stored leads to it.
"""

import binascii
import re
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from enum import IntEnum
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

MIN_KEY_BYTES = 32
MAX_KEYS = 1_000
MAX_LENGTH = 32
FINGERPRINT_BYTES = 16

# Never change what they stand before: codes that are on their way would all be wrong.
_CODE = b"smsgate one-time code, version 1"
_FINGERPRINT = b"smsgate one-time code fingerprint, version 1"

_KEY_ID = re.compile(r"[a-z0-9-]{1,32}")
_KEYS_HEADER = """\
# Keys that one-time codes derive from, one a line: an id, a space, the key in base64.
# The first is used for new codes. Keep an old one until the last code made with it has expired.
"""

# Beside white space (str.isspace) and dashes (category Pd): the minus sign, the hyphen bullet, the
# soft hyphen, and the spaces of no width that come along when a code is copied.
_MORE_SEPARATORS = frozenset("\u2212\u2043\u00ad\u200b\u2060\ufeff")


class CodeAlphabet(IntEnum):
    """What a code is made of. Numbers are the contract's."""

    NUMERIC = 1
    ALPHANUMERIC = 2

    @property
    def characters(self) -> str:
        return _CHARACTERS[self]


# Without 0 and O, 1 and I, which are easily mistaken for one another.
_CHARACTERS = {
    CodeAlphabet.NUMERIC: "0123456789",
    CodeAlphabet.ALPHANUMERIC: "23456789ABCDEFGHJKLMNPQRSTUVWXYZ",
}


def derive_code(
    key: bytes, verification_id: str, recipient: str, length: int, alphabet: CodeAlphabet
) -> str:
    """The code: the same for the same arguments, unrelated if one of them differs."""
    if not 1 <= length <= MAX_LENGTH:
        raise ValueError(f"a code has from 1 to {MAX_LENGTH} characters")
    parts = (verification_id, recipient, str(length), str(int(alphabet)))
    number = int.from_bytes(hmac_digest(key, _encoded(_CODE, *parts), sha256))
    # A remainder by the number of codes is at most (that number / 2^256) away from uniform: 2^-222
    # for ten digits, 2^-149 for the 32 that are allowed. So no code needs more than one digest. An
    # alphabet of 32 divides 2^256, and has no bias at all.
    characters = alphabet.characters
    code = ""
    for _ in range(length):
        number, index = divmod(number, len(characters))
        code += characters[index]
    return code


def fingerprint(key: bytes, verification_id: str, code: str) -> bytes:
    """What may be stored in place of a code: without the key it tells only equal from different."""
    whole = hmac_digest(key, _encoded(_FINGERPRINT, verification_id, code), sha256)
    return whole[:FINGERPRINT_BYTES]


def _encoded(purpose: bytes, *parts: str) -> bytes:
    """Different for any two lists of arguments: each part comes after its length."""
    encoded = [purpose, *(_octets(part) for part in parts)]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def read_code(text: str, length: int, alphabet: CodeAlphabet) -> str | None:
    """The code that was typed, however it was spaced; None if it cannot be one."""
    # Only ASCII letters have a capital here: str.upper would take a long s for an S.
    code = "".join(
        char.upper() if char.isascii() else char for char in text if not _separates(char)
    )
    characters = alphabet.characters
    if len(code) != length or any(char not in characters for char in code):
        return None
    return code


def _separates(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Pd" or char in _MORE_SEPARATORS


def same_code(expected: str, given: str) -> bool:
    """Whether they are equal, in a time that does not tell where they differ."""
    return compare_digest(_octets(expected), _octets(given))


class OtpKeys:
    """The keys by their ids; the first is the current one, which makes new codes. Printing it
    shows no key.
    """

    __slots__ = ("_keys", "current")

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ValueError("there is no key for one-time codes")
        self._keys = dict(keys)
        self.current = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"OtpKeys({', '.join(self._keys)})"

    def get(self, key_id: str) -> bytes | None:
        return self._keys.get(key_id)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._keys)

    def become(self, other: "OtpKeys") -> bool:
        """Hold the keys of `other` from now on; False if they are these."""
        if list(self._keys.items()) == list(other._keys.items()):
            return False
        self._keys, self.current = dict(other._keys), other.current
        return True

    @classmethod
    def parse(cls, text: str) -> "OtpKeys":
        """The keys of a file such as `render` writes; a ValueError names the line, never a key."""
        keys: dict[str, bytes] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            # Nothing of the line is repeated: a key may stand where its id should.
            key_id, key = _parse_line(line, number)
            if key_id in keys:
                raise ValueError(f"line {number}: has the id of an earlier line")
            keys[key_id] = key
            if len(keys) > MAX_KEYS:
                raise ValueError(f"line {number}: is one more than the {MAX_KEYS} keys allowed")
        return cls(keys)

    @classmethod
    def render(cls, pairs: Iterable[tuple[str, bytes]]) -> str:
        """The text of a file with these ids and keys, the current one first."""
        lines = [f"{key_id} {b64encode(key).decode()}\n" for key_id, key in pairs]
        text = _KEYS_HEADER + "".join(lines)
        cls.parse(text)
        return text


def _parse_line(line: str, number: int) -> tuple[str, bytes]:
    words = line.split()
    if len(words) != 2:
        raise ValueError(f"line {number}: is not an id, a space and a key in base64")
    key_id, encoded = words
    if _KEY_ID.fullmatch(key_id) is None:
        raise ValueError(f"line {number}: the id is not 1 to 32 of a-z, 0-9 and -")
    try:
        key = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"line {number}: the key is not base64") from None
    if len(key) < MIN_KEY_BYTES:
        raise ValueError(f"line {number}: the key has less than {MIN_KEY_BYTES} bytes")
    return key_id, key
