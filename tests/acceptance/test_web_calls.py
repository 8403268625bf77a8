"""Every rpc over HTTP: as JSON, as protocol buffers, and refused as gRPC refuses it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from prometheus_client import generate_latest
from tests.acceptance.accounts_setup import code_sent, rpcs
from tests.acceptance.conftest import StartGateway
from tests.acceptance.otp_setup import other_codes
from tests.acceptance.reading import GUARD_SECONDS, ITALIAN
from tests.acceptance.web_setup import Web, a_send, started_web

from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import otp_service_pb2
from smsgate_server.transport.web.failures import HTTP_STATUS

_UNARY = sorted(name for name, method in rpcs().items() if not method.server_streaming)
_NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def web(start_gateway: StartGateway) -> AsyncIterator[Web]:
    async with started_web(start_gateway) as made:
        yield made


@pytest.mark.parametrize("rpc", _UNARY)
async def test_an_empty_request_is_answered_over_http_as_over_grpc(web: Web, rpc: str) -> None:
    method = rpcs()[rpc]
    response_type = GetMessageClass(method.output_type)
    over_grpc: Any = None
    try:
        call = web.gateway.channel.unary_unary(f"/smsgate.v1.{rpc}")
        over_grpc = response_type.FromString(await call(b""))
    except grpc.aio.AioRpcError as error:
        over_grpc = error
    answer = await web.call(rpc, {})
    assert answer.headers["content-type"] == "application/json"
    if isinstance(over_grpc, grpc.aio.AioRpcError):
        assert answer.status_code == HTTP_STATUS[over_grpc.code()]
        assert answer.json()["message"] == over_grpc.details()
        assert answer.json()["code"] == over_grpc.code().name.lower()
    else:
        assert answer.status_code == 200
        # Fields may differ in time; that it is this message at all is what is asked.
        json_format.Parse(answer.content, response_type())


async def test_a_message_is_sent_read_and_forecast_as_json(web: Web) -> None:
    sent = await web.send(clientReference="order-1", options={"validityPeriod": "3600s"})
    assert sent["message"]["status"] == "MESSAGE_STATUS_NEW"
    found = await web.call("MessageService/GetMessage", {"id": sent["message"]["id"]})
    assert found.json()["message"]["clientReference"] == "order-1"
    forecast = await web.send(options={"dry_run": True})
    assert "cursor" not in forecast


async def test_a_message_that_waits_is_cancelled_as_json(web: Web) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    waiting = await web.send(options={"sendTime": tomorrow})
    message_id = waiting["message"]["id"]
    cancelled = await web.call("MessageService/CancelMessage", {"id": message_id})
    assert cancelled.status_code == 200, cancelled.text
    found = await web.call("MessageService/GetMessage", {"id": message_id})
    told = (found.json()["message"]["status"], found.json()["message"]["reason"])
    assert told == ("MESSAGE_STATUS_REJECTED", "STATUS_REASON_CANCELLED_BY_CLIENT")


async def test_requests_may_be_protocol_buffers(web: Web) -> None:
    request = pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!")
    answer = await web.client.post(
        "/smsgate.v1.MessageService/SendMessage",
        content=request.SerializeToString(),
        headers={"content-type": "application/proto", "connect-protocol-version": "1"},
    )
    assert answer.headers["content-type"] == "application/proto"
    assert pb.SendMessageResponse.FromString(answer.content).message.recipient == ITALIAN


async def test_a_refusal_has_the_details_of_grpc_and_can_be_read(web: Web) -> None:
    answer = await web.call("MessageService/SendMessage", {"recipient": "12", "text": ""})
    refusal = answer.json()
    assert (answer.status_code, refusal["code"]) == (400, "invalid_argument")
    assert refusal["reason"] == "RECIPIENT_NOT_E164"
    by_type = {detail["type"]: detail for detail in refusal["details"]}
    packed = by_type["google.rpc.BadRequest"]
    padded = packed["value"] + "=" * (-len(packed["value"]) % 4)
    read = BadRequest.FromString(base64.b64decode(padded))
    fields = {violation.field for violation in read.field_violations}
    assert fields == {"recipient", "text"}
    shown = {violation["field"] for violation in packed["debug"]["fieldViolations"]}
    assert shown == fields
    assert by_type["google.rpc.ErrorInfo"]["debug"]["metadata"] == {"field": "recipient"}


async def test_the_details_are_the_same_bytes_as_over_grpc(web: Web) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await web.gateway.stub.GetMessage(pb.GetMessageRequest(id=_NOBODY))
    trailers = dict(raised.value.trailing_metadata() or ())
    status = Status.FromString(trailers["grpc-status-details-bin"])  # type: ignore[arg-type]
    answer = await web.call("MessageService/GetMessage", {"id": _NOBODY})
    assert answer.status_code == 404
    values = [base64.b64encode(d.value).decode().rstrip("=") for d in status.details]
    assert [detail["value"] for detail in answer.json()["details"]] == values


async def test_a_limit_says_when_to_come_again(start_gateway: StartGateway) -> None:
    async with started_web(start_gateway, limits=("requests=2/1h",)) as web:
        for _ in range(2):
            await web.call("MessageService/ListMessages", {})
        answer = await web.call("MessageService/ListMessages", {})
        assert answer.status_code == 429
        assert answer.json()["reason"] == "RATE_LIMITED"
        assert 1 <= int(answer.headers["retry-after"]) <= 3_600
        # The calls of one way in count for the other.
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await web.gateway.stub.ListMessages(pb.ListMessagesRequest())
        assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_calls_are_counted_with_those_of_grpc(web: Web) -> None:
    await web.send()
    await web.gateway.stub.SendMessage(pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!"))
    await web.call("MessageService/SendMessage", {})
    counted = generate_latest(web.gateway.app._registry).decode()
    method = 'method="MessageService.SendMessage"'
    assert f'smsgate_calls_total{{code="OK",{method},reason=""}} 2.0' in counted
    assert f'smsgate_calls_total{{code="INVALID_ARGUMENT",{method}' in counted


_BAD_BODIES = {
    "no JSON": b"{",
    "no object": b"[]",
    "an unknown field": b'{"recipient":"+393331234567","text":"x","dryrun":true}',
    "a number for a text": b'{"text":1}',
    "half a character": b'{"text":"\\ud800"}',
    "not UTF-8": b'{"text":"\xff"}',
    "very deep": b'{"labels":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"options":' * 50_000,
    "a huge number": b'{"options":{"maxSegments":1e400}}',
    "more digits than there are": b'{"options":{"maxSegments":' + b"9" * 10_000 + b"}}",
    "a time of no calendar": b'{"options":{"sendTime":"2026-02-31T00:00:00Z"}}',
    "a span of nothing": b'{"options":{"validityPeriod":"soon"}}',
    "an unknown enum": b'{"options":{"onUnknownSubmit":"MAYBE"}}',
    "a null character": b'{"text":"\\u0000"}',
}


@pytest.mark.parametrize("body", _BAD_BODIES.values(), ids=_BAD_BODIES)
async def test_bad_json_is_an_invalid_argument_and_sends_nothing(web: Web, body: bytes) -> None:
    answer = await web.client.post(
        "/smsgate.v1.MessageService/SendMessage",
        content=body,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalid_argument"
    assert {d["type"] for d in answer.json()["details"]} >= {f"google.rpc.{ErrorInfo.__name__}"}
    assert await web.gateway.message_count() == 0


async def test_what_is_not_spoken_here_is_said(web: Web) -> None:
    path = "/smsgate.v1.MessageService/SendMessage"
    form = await web.client.post(path, data={"recipient": ITALIAN})
    assert form.status_code == 415
    assert "application/json" in form.json()["message"]
    got = await web.client.get(path)
    assert (got.status_code, got.headers["allow"]) == (405, "POST")
    assert (await web.client.get("/nowhere")).status_code == 404
    assert (await web.call("MessageService/SendNothing", {})).status_code == 404
    zipped = await web.call("MessageService/SendMessage", a_send(), **{"content-encoding": "gzip"})
    assert zipped.status_code == 501
    version = {"connect-protocol-version": "2"}
    assert (await web.call("MessageService/SendMessage", a_send(), **version)).status_code == 400
    assert await web.gateway.message_count() == 0


async def test_a_long_poll_ends_at_the_callers_deadline(web: Web) -> None:
    real = await web.send()
    async with asyncio.timeout(GUARD_SECONDS):
        now = await web.call("MessageService/GetMessage", {"id": real["message"]["id"]})
        while now.json()["message"]["status"] != "MESSAGE_STATUS_DELIVERED":
            seen = {"waitAfterCursor": now.json()["cursor"], "wait": "5s"}
            now = await web.call("MessageService/GetMessage", {"id": real["message"]["id"]} | seen)
    request = {
        "id": real["message"]["id"],
        "waitAfterCursor": now.json()["cursor"],
        "wait": "60s",
    }
    late = await web.call("MessageService/GetMessage", request, **{"connect-timeout-ms": "50"})
    assert (late.status_code, late.json()["code"]) == (504, "deadline_exceeded")
    bad = await web.call("MessageService/GetMessage", request, **{"connect-timeout-ms": "soon"})
    assert bad.status_code == 400


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(web: Web) -> None:
    answer = await web.client.post(
        "/messages",
        content=b"{" + b" " * (16 * 2**20),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 413


# The routes of the original API


async def test_the_routes_of_the_original_api(web: Web) -> None:
    sent = await web.client.post("/messages", json=a_send(request_id="r-1"))
    message = sent.json()["message"]
    found = (await web.client.get(f"/messages/{message['id']}")).json()
    assert found["message"]["id"] == message["id"]
    assert "history" not in found
    history = (await web.client.get(f"/messages/{message['id']}?history=true")).json()["history"]
    assert history[0]["toStatus"] == "MESSAGE_STATUS_NEW"
    again = await web.client.post("/messages", json=a_send(request_id="r-1"))
    assert again.json()["replayed"] is True
    missing = await web.client.get(f"/messages/{_NOBODY}")
    assert (missing.status_code, missing.json()["reason"]) == (404, "MESSAGE_NOT_FOUND")
    odd = await web.client.get(f"/messages/{message['id']}?histroy=true")
    assert odd.status_code == 400
    assert (await web.client.put("/messages", json={})).status_code == 405


async def test_a_code_is_sent_and_checked_by_the_routes(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    texts = tmp_path / "texts"
    async with started_web(start_gateway, simulator_otp_file=str(texts)) as web:
        sent = await web.client.post("/otp", json={"recipient": ITALIAN, "brand": "Acme"})
        assert sent.status_code == 200, sent.text
        read = json_format.Parse(sent.content, otp_service_pb2.SendOTPResponse())
        code = await code_sent(texts, read)
        assert code not in sent.text
        check = {"verificationId": read.verification.id}
        for tried, result in ((other_codes(code, 1)[0], "INCORRECT"), (code, "APPROVED")):
            answer = await web.client.post("/otp/verify", json=check | {"code": tried})
            assert answer.json()["result"] == f"VERIFY_RESULT_{result}"


async def test_a_request_without_a_body_is_an_empty_one(web: Web) -> None:
    answer = await web.client.post(
        "/smsgate.v1.AccountService/GetAccount", headers={"content-type": "application/json"}
    )
    assert json.loads(answer.content)["account"]["id"] == "local"
