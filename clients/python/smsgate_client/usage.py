"""Usage: the request, and the call of both clients."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_client import names, values
from smsgate_client.aio_calls import AioCalls
from smsgate_client.calls import BlockingCalls
from smsgate_client.keywords import takes


class UsageFields(TypedDict, total=False):
    """Which usage; see GetUsageRequest in the contract. Nothing means the last twelve months."""

    account_id: str
    start_time: datetime | None
    end_time: datetime | None
    granularity: names.Granularity | str
    """DAY, MONTH or YEAR."""
    group_by: Iterable[names.Dimension | str]
    """COUNTRY, STATUS, ACCOUNT."""
    countries: Sequence[str]
    max_series: int


@takes(UsageFields)
def usage_request(**fields: Unpack[UsageFields]) -> pb.GetUsageRequest:
    """Usage of a span of time."""
    start, end = fields.get("start_time"), fields.get("end_time")
    request = pb.GetUsageRequest(
        account_id=fields.get("account_id", ""),
        start_time=None if start is None else values.timestamp(start),
        end_time=None if end is None else values.timestamp(end),
        group_by=[names.dimension_from(name) for name in fields.get("group_by", ())],
        countries=fields.get("countries", ()),
        max_series=fields.get("max_series", 0),
    )
    if granularity := fields.get("granularity"):
        request.granularity = names.granularity_from(granularity)
    return request


class Usage(BlockingCalls):
    """The call of the blocking client."""

    def get_usage(
        self, *, timeout: float | None = None, **fields: Unpack[UsageFields]
    ) -> pb.GetUsageResponse:
        """What an account used by day, month or year: series to draw, and a summary to read."""
        return self._call(self._stubs.usage.GetUsage, usage_request(**fields), timeout)


class AioUsage(AioCalls):
    """The call of the asyncio client."""

    async def get_usage(
        self, *, timeout: float | None = None, **fields: Unpack[UsageFields]
    ) -> pb.GetUsageResponse:
        """What an account used by day, month or year: series to draw, and a summary to read."""
        return await self._call(self._stubs.usage.GetUsage, usage_request(**fields), timeout)
