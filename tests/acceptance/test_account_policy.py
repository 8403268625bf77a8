"""What an account may do, enforced and monitored: countries, words, prices, budgets, rates."""

import logging
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from prometheus_client import CollectorRegistry
from tests.acceptance.accounts_setup import ALL_BUT_ADMIN, Caller, Operator
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, refused

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import message_service_pb2 as pb

AUSTRIAN = "+436641234567"
MONITOR = accounts.POLICY_MODE_MONITOR
_PUSHBACK = "grpc-retry-pushback-ms"


def send(**fields: Any) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**({"recipient": ITALIAN, "text": "Ciao!"} | fields))


def limit(kind: int, maximum: int, seconds: int = 3600, **fields: Any) -> accounts.Limit:
    period = Duration(seconds=seconds) if seconds else None
    return accounts.Limit(kind=kind, maximum=maximum, period=period, **fields)  # type: ignore[arg-type]


def noted(gateway: Gateway, account: str, reason: str) -> float:
    registry: CollectorRegistry = gateway.app._registry
    labels = {"account": account, "reason": reason}
    return registry.get_sample_value("smsgate_would_be_refused_total", labels) or 0.0


@pytest.fixture
async def operator(gateway: Gateway) -> Operator:
    return await Operator.at(gateway)


async def tenant(operator: Operator, **policy: Any) -> Caller:
    await operator.account("acme", policy=accounts.AccountPolicy(**policy))
    return await operator.key("acme", *ALL_BUT_ADMIN)


# Countries


@pytest.mark.parametrize(
    ("countries", "allowed", "refused_one"),
    [
        (accounts.CountryPolicy(allowed_countries=["IT"]), ITALIAN, AUSTRIAN),
        (accounts.CountryPolicy(denied_countries=["IT"]), AUSTRIAN, ITALIAN),
        (
            accounts.CountryPolicy(allowed_countries=["IT", "AT"], denied_countries=["IT"]),
            AUSTRIAN,
            ITALIAN,
        ),
    ],
)
async def test_only_allowed_countries_are_sent_to(
    operator: Operator, countries: accounts.CountryPolicy, allowed: str, refused_one: str
) -> None:
    caller = await tenant(operator, countries=countries)
    await caller.messages.SendMessage(send(recipient=allowed))
    refusal = await refused(caller.messages.SendMessage(send(recipient=refused_one)))
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "COUNTRY_NOT_ALLOWED",
    )


async def test_a_monitored_country_is_sent_to_and_put_on_record(
    gateway: Gateway, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    countries = accounts.CountryPolicy(denied_countries=["IT"], mode=MONITOR)
    caller = await tenant(operator, countries=countries)
    with caplog.at_level(logging.WARNING, "smsgate.policy"):
        await caller.messages.SendMessage(send())
    assert noted(gateway, "acme", "COUNTRY_NOT_ALLOWED") == 1
    assert [record.message for record in caplog.records] == ["would be refused"]


async def test_a_change_of_policy_holds_for_the_next_call(operator: Operator) -> None:
    caller = await tenant(operator)
    await caller.messages.SendMessage(send())
    denied = accounts.CountryPolicy(denied_countries=["IT"])
    await operator.change("acme", policy=accounts.AccountPolicy(countries=denied))
    refusal = await refused(caller.messages.SendMessage(send()))
    assert refusal.reason == "COUNTRY_NOT_ALLOWED"


# Words


@pytest.mark.parametrize(
    "text", ["a casino b", "CASINO", "ＣＡＳＩＮＯ", "cas\u200bino", "Casi\u00adno!", "«casino»"]
)
async def test_a_forbidden_word_is_found_in_any_form(operator: Operator, text: str) -> None:
    content = accounts.ContentPolicy(forbidden_words=["casino"])
    caller = await tenant(operator, content=content)
    refusal = await refused(caller.messages.SendMessage(send(text=text)))
    assert (refusal.reason, refusal.info.metadata["field"]) == ("FORBIDDEN_CONTENT", "text")
    assert "casino" not in refusal.message.lower()


async def test_a_forbidden_word_is_found_in_the_sender_too(operator: Operator) -> None:
    content = accounts.ContentPolicy(forbidden_words=["casino"])
    caller = await tenant(operator, content=content)
    refusal = await refused(caller.messages.SendMessage(send(sender="My Casino")))
    assert refusal.info.metadata["field"] == "sender"
    await caller.messages.SendMessage(send(text="casinos are another word"))


async def test_the_words_of_the_server_hold_beside_those_of_the_account(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(forbidden_words=("lottery",))
    operator = await Operator.at(gateway)
    content = accounts.ContentPolicy(forbidden_words=["casino"])
    caller = await tenant(operator, content=content)
    for word in ("lottery", "casino"):
        refusal = await refused(caller.messages.SendMessage(send(text=word)))
        assert refusal.reason == "FORBIDDEN_CONTENT"


async def test_monitored_words_are_sent_and_suspend_nobody(
    gateway: Gateway, operator: Operator
) -> None:
    content = accounts.ContentPolicy(forbidden_words=["casino"], mode=MONITOR, suspend_account=True)
    caller = await tenant(operator, content=content)
    await caller.messages.SendMessage(send(text="casino"))
    assert noted(gateway, "acme", "FORBIDDEN_CONTENT") == 1
    assert (await operator.shown("acme")).account.state == accounts.ACCOUNT_STATE_ACTIVE


# Prices


async def test_a_price_can_be_required_and_its_lack_monitored(
    gateway: Gateway, operator: Operator
) -> None:
    caller = await tenant(operator, prices=accounts.PricePolicy(require_price=True))
    refusal = await refused(caller.messages.SendMessage(send(recipient=AUSTRIAN)))
    assert refusal.reason == "PRICE_UNKNOWN"
    watched = accounts.PricePolicy(require_price=True, mode=MONITOR)
    await operator.change("acme", policy=accounts.AccountPolicy(prices=watched))
    await caller.messages.SendMessage(send(recipient=AUSTRIAN))
    assert noted(gateway, "acme", "PRICE_UNKNOWN") == 1


# Rates


async def test_a_rate_limit_is_read_before_it_is_hit_and_says_when_to_come_again(
    operator: Operator,
) -> None:
    caller = await tenant(operator, limits=[limit(accounts.LIMIT_KIND_REQUESTS, 3)])
    shown = (await caller.accounts.GetAccount(accounts.GetAccountRequest())).standing
    requests = [s for s in shown.limits if s.limit.kind == accounts.LIMIT_KIND_REQUESTS]
    assert [status.remaining for status in requests] == [2]
    for _ in range(2):
        await caller.messages.SendMessage(send())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await caller.messages.SendMessage(send())
    trailers = dict(caught.value.trailing_metadata() or ())
    refusal = await refused(caller.messages.SendMessage(send()))
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "RATE_LIMITED",
    )
    assert refusal.info.metadata["limit"] == "requests"
    assert refusal.quota is not None
    assert refusal.retry is not None
    assert 0 < int(trailers[_PUSHBACK]) <= 1_200_000


async def test_each_key_has_a_rate_of_its_own(operator: Operator) -> None:
    one = await tenant(operator, limits=[limit(accounts.LIMIT_KIND_KEY_REQUESTS, 1)])
    other = await operator.key("acme", *ALL_BUT_ADMIN)
    await one.messages.SendMessage(send())
    refusal = await refused(one.messages.SendMessage(send()))
    assert refusal.info.metadata["limit"] == "key_requests"
    await other.messages.SendMessage(send())


async def test_a_batch_counts_as_its_messages(operator: Operator) -> None:
    caller = await tenant(operator, limits=[limit(accounts.LIMIT_KIND_MESSAGES, 3)])
    items = [pb.BatchItem(recipient=ITALIAN) for _ in range(4)]
    too_many = pb.SendBatchRequest(text="a", items=items)
    refusal = await refused(caller.messages.SendBatch(too_many))
    assert refusal.info.metadata["limit"] == "messages"
    await caller.messages.SendBatch(pb.SendBatchRequest(text="a", items=items[:3]))
    assert (await refused(caller.messages.SendMessage(send()))).reason == "RATE_LIMITED"


async def test_no_more_streams_are_open_than_an_account_may_have(operator: Operator) -> None:
    caller = await tenant(operator, limits=[limit(accounts.LIMIT_KIND_STREAMS, 1, 0)])
    first = caller.messages.StreamStatus(pb.StreamStatusRequest())
    assert (await first.read()).HasField("opened")
    second = caller.messages.StreamStatus(pb.StreamStatusRequest())
    refusal = await refused(second.read())
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_STREAMS",
    )
    first.cancel()


async def test_a_monitored_rate_refuses_nobody(gateway: Gateway, operator: Operator) -> None:
    limits = [limit(accounts.LIMIT_KIND_REQUESTS, 1, mode=MONITOR)]
    caller = await tenant(operator, limits=limits)
    for _ in range(3):
        await caller.messages.SendMessage(send())
    assert noted(gateway, "acme", "RATE_LIMITED") == 2


async def test_an_estimate_names_everything_that_would_refuse_the_message(
    operator: Operator,
) -> None:
    caller = await tenant(
        operator,
        countries=accounts.CountryPolicy(denied_countries=["AT"]),
        content=accounts.ContentPolicy(forbidden_words=["casino"]),
        prices=accounts.PricePolicy(require_price=True),
        limits=[limit(accounts.LIMIT_KIND_MESSAGES, 0)],
    )
    asked = pb.EstimateMessageRequest(recipient=AUSTRIAN, text="casino", sender="1")
    answer = await caller.messages.EstimateMessage(asked)
    found = [status.message for status in answer.would_fail_with]
    assert len(found) == 5
    for part in ("sender", "may not send to AT", "contains a word", "no price", "the limit"):
        assert any(part in message for message in found), part
