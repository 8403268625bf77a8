"""What an account may do, enforced and monitored: countries, words, prices, budgets, rates."""

import asyncio
import json
import logging
import re
import socket
import unicodedata
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money
from prometheus_client import CollectorRegistry
from tests.acceptance.accounts_setup import ALL_BUT_ADMIN, Caller, Operator, eventually
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    ITALIAN,
    Refusal,
    all_messages,
    answer_or_refusal,
    opened,
    refusal_of,
    refusal_of_call,
    refused,
)
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import otp_service_pb2 as otp

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
    assert trailers[_PUSHBACK] == "-1", "too long to wait for inside of a call"


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


# Every part of a policy, in each mode


def a_budget(euros: int, **fields: Any) -> accounts.BudgetPolicy:
    return accounts.BudgetPolicy(monthly_maximum=Money(currency_code="EUR", units=euros), **fields)


# A part of a policy by its mode, a message that goes against it, and what that is called.
_PARTS: dict[str, tuple[Callable[[int], dict[str, Any]], dict[str, str], str]] = {
    "a country that is not allowed": (
        lambda mode: {
            "countries": accounts.CountryPolicy(allowed_countries=["ES"], mode=mode)  # type: ignore[arg-type]
        },
        {},
        "COUNTRY_NOT_ALLOWED",
    ),
    "a country that is denied": (
        lambda mode: {
            "countries": accounts.CountryPolicy(denied_countries=["IT"], mode=mode)  # type: ignore[arg-type]
        },
        {},
        "COUNTRY_NOT_ALLOWED",
    ),
    "a word in the text": (
        lambda mode: {
            "content": accounts.ContentPolicy(forbidden_words=["casino"], mode=mode)  # type: ignore[arg-type]
        },
        {"text": "the casino"},
        "FORBIDDEN_CONTENT",
    ),
    "a word in the sender": (
        lambda mode: {
            "content": accounts.ContentPolicy(forbidden_words=["casino"], mode=mode)  # type: ignore[arg-type]
        },
        {"sender": "The Casino"},
        "FORBIDDEN_CONTENT",
    ),
    "a budget that is spent": (
        lambda mode: {"budget": a_budget(0, mode=mode)},
        {},
        "BUDGET_EXHAUSTED",
    ),
    "a price that is not known": (
        lambda mode: {
            "prices": accounts.PricePolicy(require_price=True, mode=mode)  # type: ignore[arg-type]
        },
        {"recipient": AUSTRIAN},
        "PRICE_UNKNOWN",
    ),
}
parts = pytest.mark.parametrize("part", _PARTS)


@parts
@pytest.mark.parametrize("mode", [0, accounts.POLICY_MODE_ENFORCE])
async def test_what_is_enforced_is_refused_and_nothing_is_stored(
    gateway: Gateway, operator: Operator, caplog: pytest.LogCaptureFixture, part: str, mode: int
) -> None:
    policy, message, reason = _PARTS[part]
    caller = await tenant(operator, **policy(mode))
    with caplog.at_level(logging.WARNING, "smsgate.policy"):
        refusal = await refused(caller.messages.SendMessage(send(**message)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert await all_messages(caller.messages) == []
    assert noted(gateway, "acme", reason) == 0
    assert not caplog.records


@parts
async def test_what_is_monitored_is_served_counted_and_logged_with_the_account_and_the_reason(
    gateway: Gateway, operator: Operator, caplog: pytest.LogCaptureFixture, part: str
) -> None:
    policy, message, reason = _PARTS[part]
    caller = await tenant(operator, **policy(MONITOR))
    with caplog.at_level(logging.WARNING, "smsgate.policy"):
        await caller.messages.SendMessage(send(**message))
    assert len(await all_messages(caller.messages)) == 1
    assert noted(gateway, "acme", reason) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    fields = record.__dict__["fields"]
    assert (fields["account"], fields["reason"]) == ("acme", reason)
    # Neither a recipient nor a text is ever logged, the word that was found included.
    assert not re.search(r"\d{6}|(?i:casino)", str(fields))


@parts
async def test_an_estimate_names_what_is_enforced_and_not_what_is_monitored(
    gateway: Gateway, operator: Operator, part: str
) -> None:
    policy, message, reason = _PARTS[part]
    asked = pb.EstimateMessageRequest(**{"recipient": ITALIAN, "text": "Ciao!"} | message)
    caller = await tenant(operator, **policy(0))
    answer = await caller.messages.EstimateMessage(asked)
    assert [refusal_of(status).reason for status in answer.would_fail_with] == [reason]
    await operator.change("acme", policy=accounts.AccountPolicy(**policy(MONITOR)))
    assert not (await caller.messages.EstimateMessage(asked)).would_fail_with
    assert noted(gateway, "acme", reason) == 0, "an estimate is no message"


@parts
async def test_a_batch_is_judged_item_by_item(operator: Operator, part: str) -> None:
    policy, message, reason = _PARTS[part]
    caller = await tenant(operator, **policy(0))
    fine = {"recipient": "+34612345678" if part.startswith("a country") else AUSTRIAN}
    fine = {"recipient": ITALIAN} if part.startswith("a price") else fine
    items = [pb.BatchItem(**{"recipient": ITALIAN} | each) for each in (fine, message, fine)]
    answer = await caller.messages.SendBatch(pb.SendBatchRequest(text="Ciao!", items=items))
    kinds = [result.WhichOneof("outcome") for result in answer.results]
    assert kinds == ["message", "error", "message"]
    assert refusal_of(answer.results[1].error).reason == reason


@parts
async def test_a_change_of_any_part_holds_for_the_next_call(operator: Operator, part: str) -> None:
    policy, message, reason = _PARTS[part]
    caller = await tenant(operator)
    await caller.messages.SendMessage(send(**message))
    await operator.change("acme", policy=accounts.AccountPolicy(**policy(0)))
    assert (await refused(caller.messages.SendMessage(send(**message)))).reason == reason
    await operator.change("acme", policy=accounts.AccountPolicy())
    await caller.messages.SendMessage(send(**message))


@parts
async def test_the_policy_of_one_account_is_not_that_of_another(
    operator: Operator, part: str
) -> None:
    policy, message, _ = _PARTS[part]
    await tenant(operator, **policy(0))
    other = await operator.tenant("other")
    await other.messages.SendMessage(send(**message))


@parts
async def test_a_repeat_is_answered_though_the_policy_has_changed(
    operator: Operator, part: str
) -> None:
    policy, message, _ = _PARTS[part]
    caller = await tenant(operator)
    request = send(request_id="r1", **message)
    first = await caller.messages.SendMessage(request)
    await operator.change("acme", policy=accounts.AccountPolicy(**policy(0)))
    again = await caller.messages.SendMessage(request)
    assert (again.replayed, again.message.id) == (True, first.message.id)


@pytest.mark.parametrize("whole", [True, False])
async def test_a_repeated_batch_is_answered_though_the_policy_has_changed(
    operator: Operator, whole: bool
) -> None:
    caller = await tenant(operator)
    items = [pb.BatchItem(recipient=ITALIAN), pb.BatchItem(recipient=AUSTRIAN)]
    batch = pb.SendBatchRequest(text="a", items=items, request_id="b1", all_or_nothing=whole)
    first = await caller.messages.SendBatch(batch)
    countries = accounts.CountryPolicy(denied_countries=["AT", "IT"])
    await operator.change("acme", policy=accounts.AccountPolicy(countries=countries))
    again = await caller.messages.SendBatch(batch)
    ids = [result.message.id for result in first.results]
    assert (again.replayed, [result.message.id for result in again.results]) == (True, ids)


async def test_everything_is_monitored_at_once_message_by_message(
    gateway: Gateway, operator: Operator
) -> None:
    caller = await tenant(
        operator,
        countries=accounts.CountryPolicy(denied_countries=["AT"], mode=MONITOR),
        content=accounts.ContentPolicy(forbidden_words=["casino"], mode=MONITOR),
        prices=accounts.PricePolicy(require_price=True, mode=MONITOR),
    )
    items = [pb.BatchItem(recipient=AUSTRIAN, sender="Casino") for _ in range(3)]
    batch = pb.SendBatchRequest(text="casino", items=items)
    assert (await caller.messages.SendBatch(batch)).accepted_count == 3
    assert noted(gateway, "acme", "COUNTRY_NOT_ALLOWED") == 3
    assert noted(gateway, "acme", "FORBIDDEN_CONTENT") == 6, "in the sender and in the text"
    assert noted(gateway, "acme", "PRICE_UNKNOWN") == 3


async def test_codes_are_held_to_the_policy_as_messages_are(
    gateway: Gateway, operator: Operator
) -> None:
    def policy(mode: int) -> dict[str, Any]:
        return {
            "countries": accounts.CountryPolicy(denied_countries=["AT"], mode=mode),  # type: ignore[arg-type]
            "content": accounts.ContentPolicy(forbidden_words=["casino"], mode=mode),  # type: ignore[arg-type]
        }

    caller = await tenant(operator, **policy(0))
    there = otp.SendOTPRequest(recipient=AUSTRIAN)
    named = otp.SendOTPRequest(recipient=ITALIAN, brand="Casino")
    assert (await refused(caller.otp.SendOTP(there))).reason == "COUNTRY_NOT_ALLOWED"
    assert (await refused(caller.otp.SendOTP(named))).reason == "FORBIDDEN_CONTENT"
    await operator.change("acme", policy=accounts.AccountPolicy(**policy(MONITOR)))
    await caller.otp.SendOTP(there)
    await caller.otp.SendOTP(named)
    assert noted(gateway, "acme", "COUNTRY_NOT_ALLOWED") == 1
    assert noted(gateway, "acme", "FORBIDDEN_CONTENT") == 1


# What goes on record


_MONITORED: dict[str, Any] = {
    "countries": accounts.CountryPolicy(denied_countries=["IT"], mode=MONITOR),
    "limits": [limit(accounts.LIMIT_KIND_MESSAGES, 0, mode=MONITOR)],
}


def on_record(gateway: Gateway) -> tuple[float, float]:
    """How often the country and the rate of _MONITORED went on record."""
    return noted(gateway, "acme", "COUNTRY_NOT_ALLOWED"), noted(gateway, "acme", "RATE_LIMITED")


async def test_a_message_is_put_on_record_once_however_often_it_is_repeated(
    gateway: Gateway, operator: Operator
) -> None:
    caller = await tenant(operator, **_MONITORED)
    again = [await caller.messages.SendMessage(send(request_id="r1")) for _ in range(3)]
    assert [answer.replayed for answer in again] == [False, True, True]
    assert on_record(gateway) == (1, 1)


async def test_a_batch_is_put_on_record_once_however_often_it_or_its_items_are_repeated(
    gateway: Gateway, operator: Operator
) -> None:
    caller = await tenant(operator, **_MONITORED)
    items = [pb.BatchItem(recipient=ITALIAN, request_id=f"i{n}") for n in range(2)]
    whole = pb.SendBatchRequest(text="a", items=items, request_id="b1")
    for _ in range(3):
        await caller.messages.SendBatch(whole)
    assert on_record(gateway) == (2, 1)
    await caller.messages.SendBatch(pb.SendBatchRequest(text="a", items=items))
    assert on_record(gateway) == (2, 1)
    one_more = [*items, pb.BatchItem(recipient=ITALIAN)]
    await caller.messages.SendBatch(pb.SendBatchRequest(text="a", items=one_more))
    assert on_record(gateway) == (3, 2)


async def test_a_code_is_put_on_record_once_however_often_its_request_is_repeated(
    gateway: Gateway, operator: Operator
) -> None:
    caller = await tenant(operator, **_MONITORED)
    request = otp.SendOTPRequest(recipient=ITALIAN, request_id="r1")
    again = [await caller.otp.SendOTP(request) for _ in range(3)]
    assert [answer.replayed for answer in again] == [False, True, True]
    assert on_record(gateway) == (1, 1)


async def test_what_could_not_be_paid_is_not_put_on_record(
    gateway: Gateway, operator: Operator
) -> None:
    otp_limit = limit(accounts.LIMIT_KIND_OTP_ACCOUNT, 0, mode=MONITOR)
    monitored = _MONITORED | {"limits": [*_MONITORED["limits"], otp_limit]}
    policy = accounts.AccountPolicy(**monitored)
    await operator.account("acme", billing_mode=accounts.BILLING_MODE_PREPAID, policy=policy)
    caller = await operator.key("acme", *ALL_BUT_ADMIN)
    message, code = send(), otp.SendOTPRequest(recipient=ITALIAN)
    assert (await refused(caller.messages.SendMessage(message))).reason == "INSUFFICIENT_BALANCE"
    assert (await refused(caller.otp.SendOTP(code))).reason == "INSUFFICIENT_BALANCE"
    batch = pb.SendBatchRequest(text="a", items=[pb.BatchItem(recipient=ITALIAN)])
    (result,) = (await caller.messages.SendBatch(batch)).results
    assert refusal_of(result.error).reason == "INSUFFICIENT_BALANCE"
    batch.all_or_nothing = True
    assert (await refused(caller.messages.SendBatch(batch))).reason == "BATCH_REFUSED"
    assert on_record(gateway) == (0, 0)
    assert noted(gateway, "acme", "OTP_LIMIT") == 0


async def test_what_a_limit_or_a_conflict_refuses_is_not_put_on_record(
    gateway: Gateway, operator: Operator
) -> None:
    enforced = limit(accounts.LIMIT_KIND_MESSAGES, 1)
    limits = [*_MONITORED["limits"], enforced]
    caller = await tenant(operator, **(_MONITORED | {"limits": limits}))
    await caller.messages.SendMessage(send(request_id="r1"))
    assert on_record(gateway) == (1, 1)
    other = send(request_id="r1", text="another text")
    assert (await refused(caller.messages.SendMessage(other))).reason == "REQUEST_ID_CONFLICT"
    assert (await refused(caller.messages.SendMessage(send()))).reason == "RATE_LIMITED"
    assert on_record(gateway) == (1, 1)


def test_what_is_monitored_is_on_the_metrics_page_and_in_the_log(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as chosen:
        address = f"127.0.0.1:{chosen.getsockname()[1]}"
    environment = {"SMSGATE_FORBIDDEN_WORDS": "lottery", "SMSGATE_LOG_LEVEL": "warning"}
    with ServerProcess(
        tmp_path / "messages.db", ["--metrics-listen", address], environment
    ) as running:
        _send_what_is_monitored(running.target)
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            page = answer.read().decode()
        assert running.stop() == 0
        lines = [json.loads(line) for line in running.output if line.startswith("{")]
    counted = re.findall(
        r'smsgate_would_be_refused_total\{account="(\w+)",reason="(\w+)"\} (\S+)', page
    )
    assert sorted(counted) == [
        ("local", "COUNTRY_NOT_ALLOWED", "2.0"),
        ("local", "FORBIDDEN_CONTENT", "2.0"),
        ("local", "RATE_LIMITED", "1.0"),
    ]
    found = [line for line in lines if line["message"] == "would be refused"]
    assert {line["level"] for line in found} == {"warning"}
    assert {line["account"] for line in found} == {"local"}
    assert sorted(line["reason"] for line in found) == [
        *["COUNTRY_NOT_ALLOWED"] * 2,
        *["FORBIDDEN_CONTENT"] * 2,
        "RATE_LIMITED",
    ]
    assert "lottery" not in str(lines)


def _send_what_is_monitored(target: str) -> None:
    """Twice a message against countries and words, which together are one too many."""
    policy = accounts.AccountPolicy(
        countries=accounts.CountryPolicy(denied_countries=["IT"], mode=MONITOR),
        content=accounts.ContentPolicy(mode=MONITOR),
        limits=[limit(accounts.LIMIT_KIND_MESSAGES, 1, mode=MONITOR)],
    )
    update = accounts.UpdateAccountRequest(account=accounts.Account(id="local", policy=policy))
    update.update_mask.paths.append("policy")
    with grpc.insecure_channel(target) as channel:

        def call(rpc: str, request: Any) -> None:
            path = f"/smsgate.v1.{rpc}"
            channel.unary_unary(path)(request.SerializeToString(), timeout=10)

        call("AccountService/UpdateAccount", update)
        for _ in range(2):
            call("MessageService/SendMessage", send(text="the lottery"))


# Words, in every spelling


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("casino", "cAsInO"),
        ("CASINO", "casino"),
        ("straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("lotería", unicodedata.normalize("NFD", "LOTERÍA")),
        (unicodedata.normalize("NFD", "lotería"), "lotería"),
        ("casino", "ｃａｓｉｎｏ"),
        ("casino", "𝓬𝓪𝓼𝓲𝓷𝓸"),
        ("casino", "ca\u200bs\u200cino"),
        ("casino", "ca\u00adsino"),
        ("casino", "\ufeffcasino\u2060"),
        ("casino", "my\u200bcasino"),
        ("ｶｼﾞﾉ", "カジノ"),
        ("free money", "FREE\u00a0 money"),
        ("free money", "free-money"),
        ("казино", "Лучшее КАЗИНО!"),
        ("赌场", "去 赌场 吧"),
        ("c++", "learn c++"),
    ],
)
async def test_no_spelling_gets_around_a_forbidden_word(
    operator: Operator, word: str, text: str
) -> None:
    content = accounts.ContentPolicy(forbidden_words=["other", word])
    caller = await tenant(operator, content=content)
    refusal = await refused(caller.messages.SendMessage(send(text=text)))
    assert refusal.reason == "FORBIDDEN_CONTENT"
    assert refusal.info.metadata["field"] == "text"


async def test_what_only_contains_the_letters_of_a_word_is_sent(operator: Operator) -> None:
    content = accounts.ContentPolicy(forbidden_words=["casino", "free money"])
    caller = await tenant(operator, content=content)
    for text in ("casinos", "mycasino", "freemoney", "money free", "free lunch, money back"):
        await caller.messages.SendMessage(send(text=text))


async def test_the_text_is_judged_as_it_would_be_sent(operator: Operator) -> None:
    content = accounts.ContentPolicy(forbidden_words=["l'albero"])
    caller = await tenant(operator, content=content)
    smart = pb.SendOptions(smart_encoding=True)
    refusal = await refused(caller.messages.SendMessage(send(text="L’albero", options=smart)))
    assert refusal.reason == "FORBIDDEN_CONTENT"


async def test_the_default_sender_of_an_account_is_judged_too(operator: Operator) -> None:
    content = accounts.ContentPolicy(forbidden_words=["casino"])
    policy = accounts.AccountPolicy(content=content)
    await operator.account("acme", default_sender="The Casino", policy=policy)
    caller = await operator.key("acme", *ALL_BUT_ADMIN)
    refusal = await refused(caller.messages.SendMessage(send()))
    assert refusal.info.metadata["field"] == "sender"
    await caller.messages.SendMessage(send(sender="The Shop"))


async def test_the_mode_of_an_account_counts_for_the_words_of_the_server_too(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(forbidden_words=("lottery",))
    operator = await Operator.at(gateway)
    caller = await tenant(operator, content=accounts.ContentPolicy(mode=MONITOR))
    await caller.messages.SendMessage(send(text="lottery"))
    assert noted(gateway, "acme", "FORBIDDEN_CONTENT") == 1
    other = await operator.tenant("other")
    assert (await refused(other.messages.SendMessage(send(text="lottery")))).reason == (
        "FORBIDDEN_CONTENT"
    )


# Suspension by a policy


@pytest.fixture
async def strict(operator: Operator) -> Caller:
    """A key of an account that is suspended when it writes of a casino."""
    content = accounts.ContentPolicy(forbidden_words=["casino"], suspend_account=True)
    return await tenant(operator, content=content)


async def own(caller: Caller) -> accounts.GetAccountResponse:
    found: accounts.GetAccountResponse = await caller.accounts.GetAccount(
        accounts.GetAccountRequest()
    )
    return found


async def test_forbidden_content_suspends_the_account_which_can_read_why(
    operator: Operator, strict: Caller
) -> None:
    sent = await strict.messages.SendMessage(send())
    before = (await own(strict)).account
    refusal = await refused(strict.messages.SendMessage(send(text="casino")))
    assert refusal.reason == "FORBIDDEN_CONTENT", "the message itself is refused as ever"
    account = (await own(strict)).account
    assert account.state == accounts.ACCOUNT_STATE_SUSPENDED
    assert "forbidden content" in account.state_reason
    assert "casino" not in account.state_reason
    assert account.update_time.ToDatetime(UTC) > before.update_time.ToDatetime(UTC)
    assert account.etag != before.etag
    refusal = await refused(strict.messages.SendMessage(send()))
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "ACCOUNT_SUSPENDED",
    )
    assert account.state_reason in refusal.message
    assert dict(refusal.info.metadata) == {"account_id": "acme"}
    batch = pb.SendBatchRequest(text="a", items=[pb.BatchItem(recipient=ITALIAN)])
    assert (await refused(strict.messages.SendBatch(batch))).reason == "ACCOUNT_SUSPENDED"
    code = otp.SendOTPRequest(recipient=ITALIAN)
    assert (await refused(strict.otp.SendOTP(code))).reason == "ACCOUNT_SUSPENDED"
    assert [message.id for message in await all_messages(strict.messages)] == [sent.message.id]
    await operator.change("acme", state=accounts.ACCOUNT_STATE_ACTIVE, state_reason="")
    await strict.messages.SendMessage(send())


@pytest.mark.parametrize("all_or_nothing", [False, True])
async def test_one_item_of_a_batch_suspends_the_account(
    strict: Caller, all_or_nothing: bool
) -> None:
    items = [pb.BatchItem(recipient=ITALIAN, text=text) for text in ("a", "casino", "b")]
    batch = pb.SendBatchRequest(items=items, all_or_nothing=all_or_nothing)
    if all_or_nothing:
        await refused(strict.messages.SendBatch(batch))
    else:
        await strict.messages.SendBatch(batch)
    assert (await own(strict)).account.state == accounts.ACCOUNT_STATE_SUSPENDED


async def test_a_code_with_a_forbidden_brand_suspends_the_account(strict: Caller) -> None:
    await refused(strict.otp.SendOTP(otp.SendOTPRequest(recipient=ITALIAN, brand="Casino")))
    assert (await own(strict)).account.state == accounts.ACCOUNT_STATE_SUSPENDED


async def test_an_estimate_suspends_nobody(strict: Caller) -> None:
    asked = pb.EstimateMessageRequest(recipient=ITALIAN, text="casino")
    answer = await strict.messages.EstimateMessage(asked)
    assert [refusal_of(s).reason for s in answer.would_fail_with] == ["FORBIDDEN_CONTENT"]
    assert (await own(strict)).account.state == accounts.ACCOUNT_STATE_ACTIVE


@pytest.mark.parametrize("kind", ["message", "batch", "code"])
async def test_a_dry_run_suspends_nobody(strict: Caller, kind: str) -> None:
    dry = pb.SendOptions(dry_run=True)
    if kind == "message":
        await refused(strict.messages.SendMessage(send(text="casino", options=dry)))
    elif kind == "batch":
        items = [pb.BatchItem(recipient=ITALIAN)]
        batch = pb.SendBatchRequest(text="casino", items=items, options=dry)
        answer = await strict.messages.SendBatch(batch)
        assert refusal_of(answer.results[0].error).reason == "FORBIDDEN_CONTENT"
    else:
        code = otp.SendOTPRequest(recipient=ITALIAN, brand="Casino", dry_run=True)
        await refused(strict.otp.SendOTP(code))
    assert (await own(strict)).account.state == accounts.ACCOUNT_STATE_ACTIVE


async def test_other_refusals_suspend_nobody(operator: Operator) -> None:
    caller = await tenant(
        operator,
        content=accounts.ContentPolicy(forbidden_words=["casino"], suspend_account=True),
        countries=accounts.CountryPolicy(denied_countries=["AT"]),
    )
    await refused(caller.messages.SendMessage(send(recipient=AUSTRIAN)))
    await refused(caller.messages.SendMessage(send(sender="!")))
    assert (await own(caller)).account.state == accounts.ACCOUNT_STATE_ACTIVE


# Limits, counted by a clock that stands still unless it is moved


class Hands:
    """The hands of the clock by which limits are counted."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hands(gateway: Gateway) -> Hands:
    hands = Hands()
    gateway.app._quotas._monotonic = hands
    return hands


async def left_of(caller: Caller, kind: int) -> int:
    """How much the account itself reads of a limit; to read it is a call, too."""
    return (await limit_of(caller, kind)).remaining


async def limit_of(caller: Caller, kind: int) -> accounts.LimitStatus:
    (status,) = [s for s in (await own(caller)).standing.limits if s.limit.kind == kind]
    return status


async def rate_limited(call: Awaitable[Any], limit_name: str, seconds: float) -> Refusal:
    """The refusal of a call that is one too many, which says when to come again, in each way."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    refusal = refusal_of_call(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert dict(refusal.info.metadata) == {"limit": limit_name}
    assert refusal.quota is not None
    (violation,) = refusal.quota.violations
    assert violation.subject == limit_name
    assert violation.description
    assert refusal.retry is not None
    told = refusal.retry.retry_delay.ToTimedelta().total_seconds()
    assert told == pytest.approx(seconds, abs=1e-5)
    pushback = dict(caught.value.trailing_metadata() or ())[_PUSHBACK]
    if told > 5:
        assert pushback == "-1", "too long to wait for inside of a call"
    else:
        assert int(pushback) == pytest.approx(seconds * 1_000, abs=1)
        assert int(pushback) >= told * 1_000, "who comes a moment early is refused again"
    return refusal


async def test_the_calls_of_an_account_are_limited_together(
    operator: Operator, hands: Hands
) -> None:
    requests = accounts.LIMIT_KIND_REQUESTS
    one = await tenant(operator, limits=[limit(requests, 6, 60)])
    other = await operator.key("acme", *ALL_BUT_ADMIN)
    status = await limit_of(one, requests)
    assert (status.remaining, status.limit.maximum) == (5, 6)
    full = status.reset_time.ToDatetime(UTC) - (await own(other)).standing.read_time.ToDatetime(UTC)
    assert full <= timedelta(seconds=10), "a sixth of the period for the one that was used"
    await one.messages.SendMessage(send())
    await refused(other.messages.SendMessage(send(sender="!")))
    assert await left_of(other, requests) == 1, "a call that is refused counts like any other"
    await other.messages.EstimateMessage(pb.EstimateMessageRequest(text="a"))
    await rate_limited(one.messages.SendMessage(send()), "requests", 10)
    await rate_limited(other.accounts.GetAccount(accounts.GetAccountRequest()), "requests", 10)
    hands.seconds += 9.9
    await rate_limited(one.messages.SendMessage(send()), "requests", 0.1)
    hands.seconds += 0.2
    await one.messages.SendMessage(send())
    shown = (await operator.shown("acme")).standing.limits[0]
    assert shown.remaining == 0, "operators see it without using it"
    hands.seconds += 3_600
    shown = (await operator.shown("acme")).standing.limits[0]
    assert (shown.remaining, shown.HasField("reset_time")) == (6, False)


async def test_the_limit_of_a_key_is_shown_to_that_key_alone(
    operator: Operator, hands: Hands
) -> None:
    key_requests = accounts.LIMIT_KIND_KEY_REQUESTS
    one = await tenant(operator, limits=[limit(key_requests, 3, 30)])
    other = await operator.key("acme", *ALL_BUT_ADMIN)
    assert [await left_of(one, key_requests) for _ in range(3)] == [2, 1, 0]
    await rate_limited(one.messages.SendMessage(send()), "key_requests", 10)
    assert await left_of(other, key_requests) == 2
    shown = (await operator.shown("acme")).standing.limits[0]
    assert not shown.HasField("remaining")
    assert not shown.HasField("reset_time")
    hands.seconds += 10.1
    await one.messages.SendMessage(send())


_WORDS = {
    accounts.LIMIT_KIND_REQUESTS: "requests",
    accounts.LIMIT_KIND_KEY_REQUESTS: "key_requests",
}


@pytest.mark.parametrize("kind", _WORDS)
async def test_of_hundreds_of_calls_at_once_no_more_are_answered_than_the_limit_says(
    operator: Operator, hands: Hands, kind: int
) -> None:
    one = await tenant(operator, limits=[limit(kind, 20, 60, burst=30)])
    other = await operator.key("acme", *ALL_BUT_ADMIN)
    keys = [one, other] if kind == accounts.LIMIT_KIND_KEY_REQUESTS else [one]
    calls = [key.ask("AccountService/GetAccount") for key in keys for _ in range(200)]
    outcomes = await asyncio.gather(*map(answer_or_refusal, calls))
    refusals = [each for each in outcomes if isinstance(each, Refusal)]
    # Each key has a bucket of its own.
    assert len(outcomes) - len(refusals) == 30 * len(keys)
    assert {each.reason for each in refusals} == {"RATE_LIMITED"}
    for key in keys:
        await rate_limited(key.ask("AccountService/GetAccount"), _WORDS[kind], 3)


async def test_of_hundreds_of_streams_at_once_no_more_are_opened_than_the_limit_says(
    operator: Operator,
) -> None:
    caller = await tenant(operator, limits=[limit(accounts.LIMIT_KIND_STREAMS, 20, 0)])
    streams = [caller.messages.StreamStatus(pb.StreamStatusRequest()) for _ in range(200)]
    outcomes = await asyncio.gather(*(answer_or_refusal(opened(each)) for each in streams))
    refusals = [each for each in outcomes if isinstance(each, Refusal)]
    assert {each.reason for each in refusals} == {"TOO_MANY_STREAMS"}
    assert len(refusals) == 180
    assert await left_of(caller, accounts.LIMIT_KIND_STREAMS) == 0
    for stream in streams:
        stream.cancel()


async def test_streams_and_batches_are_calls_too(operator: Operator, hands: Hands) -> None:
    caller = await tenant(operator, limits=[limit(accounts.LIMIT_KIND_REQUESTS, 2, 10)])
    stream = caller.messages.StreamStatus(pb.StreamStatusRequest())
    await opened(stream)
    items = [pb.BatchItem(recipient=ITALIAN) for _ in range(5)]
    await caller.messages.SendBatch(pb.SendBatchRequest(text="a", items=items))
    late = caller.messages.StreamStatus(pb.StreamStatusRequest())
    await rate_limited(late.read(), "requests", 5)
    stream.cancel()


async def test_a_burst_is_what_can_be_used_at_once_after_a_rest(
    operator: Operator, hands: Hands
) -> None:
    messages = accounts.LIMIT_KIND_MESSAGES
    caller = await tenant(operator, limits=[limit(messages, 60, 60, burst=3)])
    for left in (3, 2, 1):
        assert await left_of(caller, messages) == left
        await caller.messages.SendMessage(send())
    await rate_limited(caller.messages.SendMessage(send()), "messages", 1)
    hands.seconds += 2
    assert await left_of(caller, messages) == 2
    hands.seconds += 3_600
    assert await left_of(caller, messages) == 3


async def test_only_accepted_messages_use_up_the_limit_of_messages(
    operator: Operator, hands: Hands
) -> None:
    messages = accounts.LIMIT_KIND_MESSAGES
    caller = await tenant(operator, limits=[limit(messages, 10, 60)])
    dry = pb.SendOptions(dry_run=True)
    await refused(caller.messages.SendMessage(send(sender="!")))
    await caller.messages.SendMessage(send(options=dry))
    await caller.messages.EstimateMessage(pb.EstimateMessageRequest(text="a"))
    assert await left_of(caller, messages) == 10
    for _ in range(3):
        await caller.messages.SendMessage(send(request_id="r1"))
    assert await left_of(caller, messages) == 9
    items = [pb.BatchItem(recipient=to) for to in (ITALIAN, "39", AUSTRIAN, "+39 333")]
    answer = await caller.messages.SendBatch(pb.SendBatchRequest(text="a", items=items))
    assert answer.accepted_count == 2
    assert await left_of(caller, messages) == 7
    await caller.otp.SendOTP(otp.SendOTPRequest(recipient=ITALIAN))
    assert await left_of(caller, messages) == 6


async def test_a_batch_that_is_too_large_for_now_is_refused_as_a_whole(
    operator: Operator, hands: Hands
) -> None:
    messages = accounts.LIMIT_KIND_MESSAGES
    caller = await tenant(operator, limits=[limit(messages, 10, 60)])
    items = [pb.BatchItem(recipient=ITALIAN) for _ in range(8)]
    batch = pb.SendBatchRequest(text="a", items=items)
    await caller.messages.SendBatch(batch)
    await rate_limited(caller.messages.SendBatch(batch), "messages", 36)
    assert await left_of(caller, messages) == 2, "what is refused takes nothing"
    assert len(await all_messages(caller.messages)) == 8
    batch.options.dry_run = True
    await rate_limited(caller.messages.SendBatch(batch), "messages", 36)
    hands.seconds += 36.1
    batch.options.dry_run = False
    await caller.messages.SendBatch(batch)


async def test_several_limits_of_one_kind_hold_together(operator: Operator, hands: Hands) -> None:
    messages = accounts.LIMIT_KIND_MESSAGES
    caller = await tenant(operator, limits=[limit(messages, 2, 1), limit(messages, 3, 3_600)])
    for _ in range(2):
        await caller.messages.SendMessage(send())
    await rate_limited(caller.messages.SendMessage(send()), "messages", 0.5)
    hands.seconds += 1
    await caller.messages.SendMessage(send())
    await rate_limited(caller.messages.SendMessage(send()), "messages", 1_199)
    limits = (await own(caller)).standing.limits
    assert [s.remaining for s in limits if s.limit.kind == messages] == [1, 0]


async def test_a_limit_that_is_raised_lets_the_next_message_through(
    operator: Operator, hands: Hands
) -> None:
    messages = accounts.LIMIT_KIND_MESSAGES
    caller = await tenant(operator, limits=[limit(messages, 1, 60)])
    await caller.messages.SendMessage(send())
    await rate_limited(caller.messages.SendMessage(send()), "messages", 60)
    higher = accounts.AccountPolicy(limits=[limit(messages, 5, 60)])
    await operator.change("acme", policy=higher)
    await caller.messages.SendMessage(send())
    none = accounts.AccountPolicy(limits=[limit(messages, 0, 60)])
    await operator.change("acme", policy=none)
    refusal = await refused(caller.messages.SendMessage(send()))
    assert refusal.reason == "RATE_LIMITED"
    assert refusal.retry is None, "waiting does not help"


async def test_a_monitored_limit_of_messages_serves_a_whole_batch(
    gateway: Gateway, operator: Operator, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    messages = accounts.LIMIT_KIND_MESSAGES
    caller = await tenant(operator, limits=[limit(messages, 3, 60, mode=MONITOR)])
    items = [pb.BatchItem(recipient=ITALIAN) for _ in range(5)]
    with caplog.at_level(logging.WARNING, "smsgate.policy"):
        answer = await caller.messages.SendBatch(pb.SendBatchRequest(text="a", items=items))
    assert answer.accepted_count == 5
    assert noted(gateway, "acme", "RATE_LIMITED") == 1
    (record,) = caplog.records
    assert record.__dict__["fields"] == {
        "account": "acme",
        "reason": "RATE_LIMITED",
        "limit": "messages",
    }
    assert 0 <= await left_of(caller, messages) <= 3


async def test_a_monitored_limit_of_a_key_refuses_nobody(
    gateway: Gateway, operator: Operator, hands: Hands
) -> None:
    key_requests = accounts.LIMIT_KIND_KEY_REQUESTS
    caller = await tenant(operator, limits=[limit(key_requests, 1, 60, mode=MONITOR)])
    for _ in range(3):
        await caller.messages.SendMessage(send())
    assert noted(gateway, "acme", "RATE_LIMITED") == 2


async def test_streams_are_counted_while_they_are_open(operator: Operator) -> None:
    streams = accounts.LIMIT_KIND_STREAMS
    caller = await tenant(operator, limits=[limit(streams, 2, 0)])
    assert await left_of(caller, streams) == 2
    one = caller.messages.StreamStatus(pb.StreamStatusRequest())
    await opened(one)
    assert await left_of(caller, streams) == 1
    two = caller.messages.StreamStatus(pb.StreamStatusRequest())
    await opened(two)
    assert await left_of(caller, streams) == 0
    refusal = await refused(caller.messages.StreamStatus(pb.StreamStatusRequest()).read())
    assert refusal.reason == "TOO_MANY_STREAMS"
    assert dict(refusal.info.metadata) == {"limit": "streams", "maximum": "2"}
    assert refusal.quota is not None
    assert refusal.quota.violations[0].subject == "streams"
    await caller.messages.SendMessage(send())
    one.cancel()

    async def one_is_free() -> bool:
        return await left_of(caller, streams) == 1

    await eventually(one_is_free)
    await opened(caller.messages.StreamStatus(pb.StreamStatusRequest()))
    other = await operator.tenant("other")
    await opened(other.messages.StreamStatus(pb.StreamStatusRequest()))


async def test_who_has_too_many_streams_is_told_when_to_come_again(operator: Operator) -> None:
    caller = await tenant(operator, limits=[limit(accounts.LIMIT_KIND_STREAMS, 1, 0)])
    stream = caller.messages.StreamStatus(pb.StreamStatusRequest())
    await opened(stream)
    refusal = await refused(caller.messages.StreamStatus(pb.StreamStatusRequest()).read())
    assert refusal.retry is not None
    assert refusal.retry.retry_delay.ToTimedelta() > timedelta(0)
    stream.cancel()


async def test_a_monitored_limit_of_streams_opens_them(
    gateway: Gateway, operator: Operator
) -> None:
    streams = accounts.LIMIT_KIND_STREAMS
    caller = await tenant(operator, limits=[limit(streams, 1, 0, mode=MONITOR)])
    for _ in range(3):
        await opened(caller.messages.StreamStatus(pb.StreamStatusRequest()))
    assert noted(gateway, "acme", "TOO_MANY_STREAMS") == 2
    assert await left_of(caller, streams) == 0


# Everything at once


async def test_an_estimate_names_all_there_is_at_once_and_a_send_the_first_of_it(
    operator: Operator,
) -> None:
    policy = accounts.AccountPolicy(
        countries=accounts.CountryPolicy(denied_countries=["IT"]),
        content=accounts.ContentPolicy(forbidden_words=["casino"]),
        budget=a_budget(0),
        limits=[limit(accounts.LIMIT_KIND_MESSAGES, 0)],
    )
    await operator.account(
        "acme",
        billing_mode=accounts.BILLING_MODE_PREPAID,
        state=accounts.ACCOUNT_STATE_SUSPENDED,
        policy=policy,
    )
    caller = await operator.key("acme", *ALL_BUT_ADMIN)
    options = pb.SendOptions(
        fail_on_multiple_messages=True,
        max_price=Money(currency_code="EUR", nanos=1_000),
    )
    fields = {"recipient": ITALIAN, "sender": "Casino", "text": "casino " * 30}
    answer = await caller.messages.EstimateMessage(
        pb.EstimateMessageRequest(options=options, **fields)
    )
    found = [refusal_of(status) for status in answer.would_fail_with]
    assert sorted(refusal.reason for refusal in found) == [
        "ACCOUNT_SUSPENDED",
        "BUDGET_EXHAUSTED",
        "COUNTRY_NOT_ALLOWED",
        "FORBIDDEN_CONTENT",
        "FORBIDDEN_CONTENT",
        "INSUFFICIENT_BALANCE",
        "MULTIPLE_SEGMENTS",
        "PRICE_ABOVE_MAXIMUM",
        "RATE_LIMITED",
    ]
    sent = await refused(caller.messages.SendMessage(send(options=options, **fields)))
    assert sent == found[0]
