"""Readers that stop reading."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from grpc.aio import ServicerContext

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason, ResourceExhausted


class StallGuard:
    """Ends a stream whose write blocks for `limit`: its buffer is full and nobody empties it."""

    def __init__(self, limit: timedelta) -> None:
        self._limit = limit.total_seconds()

    async def write_all(
        self, responses: AsyncIterator[bytes], context: ServicerContext[Any, Any]
    ) -> None:
        loop = asyncio.get_running_loop()
        last = b""
        async for response in responses:
            task = asyncio.current_task()
            assert task is not None
            # asyncio.timeout() would do, at several times the cost for each of many thousand
            # writes.
            timer = loop.call_later(self._limit, task.cancel, _STALLED)
            try:
                await context.write(response)
            except asyncio.CancelledError as cancelled:
                if cancelled.args != (_STALLED,):
                    raise
                task.uncancel()
                raise self._stalled(last) from None
            finally:
                timer.cancel()
            last = response

    def _stalled(self, last: bytes) -> ResourceExhausted:
        cursor = pb.StreamStatusResponse.FromString(last).cursor if last else ""
        return ResourceExhausted(
            ErrorReason.SLOW_CONSUMER,
            f"the stream was not read for {self._limit:g} seconds; go on from the cursor, "
            "read faster, filter more, or ask for LATEST_ONLY",
            {"cursor": cursor},
            subject="stream",
            retry_after=timedelta(seconds=1),
        )


_STALLED = "stalled"
