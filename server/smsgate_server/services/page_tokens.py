"""Opaque tokens of pages, bound to what was asked for and to what was listed."""

import base64
import json
from binascii import Error as Base64Error
from hashlib import blake2b

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation


def write_token(key: object, place: str) -> str:
    """A token for the page that begins after `place`. `key` must have a repr that says all."""
    written = json.dumps([_mark(key), place]).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def read_token(key: object, token: str) -> str:
    """The place that a token stands for; InvalidArgument if it belongs to something else."""
    try:
        padded = token + "=" * (-len(token) % 4)
        mark, place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, Base64Error, TypeError):
        raise _invalid("is not a page token") from None
    if not isinstance(place, str) or mark != _mark(key):
        raise _invalid("belongs to another request, or to what has been replaced since")
    return place


def _mark(key: object) -> str:
    return blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _invalid(description: str) -> InvalidArgument:
    return InvalidArgument.of(
        [Violation("page_token", ErrorReason.INVALID_PAGE_TOKEN, description)]
    )
