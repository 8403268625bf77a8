"""As little of HTTP/2 as it takes to load a gRPC server from Python at a few µs a call.

No header compression, no priorities; flow control in both directions. A gRPC client library costs
as much CPU as the server that it measures; this costs a tenth.
"""

import asyncio
import struct
from collections import deque
from typing import Protocol, cast

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_WINDOW_MAX = 2**31 - 1
_DEFAULT_WINDOW = 65_535
_FRAME = 16_384
# A trailer as servers write it without a dynamic table: name, length 1, the value 0. Envoy
# compresses the name (RFC 7541 §5.2).
_STATUS_OK = (b"grpc-status\x010", b"\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x010")


class Listener(Protocol):
    """What becomes of the calls of a connection."""

    def data(self, stream: int, payload: bytes) -> None: ...

    def ended(self, stream: int, ok: bool) -> None: ...


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def grpc_message(body: bytes) -> bytes:
    return b"\x00" + len(body).to_bytes(4, "big") + body


def _literal(name: str, value: str) -> bytes:
    # RFC 7541 §6.2.2: a literal without indexing, its name and value not compressed.
    assert len(name) < 127
    assert len(value) < 127
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def request_headers(path: str, api_key: str = "") -> bytes:
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    if api_key:
        fields["authorization"] = f"Bearer {api_key}"
    return b"".join(_literal(name, value) for name, value in fields.items())


class Connection(asyncio.Protocol):
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._buffer = b""
        self._next = 1
        self._window = _DEFAULT_WINDOW
        self._stream_window = _DEFAULT_WINDOW
        self._windows: dict[int, int] = {}
        self._queue: deque[tuple[int, bytes, bool]] = deque()
        self._unacknowledged = 0
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not say that they are asyncio's.
        self._transport = out = cast(asyncio.Transport, transport)
        # No dynamic table, no push, streams without a bound in our direction.
        settings = struct.pack(">HIHIHI", 1, 0, 2, 0, 4, _WINDOW_MAX)
        window = struct.pack(">I", _WINDOW_MAX - _DEFAULT_WINDOW)
        out.write(_PREFACE + frame(_SETTINGS, 0, 0, settings) + frame(_WINDOW, 0, 0, window))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def close(self) -> None:
        self._transport.abort()

    def call(self, headers: bytes, message: bytes) -> int:
        """Begin a call with one request message; returns its stream."""
        stream = self._next
        self._next += 2
        head = frame(_HEADERS, _END_HEADERS, stream, headers)
        if len(message) <= _FRAME and len(message) <= self._window and not self._queue:
            self._window -= len(message)
            self._transport.write(head + frame(_DATA, _END_STREAM, stream, message))
            return stream
        self._transport.write(head)
        self._windows[stream] = self._stream_window
        for start in range(0, len(message), _FRAME):
            chunk = message[start : start + _FRAME]
            self._queue.append((stream, chunk, start + _FRAME >= len(message)))
        self._flush()
        return stream

    def _flush(self) -> None:
        while self._queue:
            stream, chunk, last = self._queue[0]
            if len(chunk) > self._window or len(chunk) > self._windows[stream]:
                return
            self._queue.popleft()
            self._window -= len(chunk)
            self._windows[stream] -= len(chunk)
            if last:
                del self._windows[stream]
            self._transport.write(frame(_DATA, _END_STREAM if last else 0, stream, chunk))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        start, end = 0, len(buffer)
        while end - start >= 9:
            size_kind, flags, stream = struct.unpack_from(">IBI", buffer, start)
            stop = start + 9 + (size_kind >> 8)
            if stop > end:
                break
            self._take(size_kind & 0xFF, flags, stream, buffer[start + 9 : stop])
            start = stop
        self._buffer = buffer[start:]
        self._unacknowledged += len(data)
        if self._unacknowledged > 2**28:
            window = struct.pack(">I", self._unacknowledged)
            self._transport.write(frame(_WINDOW, 0, 0, window))
            self._unacknowledged = 0

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _DATA:
            self._listener.data(stream, payload)
            if flags & _END_STREAM:
                self._listener.ended(stream, False)
        elif kind == _HEADERS:
            if flags & _END_STREAM:
                self._listener.ended(stream, any(ok in payload for ok in _STATUS_OK))
        elif kind == _RESET:
            self._listener.ended(stream, False)
        elif kind == _WINDOW:
            self._enlarge(stream, int.from_bytes(payload, "big"))
        elif kind in (_SETTINGS, _PING) and not flags & _ACK:
            self._control(kind, payload)
        elif kind == _GOAWAY:
            self.closed = True

    def _enlarge(self, stream: int, by: int) -> None:
        if stream == 0:
            self._window += by
        elif stream in self._windows:
            self._windows[stream] += by
        self._flush()

    def _control(self, kind: int, payload: bytes) -> None:
        if kind == _PING:
            self._transport.write(frame(_PING, _ACK, 0, payload))
            return
        for name, value in struct.iter_unpack(">HI", payload):
            if name == 4:
                self._windows = {
                    s: w + value - self._stream_window for s, w in self._windows.items()
                }
                self._stream_window = value
        self._transport.write(frame(_SETTINGS, _ACK, 0))


async def connect(target: str, listener: Listener) -> Connection:
    host, _, port = target.rpartition(":")
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(listener), host, int(port))
    return connection
