"""How the tests read what a server answers: refusals with all their details, and streams."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message as ProtoMessage
from google.rpc.error_details_pb2 import (
    BadRequest,
    ErrorInfo,
    PreconditionFailure,
    QuotaFailure,
    RetryInfo,
)
from google.rpc.status_pb2 import Status

from smsgate.v1 import error_reason_pb2, message_pb2
from smsgate.v1 import message_service_pb2 as pb

# The generated stub is untyped for asyncio.
MessageStub = Any
Stream = Any

GUARD_SECONDS = 40.0

NEW = message_pb2.MESSAGE_STATUS_NEW
PENDING = message_pb2.MESSAGE_STATUS_PENDING
UNDELIVERABLE = message_pb2.MESSAGE_STATUS_UNDELIVERABLE
DELIVERED = message_pb2.MESSAGE_STATUS_DELIVERED
EXPIRED = message_pb2.MESSAGE_STATUS_EXPIRED
REJECTED = message_pb2.MESSAGE_STATUS_REJECTED
FINAL = frozenset({UNDELIVERABLE, DELIVERED, EXPIRED, REJECTED})

ITALIAN = "+393331234567"
# docs/simulator.md: the last three digits choose what becomes of a message.
UNREACHABLE = "+393331234901"
REFUSED_BY_CARRIER = "+393331234903"
WITHOUT_RECEIPT = "+393331234907"
WITH_LATE_RECEIPT = "+393331234908"
REFUSED_FOR_EVER = "+393331234917"

_PROTO = Path(__file__).parents[2] / "proto" / "smsgate" / "v1" / "error_reason.proto"
_PREFIX = "ERROR_REASON_"
_REASONS = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
_DETAILS = (ErrorInfo, BadRequest, RetryInfo, QuotaFailure, PreconditionFailure)


@cache
def promised_metadata() -> dict[str, frozenset[str]]:
    """The metadata keys of each reason's example in the contract."""
    promised = {}
    pattern = re.compile(r"((?:\s*//[^\n]*\n)+)\s*ERROR_REASON_(\w+) = \d+;")
    for comment, reason in pattern.findall(_PROTO.read_text(encoding="utf-8")):
        text = re.sub(r"(?m)^\s*// ?", "", comment)
        start = text.find("{")
        if start >= 0:
            example = json.loads(text[start:])
            assert example["reason"] == reason
            promised[reason] = frozenset(example.get("metadata", {}))
    return promised


@dataclass(frozen=True)
class Refusal:
    """An error as a caller sees it."""

    code: grpc.StatusCode
    message: str
    info: ErrorInfo
    violations: Sequence[BadRequest.FieldViolation] = ()
    retry: RetryInfo | None = None
    quota: QuotaFailure | None = None
    precondition: PreconditionFailure | None = None

    @property
    def reason(self) -> str:
        return self.info.reason

    @property
    def fields(self) -> list[str]:
        return [violation.field for violation in self.violations]

    @property
    def reasons(self) -> dict[str, str]:
        """The reason of each violation by its field."""
        return {violation.field: violation.reason for violation in self.violations}

    def violation(self, field: str) -> BadRequest.FieldViolation:
        return next(v for v in self.violations if v.field == field)


def refusal_of(status: Status) -> Refusal:
    """Reads a refusal, and holds it against all that the contract promises of every error."""
    details = [_unpacked(detail) for detail in status.details]
    by_kind = {type(detail): detail for detail in details}
    assert len(by_kind) == len(details), "a detail stands twice"
    info = by_kind[ErrorInfo]
    assert isinstance(info, ErrorInfo)
    read = Refusal(
        next(code for code in grpc.StatusCode if code.value[0] == status.code),
        status.message,
        info,
        tuple(getattr(by_kind.get(BadRequest), "field_violations", ())),
        by_kind.get(RetryInfo),  # type: ignore[arg-type]
        by_kind.get(QuotaFailure),  # type: ignore[arg-type]
        by_kind.get(PreconditionFailure),  # type: ignore[arg-type]
    )
    _keeps_the_promises(read)
    return read


def _unpacked(detail: Any) -> ProtoMessage:
    for kind in _DETAILS:
        if detail.Is(kind.DESCRIPTOR):
            message = kind()
            detail.Unpack(message)
            return message
    raise AssertionError(f"a detail that the contract does not name: {detail.type_url}")


def _keeps_the_promises(read: Refusal) -> None:
    assert read.info.domain == "smsgate"
    assert _PREFIX + read.reason in _REASONS
    assert read.message
    assert "Traceback" not in read.message
    assert 'File "' not in read.message
    missing = promised_metadata()[read.reason] - set(read.info.metadata)
    assert not missing, f"{read.reason} promises the metadata {missing}"
    if read.code is grpc.StatusCode.INVALID_ARGUMENT:
        assert read.violations
        assert read.info.metadata["field"] == read.violations[0].field
        for violation in read.violations:
            assert violation.field
            assert violation.description
            assert _PREFIX + violation.reason in _REASONS
        if read.reason != "BATCH_REFUSED":
            assert read.reason == read.violations[0].reason
    if read.code is grpc.StatusCode.FAILED_PRECONDITION:
        assert read.precondition is not None
        assert read.precondition.violations[0].type == read.reason
        assert read.precondition.violations[0].subject
    if read.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        assert read.quota is not None
        assert read.quota.violations[0].subject


def refusal_of_call(error: grpc.aio.AioRpcError) -> Refusal:
    metadata = error.trailing_metadata() or ()
    encoded = [value for key, value in metadata if key == "grpc-status-details-bin"]
    assert len(encoded) == 1, f"no details: {error.code()} {error.details()}"
    status = Status.FromString(encoded[0])
    read = refusal_of(status)
    assert read.code is error.code()
    assert read.message == error.details()
    return read


async def refused(call: Awaitable[Any]) -> Refusal:
    """The refusal that a call must end with. For a stream: `refused(stream.read())`."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with asyncio.timeout(GUARD_SECONDS):
            await call
    return refusal_of_call(caught.value)


async def answer_or_refusal(call: Awaitable[Any]) -> Any:
    """What a call answers, or its refusal, where either may come."""
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            return await call
    except grpc.aio.AioRpcError as error:
        return refusal_of_call(error)


async def all_messages(stub: MessageStub, **filters: Any) -> list[message_pb2.Message]:
    """Every message that the filter chooses, over all pages, newest first."""
    request = pb.ListMessagesRequest(filter=pb.MessageFilter(**filters), page_size=1_000)
    messages: list[message_pb2.Message] = []
    while True:
        page = await stub.ListMessages(request)
        messages += page.messages
        if not page.next_page_token:
            return messages
        request.page_token = page.next_page_token


async def opened(stream: Stream) -> pb.StreamStatusResponse:
    """The first response, which must be Opened."""
    response = await next_response(stream)
    assert response.WhichOneof("control") == "opened"
    return response


async def next_response(stream: Stream) -> pb.StreamStatusResponse:
    async with asyncio.timeout(GUARD_SECONDS):
        response = await stream.read()
    assert response is not grpc.aio.EOF, "the stream ended"
    assert isinstance(response, pb.StreamStatusResponse)
    return response


Done = Callable[[list[message_pb2.StatusEvent]], bool]


async def events_until(stream: Stream, done: Done) -> list[message_pb2.StatusEvent]:
    """Events from here on, until all that were read satisfy `done`."""
    events: list[message_pb2.StatusEvent] = []
    while not done(events):
        events += (await next_response(stream)).events
    return events


async def read_events(stream: Stream, count: int) -> list[message_pb2.StatusEvent]:
    """At least `count` events."""
    return await events_until(stream, lambda events: len(events) >= count)


def all_final(messages: Sequence[message_pb2.Message]) -> Done:
    """Whether the events have the final one of each message."""
    wanted = {message.id for message in messages}
    return lambda events: wanted <= {e.message_id for e in events if e.to_status in FINAL}


async def read_to_end(stream: Stream) -> list[pb.StreamStatusResponse]:
    """Every response until the server ends the stream with OK."""
    responses = []
    async with asyncio.timeout(GUARD_SECONDS):
        while (response := await stream.read()) is not grpc.aio.EOF:
            responses.append(response)
    assert await stream.code() is grpc.StatusCode.OK
    return responses


def events_of(responses: Sequence[pb.StreamStatusResponse]) -> list[message_pb2.StatusEvent]:
    return [event for response in responses for event in response.events]


def steps(events: Sequence[message_pb2.StatusEvent]) -> list[tuple[int, int]]:
    return [(event.from_status, event.to_status) for event in events]


async def until_final(stub: MessageStub, sent: pb.SendMessageResponse) -> message_pb2.Message:
    """The message once it is final, awaited by a stream."""
    stream = stub.StreamStatus(
        pb.StreamStatusRequest(
            cursor=sent.cursor,
            filter=pb.StatusFilter(message_ids=[sent.message.id]),
            end_when_all_terminal=True,
        )
    )
    await read_to_end(stream)
    found = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id))
    assert found.message.status in FINAL
    message: message_pb2.Message = found.message
    return message


async def until_status(
    stub: MessageStub, sent: pb.SendMessageResponse, status: int
) -> message_pb2.Message:
    """The message once it has a status."""
    cursor = sent.cursor
    while True:
        request = pb.GetMessageRequest(id=sent.message.id, wait_after_cursor=cursor)
        request.wait.seconds = 10
        found = await stub.GetMessage(request)
        if found.message.status == status:
            message: message_pb2.Message = found.message
            return message
        assert found.message.status not in FINAL
        cursor = found.cursor
