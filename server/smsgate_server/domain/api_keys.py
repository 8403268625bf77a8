"""The form of an API key's secret: `sgk_` and 12 characters that name it, `_`, 43 that prove it.

The whole is 256 random bits and more, so a plain hash of it tells nothing: a slow one would only
slow down each call.
"""

import re
from base64 import b32encode, urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest

ENTROPY_BYTES = 8 + 32
_ID = re.compile(r"sgk_[a-z2-7]{12}")
_ID_LENGTH = 16

# What the secret of an unknown key is compared with, so that it takes as long as a known one's.
_NOBODY = bytes(32)


def make_secret(entropy: bytes) -> tuple[str, str]:
    """The id and the secret of a new key, from ENTROPY_BYTES random bytes."""
    key_id = "sgk_" + b32encode(entropy[:8]).decode().lower()[:12]
    return key_id, f"{key_id}_{urlsafe_b64encode(entropy[8:]).decode().rstrip('=')}"


def id_of(secret: str) -> str:
    """The id of the key that `secret` claims to be."""
    return secret[:_ID_LENGTH]


def is_key_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def digest_of(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


def proves(secret: str, digest: bytes | None) -> bool:
    """Whether `secret` is the one that `digest` was made of, in a time that tells nothing of it."""
    same = compare_digest(digest_of(secret), _NOBODY if digest is None else digest)
    return same and digest is not None
