"""Stands in for a server, for one measurement: the real engine leaves too little of two cores to a
browser beside it to make 2,000 events a second.

It serves the same files under the same policy, and the same Connect stream of StatusEvents in JSON,
at a rate of its own. What a page asks for besides is answered emptily.
Prints its port; GET /sent tells how many events it has written, and stops.
"""

import asyncio
import itertools
import json
import struct
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import smsgate_server

FOLDER = Path(smsgate_server.__file__).parent / "dashboard"
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'"
)
_TICK_SECONDS = 0.025
_SCRIPT = [("NEW", "ACCEPTED"), ("PENDING", "SUBMITTED"), ("DELIVERED", "HANDSET_RECEIPT")]
_COUNTRIES = ["IT", "ES", "DE", "FR", "GB", "PT", "NL", "PL"]


class Server:
    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._sent = 0
        self._number = itertools.count()
        self._ended = False

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                path = lines[0].split(" ")[1].partition("?")[0]
                sizes = [line for line in lines if line.lower().startswith("content-length:")]
                await reader.readexactly(int(sizes[0].split(":")[1]) if sizes else 0)
                await self._reply(path, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _reply(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path.endswith("/StreamStatus"):
            await self._stream(writer)
        elif path == "/session":
            _whole(writer, "application/json", b'{"account": "measured"}')
        elif path == "/sent":
            self._ended = True
            _whole(writer, "application/json", json.dumps({"sent": self._sent}).encode())
        elif path.startswith("/smsgate.v1."):
            _whole(writer, "application/json", b'{"cursor": "0"}')
        else:
            file = FOLDER / (path.lstrip("/") or "index.html")
            _whole(writer, _TYPES[file.suffix], file.read_bytes())
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/connect+json\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        _envelope(writer, {"cursor": "0", "opened": {}})
        began, made = time.monotonic(), 0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            due = 0 if self._ended else int((time.monotonic() - began) * self._rate) - made
            made += due
            # As a heartbeat, when there is nothing to tell.
            _envelope(writer, {"cursor": str(made), "events": [self._event() for _ in range(due)]})
            await writer.drain()
            self._sent += due

    def _event(self) -> dict[str, object]:
        """The next step of one of the messages that are under way."""
        number = next(self._number)
        lap, place = divmod(number, 3_000)
        message, step = lap // 3 * 3_000 + place, lap % 3
        status, reason = _SCRIPT[step]
        now = time.time()
        # A UUIDv7: the time of the acceptance first.
        stamp = f"{int((now - step * 1.5) * 1_000):012x}"
        return {
            "messageId": f"{stamp[:8]}-{stamp[8:]}-7{message % 4096:03x}-8000-{message:012x}",
            "toStatus": f"MESSAGE_STATUS_{status}",
            "reason": f"STATUS_REASON_{reason}",
            "eventTime": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z"),
            "carrier": "measured" if step else "",
            "recipient": f"+39333{message % 10_000_000:07d}",
            "country": _COUNTRIES[message % len(_COUNTRIES)],
            "sender": "Acme",
            "labels": {"team": "billing", "order": str(message)},
            "segments": 1,
        }


def _whole(writer: asyncio.StreamWriter, kind: str, body: bytes) -> None:
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        f"content-security-policy: {_POLICY}\r\n\r\n"
    )
    writer.write(head.encode() + body)


def _envelope(writer: asyncio.StreamWriter, response: dict[str, object]) -> None:
    message = json.dumps(response).encode()
    enveloped = struct.pack(">BI", 0, len(message)) + message
    writer.write(f"{len(enveloped):x}\r\n".encode() + enveloped + b"\r\n")


async def main(rate: int) -> None:
    server = await asyncio.start_server(Server(rate).answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
