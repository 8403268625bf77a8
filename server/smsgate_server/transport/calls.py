"""What happens around every call: limits, what went wrong, one log line, the counts."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from datetime import timedelta
from typing import Any

from grpc import StatusCode
from grpc.aio import ServicerContext

from smsgate_server.domain.errors import (
    ErrorReason,
    ResourceExhausted,
    SmsgateError,
    Unavailable,
)
from smsgate_server.services.access import Access, Caller, no_longer
from smsgate_server.services.meter import Meter
from smsgate_server.services.quotas import Quotas
from smsgate_server.transport.auth import Gate, Metadata
from smsgate_server.transport.errors import DETAILS, code_of, status_of
from smsgate_server.transport.metrics import Metrics
from smsgate_server.transport.stall import StallGuard

_log = logging.getLogger("smsgate.call")
_failures = logging.getLogger("smsgate.failure")

# Methods that can be long polls, and which of their requests are.
MAY_WAIT: Mapping[str, Callable[[Any], bool]] = {
    "MessageService.GetMessage": lambda request: bool(request.wait_after_cursor)
}

# Tells the library's own retries when to come again, or (negative) not to.
PUSHBACK = "grpc-retry-pushback-ms"
# A longer pause is not for the library inside a call, but for who made it: grpc-java would wait for
# it, whatever the status, until the deadline hides why.
_LONGEST_PUSHBACK = timedelta(seconds=5)

# The request as a message; raises InvalidArgument if the bytes are none.
Read = Callable[[bytes], Any]
Unary = Callable[[Any, Caller], Awaitable[Any]]
Stream = Callable[[Any, Caller], AsyncIterator[bytes]]

# The metadata of a call with this context.
MetadataOf = Callable[[ServicerContext[Any, Any]], Metadata]


def asked_of(context: ServicerContext[Any, Any]) -> Metadata:
    return context.invocation_metadata() or ()


# These know themselves whether they cost something.
_MAY_COST = frozenset(
    {"MessageService.SendMessage", "MessageService.SendBatch", "OTPService.SendOTP"}
)

# Why a stream is ended whose caller may no longer call.
_NO_LONGER = "no longer allowed"

# Above this many lines a second the successful calls are no longer logged one by one: a line per
# call was measured to cost a quarter of the throughput.
_LINES_PER_SECOND = 50


class Calls:
    """Wraps the methods of the services for the server."""

    def __init__(
        self, metrics: Metrics, gate: Gate, access: Access, quotas: Quotas, meter: Meter
    ) -> None:
        self._metrics = metrics
        self._gate = gate
        self._access = access
        self._quotas = quotas
        self._meter = meter
        # Streams and waits: what can outlive the right to make it.
        self._long: dict[asyncio.Task[Any], Caller] = {}
        access.listen(self._end_refused)
        self._second = 0
        self._lines = 0
        self._under_way = 0
        # Only while somebody waits for it: setting and clearing one costs each call something.
        self._nothing_under_way: asyncio.Event | None = None

    async def finished(self) -> None:
        """Return once no call is under way."""
        while self._under_way:
            self._nothing_under_way = asyncio.Event()
            await self._nothing_under_way.wait()

    def _end(self) -> None:
        self._under_way -= 1
        if self._nothing_under_way is not None and not self._under_way:
            self._nothing_under_way.set()

    def _enter(self, name: str, metadata: Metadata) -> Caller:
        """Who makes this call, once it is counted."""
        caller = self._gate.admit(name, metadata)
        self._quotas.enter(caller)
        self._meter.used(caller)
        return caller

    def _end_refused(self) -> None:
        for task, caller in self._long.items():
            if not self._access.usable(caller):
                task.cancel(_NO_LONGER)

    def unary(
        self, name: str, read: Read, method: Unary, metadata_of: MetadataOf = asked_of
    ) -> Callable[[bytes, ServicerContext[Any, Any]], Any]:
        counts = self._metrics.call(name)
        is_free, waits = name not in _MAY_COST, MAY_WAIT.get(name, _never)

        async def handle(request: bytes, context: ServicerContext[Any, Any]) -> Any:
            start = time.perf_counter()
            self._under_way += 1
            try:
                caller = self._enter(name, metadata_of(context))
                asked = read(request)
                if waits(asked):
                    with self._while_allowed(caller):
                        response = await method(asked, caller)
                else:
                    response = await method(asked, caller)
                if is_free:
                    self._meter.free(caller.account)
            except Exception as error:
                await self._refuse(name, context, error, start)
            finally:
                self._end()
            taken = time.perf_counter() - start
            counts.took(taken)
            self._line(name, taken)
            return response

        return handle

    def stream(
        self,
        name: str,
        read: Read,
        method: Stream,
        guard: StallGuard,
        metadata_of: MetadataOf = asked_of,
    ) -> Callable[[bytes, ServicerContext[Any, Any]], Any]:
        counts = self._metrics.call(name)

        async def handle(request: bytes, context: ServicerContext[Any, Any]) -> None:
            start = time.perf_counter()
            self._under_way += 1
            try:
                caller = self._enter(name, metadata_of(context))
                responses = method(read(request), caller)
                # Closed before a refusal is sent, which takes as long as the reader lets it.
                async with aclosing(responses):  # type: ignore[type-var]  # it is a generator
                    with self._open_stream(caller):
                        await guard.write_all(responses, context)
            except Exception as error:
                await self._refuse(name, context, error, start)
            finally:
                self._end()
            counts.answered += 1
            self._line(name, time.perf_counter() - start)

        return handle

    @contextmanager
    def _open_stream(self, caller: Caller) -> Iterator[None]:
        self._quotas.open_stream(caller)
        try:
            self._meter.free(caller.account)
            with self._metrics.open_streams.track_inprogress(), self._while_allowed(caller):
                yield
        finally:
            self._quotas.close_stream(caller)

    @contextmanager
    def _while_allowed(self, caller: Caller) -> Iterator[None]:
        """Ends what takes long when its caller may no longer call."""
        task = asyncio.current_task()
        assert task is not None
        self._long[task] = caller
        left = self._access.seconds_left(caller)
        loop = asyncio.get_running_loop()
        timer = None if left is None else loop.call_later(left, task.cancel, _NO_LONGER)
        try:
            yield
        except asyncio.CancelledError as cancelled:
            if cancelled.args != (_NO_LONGER,):
                raise
            task.uncancel()
            raise no_longer() from None
        finally:
            if timer is not None:
                timer.cancel()
            del self._long[task]

    async def _refuse(
        self, name: str, context: ServicerContext[Any, Any], error: Exception, start: float
    ) -> None:
        known = error if isinstance(error, SmsgateError) else _internal(name, error)
        code = code_of(known)
        self._metrics.refused(name, code.name, known.reason.value)
        fields = {"method": name, "code": code.name, "reason": known.reason.value}
        fields["ms"] = f"{(time.perf_counter() - start) * 1e3:.1f}"
        _log.info("call", extra={"fields": fields})
        status = status_of(known)
        trailers: list[tuple[str, str | bytes]] = [(DETAILS, status.SerializeToString())]
        if isinstance(known, ResourceExhausted | Unavailable) and known.retry_after is not None:
            trailers.append((PUSHBACK, _pushback(known.retry_after)))
        context.set_trailing_metadata(tuple(trailers))
        await context.abort(code, status.message)

    def _line(self, name: str, taken: float) -> None:
        if not _log.isEnabledFor(logging.INFO):
            return
        second = int(time.monotonic())
        if second != self._second:
            left_out = self._lines - _LINES_PER_SECOND
            if left_out > 0:
                _log.info("calls not logged", extra={"fields": {"count": left_out}})
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= _LINES_PER_SECOND:
            fields = {"method": name, "code": StatusCode.OK.name, "ms": f"{taken * 1e3:.1f}"}
            _log.info("call", extra={"fields": fields})


def _never(request: Any) -> bool:
    return False


def _pushback(pause: timedelta) -> str:
    if pause > _LONGEST_PUSHBACK:
        return "-1"
    # Rounded up: who comes a moment early is refused again.
    return str(-(-pause // timedelta(milliseconds=1)))


def _internal(name: str, error: Exception) -> SmsgateError:
    """The caller learns an id to report, never what the server looks like inside."""
    error_id = uuid.uuid4().hex
    _failures.error("%s failed, error_id %s", name, error_id, exc_info=error)
    return SmsgateError(
        ErrorReason.INTERNAL,
        f"an error of the server, not of the request; report error_id {error_id}",
        {"error_id": error_id},
    )
