"""How long and how much: bodies, calls with a deadline, callers who leave, readers who stall."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Protocol

from grpc import StatusCode

from smsgate_server.transport.web.exchange import Disconnected, Exchange
from smsgate_server.transport.web.failures import Failure

# As much as gRPC takes: a batch of 1,000 with texts of its own.
MAX_BODY_BYTES = 16 * 2**20
BODY_SECONDS = 30.0
_GONE = "the caller is gone"


class Watched(Protocol):
    async def disconnected(self) -> None:
        """Return once the caller is gone."""


class Patience:
    def __init__(self, stall_limit: timedelta) -> None:
        self._stall_seconds = stall_limit.total_seconds()

    async def body(self, exchange: Exchange) -> bytes:
        return await exchange.body(MAX_BODY_BYTES, BODY_SECONDS)

    async def wait(
        self, call: Awaitable[Any], exchange: Watched, timeout: float | None, watch: bool
    ) -> Any:
        """What `call` returns. It is ended when its time is over, and with `watch`, for calls that
        can take long, when the caller is gone.
        """
        try:
            async with asyncio.timeout(timeout):
                return await (_while_there(call, exchange) if watch else call)
        except TimeoutError:
            message = f"the call took longer than the {timeout:g} seconds that it was given"
            raise Failure(StatusCode.DEADLINE_EXCEEDED, message) from None

    async def finish(self, exchange: Exchange, data: bytes) -> None:
        """Write the last of a stream. Who does not read that either loses the connection."""
        try:
            async with asyncio.timeout(self._stall_seconds):
                await exchange.write(data, last=True)
        except TimeoutError:
            exchange.abort()


async def _while_there(call: Awaitable[Any], exchange: Watched) -> Any:
    task = asyncio.current_task()
    assert task is not None
    watcher = asyncio.create_task(exchange.disconnected())

    def leave(_: asyncio.Task[None]) -> None:
        task.cancel(_GONE)

    watcher.add_done_callback(leave)
    try:
        return await call
    except asyncio.CancelledError as cancelled:
        if cancelled.args != (_GONE,):
            raise
        task.uncancel()
        raise Disconnected from None
    finally:
        watcher.remove_done_callback(leave)
        watcher.cancel()
