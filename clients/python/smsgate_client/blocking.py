"""The blocking client: the same methods as `SmsgateClient`, for threads."""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from smsgate.v1 import message_pb2, message_service_pb2_grpc
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client import requests, values
from smsgate_client.connection import (
    BATCH_TIMEOUT_SECONDS,
    CALL_TIMEOUT_SECONDS,
    Connection,
    ConnectionFields,
)
from smsgate_client.errors import SmsgateError, from_rpc_error
from smsgate_client.following import Followed, FollowFields, Following
from smsgate_client.in_flight import InFlight
from smsgate_client.watchdog import Watchdog

_Response = TypeVar("_Response")
_Call = Any  # Of grpc: an iterator that is a grpc.Call at the same time; no type of it says both.


class BlockingClient:
    """Sends and follows messages, from any number of threads. Connects at its first call.

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
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._opened: message_service_pb2_grpc.MessageServiceStub | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Calls that are open end, and new ones are refused."""
        with self._lock:
            self._closed = True
            channel, self._channel, self._opened = self._channel, None, None
        if channel is not None:
            channel.close()

    @property
    def _stub(self) -> message_service_pb2_grpc.MessageServiceStub:
        with self._lock:
            if self._closed:
                raise RuntimeError("the client is closed")
            if self._opened is None:
                self._channel = self.connection.channel()
                self._opened = message_service_pb2_grpc.MessageServiceStub(self._channel)
            return self._opened

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
        return self._call(self._stub.SendMessage, request, timeout)

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
        return self._call(self._stub.SendBatch, request, limit)

    def estimate(
        self,
        text: str,
        *,
        timeout: float | None = None,
        **fields: Unpack[requests.EstimateFields],
    ) -> pb.EstimateMessageResponse:
        """All that can be known of a message before it is sent."""
        request = requests.estimate_request(text, **fields)
        return self._call(self._stub.EstimateMessage, request, timeout)

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
        return self._call(self._stub.GetMessage, request, limit)

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
        return self._call(self._stub.ListMessages, request, timeout)

    def list(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **fields: Unpack[requests.ListFields],
    ) -> Generator[message_pb2.Message, None, None]:
        """All messages, newest first, page by page as they are consumed."""
        token = ""
        while True:
            page = self.list_page(page_size=page_size, page_token=token, timeout=timeout, **fields)
            yield from page.messages
            token = page.next_page_token
            if not token:
                return

    def cancel(self, id: str, *, timeout: float | None = None) -> pb.CancelMessageResponse:
        """Take a message back that no carrier has been given yet."""
        request = pb.CancelMessageRequest(id=id)
        return self._call(self._stub.CancelMessage, request, timeout)

    def stream(
        self, *, timeout: float | None = None, **fields: Unpack[requests.StreamFields]
    ) -> Generator[pb.StreamStatusResponse, None, None]:
        """One stream as it is: responses until it ends or breaks. `follow` is easier."""
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
        return self._stub.StreamStatus(request, timeout=timeout, metadata=self.connection.metadata)

    def _call(
        self, method: Callable[..., _Response], request: Any, timeout: float | None
    ) -> _Response:
        repeats = InFlight(self._timeout if timeout is None else timeout)
        while True:
            try:
                return method(
                    request, timeout=repeats.time_left(), metadata=self.connection.metadata
                )
            except grpc.RpcError as error:
                delay = repeats.delay(from_rpc_error(error))
            time.sleep(delay)


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
