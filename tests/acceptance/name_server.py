"""A name server on loopback: the DNS, as far as a client asks it for the servers of a name."""

import asyncio
import ipaddress
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

# RFC 1035, 4.1: id, flags, and how many questions, answers, authorities and additions follow.
_HEADER = struct.Struct("!6H")
_QUESTION_END = struct.Struct("!2H")
# A pointer to the name of the question; type, class, seconds to live, length of the address.
_ANSWER_START = struct.Struct("!3HLH")
_NAME_OF_QUESTION = 0xC000 | _HEADER.size
_ANSWER, _RECURSION_WANTED, _RECURSION_AVAILABLE, _NO_SUCH_NAME = 0x8000, 0x0100, 0x0080, 3
_A, _IN = 1, 1
_SECONDS_TO_LIVE = 60


class _Names(asyncio.DatagramProtocol):
    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self._names = names
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        self._transport.sendto(_answer(data, self._names), addr)


def _answer(query: bytes, names: Mapping[str, Sequence[str]]) -> bytes:
    number, flags, *_ = _HEADER.unpack_from(query)
    name, after_name = _name_in(query)
    kind, _ = _QUESTION_END.unpack_from(query, after_name)
    addresses = names.get(name, ()) if kind == _A else ()
    flags = _ANSWER | _RECURSION_AVAILABLE | flags & _RECURSION_WANTED
    if name not in names:
        flags |= _NO_SUCH_NAME
    question = query[_HEADER.size : after_name + _QUESTION_END.size]
    header = _HEADER.pack(number, flags, 1, len(addresses), 0, 0)
    return header + question + b"".join(map(_record, addresses))


def _name_in(query: bytes) -> tuple[str, int]:
    """The name that is asked for, and where what follows it starts."""
    labels, at = [], _HEADER.size
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
    return ".".join(labels), at + 1


def _record(address: str) -> bytes:
    packed = ipaddress.IPv4Address(address).packed
    return _ANSWER_START.pack(_NAME_OF_QUESTION, _A, _IN, _SECONDS_TO_LIVE, len(packed)) + packed


@asynccontextmanager
async def a_name_server(names: Mapping[str, Sequence[str]]) -> AsyncIterator[str]:
    """Answers for these names, in lower case, with their IPv4 addresses. Yields the `host:port` at
    which it is asked over UDP.
    """
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Names(names), local_addr=("127.0.0.1", 0)
    )
    try:
        host, port = transport.get_extra_info("sockname")
        yield f"{host}:{port}"
    finally:
        transport.close()
