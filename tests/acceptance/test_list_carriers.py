"""ListCarriers: how the carriers do, as those who may know it are told."""

import asyncio
from typing import Any

from tests.acceptance.accounts_setup import ADMIN, READ, Operator
from tests.acceptance.conftest import Gateway
from tests.acceptance.reading import GUARD_SECONDS, until_final

from smsgate.v1 import carrier_service_pb2 as pb
from smsgate.v1 import carrier_service_pb2_grpc
from smsgate.v1 import message_service_pb2 as messages
from smsgate_client import SmsgateClient


async def _deliver_one(gateway: Gateway) -> None:
    request = messages.SendMessageRequest(recipient="+393331234567", text="Ciao")
    await until_final(gateway.stub, await gateway.stub.SendMessage(request))


async def _once_told(stub: Any, accepted: int = 0) -> pb.Carrier:
    """The one carrier, once the server has reported on it."""
    async with asyncio.timeout(GUARD_SECONDS):
        while True:
            found = (await stub.ListCarriers(pb.ListCarriersRequest())).carriers
            if found and found[0].counts.accepted >= accepted:
                return found[0]
            await asyncio.sleep(0.05)


async def test_an_operator_is_told_all_of_a_carrier(gateway: Gateway) -> None:
    await _deliver_one(gateway)
    operator = await Operator.at(gateway)
    watcher = await operator.key("local", READ, ADMIN)
    carrier = await _once_told(watcher.carriers, accepted=1)
    assert (carrier.kind, carrier.state) == ("simulator", pb.CARRIER_STATE_UP)
    assert carrier.binds_up == carrier.binds
    assert carrier.window > 0
    assert (carrier.counts.accepted, carrier.counts.receipts) == (1, 1)
    assert carrier.report_time.seconds > 0


async def test_others_are_not_told_of_what_concerns_other_accounts(gateway: Gateway) -> None:
    await _deliver_one(gateway)
    operator = await Operator.at(gateway)
    await _once_told((await operator.key("local", READ, ADMIN)).carriers, accepted=1)
    reader = await operator.tenant("alpha", READ)
    carrier = await _once_told(reader.carriers)
    assert carrier.state == pb.CARRIER_STATE_UP
    assert not carrier.HasField("counts")
    assert carrier.trouble == ""


async def test_the_client_lists_carriers(gateway: Gateway) -> None:
    told = await _once_told(carrier_service_pb2_grpc.CarrierServiceStub(gateway.channel))
    async with SmsgateClient(gateway.target) as client:
        found = await client.list_carriers()
    assert [carrier.name for carrier in found.carriers] == [told.name]
