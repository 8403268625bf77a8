"""What calls.py and stall.py see of a call that came over HTTP, in place of grpc's own context."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import NoReturn

from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode

from smsgate_server.transport.errors import DETAILS
from smsgate_server.transport.web.failures import Failure

Metadata = list[tuple[str, str]]
Write = Callable[[bytes], Awaitable[None]]


async def _no_stream(response: bytes) -> None:
    raise AssertionError("a unary call writes nothing")


class WebContext:
    """Refusals come out as Failure; the responses of a stream go to `write`."""

    def __init__(self, metadata: Metadata, write: Write = _no_stream) -> None:
        self._metadata = metadata
        self._trailers: dict[str, str | bytes] = {}
        self.write = write

    def invocation_metadata(self) -> Metadata:
        return self._metadata

    def set_trailing_metadata(self, trailers: Iterable[tuple[str, str | bytes]]) -> None:
        self._trailers = dict(trailers)

    async def abort(self, code: StatusCode, message: str) -> NoReturn:
        details = self._trailers.get(DETAILS)
        status = Status.FromString(details) if isinstance(details, bytes) else None
        raise Failure(code, message, status=status, headers=_retry_after(status))


def _retry_after(status: Status | None) -> list[tuple[bytes, bytes]]:
    for detail in status.details if status is not None else ():
        info = RetryInfo()
        if detail.Unpack(info):
            # Rounded up: who comes a moment early is refused again.
            seconds = -(-info.retry_delay.ToTimedelta() // timedelta(seconds=1))
            return [(b"retry-after", b"%d" % max(seconds, 1))]
    return []
