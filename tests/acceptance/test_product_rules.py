"""The rules of the product, one by one, each as a user of the API meets it."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money
from tests.acceptance.accounts_setup import ALL_BUT_ADMIN, Operator, code_sent
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, MessageStub, all_messages, refused, until_final

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import otp_service_pb2 as otp
from smsgate.v1 import pricing_service_pb2 as pricing
from smsgate.v1 import usage_service_pb2 as usage

SPANISH = "+34612345678"
PREPAID = accounts.BILLING_MODE_PREPAID
SUBSCRIPTION = accounts.BILLING_MODE_SUBSCRIPTION


def request(**fields: Any) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**({"recipient": ITALIAN, "text": "Ciao!"} | fields))


async def reasons(stub: MessageStub, **fields: Any) -> list[str]:
    refusal = await refused(stub.SendMessage(request(**fields)))
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    return [violation.reason for violation in refusal.violations]


def euros(amount: str) -> Money:
    units, _, places = amount.partition(".")
    return Money(currency_code="EUR", units=int(units), nanos=int(places.ljust(9, "0") or 0))


# Sender and recipient


async def test_without_a_sender_the_default_one_is_shown(stub: MessageStub) -> None:
    assert (await stub.SendMessage(request())).message.sender == "Openapi"


@pytest.mark.parametrize("alias", ["Abc", "Elevenchars", "My Shop 24", "A1b2C3"])
async def test_an_alias_has_3_to_11_characters(stub: MessageStub, alias: str) -> None:
    assert (await stub.SendMessage(request(sender=alias))).message.sender == alias


@pytest.mark.parametrize(
    "alias", ["Ab", "Twelve chars", "12345", "+39333", " Shop", "Shop ", "My  Shop", "Caffè"]
)
async def test_any_other_alias_is_refused(stub: MessageStub, alias: str) -> None:
    assert await reasons(stub, sender=alias) == ["INVALID_SENDER"]


async def test_a_recipient_is_strict_e164(stub: MessageStub) -> None:
    sent = (await stub.SendMessage(request(recipient="+393331234567"))).message
    assert (sent.recipient, sent.country, sent.country_code) == ("+393331234567", "IT", 39)


@pytest.mark.parametrize(
    "number",
    ["+39 333 1234567", "+39-333-1234567", "+39(333)1234567", "393331234567", "00393331234567"],
)
async def test_spaces_dashes_brackets_and_a_missing_plus_are_wrong(
    stub: MessageStub, number: str
) -> None:
    assert await reasons(stub, recipient=number) == ["RECIPIENT_NOT_E164"]


async def test_wrong_recipients_are_classed_as_such_each_with_a_reason(stub: MessageStub) -> None:
    numbers = ["+39 333 1234567", ITALIAN, "+999123456789", "+390612345678", "+3933"]
    items = [pb.BatchItem(recipient=number) for number in numbers]
    answer = await stub.SendBatch(pb.SendBatchRequest(text="Ciao!", items=items))
    assert answer.accepted_count == 1
    assert {(wrong.recipient, wrong.reason) for wrong in answer.invalid_recipients} == {
        ("+39 333 1234567", "RECIPIENT_NOT_E164"),
        ("+999123456789", "RECIPIENT_UNKNOWN_COUNTRY"),
        ("+390612345678", "RECIPIENT_CANNOT_RECEIVE_SMS"),
        ("+3933", "RECIPIENT_NOT_E164"),
    }


# Texts


@pytest.mark.parametrize(
    ("text", "encoding", "segments"),
    [
        ("a" * 160, message_pb2.ENCODING_GSM7, 1),
        ("a" * 161, message_pb2.ENCODING_GSM7, 2),
        ("a" * 306, message_pb2.ENCODING_GSM7, 2),
        ("a" * 307, message_pb2.ENCODING_GSM7, 3),
        ("я" * 70, message_pb2.ENCODING_UCS2, 1),
        ("я" * 71, message_pb2.ENCODING_UCS2, 2),
        ("я" * 134, message_pb2.ENCODING_UCS2, 2),
        ("я" * 135, message_pb2.ENCODING_UCS2, 3),
    ],
)
async def test_a_text_is_cut_at_160_and_153_or_70_and_67(
    stub: MessageStub, text: str, encoding: int, segments: int
) -> None:
    sent = (await stub.SendMessage(request(text=text))).message
    assert (sent.encoding, sent.segments) == (encoding, segments)


async def test_a_text_of_several_segments_is_refused_where_one_is_wanted(
    gateway: Gateway,
) -> None:
    wanted = pb.SendOptions(fail_on_multiple_messages=True)
    long = request(text="a" * 161, options=wanted)
    refusal = await refused(gateway.stub.SendMessage(long))
    assert refusal.reason == "MULTIPLE_SEGMENTS"
    assert await gateway.message_count() == 0
    await gateway.stub.SendMessage(request(text="a" * 160, options=wanted))


async def test_a_dry_run_tells_segments_and_cost_and_does_nothing(gateway: Gateway) -> None:
    options = pb.SendOptions(dry_run=True)
    told = (await gateway.stub.SendMessage(request(text="a" * 161, options=options))).message
    assert (told.segments, told.total_price) == (2, euros("0.072"))
    assert (told.id, await gateway.message_count()) == ("", 0)
    operator = await Operator.at(gateway)
    reader = await operator.key("local", accounts.SCOPE_READ)
    used = (await reader.usage.GetUsage(usage.GetUsageRequest())).total
    assert (used.messages, used.paid_requests, list(used.costs)) == (0, 0, [])
    assert used.free_requests >= 1


# Statuses


def test_there_are_exactly_six_statuses() -> None:
    values = message_pb2.MessageStatus.keys()
    names = [name.removeprefix("MESSAGE_STATUS_") for name in values]
    assert names == [
        "UNSPECIFIED",
        "NEW",
        "PENDING",
        "UNDELIVERABLE",
        "DELIVERED",
        "EXPIRED",
        "REJECTED",
    ]


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("900", message_pb2.MESSAGE_STATUS_DELIVERED),
        ("901", message_pb2.MESSAGE_STATUS_UNDELIVERABLE),
        ("903", message_pb2.MESSAGE_STATUS_REJECTED),
        ("905", message_pb2.MESSAGE_STATUS_EXPIRED),
    ],
)
async def test_a_message_is_looked_up_by_its_id_to_its_end(
    stub: MessageStub, ending: str, status: int
) -> None:
    sent = await stub.SendMessage(request(recipient=f"+393331234{ending}"))
    assert sent.message.status == message_pb2.MESSAGE_STATUS_NEW
    found = await until_final(stub, sent)
    assert found.status == status
    assert found.HasField("final_time")


async def test_delivery_is_tried_for_48_hours(stub: MessageStub) -> None:
    sent = (await stub.SendMessage(request())).message
    assert sent.expire_time.ToSeconds() - sent.create_time.ToSeconds() == 48 * 3600
    longer = pb.SendOptions(validity_period=Duration(seconds=48 * 3600 + 1))
    assert await reasons(stub, options=longer) == ["INVALID_DURATION"]


# Prices


@pytest.mark.parametrize(
    ("mode", "recipient", "price"),
    [
        (SUBSCRIPTION, ITALIAN, "0.036"),
        (PREPAID, ITALIAN, "0.049"),
        (SUBSCRIPTION, SPANISH, "0.027"),
        (PREPAID, SPANISH, "0.039"),
    ],
)
async def test_italy_and_spain_have_a_flat_price_in_each_billing_mode(
    gateway: Gateway, mode: int, recipient: str, price: str
) -> None:
    operator = await Operator.at(gateway)
    await operator.account("acme", billing_mode=mode)
    caller = await operator.key("acme", accounts.SCOPE_SEND, accounts.SCOPE_READ)
    estimate = await caller.messages.EstimateMessage(
        pb.EstimateMessageRequest(recipient=recipient, text="a" * 161)
    )
    assert estimate.price_exact
    assert estimate.price_per_segment == euros(price)
    found = await caller.pricing.LookupNumber(pricing.LookupNumberRequest(recipient=recipient))
    assert (found.price_per_segment, found.price_exact) == (euros(price), True)


async def test_every_destination_has_a_price_or_the_plain_statement_that_none_is_known(
    gateway: Gateway,
) -> None:
    operator = await Operator.at(gateway)
    reader = await operator.key("local", accounts.SCOPE_READ)
    listed = await reader.pricing.ListDestinations(pricing.ListDestinationsRequest())
    assert listed.total_count == len(listed.destinations) == 254
    priced = {d.country for d in listed.destinations if d.HasField("max_price_per_segment")}
    assert priced == {"IT", "ES"}
    for place in listed.destinations:
        unknown = place.price_status == message_pb2.PRICE_STATUS_UNKNOWN
        assert unknown is (place.country not in priced)
        assert place.flat_price is (place.country in priced)


async def test_a_prepaid_account_cannot_spend_more_than_its_balance(gateway: Gateway) -> None:
    operator = await Operator.at(gateway)
    await operator.account("acme", billing_mode=PREPAID)
    caller = await operator.key("acme", *ALL_BUT_ADMIN)
    top_up = accounts.TopUpRequest(account_id="acme", amount=euros("0.1"), request_id="r1")
    await operator.caller.accounts.TopUp(top_up)
    for _ in range(2):
        await caller.messages.SendMessage(request())
    refusal = await refused(caller.messages.SendMessage(request()))
    assert refusal.reason == "INSUFFICIENT_BALANCE"
    assert dict(refusal.info.metadata) == {
        "balance": "0.002",
        "required": "0.049",
        "currency": "EUR",
    }


async def test_a_bundle_is_used_before_anything_is_charged(gateway: Gateway) -> None:
    operator = await Operator.at(gateway)
    await operator.account("acme", bundle=accounts.Bundle(segments_per_month=3))
    caller = await operator.key("acme", *ALL_BUT_ADMIN)
    for _ in range(2):
        await caller.messages.SendMessage(request(text="a" * 161))
    standing = (await operator.shown("acme")).standing
    assert (standing.bundle.segments_used, standing.bundle.segments_remaining) == (3, 0)
    assert standing.budget.spent == euros("0.036")


# Content


async def test_a_forbidden_word_is_refused_and_suspends_where_it_shall(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(forbidden_words=("casino",))
    operator = await Operator.at(gateway)
    content = accounts.ContentPolicy(suspend_account=True)
    await operator.account("acme", policy=accounts.AccountPolicy(content=content))
    caller = await operator.key("acme", *ALL_BUT_ADMIN)
    refusal = await refused(caller.messages.SendMessage(request(text="Best CASINO in town")))
    assert refusal.reason == "FORBIDDEN_CONTENT"
    again = await refused(caller.messages.SendMessage(request()))
    assert (again.code, again.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "ACCOUNT_SUSPENDED",
    )
    assert (await operator.shown("acme")).account.state == accounts.ACCOUNT_STATE_SUSPENDED


# One-time passwords


async def test_a_code_is_sent_by_the_default_sender_in_the_language_of_the_country(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    otp_file = tmp_path / "otp.jsonl"
    gateway = await start_gateway(simulator_otp_file=str(otp_file))
    operator = await Operator.at(gateway)
    caller = await operator.tenant("acme")
    sent = await caller.otp.SendOTP(otp.SendOTPRequest(recipient=ITALIAN))
    assert sent.message.sender == "OTP MOBILE"
    assert sent.verification.locale == "it"
    code = await code_sent(otp_file, sent)
    assert len(code) == 6
    assert code.isdigit()
    checked = await caller.otp.VerifyOTP(
        otp.VerifyOTPRequest(verification_id=sent.verification.id, code=code)
    )
    assert checked.result == otp.VERIFY_RESULT_APPROVED


@pytest.mark.parametrize("length", [4, 10])
async def test_a_code_has_4_to_10_digits_or_letters(gateway: Gateway, length: int) -> None:
    operator = await Operator.at(gateway)
    caller = await operator.tenant("acme")
    wanted = otp.SendOTPRequest(
        recipient=ITALIAN, length=length, alphabet=otp.CODE_ALPHABET_ALPHANUMERIC
    )
    assert (await caller.otp.SendOTP(wanted)).verification.length == length
    for wrong in (3, 11):
        refusal = await refused(
            caller.otp.SendOTP(otp.SendOTPRequest(recipient=SPANISH, length=wrong))
        )
        assert refusal.fields == ["length"]


# Usage


async def test_usage_counts_free_and_paid_requests_by_month_and_year_with_a_text(
    gateway: Gateway,
) -> None:
    operator = await Operator.at(gateway)
    caller = await operator.tenant("acme")
    await caller.messages.SendMessage(request())
    await caller.messages.SendMessage(request(options=pb.SendOptions(dry_run=True)))
    await caller.messages.EstimateMessage(pb.EstimateMessageRequest(text="a"))
    for granularity, periods in (
        (usage.USAGE_GRANULARITY_MONTH, 12),
        (usage.USAGE_GRANULARITY_YEAR, 5),
    ):
        wanted = usage.GetUsageRequest(granularity=granularity)
        found = await caller.usage.GetUsage(wanted)
        assert len(found.series[0].periods) == periods
        total = found.total
        assert (total.paid_requests, total.messages, total.segments) == (1, 1, 1)
        assert total.free_requests >= 2
        assert list(total.costs) == [euros("0.036")]
        assert "Messages" in found.summary
        assert all(len(line) <= 80 for line in found.summary.splitlines())


# Who may see what


async def test_one_account_never_sees_anothers_messages(gateway: Gateway) -> None:
    operator = await Operator.at(gateway)
    one, other = await operator.tenant("one"), await operator.tenant("other")
    sent = await one.messages.SendMessage(request())
    refusal = await refused(other.messages.GetMessage(pb.GetMessageRequest(id=sent.message.id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "MESSAGE_NOT_FOUND")
    assert await all_messages(other.messages) == []
    assert len(await all_messages(one.messages)) == 1
