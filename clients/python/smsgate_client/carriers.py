"""How the carriers do: the call of both clients."""

from smsgate.v1 import carrier_service_pb2 as pb
from smsgate_client.aio_calls import AioCalls
from smsgate_client.calls import BlockingCalls


class Carriers(BlockingCalls):
    """The call of the blocking client."""

    def list_carriers(self, *, timeout: float | None = None) -> pb.ListCarriersResponse:
        """The carriers as the server last reported them; troubles and counts for operators."""
        return self._call(self._stubs.carriers.ListCarriers, pb.ListCarriersRequest(), timeout)


class AioCarriers(AioCalls):
    """The call of the asyncio client."""

    async def list_carriers(self, *, timeout: float | None = None) -> pb.ListCarriersResponse:
        """The carriers as the server last reported them; troubles and counts for operators."""
        request = pb.ListCarriersRequest()
        return await self._call(self._stubs.carriers.ListCarriers, request, timeout)
