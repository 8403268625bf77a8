"""A stream of bytes, cut where one PDU ends and the next begins (SMPP 3.4 §3.2)."""

from collections.abc import Iterator

from smsgate_server.carriers.smpp.codes import HEADER_SIZE

# A submit_sm with the longest message_payload has 64 KiB and a little. What claims to be longer is
# no SMPP, and nobody can tell where the next PDU would begin.
MAX_LENGTH = 70_000


class FramingError(Exception):
    """The bytes are not SMPP, or no longer; the connection cannot go on."""


class Framer:
    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are whole with `data`. Stop asking after a FramingError."""
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= 4:
                length = int.from_bytes(buffer[start : start + 4], "big")
                if not HEADER_SIZE <= length <= MAX_LENGTH:
                    raise FramingError(f"a PDU claims to have {length} octets")
                if len(buffer) - start < length:
                    break
                yield bytes(buffer[start : start + length])
                start += length
        finally:
            del buffer[:start]
