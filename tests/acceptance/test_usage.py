"""GetUsage: what its comments in the contract promise."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import grpc
import pytest
from google.type.money_pb2 import Money
from tests.acceptance.accounts_setup import ADMIN, READ, Caller, Operator
from tests.acceptance.conftest import Gateway
from tests.acceptance.reading import (
    DELIVERED,
    ITALIAN,
    NEW,
    REFUSED_BY_CARRIER,
    REJECTED,
    UNDELIVERABLE,
    UNREACHABLE,
    MessageStub,
    all_messages,
    refused,
    until_final,
)

from smsgate.v1 import message_pb2, usage_service_pb2_grpc
from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import usage_service_pb2 as usage
from smsgate_server.services.clock import SystemClock

DAY = usage.USAGE_GRANULARITY_DAY
MONTH = usage.USAGE_GRANULARITY_MONTH
YEAR = usage.USAGE_GRANULARITY_YEAR
COUNTRY = usage.USAGE_DIMENSION_COUNTRY
STATUS = usage.USAGE_DIMENSION_STATUS
ACCOUNT = usage.USAGE_DIMENSION_ACCOUNT

SPANISH = "+34612345678"
# The tariffs that ship: Italy by subscription.
ITALIAN_PRICE = Decimal("0.036")
# More than one segment holds.
LONG = "x" * 161

GetUsage = Callable[..., Awaitable[usage.GetUsageResponse]]


class Calendar:
    """The system's clock, at the middle of a month or wherever a test puts it: no test meets the
    end of a day.
    """

    def __init__(self) -> None:
        self._system = SystemClock()
        self._ahead = timedelta(0)
        self.put(datetime.now(UTC).replace(day=15, hour=12))

    def put(self, time: datetime) -> None:
        self._ahead = time - self._system.now()

    def now(self) -> datetime:
        return self._system.now() + self._ahead


@pytest.fixture(autouse=True)
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    calendar = Calendar()
    monkeypatch.setattr("smsgate_server.app.SystemClock", lambda: calendar)
    return calendar


@pytest.fixture
def get_usage(gateway: Gateway) -> GetUsage:
    stub = usage_service_pb2_grpc.UsageServiceStub(gateway.channel)

    async def get(**fields: Any) -> usage.GetUsageResponse:
        answer: usage.GetUsageResponse = await stub.GetUsage(usage.GetUsageRequest(**fields))
        return answer

    return get


def a_request(**fields: Any) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**({"recipient": ITALIAN, "text": "Ciao!"} | fields))


def decimal(amount: Money) -> Decimal:
    return Decimal(amount.units) + Decimal(amount.nanos) / 10**9


def costs(figures: usage.UsageFigures) -> dict[str, Decimal]:
    return {cost.currency_code: decimal(cost) for cost in figures.costs}


def statuses(figures: usage.UsageFigures) -> dict[int, int]:
    return {count.status: count.messages for count in figures.statuses}


def present(response: usage.GetUsageResponse) -> usage.UsageFigures:
    """The figures of the period that goes on."""
    return response.series[0].periods[-1].figures


async def sent_and_final(stub: MessageStub, **fields: Any) -> message_pb2.Message:
    return await until_final(stub, await stub.SendMessage(a_request(**fields)))


async def later(stub: MessageStub, calendar: Calendar) -> pb.SendMessageResponse:
    request = a_request()
    request.options.send_time.FromDatetime(calendar.now() + timedelta(hours=1))
    sent: pb.SendMessageResponse = await stub.SendMessage(request)
    return sent


# Requests


@pytest.mark.parametrize(
    ("granularity", "periods", "form"),
    [(MONTH, 12, "%Y-%m"), (YEAR, 5, "%Y"), (DAY, 31, "%Y-%m-%d")],
)
async def test_free_and_paid_requests_are_told_by_period_and_in_words(
    stub: MessageStub,
    get_usage: GetUsage,
    calendar: Calendar,
    granularity: int,
    periods: int,
    form: str,
) -> None:
    sent = await stub.SendMessage(a_request())
    items = [pb.BatchItem(recipient=ITALIAN), pb.BatchItem(recipient=SPANISH)]
    await stub.SendBatch(pb.SendBatchRequest(items=items, text="Ciao!"))
    await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id))
    await stub.ListMessages(pb.ListMessagesRequest())
    await stub.EstimateMessage(pb.EstimateMessageRequest(recipient=ITALIAN, text="Ciao!"))
    found = await get_usage(granularity=granularity)
    (series,) = found.series
    assert (series.label, len(series.periods)) == ("Total", periods)
    assert series.periods[-1].label == calendar.now().strftime(form)
    for figures in (present(found), series.total, found.total):
        assert (figures.paid_requests, figures.free_requests, figures.messages) == (2, 3, 3)
    assert not any(period.figures.paid_requests for period in series.periods[:-1])
    assert found.granularity == granularity
    assert "2 paid, 3 free" in found.summary
    assert series.periods[0].label in found.summary.splitlines()[0]
    assert all(len(line) <= 80 for line in found.summary.splitlines())


async def test_an_empty_request_means_the_last_twelve_months(get_usage: GetUsage) -> None:
    found = await get_usage()
    (series,) = found.series
    assert found.granularity == MONTH
    assert len(series.periods) == 12
    assert found.start_time == series.periods[0].start_time
    assert found.end_time == series.periods[-1].end_time
    assert "nothing yet" in found.summary
    assert not found.total.costs
    assert not found.total.statuses
    assert (
        found.start_time.ToDatetime() < found.read_time.ToDatetime() < found.end_time.ToDatetime()
    )


async def test_a_look_at_the_usage_is_itself_a_free_request(get_usage: GetUsage) -> None:
    seen = [(await get_usage()).total.free_requests for _ in range(3)]
    assert seen == [0, 1, 2]


async def test_a_stream_is_one_free_request(stub: MessageStub, get_usage: GetUsage) -> None:
    sent = await stub.SendMessage(a_request())
    await until_final(stub, sent)
    # The stream that waited, and the look at the message.
    assert (await get_usage()).total.free_requests == 2


async def test_a_dry_run_is_free_and_counts_no_message(
    stub: MessageStub, get_usage: GetUsage
) -> None:
    dry = pb.SendOptions(dry_run=True)
    await stub.SendMessage(a_request(options=dry))
    items = [pb.BatchItem(recipient=ITALIAN, text="Ciao!")]
    await stub.SendBatch(pb.SendBatchRequest(items=items, options=dry))
    total = (await get_usage()).total
    assert total == usage.UsageFigures(free_requests=2)


async def test_a_replay_is_not_counted_again(stub: MessageStub, get_usage: GetUsage) -> None:
    request = a_request(request_id="once")
    await until_final(stub, await stub.SendMessage(request))
    before = (await get_usage()).total
    assert (await stub.SendMessage(request)).replayed
    after = (await get_usage()).total
    assert (after.paid_requests, after.messages, after.segments) == (1, 1, 1)
    assert costs(after) == costs(before) == {"EUR": ITALIAN_PRICE}
    assert statuses(after) == statuses(before)


async def test_a_refused_request_is_not_counted(stub: MessageStub, get_usage: GetUsage) -> None:
    await refused(stub.SendMessage(a_request(recipient="+39")))
    await refused(stub.GetMessage(pb.GetMessageRequest(id="none")))
    assert (await get_usage()).total == usage.UsageFigures()


# Messages


async def test_statuses_follow_the_delivery(
    stub: MessageStub, get_usage: GetUsage, calendar: Calendar
) -> None:
    waiting = await later(stub, calendar)
    assert statuses((await get_usage()).total) == {NEW: 1}
    await sent_and_final(stub)
    await sent_and_final(stub, recipient=UNREACHABLE)
    await stub.CancelMessage(pb.CancelMessageRequest(id=waiting.message.id))
    found = await get_usage()
    assert [count.status for count in found.total.statuses] == [UNDELIVERABLE, DELIVERED, REJECTED]
    assert statuses(found.total) == {UNDELIVERABLE: 1, DELIVERED: 1, REJECTED: 1}
    assert found.total.messages == 3
    assert "1 DELIVERED" in found.summary


async def test_a_cancelled_message_costs_nothing(
    stub: MessageStub, get_usage: GetUsage, calendar: Calendar
) -> None:
    sent = await later(stub, calendar)
    assert costs((await get_usage()).total) == {"EUR": ITALIAN_PRICE}
    await stub.CancelMessage(pb.CancelMessageRequest(id=sent.message.id))
    total = (await get_usage()).total
    assert not total.costs
    assert (total.messages, total.segments, total.paid_requests) == (1, 1, 1)
    assert statuses(total) == {REJECTED: 1}


# Series


async def test_series_have_no_gaps_and_begin_together(
    stub: MessageStub, get_usage: GetUsage
) -> None:
    for recipient in (ITALIAN, ITALIAN, SPANISH):
        await sent_and_final(stub, recipient=recipient)
    found = await get_usage(group_by=[COUNTRY, STATUS], granularity=DAY)
    shown = [(s.country, s.status, s.label, s.total.messages) for s in found.series]
    assert shown[:2] == [
        ("IT", DELIVERED, "Italy, DELIVERED", 2),
        ("ES", DELIVERED, "Spain, DELIVERED", 1),
    ]
    starts = [[period.start_time.seconds for period in s.periods] for s in found.series]
    assert all(start == starts[0] for start in starts)
    for before, after in zip(found.series[0].periods, found.series[0].periods[1:], strict=False):
        assert before.end_time == after.start_time
    assert sum(series.total.free_requests for series in found.series) == found.total.free_requests


async def test_only_the_countries_that_are_asked_for_are_counted(
    stub: MessageStub, get_usage: GetUsage
) -> None:
    for recipient in (ITALIAN, SPANISH):
        await sent_and_final(stub, recipient=recipient)
    total = (await get_usage(countries=["IT"])).total
    assert (total.messages, total.free_requests) == (1, 0)
    assert costs(total) == {"EUR": ITALIAN_PRICE}


async def test_groups_beyond_max_series_are_summed_up_in_one_more(
    stub: MessageStub, get_usage: GetUsage
) -> None:
    for recipient in (ITALIAN, ITALIAN, SPANISH):
        await stub.SendMessage(a_request(recipient=recipient))
    found = await get_usage(group_by=[COUNTRY], max_series=1)
    assert [(series.country, series.others) for series in found.series] == [
        ("IT", False),
        ("", True),
    ]
    assert sum(series.total.messages for series in found.series) == found.total.messages == 3


# A recount


async def test_the_figures_equal_a_recount_of_the_messages(
    stub: MessageStub, get_usage: GetUsage, calendar: Calendar
) -> None:
    for time in (
        datetime(2023, 12, 31, 12, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(2024, 3, 1, 12, tzinfo=UTC),
        datetime(2024, 12, 31, 12, tzinfo=UTC),
        datetime(2025, 1, 1, 12, tzinfo=UTC),
    ):
        calendar.put(time)
        for recipient in (ITALIAN, SPANISH, UNREACHABLE, REFUSED_BY_CARRIER):
            await sent_and_final(stub, recipient=recipient, text=LONG)
        cancelled = await later(stub, calendar)
        await stub.CancelMessage(pb.CancelMessageRequest(id=cancelled.message.id))
    messages = await all_messages(stub)
    assert len(messages) == 25
    for granularity, start in (
        (DAY, datetime(2023, 12, 31, tzinfo=UTC)),
        (MONTH, datetime(2023, 12, 1, tzinfo=UTC)),
        (YEAR, datetime(2023, 1, 1, tzinfo=UTC)),
    ):
        request = usage.GetUsageRequest(granularity=granularity)
        request.start_time.FromDatetime(start)
        found = await get_usage(granularity=granularity, start_time=request.start_time)
        _assert_recounted(found, messages)


def _assert_recounted(
    found: usage.GetUsageResponse, messages: Iterable[message_pb2.Message]
) -> None:
    (series,) = found.series
    left = list(messages)
    for period in series.periods:
        start, end = period.start_time.ToNanoseconds(), period.end_time.ToNanoseconds()
        own = [m for m in left if start <= m.create_time.ToNanoseconds() < end]
        left = [m for m in left if m not in own]
        _assert_counts(period.figures, own)
    assert not left
    _assert_counts(series.total, messages)
    _assert_counts(found.total, messages)


def _assert_counts(figures: usage.UsageFigures, messages: Iterable[message_pb2.Message]) -> None:
    listed = list(messages)
    charged = [m for m in listed if m.status != REJECTED]
    assert figures.messages == len(listed)
    assert figures.segments == sum(message.segments for message in listed)
    assert statuses(figures) == dict(Counter(message.status for message in listed))
    amount = sum((decimal(m.total_price) for m in charged), Decimal(0))
    assert costs(figures) == ({"EUR": amount} if amount else {})


# Who may see what


async def test_an_account_sees_its_own_usage_alone(gateway: Gateway) -> None:
    operator = await Operator.at(gateway)
    shop, other = await operator.tenant("shop"), await operator.tenant("other")
    await shop.messages.SendMessage(a_request())
    assert (await _total(shop)).messages == 1
    assert (await _total(shop, account_id="shop")).messages == 1
    assert (await _total(other)).messages == 0
    for account in ("shop", "no-such-account"):
        refusal = await refused(_asked(other, account_id=account))
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert refusal.reason == "ACCOUNT_NOT_FOUND"


async def test_usage_by_account_needs_the_scope_admin(gateway: Gateway) -> None:
    operator = await Operator.at(gateway)
    shop = await operator.tenant("shop")
    for fields in ({}, {"account_id": "shop"}):
        refusal = await refused(_asked(shop, group_by=[ACCOUNT], **fields))
        assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
        assert refusal.reason == "SCOPE_REQUIRED"
        assert refusal.info.metadata["scope"] == "SCOPE_ADMIN"


async def test_an_operator_sees_every_account(gateway: Gateway) -> None:
    operator = await Operator.at(gateway)
    admin = await operator.key("local", ADMIN, READ)
    for name, number in (("shop", 2), ("other", 1)):
        tenant = await operator.tenant(name)
        for _ in range(number):
            await tenant.messages.SendMessage(a_request())
    found = await _asked(admin, group_by=[ACCOUNT])
    ranked = [(s.account_id, s.label, s.total.messages) for s in found.series]
    assert ranked[:2] == [("shop", "shop", 2), ("other", "other", 1)]
    assert found.total.messages == 3
    assert (await _total(admin, account_id="other")).messages == 1
    refusal = await refused(_asked(admin, account_id="no-such-account"))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")


async def _asked(caller: Caller, **fields: Any) -> usage.GetUsageResponse:
    answer: usage.GetUsageResponse = await caller.usage.GetUsage(usage.GetUsageRequest(**fields))
    return answer


async def _total(caller: Caller, **fields: Any) -> usage.UsageFigures:
    return (await _asked(caller, **fields)).total


# What is wrong


async def test_every_violation_is_told_at_once(get_usage: GetUsage) -> None:
    request = usage.GetUsageRequest(
        granularity=9,  # type: ignore[arg-type]
        group_by=[COUNTRY, 0, COUNTRY, 77],  # type: ignore[list-item]
        countries=["IT"] * 301,
    )
    request.start_time.nanos = -1
    request.end_time.seconds = 10**15
    fields = {name.name: value for name, value in request.ListFields()}
    refusal = await refused(get_usage(**fields))
    assert refusal.reasons == {
        "granularity": "INVALID_FIELD",
        "start_time": "INVALID_TIME",
        "end_time": "INVALID_TIME",
        "group_by[1]": "INVALID_FIELD",
        "group_by[3]": "INVALID_FIELD",
        "countries": "TOO_MANY_ITEMS",
    }


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (datetime(2026, 2, 1), datetime(2026, 1, 1), "end_time"),
        (datetime(2020, 1, 1), datetime(2025, 1, 1), "end_time"),
        (datetime(2020, 1, 1), None, "start_time"),
        (None, datetime(1, 1, 1), "end_time"),
        (datetime(9999, 12, 1), datetime(9999, 12, 31, 1), "end_time"),
    ],
)
async def test_a_span_that_cannot_be_is_refused(
    get_usage: GetUsage, start: datetime | None, end: datetime | None, field: str
) -> None:
    request = usage.GetUsageRequest(granularity=DAY)
    if start is not None:
        request.start_time.FromDatetime(start)
    if end is not None:
        request.end_time.FromDatetime(end)
    fields = {name.name: value for name, value in request.ListFields()}
    refusal = await refused(get_usage(**fields))
    assert refusal.reasons == {field: "INVALID_TIME"}
