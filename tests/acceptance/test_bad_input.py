"""Bad input, systematically: the cases come from the contract's descriptors, so that no field of no
request can be forgotten. Whatever comes, the answer has the right code, names what is wrong, and
leaves nothing half written.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    GUARD_SECONDS,
    ITALIAN,
    MessageStub,
    Refusal,
    all_messages,
    refusal_of,
    refusal_of_call,
    refused,
)
from tests.databases import database_of

from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import message_service_pb2_grpc
from smsgate_server.app import App
from smsgate_server.config import load

_SERVICE = pb.DESCRIPTOR.services_by_name["MessageService"]
_EXPECTED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
}
_BASES: dict[str, ProtoMessage] = {
    "SendMessage": pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!"),
    "SendBatch": pb.SendBatchRequest(
        items=[pb.BatchItem(recipient=ITALIAN)], text="Ciao!", all_or_nothing=True
    ),
    "EstimateMessage": pb.EstimateMessageRequest(recipient=ITALIAN, text="Ciao!"),
    "GetMessage": pb.GetMessageRequest(id="unknown"),
    "ListMessages": pb.ListMessagesRequest(),
    "CancelMessage": pb.CancelMessageRequest(id="unknown"),
    "StreamStatus": pb.StreamStatusRequest(),
}

_NASTY_TEXTS = (
    *("", " ", "\t", "\n", "\x00", "a\x00b", "\x1b[31m", "\x7f", "\x85", "\u2028"),
    *(
        "\u202e",
        "\ufeff",
        "\ufffe",
        "\U0010ffff",
        "é" * 300,
        "👩‍👩‍👧" * 40,
        "x" * 300,
        "x" * 100_000,
    ),
    *("%s%n", "'; DROP TABLE messages; --", "../../etc/passwd", "${jndi:x}", "null", "-1"),
    *("+39", "+999123456789", "+390000000000000000", "39 333", "日本", "A" * 22, "AAAA", "*"),
)
_WHOLE_NUMBERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), -1, 0, 1, 2**31 - 1, 999_999_999, 10**9),
    FieldDescriptor.CPPTYPE_INT64: (
        -(2**63),
        -1,
        0,
        1,
        2**63 - 1,
        253_402_300_800,
        -62_135_596_801,
    ),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 33, 1_001, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (0, 1, 2, 99, -1, 2**31 - 1),
    FieldDescriptor.CPPTYPE_BOOL: (False, True),
}

Path_ = tuple[FieldDescriptor, ...]


def _is_map(field: FieldDescriptor) -> bool:
    kind = field.message_type
    return kind is not None and bool(kind.GetOptions().map_entry)


def _paths(descriptor: Descriptor, above: Path_ = ()) -> Iterator[Path_]:
    for field in descriptor.fields:
        yield (*above, field)
        if field.message_type is not None and not _is_map(field):
            yield from _paths(field.message_type, (*above, field))


def _name(path: Path_) -> str:
    return ".".join(field.name for field in path)


def _values(field: FieldDescriptor) -> tuple[Any, ...]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _NASTY_TEXTS
    return _WHOLE_NUMBERS[field.cpp_type]


def _mutants(base: ProtoMessage, path: Path_) -> Iterator[ProtoMessage]:
    """The base with one field filled with each of the nasty values of its type."""
    field = path[-1]
    if _is_map(field):
        for text in _NASTY_TEXTS:
            yield _with(base, path, {text: "value"})
            yield _with(base, path, {"key": text})
        yield _with(base, path, {f"k{n}": "v" for n in range(1_001)})
    elif field.message_type is not None:
        yield _with(base, path, None)
    elif field.is_repeated:
        for value in _values(field):
            yield _with(base, path, [value])
        yield _with(base, path, [_values(field)[-1]] * 1_001)
    else:
        for value in _values(field):
            yield _with(base, path, value)


def _with(base: ProtoMessage, path: Path_, value: Any) -> ProtoMessage:
    made = type(base)()
    made.CopyFrom(base)
    parent: Any = made
    for field in path[:-1]:
        parent = getattr(parent, field.name)
        if field.is_repeated:
            parent = parent[0] if len(parent) else parent.add()
    name = path[-1].name
    if value is None:
        part = getattr(parent, name)
        if path[-1].is_repeated:
            part.add()
        else:
            part.SetInParent()
    elif isinstance(value, dict):
        getattr(parent, name).update(value)
    elif isinstance(value, list):
        getattr(parent, name).extend(value)
    else:
        setattr(parent, name, value)
    return made


async def _answer(stub: MessageStub, rpc: str, request: ProtoMessage) -> ProtoMessage | Refusal:
    """The answer, of a stream the first one; or the refusal."""
    call = getattr(stub, rpc)(request)
    try:
        async with asyncio.timeout(GUARD_SECONDS):
            if rpc == "StreamStatus":
                response = await call.read()
                call.cancel()
                assert isinstance(response, pb.StreamStatusResponse)
                assert response.HasField("opened")
            else:
                response = await call
    except grpc.aio.AioRpcError as error:
        return refusal_of_call(error)
    assert isinstance(response, ProtoMessage)
    return response


def _accepted(answer: ProtoMessage | Refusal) -> int:
    """How many messages an answer says were stored."""
    if isinstance(answer, pb.SendMessageResponse):
        return int(bool(answer.message.id) and not answer.replayed)
    if isinstance(answer, pb.SendBatchResponse):
        return sum(
            bool(r.message.id) and not r.replayed and not answer.replayed for r in answer.results
        )
    return 0


def _is_about(violated: str, path: Path_) -> bool:
    """Whether a violation names the field that was changed, or one around or inside it."""
    plain = re.sub(r"\[[^\]]*\](?=\.|$)|\[.*$", "", violated)
    name = _name(path)
    for one in (plain, plain.removeprefix("items.")):
        for other in (name, name.removeprefix("items.")):
            if other == one or f"{other}.".startswith(f"{one}.") or one.startswith(f"{other}."):
                return True
    # What is put into a callback alone lacks the URL as well.
    if "callback." in name and plain.endswith("callback.url"):
        return True
    # The parts that one field alone does not decide.
    related = {"wait": "wait_after_cursor", "end_when_all_terminal": "filter"}
    return related.get(name.partition(".")[0]) == plain or name in ("all_or_nothing",)


_CASES = [
    pytest.param(rpc, path, id=f"{rpc}.{_name(path)}")
    for rpc in _BASES
    for path in _paths(_SERVICE.methods_by_name[rpc].input_type)
]


def test_the_cases_cover_every_method() -> None:
    assert set(_BASES) == {method.name for method in _SERVICE.methods}


@pytest.mark.parametrize(("rpc", "path"), _CASES)
async def test_each_field_with_each_nasty_value(gateway: Gateway, rpc: str, path: Path_) -> None:
    stored = 0
    for request in _mutants(_BASES[rpc], path):
        answer = await _answer(gateway.stub, rpc, request)
        stored += _accepted(answer)
        if not isinstance(answer, Refusal):
            continue
        assert answer.code in _EXPECTED, (answer, request)
        if answer.code is grpc.StatusCode.INVALID_ARGUMENT:
            about = [field for field in answer.fields if _is_about(field, path)]
            assert about, (answer, request)
    assert await gateway.message_count() == stored


# PostgreSQL has no such character.
_NULS = ("\x00", "a\x00b")


@pytest.mark.parametrize("rpc", list(_BASES))
async def test_a_nul_in_any_text_is_answered_alike_on_every_store(
    start_gateway: StartGateway, tmp_path: Path, rpc: str
) -> None:
    gateways = [await start_gateway(), await start_gateway(**on_postgres(tmp_path))]
    for path in _paths(_SERVICE.methods_by_name[rpc].input_type):
        for request in nul_mutants(_BASES[rpc], path):
            answers = [await _answer(gateway.stub, rpc, request) for gateway in gateways]
            assert outcome(answers[0]) == outcome(answers[1]), (request, answers)


def on_postgres(folder: Path) -> dict[str, Any]:
    return {"store": database_of(folder), "otp_keys": f"k1 {'A' * 43}="}


def nul_mutants(base: ProtoMessage, path: Path_) -> Iterator[ProtoMessage]:
    """The base with a NUL in one field, if that has texts."""
    field = path[-1]
    for text in _NULS:
        if _is_map(field):
            yield _with(base, path, {text: "value"})
            yield _with(base, path, {"key": text})
        elif field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
            yield _with(base, path, [text] if field.is_repeated else text)


def outcome(answer: ProtoMessage | Refusal) -> tuple[object, ...]:
    """What every store must agree on."""
    if isinstance(answer, Refusal):
        return answer.code, answer.reason, answer.fields
    return (type(answer),)


_STRINGS = [
    case
    for case in _CASES
    if case.values[1][-1].cpp_type == FieldDescriptor.CPPTYPE_STRING
    and not case.values[1][-1].is_repeated
]


@pytest.mark.parametrize(("rpc", "path"), _STRINGS)
async def test_each_text_field_with_10_mb(gateway: Gateway, rpc: str, path: Path_) -> None:
    request = _with(_BASES[rpc], path, "x" * 10_000_000)
    answer = await _answer(gateway.stub, rpc, request)
    if isinstance(answer, pb.EstimateMessageResponse):
        assert answer.would_fail_with
        assert all(refusal_of(status).code in _EXPECTED for status in answer.would_fail_with)
    else:
        assert isinstance(answer, Refusal), f"10 MB of {_name(path)} were accepted"
        assert answer.code in _EXPECTED
    assert await gateway.message_count() == 0


async def test_a_request_that_is_too_large_is_refused(gateway: Gateway) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.stub.SendMessage(
            pb.SendMessageRequest(recipient=ITALIAN, text="x" * 20_000_000)
        )
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert await gateway.message_count() == 0


async def test_huge_metadata_is_refused_and_the_server_lives_on(gateway: Gateway) -> None:
    for size in (20_000, 1_000_000):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.stub.SendMessage(
                pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!"),
                metadata=(("x-huge", "x" * size),),
            )
        assert caught.value.code() in (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            grpc.StatusCode.UNAVAILABLE,
        )
    assert await gateway.message_count() == 0


_GARBAGE = (
    b"\xff",
    b"\xff" * 100,
    b"\x00",
    b"\x0a\xff\xff\xff\xff\x0f",
    b"\x12\x80",
    b"\x0b",
    bytes(range(256)),
)


@pytest.mark.parametrize("method", list(_SERVICE.methods), ids=lambda method: str(method.name))
async def test_bytes_that_are_no_request_are_an_invalid_argument(
    gateway: Gateway, method: Any
) -> None:
    path = f"/{_SERVICE.full_name}/{method.name}"
    for garbage in _GARBAGE:
        if method.server_streaming:
            refusal = await refused(gateway.channel.unary_stream(path)(garbage).read())
        else:
            refusal = await refused(gateway.channel.unary_unary(path)(garbage))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.reason == "INVALID_FIELD"
    assert await gateway.message_count() == 0


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"a\xe2\x82"]
)
async def test_a_text_that_is_not_utf_8_is_an_invalid_argument(
    gateway: Gateway, text: bytes
) -> None:
    number = pb.SendMessageRequest.DESCRIPTOR.fields_by_name["text"].number
    body = pb.SendMessageRequest(recipient=ITALIAN).SerializeToString()
    body += bytes([number << 3 | 2, len(text)]) + text
    call = gateway.channel.unary_unary(f"/{_SERVICE.full_name}/SendMessage")
    refusal = await refused(call(body))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert await gateway.message_count() == 0


async def test_fields_that_the_server_does_not_know_are_ignored(gateway: Gateway) -> None:
    body = pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!").SerializeToString()
    call = gateway.channel.unary_unary(f"/{_SERVICE.full_name}/SendMessage")
    # Field 1,000 with the varint 1.
    await call(body + b"\xc0\x3e\x01")
    assert await gateway.message_count() == 1


async def test_a_method_that_does_not_exist_is_unimplemented(gateway: Gateway) -> None:
    for path in (f"/{_SERVICE.full_name}/SendPigeon", "/nobody/Nothing"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await gateway.channel.unary_unary(path)(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_batch_that_is_refused_in_part_is_written_whole(gateway: Gateway) -> None:
    items = [pb.BatchItem(recipient=ITALIAN, text=text) for text in _NASTY_TEXTS if text]
    answer = await gateway.stub.SendBatch(pb.SendBatchRequest(items=items))
    for result in answer.results:
        if result.HasField("error"):
            assert refusal_of(result.error).code is grpc.StatusCode.INVALID_ARGUMENT
    stored = await all_messages(gateway.stub)
    assert len(stored) == answer.accepted_count > 0
    assert {m.id for m in stored} == {r.message.id for r in answer.results if r.message.id}


# Random requests

_texts = st.one_of(
    st.sampled_from((*_NASTY_TEXTS[:14], ITALIAN, "Acme", "Ciao!", "IT", "key")),
    st.text(max_size=30),
)


def _scalars(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return _texts
    return st.sampled_from(_WHOLE_NUMBERS[field.cpp_type])


def _requests(descriptor: Descriptor) -> st.SearchStrategy[ProtoMessage]:
    kind = GetMessageClass(descriptor)
    fields = {field.name: _fields(field) for field in descriptor.fields}
    chosen = st.fixed_dictionaries({}, optional=fields)
    return chosen.map(lambda values: kind(**values))


def _fields(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if _is_map(field):
        return st.dictionaries(_texts, _texts, max_size=3)
    one = _requests(field.message_type) if field.message_type else _scalars(field)
    return st.lists(one, max_size=3) if field.is_repeated else one


@contextlib.contextmanager
def _running_gateway(directory: Path) -> Iterator[tuple[asyncio.Runner, MessageStub]]:
    """A gateway on a loop of its own, for tests that are not coroutines."""
    given_settings = {
        "listen": "127.0.0.1:0",
        "store": f"sqlite:{directory / 'messages.db'}",
        "simulator_submit_seconds": 0.001,
        "simulator_receipt_seconds": 0.01,
        "drain_seconds": 1.0,
    }
    with asyncio.Runner() as runner:
        opening = _opened(load(None, given_settings, {}))
        stub = runner.run(anext(opening))
        try:
            yield runner, stub
        finally:
            runner.run(_exhaust(opening))


async def _opened(given_settings: Any) -> AsyncIterator[MessageStub]:
    app = App(given_settings)
    await app.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{app.port}") as channel:
        yield message_service_pb2_grpc.MessageServiceStub(channel)
    await app.stop()


async def _exhaust(iterator: AsyncIterator[Any]) -> None:
    async for _ in iterator:
        pass


@pytest.mark.parametrize("rpc", list(_BASES))
def test_any_request_gets_an_expected_answer_and_is_written_whole(rpc: str, tmp_path: Path) -> None:
    stored = 0
    with _running_gateway(tmp_path) as (runner, stub):

        @settings(
            max_examples=60,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(_requests(_SERVICE.methods_by_name[rpc].input_type))
        def ask(request: ProtoMessage) -> None:
            nonlocal stored
            answer = runner.run(_answer(stub, rpc, request))
            stored += _accepted(answer)
            if isinstance(answer, Refusal):
                assert answer.code in _EXPECTED | {grpc.StatusCode.ALREADY_EXISTS}

        ask()
        assert len(runner.run(all_messages(stub))) == stored
