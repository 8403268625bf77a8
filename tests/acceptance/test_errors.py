"""What error_reason.proto promises of every error. `reading.refusal_of` holds each refusal of each
test against most of it; here stands what one refusal alone cannot show.
"""

from datetime import timedelta

import grpc
from google.type.money_pb2 import Money
from tests.acceptance.conftest import StartGateway
from tests.acceptance.reading import (
    ITALIAN,
    MessageStub,
    promised_metadata,
    refused,
    until_final,
)

from smsgate.v1 import error_reason_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason


def test_the_servers_reasons_are_those_of_the_contract() -> None:
    values = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    contract = {name.removeprefix("ERROR_REASON_") for name in values}
    assert {reason.value for reason in ErrorReason} == contract - {"UNSPECIFIED"}


def test_every_reason_has_an_example_in_the_contract() -> None:
    assert set(promised_metadata()) == {reason.value for reason in ErrorReason}


async def test_the_price_of_a_message_that_is_too_dear_is_told_in_decimals(
    stub: MessageStub,
) -> None:
    price = Money(currency_code="EUR", nanos=50_000_000)
    refusal = await refused(
        stub.SendMessage(
            pb.SendMessageRequest(
                recipient=ITALIAN, text="a" * 161, options=pb.SendOptions(max_price=price)
            )
        )
    )
    assert dict(refusal.info.metadata) == {
        "total_price": "0.072",
        "max_price": "0.05",
        "currency": "EUR",
    }


async def test_a_full_backlog_says_when_to_come_back(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(backlog_limit=1)
    items = [pb.BatchItem(recipient=ITALIAN) for _ in range(2)]
    refusal = await refused(gateway.stub.SendBatch(pb.SendBatchRequest(text="a", items=items)))
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.reason == "BACKLOG_FULL"
    assert refusal.quota is not None
    assert refusal.quota.violations[0].subject == "backlog"
    assert refusal.retry is not None
    assert refusal.retry.retry_delay.ToTimedelta() > timedelta(0)


async def test_what_stands_in_the_way_of_a_cancel_is_the_message(stub: MessageStub) -> None:
    sent = await stub.SendMessage(pb.SendMessageRequest(recipient=ITALIAN, text="a"))
    await until_final(stub, sent)
    refusal = await refused(stub.CancelMessage(pb.CancelMessageRequest(id=sent.message.id)))
    assert refusal.precondition is not None
    violation = refusal.precondition.violations[0]
    assert (violation.type, violation.subject) == ("ALREADY_SUBMITTED", sent.message.id)
    assert "DELIVERED" in violation.description


async def test_an_error_with_very_many_violations_still_reaches_the_caller(
    stub: MessageStub,
) -> None:
    items = [
        pb.BatchItem(recipient="日本" * 30, sender="日" * 300, text="\x00", labels={"日" * 60: ""})
        for _ in range(1_000)
    ]
    refusal = await refused(stub.SendBatch(pb.SendBatchRequest(items=items, all_or_nothing=True)))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.info.metadata["refused_count"] == "1000"
    assert "4000 violations" in refusal.message


async def test_an_error_that_repeats_what_was_written_stays_small(stub: MessageStub) -> None:
    request = pb.SendMessageRequest(
        sender="日" * 100_000,
        recipient="日" * 100_000,
        text="日" * 100_000,
        request_id="日" * 100_000,
        client_reference="日" * 100_000,
        labels={"日" * 10_000 + str(n): "日" * 10_000 for n in range(16)},
    )
    refusal = await refused(stub.SendMessage(request))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    named = {field.partition("[")[0] for field in refusal.fields}
    assert named == {"sender", "recipient", "text", "request_id", "client_reference", "labels"}
