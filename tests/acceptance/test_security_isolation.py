"""Two accounts on one server: neither sees, changes or learns anything of the other."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from tests.acceptance.accounts_setup import (
    ADMIN,
    ALL_BUT_ADMIN,
    Caller,
    Operator,
    code_sent,
    eventually,
    rpcs,
)
from tests.acceptance.conftest import StartGateway
from tests.acceptance.reading import (
    FINAL,
    GUARD_SECONDS,
    ITALIAN,
    REJECTED,
    Refusal,
    answer_or_refusal,
    events_of,
    next_response,
    opened,
    read_to_end,
    refused,
)

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import carrier_service_pb2 as carriers
from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import otp_service_pb2 as otp
from smsgate.v1 import pricing_service_pb2 as pricing
from smsgate.v1 import usage_service_pb2 as usage
from smsgate.v1 import webhook_service_pb2 as hooks

NEVER = "019a0000-0000-7000-8000-00000000dead"
NEVER_RECIPIENT = "+393339999999"
NOT_FOUND = grpc.StatusCode.NOT_FOUND
APPROVED = otp.VERIFY_RESULT_APPROVED


# Two accounts that have the same of everything


@dataclass(frozen=True)
class Tenant:
    """An account with a message, a batch and a verification, all of them still to be changed."""

    name: str
    caller: Caller
    message: message_pb2.Message
    batch_id: str
    batch: tuple[message_pb2.Message, ...]
    verification: otp.Verification
    code_message: message_pb2.Message
    code: str
    cursor: str
    page_token: str
    webhook: hooks.Webhook
    webhook_secret: str

    @property
    def message_ids(self) -> frozenset[str]:
        every = (self.message, *self.batch, self.code_message)
        return frozenset(message.id for message in every)

    @property
    def marks(self) -> frozenset[str]:
        """What nobody else may ever be told, whatever he asks for."""
        ids = {self.batch_id, self.verification.id, self.caller.key_id, self.code}
        ids |= {self.webhook.id, self.webhook.url, self.webhook_secret}
        words = {f"{what} of {self.name}" for what in ("text", "reference", "label")}
        return self.message_ids | ids | words | {self.name}

    async def state(self) -> list[bytes]:
        """All that others could change."""
        found: list[ProtoMessage] = []
        for message_id in sorted(self.message_ids):
            request = pb.GetMessageRequest(id=message_id, include_history=True)
            answer = await self.caller.messages.GetMessage(request)
            found += [answer.message, *answer.history]
        get = otp.GetVerificationRequest(id=self.verification.id)
        found.append((await self.caller.otp.GetVerification(get)).verification)
        shown = await self.caller.accounts.GetAccount(accounts.GetAccountRequest())
        found += [shown.account, shown.standing.balance, shown.standing.budget.spent]
        listed = await self.caller.messages.ListMessages(pb.ListMessagesRequest())
        found += listed.messages
        for each in (await self.caller.ask("WebhookService/ListWebhooks")).webhooks:
            # How far it has come changes by itself.
            each.ClearField("health")
            found.append(each)
        return [each.SerializeToString(deterministic=True) for each in found]


@dataclass(frozen=True)
class Two:
    """`b` is the one who tries; `newcomer` has nothing of its own."""

    a: Tenant
    b: Tenant
    newcomer: Caller
    operator: Operator
    otp_file: Path


def later() -> pb.SendOptions:
    options = pb.SendOptions()
    options.send_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    return options


def a_message(owner: str, **fields: Any) -> pb.SendMessageRequest:
    values: dict[str, Any] = {
        "recipient": ITALIAN,
        "text": f"text of {owner}",
        "client_reference": f"reference of {owner}",
        "labels": {"team": "red", "owner": f"label of {owner}"},
        "request_id": "message-1",
        "options": later(),
    }
    return pb.SendMessageRequest(**(values | fields))


def a_batch(owner: str, **fields: Any) -> pb.SendBatchRequest:
    items = [pb.BatchItem(recipient=ITALIAN, request_id=f"item-{n}") for n in range(2)]
    values: dict[str, Any] = {
        "items": items,
        "text": f"text of {owner}",
        "labels": {"team": "red", "owner": f"label of {owner}"},
        "request_id": "batch-1",
        "options": later(),
    }
    return pb.SendBatchRequest(**(values | fields))


def a_code(owner: str, **fields: Any) -> otp.SendOTPRequest:
    values: dict[str, Any] = {
        "recipient": ITALIAN,
        "purpose": "login",
        "length": 10,
        "client_reference": f"reference of {owner}",
        "labels": {"team": "red", "owner": f"label of {owner}"},
        "request_id": "code-1",
    }
    return otp.SendOTPRequest(**(values | fields))


def a_hook(owner: str, **fields: Any) -> hooks.CreateWebhookRequest:
    values: dict[str, Any] = {
        # Nobody listens there: what happens ends as failed deliveries.
        "url": f"https://127.0.0.1/{owner}",
        "headers": hooks.WebhookHeaders(values={"authorization": f"text of {owner}"}),
        "request_id": "hook-1",
    }
    return hooks.CreateWebhookRequest(**(values | fields))


async def settle(name: str, caller: Caller, otp_file: Path) -> Tenant:
    """Every account asks for the same, with the same request ids: they never meet."""
    sent = await caller.messages.SendMessage(a_message(name))
    batch = await caller.messages.SendBatch(a_batch(name))
    code = await caller.otp.SendOTP(a_code(name))
    assert not any([sent.replayed, batch.replayed, code.replayed, code.reused])
    assert batch.accepted_count == 2
    assert not any(result.replayed for result in batch.results)
    final = await eventually(lambda: _final(caller, code.message.id))
    webhook = await caller.webhooks.CreateWebhook(a_hook(name))
    assert not webhook.replayed
    listed = await caller.messages.ListMessages(pb.ListMessagesRequest(page_size=1))
    assert listed.next_page_token
    return Tenant(
        name=name,
        caller=caller,
        message=sent.message,
        batch_id=batch.batch_id,
        batch=tuple(result.message for result in batch.results),
        verification=code.verification,
        code_message=final,
        code=await code_sent(otp_file, code),
        cursor=sent.cursor,
        page_token=listed.next_page_token,
        webhook=webhook.webhook,
        webhook_secret=webhook.secret,
    )


async def _final(caller: Caller, message_id: str) -> message_pb2.Message | None:
    found = await caller.messages.GetMessage(pb.GetMessageRequest(id=message_id))
    return found.message if found.message.status in FINAL else None


@pytest.fixture
async def two(start_gateway: StartGateway, tmp_path: Path) -> Two:
    otp_file = tmp_path / "codes"
    gateway = await start_gateway(
        simulator_otp_file=str(otp_file),
        webhook_allowed_networks=("127.0.0.0/8",),
        webhook_retry_seconds=(0.01,),
    )
    operator = await Operator.at(gateway)
    # A comes first, so that all that B asks for would be a repeat of it.
    a = await settle("alpha", await operator.tenant("alpha"), otp_file)
    b = await settle("bravo", await operator.tenant("bravo"), otp_file)
    return Two(a, b, await operator.tenant("newcomer"), operator, otp_file)


# What an answer gives away


def told(answer: Any, asked_for: str = "") -> str:
    """All that a caller learns from an answer, but for what he asked for himself and the time."""
    if isinstance(answer, Refusal):
        details = (answer.info, answer.retry, answer.quota, answer.precondition)
        text = f"{answer.code} {answer.message} {details} {list(answer.violations)}"
    else:
        plain = type(answer)()
        plain.CopyFrom(answer)
        for passing in ("cursor", "read_time"):
            if passing in plain.DESCRIPTOR.fields_by_name:
                plain.ClearField(passing)
        text = str(plain)
    return text.replace(asked_for, "ASKED") if asked_for else text


def gives_nothing_away(answers: Iterable[Any], a: Tenant, *asked_for: str) -> None:
    """Nothing of what A has is in any of the answers, unless the caller named it himself."""
    hidden = [mark for mark in a.marks if not any(mark in asked for asked in asked_for)]
    for answer in answers:
        text = told(answer)
        assert not [mark for mark in hidden if mark in text], text


async def alike(
    two: Two, call: Callable[[str], Awaitable[Any]], theirs: str, nobodys: str = NEVER
) -> Any:
    """What is answered of A's thing and of one that never was: the same, and nothing of A."""
    start = time.monotonic()
    one, other = [await answer_or_refusal(call(each)) for each in (theirs, nobodys)]
    assert told(one, theirs) == told(other, nobodys)
    gives_nothing_away([one, other], two.a, theirs)
    assert time.monotonic() - start < GUARD_SECONDS / 2, "one of them was waited for"
    return one


async def not_found(
    two: Two, reason: str, call: Callable[[str], Awaitable[Any]], theirs: str
) -> None:
    answer = await alike(two, call, theirs)
    assert isinstance(answer, Refusal), answer
    assert (answer.code, answer.reason) == (NOT_FOUND, reason)


async def denied(
    two: Two, call: Callable[[str], Awaitable[Any]], theirs: str, nobodys: str
) -> None:
    answer = await alike(two, call, theirs, nobodys)
    assert isinstance(answer, Refusal), answer
    assert (answer.code, answer.reason) == (grpc.StatusCode.PERMISSION_DENIED, "SCOPE_REQUIRED")


def names_nothing(kind: type[ProtoMessage], *fields: str) -> None:
    """The request has no field that could name anything of an account; a new one must be tried."""
    assert set(kind.DESCRIPTOR.fields_by_name) == set(fields)


# How each rpc is aimed at what belongs to another account


async def _send_message(two: Two) -> None:
    a, b = two.a, two.b
    mine = a_message("alpha", request_id="only-a")
    first = await a.caller.messages.SendMessage(mine)
    # Even the same content: were it taken for a repeat, it would show A's message.
    answer = await b.caller.messages.SendMessage(mine)
    assert not answer.replayed
    assert answer.message.id != first.message.id
    again = await a.caller.messages.SendMessage(mine)
    assert again.replayed
    assert again.message.id == first.message.id


async def _send_batch(two: Two) -> None:
    a, b = two.a, two.b
    items = [pb.BatchItem(recipient=ITALIAN, request_id="only-a-item")]
    mine = a_batch("alpha", request_id="only-a", items=items)
    first = await a.caller.messages.SendBatch(mine)
    answer = await b.caller.messages.SendBatch(mine)
    assert not answer.replayed
    assert not answer.results[0].replayed
    assert answer.batch_id != first.batch_id
    assert answer.results[0].message.id != first.results[0].message.id


async def _estimate_message(two: Two) -> None:
    names_nothing(pb.EstimateMessageRequest, "sender", "recipient", "text", "options")
    await two.operator.change("alpha", default_sender="ALPHA")
    request = pb.EstimateMessageRequest(recipient=ITALIAN, text="a")
    answer = await two.b.caller.messages.EstimateMessage(request)
    assert answer.sender == "Openapi"


async def _get_message(two: Two) -> None:
    messages, ids = two.b.caller.messages, two.a.message_ids
    for history in (False, True):

        async def get(message_id: str, history: bool = history) -> Any:
            request = pb.GetMessageRequest(id=message_id, include_history=history)
            return await messages.GetMessage(request)

        for message_id in ids:
            await not_found(two, "MESSAGE_NOT_FOUND", get, message_id)

    async def wait(message_id: str) -> Any:
        request = pb.GetMessageRequest(id=message_id, wait_after_cursor=two.b.cursor)
        request.wait.seconds = 60
        return await messages.GetMessage(request)

    await not_found(two, "MESSAGE_NOT_FOUND", wait, two.a.message.id)


async def _list_messages(two: Two) -> None:
    a, b = two.a, two.b

    async def listed(**filters: Any) -> Any:
        wanted = pb.ListMessagesRequest(filter=pb.MessageFilter(**filters), page_size=1_000)
        return await b.caller.messages.ListMessages(wanted)

    answers = [
        await listed(),
        await listed(recipients=[ITALIAN]),
        await listed(labels={"team": "red"}),
        await listed(senders=["Openapi", "OTP MOBILE"]),
        await listed(countries=["IT"]),
    ]
    for answer in answers:
        assert {message.id for message in answer.messages} == b.message_ids
    gives_nothing_away(answers, a)
    assert not (await alike(two, lambda i: listed(batch_ids=[i]), a.batch_id)).messages
    label = "label of alpha"
    assert not (await alike(two, lambda v: listed(labels={"owner": v}), label)).messages

    async def page(token: str) -> Any:
        return await b.caller.messages.ListMessages(pb.ListMessagesRequest(page_token=token))

    # A token of B's own that belongs to another filter is refused no differently.
    other = pb.ListMessagesRequest(filter=pb.MessageFilter(recipients=[ITALIAN]), page_size=1)
    own = (await b.caller.messages.ListMessages(other)).next_page_token
    refusal = await alike(two, page, a.page_token, own)
    assert refusal.reason == "INVALID_PAGE_TOKEN"


async def _cancel_message(two: Two) -> None:
    async def cancel(message_id: str) -> Any:
        return await two.b.caller.messages.CancelMessage(pb.CancelMessageRequest(id=message_id))

    for message_id in two.a.message_ids:
        await not_found(two, "MESSAGE_NOT_FOUND", cancel, message_id)


async def _stream_status(two: Two) -> None:
    a, b = two.a, two.b
    # Each filter names something of B beside what is A's: when that has come, so would the rest.
    filters = [
        pb.StatusFilter(),
        pb.StatusFilter(labels={"team": "red"}),
        pb.StatusFilter(countries=["IT"]),
        pb.StatusFilter(message_ids=[*a.message_ids, *b.message_ids]),
        pb.StatusFilter(batch_ids=[a.batch_id, b.batch_id]),
        pb.StatusFilter(verification_ids=[a.verification.id, b.verification.id]),
    ]
    for wanted in filters:
        seen = await _seen_from_the_start(b, wanted)
        assert seen
        assert seen <= b.message_ids
        request = pb.StreamStatusRequest(snapshot=True, filter=wanted)
        assert await _in_the_snapshot(b.caller, request) == seen
    for wanted in (
        pb.StatusFilter(message_ids=a.message_ids),
        pb.StatusFilter(batch_ids=[a.batch_id]),
        pb.StatusFilter(verification_ids=[a.verification.id]),
        pb.StatusFilter(labels={"owner": "label of alpha"}),
    ):
        request = pb.StreamStatusRequest(snapshot=True, filter=wanted)
        assert await _in_the_snapshot(b.caller, request) == frozenset()

    async def until_all_final(**filters: list[str]) -> Any:
        request = pb.StreamStatusRequest(
            filter=pb.StatusFilter(**filters),  # type: ignore[arg-type]
            from_earliest=True,
            end_when_all_terminal=True,
        )
        stream = b.caller.messages.StreamStatus(request)
        try:
            return await stream.read()
        finally:
            stream.cancel()

    await alike(two, lambda i: until_all_final(message_ids=[i]), a.code_message.id)
    await alike(two, lambda i: until_all_final(message_ids=[i]), a.message.id)
    await alike(two, lambda i: until_all_final(batch_ids=[i]), a.batch_id)


async def _seen_from_the_start(b: Tenant, wanted: pb.StatusFilter) -> frozenset[str]:
    """Whose events the whole log has for B, up to the newest of his own."""
    request = pb.StreamStatusRequest(from_earliest=True, filter=wanted)
    snapshot = pb.StreamStatusRequest(snapshot=True, filter=wanted)
    own = await _in_the_snapshot(b.caller, snapshot)
    stream = b.caller.messages.StreamStatus(request)
    await opened(stream)
    seen: set[str] = set()
    async with asyncio.timeout(GUARD_SECONDS):
        while not own <= seen:
            seen |= {event.message_id for event in (await next_response(stream)).events}
    stream.cancel()
    return frozenset(seen)


async def _in_the_snapshot(caller: Caller, request: pb.StreamStatusRequest) -> frozenset[str]:
    stream = caller.messages.StreamStatus(request)
    await opened(stream)
    seen: set[str] = set()
    response = pb.StreamStatusResponse()
    while not response.HasField("snapshot_end"):
        response = await next_response(stream)
        seen |= {message.id for message in response.snapshot}
    assert response.snapshot_end.message_count == len(seen)
    stream.cancel()
    return frozenset(seen)


async def _send_otp(two: Two) -> None:
    mine = a_code("alpha", request_id="only-a", purpose="only-a")
    first = await two.a.caller.otp.SendOTP(mine)
    answer = await two.b.caller.otp.SendOTP(mine)
    assert not any([answer.replayed, answer.reused])
    assert answer.verification.id != first.verification.id
    assert answer.message.id != first.message.id
    gives_nothing_away([answer], two.a, "text of alpha", "reference of alpha", "label of alpha")


async def _verify_otp(two: Two) -> None:
    a, b = two.a, two.b

    def verify(caller: Caller, **fields: str) -> Awaitable[Any]:
        call: Awaitable[Any] = caller.otp.VerifyOTP(otp.VerifyOTPRequest(**fields))
        return call

    for code in (a.code, "0" * 10, "1", "not a code"):
        # What is wrong with a code tells that there is one to compare it with.
        for recipient in ("", ITALIAN):
            await not_found(
                two,
                "VERIFICATION_NOT_FOUND",
                lambda i, code=code, r=recipient: verify(
                    b.caller, verification_id=i, recipient=r, code=code
                ),
                a.verification.id,
            )
        by_recipient = await alike(
            two,
            lambda r, code=code: verify(two.newcomer, recipient=r, purpose="login", code=code),
            ITALIAN,
            NEVER_RECIPIENT,
        )
        assert by_recipient.reason == "VERIFICATION_NOT_FOUND"
    assert a.code != b.code
    answer = await verify(b.caller, recipient=ITALIAN, purpose="login", code=a.code)
    assert answer.result == otp.VERIFY_RESULT_INCORRECT
    assert answer.verification.id == b.verification.id


async def _get_verification(two: Two) -> None:
    async def get(verification_id: str) -> Any:
        request = otp.GetVerificationRequest(id=verification_id)
        return await two.b.caller.otp.GetVerification(request)

    await not_found(two, "VERIFICATION_NOT_FOUND", get, two.a.verification.id)


async def _cancel_verification(two: Two) -> None:
    async def cancel(verification_id: str) -> Any:
        request = otp.CancelVerificationRequest(id=verification_id)
        return await two.b.caller.otp.CancelVerification(request)

    await not_found(two, "VERIFICATION_NOT_FOUND", cancel, two.a.verification.id)


async def _list_prices(two: Two) -> None:
    names_nothing(
        pricing.ListPricesRequest,
        *("countries", "billing_modes", "effective_time", "page_size", "page_token"),
    )
    gives_nothing_away([await two.b.caller.ask("PricingService/ListPrices")], two.a)


async def _list_destinations(two: Two) -> None:
    names_nothing(
        pricing.ListDestinationsRequest,
        *("mobile_only", "priced_only", "allowed_only", "billing_mode", "page_size", "page_token"),
    )
    request = pricing.ListDestinationsRequest(allowed_only=True)
    before = await two.b.caller.pricing.ListDestinations(request)
    await _deny_italy(two.operator, "alpha")
    after = await two.b.caller.pricing.ListDestinations(request)
    assert after == before


async def _lookup_number(two: Two) -> None:
    names_nothing(pricing.LookupNumberRequest, "recipient", "billing_mode")
    await _deny_italy(two.operator, "alpha")
    request = pricing.LookupNumberRequest(recipient=ITALIAN)
    assert (await two.b.caller.pricing.LookupNumber(request)).sendable


async def _list_carriers(two: Two) -> None:
    """How much is under way with a carrier is told to all, whose messages they are to nobody."""
    names_nothing(carriers.ListCarriersRequest)
    found = await two.b.caller.carriers.ListCarriers(carriers.ListCarriersRequest())
    assert not any(carrier.HasField("counts") or carrier.trouble for carrier in found.carriers)


async def _deny_italy(operator: Operator, account: str) -> None:
    denied_countries = accounts.CountryPolicy(denied_countries=["IT"])
    await operator.change(account, policy=accounts.AccountPolicy(countries=denied_countries))


async def _get_usage(two: Two) -> None:
    async def get(account: str) -> Any:
        return await two.b.caller.usage.GetUsage(usage.GetUsageRequest(account_id=account))

    answer = await alike(two, get, "alpha", "never-was")
    assert (answer.code, answer.reason) == (NOT_FOUND, "ACCOUNT_NOT_FOUND")
    by_account = usage.GetUsageRequest(group_by=[usage.USAGE_DIMENSION_ACCOUNT])
    told_of_all = await refused(two.b.caller.usage.GetUsage(by_account))
    assert told_of_all.reason == "SCOPE_REQUIRED"
    own = await two.b.caller.usage.GetUsage(usage.GetUsageRequest())
    assert own.total.messages == len(two.b.message_ids)
    gives_nothing_away([own, told_of_all], two.a)


async def _get_account(two: Two) -> None:
    async def get(account: str) -> Any:
        return await two.b.caller.accounts.GetAccount(
            accounts.GetAccountRequest(account_id=account)
        )

    answer = await alike(two, get, "alpha", "never-was")
    assert (answer.code, answer.reason) == (NOT_FOUND, "ACCOUNT_NOT_FOUND")
    own = await get("")
    assert own.account.id == "bravo"
    gives_nothing_away([own], two.a)


async def _create_account(two: Two) -> None:
    async def create(account: str) -> Any:
        request = accounts.CreateAccountRequest(account=accounts.Account(id=account))
        return await two.b.caller.accounts.CreateAccount(request)

    await denied(two, create, "alpha", "never-was")


async def _update_account(two: Two) -> None:
    async def update(account: str) -> Any:
        request = accounts.UpdateAccountRequest(account=accounts.Account(id=account))
        request.update_mask.paths.append("display_name")
        return await two.b.caller.accounts.UpdateAccount(request)

    await denied(two, update, "alpha", "never-was")
    await denied(two, update, "bravo", "never-was")


async def _list_accounts(two: Two) -> None:
    names_nothing(accounts.ListAccountsRequest, "states", "labels", "page_size", "page_token")
    answer = await refused(two.b.caller.ask("AccountService/ListAccounts"))
    assert answer.reason == "SCOPE_REQUIRED"
    gives_nothing_away([answer], two.a)


async def _create_api_key(two: Two) -> None:
    async def create(account: str) -> Any:
        request = accounts.CreateApiKeyRequest(account_id=account, scopes=[accounts.SCOPE_READ])
        return await two.b.caller.accounts.CreateApiKey(request)

    await denied(two, create, "alpha", "never-was")
    await denied(two, create, "bravo", "never-was")


async def _revoke_api_key(two: Two) -> None:
    async def revoke(key_id: str) -> Any:
        return await two.b.caller.accounts.RevokeApiKey(accounts.RevokeApiKeyRequest(id=key_id))

    await denied(two, revoke, two.a.caller.key_id, "sgk_777777777777")


async def _top_up(two: Two) -> None:
    async def top_up(account: str) -> Any:
        amount = Money(currency_code="EUR", units=1)
        request = accounts.TopUpRequest(account_id=account, amount=amount, request_id="r")
        return await two.b.caller.accounts.TopUp(request)

    await denied(two, top_up, "alpha", "never-was")


async def _create_webhook(two: Two) -> None:
    mine = a_hook("alpha", request_id="only-a")
    first = await two.a.caller.webhooks.CreateWebhook(mine)
    answer = await two.b.caller.webhooks.CreateWebhook(mine)
    assert not answer.replayed
    assert answer.webhook.id != first.webhook.id
    assert answer.secret != first.secret
    # Neither is what the caller did not name himself.
    assert "authorization" in answer.webhook.header_names
    gives_nothing_away([answer], two.a, two.a.webhook.url)


def _hook_call(method: str, **fields: Any) -> Callable[[Two], Awaitable[None]]:
    """The rpc is told of A's webhook that there is none, as of one that never was."""
    request = getattr(hooks, f"{method}Request")

    async def aim(two: Two) -> None:
        async def call(webhook_id: str) -> Any:
            call = getattr(two.b.caller.webhooks, method)
            return await call(request(id=webhook_id, **fields))

        await not_found(two, "WEBHOOK_NOT_FOUND", call, two.a.webhook.id)
        # The key by which the store knows A's callbacks is no id.
        await not_found(two, "WEBHOOK_NOT_FOUND", call, "callbacks-alpha")

    return aim


async def _list_webhooks(two: Two) -> None:
    names_nothing(hooks.ListWebhooksRequest)
    answer = await two.b.caller.ask("WebhookService/ListWebhooks")
    assert {webhook.id for webhook in answer.webhooks} == {two.b.webhook.id}
    gives_nothing_away([answer], two.a)
    assert not (await two.newcomer.ask("WebhookService/ListWebhooks")).webhooks


async def _list_failed_deliveries(two: Two) -> None:
    async def listed(**fields: str) -> Any:
        request = hooks.ListFailedDeliveriesRequest(**fields)
        return await two.b.caller.webhooks.ListFailedDeliveries(request)

    await not_found(two, "WEBHOOK_NOT_FOUND", lambda i: listed(webhook_id=i), two.a.webhook.id)
    of_message = await alike(two, lambda i: listed(message_id=i), two.a.message.id)
    assert not of_message.deliveries
    gives_nothing_away([await listed()], two.a)


async def _replay_failed_deliveries(two: Two) -> None:
    async def replay(**fields: str) -> Any:
        request = hooks.ReplayFailedDeliveriesRequest(**fields)
        return await two.b.caller.webhooks.ReplayFailedDeliveries(request)

    await not_found(two, "WEBHOOK_NOT_FOUND", lambda i: replay(webhook_id=i), two.a.webhook.id)
    answer = await alike(two, lambda i: replay(message_id=i), two.a.message.id)
    assert answer.replayed_count == 0


AIMS: dict[str, Callable[[Two], Awaitable[None]]] = {
    "MessageService/SendMessage": _send_message,
    "MessageService/SendBatch": _send_batch,
    "MessageService/EstimateMessage": _estimate_message,
    "MessageService/GetMessage": _get_message,
    "MessageService/ListMessages": _list_messages,
    "MessageService/CancelMessage": _cancel_message,
    "MessageService/StreamStatus": _stream_status,
    "OTPService/SendOTP": _send_otp,
    "OTPService/VerifyOTP": _verify_otp,
    "OTPService/GetVerification": _get_verification,
    "OTPService/CancelVerification": _cancel_verification,
    "PricingService/ListPrices": _list_prices,
    "PricingService/ListDestinations": _list_destinations,
    "PricingService/LookupNumber": _lookup_number,
    "UsageService/GetUsage": _get_usage,
    "CarrierService/ListCarriers": _list_carriers,
    "WebhookService/CreateWebhook": _create_webhook,
    "WebhookService/GetWebhook": _hook_call("GetWebhook"),
    "WebhookService/ListWebhooks": _list_webhooks,
    "WebhookService/UpdateWebhook": _hook_call("UpdateWebhook", url="https://example.com"),
    "WebhookService/DeleteWebhook": _hook_call("DeleteWebhook"),
    "WebhookService/RotateWebhookSecret": _hook_call("RotateWebhookSecret"),
    "WebhookService/TestWebhook": _hook_call("TestWebhook"),
    "WebhookService/ListFailedDeliveries": _list_failed_deliveries,
    "WebhookService/ReplayFailedDeliveries": _replay_failed_deliveries,
    "WebhookService/ReplayEvents": _hook_call(
        "ReplayEvents", start_time=Timestamp(seconds=4_000_000_000)
    ),
    "AccountService/GetAccount": _get_account,
    "AccountService/CreateAccount": _create_account,
    "AccountService/UpdateAccount": _update_account,
    "AccountService/ListAccounts": _list_accounts,
    "AccountService/CreateApiKey": _create_api_key,
    "AccountService/RevokeApiKey": _revoke_api_key,
    "AccountService/TopUp": _top_up,
}
# Here A or the operator does something too, so that A's state changes by that.
_A_ACTS = {
    "MessageService/SendMessage",
    "MessageService/SendBatch",
    "MessageService/EstimateMessage",
    "OTPService/SendOTP",
    "WebhookService/CreateWebhook",
    "PricingService/ListDestinations",
    "PricingService/LookupNumber",
}


def test_every_rpc_there_is_is_aimed_at_another_account() -> None:
    assert set(AIMS) == set(rpcs())


@pytest.mark.parametrize("rpc", AIMS)
async def test_an_account_reaches_nothing_of_another_through(two: Two, rpc: str) -> None:
    before = await two.a.state()
    await AIMS[rpc](two)
    if rpc not in _A_ACTS:
        assert await two.a.state() == before


# What is shared and must not meet


async def test_the_right_code_of_another_account_is_worth_nothing_and_stays_good(
    two: Two,
) -> None:
    a, b = two.a, two.b
    for _ in range(10):
        stolen = otp.VerifyOTPRequest(verification_id=a.verification.id, code=a.code)
        assert (await refused(b.caller.otp.VerifyOTP(stolen))).code is NOT_FOUND
    # With the same request id for each: an answer to one is none to the other.
    for tenant in (a, b):
        own = otp.VerifyOTPRequest(
            verification_id=tenant.verification.id, code=tenant.code, request_id="verify-1"
        )
        answer = await tenant.caller.otp.VerifyOTP(own)
        assert (answer.result, answer.replayed) == (APPROVED, False)
        assert answer.verification.attempts_used == 1


async def test_cancelling_ones_own_code_leaves_the_others_code_for_the_same_recipient(
    two: Two,
) -> None:
    cancel = otp.CancelVerificationRequest(id=two.b.verification.id)
    await two.b.caller.otp.CancelVerification(cancel)
    verify = otp.VerifyOTPRequest(recipient=ITALIAN, purpose="login", code=two.a.code)
    assert (await two.a.caller.otp.VerifyOTP(verify)).result == APPROVED


async def test_the_limits_of_one_account_are_not_used_up_by_another(two: Two) -> None:
    recipient = "+393337654321"

    async def send(caller: Caller, purpose: str) -> Any:
        request = otp.SendOTPRequest(recipient=recipient, purpose=purpose)
        return await answer_or_refusal(caller.otp.SendOTP(request))

    answers = [await send(two.a.caller, f"purpose-{n}") for n in range(6)]
    assert isinstance(answers[-1], Refusal)
    assert answers[-1].reason == "OTP_LIMIT"
    first = await send(two.b.caller, "purpose-0")
    assert not isinstance(first, Refusal)
    assert not first.reused


async def test_open_streams_see_nothing_of_what_happens_in_another_account(two: Two) -> None:
    a, b = two.a, two.b
    filters = [
        pb.StatusFilter(),
        pb.StatusFilter(labels={"team": "red"}),
        pb.StatusFilter(statuses=[REJECTED]),
        pb.StatusFilter(message_ids=[a.message.id, b.message.id]),
    ]
    starts: list[dict[str, Any]] = [{}, {"cursor": a.cursor}, {"snapshot": True}]
    streams = [
        b.caller.messages.StreamStatus(pb.StreamStatusRequest(filter=wanted, **start))
        for wanted in filters
        for start in starts
    ]
    for stream in streams:
        await opened(stream)
    for tenant in (a, b):
        cancel = pb.CancelMessageRequest(id=tenant.message.id)
        await tenant.caller.messages.CancelMessage(cancel)
    for stream in streams:
        responses: list[pb.StreamStatusResponse] = []
        async with asyncio.timeout(GUARD_SECONDS):
            while not any(e.to_status == REJECTED for e in events_of(responses)):
                responses.append(await next_response(stream))
        gives_nothing_away(responses, a)
        assert {event.message_id for event in events_of(responses)} <= b.message_ids
        stream.cancel()


async def test_from_the_cursor_of_another_account_only_ones_own_events_follow(two: Two) -> None:
    a, b = two.a, two.b
    for cursor in (a.cursor, b.cursor):
        request = pb.StreamStatusRequest(
            cursor=cursor,
            filter=pb.StatusFilter(message_ids=[b.code_message.id]),
            end_when_all_terminal=True,
        )
        responses = await read_to_end(b.caller.messages.StreamStatus(request))
        gives_nothing_away(responses, a)
        assert {event.message_id for event in events_of(responses)} == {b.code_message.id}


async def test_a_wait_for_anothers_message_ends_at_once_though_it_changes(two: Two) -> None:
    wait = pb.GetMessageRequest(id=two.a.message.id, wait_after_cursor=two.a.cursor)
    wait.wait.seconds = 60
    async with asyncio.timeout(GUARD_SECONDS):
        assert (await refused(two.b.caller.messages.GetMessage(wait))).code is NOT_FOUND
        await two.a.caller.messages.CancelMessage(pb.CancelMessageRequest(id=two.a.message.id))
        assert (await refused(two.b.caller.messages.GetMessage(wait))).code is NOT_FOUND


async def test_keys_of_one_account_see_the_same(two: Two) -> None:
    second = await two.operator.key("alpha", *ALL_BUT_ADMIN)
    listed = await second.messages.ListMessages(pb.ListMessagesRequest())
    assert {message.id for message in listed.messages} == two.a.message_ids
    again = await second.messages.SendMessage(a_message("alpha", options=_options_of(two.a)))
    assert again.replayed
    assert again.message.id == two.a.message.id


def _options_of(tenant: Tenant) -> pb.SendOptions:
    return pb.SendOptions(send_time=tenant.message.schedule_time)


async def test_an_operator_with_every_scope_sees_no_messages_but_those_of_its_account(
    two: Two,
) -> None:
    await two.operator.account("office")
    boss = await two.operator.key("office", *ALL_BUT_ADMIN, ADMIN)
    ids = {
        "MessageService/GetMessage": pb.GetMessageRequest(id=two.a.message.id),
        "MessageService/CancelMessage": pb.CancelMessageRequest(id=two.a.message.id),
        "OTPService/GetVerification": otp.GetVerificationRequest(id=two.a.verification.id),
        "OTPService/CancelVerification": otp.CancelVerificationRequest(id=two.a.verification.id),
    }
    for rpc, request in ids.items():
        assert (await refused(boss.ask(rpc, request))).code is NOT_FOUND, rpc
    listed = await boss.messages.ListMessages(pb.ListMessagesRequest())
    assert not listed.messages
    snapshot = pb.StreamStatusRequest(snapshot=True)
    assert await _in_the_snapshot(boss, snapshot) == frozenset()
