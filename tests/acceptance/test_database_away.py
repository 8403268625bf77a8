"""PostgreSQL is stopped and comes back: what calls are told, and that streams go on."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    GUARD_SECONDS,
    ITALIAN,
    answer_or_refusal,
    events_until,
    next_response,
    opened,
    read_to_end,
    refused,
)
from tests.databases import own_postgres

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.private_postgres import PrivatePostgres

pytestmark = pytest.mark.slow

pytest.importorskip("psycopg", reason="install the extra [postgres]")


@pytest.fixture
def database() -> Iterator[PrivatePostgres]:
    with own_postgres() as server:
        yield server


@pytest.fixture
async def gateway(database: PrivatePostgres, start_gateway: StartGateway) -> Gateway:
    return await start_gateway(store=database.url(), otp_keys=f"k1 {'A' * 43}=")


async def _sent(gateway: Gateway) -> pb.SendMessageResponse:
    """A message, accepted as soon as the database takes it."""
    request = pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!", request_id=str(uuid4()))
    async with asyncio.timeout(GUARD_SECONDS):
        while True:
            answer = await answer_or_refusal(gateway.stub.SendMessage(request))
            if isinstance(answer, pb.SendMessageResponse):
                return answer
            assert answer.code is grpc.StatusCode.UNAVAILABLE


async def test_open_streams_wait_for_the_database_and_go_on(
    database: PrivatePostgres, start_gateway: StartGateway
) -> None:
    settings = {"store": database.url(), "otp_keys": f"k1 {'A' * 43}="}
    before = await start_gateway(**settings)
    first = await _sent(before)
    await before.stop()
    gateway = await start_gateway(**settings)
    live = gateway.stub.StreamStatus(pb.StreamStatusRequest())
    await opened(live)
    await asyncio.to_thread(database.kill)
    beat = Duration(seconds=1)
    # Both have to read what is in the database only.
    behind = gateway.stub.StreamStatus(
        pb.StreamStatusRequest(from_earliest=True, heartbeat_interval=beat)
    )
    snapshot = gateway.stub.StreamStatus(pb.StreamStatusRequest(snapshot=True))
    for stream in (behind, snapshot):
        await opened(stream)
    # It is alive, and cannot read.
    for _ in range(2):
        assert (await next_response(behind)).HasField("heartbeat")
    await asyncio.to_thread(database.start)
    second = await _sent(gateway)
    ids = {first.message.id, second.message.id}
    seen = await events_until(behind, lambda events: {e.message_id for e in events} == ids)
    assert seen[0].message_id == first.message.id
    page = await next_response(snapshot)
    assert [message.id for message in page.snapshot] == [first.message.id]
    seen = await events_until(live, lambda events: len(events) > 0)
    assert seen[0].message_id == second.message.id
    for stream in (behind, snapshot, live):
        stream.cancel()


async def test_calls_are_told_that_the_store_is_away(
    database: PrivatePostgres, gateway: Gateway
) -> None:
    await asyncio.to_thread(database.kill)
    calls = [
        gateway.stub.SendMessage(pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!")),
        gateway.stub.GetMessage(pb.GetMessageRequest(id="m")),
        gateway.stub.ListMessages(pb.ListMessagesRequest()),
        gateway.stub.CancelMessage(pb.CancelMessageRequest(id="m")),
    ]
    for call in calls:
        refusal = await refused(call)
        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        assert refusal.reason == "STORE_UNAVAILABLE"
        assert refusal.retry is not None
        assert "smsgate-pg" not in refusal.message
    await asyncio.to_thread(database.start)
    assert (await _sent(gateway)).message.id


async def test_streams_that_wait_for_the_database_end_when_the_server_drains(
    database: PrivatePostgres, gateway: Gateway
) -> None:
    await _sent(gateway)
    await asyncio.to_thread(database.kill)
    stream = gateway.stub.StreamStatus(pb.StreamStatusRequest(from_earliest=True))
    await opened(stream)
    stopping = asyncio.create_task(gateway.stop())
    async with asyncio.timeout(GUARD_SECONDS):
        responses = await read_to_end(stream)
    assert responses[-1].end.reason == pb.StreamStatusResponse.End.REASON_SERVER_DRAINING
    # What is not on record is kept until it can be.
    await asyncio.to_thread(database.start)
    await stopping
