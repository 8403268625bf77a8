"""API keys: what each scope opens, how a wrong one is refused, and how the use of one ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from tests.acceptance.accounts_setup import (
    ADMIN,
    ALL_BUT_ADMIN,
    OBEYED_WITHIN_SECONDS,
    OTP,
    READ,
    SEND,
    Caller,
    Metadata,
    Operator,
    ask,
    at_desk,
    bearer,
    database_of,
    eventually,
    rpcs,
)
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    ITALIAN,
    WITHOUT_RECEIPT,
    Refusal,
    Stream,
    answer_or_refusal,
    opened,
    refusal_of_call,
    refused,
)

from smsgate.v1 import account_service_pb2, message_service_pb2, otp_service_pb2

SUSPENDED = account_service_pb2.ACCOUNT_STATE_SUSPENDED
ACTIVE = account_service_pb2.ACCOUNT_STATE_ACTIVE
CLOSED = account_service_pb2.ACCOUNT_STATE_CLOSED
_UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED

# What the contract says of each rpc. ANY: whatever the scopes of the key.
ANY = 0
NEEDED = {
    "MessageService/SendMessage": SEND,
    "MessageService/SendBatch": SEND,
    "MessageService/EstimateMessage": SEND,
    "MessageService/CancelMessage": SEND,
    "MessageService/GetMessage": READ,
    "MessageService/ListMessages": READ,
    "MessageService/StreamStatus": READ,
    "OTPService/SendOTP": OTP,
    "OTPService/VerifyOTP": OTP,
    "OTPService/GetVerification": OTP,
    "OTPService/CancelVerification": OTP,
    "PricingService/ListPrices": READ,
    "PricingService/ListDestinations": READ,
    "PricingService/LookupNumber": READ,
    "UsageService/GetUsage": READ,
    "CarrierService/ListCarriers": READ,
    "WebhookService/CreateWebhook": SEND,
    "WebhookService/GetWebhook": READ,
    "WebhookService/ListWebhooks": READ,
    "WebhookService/UpdateWebhook": SEND,
    "WebhookService/DeleteWebhook": SEND,
    "WebhookService/RotateWebhookSecret": SEND,
    "WebhookService/TestWebhook": SEND,
    "WebhookService/ListFailedDeliveries": READ,
    "WebhookService/ReplayFailedDeliveries": SEND,
    "WebhookService/ReplayEvents": SEND,
    "AccountService/GetAccount": ANY,
    "AccountService/CreateAccount": ADMIN,
    "AccountService/UpdateAccount": ADMIN,
    "AccountService/ListAccounts": ADMIN,
    "AccountService/CreateApiKey": ADMIN,
    "AccountService/RevokeApiKey": ADMIN,
    "AccountService/TopUp": ADMIN,
}
SCOPES = {"send": SEND, "read": READ, "otp": OTP, "admin": ADMIN}


@pytest.fixture
async def operator(gateway: Gateway) -> Operator:
    return await Operator.at(gateway)


# What each scope opens


def test_of_each_rpc_it_is_said_which_scope_it_needs() -> None:
    assert set(NEEDED) == set(rpcs())


@pytest.mark.parametrize("name", SCOPES)
async def test_a_key_with_one_scope_passes_exactly_where_that_is_needed(
    operator: Operator, name: str
) -> None:
    scope = SCOPES[name]
    caller = await operator.tenant("acme", scope)
    passed = set()
    for rpc in rpcs():
        answer = await answer_or_refusal(caller.ask(rpc))
        if isinstance(answer, Refusal) and answer.reason == "SCOPE_REQUIRED":
            assert answer.code is grpc.StatusCode.PERMISSION_DENIED
            wanted = account_service_pb2.Scope.Name(NEEDED[rpc])  # type: ignore[arg-type]
            assert answer.info.metadata["scope"] == wanted
        else:
            assert not isinstance(answer, Refusal) or answer.code is not _UNAUTHENTICATED
            passed.add(rpc)
    assert passed == {rpc for rpc, needed in NEEDED.items() if needed in (ANY, scope)}


async def test_a_key_with_several_scopes_passes_where_one_of_them_is_needed(
    operator: Operator,
) -> None:
    caller = await operator.tenant("acme", SEND, OTP)
    answers = {rpc: await answer_or_refusal(caller.ask(rpc)) for rpc in rpcs()}
    refused_for_scope = {
        rpc
        for rpc, answer in answers.items()
        if isinstance(answer, Refusal) and answer.reason == "SCOPE_REQUIRED"
    }
    assert refused_for_scope == {r for r, needed in NEEDED.items() if needed in (READ, ADMIN)}


async def test_a_scope_that_is_missing_is_told_before_anything_is_read_of_the_request(
    operator: Operator,
) -> None:
    caller = await operator.tenant("acme", READ)
    request = message_service_pb2.SendMessageRequest(recipient="39", text="\x00")
    told = await refused(caller.messages.SendMessage(request))
    assert told.reason == "SCOPE_REQUIRED"
    assert not told.violations


async def test_admin_manages_but_neither_reads_nor_sends_messages(operator: Operator) -> None:
    for rpc, needed in NEEDED.items():
        if needed not in (ANY, ADMIN):
            assert (await refused(operator.caller.ask(rpc))).reason == "SCOPE_REQUIRED"


async def test_a_method_that_does_not_exist_tells_nobody_more_than_that(
    operator: Operator, gateway: Gateway
) -> None:
    caller = await operator.tenant("acme")
    for metadata in ((), caller.metadata, operator.caller.metadata):
        for path in ("/smsgate.v1.MessageService/Nothing", "/smsgate.v1.Nobody/GetMessage"):
            code = await _code_of(gateway.channel, path, metadata)
            assert code is grpc.StatusCode.UNIMPLEMENTED


async def _code_of(
    channel: grpc.aio.Channel, path: str, metadata: Metadata = ()
) -> grpc.StatusCode:
    call = channel.unary_unary(path, Empty.SerializeToString, Empty.FromString)(
        Empty(), metadata=metadata
    )
    return await call.code()


# Keys that are none


def _with_another_end(secret: str) -> str:
    return secret[:-1] + ("A" if secret[-1] != "A" else "B")


def _with_another_proof(secret: str, key_id: str) -> str:
    return f"{key_id}_{'A' * (len(secret) - len(key_id) - 1)}"


# What stands in the metadata in place of a good key, and what it is refused with.
_WRONG: dict[str, tuple[Callable[[Caller], Metadata], str]] = {
    "no metadata": (lambda c: (), "API_KEY_REQUIRED"),
    "an empty value": (lambda c: (("authorization", ""),), "API_KEY_INVALID"),
    "a scheme alone": (lambda c: (("authorization", "Bearer"),), "API_KEY_REQUIRED"),
    "a scheme and spaces": (lambda c: (("authorization", "Bearer   "),), "API_KEY_REQUIRED"),
    "no scheme": (lambda c: (("authorization", c.secret),), "API_KEY_INVALID"),
    "another scheme": (lambda c: (("authorization", f"Basic {c.secret}"),), "API_KEY_INVALID"),
    "another name": (lambda c: (("x-api-key", c.secret),), "API_KEY_REQUIRED"),
    "garbage": (lambda c: bearer("garbage"), "API_KEY_INVALID"),
    "much garbage": (lambda c: bearer("A" * 4_000), "API_KEY_INVALID"),
    "the id alone": (lambda c: bearer(c.key_id), "API_KEY_INVALID"),
    "the id and a dash": (lambda c: bearer(f"{c.key_id}_"), "API_KEY_INVALID"),
    "an unknown id": (lambda c: bearer("sgk_" + "a" * 12 + c.secret[16:]), "API_KEY_INVALID"),
    "a wrong end": (lambda c: bearer(_with_another_end(c.secret)), "API_KEY_INVALID"),
    "a wrong proof": (lambda c: bearer(_with_another_proof(c.secret, c.key_id)), "API_KEY_INVALID"),
    "one character less": (lambda c: bearer(c.secret[:-1]), "API_KEY_INVALID"),
    "one character more": (lambda c: bearer(f"{c.secret}A"), "API_KEY_INVALID"),
    "capitals": (lambda c: bearer(c.secret.upper()), "API_KEY_INVALID"),
    "two words": (lambda c: bearer(f"{c.secret} {c.secret}"), "API_KEY_INVALID"),
    "a wrong key before a good one": (
        lambda c: (*bearer("garbage"), *bearer(c.secret)),
        "API_KEY_INVALID",
    ),
}


async def test_calls_without_a_good_key_are_refused_with_the_documented_reasons(
    operator: Operator, gateway: Gateway
) -> None:
    caller = await operator.tenant("acme")
    for name, (metadata, reason) in _WRONG.items():
        request = message_service_pb2.ListMessagesRequest()
        call = ask(gateway.channel, "MessageService/ListMessages", request, metadata(caller))
        told = await refused(call)
        # One empty value says as little as none.
        allowed = {reason, "API_KEY_REQUIRED"} if name == "an empty value" else {reason}
        assert told.code is _UNAUTHENTICATED, name
        assert told.reason in allowed, name
        assert caller.secret not in told.message


async def test_every_rpc_refuses_calls_without_a_good_key(
    operator: Operator, gateway: Gateway
) -> None:
    for rpc in rpcs():
        assert (await refused(ask(gateway.channel, rpc))).reason == "API_KEY_REQUIRED", rpc
        wrong = await refused(ask(gateway.channel, rpc, None, bearer("garbage")))
        assert (wrong.code, wrong.reason) == (_UNAUTHENTICATED, "API_KEY_INVALID"), rpc


async def test_the_scheme_is_read_without_regard_to_case(
    operator: Operator, gateway: Gateway
) -> None:
    caller = await operator.tenant("acme", READ)
    for scheme in ("Bearer", "bearer", "BEARER"):
        metadata = (("authorization", f"{scheme} {caller.secret}"),)
        await ask(gateway.channel, "MessageService/ListMessages", None, metadata)


async def test_revoked_expired_unknown_and_closed_cannot_be_told_apart(
    operator: Operator, gateway: Gateway
) -> None:
    revoked = await operator.tenant("revoked")
    closed = await operator.tenant("closed")
    await operator.account("expired")
    expire_time = _from_now(timedelta(hours=1))
    expired = await operator.key("expired", READ, expire_time=expire_time)
    await operator.revoke(revoked.key_id)
    await operator.change("closed", state=CLOSED, state_reason="left without paying")
    _stopped_clock(gateway, expire_time.ToDatetime(UTC))
    told = [
        await refused(caller.messages.ListMessages(message_service_pb2.ListMessagesRequest()))
        for caller in (
            revoked,
            closed,
            expired,
            Caller(gateway.channel, f"{revoked.secret}A"),
            Caller(gateway.channel, "garbage"),
        )
    ]
    assert {(each.code, each.reason, each.message, str(each.info)) for each in told} == {
        (told[0].code, "API_KEY_INVALID", told[0].message, str(told[0].info))
    }
    assert told[0].code is _UNAUTHENTICATED


def _from_now(span: timedelta) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(datetime.now(UTC) + span)
    return made


@dataclass
class _StoppedClock:
    time: datetime

    def now(self) -> datetime:
        return self.time


def _stopped_clock(gateway: Gateway, time: datetime) -> _StoppedClock:
    """Let a server judge by this time which keys have expired."""
    clock = gateway.app._access._clock = _StoppedClock(time)
    return clock


async def _refusal(caller: Caller) -> Refusal | None:
    """How a call without needs is refused, None if it is not."""
    answer = await answer_or_refusal(caller.ask("AccountService/GetAccount"))
    return answer if isinstance(answer, Refusal) else None


async def test_a_key_that_has_ended_already_cannot_be_made(operator: Operator) -> None:
    await operator.account("acme")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await operator.key("acme", READ, expire_time=_from_now(timedelta(seconds=-1)))
    assert refusal_of_call(caught.value).fields == ["expire_time"]


async def test_a_key_needs_a_scope_and_an_account(operator: Operator) -> None:
    await operator.account("acme")
    for account, scopes, code in (
        ("acme", (), grpc.StatusCode.INVALID_ARGUMENT),
        ("acme", (0,), grpc.StatusCode.INVALID_ARGUMENT),
        ("acme", (99,), grpc.StatusCode.INVALID_ARGUMENT),
        ("nobody", (READ,), grpc.StatusCode.NOT_FOUND),
        ("", (READ,), grpc.StatusCode.INVALID_ARGUMENT),
    ):
        request = account_service_pb2.CreateApiKeyRequest(
            account_id=account,
            scopes=scopes,  # type: ignore[arg-type]
        )
        told = await refused(operator.caller.accounts.CreateApiKey(request))
        assert told.code is code, (account, scopes)


# Accounts that are not active


_NOT_SENDING = {
    "MessageService/SendMessage": message_service_pb2.SendMessageRequest(
        recipient=ITALIAN, text="a"
    ),
    "OTPService/SendOTP": otp_service_pb2.SendOTPRequest(recipient=ITALIAN),
}


async def test_a_suspended_account_reads_but_does_not_send(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    request = message_service_pb2.SendMessageRequest(recipient=ITALIAN, text="a")
    sent = await caller.messages.SendMessage(request)
    await operator.change("acme", state=SUSPENDED, state_reason="unpaid invoice")
    for rpc, wanted in _NOT_SENDING.items():
        told = await refused(caller.ask(rpc, wanted))
        assert told.code is grpc.StatusCode.PERMISSION_DENIED
        assert told.reason == "ACCOUNT_SUSPENDED"
        assert told.info.metadata["account_id"] == "acme"
        assert "unpaid invoice" in told.message
    await _every_item_is_refused(caller)
    found = await caller.messages.GetMessage(
        message_service_pb2.GetMessageRequest(id=sent.message.id)
    )
    assert found.message.id == sent.message.id
    assert (await caller.ask("MessageService/StreamStatus")).HasField("opened")
    shown = await caller.ask("AccountService/GetAccount")
    assert shown.account.state == SUSPENDED
    assert shown.account.state_reason == "unpaid invoice"


async def _every_item_is_refused(caller: Caller) -> None:
    items = [message_service_pb2.BatchItem(recipient=ITALIAN) for _ in range(2)]
    batch = message_service_pb2.SendBatchRequest(text="a", items=items)
    answer = await answer_or_refusal(caller.messages.SendBatch(batch))
    if isinstance(answer, Refusal):
        assert answer.reason == "ACCOUNT_SUSPENDED"
        return
    assert answer.accepted_count == 0
    assert {result.WhichOneof("outcome") for result in answer.results} == {"error"}


async def test_made_active_again_an_account_sends_with_the_same_key(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    await operator.change("acme", state=SUSPENDED)
    await operator.change("acme", state=ACTIVE)
    for rpc, wanted in _NOT_SENDING.items():
        await caller.ask(rpc, wanted)


async def test_a_closed_account_may_nothing_until_it_is_opened_again(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    await operator.change("acme", state=CLOSED)
    for rpc in rpcs():
        assert (await refused(caller.ask(rpc))).reason == "API_KEY_INVALID", rpc
    await operator.change("acme", state=ACTIVE)
    assert (await caller.ask("AccountService/GetAccount")).account.id == "acme"


# The end of a key's use


async def _open_stream(caller: Caller) -> Stream:
    stream = caller.messages.StreamStatus(message_service_pb2.StreamStatusRequest())
    await opened(stream)
    return stream


async def _end_of(stream: Stream) -> Refusal:
    """How an open stream is ended, within the promised time."""
    try:
        async with asyncio.timeout(OBEYED_WITHIN_SECONDS):
            while await stream.read() is not grpc.aio.EOF:
                pass
    except grpc.aio.AioRpcError as error:
        return refusal_of_call(error)
    except TimeoutError:
        stream.cancel()
        raise AssertionError(f"still open after {OBEYED_WITHIN_SECONDS:g} seconds") from None
    raise AssertionError(f"the stream ended with {await stream.code()}")


async def test_revoking_a_key_ends_its_calls_and_its_open_streams(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    other = await operator.key("acme", READ)
    streams = [await _open_stream(caller) for _ in range(3)]
    bystander = await _open_stream(other)
    await operator.revoke(caller.key_id)
    for stream in streams:
        told = await _end_of(stream)
        assert (told.code, told.reason) == (_UNAUTHENTICATED, "API_KEY_INVALID")
    for rpc in rpcs():
        assert (await refused(caller.ask(rpc))).reason == "API_KEY_INVALID", rpc
    assert not bystander.done()
    bystander.cancel()


async def test_a_stream_is_ended_also_while_it_sends_a_snapshot_or_a_backlog(
    operator: Operator,
) -> None:
    caller = await operator.tenant("acme")
    items = [message_service_pb2.BatchItem(recipient=WITHOUT_RECEIPT) for _ in range(1_000)]
    batch = message_service_pb2.SendBatchRequest(items=items, text="long " * 50)
    await caller.messages.SendBatch(batch)
    requests = [
        message_service_pb2.StreamStatusRequest(snapshot=True),
        message_service_pb2.StreamStatusRequest(from_earliest=True),
    ]
    streams = [caller.messages.StreamStatus(request) for request in requests]
    for stream in streams:
        await opened(stream)
    await operator.revoke(caller.key_id)
    for stream in streams:
        assert (await _end_of(stream)).reason == "API_KEY_INVALID"


async def test_closing_an_account_ends_its_open_streams(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    stream = await _open_stream(caller)
    await operator.change("acme", state=CLOSED)
    assert (await _end_of(stream)).reason == "API_KEY_INVALID"


async def test_suspending_an_account_leaves_its_streams_open(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    stream = await _open_stream(caller)
    await operator.change("acme", state=SUSPENDED)
    await eventually(lambda: _is_suspended(caller))
    assert not stream.done()
    stream.cancel()


async def _is_suspended(caller: Caller) -> bool:
    shown = await caller.ask("AccountService/GetAccount")
    return bool(shown.account.state == SUSPENDED)


async def test_a_key_that_expires_ends_its_open_streams(
    operator: Operator, gateway: Gateway
) -> None:
    await operator.account("acme")
    end = _from_now(timedelta(hours=1))
    caller = await operator.key("acme", READ, expire_time=end)
    # However long the call is under way, the key has so much left when it arrives.
    clock = _stopped_clock(gateway, end.ToDatetime(UTC) - timedelta(seconds=2))
    stream = await _open_stream(caller)
    assert (await _end_of(stream)).reason == "API_KEY_INVALID"
    clock.time = end.ToDatetime(UTC)
    refusal = await _refusal(caller)
    assert refusal is not None
    assert refusal.reason == "API_KEY_INVALID"


async def test_a_wait_that_is_under_way_ends_when_its_key_is_revoked(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    later = _from_now(timedelta(hours=1))
    request = message_service_pb2.SendMessageRequest(recipient=ITALIAN, text="a")
    request.options.send_time.CopyFrom(later)
    sent = await caller.messages.SendMessage(request)
    wait = message_service_pb2.GetMessageRequest(id=sent.message.id, wait_after_cursor=sent.cursor)
    wait.wait.seconds = 60
    call = caller.messages.GetMessage(wait)
    # Its end tells when the revocation holds.
    stream = await _open_stream(caller)
    await operator.revoke(caller.key_id)
    assert (await _end_of(stream)).reason == "API_KEY_INVALID"
    try:
        async with asyncio.timeout(OBEYED_WITHIN_SECONDS):
            told = await refused(call)
    finally:
        call.cancel()
    assert told.reason == "API_KEY_INVALID"


class _HeldBack:
    """A call whose headers are with the server and whose request is not."""

    def __init__(self, caller: Caller, rpc: str, request: ProtoMessage) -> None:
        self._go = asyncio.Event()
        method = caller.channel.stream_stream(
            f"/smsgate.v1.{rpc}", type(request).SerializeToString, bytes
        )
        self.call = method(self._requests(request), metadata=caller.metadata)

    async def _requests(self, request: ProtoMessage) -> AsyncIterator[ProtoMessage]:
        await self._go.wait()
        yield request

    def go(self) -> None:
        self._go.set()


_HELD_BACK: dict[str, ProtoMessage] = {
    "MessageService/SendMessage": message_service_pb2.SendMessageRequest(
        recipient=ITALIAN, text="a"
    ),
    "MessageService/ListMessages": message_service_pb2.ListMessagesRequest(),
    "MessageService/StreamStatus": message_service_pb2.StreamStatusRequest(),
}


@pytest.mark.parametrize("rpc", _HELD_BACK)
@pytest.mark.parametrize("end", ["revoked", "closed"])
async def test_a_call_begun_before_the_end_of_its_key_and_made_after_it_is_refused(
    operator: Operator, rpc: str, end: str
) -> None:
    caller = await operator.tenant("acme")
    held = _HeldBack(caller, rpc, _HELD_BACK[rpc])
    if end == "revoked":
        await operator.revoke(caller.key_id)
    else:
        await operator.change("acme", state=CLOSED)
    assert (await refused(caller.ask(rpc, _HELD_BACK[rpc]))).reason == "API_KEY_INVALID"
    held.go()
    try:
        assert (await refused(held.call.read())).reason == "API_KEY_INVALID"
    finally:
        held.call.cancel()


async def test_a_send_begun_before_its_account_is_suspended_and_made_after_it_is_refused(
    operator: Operator,
) -> None:
    caller = await operator.tenant("acme")
    rpc = "MessageService/SendMessage"
    held = _HeldBack(caller, rpc, _HELD_BACK[rpc])
    await operator.change("acme", state=SUSPENDED)
    held.go()
    assert (await refused(held.call.read())).reason == "ACCOUNT_SUSPENDED"


async def test_revoking_again_changes_nothing_and_tells_the_first_time(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    first = await operator.revoke(caller.key_id)
    again = await operator.revoke(caller.key_id)
    assert first.HasField("revoke_time")
    assert again == first


# The command line beside a server


async def test_a_key_made_and_revoked_on_the_command_line_counts_while_the_server_runs(
    gateway: Gateway,
) -> None:
    anybody = Caller(gateway.channel)
    await Operator(anybody).account("acme")
    everybodys = await _open_stream(anybody)
    made = await at_desk(database_of(gateway), "create-key", "acme", "--scope", "read")
    secret, key_id = made.stdout.strip(), made.stdout[:16]
    assert made.stdout == f"{secret}\n"
    assert key_id in made.stderr
    assert secret not in made.stderr
    caller = Caller(gateway.channel, secret, key_id)
    shown = await eventually(lambda: _account_of(caller))
    assert (shown.account.id, shown.calling_key.id) == ("acme", key_id)
    # The first key there is has closed the server, for streams that were open too.
    assert (await _end_of(everybodys)).code is _UNAUTHENTICATED
    told = await refused(anybody.ask("AccountService/GetAccount"))
    assert told.reason == "API_KEY_REQUIRED"
    stream = await _open_stream(caller)
    await at_desk(database_of(gateway), "revoke-key", key_id)
    assert (await _end_of(stream)).reason == "API_KEY_INVALID"
    assert (await refused(caller.ask("AccountService/GetAccount"))).reason == "API_KEY_INVALID"


async def _account_of(caller: Caller) -> Any:
    """The account that the server takes a caller for; None while it does not know the key."""
    answer = await answer_or_refusal(caller.ask("AccountService/GetAccount"))
    if isinstance(answer, Refusal):
        return None
    return answer if answer.HasField("calling_key") else None


# The server that runs open


async def test_an_open_server_needs_no_key_until_the_first_is_made(gateway: Gateway) -> None:
    anybody = Caller(gateway.channel)
    for rpc in rpcs():
        answer = await answer_or_refusal(anybody.ask(rpc))
        assert not isinstance(answer, Refusal) or answer.code not in (
            _UNAUTHENTICATED,
            grpc.StatusCode.PERMISSION_DENIED,
        ), rpc
    shown = await anybody.ask("AccountService/GetAccount")
    assert shown.account.id == "local"
    assert not shown.HasField("calling_key")
    stream = await _open_stream(anybody)
    operator = await Operator.at(gateway)
    assert (await _end_of(stream)).code is _UNAUTHENTICATED
    for rpc in rpcs():
        assert (await refused(anybody.ask(rpc))).reason == "API_KEY_REQUIRED", rpc
    # Though nobody has a usable key any more, it does not open again.
    await operator.revoke(operator.caller.key_id)
    assert (await refused(anybody.ask("AccountService/GetAccount"))).reason == "API_KEY_REQUIRED"


async def test_a_restarted_server_that_once_had_a_key_does_not_open(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path / 'kept.db'}"
    first = await start_gateway(store=store)
    operator = await Operator.at(first)
    await operator.revoke(operator.caller.key_id)
    await first.stop()
    second = await start_gateway(store=store)
    call = ask(second.channel, "AccountService/GetAccount")
    assert (await refused(call)).reason == "API_KEY_REQUIRED"


async def test_a_store_in_memory_is_closed_by_its_first_key_too(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(store="memory:")
    operator = await Operator.at(gateway)
    assert (await refused(ask(gateway.channel, "AccountService/GetAccount"))).reason == (
        "API_KEY_REQUIRED"
    )
    caller = await operator.tenant("acme", READ)
    stream = await _open_stream(caller)
    await operator.revoke(caller.key_id)
    assert (await _end_of(stream)).reason == "API_KEY_INVALID"


# What is shown of a key


async def test_the_secret_is_shown_once_and_never_again(operator: Operator) -> None:
    caller = await operator.tenant("acme", READ, ADMIN)
    answers = [
        await operator.shown("acme"),
        await caller.ask("AccountService/GetAccount"),
        await operator.caller.ask("AccountService/ListAccounts"),
        await operator.revoke(caller.key_id),
        await operator.shown("acme"),
    ]
    proof = caller.secret[len(caller.key_id) + 1 :]
    for answer in answers:
        assert proof.encode() not in answer.SerializeToString()
        assert proof not in str(answer)
    assert [key.id for key in answers[0].api_keys] == [caller.key_id]
    assert answers[1].calling_key.id == caller.key_id


async def test_the_secret_begins_with_the_id_by_which_the_key_is_revoked(
    operator: Operator,
) -> None:
    caller = await operator.tenant("acme", READ)
    assert caller.secret.startswith(f"{caller.key_id}_")
    assert caller.secret.isascii()
    assert caller.secret.isprintable()
    assert " " not in caller.secret


async def test_no_two_keys_have_anything_in_common(operator: Operator) -> None:
    await operator.account("acme")
    keys = [await operator.key("acme", READ) for _ in range(20)]
    assert len({key.key_id for key in keys}) == 20
    assert len({key.secret[17:] for key in keys}) == 20


async def test_only_operators_are_shown_the_keys_of_an_account(operator: Operator) -> None:
    caller = await operator.tenant("acme")
    await operator.key("acme", READ, name="another")
    shown = await caller.ask("AccountService/GetAccount")
    assert not shown.api_keys
    assert shown.calling_key.id == caller.key_id
    names = [key.display_name for key in (await operator.shown("acme")).api_keys]
    assert names == ["another", ""]


async def test_when_a_key_was_last_used_is_shown(operator: Operator, gateway: Gateway) -> None:
    used = await operator.tenant("acme")
    unused = await operator.key("acme", READ)
    before = datetime.now(UTC)
    await used.ask("MessageService/ListMessages")

    async def last_use() -> datetime | None:
        keys = {key.id: key for key in (await operator.shown("acme")).api_keys}
        assert not keys[unused.key_id].HasField("last_used_time")
        key = keys[used.key_id]
        if not key.HasField("last_used_time"):
            return None
        return key.last_used_time.ToDatetime(UTC)

    found = await eventually(last_use)
    assert abs(found - before) < timedelta(minutes=1)
    own = (await used.ask("AccountService/GetAccount")).calling_key
    assert abs(own.last_used_time.ToDatetime(UTC) - before) < timedelta(minutes=1)


async def test_the_command_line_tells_when_a_key_was_last_used(gateway: Gateway) -> None:
    operator = await Operator.at(gateway)
    used = await operator.tenant("acme")
    await used.ask("MessageService/ListMessages")
    await gateway.stop()
    listed = await at_desk(database_of(gateway), "keys", "acme")
    [line] = [line for line in listed.stdout.splitlines() if line.startswith(used.key_id)]
    assert "never" not in line
    assert used.secret[16:] not in listed.stdout + listed.stderr


# What needs no key, and what needs an operator's


async def test_health_and_reflection_need_no_key(operator: Operator, gateway: Gateway) -> None:
    health = health_pb2_grpc.HealthStub(gateway.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    for version in ("v1", "v1alpha"):
        call = gateway.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
        [listed] = [response async for response in call(iter(asked))]
        assert listed.list_services_response.service


async def test_channelz_is_for_operators_only(operator: Operator, gateway: Gateway) -> None:
    caller = await operator.tenant("acme", *ALL_BUT_ADMIN)
    stub = channelz_pb2_grpc.ChannelzStub(gateway.channel)
    service = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"]
    for method in service.methods:
        path = f"/grpc.channelz.v1.Channelz/{method.name}"
        assert await _code_of(gateway.channel, path) is _UNAUTHENTICATED
        assert await _code_of(gateway.channel, path, bearer("garbage")) is _UNAUTHENTICATED
        denied = await _code_of(gateway.channel, path, caller.metadata)
        assert denied is grpc.StatusCode.PERMISSION_DENIED
    request = channelz_pb2.GetServersRequest()
    told = await refused(stub.GetServers(request, metadata=caller.metadata))
    assert (told.reason, told.info.metadata["scope"]) == ("SCOPE_REQUIRED", "SCOPE_ADMIN")
    assert (await stub.GetServers(request, metadata=operator.caller.metadata)).server
