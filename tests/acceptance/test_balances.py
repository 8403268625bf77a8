"""Money as callers see it: prepaid balances, bundles, budgets and limits, also under a rush.

The tariffs that ship say: Italy 0.049 prepaid and 0.036 by subscription, Spain 0.039 and 0.027.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.type.money_pb2 import Money
from tests.acceptance.accounts_setup import ALL_BUT_ADMIN, Caller, Operator
from tests.acceptance.conftest import Gateway
from tests.acceptance.reading import (
    EXPIRED,
    GUARD_SECONDS,
    ITALIAN,
    REFUSED_BY_CARRIER,
    REFUSED_FOR_EVER,
    REJECTED,
    Refusal,
    all_messages,
    answer_or_refusal,
    refusal_of,
    refused,
    until_final,
)
from tests.acceptance.server_process import ServerProcess
from tests.databases import database_of as postgres_of

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import usage_service_pb2 as usage
from smsgate_server.domain.errors import ErrorReason, Unavailable
from smsgate_server.services.clock import SystemClock
from smsgate_server.services.ports import Acceptance, Accepted

PREPAID = accounts.BILLING_MODE_PREPAID
MONITOR = accounts.POLICY_MODE_MONITOR
FAILED_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
IT_PREPAID, IT, ES = Decimal("0.049"), Decimal("0.036"), Decimal("0.027")
SPANISH = "+34612345678"
# So many septets are one segment, and two.
ONE, TWO, FIVE = "x" * 160, "x" * 161, "x" * (4 * 153 + 1)


class MidMonth:
    """The system's clock, put forward or back to the middle of the month: no test meets its end."""

    def __init__(self) -> None:
        self._system = SystemClock()
        now = self._system.now()
        self._ahead = datetime(now.year, now.month, 15, 12, tzinfo=UTC) - now

    def now(self) -> datetime:
        return self._system.now() + self._ahead

    def forward(self, by: timedelta) -> None:
        self._ahead += by


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> MidMonth:
    clock = MidMonth()
    monkeypatch.setattr("smsgate_server.app.SystemClock", lambda: clock)
    return clock


def money(amount: Decimal | int | str, currency: str = "EUR") -> Money:
    units, rest = divmod(Decimal(amount), 1)
    return Money(currency_code=currency, units=int(units), nanos=int(rest * 10**9))


def decimal(amount: Money) -> Decimal:
    return Decimal(amount.units) + Decimal(amount.nanos) / 10**9


@dataclass
class Desk:
    """An operator of a server, and what accounts are made of."""

    operator: Operator
    gateway: Gateway

    async def account(self, name: str, **fields: Any) -> Caller:
        """A new account, and a key of it."""
        await self.operator.account(name, **fields)
        return await self.operator.key(name, *ALL_BUT_ADMIN)

    async def prepaid(
        self, amount: Decimal | int | str, name: str = "shop", **fields: Any
    ) -> Caller:
        caller = await self.account(name, billing_mode=PREPAID, **fields)
        if Decimal(amount):
            await self.top_up(amount, "first payment", name)
        return caller

    async def top_up(
        self, amount: Decimal | int | str, request_id: str, account: str = "shop"
    ) -> accounts.TopUpResponse:
        request = a_top_up(amount, request_id.replace(" ", "-"), account_id=account)
        done: accounts.TopUpResponse = await self.operator.caller.accounts.TopUp(request)
        return done


@pytest.fixture
async def desk(gateway: Gateway) -> Desk:
    return Desk(await Operator.at(gateway), gateway)


def a_top_up(
    amount: Decimal | int | str, request_id: str, currency: str = "EUR", **fields: Any
) -> accounts.TopUpRequest:
    values: dict[str, Any] = {"account_id": "shop", "request_id": request_id}
    values["amount"] = money(amount, currency)
    return accounts.TopUpRequest(**values | fields)


def a_policy(
    budget: Decimal | None = None, mode: int = 0, limits: Sequence[accounts.Limit] = ()
) -> accounts.AccountPolicy:
    policy = accounts.AccountPolicy(limits=limits)
    if budget is not None:
        policy.budget.monthly_maximum.CopyFrom(money(budget))
        policy.budget.mode = mode  # type: ignore[assignment]
    return policy


def a_limit(maximum: int, seconds: int, **fields: Any) -> accounts.Limit:
    limit = accounts.Limit(kind=accounts.LIMIT_KIND_MESSAGES, maximum=maximum, **fields)
    limit.period.seconds = seconds
    return limit


def a_request(**fields: Any) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**{"recipient": ITALIAN, "text": "Ciao!"} | fields)


def a_batch(*texts: str, **fields: Any) -> pb.SendBatchRequest:
    items = [pb.BatchItem(recipient=ITALIAN, text=text) for text in texts]
    return pb.SendBatchRequest(**{"items": items} | fields)


def later(clock: MidMonth) -> pb.SendOptions:
    """Long enough not to be sent before it is cancelled."""
    made = pb.SendOptions()
    made.send_time.FromDatetime(clock.now() + timedelta(hours=1))
    return made


async def standing_of(caller: Caller) -> accounts.AccountStanding:
    found = await caller.accounts.GetAccount(accounts.GetAccountRequest())
    standing: accounts.AccountStanding = found.standing
    return standing


async def balance_of(caller: Caller) -> Decimal:
    return decimal((await standing_of(caller)).balance)


async def spent_by(caller: Caller) -> Decimal:
    return decimal((await standing_of(caller)).budget.spent)


async def message_limit_of(caller: Caller) -> accounts.LimitStatus:
    limits = (await standing_of(caller)).limits
    (found,) = [each for each in limits if each.limit.kind == accounts.LIMIT_KIND_MESSAGES]
    return found


async def cancel(caller: Caller, message: message_pb2.Message) -> None:
    await caller.messages.CancelMessage(pb.CancelMessageRequest(id=message.id))


async def cost_of_all(caller: Caller) -> Decimal:
    """The prices of the messages that were not taken back, refused or expired unsent."""
    unsent = (
        message_pb2.STATUS_REASON_CANCELLED_BY_CLIENT,
        message_pb2.STATUS_REASON_PROVIDER_REFUSED,
    )
    messages = await all_messages(caller.messages)
    return sum((decimal(m.total_price) for m in messages if m.reason not in unsent), Decimal(0))


async def all_of(calls: Sequence[Any]) -> tuple[list[Any], list[Refusal]]:
    """The answers and the refusals of calls that are all made at once."""
    outcomes = await asyncio.gather(*(answer_or_refusal(call) for call in calls))
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    return [o for o in outcomes if not isinstance(o, Refusal)], refusals


def lacks_money(refusal: Refusal, balance: Decimal, required: Decimal = IT_PREPAID) -> None:
    """The refusal says so, with the exact amounts."""
    assert refusal.code is FAILED_PRECONDITION
    assert refusal.reason == "INSUFFICIENT_BALANCE"
    assert dict(refusal.info.metadata) == {
        "balance": f"{balance.normalize():f}",
        "required": f"{required.normalize():f}",
        "currency": "EUR",
    }
    assert refusal.precondition is not None
    assert refusal.precondition.violations[0].subject == "balance"


def lacks_budget(refusal: Refusal, budget: Decimal, spent: Decimal, required: Decimal = IT) -> None:
    """The refusal says so, with the exact amounts."""
    assert refusal.code is FAILED_PRECONDITION
    assert refusal.reason == "BUDGET_EXHAUSTED"
    metadata = dict(refusal.info.metadata)
    reset = datetime.fromisoformat(metadata.pop("reset_time"))
    assert (reset.day, reset.hour, reset.minute, reset.tzinfo) == (1, 0, 0, UTC)
    assert metadata == {
        "budget": f"{budget.normalize():f}",
        "spent": f"{spent.normalize():f}",
        "required": f"{required.normalize():f}",
        "currency": "EUR",
    }


# Top-ups


async def test_a_top_up_is_answered_with_the_balance_and_its_place_in_the_ledger(
    desk: Desk,
) -> None:
    caller = await desk.prepaid(0)
    assert await balance_of(caller) == 0
    first = await desk.top_up("10.000001", "t1")
    second = await desk.top_up("0.5", "t2")
    assert decimal(first.balance) == Decimal("10.000001")
    assert decimal(second.balance) == await balance_of(caller) == Decimal("10.500001")
    assert first.balance.currency_code == "EUR"
    assert int(second.ledger_entry_id) > int(first.ledger_entry_id) > 0


async def test_of_hundreds_of_equal_top_ups_at_once_one_adds(desk: Desk) -> None:
    caller = await desk.prepaid(0)
    answers, refusals = await all_of([desk.top_up("12.34", "t1") for _ in range(300)])
    assert not refusals
    assert Counter(answer.replayed for answer in answers) == {False: 1, True: 299}
    assert {answer.ledger_entry_id for answer in answers} == {answers[0].ledger_entry_id}
    assert {decimal(answer.balance) for answer in answers} == {Decimal("12.34")}
    assert await balance_of(caller) == Decimal("12.34")


async def test_a_repeated_top_up_tells_the_balance_of_the_first_time(desk: Desk) -> None:
    caller = await desk.prepaid(0)
    first = await desk.top_up(1, "t1")
    await desk.top_up(2, "t2")
    await caller.messages.SendMessage(a_request())
    again = await desk.top_up(1, "t1")
    assert again.replayed
    assert (again.balance, again.ledger_entry_id) == (first.balance, first.ledger_entry_id)
    assert await balance_of(caller) == 3 - IT_PREPAID


async def test_the_request_id_of_another_top_up_is_a_conflict(desk: Desk) -> None:
    caller = await desk.prepaid(0)
    await desk.top_up(1, "t1")
    for request in (a_top_up(2, "t1"), a_top_up(1, "t1", note="other")):
        refusal = await refused(desk.operator.caller.accounts.TopUp(request))
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.ALREADY_EXISTS,
            "REQUEST_ID_CONFLICT",
        )
    assert await balance_of(caller) == 1


@pytest.mark.parametrize(
    ("request_", "field", "reason"),
    [
        (a_top_up(0, "t1"), "amount", "INVALID_MONEY"),
        (a_top_up(-1, "t1"), "amount", "INVALID_MONEY"),
        (a_top_up("0.0000001", "t1"), "amount", "INVALID_MONEY"),
        (a_top_up(10**11 + 1, "t1"), "amount", "INVALID_MONEY"),
        (a_top_up(1, "t1", currency="USD"), "amount", "INVALID_MONEY"),
        (a_top_up(1, "t1", currency=""), "amount", "INVALID_MONEY"),
        (a_top_up(1, ""), "request_id", "FIELD_REQUIRED"),
        (a_top_up(1, "t 1"), "request_id", "INVALID_REQUEST_ID"),
        (a_top_up(1, "t1", note="x" * 201), "note", "FIELD_TOO_LONG"),
        (a_top_up(1, "t1", account_id=""), "account_id", "FIELD_REQUIRED"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_what_is_no_payment_adds_nothing(
    desk: Desk, request_: accounts.TopUpRequest, field: str, reason: str
) -> None:
    caller = await desk.prepaid(5)
    refusal = await refused(desk.operator.caller.accounts.TopUp(request_))
    assert refusal.reasons[field] == reason
    assert await balance_of(caller) == 5


async def test_a_subscription_cannot_be_topped_up(desk: Desk) -> None:
    await desk.account("shop")
    refusal = await refused(desk.operator.caller.accounts.TopUp(a_top_up(1, "t1")))
    assert (refusal.code, refusal.reason) == (FAILED_PRECONDITION, "NOT_PREPAID")


async def test_callers_cannot_top_up_themselves(desk: Desk) -> None:
    caller = await desk.prepaid(1)
    refusal = await refused(caller.accounts.TopUp(a_top_up(1, "t1")))
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
    assert await balance_of(caller) == 1


# The balance, under a rush


async def test_of_a_thousand_sends_at_once_exactly_those_are_accepted_that_can_be_paid(
    desk: Desk,
) -> None:
    rest = Decimal("0.048999")
    caller = await desk.prepaid(137 * IT_PREPAID + rest)
    answers, refusals = await all_of(
        [caller.messages.SendMessage(a_request()) for _ in range(1_000)]
    )
    assert (len(answers), len(refusals)) == (137, 863)
    for refusal in refusals:
        lacks_money(refusal, rest)
    assert await balance_of(caller) == rest
    assert len(await all_messages(caller.messages)) == 137


@dataclass
class Crowd:
    """Sends and takes back at random; nothing is submitted in the meantime."""

    caller: Caller
    clock: MidMonth
    chance: random.Random

    async def send(self) -> None:
        request = a_request(options=later(self.clock))
        answer = await answer_or_refusal(self.caller.messages.SendMessage(request))
        if not isinstance(answer, Refusal) and self.chance.random() < 0.5:
            await cancel(self.caller, answer.message)

    async def send_batch(self) -> None:
        texts = self.chance.choices((ONE, TWO, FIVE), k=10)
        whole = self.chance.random() < 0.3
        request = a_batch(*texts, options=later(self.clock), all_or_nothing=whole)
        answer = await answer_or_refusal(self.caller.messages.SendBatch(request))
        if isinstance(answer, Refusal):
            assert whole
            assert answer.reason == "BATCH_REFUSED"
            assert set(answer.reasons.values()) == {"INSUFFICIENT_BALANCE"}
            return
        for result in answer.results:
            if result.HasField("error"):
                metadata = refusal_of(result.error).info.metadata
                assert 0 <= Decimal(metadata["balance"]) < Decimal(metadata["required"])
            elif self.chance.random() < 0.3:
                await cancel(self.caller, result.message)

    async def watch(self) -> None:
        for _ in range(20):
            balance = (await standing_of(self.caller)).balance
            assert balance.units >= 0
            assert balance.nanos >= 0


async def test_sends_batches_cancellations_and_payments_at_once_lose_and_make_no_money(
    desk: Desk, clock: MidMonth
) -> None:
    caller = await desk.prepaid(2)
    crowd = Crowd(caller, clock, random.Random(7))
    calls: list[Any] = [crowd.send() for _ in range(200)]
    calls += [crowd.send_batch() for _ in range(30)]
    calls += [desk.top_up("0.11", f"t{number}") for number in range(20)]
    calls += [crowd.watch(), crowd.watch()]
    crowd.chance.shuffle(calls)
    await asyncio.gather(*calls)
    left = await balance_of(caller)
    assert left == 2 + 20 * Decimal("0.11") - await cost_of_all(caller)
    # Whatever is left can be spent, to the last message.
    payable = int(left / IT_PREPAID)
    answers, refusals = await all_of(
        [caller.messages.SendMessage(a_request()) for _ in range(payable + 5)]
    )
    assert (len(answers), len(refusals)) == (payable, 5)
    for refusal in refusals:
        lacks_money(refusal, left - payable * IT_PREPAID)


async def test_of_hundreds_of_sends_with_one_request_id_one_is_sent_and_paid(desk: Desk) -> None:
    caller = await desk.prepaid(1)
    request = a_request(request_id="order-4711")
    answers, refusals = await all_of([caller.messages.SendMessage(request) for _ in range(300)])
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.message.id for answer in answers}) == 1
    assert {refusal.reason for refusal in refusals} <= {"REQUEST_IN_FLIGHT"}
    assert await balance_of(caller) == 1 - IT_PREPAID


async def test_a_repeat_is_answered_though_the_money_is_gone(desk: Desk) -> None:
    caller = await desk.prepaid(3 * IT_PREPAID)
    one = a_request(request_id="r1")
    batch = a_batch(ONE, TWO, ONE, request_id="b1")
    first, batched = await caller.messages.SendMessage(one), await caller.messages.SendBatch(batch)
    assert batched.accepted_count == 2
    refusal = await refused(caller.messages.SendMessage(a_request(request_id="r2")))
    lacks_money(refusal, Decimal(0))
    again = await caller.messages.SendMessage(one)
    assert again.replayed
    assert again.message.id == first.message.id
    batched_again = await caller.messages.SendBatch(batch)
    assert (batched_again.replayed, batched_again.accepted_count) == (True, 2)


async def test_accounts_pay_for_themselves_alone(desk: Desk) -> None:
    rich, poor = await desk.prepaid(1, "rich"), await desk.prepaid(0, "poor")
    mixed = [c.messages.SendMessage(a_request()) for c in (rich, poor) for _ in range(20)]
    answers, refusals = await all_of(mixed)
    assert (len(answers), len(refusals)) == (20, 20)
    assert await balance_of(rich) == 1 - 20 * IT_PREPAID
    assert await balance_of(poor) == 0
    assert await all_messages(poor.messages) == []


# Batches


async def test_of_a_batch_what_can_be_paid_is_sent_and_a_repeat_tells_the_same(
    desk: Desk,
) -> None:
    caller = await desk.prepaid(2 * IT_PREPAID + Decimal("0.01"))
    request = a_batch(ONE, FIVE, ONE, ONE, request_id="b1")
    first = await caller.messages.SendBatch(request)
    assert first.accepted_count == 2
    assert [result.WhichOneof("outcome") for result in first.results] == [
        "message",
        "error",
        "message",
        "error",
    ]
    dear, cheap = (refusal_of(first.results[index].error) for index in (1, 3))
    lacks_money(dear, IT_PREPAID + Decimal("0.01"), 5 * IT_PREPAID)
    lacks_money(cheap, Decimal("0.01"))
    assert await balance_of(caller) == Decimal("0.01")
    await desk.top_up(5, "t1")
    again = await caller.messages.SendBatch(request)
    assert again.replayed
    assert again.batch_id == first.batch_id
    assert [result.item_id for result in again.results] == ["0", "1", "2", "3"]
    for before, now in zip(first.results, again.results, strict=True):
        assert before.message.id == now.message.id
        assert before.error == now.error
    assert await balance_of(caller) == Decimal("5.01")


async def test_all_or_nothing_sends_nothing_that_cannot_be_paid_whole(desk: Desk) -> None:
    caller = await desk.prepaid(3 * IT_PREPAID)
    request = a_batch(ONE, FIVE, ONE, all_or_nothing=True, request_id="b1")
    refusal = await refused(caller.messages.SendBatch(request))
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "BATCH_REFUSED",
    )
    assert dict(refusal.info.metadata)["refused_count"] == "1"
    assert set(refusal.reasons.values()) == {"INSUFFICIENT_BALANCE"}
    assert all(field.startswith("items[1]") for field in refusal.fields)
    assert await balance_of(caller) == 3 * IT_PREPAID
    assert await all_messages(caller.messages) == []
    await desk.top_up(4 * IT_PREPAID, "t1")
    answer = await caller.messages.SendBatch(request)
    assert (answer.accepted_count, answer.replayed) == (3, False)
    assert await balance_of(caller) == 0


# What is returned


async def test_a_cancelled_message_is_paid_back_at_once(desk: Desk, clock: MidMonth) -> None:
    caller = await desk.prepaid(1)
    sent = await caller.messages.SendMessage(a_request(text=FIVE, options=later(clock)))
    standing = await standing_of(caller)
    assert decimal(standing.balance) == 1 - 5 * IT_PREPAID
    assert decimal(standing.budget.spent) == 5 * IT_PREPAID
    for _ in range(2):
        await cancel(caller, sent.message)
        standing = await standing_of(caller)
        assert decimal(standing.balance) == 1
        assert decimal(standing.budget.spent) == 0


async def test_what_the_carrier_refuses_before_it_is_sent_is_paid_back(desk: Desk) -> None:
    caller = await desk.prepaid(1)
    sent = await caller.messages.SendMessage(a_request(recipient=REFUSED_BY_CARRIER, text=TWO))
    message = await until_final(caller.messages, sent)
    assert message.status == REJECTED
    assert message.reason == message_pb2.STATUS_REASON_PROVIDER_REFUSED
    assert await balance_of(caller) == 1
    assert await spent_by(caller) == 0


async def test_what_the_carrier_never_took_is_paid_back_when_it_expires(
    desk: Desk, clock: MidMonth
) -> None:
    caller = await desk.prepaid(1)
    sent = await caller.messages.SendMessage(a_request(recipient=REFUSED_FOR_EVER))
    assert await balance_of(caller) == 1 - IT_PREPAID
    clock.forward(timedelta(hours=48))
    message = await until_final(caller.messages, sent)
    assert message.status == EXPIRED
    assert await balance_of(caller) == 1


async def test_what_was_sent_stays_paid_whatever_becomes_of_it(desk: Desk) -> None:
    caller = await desk.prepaid(1)
    endings = (900, 901, 902, 904, 905, 908, 909, 910, 911, 914, 915, 916)
    requests = [a_request(recipient=f"+393331234{ending}", text=TWO) for ending in endings[:-2]]
    requests += [a_request(recipient=f"+393331234{ending}") for ending in endings[-2:]]
    again = pb.SendOptions(on_unknown_submit=message_pb2.UNKNOWN_SUBMIT_POLICY_AT_LEAST_ONCE)
    requests.append(a_request(recipient="+393331234913", options=again))
    await desk.top_up(5, "t1")
    sent = await asyncio.gather(*map(caller.messages.SendMessage, requests))
    ended = await asyncio.gather(*(until_final(caller.messages, answer) for answer in sent))
    assert len({message.status for message in ended}) == 4
    assert await balance_of(caller) == 6 - (2 * 10 + 3) * IT_PREPAID


async def test_what_was_paid_back_can_be_spent_again(desk: Desk, clock: MidMonth) -> None:
    caller = await desk.prepaid(IT_PREPAID)
    for _ in range(3):
        sent = await caller.messages.SendMessage(a_request(options=later(clock)))
        lacks_money(await refused(caller.messages.SendMessage(a_request())), Decimal(0))
        await cancel(caller, sent.message)
    assert await balance_of(caller) == IT_PREPAID


# Budgets


@pytest.mark.parametrize("prepaid", [False, True], ids=["subscription", "prepaid"])
async def test_a_budget_is_never_exceeded_by_a_micro(desk: Desk, prepaid: bool) -> None:
    price = IT_PREPAID if prepaid else IT
    budget = 40 * price + Decimal("0.035999")
    policy = a_policy(budget)
    if prepaid:
        caller = await desk.prepaid(100, policy=policy)
    else:
        caller = await desk.account("shop", policy=policy)
    calls = [caller.messages.SendMessage(a_request()) for _ in range(150)]
    calls += [caller.messages.SendBatch(a_batch(*["x"] * 10)) for _ in range(10)]
    answers, refusals = await all_of(calls)
    declined = [
        refusal_of(result.error)
        for answer in answers
        if isinstance(answer, pb.SendBatchResponse)
        for result in answer.results
        if result.HasField("error")
    ]
    assert len(declined) + len(refusals) == 250 - 40
    for refusal in [*refusals, *declined]:
        lacks_budget(refusal, budget, 40 * price, price)
    standing = await standing_of(caller)
    assert decimal(standing.budget.spent) == 40 * price
    assert decimal(standing.budget.remaining) == Decimal("0.035999")
    assert standing.budget.reset_time.ToDatetime(UTC).day == 1
    if prepaid:
        assert decimal(standing.balance) == 100 - 40 * price


async def test_a_cancelled_message_makes_room_in_the_budget(desk: Desk, clock: MidMonth) -> None:
    caller = await desk.account("shop", policy=a_policy(IT))
    sent = await caller.messages.SendMessage(a_request(options=later(clock)))
    lacks_budget(await refused(caller.messages.SendMessage(a_request())), IT, IT)
    await cancel(caller, sent.message)
    assert decimal((await standing_of(caller)).budget.remaining) == IT
    await caller.messages.SendMessage(a_request())


async def test_a_monitored_budget_refuses_nothing_and_never_shows_less_than_nothing_left(
    desk: Desk,
) -> None:
    caller = await desk.account("shop", policy=a_policy(2 * IT, MONITOR))
    answers, refusals = await all_of([caller.messages.SendMessage(a_request()) for _ in range(50)])
    assert (len(answers), len(refusals)) == (50, 0)
    standing = await standing_of(caller)
    assert decimal(standing.budget.spent) == 50 * IT
    assert standing.budget.HasField("remaining")
    assert decimal(standing.budget.remaining) == 0


async def test_a_budget_of_nothing_allows_no_message_with_a_price(desk: Desk) -> None:
    caller = await desk.account("shop", policy=a_policy(Decimal(0)))
    refusal = await refused(caller.messages.SendMessage(a_request()))
    lacks_budget(refusal, Decimal(0), Decimal(0))


async def test_without_a_budget_what_was_spent_is_known_all_the_same(desk: Desk) -> None:
    caller = await desk.account("shop")
    await caller.messages.SendMessage(a_request(text=FIVE))
    standing = await standing_of(caller)
    assert decimal(standing.budget.spent) == 5 * IT
    assert not standing.budget.HasField("remaining")
    assert not standing.HasField("balance")


# Bundles


async def test_a_bundle_is_used_before_anything_is_charged(desk: Desk) -> None:
    bundle = accounts.Bundle(segments_per_month=7, countries=["IT"])
    caller = await desk.account("shop", bundle=bundle)
    for text in (FIVE, ONE):
        await caller.messages.SendMessage(a_request(text=text))
    await caller.messages.SendMessage(a_request(recipient=SPANISH, text=TWO))
    standing = await standing_of(caller)
    assert (standing.bundle.segments_used, standing.bundle.segments_remaining) == (6, 1)
    assert decimal(standing.budget.spent) == 2 * ES
    await caller.messages.SendMessage(a_request(text=FIVE))
    standing = await standing_of(caller)
    assert (standing.bundle.segments_used, standing.bundle.segments_remaining) == (7, 0)
    assert decimal(standing.budget.spent) == 2 * ES + 4 * IT
    assert standing.bundle.reset_time == standing.budget.reset_time
    found = await caller.usage.GetUsage(usage.GetUsageRequest())
    total = found.total
    assert (total.messages, total.segments, total.bundle_segments) == (4, 13, 7)
    assert (total.paid_requests, total.unpriced_segments) == (4, 0)
    assert [(cost.currency_code, decimal(cost)) for cost in total.costs] == [
        ("EUR", 2 * ES + 4 * IT)
    ]


async def test_a_rush_uses_up_a_bundle_exactly(desk: Desk, clock: MidMonth) -> None:
    caller = await desk.account("shop", bundle=accounts.Bundle(segments_per_month=101))
    calls = [
        caller.messages.SendMessage(a_request(text=TWO, options=later(clock))) for _ in range(150)
    ]
    answers, refusals = await all_of(calls)
    assert not refusals
    standing = await standing_of(caller)
    assert (standing.bundle.segments_used, standing.bundle.segments_remaining) == (101, 0)
    assert decimal(standing.budget.spent) == 199 * IT
    await asyncio.gather(*(cancel(caller, answer.message) for answer in answers))
    standing = await standing_of(caller)
    assert (standing.bundle.segments_used, standing.bundle.segments_remaining) == (0, 101)
    assert decimal(standing.budget.spent) == 0
    total = (await caller.usage.GetUsage(usage.GetUsageRequest())).total
    assert (total.messages, total.segments, total.bundle_segments) == (150, 300, 0)
    assert not total.costs


async def test_usage_agrees_with_the_balance(desk: Desk, clock: MidMonth) -> None:
    caller = await desk.prepaid(2)
    calls: list[Any] = [
        caller.messages.SendMessage(a_request(options=later(clock))) for _ in range(30)
    ]
    calls += [caller.messages.SendBatch(a_batch(ONE, TWO, options=later(clock))) for _ in range(10)]
    answers, _ = await all_of(calls)
    singles = [answer for answer in answers if isinstance(answer, pb.SendMessageResponse)]
    await asyncio.gather(*(cancel(caller, answer.message) for answer in singles[:7]))
    total = (await caller.usage.GetUsage(usage.GetUsageRequest())).total
    assert [decimal(cost) for cost in total.costs] == [2 - await balance_of(caller)]
    by_status = {each.status: each.messages for each in total.statuses}
    assert by_status[REJECTED] == 7
    assert sum(by_status.values()) == total.messages == len(await all_messages(caller.messages))


# Another way to pay


async def test_changing_how_an_account_pays_keeps_its_balance(desk: Desk, clock: MidMonth) -> None:
    caller = await desk.prepaid(1)
    prepaid = await caller.messages.SendMessage(a_request(options=later(clock)))
    await desk.operator.change("shop", billing_mode=accounts.BILLING_MODE_SUBSCRIPTION)
    later_on = await caller.messages.SendMessage(a_request(options=later(clock)))
    assert not (await standing_of(caller)).HasField("balance")
    assert await spent_by(caller) == IT_PREPAID + IT
    # Each comes back to where it came from.
    await cancel(caller, prepaid.message)
    await cancel(caller, later_on.message)
    assert await spent_by(caller) == 0
    await desk.operator.change("shop", billing_mode=PREPAID)
    assert await balance_of(caller) == 1


# What would be refused


async def reasons_of_estimate(caller: Caller, **fields: Any) -> dict[str, Refusal]:
    request = pb.EstimateMessageRequest(**{"recipient": ITALIAN, "text": "Ciao!"} | fields)
    answer = await caller.messages.EstimateMessage(request)
    found = [refusal_of(status) for status in answer.would_fail_with]
    assert len({refusal.reason for refusal in found}) == len(found)
    return {refusal.reason: refusal for refusal in found}


async def test_an_estimate_names_a_balance_that_is_too_low(desk: Desk) -> None:
    caller = await desk.prepaid(IT_PREPAID)
    assert await reasons_of_estimate(caller) == {}
    found = await reasons_of_estimate(caller, text=TWO)
    assert set(found) == {"INSUFFICIENT_BALANCE"}
    lacks_money(found["INSUFFICIENT_BALANCE"], IT_PREPAID, 2 * IT_PREPAID)
    assert await balance_of(caller) == IT_PREPAID


async def test_an_estimate_names_a_budget_that_is_used_up(desk: Desk) -> None:
    caller = await desk.account("shop", policy=a_policy(IT))
    assert await reasons_of_estimate(caller) == {}
    await caller.messages.SendMessage(a_request())
    found = await reasons_of_estimate(caller)
    assert set(found) == {"BUDGET_EXHAUSTED"}
    lacks_budget(found["BUDGET_EXHAUSTED"], IT, IT)


async def test_an_estimate_names_balance_and_budget_if_both_are_too_low(desk: Desk) -> None:
    caller = await desk.prepaid("0.01", policy=a_policy(Decimal("0.02")))
    assert set(await reasons_of_estimate(caller)) == {"INSUFFICIENT_BALANCE", "BUDGET_EXHAUSTED"}


async def test_an_estimate_names_a_limit_beside_the_balance(desk: Desk) -> None:
    caller = await desk.prepaid(IT_PREPAID, policy=a_policy(limits=[a_limit(1, 3_600)]))
    await caller.messages.SendMessage(a_request())
    assert set(await reasons_of_estimate(caller)) == {"INSUFFICIENT_BALANCE", "RATE_LIMITED"}


async def test_an_estimate_says_nothing_of_a_budget_that_is_only_monitored(desk: Desk) -> None:
    caller = await desk.account("shop", policy=a_policy(Decimal(0), MONITOR))
    assert await reasons_of_estimate(caller) == {}


async def test_a_dry_run_is_refused_as_the_message_would_be(desk: Desk) -> None:
    poor = await desk.prepaid("0.04", "poor")
    capped = await desk.account("capped", policy=a_policy(Decimal("0.03")))
    dry = pb.SendOptions(dry_run=True)
    for caller in (poor, capped):
        real = await refused(caller.messages.SendMessage(a_request()))
        rehearsed = await refused(caller.messages.SendMessage(a_request(options=dry)))
        assert rehearsed == real
    lacks_money(await refused(poor.messages.SendMessage(a_request())), Decimal("0.04"))


async def test_a_dry_run_of_a_batch_tells_item_by_item_what_could_not_be_paid(desk: Desk) -> None:
    caller = await desk.prepaid(2 * IT_PREPAID)
    batch = a_batch(ONE, FIVE, ONE, ONE)
    rehearsal = a_batch(ONE, FIVE, ONE, ONE, options=pb.SendOptions(dry_run=True))
    rehearsed = await caller.messages.SendBatch(rehearsal)
    assert await balance_of(caller) == 2 * IT_PREPAID
    real = await caller.messages.SendBatch(batch)
    assert [r.WhichOneof("outcome") for r in rehearsed.results] == [
        r.WhichOneof("outcome") for r in real.results
    ]
    assert [r.error for r in rehearsed.results] == [r.error for r in real.results]


async def test_a_dry_run_costs_nothing(desk: Desk) -> None:
    caller = await desk.prepaid(1)
    await caller.messages.SendMessage(a_request(options=pb.SendOptions(dry_run=True)))
    assert await balance_of(caller) == 1
    assert await spent_by(caller) == 0


# Limits, under a rush


async def test_hundreds_of_callers_never_get_more_through_than_the_burst(desk: Desk) -> None:
    limit = a_limit(20, 86_400, burst=25)
    caller = await desk.account("shop", policy=a_policy(limits=[limit]))
    calls = [caller.messages.SendMessage(a_request()) for _ in range(300)]
    calls += [caller.messages.SendBatch(a_batch(*["x"] * 4)) for _ in range(50)]
    answers, refusals = await all_of(calls)
    sent = len(await all_messages(caller.messages))
    assert sent == 25
    assert sum(getattr(answer, "accepted_count", 1) for answer in answers) == sent
    for refusal in refusals:
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refusal.reason == "RATE_LIMITED"
        assert dict(refusal.info.metadata) == {"limit": "messages"}
        assert refusal.retry is not None
        wait = refusal.retry.retry_delay.ToTimedelta()
        assert timedelta(0) < wait <= timedelta(seconds=4 * 86_400 / 20)
    status = await message_limit_of(caller)
    assert status.remaining == 0
    assert (status.limit.maximum, status.limit.burst) == (20, 25)
    assert status.HasField("reset_time")


async def test_more_at_once_than_a_limit_can_ever_allow_is_refused_without_a_delay(
    desk: Desk,
) -> None:
    caller = await desk.account("shop", policy=a_policy(limits=[a_limit(5, 60)]))
    refusal = await refused(caller.messages.SendBatch(a_batch(*["x"] * 6)))
    assert refusal.reason == "RATE_LIMITED"
    assert refusal.retry is None
    assert (await caller.messages.SendBatch(a_batch(*["x"] * 5))).accepted_count == 5


async def test_what_could_not_be_paid_uses_up_no_limit(desk: Desk) -> None:
    policy = a_policy(limits=[a_limit(10, 86_400)])
    caller = await desk.prepaid(3 * IT_PREPAID, policy=policy)
    _, refusals = await all_of([caller.messages.SendMessage(a_request()) for _ in range(200)])
    assert {refusal.reason for refusal in refusals} <= {"INSUFFICIENT_BALANCE", "RATE_LIMITED"}
    status = await message_limit_of(caller)
    assert status.remaining == 7
    assert await balance_of(caller) == 0


async def test_a_call_that_is_given_up_after_its_message_was_stored_uses_up_the_limit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await desk.account("shop", policy=a_policy(limits=[a_limit(3, 86_400)]))
    store = desk.gateway.app._store
    accept, stored, given_up = store.accept, asyncio.Event(), asyncio.Event()

    async def slow_to_answer(acceptance: Acceptance) -> Accepted:
        try:
            await accept(acceptance)
            stored.set()
            await asyncio.Event().wait()
            raise AssertionError("never reached")
        except asyncio.CancelledError:
            given_up.set()
            raise

    with monkeypatch.context() as patched:
        patched.setattr(store, "accept", slow_to_answer)
        call = caller.messages.SendMessage(a_request())
        async with asyncio.timeout(GUARD_SECONDS):
            await stored.wait()
            call.cancel()
            await given_up.wait()
    assert len(await all_messages(caller.messages)) == 1
    assert (await message_limit_of(caller)).remaining == 2


async def test_a_message_that_could_not_be_stored_uses_up_no_limit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await desk.account("shop", policy=a_policy(limits=[a_limit(3, 86_400)]))

    async def fail(acceptance: Acceptance) -> Accepted:
        raise Unavailable(ErrorReason.STORE_UNAVAILABLE, "nothing was changed")

    with monkeypatch.context() as patched:
        patched.setattr(desk.gateway.app._store, "accept", fail)
        refusal = await refused(caller.messages.SendMessage(a_request()))
    assert refusal.code is grpc.StatusCode.UNAVAILABLE
    assert (await message_limit_of(caller)).remaining == 3


async def test_a_repeat_is_answered_though_the_limit_is_used_up(desk: Desk) -> None:
    caller = await desk.account("shop", policy=a_policy(limits=[a_limit(2, 86_400)]))
    request = a_request(request_id="r1")
    first = await caller.messages.SendMessage(request)
    for _ in range(3):
        again = await caller.messages.SendMessage(request)
        assert again.replayed
        assert again.message.id == first.message.id
    await caller.messages.SendMessage(a_request())
    assert (await caller.messages.SendMessage(request)).replayed
    refusal = await refused(caller.messages.SendMessage(a_request()))
    assert refusal.reason == "RATE_LIMITED"


async def test_an_account_that_is_changed_has_used_what_it_used(desk: Desk) -> None:
    caller = await desk.account("shop", policy=a_policy(limits=[a_limit(2, 86_400)]))
    await caller.messages.SendBatch(a_batch(ONE, ONE))
    policy = a_policy(Decimal(100), limits=[a_limit(2, 86_400)])
    await desk.operator.change("shop", display_name="Shop", policy=policy)
    assert (await message_limit_of(caller)).remaining == 0
    assert await spent_by(caller) == 2 * IT


async def test_a_limit_of_nothing_is_a_refusal_and_no_failure(desk: Desk) -> None:
    policy = a_policy(limits=[a_limit(0, 60, burst=2)])
    request = accounts.CreateAccountRequest(account=accounts.Account(id="shop", policy=policy))
    made = await answer_or_refusal(desk.operator.caller.accounts.CreateAccount(request))
    if isinstance(made, Refusal):  # that is as good
        assert made.code is grpc.StatusCode.INVALID_ARGUMENT
        return
    caller = await desk.operator.key("shop", *ALL_BUT_ADMIN)
    _, refusals = await all_of([caller.messages.SendMessage(a_request()) for _ in range(10)])
    assert {refusal.reason for refusal in refusals} == {"RATE_LIMITED"}


# A server that is killed


@pytest.mark.slow
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
async def test_killed_under_load_it_loses_and_makes_no_money(tmp_path: Path, store: str) -> None:
    where = postgres_of(tmp_path) if store == "postgres" else tmp_path / "killed.db"
    with ServerProcess(where, environment={"SMSGATE_OTP_KEYS": f"k1 {'A' * 43}="}) as server:
        async with grpc.aio.insecure_channel(server.target) as channel:
            operator = await Operator.of(channel)
            await operator.account("shop", billing_mode=PREPAID)
            caller = await operator.key("shop", *ALL_BUT_ADMIN)
            acknowledged: list[str] = []
            payments: list[str] = []
            enough = asyncio.Event()

            async def send() -> None:
                while True:
                    answer = await caller.messages.SendMessage(a_request())
                    acknowledged.append(answer.message.id)
                    if len(acknowledged) == 100:
                        enough.set()

            async def pay() -> None:
                while True:
                    request_id = f"t{len(payments)}-{id(asyncio.current_task())}"
                    payments.append(request_id)
                    await operator.caller.accounts.TopUp(a_top_up(1, request_id))

            await operator.caller.accounts.TopUp(a_top_up(50, "first"))
            load = [asyncio.create_task(send()) for _ in range(20)]
            load += [asyncio.create_task(pay()) for _ in range(3)]
            async with asyncio.timeout(20):
                await enough.wait()
            await asyncio.to_thread(server.kill)
            await asyncio.gather(*load, return_exceptions=True)
        await asyncio.to_thread(server.start)
        async with grpc.aio.insecure_channel(server.target) as channel:
            # Channels share what they know of an address: this one may still have it as dead.
            await channel.channel_ready()
            again = Caller(channel, caller.secret)
            boss = Caller(channel, operator.caller.secret)
            # What was under way may have been done or not; repeated, it is done exactly once.
            await asyncio.gather(*(boss.accounts.TopUp(a_top_up(1, p)) for p in payments))
            messages = await all_messages(again.messages)
            assert set(acknowledged) <= {message.id for message in messages}
            assert await balance_of(again) == 50 + len(payments) - len(messages) * IT_PREPAID
            total = (await again.usage.GetUsage(usage.GetUsageRequest())).total
            assert total.messages == total.paid_requests == len(messages)
