"""The limits of one-time passwords, on the server as a caller meets them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money
from tests.acceptance import otp_setup
from tests.acceptance.accounts_setup import Caller, Operator
from tests.acceptance.otp_setup import APPROVED, OtpGateway, StartOtp, a_request
from tests.acceptance.reading import (
    ITALIAN,
    Refusal,
    answer_or_refusal,
    refusal_of_call,
    refused,
)

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import account_service_pb2_grpc, message_service_pb2
from smsgate.v1 import otp_service_pb2 as pb
from smsgate_server.carriers.simulator import SimulatedCarrier
from smsgate_server.domain.delivery import SubmitOutcome
from smsgate_server.domain.message import Message

start_otp, codes = otp_setup.start_otp, otp_setup.codes

NEIGHBOUR = ITALIAN[:-4] + "9999"
COMPATRIOT = "+393471234567"
AUSTRIAN = "+436641234567"
MONITOR = accounts.POLICY_MODE_MONITOR
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
# What a slow machine may take between two calls.
SLACK = timedelta(seconds=20)


def a_limit(kind: int, maximum: int, seconds: int = 3_600, **fields: Any) -> accounts.Limit:
    made = accounts.Limit(kind=kind, maximum=maximum, **fields)  # type: ignore[arg-type]
    made.period.seconds = seconds
    return made


async def limited(codes: OtpGateway, **fields: Any) -> Refusal:
    """The refusal of a send that goes against a limit, held against what each of them promises."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await codes.send(**fields)
    return checked(caught.value)


def checked(error: grpc.aio.AioRpcError) -> Refusal:
    refusal = refusal_of_call(error)
    assert (refusal.code, refusal.reason) == (EXHAUSTED, "OTP_LIMIT")
    assert refusal.quota is not None
    assert refusal.quota.violations[0].subject == refusal.info.metadata["limit"]
    assert refusal.retry is not None
    pushback = [v for k, v in error.trailing_metadata() or () if k == "grpc-retry-pushback-ms"]
    delay = delay_of(refusal)
    short = delay <= timedelta(seconds=5)
    assert pushback == [str(-(-delay // timedelta(milliseconds=1)) if short else -1)]
    assert delay > timedelta(0)
    return refusal


def delay_of(refusal: Refusal) -> timedelta:
    assert refusal.retry is not None
    return refusal.retry.retry_delay.ToTimedelta()


async def own_account(codes: OtpGateway) -> accounts.GetAccountResponse:
    stub: Any = account_service_pb2_grpc.AccountServiceStub(codes.channel)
    found: accounts.GetAccountResponse = await stub.GetAccount(accounts.GetAccountRequest())
    return found


async def limit_account(codes: OtpGateway, *limits: accounts.Limit) -> None:
    """Give the account of a server that runs open limits of its own."""
    stub: Any = account_service_pb2_grpc.AccountServiceStub(codes.channel)
    account = accounts.Account(id="local", policy=accounts.AccountPolicy(limits=limits))
    request = accounts.UpdateAccountRequest(account=account)
    request.update_mask.paths.append("policy.limits")
    await stub.UpdateAccount(request)


def noted(codes: OtpGateway, account: str = "local") -> float:
    """How often a policy that only monitors would have refused a code."""
    labels = {"account": account, "reason": "OTP_LIMIT"}
    registry = codes.gateway.app._registry
    return registry.get_sample_value("smsgate_would_be_refused_total", labels) or 0.0


# What holds if nothing else is said


async def test_a_number_gets_5_codes_an_hour_whatever_they_are_for(codes: OtpGateway) -> None:
    for n in range(5):
        await codes.send(purpose=f"p{n}")
        codes.clock.forward(timedelta(minutes=1))
    refusal = await limited(codes, purpose="p5")
    assert refusal.info.metadata["limit"] == "otp_recipient"
    assert timedelta(minutes=54) < delay_of(refusal) <= timedelta(minutes=55)
    assert await codes.gateway.message_count() == 5
    # Others are not touched.
    await codes.send(recipient=NEIGHBOUR)


async def test_a_limit_ends_when_the_retry_info_says_and_not_before(codes: OtpGateway) -> None:
    for n in range(5):
        await codes.send(purpose=f"p{n}")
        codes.clock.forward(timedelta(minutes=1))
    delay = delay_of(await limited(codes, purpose="p5"))
    codes.clock.forward(delay - SLACK)
    assert delay_of(await limited(codes, purpose="p5")) <= SLACK
    codes.clock.forward(SLACK)
    await codes.send(purpose="p5")
    # The window slides: the second of the five is the next to leave it.
    again = delay_of(await limited(codes, purpose="p6"))
    # As far apart as the first two were sent.
    assert timedelta(minutes=1) - SLACK < again < timedelta(minutes=1) + SLACK
    codes.clock.forward(again)
    await codes.send(purpose="p6")


async def test_a_number_gets_10_codes_a_day(codes: OtpGateway) -> None:
    for n in range(10):
        await codes.send(purpose=f"p{n}")
        codes.clock.forward(timedelta(minutes=30))
    # Ten times half an hour ago the first was sent.
    refusal = await limited(codes, purpose="p10")
    assert timedelta(hours=18) < delay_of(refusal) <= timedelta(hours=19)
    codes.clock.forward(delay_of(refusal))
    await codes.send(purpose="p10")


async def test_a_code_that_is_sent_again_counts_too(codes: OtpGateway) -> None:
    ttl = Duration(seconds=600)
    for wait in (0, 30, 60, 120):
        codes.clock.forward(timedelta(seconds=wait))
        await codes.send(ttl=ttl)
    await codes.send(purpose="other")
    codes.clock.forward(timedelta(seconds=120))
    refusal = await limited(codes)
    assert refusal.info.metadata["limit"] == "otp_recipient"


async def test_neither_a_right_code_nor_a_cancellation_gives_anything_back(
    codes: OtpGateway,
) -> None:
    for n in range(5):
        sent = await codes.send(purpose=f"p{n}")
        if n % 2:
            await codes.cancel(sent.verification.id)
        else:
            code = await codes.code(sent)
            assert (await codes.verify(sent.verification.id, code)).result == APPROVED
    await limited(codes, purpose="p5")


async def test_what_is_refused_counts_for_nothing_and_uses_up_no_request_id(
    codes: OtpGateway,
) -> None:
    for n in range(4):
        await codes.send(purpose=f"p{n}")
    for _ in range(3):
        assert (await refused(codes.send(purpose="p0"))).reason == "OTP_COOL_DOWN"
        await refused(codes.send(purpose="Not a purpose"))
    await codes.send(purpose="p4")
    delay = delay_of(await limited(codes, purpose="p5", request_id="r1"))
    codes.clock.forward(delay)
    assert not (await codes.send(purpose="p5", request_id="r1")).replayed


async def test_a_repeat_is_answered_though_the_limit_is_used_up(codes: OtpGateway) -> None:
    sent = [await codes.send(purpose=f"p{n}", request_id=f"r{n}") for n in range(5)]
    await limited(codes, purpose="p5")
    again = await codes.send(purpose="p0", request_id="r0")
    assert (again.replayed, again.message.id) == (True, sent[0].message.id)


async def test_dry_runs_count_against_no_limit_and_are_refused_like_sends(
    codes: OtpGateway,
) -> None:
    for n in range(8):
        await codes.send(purpose=f"p{n}", dry_run=True)
    for n in range(5):
        await codes.send(purpose=f"p{n}")
    real = await limited(codes, purpose="p5")
    dry = await limited(codes, purpose="p5", dry_run=True)
    assert (dry.message, dry.info) == (real.message, real.info)
    assert delay_of(real) - SLACK < delay_of(dry) <= delay_of(real)


async def test_of_many_sends_at_once_to_one_number_exactly_the_maximum_gets_through(
    codes: OtpGateway,
) -> None:
    outcomes = await asyncio.gather(
        *(codes.send(purpose=f"p{n}") for n in range(200)), return_exceptions=True
    )
    errors = [checked(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert sum(isinstance(o, pb.SendOTPResponse) for o in outcomes) == 5
    assert len(errors) == 195
    assert await codes.gateway.message_count() == 5


async def test_a_restart_forgets_no_send(start_otp: StartOtp, tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    for n in range(5):
        await codes.send(purpose=f"p{n}")
    before = delay_of(await limited(codes, purpose="p5"))
    await codes.gateway.stop()
    codes = await start_otp(store=store)
    assert before - timedelta(seconds=30) < delay_of(await limited(codes, purpose="p5")) <= before


async def test_messages_that_carry_no_code_do_not_count(codes: OtpGateway) -> None:
    for _ in range(6):
        await codes.messages.SendMessage(
            message_service_pb2.SendMessageRequest(recipient=ITALIAN, text="Ciao!")
        )
    await codes.send()


# Limits of the other kinds, and those that operators set


@pytest.mark.parametrize(
    ("limit", "counted", "free"),
    [
        ("otp_recipient", ITALIAN, NEIGHBOUR),
        ("otp_prefix", NEIGHBOUR, COMPATRIOT),
        ("otp_country", COMPATRIOT, AUSTRIAN),
        ("otp_account", AUSTRIAN, None),
    ],
)
async def test_each_kind_of_limit_counts_what_it_is_named_for(
    start_otp: StartOtp, limit: str, counted: str, free: str | None
) -> None:
    codes = await start_otp(limits=(f"{limit}=1/10m",))
    await codes.send()
    refusal = await limited(codes, recipient=counted, purpose="other")
    assert refusal.info.metadata["limit"] == limit
    assert timedelta(minutes=9) < delay_of(refusal) <= timedelta(minutes=10)
    if free:
        await codes.send(recipient=free)
    codes.clock.forward(delay_of(refusal))
    await codes.send(recipient=counted, purpose="other")


async def test_of_several_limits_that_are_used_up_the_one_that_ends_last_is_told(
    start_otp: StartOtp,
) -> None:
    codes = await start_otp(limits=("otp_recipient=1/1m", "otp_account=1/1h", "otp_prefix=1/10m"))
    await codes.send()
    refusal = await limited(codes, purpose="other")
    assert refusal.info.metadata["limit"] == "otp_account"
    codes.clock.forward(delay_of(refusal))
    await codes.send(purpose="other")


async def test_a_maximum_of_0_means_never_though_it_says_when_to_ask_again(
    start_otp: StartOtp,
) -> None:
    codes = await start_otp(limits=("otp_account=0/10m",))
    for _ in range(2):
        refusal = await limited(codes)
        assert timedelta(minutes=9) < delay_of(refusal) <= timedelta(minutes=10)
        codes.clock.forward(delay_of(refusal))
    assert await codes.gateway.message_count() == 0


async def test_without_limits_only_the_cool_down_is_left(start_otp: StartOtp) -> None:
    codes = await start_otp(limits=())
    for n in range(20):
        await codes.send(purpose=f"p{n}")
    assert (await refused(codes.send(purpose="p0"))).reason == "OTP_COOL_DOWN"


async def test_an_accounts_own_limits_of_a_kind_replace_the_servers(codes: OtpGateway) -> None:
    await limit_account(codes, a_limit(accounts.LIMIT_KIND_OTP_RECIPIENT, 7, 60))
    for n in range(7):
        await codes.send(purpose=f"p{n}")
    refusal = await limited(codes, purpose="p7")
    assert delay_of(refusal) <= timedelta(minutes=1)
    # Those of the other kinds go on.
    kinds = {each.limit.kind for each in (await own_account(codes)).standing.limits}
    assert accounts.LIMIT_KIND_OTP_PREFIX in kinds


async def test_how_many_codes_an_account_may_still_send_can_be_read(codes: OtpGateway) -> None:
    otp_account, otp_country = accounts.LIMIT_KIND_OTP_ACCOUNT, accounts.LIMIT_KIND_OTP_COUNTRY
    await limit_account(codes, a_limit(otp_account, 2, 600), a_limit(otp_country, 2))

    async def left() -> accounts.LimitStatus:
        by_kind = {s.limit.kind: s for s in (await own_account(codes)).standing.limits}
        # It differs from recipient to recipient, so there is no one number.
        assert not by_kind[otp_country].HasField("remaining")
        return by_kind[otp_account]

    whole = await left()
    assert whole.HasField("remaining")
    assert (whole.remaining, whole.HasField("reset_time")) == (2, False)
    await codes.send()
    codes.clock.forward(timedelta(minutes=5))
    newest = (await codes.send(recipient=AUSTRIAN)).message.create_time.ToDatetime()
    used = await left()
    assert (used.HasField("remaining"), used.remaining) == (True, 0)
    assert used.reset_time.ToDatetime() == newest + timedelta(minutes=10)
    await limited(codes, recipient=COMPATRIOT)
    codes.clock.forward(timedelta(minutes=5))
    assert (await left()).remaining == 1
    codes.clock.forward(timedelta(minutes=5))
    assert await left() == whole


async def test_a_limit_that_only_monitors_lets_through_and_counts(codes: OtpGateway) -> None:
    await limit_account(
        codes,
        a_limit(accounts.LIMIT_KIND_OTP_RECIPIENT, 1, mode=MONITOR),
        a_limit(accounts.LIMIT_KIND_OTP_COUNTRY, 2, mode=MONITOR),
    )
    await codes.send(purpose="p0")
    assert noted(codes) == 0
    await codes.send(purpose="p1")
    assert noted(codes) == 1
    await codes.send(purpose="p2")
    assert noted(codes) == 3
    assert await codes.gateway.message_count() == 3
    # A dry run and a repeat are no sends.
    await codes.send(purpose="p3", dry_run=True)
    assert noted(codes) == 3


async def test_a_limit_that_is_enforced_refuses_beside_one_that_only_monitors(
    codes: OtpGateway,
) -> None:
    await limit_account(
        codes,
        a_limit(accounts.LIMIT_KIND_OTP_RECIPIENT, 1, mode=MONITOR),
        a_limit(accounts.LIMIT_KIND_OTP_ACCOUNT, 2),
    )
    for n in range(2):
        await codes.send(purpose=f"p{n}")
    refusal = await limited(codes, purpose="p2")
    assert refusal.info.metadata["limit"] == "otp_account"


async def test_an_account_sees_its_limits_before_it_hits_them(codes: OtpGateway) -> None:
    def shown(found: accounts.GetAccountResponse) -> list[tuple[int, int, int, int]]:
        kinds = (
            accounts.LIMIT_KIND_OTP_RECIPIENT,
            accounts.LIMIT_KIND_OTP_PREFIX,
            accounts.LIMIT_KIND_OTP_COUNTRY,
            accounts.LIMIT_KIND_OTP_ACCOUNT,
        )
        limits = [each.limit for each in found.standing.limits if each.limit.kind in kinds]
        return [(each.kind, each.maximum, each.period.seconds, each.mode) for each in limits]

    enforce = accounts.POLICY_MODE_ENFORCE
    found = await own_account(codes)
    assert shown(found) == [
        (accounts.LIMIT_KIND_OTP_RECIPIENT, 5, 3_600, enforce),
        (accounts.LIMIT_KIND_OTP_RECIPIENT, 10, 86_400, enforce),
        (accounts.LIMIT_KIND_OTP_PREFIX, 100, 3_600, enforce),
        (accounts.LIMIT_KIND_OTP_ACCOUNT, 10_000, 3_600, enforce),
    ]
    # How often differs from recipient to recipient.
    assert not found.standing.limits[0].HasField("remaining")
    await limit_account(codes, a_limit(accounts.LIMIT_KIND_OTP_COUNTRY, 3, 60, mode=MONITOR))
    assert (accounts.LIMIT_KIND_OTP_COUNTRY, 3, 60, MONITOR) in shown(await own_account(codes))


async def test_the_sends_of_one_account_are_not_those_of_another(start_otp: StartOtp) -> None:
    codes = await start_otp(limits=("otp_account=1/1h", "otp_recipient=1/1h"))
    operator = await Operator.at(codes.gateway)
    one, other = await operator.tenant("one"), await operator.tenant("other")
    for caller in (one, other):
        await caller.otp.SendOTP(a_request())
        refusal = await refused(caller.otp.SendOTP(a_request(purpose="b")))
        assert refusal.reason == "OTP_LIMIT"


# What holds for all messages holds for those with codes


class SlowCarrier:
    """Answers no submit until it is let `go`; `busy` once it has one."""

    def __init__(self) -> None:
        self.busy = asyncio.Event()
        self.go = asyncio.Event()

    async def answer(self) -> None:
        self.busy.set()
        await self.go.wait()


@pytest.fixture
async def slow(start_otp: StartOtp, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlowCarrier]:
    """The simulated carrier of the gateways of a test, until these are to stop."""
    carrier, at_once = SlowCarrier(), SimulatedCarrier._answer

    async def answer(simulated: SimulatedCarrier, message: Message, attempt: int) -> SubmitOutcome:
        await carrier.answer()
        return await at_once(simulated, message, attempt)

    monkeypatch.setattr(SimulatedCarrier, "_answer", answer)
    yield carrier
    carrier.go.set()


async def test_codes_count_as_messages_of_the_account(start_otp: StartOtp) -> None:
    codes = await start_otp(limits=("messages=3/1h",))
    for n in range(3):
        await codes.send(purpose=f"p{n}")
        # A refusal takes nothing.
        assert (await refused(codes.send(purpose=f"p{n}"))).reason == "OTP_COOL_DOWN"
    for dry_run in (False, True):
        refusal = await refused(codes.send(purpose="p3", dry_run=dry_run))
        assert (refusal.code, refusal.reason) == (EXHAUSTED, "RATE_LIMITED")
        assert refusal.info.metadata["limit"] == "messages"


async def test_a_code_that_a_limit_refuses_is_no_message_of_the_account(
    start_otp: StartOtp,
) -> None:
    codes = await start_otp(limits=("messages=2/1h", "otp_recipient=1/1h"))
    await codes.send()
    for n in range(3):
        await limited(codes, purpose=f"p{n}")
    await codes.send(recipient=NEIGHBOUR)


async def test_when_too_many_messages_wait_a_code_and_its_dry_run_fare_alike(
    start_otp: StartOtp, slow: SlowCarrier
) -> None:
    # While the carrier is busy with one message the next one waits here.
    codes = await start_otp(backlog_limit=1, submit_window=1)
    send = message_service_pb2.SendMessageRequest(recipient=ITALIAN, text="Ciao!")
    await codes.messages.SendMessage(send)
    await slow.busy.wait()
    await codes.messages.SendMessage(send)
    dry = await answer_or_refusal(codes.send(dry_run=True))
    real = await answer_or_refusal(codes.send())
    for each in (dry, real):
        assert isinstance(each, Refusal)
        assert (each.code, each.reason) == (EXHAUSTED, "BACKLOG_FULL")


async def _prepaid(codes: OtpGateway, nanos: int) -> tuple[Operator, Caller]:
    operator = await Operator.at(codes.gateway)
    await operator.account("shop", billing_mode=accounts.BILLING_MODE_PREPAID)
    money = Money(currency_code="EUR", nanos=nanos)
    top_up = accounts.TopUpRequest(account_id="shop", amount=money, request_id="t1")
    await operator.caller.accounts.TopUp(top_up)
    key = await operator.key("shop", accounts.SCOPE_OTP, accounts.SCOPE_READ)
    return operator, key


async def test_a_prepaid_account_pays_for_its_codes(start_otp: StartOtp) -> None:
    codes = await start_otp(limits=("otp_recipient=2/1h",))
    operator, caller = await _prepaid(codes, 60_000_000)
    price = (await caller.otp.SendOTP(a_request(purpose="a"))).message.total_price
    balance = (await operator.shown("shop")).standing.balance
    assert balance.nanos == 60_000_000 - price.nanos > 0
    for dry_run in (False, True):
        request = a_request(purpose="b", request_id="r1", dry_run=dry_run)
        refusal = await refused(caller.otp.SendOTP(request))
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
        assert refusal.reason == "INSUFFICIENT_BALANCE"
    # What was not paid for was not sent, and counts for nothing.
    named = pb.VerifyOTPRequest(recipient=ITALIAN, purpose="b", code="123456")
    assert (await refused(caller.otp.VerifyOTP(named))).reason == "VERIFICATION_NOT_FOUND"
    money = Money(currency_code="EUR", units=1)
    await operator.caller.accounts.TopUp(
        accounts.TopUpRequest(account_id="shop", amount=money, request_id="t2")
    )
    sent = await caller.otp.SendOTP(a_request(purpose="b", request_id="r1"))
    assert not sent.replayed


async def test_what_is_cancelled_before_it_was_submitted_costs_nothing(
    start_otp: StartOtp, slow: SlowCarrier
) -> None:
    codes = await start_otp(submit_window=1)
    operator, caller = await _prepaid(codes, 500_000_000)
    await caller.otp.SendOTP(a_request(purpose="busy"))
    await slow.busy.wait()
    before = (await operator.shown("shop")).standing.balance
    sent = await caller.otp.SendOTP(a_request())
    await caller.otp.CancelVerification(pb.CancelVerificationRequest(id=sent.verification.id))
    assert (await operator.shown("shop")).standing.balance == before
