"""The requests for passwords, prices, usage and accounts, made from plain Python values."""

import inspect
import json
from collections.abc import AsyncGenerator, Generator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor import ServiceDescriptor

from smsgate.v1 import (
    account_service_pb2,
    message_service_pb2,
    otp_service_pb2,
    pricing_service_pb2,
    usage_service_pb2,
)
from smsgate_client import BlockingClient, SmsgateClient, account_requests, money
from smsgate_client.connection import CHANNEL_OPTIONS
from smsgate_client.otp import send_otp_request, verify_otp_request
from smsgate_client.pages import aio_all_items, all_items
from smsgate_client.pricing import destinations_request, lookup_request, prices_request
from smsgate_client.usage import usage_request

NUMBER = "+393331234567"
_NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
_SERVICES: list[ServiceDescriptor] = [
    service
    for module in (
        account_service_pb2,
        message_service_pb2,
        otp_service_pb2,
        pricing_service_pb2,
        usage_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
]


def test_a_code_is_asked_for_with_all_that_was_given() -> None:
    request = send_otp_request(
        NUMBER,
        purpose="login",
        length=8,
        alphabet="alphanumeric",
        ttl=timedelta(minutes=2),
        locale="it",
        brand="Shop",
        web_origin="example.com",
        sender="Shop",
        request_id="r1",
        dry_run=True,
        client_reference="c",
        labels={"team": "a"},
        max_price="0.05 EUR",
        on_unknown_submit="AT_MOST_ONCE",
        channel="sms",
    )
    assert (request.recipient, request.purpose, request.length) == (NUMBER, "login", 8)
    assert request.alphabet == otp_service_pb2.CODE_ALPHABET_ALPHANUMERIC
    assert request.ttl.ToTimedelta() == timedelta(minutes=2)
    assert (request.locale, request.brand, request.sender) == ("it", "Shop", "Shop")
    assert request.WhichOneof("auto_fill") == "web_origin"
    assert (request.request_id, request.dry_run) == ("r1", True)
    assert request.max_price == money("0.05 EUR")
    assert request.labels == {"team": "a"}
    assert request.on_unknown_submit == 1
    assert request.channel == otp_service_pb2.VERIFICATION_CHANNEL_SMS


def test_what_is_not_given_is_left_to_the_server() -> None:
    request = send_otp_request(NUMBER)
    given = {field.name for field, _ in request.ListFields()}
    assert given == {"recipient", "request_id"}
    assert send_otp_request(NUMBER, ttl=0).HasField("ttl")


def test_a_code_fills_in_one_thing_only() -> None:
    assert send_otp_request(NUMBER, android_app_hash="h").WhichOneof("auto_fill") is not None
    with pytest.raises(ValueError, match="not both"):
        send_otp_request(NUMBER, web_origin="example.com", android_app_hash="h")


@pytest.mark.parametrize(
    "make",
    [
        lambda: send_otp_request(NUMBER),
        lambda: verify_otp_request("123456", verification_id="v"),
        lambda: account_requests.create_account_request("shop"),
        lambda: account_requests.top_up_request("shop", "5 EUR"),
    ],
)
def test_what_must_not_happen_twice_has_a_request_id_of_its_own(make: Any) -> None:
    first, second = make(), make()
    assert UUID(first.request_id) != UUID(second.request_id)


def test_a_request_id_that_is_given_is_kept() -> None:
    assert verify_otp_request("1", request_id="r").request_id == "r"
    assert account_requests.create_account_request("shop", request_id="r").request_id == "r"
    assert account_requests.top_up_request("shop", "5 EUR", "r", "note").request_id == "r"


def test_prices_and_destinations_are_chosen() -> None:
    prices = prices_request(
        5, "p", countries=["IT"], billing_modes=["prepaid"], effective_time=_NOON
    )
    assert (prices.page_size, prices.page_token, list(prices.countries)) == (5, "p", ["IT"])
    assert list(prices.billing_modes) == [account_service_pb2.BILLING_MODE_PREPAID]
    assert prices.effective_time.ToDatetime(tzinfo=UTC) == _NOON
    chosen = destinations_request(mobile_only=True, billing_mode="SUBSCRIPTION")
    assert chosen == pricing_service_pb2.ListDestinationsRequest(mobile_only=True, billing_mode=1)
    assert lookup_request(NUMBER) == pricing_service_pb2.LookupNumberRequest(recipient=NUMBER)


def test_usage_is_asked_for_by_name() -> None:
    request = usage_request(granularity="day", group_by=["country", "STATUS"], start_time=_NOON)
    assert request.granularity == usage_service_pb2.USAGE_GRANULARITY_DAY
    assert list(request.group_by) == [1, 2]
    assert request.HasField("start_time")
    assert not request.HasField("end_time")
    assert usage_request() == usage_service_pb2.GetUsageRequest()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: usage_request(granularity="week"), "'week' is none of DAY, MONTH, YEAR"),
        (lambda: usage_request(group_by=["moon"]), "'moon' is none of COUNTRY"),
        (lambda: send_otp_request(NUMBER, alphabet="runes"), "NUMERIC, ALPHANUMERIC"),
        (lambda: lookup_request(NUMBER, "unspecified"), "SUBSCRIPTION, PREPAID"),
        (lambda: account_requests.create_api_key_request("shop", ["root"]), "SEND, READ, OTP"),
        (lambda: account_requests.list_accounts_request(states=["gone"]), "ACTIVE, SUSPENDED"),
        (lambda: account_requests.top_up_request("shop", "5"), "is not an amount"),
        (lambda: usage_request(start_time=datetime(2026, 1, 1)), "needs a time zone"),
    ],
)
def test_a_wrong_name_is_a_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()


def test_only_what_is_given_is_changed() -> None:
    request = account_requests.update_account_request(
        "shop", state="suspended", budget="100 EUR", limits=[], etag="e"
    )
    assert list(request.update_mask.paths) == ["state", "policy.budget", "policy.limits"]
    assert request.account.policy.budget.monthly_maximum == money("100 EUR")
    assert (request.account.id, request.account.etag) == ("shop", "e")
    assert request.account.state == account_service_pb2.ACCOUNT_STATE_SUSPENDED


def test_none_clears_a_part() -> None:
    request = account_requests.update_account_request("shop", budget=None, bundle=None, labels={})
    assert list(request.update_mask.paths) == ["bundle", "policy.budget", "labels"]
    assert request.account.HasField("policy")
    assert not request.account.policy.ListFields()


def test_every_path_of_a_change_is_a_field_of_an_account() -> None:
    everything = dict.fromkeys(account_requests.AccountFields.__annotations__)
    everything |= {"limits": (), "labels": {}}
    request = account_requests.update_account_request("shop", **everything)
    assert len(request.update_mask.paths) == len(everything)
    assert request.update_mask.IsValidForDescriptor(account_service_pb2.Account.DESCRIPTOR)


def test_a_new_account_has_all_that_was_given() -> None:
    request = account_requests.create_account_request(
        "shop",
        currency="EUR",
        bundle=500,
        billing_mode="subscription",
        countries=account_service_pb2.CountryPolicy(allowed_countries=["IT"]),
    )
    assert request.account.bundle.segments_per_month == 500
    assert list(request.account.policy.countries.allowed_countries) == ["IT"]
    assert request.account.currency == "EUR"
    assert not account_requests.create_account_request("shop").account.HasField("policy")


@pytest.mark.parametrize(
    "method",
    [
        (service.full_name, method.name)
        for service in _SERVICES
        for method in service.methods
        if not method.server_streaming
    ],
)
def test_every_call_but_the_making_of_a_key_is_tried_again(method: tuple[str, str]) -> None:
    config = json.loads(str(dict(CHANNEL_OPTIONS)["grpc.service_config"]))
    (policy,) = config["methodConfig"]
    retried = {(name["service"], name["method"]) for name in policy["name"]}
    once = ("CreateApiKey", "RotateWebhookSecret")
    assert (method in retried) is (method[1] not in once)


def _public(client: type) -> dict[str, Any]:
    members = inspect.getmembers(client, callable)
    return {name: member for name, member in members if not name.startswith("_")}


def test_both_clients_have_the_same_methods() -> None:
    blocking, aio = _public(BlockingClient), _public(SmsgateClient)
    assert blocking.keys() == aio.keys()
    for name, method in blocking.items():
        own, other = inspect.signature(method), inspect.signature(aio[name])
        assert own.parameters == other.parameters, name
        assert method.__doc__ == aio[name].__doc__, name


def test_every_rpc_has_a_method() -> None:
    # The names of MessageService are shorter: it is what the client is for.
    own = {"send_message": "send", "estimate_message": "estimate", "get_message": "get"}
    own |= {"list_messages": "list", "cancel_message": "cancel", "stream_status": "stream"}
    for service in _SERVICES:
        for method in service.methods:
            words = "".join(f"_{c.lower()}" if c.isupper() else c for c in method.name)
            name = words.strip("_").replace("o_t_p", "otp")
            assert own.get(name, name) in _public(BlockingClient), method.full_name


class _Page:
    def __init__(self, items: list[int], next_page_token: str) -> None:
        self.items = items
        self.next_page_token = next_page_token


_PAGES = {"": _Page([1, 2], "b"), "b": _Page([], "c"), "c": _Page([3], "")}


def test_pages_are_asked_for_as_they_are_needed() -> None:
    asked: list[str] = []

    def page(token: str) -> _Page:
        asked.append(token)
        return _PAGES[token]

    items: Generator[int, None, None] = all_items(page, lambda found: found.items)
    assert asked == []
    assert next(items) == 1
    assert asked == [""]
    assert list(items) == [2, 3]
    assert asked == ["", "b", "c"]


async def test_pages_of_the_asyncio_client_too() -> None:
    async def page(token: str) -> _Page:
        return _PAGES[token]

    items: AsyncGenerator[int, None] = aio_all_items(page, lambda found: found.items)
    assert [item async for item in items] == [1, 2, 3]
