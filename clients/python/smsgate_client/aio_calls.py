"""What the asyncio client is built on: a connection, and how one call is made."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc
import grpc.aio

from smsgate_client.connection import CALL_TIMEOUT_SECONDS, Connection, ConnectionFields
from smsgate_client.errors import Cancelled, from_rpc_error
from smsgate_client.in_flight import InFlight
from smsgate_client.stubs import AioStubs

_Response = TypeVar("_Response")


class AioCalls:
    """A connection for one event loop, opened by the first call."""

    def __init__(
        self,
        target: str = "",
        *,
        timeout: float = CALL_TIMEOUT_SECONDS,
        **connection: Unpack[ConnectionFields],
    ) -> None:
        self.connection = Connection(target=target, **connection)
        self._timeout = timeout
        self._closed = False
        self._channel: grpc.aio.Channel | None = None
        self._opened: AioStubs | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection. Calls that are open end, and new ones are refused."""
        self._closed = True
        channel, self._channel, self._opened = self._channel, None, None
        if channel is not None:
            await channel.close()

    @property
    def _stubs(self) -> AioStubs:
        if self._closed:
            raise RuntimeError("the client is closed")
        if self._opened is None:
            # Not in the constructor: a channel of grpc.aio belongs to the loop that runs.
            self._channel = self.connection.aio_channel()
            self._opened = AioStubs(self._channel)
        return self._opened

    async def _call(
        self,
        method: Callable[..., Awaitable[_Response]],
        request: Any,
        timeout: float | None,
    ) -> _Response:
        repeats = InFlight(self._timeout if timeout is None else timeout)
        while True:
            try:
                return await method(
                    request, timeout=repeats.time_left(), metadata=self.connection.metadata
                )
            except grpc.RpcError as error:
                delay = repeats.delay(from_rpc_error(error))
            except asyncio.CancelledError as error:
                raise cancelled_by_server(error) from error
            await asyncio.sleep(delay)


def cancelled_by_server(error: asyncio.CancelledError) -> BaseException:
    """What to raise for a CancelledError out of a call: `Cancelled`, or the error itself."""
    # grpc.aio raises CancelledError for a CANCELLED that the server sent, too. Only if this task
    # itself is being cancelled is it asyncio's, and must go on its way.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return error
    return Cancelled("the call was cancelled on its way", code=grpc.StatusCode.CANCELLED)
