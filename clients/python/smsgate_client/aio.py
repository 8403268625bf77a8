"""The asyncio client."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from datetime import timedelta
from typing import Unpack

import grpc
import grpc.aio

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client import requests, values
from smsgate_client.accounts import AioAccounts
from smsgate_client.aio_calls import AioCalls, cancelled_by_server
from smsgate_client.carriers import AioCarriers
from smsgate_client.connection import BATCH_TIMEOUT_SECONDS
from smsgate_client.errors import SmsgateError, from_rpc_error
from smsgate_client.following import Followed, FollowFields, Following
from smsgate_client.keywords import refuse_unknown
from smsgate_client.otp import AioOTP
from smsgate_client.pages import aio_all_items
from smsgate_client.pricing import AioPricing
from smsgate_client.usage import AioUsage
from smsgate_client.webhooks import AioWebhooks


class SmsgateClient(AioOTP, AioPricing, AioUsage, AioCarriers, AioWebhooks, AioAccounts, AioCalls):
    """Sends and follows messages, from one event loop. Connects at its first call.

    Every call has a deadline; a `timeout` of its own wins over the client's. Errors are of the
    family `SmsgateError`.
    """

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
        return await self._call(self._stubs.messages.SendMessage, request, timeout)

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
        return await self._call(self._stubs.messages.SendBatch, request, limit)

    async def estimate(
        self,
        text: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.EstimateFields],
    ) -> pb.EstimateMessageResponse:
        """All that can be known of a message before it is sent."""
        request = requests.estimate_request(text, **fields)
        return await self._call(self._stubs.messages.EstimateMessage, request, timeout)

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
        return await self._call(self._stubs.messages.GetMessage, request, limit)

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
        return await self._call(self._stubs.messages.ListMessages, request, timeout)

    def list(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.ListFields],
    ) -> AsyncGenerator[message_pb2.Message, None]:
        """All messages, newest first, page by page as they are consumed."""
        return aio_all_items(
            lambda token: self.list_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.messages,
        )

    async def cancel(self, id: str, *, timeout: float | None = None) -> pb.CancelMessageResponse:
        """Take a message back that no carrier has been given yet."""
        request = pb.CancelMessageRequest(id=id)
        return await self._call(self._stubs.messages.CancelMessage, request, timeout)

    async def stream(
        self, *, timeout: float | None = None, **fields: Unpack[requests.StreamFields]
    ) -> AsyncGenerator[pb.StreamStatusResponse, None]:
        """One stream as it is: responses until it ends or breaks. `follow` is easier."""
        refuse_unknown(fields, requests.StreamFields)
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
        return self._stubs.messages.StreamStatus(
            request, timeout=timeout, metadata=self.connection.metadata
        )


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
        raise cancelled_by_server(error) from error
    return response if isinstance(response, pb.StreamStatusResponse) else None
