"""Any server of a database answers any call: what was begun at one goes on at the other."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from tests.acceptance.accounts_setup import Caller, Operator, bearer, code_sent, eventually
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    ITALIAN,
    answer_or_refusal,
    events_until,
    next_response,
    opened,
    read_to_end,
    refused,
)
from tests.databases import database_of

from smsgate.v1 import message_pb2, otp_service_pb2
from smsgate.v1 import message_service_pb2 as pb

pytest.importorskip("psycopg", reason="install the extra [postgres]")


@pytest.fixture(params=["the one that sends first", "the other one first"])
async def two(
    request: pytest.FixtureRequest, tmp_path: Path, start_gateway: StartGateway
) -> list[Gateway]:
    """Two servers on one database, of which one sends."""
    settings = {
        "store": database_of(tmp_path),
        "otp_keys": f"k1 {'A' * 43}=",
        "simulator_otp_file": str(tmp_path / "codes"),
    }
    servers = [await start_gateway(**settings) for _ in range(2)]
    assert servers[0].app._courier.sends
    return servers if request.param.endswith("sends first") else servers[::-1]


def _a_message(**fields: Any) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!", **fields)


def _tomorrow() -> pb.SendOptions:
    options = pb.SendOptions()
    options.send_time.FromDatetime(datetime.now(UTC) + timedelta(days=1))
    return options


async def test_a_message_of_one_is_found_listed_and_cancelled_at_the_other(
    two: list[Gateway],
) -> None:
    one, other = two
    ids = [
        (await one.stub.SendMessage(_a_message(options=_tomorrow()))).message.id for _ in range(5)
    ]
    # Page by page, each at another server.
    found: list[str] = []
    token, turn = "", 0
    while True:
        server = two[turn % 2]
        page = await server.stub.ListMessages(pb.ListMessagesRequest(page_size=2, page_token=token))
        found += [message.id for message in page.messages]
        token, turn = page.next_page_token, turn + 1
        if not token:
            break
    assert found == ids[::-1]
    cancelled = await other.stub.CancelMessage(pb.CancelMessageRequest(id=ids[0]))
    assert cancelled.message.status == message_pb2.MESSAGE_STATUS_REJECTED
    shown = await one.stub.GetMessage(pb.GetMessageRequest(id=ids[0], include_history=True))
    assert [event.to_status for event in shown.history] == [
        message_pb2.MESSAGE_STATUS_NEW,
        message_pb2.MESSAGE_STATUS_REJECTED,
    ]


async def test_a_request_id_of_one_is_known_at_the_other(two: list[Gateway]) -> None:
    one, other = two
    request = _a_message(request_id=str(uuid4()))
    sent = await one.stub.SendMessage(request)
    again = await other.stub.SendMessage(request)
    assert again.replayed
    assert again.message.id == sent.message.id
    request.text = "Something else"
    refusal = await refused(other.stub.SendMessage(request))
    assert refusal.reason == "REQUEST_ID_CONFLICT"


async def test_a_cursor_of_one_is_followed_and_waited_from_at_the_other(two: list[Gateway]) -> None:
    one, other = two
    sent = await one.stub.SendMessage(_a_message())
    wait = Duration(seconds=20)
    request = pb.GetMessageRequest(id=sent.message.id, wait_after_cursor=sent.cursor, wait=wait)
    waited = await other.stub.GetMessage(request)
    assert waited.message.status != message_pb2.MESSAGE_STATUS_NEW
    follow = pb.StreamStatusRequest(
        cursor=sent.cursor,
        filter=pb.StatusFilter(message_ids=[sent.message.id]),
        end_when_all_terminal=True,
    )
    streams = [await read_to_end(server.stub.StreamStatus(follow)) for server in two]
    seen = [[event for response in stream for event in response.events] for stream in streams]
    shown = await one.stub.GetMessage(
        pb.GetMessageRequest(id=sent.message.id, include_history=True)
    )
    assert seen[0] == seen[1] == list(shown.history)[1:]


async def test_a_snapshot_at_one_has_what_the_other_accepted_and_goes_on(
    two: list[Gateway],
) -> None:
    one, other = two
    before = await one.stub.SendMessage(_a_message(options=_tomorrow()))
    stream = other.stub.StreamStatus(pb.StreamStatusRequest(snapshot=True))
    await opened(stream)
    page = await next_response(stream)
    assert [message.id for message in page.snapshot] == [before.message.id]
    after = await one.stub.SendMessage(_a_message(options=_tomorrow()))
    events = await events_until(stream, lambda seen: len(seen) > 0)
    assert [event.message_id for event in events] == [after.message.id]
    stream.cancel()


async def test_a_code_that_was_asked_for_at_one_is_right_at_the_other_once(
    two: list[Gateway], tmp_path: Path
) -> None:
    one, other = (Caller(server.channel) for server in two)
    sent = await one.otp.SendOTP(otp_service_pb2.SendOTPRequest(recipient=ITALIAN))
    code = await code_sent(tmp_path / "codes", sent)
    request = otp_service_pb2.VerifyOTPRequest(verification_id=sent.verification.id, code=code)
    answer = await other.otp.VerifyOTP(request)
    assert answer.result == otp_service_pb2.VERIFY_RESULT_APPROVED
    again = await one.otp.VerifyOTP(request)
    assert again.result == otp_service_pb2.VERIFY_RESULT_ALREADY_USED


async def test_a_key_that_is_revoked_at_one_is_refused_at_the_other_within_seconds(
    two: list[Gateway],
) -> None:
    one, other = two
    operator = await Operator.at(one)
    key = await operator.tenant("shop")
    there = bearer(key.secret)

    async def served() -> bool:
        answer = await answer_or_refusal(
            other.stub.ListMessages(pb.ListMessagesRequest(), metadata=there)
        )
        return isinstance(answer, pb.ListMessagesResponse)

    async def closed() -> bool:
        return not await served()

    await eventually(served)
    stream = other.stub.StreamStatus(pb.StreamStatusRequest(), metadata=there)
    await opened(stream)
    await operator.revoke(key.key_id)
    await eventually(closed)
    refusal = await refused(stream.read())
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
