"""An SMSC that answers everything at once with as little work as can be: the other end of the
measurements of SMPP. It sends no receipts.
"""

import asyncio
import struct

import uvloop

_HEADER = struct.Struct(">IIII")
_RESPONSE = 0x80000000
_SUBMIT = 0x00000004
_ID = b"0123456789abcdef\0"


class _FastSmsc(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data
        at, answers = 0, []
        while len(buffer) - at >= 16:
            length, command, _, sequence = _HEADER.unpack_from(buffer, at)
            if len(buffer) - at < length:
                break
            at += length
            body = _ID if command == _SUBMIT else b"\0"
            answers.append(_HEADER.pack(16 + len(body), command | _RESPONSE, 0, sequence) + body)
        self._buffer = buffer[at:]
        self._transport.write(b"".join(answers))  # type: ignore[attr-defined]


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_FastSmsc, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"fast smsc listening on 127.0.0.1:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
