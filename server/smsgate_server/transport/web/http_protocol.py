"""Uvicorn's HTTP/1.1, with the limits that it lacks.

Headers have a time and a size, and a connection that is being closed does not linger for ever with
something that nobody reads.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 10.0
MAX_HEADER_BYTES = 32 * 2**10


class HttpProtocol(HttpToolsProtocol):
    def __init__(self, *, linger_seconds: float, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._linger_seconds = linger_seconds
        # Runs while a request's headers are awaited; what they may take is counted meanwhile.
        self._headers_due: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_headers()

    def _await_headers(self) -> None:
        self._header_bytes = 0
        if self._headers_due is None:
            self._headers_due = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _have_headers(self) -> None:
        if self._headers_due is not None:
            self._headers_due.cancel()
            self._headers_due = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._have_headers()
        if self._lingering is not None:
            self._lingering.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._headers_due is not None:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._headers_due is not None and self._header_bytes > MAX_HEADER_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        abort = {"smsgate.abort": self.transport.abort}
        self.scope["extensions"] = abort  # type: ignore[typeddict-item]  # a name of our own
        self._await_headers()

    def on_headers_complete(self) -> None:
        self._have_headers()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Also for the rest of a body that was refused: it is read, so that the refusal arrives, but
        # not for ever.
        if self.transport.is_closing() or self.cycle.more_body:
            self._linger()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._lingering is not None and not self.transport.is_closing():
            self._lingering.cancel()
            self._lingering = None

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._linger()

    def _linger(self) -> None:
        if self._lingering is None:
            self._lingering = self.loop.call_later(self._linger_seconds, self.transport.abort)
