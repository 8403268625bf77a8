"""The asyncio client."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

import grpc
import grpc.aio

from smsgate.v1 import message_pb2, message_service_pb2_grpc
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client import requests, values
from smsgate_client.connection import (
    BATCH_TIMEOUT_SECONDS,
    CALL_TIMEOUT_SECONDS,
    Connection,
    ConnectionFields,
)
from smsgate_client.errors import Cancelled, SmsgateError, from_rpc_error
from smsgate_client.following import Followed, FollowFields, Following
from smsgate_client.in_flight import InFlight

if TYPE_CHECKING:
    from smsgate.v1.message_service_pb2_grpc import MessageServiceAsyncStub

_Response = TypeVar("_Response")


class SmsgateClient:
    """Sends and follows messages, from one event loop. Connects at its first call.

    Every call has a deadline; a `timeout` of its own wins over the client's. Errors are of the
    family `SmsgateError`.
    """

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
        self._opened: MessageServiceAsyncStub | None = None

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
    def _stub(self) -> "MessageServiceAsyncStub":
        if self._closed:
            raise RuntimeError("the client is closed")
        if self._opened is None:
            # Not in the constructor: a channel of grpc.aio belongs to the loop that runs.
            self._channel = self.connection.aio_channel()
            self._opened = message_service_pb2_grpc.MessageServiceStub(self._channel)
        return self._opened

    async def send(
        self,
        recipient: str,
        text: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.SendFields],
    ) -> pb.SendMessageResponse:
        """Send one message. Once it returns, the message is stored and will be delivered.

        To repeat a call whose outcome is unknown, give the same `request_id` again.
        """
        request = requests.send_request(recipient, text, **fields)
        return await self._call(self._stub.SendMessage, request, timeout)

    async def send_batch(
        self,
        items: Iterable[pb.BatchItem | str],
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.BatchFields],
    ) -> pb.SendBatchResponse:
        """Send up to 1,000 messages in one transaction. Items are recipients or `batch_item(…)`."""
        request = requests.batch_request(items, **fields)
        limit = max(self._timeout, BATCH_TIMEOUT_SECONDS) if timeout is None else timeout
        return await self._call(self._stub.SendBatch, request, limit)

    async def estimate(
        self,
        text: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.EstimateFields],
    ) -> pb.EstimateMessageResponse:
        """All that can be known of a message before it is sent."""
        request = requests.estimate_request(text, **fields)
        return await self._call(self._stub.EstimateMessage, request, timeout)

    async def get(
        self,
        id: str,
        *,
        history: bool = False,
        wait_after_cursor: str = "",
        wait: timedelta | float | None = None,
        timeout: float | None = None,
    ) -> pb.GetMessageResponse:
        """A message by its id; with `wait`, once it has changed after `wait_after_cursor`."""
        request = requests.get_request(id, history, wait_after_cursor, wait)
        limit = self._timeout + values.seconds(wait or 0.0) if timeout is None else timeout
        return await self._call(self._stub.GetMessage, request, limit)

    async def list_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[requests.ListFields],
    ) -> pb.ListMessagesResponse:
        """One page of messages, newest first."""
        request = requests.list_request(page_size, page_token, **fields)
        return await self._call(self._stub.ListMessages, request, timeout)

    async def list(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.ListFields],
    ) -> AsyncGenerator[message_pb2.Message, None]:
        """All messages, newest first, page by page as they are consumed."""
        token = ""
        while True:
            page = await self.list_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            )
            for message in page.messages:
                yield message
            token = page.next_page_token
            if not token:
                return

    async def cancel(self, id: str, *, timeout: float | None = None) -> pb.CancelMessageResponse:
        """Take a message back that no carrier has been given yet."""
        request = pb.CancelMessageRequest(id=id)
        return await self._call(self._stub.CancelMessage, request, timeout)

    async def stream(
        self, *, timeout: float | None = None, **fields: Unpack[requests.StreamFields]
    ) -> AsyncGenerator[pb.StreamStatusResponse, None]:
        """One stream as it is: responses until it ends or breaks. `follow` is easier."""
        call = self._open_stream(requests.stream_request(fields), timeout)
        try:
            while (response := await _read(call)) is not None:
                yield response
        finally:
            call.cancel()

    async def follow(
        self, **fields: Unpack[FollowFields]
    ) -> AsyncGenerator[message_pb2.StatusEvent, None]:
        """Every event from the start on, exactly once, across broken connections and restarts.

        It ends only with `end_when_all_terminal`. With `snapshot=True` it is `follow_with_cursor`
        that has the messages.
        """
        async with aclosing(self.follow_with_cursor(**fields)) as followed:
            async for step in followed:
                if step.event is not None:
                    yield step.event

    async def follow_with_cursor(
        self, **fields: Unpack[FollowFields]
    ) -> AsyncGenerator[Followed, None]:
        """Like `follow`, with messages of a snapshot, bookmarks, and the cursors to store."""
        following = Following(fields)
        while not following.finished:
            call = self._open_stream(following.request(), following.time_left())
            try:
                while (response := await _next(call, following)) is not None:
                    for step in following.received(response):
                        yield step
                    if following.finished or following.draining:
                        break
                delay = 0.0 if following.finished else following.ended()
            except _Broken as broken:
                delay = broken.delay
            finally:
                call.cancel()
            await asyncio.sleep(delay)

    def _open_stream(
        self, request: pb.StreamStatusRequest, timeout: float | None
    ) -> "grpc.aio.UnaryStreamCall[pb.StreamStatusRequest, pb.StreamStatusResponse]":
        return self._stub.StreamStatus(request, timeout=timeout, metadata=self.connection.metadata)

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
                raise _cancelled_by_server(error) from error
            await asyncio.sleep(delay)


class _Broken(Exception):
    def __init__(self, delay: float) -> None:
        self.delay = delay


async def _next(
    call: "grpc.aio.UnaryStreamCall[pb.StreamStatusRequest, pb.StreamStatusResponse]",
    following: Following,
) -> pb.StreamStatusResponse | None:
    try:
        async with asyncio.timeout(following.silence_limit):
            return await _read(call)
    except TimeoutError:
        delay = following.silent()
    except SmsgateError as error:
        delay = following.broken(error)
    raise _Broken(delay)


async def _read(
    call: "grpc.aio.UnaryStreamCall[pb.StreamStatusRequest, pb.StreamStatusResponse]",
) -> pb.StreamStatusResponse | None:
    try:
        response = await call.read()
    except grpc.RpcError as error:
        raise from_rpc_error(error) from error
    except asyncio.CancelledError as error:
        raise _cancelled_by_server(error) from error
    return response if isinstance(response, pb.StreamStatusResponse) else None


def _cancelled_by_server(error: asyncio.CancelledError) -> BaseException:
    # grpc.aio raises CancelledError for a CANCELLED that the server sent, too. Only if this task
    # itself is being cancelled is it asyncio's, and must go on its way.
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return error
    return Cancelled("the call was cancelled on its way", code=grpc.StatusCode.CANCELLED)
