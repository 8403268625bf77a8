"""Bad input to the services beside MessageService: every field of every request of every rpc, from
the descriptors, with every nasty value of its type.
"""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message as ProtoMessage
from google.protobuf.message_factory import GetMessageClass
from google.type.money_pb2 import Money
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, Refusal, refusal_of_call
from tests.acceptance.test_bad_input import (
    _GARBAGE,
    _is_about,
    _mutants,
    _name,
    _paths,
    _with,
    nul_mutants,
    on_postgres,
    outcome,
)

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import carrier_service_pb2 as carriers
from smsgate.v1 import message_pb2
from smsgate.v1 import otp_service_pb2 as otp
from smsgate.v1 import pricing_service_pb2 as pricing
from smsgate.v1 import usage_service_pb2 as usage
from smsgate.v1 import webhook_service_pb2 as webhooks

_SERVICES: list[ServiceDescriptor] = [
    service
    for file in (otp, pricing, usage, carriers, accounts, webhooks)
    for service in file.DESCRIPTOR.services_by_name.values()
]
_METHODS = [
    pytest.param(service, method, id=f"{service.name}.{method.name}")
    for service in _SERVICES
    for method in service.methods
]
_EXPECTED = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.OUT_OF_RANGE,
}
_CALLBACK = message_pb2.Callback(url="https://example.com/hook")
_EUR = Money(currency_code="EUR", units=1)
_BASES: dict[str, ProtoMessage] = {
    "SendOTP": otp.SendOTPRequest(recipient=ITALIAN, dry_run=True, callback=_CALLBACK),
    "VerifyOTP": otp.VerifyOTPRequest(verification_id="unknown", code="123456"),
    "GetVerification": otp.GetVerificationRequest(id="unknown"),
    "CancelVerification": otp.CancelVerificationRequest(id="unknown"),
    "ListPrices": pricing.ListPricesRequest(),
    "ListDestinations": pricing.ListDestinationsRequest(),
    "LookupNumber": pricing.LookupNumberRequest(recipient=ITALIAN),
    "ListCarriers": carriers.ListCarriersRequest(),
    "GetUsage": usage.GetUsageRequest(),
    "GetAccount": accounts.GetAccountRequest(),
    "CreateAccount": accounts.CreateAccountRequest(account=accounts.Account(id="taken")),
    "UpdateAccount": accounts.UpdateAccountRequest(account=accounts.Account(id="taken")),
    "ListAccounts": accounts.ListAccountsRequest(),
    "CreateApiKey": accounts.CreateApiKeyRequest(account_id="taken", scopes=[accounts.SCOPE_READ]),
    "RevokeApiKey": accounts.RevokeApiKeyRequest(id="unknown"),
    "CreateWebhook": webhooks.CreateWebhookRequest(url="https://example.com/hook"),
    "GetWebhook": webhooks.GetWebhookRequest(id="unknown"),
    "ListWebhooks": webhooks.ListWebhooksRequest(),
    "UpdateWebhook": webhooks.UpdateWebhookRequest(id="callbacks"),
    "DeleteWebhook": webhooks.DeleteWebhookRequest(id="unknown"),
    "RotateWebhookSecret": webhooks.RotateWebhookSecretRequest(id="callbacks"),
    "TestWebhook": webhooks.TestWebhookRequest(id="unknown"),
    "ListFailedDeliveries": webhooks.ListFailedDeliveriesRequest(),
    "ReplayFailedDeliveries": webhooks.ReplayFailedDeliveriesRequest(),
    "ReplayEvents": webhooks.ReplayEventsRequest(id="callbacks", cursor="unknown"),
    "TopUp": accounts.TopUpRequest(account_id="taken", amount=_EUR, request_id="r1"),
}


class _Caller:
    """Calls with a key that may do everything, to an account `taken` that exists."""

    def __init__(self, gateway: Gateway, metadata: tuple[tuple[str, str], ...]) -> None:
        self._channel = gateway.channel
        self._metadata = metadata

    @classmethod
    async def made(cls, gateway: Gateway) -> "_Caller":
        caller = cls(gateway, ())
        service = accounts.DESCRIPTOR.services_by_name["AccountService"]
        account = accounts.Account(id="taken", billing_mode=accounts.BILLING_MODE_PREPAID)
        create = service.methods_by_name["CreateAccount"]
        await caller.ask(service, create, accounts.CreateAccountRequest(account=account))
        key = accounts.CreateApiKeyRequest(
            account_id="taken",
            scopes=[
                accounts.SCOPE_SEND,
                accounts.SCOPE_READ,
                accounts.SCOPE_OTP,
                accounts.SCOPE_ADMIN,
            ],
        )
        made = await caller.ask(service, service.methods_by_name["CreateApiKey"], key)
        assert isinstance(made, accounts.CreateApiKeyResponse)
        caller = cls(gateway, (("authorization", f"Bearer {made.secret}"),))
        # The webhook `callbacks` exists from then on.
        service = webhooks.DESCRIPTOR.services_by_name["WebhookService"]
        rotate = service.methods_by_name["RotateWebhookSecret"]
        await caller.ask(service, rotate, webhooks.RotateWebhookSecretRequest(id="callbacks"))
        return caller

    async def ask(
        self, service: ServiceDescriptor, method: MethodDescriptor, request: ProtoMessage | bytes
    ) -> ProtoMessage | Refusal:
        body = request if isinstance(request, bytes) else request.SerializeToString()
        call: Any = self._channel.unary_unary(f"/{service.full_name}/{method.name}")
        try:
            answer = await call(body, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            return refusal_of_call(error)
        made: ProtoMessage = GetMessageClass(method.output_type).FromString(answer)
        return made


def test_the_cases_cover_every_method() -> None:
    assert set(_BASES) == {method.name for service in _SERVICES for method in service.methods}


def _masked(request: ProtoMessage, name: str) -> ProtoMessage:
    """An update reads only what its mask names."""
    if isinstance(request, accounts.UpdateAccountRequest) and name.startswith("account."):
        request.update_mask.paths.append(name.split(".")[1])
    return request


@pytest.mark.parametrize(("service", "method"), _METHODS)
async def test_each_field_with_each_nasty_value(
    gateway: Gateway, service: ServiceDescriptor, method: MethodDescriptor
) -> None:
    caller = await _Caller.made(gateway)
    for path in _paths(method.input_type):
        for mutant in _mutants(_BASES[method.name], path):
            request = _masked(mutant, _name(path))
            answer = await caller.ask(service, method, request)
            if not isinstance(answer, Refusal):
                continue
            assert answer.code in _EXPECTED, (answer, _name(path))
            if answer.code is grpc.StatusCode.INVALID_ARGUMENT:
                about = [field for field in answer.fields if _names(field, path)]
                assert about, (answer.fields, _name(path))


def _names(violated: str, path: Any) -> bool:
    plain = violated.replace("update_mask.paths", "account")
    related = {"purpose": "verification_id", "code": "request_id", "start_time": "end_time"}
    name = _name(path).partition(".")[0]
    return (
        _is_about(plain, path)
        # Of a part that the base lacks, its other fields can be what is wrong.
        or (len(path) > 3 and _is_about(plain, path[:3]))
        or related.get(name) == plain.partition(".")[0]
        or violated.startswith(("verification_id", "update_mask"))
        or (name in ("granularity", "end_time") and plain in ("start_time", "end_time"))
    )


@pytest.mark.parametrize(("service", "method"), _METHODS)
async def test_a_text_of_10_mb_and_bytes_that_are_no_request_are_refused(
    gateway: Gateway, service: ServiceDescriptor, method: MethodDescriptor
) -> None:
    caller = await _Caller.made(gateway)
    for garbage in _GARBAGE:
        answer = await caller.ask(service, method, garbage)
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    for path in _paths(method.input_type):
        field = path[-1]
        if field.cpp_type != field.CPPTYPE_STRING or field.is_repeated or len(path) > 2:
            continue
        request = _masked(_with(_BASES[method.name], path, "x" * 10_000_000), _name(path))
        answer = await caller.ask(service, method, request)
        if isinstance(answer, Refusal):
            assert answer.code in _EXPECTED
        else:
            # A field that the server sets is not read at all, nor is a purpose beside an id.
            assert answer.ByteSize() < 100_000, _name(path)


async def test_a_nul_in_any_text_is_answered_alike_on_every_store(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    gateways = [await start_gateway(), await start_gateway(**on_postgres(tmp_path))]
    callers = [await _Caller.made(gateway) for gateway in gateways]
    for service in _SERVICES:
        for method in service.methods:
            for path in _paths(method.input_type):
                for request in nul_mutants(_BASES[method.name], path):
                    answers = [await caller.ask(service, method, request) for caller in callers]
                    told = (method.name, request, answers)
                    assert outcome(answers[0]) == outcome(answers[1]), told
