"""The blocking client: the same methods as `SmsgateClient`, for threads."""

import time
from collections.abc import Generator, Iterable
from contextlib import closing
from datetime import timedelta
from typing import Any, Unpack

import grpc

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client import requests, values
from smsgate_client.accounts import Accounts
from smsgate_client.calls import BlockingCalls
from smsgate_client.carriers import Carriers
from smsgate_client.connection import BATCH_TIMEOUT_SECONDS
from smsgate_client.errors import SmsgateError, from_rpc_error
from smsgate_client.following import Followed, FollowFields, Following
from smsgate_client.keywords import refuse_unknown
from smsgate_client.otp import OTP
from smsgate_client.pages import all_items
from smsgate_client.pricing import Pricing
from smsgate_client.usage import Usage
from smsgate_client.watchdog import Watchdog
from smsgate_client.webhooks import Webhooks

_Call = Any  # Of grpc: an iterator that is a grpc.Call at the same time; no type of it says both.


class BlockingClient(OTP, Pricing, Usage, Carriers, Webhooks, Accounts, BlockingCalls):
    """Sends and follows messages, from any number of threads. Connects at its first call.

    Every call has a deadline; a `timeout` of its own wins over the client's. Errors are of the
    family `SmsgateError`.
    """

    def send(
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
        return self._call(self._stubs.messages.SendMessage, request, timeout)

    def send_batch(
        self,
        items: Iterable[pb.BatchItem | str],
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.BatchFields],
    ) -> pb.SendBatchResponse:
        """Send up to 1,000 messages in one transaction. Items are recipients or `batch_item(…)`."""
        request = requests.batch_request(items, **fields)
        limit = max(self._timeout, BATCH_TIMEOUT_SECONDS) if timeout is None else timeout
        return self._call(self._stubs.messages.SendBatch, request, limit)

    def estimate(
        self,
        text: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.EstimateFields],
    ) -> pb.EstimateMessageResponse:
        """All that can be known of a message before it is sent."""
        request = requests.estimate_request(text, **fields)
        return self._call(self._stubs.messages.EstimateMessage, request, timeout)

    def get(
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
        return self._call(self._stubs.messages.GetMessage, request, limit)

    def list_page(
        self,
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
        **fields: Unpack[requests.ListFields],
    ) -> pb.ListMessagesResponse:
        """One page of messages, newest first."""
        request = requests.list_request(page_size, page_token, **fields)
        return self._call(self._stubs.messages.ListMessages, request, timeout)

    def list(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.ListFields],
    ) -> Generator[message_pb2.Message, None, None]:
        """All messages, newest first, page by page as they are consumed."""
        return all_items(
            lambda token: self.list_page(
                page_size=page_size, page_token=token, timeout=timeout, **fields
            ),
            lambda page: page.messages,
        )

    def cancel(self, id: str, *, timeout: float | None = None) -> pb.CancelMessageResponse:
        """Take a message back that no carrier has been given yet."""
        request = pb.CancelMessageRequest(id=id)
        return self._call(self._stubs.messages.CancelMessage, request, timeout)

    def stream(
        self, *, timeout: float | None = None, **fields: Unpack[requests.StreamFields]
    ) -> Generator[pb.StreamStatusResponse, None, None]:
        """One stream as it is: responses until it ends or breaks. `follow` is easier."""
        refuse_unknown(fields, requests.StreamFields)
        call = self._open_stream(requests.stream_request(fields), timeout)
        try:
            while (response := _read(call)) is not None:
                yield response
        finally:
            call.cancel()

    def follow(
        self, **fields: Unpack[FollowFields]
    ) -> Generator[message_pb2.StatusEvent, None, None]:
        """Every event from the start on, exactly once, across broken connections and restarts.

        It ends only with `end_when_all_terminal`. With `snapshot=True` it is `follow_with_cursor`
        that has the messages.
        """
        with closing(self.follow_with_cursor(**fields)) as followed:
            for step in followed:
                if step.event is not None:
                    yield step.event

    def follow_with_cursor(self, **fields: Unpack[FollowFields]) -> Generator[Followed, None, None]:
        """Like `follow`, with messages of a snapshot, bookmarks, and the cursors to store."""
        following = Following(fields)
        while not following.finished:
            call = self._open_stream(following.request(), following.time_left())
            try:
                with Watchdog(following.silence_limit, call.cancel) as watchdog:
                    while (response := _next(call, following, watchdog)) is not None:
                        yield from following.received(response)
                        if following.finished or following.draining:
                            break
                delay = 0.0 if following.finished else following.ended()
            except _Broken as broken:
                delay = broken.delay
            finally:
                call.cancel()
            time.sleep(delay)

    def _open_stream(self, request: pb.StreamStatusRequest, timeout: float | None) -> _Call:
        return self._stubs.messages.StreamStatus(
            request, timeout=timeout, metadata=self.connection.metadata
        )


class _Broken(Exception):
    def __init__(self, delay: float) -> None:
        self.delay = delay


def _next(call: _Call, following: Following, watchdog: Watchdog) -> pb.StreamStatusResponse | None:
    try:
        with watchdog.watching():
            return _read(call)
    except SmsgateError as error:
        delay = following.silent() if watchdog.barked else following.broken(error)
    raise _Broken(delay)


def _read(call: _Call) -> pb.StreamStatusResponse | None:
    try:
        response = next(call, None)
    except grpc.RpcError as error:
        raise from_rpc_error(error) from error
    return response if isinstance(response, pb.StreamStatusResponse) else None
