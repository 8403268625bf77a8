"""Positions as callers see them: opaque, URL-safe, and tied to the store they belong to."""

import base64
import struct
from binascii import Error as Base64Error

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, OutOfRange, Violation
from smsgate_server.services.ports import LogBounds

_FORM = struct.Struct(">B8sQ")
_VERSION = 1
_MAX_TEXT = 64


class Cursors:
    def __init__(self, identity: bytes) -> None:
        self._identity = identity
        self._latest = (-1, "")

    def text(self, position: int) -> str:
        # A thousand streams at the same position ask for the same text.
        if self._latest[0] != position:
            packed = _FORM.pack(_VERSION, self._identity, position)
            text = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
            self._latest = (position, text)
        return self._latest[1]

    def is_ahead(self, text: str, bounds: LogBounds) -> bool:
        """Whether it is a cursor of this store for a position that has not been yet."""
        try:
            _, identity, position = _unpack(text, "")
        except InvalidArgument:
            return False
        return identity == self._identity and position > bounds.head

    def position(self, text: str, bounds: LogBounds, field: str = "cursor") -> int:
        """The position of a cursor that streams can start from; raises for any other."""
        version, identity, position = _unpack(text, field)
        if version != _VERSION:
            raise _invalid(field, ErrorReason.CURSOR_INVALID, "is not a cursor of this server")
        if identity != self._identity:
            raise _invalid(
                field,
                ErrorReason.CURSOR_FOREIGN,
                "belongs to another store; start again without it, or with a snapshot",
            )
        if position > bounds.head:
            raise _invalid(
                field,
                ErrorReason.CURSOR_INVALID,
                "is ahead of this store, which was perhaps restored from a backup; "
                "start again without it, or with a snapshot",
            )
        if position < bounds.earliest:
            raise self.expired(bounds)
        return position

    def expired(self, bounds: LogBounds) -> OutOfRange:
        return OutOfRange(
            ErrorReason.CURSOR_EXPIRED,
            "the cursor is older than the log's retention; "
            "start from earliest_cursor, or with a snapshot",
            {"earliest_cursor": self.text(bounds.earliest)},
        )


def _unpack(text: str, field: str) -> tuple[int, bytes, int]:
    try:
        if len(text) > _MAX_TEXT:
            raise ValueError
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, identity, position = _FORM.unpack(packed)
    except (ValueError, Base64Error, struct.error):
        raise _invalid(field, ErrorReason.CURSOR_INVALID, "is not a cursor") from None
    return version, identity, position


def _invalid(field: str, reason: ErrorReason, description: str) -> InvalidArgument:
    return InvalidArgument.of([Violation(field, reason, description)])
