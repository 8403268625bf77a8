"""Messages in the body of a stream: a byte of flags, four of length, the message.

The form is gRPC's; Connect and gRPC-Web each have a flag of their own for the last one.
"""

import struct

from grpc import StatusCode

from smsgate_server.transport.web.failures import Failure

COMPRESSED = 0x01
CONNECT_END = 0x02
GRPC_WEB_TRAILERS = 0x80
_HEAD = struct.Struct(">BI")


def enveloped(message: bytes, flags: int = 0) -> bytes:
    return _HEAD.pack(flags, len(message)) + message


def only_message(body: bytes) -> bytes:
    """The message of a body that must hold one, uncompressed, and nothing else."""
    flags, message = opened(body)
    if flags & COMPRESSED:
        raise Failure(StatusCode.UNIMPLEMENTED, "compressed messages are not supported")
    return message


def opened(body: bytes) -> tuple[int, bytes]:
    """The flags and the message, which may be compressed, of a body that must hold nothing else."""
    if len(body) < _HEAD.size:
        raise _malformed("ends within an envelope")
    flags, size = _HEAD.unpack_from(body)
    if flags & ~COMPRESSED:
        raise _malformed(f"has an envelope with the flags {flags:#04x}")
    if len(body) != _HEAD.size + size:
        raise _malformed("is not one whole envelope")
    return flags, body[_HEAD.size :]


def _malformed(why: str) -> Failure:
    return Failure(StatusCode.INVALID_ARGUMENT, f"the body of the request {why}")
