"""What the blocking client is built on: a connection, and how one call is made."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from smsgate_client.connection import CALL_TIMEOUT_SECONDS, Connection, ConnectionFields
from smsgate_client.errors import from_rpc_error
from smsgate_client.in_flight import InFlight
from smsgate_client.stubs import Stubs

_Response = TypeVar("_Response")


class BlockingCalls:
    """A connection for any number of threads, opened by the first call."""

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
        self._opened: Stubs | None = None

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
    def _stubs(self) -> Stubs:
        with self._lock:
            if self._closed:
                raise RuntimeError("the client is closed")
            if self._opened is None:
                self._channel = self.connection.channel()
                self._opened = Stubs(self._channel)
            return self._opened

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
