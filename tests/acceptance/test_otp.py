"""OTPService: what its comments in the contract promise, but for its limits."""

import asyncio
import logging
import re
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message as ProtoMessage
from google.type.money_pb2 import Money
from tests.acceptance import otp_setup
from tests.acceptance.accounts_setup import OTP, READ, SEND, Operator
from tests.acceptance.otp_setup import (
    ALPHANUMERIC,
    ALREADY_USED,
    APPROVED,
    CANCELLED,
    EXHAUSTED,
    EXPIRED,
    INCORRECT,
    NUMERIC,
    STATE_APPROVED,
    STATE_CANCELLED,
    STATE_EXHAUSTED,
    STATE_EXPIRED,
    STATE_PENDING,
    OtpGateway,
    StartOtp,
    a_request,
    code_in,
    other_codes,
    results,
    until_taken,
    wrong,
)
from tests.acceptance.reading import (
    DELIVERED,
    ITALIAN,
    NEW,
    REFUSED_FOR_EVER,
    REJECTED,
    UNDELIVERABLE,
    UNREACHABLE,
    answer_or_refusal,
    next_response,
    opened,
    read_to_end,
    refusal_of_call,
    refused,
    steps,
    until_final,
)
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import account_service_pb2, message_pb2, message_service_pb2, otp_service_pb2_grpc
from smsgate.v1 import otp_service_pb2 as pb

start_otp, codes = otp_setup.start_otp, otp_setup.codes

AUSTRIAN = "+436641234567"
UNKNOWN = "01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f"
APP_HASH = "FA+9qCX9VSu"
MESSAGE_EXPIRED = message_pb2.MESSAGE_STATUS_EXPIRED
EURO_CENTS = Money(currency_code="EUR", nanos=36_000_000)

# The waits that the settings have if nothing else is said, after the first, the second, … send.
COOL_DOWNS = (30, 60, 120, 120)


def a_ttl(seconds: float) -> Duration:
    made = Duration()
    made.FromTimedelta(timedelta(seconds=seconds))
    return made


def life_of(verification: pb.Verification) -> timedelta:
    begin = verification.create_time.ToDatetime()
    return verification.expire_time.ToDatetime() - begin


def pushback_of(error: grpc.aio.AioRpcError) -> int:
    """In milliseconds, as the library's own retries read it."""
    (value,) = [v for key, v in error.trailing_metadata() or () if key == "grpc-retry-pushback-ms"]
    return int(value)


# Sending: the answer


async def test_a_recipient_is_all_that_is_needed(codes: OtpGateway) -> None:
    before = datetime.now(UTC)
    sent = await codes.send()
    verification = sent.verification
    assert uuid.UUID(verification.id).version == 7
    assert str(uuid.UUID(verification.id)) == verification.id
    assert verification.state == STATE_PENDING
    assert (verification.recipient, verification.country) == (ITALIAN, "IT")
    assert (verification.purpose, verification.brand) == ("", "")
    assert (verification.length, verification.alphabet) == (6, NUMERIC)
    assert (verification.locale, verification.sender) == ("it", "OTP MOBILE")
    assert before <= verification.create_time.ToDatetime(UTC) <= datetime.now(UTC)
    assert verification.update_time == verification.create_time
    assert life_of(verification) == timedelta(minutes=5)
    assert not verification.HasField("final_time")
    assert (verification.attempts_remaining, verification.attempts_used) == (5, 0)
    assert verification.sends_remaining == 4
    next_send = verification.next_send_time.ToDatetime(UTC)
    assert next_send - verification.create_time.ToDatetime(UTC) == timedelta(seconds=30)
    assert (verification.client_reference, dict(verification.labels)) == ("", {})
    assert (sent.reused, sent.replayed, bool(sent.cursor)) == (False, False, True)


async def test_the_message_comes_with_the_answer_before_a_carrier_has_it(
    codes: OtpGateway,
) -> None:
    sent = await codes.send()
    message, verification = sent.message, sent.verification
    assert (message.status, message.reason) == (NEW, message_pb2.STATUS_REASON_ACCEPTED)
    assert (message.otp, message.verification_id) == (True, verification.id)
    assert (message.recipient, message.sender) == (ITALIAN, "OTP MOBILE")
    assert message.create_time == verification.create_time
    assert (message.encoding, message.segments) == (message_pb2.ENCODING_GSM7, 1)
    assert message.total_price == message.price_per_segment == EURO_CENTS
    assert message.on_unknown_submit == message_pb2.UNKNOWN_SUBMIT_POLICY_AT_LEAST_ONCE
    assert list(verification.message_ids) == [message.id]
    (send,) = verification.sends
    assert (send.message_id, send.channel) == (message.id, pb.VERIFICATION_CHANNEL_SMS)
    assert (send.status, send.reason) == (message.status, message.reason)
    assert (send.create_time, send.update_time) == (message.create_time, message.update_time)


async def test_all_that_was_asked_for_is_in_the_verification_and_its_message(
    codes: OtpGateway,
) -> None:
    sent = await codes.send(
        purpose="sign-up.v2_a",
        length=8,
        alphabet=ALPHANUMERIC,
        ttl=a_ttl(120),
        locale="de-AT",
        brand="Acme & Söhne",
        sender="Acme",
        client_reference="order 4711",
        labels={"team": "a", "env": ""},
        channel=pb.VERIFICATION_CHANNEL_SMS,
        on_unknown_submit=message_pb2.UNKNOWN_SUBMIT_POLICY_AT_MOST_ONCE,
        max_price=EURO_CENTS,
    )
    verification, message = sent.verification, sent.message
    assert verification.purpose == "sign-up.v2_a"
    assert (verification.length, verification.alphabet) == (8, ALPHANUMERIC)
    assert life_of(verification) == timedelta(seconds=120)
    assert (verification.locale, verification.brand) == ("de", "Acme & Söhne")
    assert verification.sender == message.sender == "Acme"
    assert verification.client_reference == message.client_reference == "order 4711"
    assert dict(verification.labels) == dict(message.labels) == {"team": "a", "env": ""}
    assert message.on_unknown_submit == message_pb2.UNKNOWN_SUBMIT_POLICY_AT_MOST_ONCE
    assert "Acme & Söhne" in message.text
    assert "2 Min" in message.text
    shown = await codes.shown(verification.id)
    unmoved = pb.Verification()
    for each in (verification, shown):
        unmoved.CopyFrom(each)
        for changing in ("update_time", "sends"):
            unmoved.ClearField(changing)
        each.CopyFrom(unmoved)
    assert shown == verification


async def test_the_language_is_that_asked_for_or_that_of_the_country_or_english(
    codes: OtpGateway,
) -> None:
    words = {
        **{"it": "Il tuo codice", "de": "Ihr Bestätigungscode", "es": "Tu clave"},
        **{"fr": "Votre code", "pt": "Use {code}", "nb": "Bekreftelseskoden", "en": "Your"},
    }
    for recipient, locale, used in (
        (ITALIAN, "", "it"),
        (AUSTRIAN, "", "de"),
        ("+34612345678", "", "es"),
        ("+12015550123", "", "en"),
        ("+819012345678", "", "en"),
        (ITALIAN, "fr", "fr"),
        (ITALIAN, "pt-BR", "pt"),
        (ITALIAN, "DE_ch", "de"),
        (ITALIAN, "no", "nb"),
        (ITALIAN, "ja", "en"),
    ):
        sent = await codes.send(recipient=recipient, locale=locale, dry_run=True)
        assert sent.verification.locale == used, (recipient, locale)
        assert sent.message.text.startswith(words[used])


# Sending: the text and the code


async def test_the_carrier_gets_the_template_with_a_code_of_its_length_and_alphabet(
    codes: OtpGateway,
) -> None:
    recipients = (f"+3933312300{n:02d}" for n in range(99))
    for length, (alphabet, characters) in product(
        (4, 6, 10), ((NUMERIC, "0-9"), (ALPHANUMERIC, "2-9A-HJ-NP-Z"))
    ):
        sent = await codes.send(
            recipient=next(recipients), length=length, alphabet=alphabet, brand="Acme"
        )
        assert sent.message.text.count("{code}") == 1
        text = await codes.carried(sent)
        code = code_in(text, sent.message.text)
        assert re.fullmatch(f"[{characters}]{{{length}}}", code)
        assert text == sent.message.text.replace("{code}", code)
        assert (sent.message.characters, "Acme" in text) == (len(text), True)


async def test_codes_differ_from_verification_to_verification(codes: OtpGateway) -> None:
    seen = set()
    for n in range(5):
        sent = await codes.send(purpose=f"p{n}", length=10, alphabet=ALPHANUMERIC)
        seen.add(await codes.code(sent))
    assert len(seen) == 5


async def test_for_a_web_page_the_last_line_binds_the_code_to_its_host(codes: OtpGateway) -> None:
    sent = await codes.send(web_origin="login.example.com", brand="Acme")
    assert sent.message.text.splitlines()[-1] == "@login.example.com #{code}"
    text = await codes.carried(sent)
    code = code_in(text, sent.message.text)
    first, last = text.split("\n")
    assert last == f"@login.example.com #{code}"
    assert code in first
    assert (sent.message.segments, sent.message.characters) == (1, len(text))
    assert (await codes.verify(sent.verification.id, code)).result == APPROVED


async def test_for_an_android_app_the_last_line_is_its_hash_within_140_bytes(
    codes: OtpGateway,
) -> None:
    sent = await codes.send(android_app_hash=APP_HASH, length=10, brand="W" * 20)
    text = await codes.carried(sent)
    assert text.split("\n")[1:] == [APP_HASH]
    assert len(text.encode()) <= 140
    assert sent.message.segments == 1


async def test_a_text_for_a_machine_that_does_not_fit_is_refused(codes: OtpGateway) -> None:
    for fields, field in (
        ({"web_origin": f"{'a' * 60}.{'b' * 60}.com"}, "web_origin"),
        ({"android_app_hash": APP_HASH, "brand": "€" * 20}, "android_app_hash"),
        ({"web_origin": f"{'a' * 30}.com", "brand": "€" * 20}, "web_origin"),
    ):
        refusal = await refused(codes.otp.SendOTP(a_request(**fields)))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.reasons == {field: "MULTIPLE_SEGMENTS"}
    assert await codes.gateway.message_count() == 0


async def test_a_text_for_a_web_page_that_fits_is_one_segment(codes: OtpGateway) -> None:
    for host in ("a.it", "localhost", f"{'w' * 26}.com"):
        sent = await codes.send(web_origin=host, length=10, brand="W" * 20, dry_run=True)
        assert sent.message.segments == 1
        assert sent.message.text.endswith(f"\n@{host} #{{code}}")


async def test_an_operator_chooses_the_sender_of_codes_that_name_none(
    start_otp: StartOtp,
) -> None:
    codes = await start_otp(otp_sender="Codes", default_sender="Gateway 1")
    sent = await codes.send()
    assert (sent.verification.sender, sent.message.sender) == ("Codes", "Codes")
    named = await codes.send(purpose="other", sender="Acme")
    assert named.message.sender == "Acme"


async def test_the_sender_of_an_accounts_messages_is_not_that_of_its_codes(
    codes: OtpGateway,
) -> None:
    operator = await Operator.at(codes.gateway)
    caller = await operator.tenant("shop")
    await operator.change("shop", default_sender="Shop")
    sent = await caller.otp.SendOTP(a_request())
    assert sent.message.sender == "OTP MOBILE"


async def test_a_code_whose_submit_was_lost_is_submitted_again(codes: OtpGateway) -> None:
    sent = await codes.send(recipient="+393331234913")
    assert (await until_final(codes.messages, sent)).status == DELIVERED


# The code is nowhere


async def test_the_code_is_in_no_answer_no_stream_no_log_and_not_in_the_store(
    codes: OtpGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    # Long enough never to come up by chance.
    sent = await codes.send(length=10, alphabet=ALPHANUMERIC, web_origin="a.it", request_id="r1")
    id, code = sent.verification.id, await codes.code(sent)
    await until_final(codes.messages, sent)
    stub = codes.messages
    answers: list[ProtoMessage] = [sent, await codes.send(request_id="r1", **_same_as_above())]
    answers.append(await codes.verify(id, "2" * 10, request_id="v1"))
    answers.append(await codes.shown(id))
    codes.clock.forward(timedelta(seconds=31))
    answers.append(await codes.send())
    answers.append(await codes.verify(id, code, request_id="v2"))
    answers.append(await codes.cancel(id))
    get = message_service_pb2.GetMessageRequest(id=sent.message.id, include_history=True)
    found = await stub.GetMessage(get)
    answers += [found, await stub.ListMessages(message_service_pb2.ListMessagesRequest())]
    assert found.message.text == sent.message.text
    assert "{code}" in found.message.text
    stream = stub.StreamStatus(
        message_service_pb2.StreamStatusRequest(
            from_earliest=True,
            filter=message_service_pb2.StatusFilter(message_ids=[sent.message.id]),
            end_when_all_terminal=True,
        )
    )
    answers += await read_to_end(stream)
    for answer in answers:
        assert code.encode() not in answer.SerializeToString()
    await codes.gateway.stop()
    assert _files_with(code, tmp_path) == {codes.file.name}
    assert caplog.records
    assert code not in caplog.text


def _files_with(code: str, directory: Path) -> set[str]:
    files = {file.name: file.read_bytes() for file in directory.iterdir()}
    assert files.keys() >= {"messages-1.db", "otp-keys"}
    return {name for name, content in files.items() if code.encode() in content}


def _same_as_above() -> dict[str, Any]:
    return {"length": 10, "alphabet": ALPHANUMERIC, "web_origin": "a.it"}


async def test_the_texts_are_for_the_user_of_the_server_alone(codes: OtpGateway) -> None:
    await codes.carried(await codes.send())
    assert codes.file.stat().st_mode & 0o077 == 0
    assert codes.file.with_name("otp-keys").stat().st_mode & 0o077 == 0


# Sending again


async def test_the_same_code_is_sent_again_and_lives_no_longer(codes: OtpGateway) -> None:
    first = await codes.send(length=10, alphabet=ALPHANUMERIC)
    code = await codes.code(first)
    codes.clock.forward(timedelta(seconds=COOL_DOWNS[0]))
    again = await codes.send()
    assert (again.reused, again.replayed) == (True, False)
    assert again.verification.id == first.verification.id
    assert again.verification.create_time == first.verification.create_time
    assert again.verification.expire_time == first.verification.expire_time
    assert again.verification.update_time.ToDatetime() > first.verification.update_time.ToDatetime()
    ids = [first.message.id, again.message.id]
    assert list(again.verification.message_ids) == ids
    assert [send.message_id for send in again.verification.sends] == ids
    assert len(set(ids)) == 2
    assert await codes.code(again) == code
    assert (await codes.verify(first.verification.id, code)).result == APPROVED


async def test_each_send_makes_the_next_wait_longer_until_none_is_left(codes: OtpGateway) -> None:
    sent = await codes.send(ttl=a_ttl(600))
    for n, wait in enumerate(COOL_DOWNS, start=1):
        verification = sent.verification
        assert verification.sends_remaining == 5 - n
        due = sent.message.create_time.ToDatetime() + timedelta(seconds=wait)
        assert verification.next_send_time.ToDatetime() == due
        codes.clock.forward(timedelta(seconds=wait))
        sent = await codes.send()
        assert len(sent.verification.message_ids) == n + 1
    assert (sent.verification.sends_remaining, sent.verification.state) == (0, STATE_PENDING)
    assert not sent.verification.HasField("next_send_time")
    codes.clock.forward(timedelta(seconds=200))
    refusal = await refused(codes.otp.SendOTP(a_request()))
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "OTP_LIMIT",
    )
    assert refusal.retry is not None
    # It always ends: with the life of the code, at the latest.
    codes.clock.forward(refusal.retry.retry_delay.ToTimedelta())
    refusal = await refused(codes.otp.SendOTP(a_request()))
    assert refusal.info.metadata["limit"] == "otp_recipient"
    fresh = await codes.send(recipient="+393331234568")
    assert fresh.verification.sends_remaining == 4


async def test_when_the_sends_are_used_up_the_end_of_its_life_makes_room(
    start_otp: StartOtp,
) -> None:
    codes = await start_otp(otp_sends=2, otp_cool_down_seconds=(10,))
    first = await codes.send()
    codes.clock.forward(timedelta(seconds=10))
    await codes.send()
    codes.clock.forward(timedelta(seconds=10))
    refusal = await refused(codes.otp.SendOTP(a_request()))
    assert refusal.reason == "OTP_LIMIT"
    assert refusal.quota is not None
    assert refusal.retry is not None
    delay = refusal.retry.retry_delay.ToTimedelta()
    assert timedelta(seconds=270) < delay <= timedelta(seconds=280)
    codes.clock.forward(delay)
    fresh = await codes.send()
    assert (fresh.reused, fresh.verification.id != first.verification.id) == (False, True)


async def test_inside_the_cool_down_it_is_refused_with_the_time_to_wait(codes: OtpGateway) -> None:
    sent = await codes.send()
    codes.clock.forward(timedelta(seconds=10))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await codes.send()
    refusal = refusal_of_call(caught.value)
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "OTP_COOL_DOWN",
    )
    assert refusal.info.metadata["verification_id"] == sent.verification.id
    assert refusal.retry is not None
    delay = refusal.retry.retry_delay.ToTimedelta()
    assert timedelta(seconds=15) < delay <= timedelta(seconds=20)
    assert pushback_of(caught.value) == -1, "too long to wait for inside of a call"
    assert await codes.gateway.message_count() == 1
    # Until then the code that was sent still works, and from then on it is sent again.
    codes.clock.forward(delay)
    assert (await codes.send()).reused


async def test_waits_are_as_the_settings_say(start_otp: StartOtp) -> None:
    codes = await start_otp(otp_cool_down_seconds=(0.001, 7))
    await codes.send()
    codes.clock.forward(timedelta(seconds=0.001))
    again = await codes.send()
    assert again.reused
    due = again.message.create_time.ToDatetime() + timedelta(seconds=7)
    assert again.verification.next_send_time.ToDatetime() == due


async def test_sent_again_only_what_the_message_shows_is_that_of_the_new_request(
    codes: OtpGateway,
) -> None:
    first = await codes.send(
        length=8, alphabet=ALPHANUMERIC, ttl=a_ttl(120), client_reference="a", labels={"n": "1"}
    )
    code = await codes.code(first)
    codes.clock.forward(timedelta(seconds=30))
    again = await codes.send(
        length=4,
        alphabet=NUMERIC,
        ttl=a_ttl(600),
        locale="en",
        brand="Acme",
        sender="Acme",
        web_origin="a.it",
    )
    shown = await codes.shown(first.verification.id)
    for verification in (again.verification, shown):
        assert (verification.length, verification.alphabet) == (8, ALPHANUMERIC)
        assert verification.expire_time == first.verification.expire_time
        assert verification.client_reference == "a"
        assert dict(verification.labels) == {"n": "1"}
        assert (verification.locale, verification.brand) == ("en", "Acme")
        assert verification.sender == "Acme"
    assert again.message.sender == "Acme"
    text = await codes.carried(again)
    assert text == again.message.text.replace("{code}", code)
    assert text.startswith("Your Acme verification code is")
    assert text.endswith(f"\n@a.it #{code}")
    # A minute and a half are left of it.
    assert "valid for 1 min" in text


async def test_what_is_wrong_with_a_request_is_found_though_the_code_is_sent_again(
    codes: OtpGateway,
) -> None:
    await codes.send()
    codes.clock.forward(timedelta(seconds=30))
    refusal = await refused(codes.otp.SendOTP(a_request(length=3, ttl=a_ttl(1))))
    assert refusal.reasons == {"length": "INVALID_FIELD", "ttl": "INVALID_DURATION"}


async def test_no_time_to_send_again_is_given_that_comes_after_its_end(codes: OtpGateway) -> None:
    sent = await codes.send(ttl=a_ttl(30))
    assert not sent.verification.HasField("next_send_time")
    codes.clock.forward(timedelta(seconds=30))
    fresh = await codes.send()
    assert (fresh.reused, fresh.verification.id != sent.verification.id) == (False, True)


@pytest.mark.parametrize("ending", ["approved", "exhausted", "cancelled", "expired"])
async def test_after_the_end_a_new_verification_with_a_new_code_begins_at_once(
    codes: OtpGateway, ending: str
) -> None:
    first = await codes.send(length=10)
    id, code = first.verification.id, await codes.code(first)
    if ending == "approved":
        await codes.verify(id, code)
    elif ending == "exhausted":
        for other in other_codes(code, 5):
            await codes.verify(id, other)
    elif ending == "cancelled":
        await codes.cancel(id)
    else:
        codes.clock.forward(timedelta(minutes=5))
    fresh = await codes.send(length=10)
    assert (fresh.reused, fresh.verification.state) == (False, STATE_PENDING)
    assert fresh.verification.id > id
    assert (fresh.verification.attempts_remaining, fresh.verification.sends_remaining) == (5, 4)
    new_code = await codes.code(fresh)
    assert new_code != code
    assert (await codes.verify(fresh.verification.id, code)).result == INCORRECT
    assert (await codes.verify(fresh.verification.id, new_code)).result == APPROVED
    assert (await codes.shown(id)).state != STATE_PENDING


async def test_purposes_do_not_touch_one_another(codes: OtpGateway) -> None:
    sent = [await codes.send(purpose=purpose) for purpose in ("", "login", "payment")]
    assert len({each.verification.id for each in sent}) == 3
    assert not any(each.reused for each in sent)
    _, login, payment = sent
    for other in other_codes(await codes.code(login), 5):
        await codes.verify(login.verification.id, other)
    await codes.cancel(payment.verification.id)
    code = await codes.code(sent[0])
    answer = await codes.otp.VerifyOTP(pb.VerifyOTPRequest(recipient=ITALIAN, code=code))
    assert answer.result == APPROVED
    assert answer.verification.id == sent[0].verification.id


async def test_of_many_sends_at_once_to_one_recipient_one_sends(codes: OtpGateway) -> None:
    outcomes = await asyncio.gather(
        *(codes.send(purpose="login") for _ in range(200)), return_exceptions=True
    )
    answers = [o for o in outcomes if isinstance(o, pb.SendOTPResponse)]
    errors = [refusal_of_call(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    (sent,) = answers
    assert [error.reason for error in errors] == ["OTP_COOL_DOWN"] * 199
    assert {e.info.metadata["verification_id"] for e in errors} == {sent.verification.id}
    assert await codes.gateway.message_count() == 1
    await codes.carried(sent)
    assert len(codes.texts(recipient=ITALIAN)) == 1


# Sending: what is refused


@pytest.mark.parametrize("policy", ["strict", "possible"])
async def test_landlines_premium_numbers_and_all_that_take_no_sms_are_refused(
    start_otp: StartOtp, policy: str
) -> None:
    codes = await start_otp(recipient_policy=policy)
    for recipient, reason in (
        ("", "FIELD_REQUIRED"),
        ("+39 333 1234567", "RECIPIENT_NOT_E164"),
        ("3331234567", "RECIPIENT_NOT_E164"),
        ("+999333123456", "RECIPIENT_UNKNOWN_COUNTRY"),
        ("+3933312", "RECIPIENT_NOT_POSSIBLE"),
        ("+12005551234", "RECIPIENT_NOT_VALID"),
        # A landline, premium rate, toll-free, premium rate in other countries.
        ("+390612345678", "RECIPIENT_CANNOT_RECEIVE_SMS"),
        ("+39899123456", "RECIPIENT_CANNOT_RECEIVE_SMS"),
        ("+39800123456", "RECIPIENT_CANNOT_RECEIVE_SMS"),
        ("+449012345678", "RECIPIENT_CANNOT_RECEIVE_SMS"),
        ("+19002345678", "RECIPIENT_CANNOT_RECEIVE_SMS"),
    ):
        refusal = await refused(codes.otp.SendOTP(a_request(recipient=recipient)))
        assert refusal.reasons == {"recipient": reason}, recipient


async def test_every_violation_is_reported_at_once(codes: OtpGateway) -> None:
    request = a_request(
        recipient="39",
        purpose="Log in",
        length=3,
        alphabet=9,
        ttl=a_ttl(29),
        locale="english please",
        brand="x" * 21,
        web_origin="https://example.com/",
        sender="x",
        request_id="with space",
        client_reference="x" * 129,
        labels={"team name": "a"},
        max_price=Money(currency_code="eur", units=1),
        on_unknown_submit=9,
        channel=9,
    )
    refusal = await refused(codes.otp.SendOTP(request))
    assert refusal.reasons == {
        "recipient": "RECIPIENT_NOT_E164",
        "purpose": "INVALID_FIELD",
        "length": "INVALID_FIELD",
        "alphabet": "INVALID_FIELD",
        "ttl": "INVALID_DURATION",
        "locale": "INVALID_FIELD",
        "brand": "INVALID_FIELD",
        "web_origin": "INVALID_FIELD",
        "sender": "INVALID_SENDER",
        "request_id": "INVALID_REQUEST_ID",
        "client_reference": "FIELD_TOO_LONG",
        'labels["team name"]': "INVALID_LABEL",
        "max_price": "INVALID_MONEY",
        "on_unknown_submit": "INVALID_FIELD",
        "channel": "INVALID_FIELD",
    }
    assert await codes.gateway.message_count() == 0
    request.dry_run = True
    assert await refused(codes.otp.SendOTP(request)) == refusal


async def test_what_a_field_can_not_be_is_refused(codes: OtpGateway) -> None:
    for name, value, reason in (
        ("length", 3, "INVALID_FIELD"),
        ("length", 11, "INVALID_FIELD"),
        ("length", 2**32 - 1, "INVALID_FIELD"),
        ("ttl", Duration(seconds=0), "INVALID_DURATION"),
        ("ttl", Duration(seconds=-60), "INVALID_DURATION"),
        ("ttl", Duration(seconds=29, nanos=999_999_000), "INVALID_DURATION"),
        ("ttl", Duration(seconds=600, nanos=1_000), "INVALID_DURATION"),
        ("ttl", Duration(seconds=60, nanos=-1), "INVALID_DURATION"),
        ("brand", "商店", "INVALID_FIELD"),
        ("brand", "a{code}", "INVALID_FIELD"),
        ("brand", "a\nb", "INVALID_FIELD"),
        ("web_origin", "", "INVALID_FIELD"),
        ("web_origin", "Example.com", "INVALID_FIELD"),
        ("web_origin", "example.com:443", "INVALID_FIELD"),
        ("android_app_hash", "", "INVALID_FIELD"),
        ("android_app_hash", "x" * 12, "INVALID_FIELD"),
        ("alphabet", 3, "INVALID_FIELD"),
        ("channel", 2, "INVALID_FIELD"),
        ("on_unknown_submit", 3, "INVALID_FIELD"),
        ("purpose", "x" * 33, "INVALID_FIELD"),
    ):
        refusal = await refused(codes.otp.SendOTP(a_request(**{name: value})))
        assert refusal.reasons == {name: reason}, value


async def test_a_code_lives_from_30_seconds_to_10_minutes(codes: OtpGateway) -> None:
    for seconds in (30, 600):
        sent = await codes.send(ttl=a_ttl(seconds), dry_run=True)
        assert life_of(sent.verification) == timedelta(seconds=seconds)


async def test_max_price_refuses_what_costs_more_or_is_not_known_or_is_in_another_currency(
    codes: OtpGateway,
) -> None:
    for price, recipient, reason in (
        (Money(currency_code="EUR", nanos=35_999_000), ITALIAN, "PRICE_ABOVE_MAXIMUM"),
        (Money(currency_code="USD", units=9), ITALIAN, "PRICE_ABOVE_MAXIMUM"),
        (Money(currency_code="EUR", units=9), AUSTRIAN, "PRICE_UNKNOWN"),
    ):
        request = a_request(recipient=recipient, max_price=price)
        refusal = await refused(codes.otp.SendOTP(request))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert await codes.gateway.message_count() == 0


# Dry runs


async def test_a_dry_run_forecasts_and_stores_nothing(codes: OtpGateway) -> None:
    dry = await codes.send(purpose="login", web_origin="a.it", dry_run=True, request_id="r1")
    assert (dry.verification.id, dry.message.id, dry.cursor) == ("", "", "")
    assert dry.message.verification_id == ""
    assert (dry.reused, dry.replayed) == (False, False)
    assert dry.verification.state == STATE_PENDING
    assert (dry.message.segments, dry.message.total_price) == (1, EURO_CENTS)
    assert dry.message.text.endswith("\n@a.it #{code}")
    assert await codes.gateway.message_count() == 0
    named = pb.VerifyOTPRequest(recipient=ITALIAN, purpose="login", code="123456")
    assert (await refused(codes.otp.VerifyOTP(named))).reason == "VERIFICATION_NOT_FOUND"
    # It uses up neither its request id nor the cool-down.
    sent = await codes.send(purpose="login", web_origin="a.it", request_id="r1")
    assert (sent.replayed, sent.message.text) == (False, dry.message.text)


async def test_a_dry_run_while_one_is_pending_says_what_a_send_would(codes: OtpGateway) -> None:
    sent = await codes.send()
    early = await refused(codes.otp.SendOTP(a_request(dry_run=True)))
    assert early.reason == "OTP_COOL_DOWN"
    codes.clock.forward(timedelta(seconds=30))
    dry = await codes.send(dry_run=True)
    assert (dry.reused, dry.verification.id, dry.message.id) == (True, "", "")
    assert dry.verification.expire_time == sent.verification.expire_time
    shown = await codes.shown(sent.verification.id)
    assert (shown.sends_remaining, len(shown.message_ids)) == (4, 1)


async def test_a_dry_run_with_the_request_id_of_a_send_is_still_a_dry_run(
    codes: OtpGateway,
) -> None:
    await codes.send(request_id="r1")
    codes.clock.forward(timedelta(seconds=30))
    dry = await codes.send(request_id="r1", dry_run=True)
    assert (dry.replayed, dry.message.id) == (False, "")


# Repeated sends


async def test_a_repeat_sends_nothing_and_tells_how_it_stands_by_then(codes: OtpGateway) -> None:
    fields = {"request_id": str(uuid.uuid4()), "labels": {"a": "1"}, "brand": "Acme"}
    first = await codes.send(**fields)
    again = await codes.send(**fields)
    assert (again.replayed, again.reused) == (True, False)
    assert (again.verification.id, again.message.id) == (first.verification.id, first.message.id)
    final = await until_final(codes.messages, first)
    await codes.verify(first.verification.id, await codes.code(first))
    later = await codes.send(**fields)
    assert later.replayed
    assert later.message == final
    assert later.verification == await codes.shown(first.verification.id)
    assert (later.verification.state, later.verification.sends[0].status) == (
        STATE_APPROVED,
        DELIVERED,
    )
    codes.clock.forward(timedelta(hours=23))
    assert (await codes.send(**fields)).replayed
    assert await codes.gateway.message_count() == 1


async def test_a_repeat_of_what_was_sent_again_is_a_repeat(codes: OtpGateway) -> None:
    await codes.send()
    codes.clock.forward(timedelta(seconds=30))
    again = await codes.send(request_id="r2")
    repeated = await codes.send(request_id="r2")
    assert (again.reused, again.replayed, repeated.replayed) == (True, False, True)
    assert repeated.message.id == again.message.id
    assert await codes.gateway.message_count() == 2


async def test_the_same_request_id_with_other_content_is_a_conflict(codes: OtpGateway) -> None:
    await codes.send(request_id="r1")
    changes: tuple[dict[str, Any], ...] = (
        {"recipient": AUSTRIAN},
        {"purpose": "payment"},
        {"length": 7},
        {"alphabet": ALPHANUMERIC},
        {"ttl": a_ttl(301)},
        {"locale": "de"},
        {"brand": "Acme"},
        {"web_origin": "a.it"},
        {"android_app_hash": APP_HASH},
        {"sender": "Acme"},
        {"client_reference": "x"},
        {"labels": {"a": "b"}},
        {"max_price": Money(currency_code="EUR", units=1)},
        {"on_unknown_submit": message_pb2.UNKNOWN_SUBMIT_POLICY_AT_MOST_ONCE},
    )
    for change in changes:
        refusal = await refused(codes.otp.SendOTP(a_request(request_id="r1", **change)))
        assert refusal.code is grpc.StatusCode.ALREADY_EXISTS, change
        assert refusal.reason == "REQUEST_ID_CONFLICT"
    assert await codes.gateway.message_count() == 1


async def test_the_order_of_labels_does_not_make_another_request(codes: OtpGateway) -> None:
    labels = {f"label-{n}": str(n) for n in range(16)}
    first = await codes.send(request_id="r1", labels=labels)
    # As bytes, for a map of the library has an order of its own.
    plain = a_request(request_id="r1").SerializeToString()
    each = [pb.SendOTPRequest(labels={k: v}).SerializeToString() for k, v in labels.items()]
    call = codes.channel.unary_unary("/smsgate.v1.OTPService/SendOTP")
    for order in (each, each[::-1], each[7:] + each[:7]):
        answer = pb.SendOTPResponse.FromString(await call(plain + b"".join(order)))
        assert (answer.replayed, answer.message.id) == (True, first.message.id)


async def test_a_refused_call_does_not_use_up_its_request_id(codes: OtpGateway) -> None:
    await codes.send()
    assert (await refused(codes.otp.SendOTP(a_request(request_id="r1")))).reason == "OTP_COOL_DOWN"
    await refused(codes.otp.SendOTP(a_request(request_id="r1", length=3)))
    codes.clock.forward(timedelta(seconds=30))
    assert not (await codes.send(request_id="r1")).replayed


async def test_of_many_calls_at_once_with_one_request_id_one_sends(codes: OtpGateway) -> None:
    outcomes = await asyncio.gather(
        *(codes.send(request_id="r1") for _ in range(200)), return_exceptions=True
    )
    answers = [o for o in outcomes if isinstance(o, pb.SendOTPResponse)]
    errors = [refusal_of_call(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert len(answers) + len(errors) == 200
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.message.id for answer in answers}) == 1
    for error in errors:
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "REQUEST_IN_FLIGHT")
    assert await codes.gateway.message_count() == 1


# Checking


async def test_the_right_code_is_approved_once(codes: OtpGateway) -> None:
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    right = await codes.verify(id, code)
    assert (right.result, right.replayed) == (APPROVED, False)
    verification = right.verification
    assert (verification.id, verification.state) == (id, STATE_APPROVED)
    assert verification.final_time.ToDatetime() > verification.create_time.ToDatetime()
    assert (verification.attempts_used, verification.attempts_remaining) == (1, 0)
    assert verification.sends_remaining == 0
    assert not verification.HasField("next_send_time")
    for given in (code, wrong(code)):
        again = await codes.verify(id, given)
        assert (again.result, again.verification.state) == (ALREADY_USED, STATE_APPROVED)
    shown = await codes.shown(id)
    assert (shown.attempts_used, shown.final_time) == (1, verification.final_time)


async def test_wrong_codes_count_down_and_then_the_right_one_is_no_longer_approved(
    codes: OtpGateway,
) -> None:
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    for n, other in enumerate(other_codes(code, 5), start=1):
        answer = await codes.verify(id, other)
        assert answer.result == INCORRECT
        verification = answer.verification
        assert (verification.attempts_used, verification.attempts_remaining) == (n, 5 - n)
        assert (verification.state == STATE_PENDING) == (n < 5)
        assert verification.HasField("final_time") == (n == 5)
        assert verification.update_time.ToDatetime() > verification.create_time.ToDatetime()
    for given in (code, wrong(code)):
        answer = await codes.verify(id, given)
        assert (answer.result, answer.verification.state) == (EXHAUSTED, STATE_EXHAUSTED)
    shown = await codes.shown(id)
    assert (shown.attempts_used, shown.sends_remaining) == (5, 0)


async def test_the_last_try_can_still_be_right(codes: OtpGateway) -> None:
    sent = await codes.send()
    code = await codes.code(sent)
    for other in other_codes(code, 4):
        await codes.verify(sent.verification.id, other)
    assert (await codes.verify(sent.verification.id, code)).result == APPROVED


async def test_an_operator_chooses_how_often_a_code_can_be_tried(start_otp: StartOtp) -> None:
    codes = await start_otp(otp_attempts=1)
    sent = await codes.send()
    assert sent.verification.attempts_remaining == 1
    code = await codes.code(sent)
    assert (await codes.verify(sent.verification.id, wrong(code))).result == INCORRECT
    assert (await codes.verify(sent.verification.id, code)).result == EXHAUSTED


async def test_when_its_life_has_ended_no_code_is_right(codes: OtpGateway) -> None:
    in_time, late = await codes.send(ttl=a_ttl(60)), await codes.send(purpose="b", ttl=a_ttl(60))
    codes.clock.forward(timedelta(seconds=40))
    code = await codes.code(in_time)
    assert (await codes.verify(in_time.verification.id, code)).result == APPROVED
    codes.clock.forward(timedelta(seconds=20))
    code = await codes.code(late)
    for given in (code, wrong(code)):
        answer = await codes.verify(late.verification.id, given)
        assert (answer.result, answer.verification.state) == (EXPIRED, STATE_EXPIRED)
    shown = await codes.shown(late.verification.id)
    assert (shown.state, shown.final_time) == (STATE_EXPIRED, late.verification.expire_time)
    assert (shown.attempts_used, shown.attempts_remaining, shown.sends_remaining) == (0, 0, 0)
    assert not shown.HasField("next_send_time")
    answer = await codes.verify(in_time.verification.id, await codes.code(in_time))
    assert answer.result == ALREADY_USED


async def test_a_code_that_can_be_none_is_refused_and_costs_no_attempt(codes: OtpGateway) -> None:
    sent = await codes.send()
    id = sent.verification.id
    for code, reason in (
        ("", "FIELD_REQUIRED"),
        (" - ", "INVALID_FIELD"),
        ("12345", "INVALID_FIELD"),
        ("1234567", "INVALID_FIELD"),
        ("12345a", "INVALID_FIELD"),
        ("12345٦", "INVALID_FIELD"),
        ("12345\0", "INVALID_FIELD"),
        ("123.456", "INVALID_FIELD"),
        ("1" * 64, "INVALID_FIELD"),
        ("1" * 65, "FIELD_TOO_LONG"),
    ):
        request = pb.VerifyOTPRequest(verification_id=id, code=code, request_id="v1")
        refusal = await refused(codes.otp.VerifyOTP(request))
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.reasons == {"code": reason}, code
    assert (await codes.shown(id)).attempts_used == 0
    right = await codes.verify(id, await codes.code(sent), request_id="v1")
    assert (right.result, right.replayed) == (APPROVED, False)


async def test_characters_that_an_alphabet_has_not_are_refused(codes: OtpGateway) -> None:
    sent = await codes.send(alphabet=ALPHANUMERIC)
    id = sent.verification.id
    for code in ("A0CDEF", "A1CDEF", "AOCDEF", "AICDEF", "ÄBCDEF", "ABCDEſ"):
        request = pb.VerifyOTPRequest(verification_id=id, code=code)
        refusal = await refused(codes.otp.VerifyOTP(request))
        assert refusal.reasons == {"code": "INVALID_FIELD"}, code
    assert (await codes.shown(id)).attempts_used == 0


async def test_spaces_hyphens_and_small_letters_do_not_make_a_code_wrong(
    start_otp: StartOtp,
) -> None:
    codes = await start_otp(limits=())
    spellings: dict[str, Callable[[str], str]] = {
        "spaces": lambda code: f" {code[:3]} {code[3:]}\n",
        "hyphens": "-".join,
        "no-break-space": lambda code: f"{code[:3]}\u00a0{code[3:]}",
        "dash": lambda code: f"{code[:3]}\u2013{code[3:]}",
        "small-letters": str.lower,
        "small-and-hyphen": lambda code: f"{code[:4].lower()}-{code[4:]}",
    }
    for purpose, spell in spellings.items():
        sent = await codes.send(purpose=purpose, alphabet=ALPHANUMERIC, length=8)
        given = spell(await codes.code(sent))
        assert (await codes.verify(sent.verification.id, given)).result == APPROVED, purpose


async def test_a_verification_is_named_by_id_or_by_recipient_and_purpose_or_by_both(
    codes: OtpGateway,
) -> None:
    sent = await codes.send(purpose="login")
    id, code = sent.verification.id, await codes.code(sent)
    other = wrong(code)
    for fields in (
        {"verification_id": id},
        {"recipient": ITALIAN, "purpose": "login"},
        {"verification_id": id, "recipient": ITALIAN, "purpose": "login"},
        # The purpose is read only with the recipient.
        {"verification_id": id, "purpose": "payment"},
    ):
        answer = await codes.otp.VerifyOTP(pb.VerifyOTPRequest(code=other, **fields))
        assert (answer.result, answer.verification.id) == (INCORRECT, id)
    named = pb.VerifyOTPRequest(recipient=ITALIAN, purpose="login", code=code)
    assert (await codes.otp.VerifyOTP(named)).result == APPROVED


async def test_names_that_mean_nothing_or_disagree_are_not_found_and_cost_no_attempt(
    codes: OtpGateway,
) -> None:
    id = (await codes.send(purpose="login")).verification.id
    for named in (
        {"verification_id": UNKNOWN},
        {"verification_id": "nonsense"},
        {"recipient": ITALIAN},
        {"recipient": ITALIAN, "purpose": "payment"},
        {"recipient": AUSTRIAN, "purpose": "login"},
        {"recipient": "nonsense", "purpose": "login"},
        {"verification_id": id, "recipient": ITALIAN},
        {"verification_id": id, "recipient": AUSTRIAN, "purpose": "login"},
        {"verification_id": id, "recipient": ITALIAN, "purpose": "payment"},
        {"verification_id": UNKNOWN, "recipient": ITALIAN, "purpose": "login"},
    ):
        refusal = await refused(codes.otp.VerifyOTP(pb.VerifyOTPRequest(code="123456", **named)))
        assert refusal.code is grpc.StatusCode.NOT_FOUND, named
        assert refusal.reason == "VERIFICATION_NOT_FOUND"
    assert (await codes.shown(id)).attempts_used == 0


async def test_a_verification_must_be_named_and_all_that_is_wrong_is_told(
    codes: OtpGateway,
) -> None:
    request = pb.VerifyOTPRequest(purpose="login", request_id="with space")
    refusal = await refused(codes.otp.VerifyOTP(request))
    assert refusal.reasons == {
        "verification_id": "FIELD_REQUIRED",
        "code": "FIELD_REQUIRED",
        "request_id": "INVALID_REQUEST_ID",
    }


async def test_recipient_and_purpose_mean_the_newest_verification(codes: OtpGateway) -> None:
    first = await codes.send(length=10)
    await codes.cancel(first.verification.id)
    old_code = await codes.code(first)
    named = pb.VerifyOTPRequest(recipient=ITALIAN, code=old_code)
    assert (await codes.otp.VerifyOTP(named)).result == CANCELLED
    second = await codes.send(length=10)
    answer = await codes.otp.VerifyOTP(named)
    assert (answer.result, answer.verification.id) == (INCORRECT, second.verification.id)
    named.code = await codes.code(second)
    assert (await codes.otp.VerifyOTP(named)).result == APPROVED
    assert (await codes.otp.VerifyOTP(named)).result == ALREADY_USED


# Repeated checks


async def test_a_repeat_of_an_approved_call_is_approved_again_for_60_seconds(
    codes: OtpGateway,
) -> None:
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    first = await codes.verify(id, code, request_id="v1")
    assert (first.result, first.replayed) == (APPROVED, False)
    codes.clock.forward(timedelta(seconds=40))
    # The same code, however it is typed.
    again = await codes.verify(id, f"{code[:3]} {code[3:]}", request_id="v1")
    assert (again.result, again.replayed) == (APPROVED, True)
    assert again.verification.final_time == first.verification.final_time
    for request_id in ("", "v2"):
        other = await codes.verify(id, code, request_id=request_id)
        assert (other.result, other.replayed) == (ALREADY_USED, False)
    codes.clock.forward(timedelta(seconds=21))
    late = await codes.verify(id, code, request_id="v1")
    assert (late.result, late.replayed) == (ALREADY_USED, False)


async def test_a_repeat_of_a_wrong_code_costs_no_second_attempt(codes: OtpGateway) -> None:
    sent = await codes.send()
    id, other = sent.verification.id, wrong(await codes.code(sent))
    for n in range(7):
        answer = await codes.verify(id, other, request_id="v1")
        assert (answer.result, answer.replayed) == (INCORRECT, n > 0)
        assert (answer.verification.attempts_used, answer.verification.attempts_remaining) == (1, 4)
    codes.clock.forward(timedelta(seconds=61))
    late = await codes.verify(id, other, request_id="v1")
    assert (late.replayed, late.verification.attempts_used) == (False, 2)


async def test_the_same_request_id_with_another_code_or_verification_is_a_conflict(
    codes: OtpGateway,
) -> None:
    sent, other = await codes.send(), await codes.send(purpose="other")
    id, code = sent.verification.id, await codes.code(sent)
    await codes.verify(id, wrong(code), request_id="v1")
    for request in (
        pb.VerifyOTPRequest(verification_id=id, code=code, request_id="v1"),
        pb.VerifyOTPRequest(
            verification_id=other.verification.id, code=wrong(code), request_id="v1"
        ),
    ):
        refusal = await refused(codes.otp.VerifyOTP(request))
        assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
        assert refusal.reason == "REQUEST_ID_CONFLICT"
        assert refusal.info.metadata["request_id"] == "v1"
    assert (await codes.shown(id)).attempts_used == 1
    assert (await codes.shown(other.verification.id)).attempts_used == 0


async def test_request_ids_of_sends_and_checks_are_apart(codes: OtpGateway) -> None:
    sent = await codes.send(request_id="r1")
    answer = await codes.verify(sent.verification.id, await codes.code(sent), request_id="r1")
    assert (answer.result, answer.replayed) == (APPROVED, False)


# Guessing


async def test_200_different_guesses_at_once_get_no_more_tries_than_allowed(
    codes: OtpGateway,
) -> None:
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    answers = await asyncio.gather(*(codes.verify(id, guess) for guess in other_codes(code, 200)))
    told = results(answers)
    assert (told.count(INCORRECT), told.count(EXHAUSTED)) == (5, 195)
    shown = await codes.shown(id)
    assert (shown.state, shown.attempts_used) == (STATE_EXHAUSTED, 5)
    assert (await codes.verify(id, code)).result == EXHAUSTED
    named = pb.VerifyOTPRequest(recipient=ITALIAN, code=code)
    assert (await codes.otp.VerifyOTP(named)).result == EXHAUSTED


async def test_of_100_right_codes_at_once_one_is_approved(codes: OtpGateway) -> None:
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    told = results(await asyncio.gather(*(codes.verify(id, code) for _ in range(100))))
    assert (told.count(APPROVED), told.count(ALREADY_USED)) == (1, 99)


async def test_of_many_calls_at_once_with_one_request_id_one_is_counted(
    codes: OtpGateway,
) -> None:
    sent = await codes.send()
    id, other = sent.verification.id, wrong(await codes.code(sent))
    outcomes = await asyncio.gather(
        *(codes.verify(id, other, request_id="v1") for _ in range(200)), return_exceptions=True
    )
    answers = [o for o in outcomes if isinstance(o, pb.VerifyOTPResponse)]
    errors = [refusal_of_call(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert len(answers) + len(errors) == 200
    assert sum(not answer.replayed for answer in answers) == 1
    assert {error.reason for error in errors} <= {"REQUEST_IN_FLIGHT"}
    assert (await codes.shown(id)).attempts_used == 1


async def test_sending_again_gives_no_more_tries(start_otp: StartOtp) -> None:
    codes = await start_otp(otp_cool_down_seconds=(1,))
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    guesses = other_codes(code, 5)
    for guess in guesses[:4]:
        await codes.verify(id, guess)
        codes.clock.forward(timedelta(seconds=1))
        again = await codes.send()
        assert again.verification.id == id
    assert again.verification.attempts_remaining == 1
    assert (await codes.verify(id, guesses[4])).verification.state == STATE_EXHAUSTED


# Looking


async def test_a_verification_shows_how_the_delivery_of_its_messages_stands(
    codes: OtpGateway,
) -> None:
    sent = await codes.send()
    final = await until_final(codes.messages, sent)
    shown = await codes.shown(sent.verification.id)
    (send,) = shown.sends
    assert (send.status, send.reason) == (DELIVERED, final.reason)
    assert (send.message_id, send.update_time) == (final.id, final.update_time)
    assert shown.update_time == final.update_time
    # That a text arrived proves nothing yet.
    assert (shown.state, shown.create_time) == (STATE_PENDING, sent.verification.create_time)


async def test_a_stream_by_its_id_from_the_cursor_has_every_later_transition(
    codes: OtpGateway,
) -> None:
    sent = await codes.send()
    found = await codes.otp.GetVerification(pb.GetVerificationRequest(id=sent.verification.id))
    codes.clock.forward(timedelta(seconds=30))
    await codes.send(purpose="other")
    again = await codes.send()
    await until_final(codes.messages, again)
    final = await until_final(codes.messages, sent)
    for cursor in (sent.cursor, found.cursor):
        stream = codes.messages.StreamStatus(
            message_service_pb2.StreamStatusRequest(
                cursor=cursor,
                filter=message_service_pb2.StatusFilter(verification_ids=[sent.verification.id]),
            )
        )
        await opened(stream)
        events: list[message_pb2.StatusEvent] = []
        while sum(event.to_status == DELIVERED for event in events) < 2:
            events += (await next_response(stream)).events
        stream.cancel()
        assert {event.verification_id for event in events} == {sent.verification.id}
        assert {event.message_id for event in events} == {sent.message.id, again.message.id}
        history = await codes.messages.GetMessage(
            message_service_pb2.GetMessageRequest(id=again.message.id, include_history=True)
        )
        assert steps([e for e in events if e.message_id == again.message.id]) == steps(
            history.history
        )
    at_first = [send.status for send in found.verification.sends]
    known = [event for event in events if event.message_id == final.id]
    assert [event.from_status for event in known][:1] in (at_first, [])


async def test_a_message_that_is_not_delivered_is_shown_as_such(codes: OtpGateway) -> None:
    sent = await codes.send(recipient=UNREACHABLE)
    final = await until_final(codes.messages, sent)
    (send,) = (await codes.shown(sent.verification.id)).sends
    assert (send.status, send.reason) == (UNDELIVERABLE, final.reason)


async def test_messages_of_codes_are_messages_like_all_others(codes: OtpGateway) -> None:
    sent = await codes.send(labels={"team": "a"})
    found = await codes.messages.ListMessages(
        message_service_pb2.ListMessagesRequest(
            filter=message_service_pb2.MessageFilter(labels={"team": "a"})
        )
    )
    (message,) = found.messages
    assert (message.id, message.otp, message.text) == (sent.message.id, True, sent.message.text)


async def test_what_is_not_there_can_neither_be_shown_nor_cancelled(codes: OtpGateway) -> None:
    for id in (UNKNOWN, "nonsense", "x" * 10_000):
        for call in (codes.shown(id), codes.cancel(id)):
            refusal = await refused(call)
            assert refusal.code is grpc.StatusCode.NOT_FOUND
            assert refusal.reason == "VERIFICATION_NOT_FOUND"
            assert refusal.info.metadata["verification_id"] == id[:64]
    for call in (codes.shown(""), codes.cancel("")):
        assert (await refused(call)).reasons == {"id": "FIELD_REQUIRED"}


# Cancelling


async def test_a_cancelled_code_is_worthless_at_once(codes: OtpGateway) -> None:
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    cancelled = await codes.cancel(id)
    assert (cancelled.id, cancelled.state) == (id, STATE_CANCELLED)
    assert (cancelled.attempts_remaining, cancelled.sends_remaining) == (0, 0)
    assert cancelled.HasField("final_time")
    assert not cancelled.HasField("next_send_time")
    for given in (code, wrong(code)):
        answer = await codes.verify(id, given)
        assert (answer.result, answer.verification.attempts_used) == (CANCELLED, 0)


async def test_cancelling_again_is_harmless(codes: OtpGateway) -> None:
    sent = await codes.send()
    await until_final(codes.messages, sent)
    first = await codes.cancel(sent.verification.id)
    codes.clock.forward(timedelta(minutes=9))
    assert await codes.cancel(sent.verification.id) == first
    assert await codes.shown(sent.verification.id) == first


async def test_what_ended_in_another_way_is_not_cancelled(codes: OtpGateway) -> None:
    sent = [await codes.send(purpose=f"p{n}") for n in range(3)]
    approved, exhausted, expired = [each.verification.id for each in sent]
    for each in sent:
        await until_final(codes.messages, each)
    await codes.verify(approved, await codes.code(sent[0]))
    for guess in other_codes(await codes.code(sent[1]), 5):
        await codes.verify(exhausted, guess)
    codes.clock.forward(timedelta(minutes=5))
    for id, state in (
        (approved, STATE_APPROVED),
        (exhausted, STATE_EXHAUSTED),
        (expired, STATE_EXPIRED),
    ):
        before = await codes.shown(id)
        assert before.state == state
        assert await codes.cancel(id) == before
        assert await codes.shown(id) == before


async def test_what_was_not_yet_submitted_is_cancelled_with_it(start_otp: StartOtp) -> None:
    # While the carrier is busy with one message the next one waits here.
    codes = await start_otp(submit_window=1, simulator_submit_seconds=1)
    busy, sent = await codes.send(purpose="busy"), await codes.send()
    cancelled = await codes.cancel(sent.verification.id)
    assert cancelled.state == STATE_CANCELLED
    (send,) = cancelled.sends
    assert (send.status, send.reason) == (
        REJECTED,
        message_pb2.STATUS_REASON_CANCELLED_BY_CLIENT,
    )
    final = await until_final(codes.messages, sent)
    assert (final.status, final.reason) == (send.status, send.reason)
    await until_taken(codes.messages, busy)
    assert len(codes.texts(recipient=ITALIAN)) == 1


async def test_a_code_that_is_worth_nothing_any_more_is_not_sent(start_otp: StartOtp) -> None:
    # The carrier refuses for the time being, so that the message waits here.
    codes = await start_otp(retry_base_seconds=1)
    sent = await codes.send(recipient=REFUSED_FOR_EVER, ttl=a_ttl(30))
    codes.clock.forward(timedelta(seconds=32))
    final = await until_final(codes.messages, sent)
    assert (final.status, final.reason) == (
        MESSAGE_EXPIRED,
        message_pb2.STATUS_REASON_VALIDITY_ELAPSED,
    )
    assert codes.texts(message_id=sent.message.id) == []


# Who may


async def test_every_rpc_needs_the_scope_otp(codes: OtpGateway) -> None:
    operator = await Operator.at(codes.gateway)
    without, allowed = await operator.tenant("shop", SEND, READ), await operator.key("shop", OTP)
    for rpc, request in {
        "SendOTP": a_request(),
        "VerifyOTP": pb.VerifyOTPRequest(verification_id=UNKNOWN, code="123456"),
        "GetVerification": pb.GetVerificationRequest(id=UNKNOWN),
        "CancelVerification": pb.CancelVerificationRequest(id=UNKNOWN),
    }.items():
        refusal = await refused(getattr(without.otp, rpc)(request))
        assert refusal.code is grpc.StatusCode.PERMISSION_DENIED, rpc
        assert refusal.reason == "SCOPE_REQUIRED"
        answer = await answer_or_refusal(getattr(allowed.otp, rpc)(request))
        assert getattr(answer, "reason", "") in ("", "VERIFICATION_NOT_FOUND")


async def test_a_verification_of_another_account_is_not_found(codes: OtpGateway) -> None:
    operator = await Operator.at(codes.gateway)
    one, other = await operator.tenant("one"), await operator.tenant("other")
    sent = await one.otp.SendOTP(a_request(request_id="r1"))
    id = sent.verification.id
    for call in (
        other.otp.VerifyOTP(pb.VerifyOTPRequest(verification_id=id, code="123456")),
        other.otp.VerifyOTP(pb.VerifyOTPRequest(recipient=ITALIAN, code="123456")),
        other.otp.GetVerification(pb.GetVerificationRequest(id=id)),
        other.otp.CancelVerification(pb.CancelVerificationRequest(id=id)),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (
            grpc.StatusCode.NOT_FOUND,
            "VERIFICATION_NOT_FOUND",
        )
    # Not even the cool-down or the request id tells that there is one.
    fresh = await other.otp.SendOTP(a_request(request_id="r1"))
    assert (fresh.replayed, fresh.reused, fresh.verification.id != id) == (False, False, True)


async def test_a_suspended_account_may_check_codes_but_not_send_them(codes: OtpGateway) -> None:
    operator = await Operator.at(codes.gateway)
    caller = await operator.tenant("shop")
    sent = await caller.otp.SendOTP(a_request())
    state = account_service_pb2.ACCOUNT_STATE_SUSPENDED
    await operator.change("shop", state=state)
    refusal = await refused(caller.otp.SendOTP(a_request(purpose="b")))
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "ACCOUNT_SUSPENDED",
    )
    shown = await caller.otp.GetVerification(pb.GetVerificationRequest(id=sent.verification.id))
    assert shown.verification.state == STATE_PENDING
    code = await codes.code(sent)
    request = pb.VerifyOTPRequest(verification_id=sent.verification.id, code=wrong(code))
    assert (await caller.otp.VerifyOTP(request)).result == INCORRECT
    request.code = code
    assert (await caller.otp.VerifyOTP(request)).result == APPROVED


# Keys and restarts


async def _again(codes: OtpGateway, start_otp: StartOtp, store: str) -> OtpGateway:
    """The same server, started anew."""
    await codes.gateway.stop()
    return await start_otp(store=store)


async def test_a_restart_leaves_codes_attempts_and_requests_as_they_were(
    start_otp: StartOtp, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    labels = {f"label-{n}": str(n) for n in range(16)}
    sent = await codes.send(length=10, request_id="r1", labels=labels)
    id, code = sent.verification.id, await codes.code(sent)
    await codes.verify(id, wrong(code), request_id="v1")
    before = await codes.shown(id)
    codes = await _again(codes, start_otp, store)
    after = await codes.shown(id)
    for changing in ("update_time", "sends"):
        before.ClearField(changing)  # type: ignore[arg-type]
        after.ClearField(changing)  # type: ignore[arg-type]
    assert after == before
    assert (await codes.send(length=10, request_id="r1", labels=labels)).replayed
    assert (await codes.verify(id, wrong(code), request_id="v1")).replayed
    codes.clock.forward(timedelta(seconds=30))
    again = await codes.send()
    assert (again.reused, await codes.code(again)) == (True, code)
    assert (await codes.verify(id, code)).result == APPROVED


@pytest.mark.slow
def test_a_crash_loses_no_attempt(tmp_path: Path) -> None:
    file = tmp_path / "codes.jsonl"
    environment = {
        "SMSGATE_SIMULATOR_OTP_FILE": str(file),
        "SMSGATE_OTP_COOL_DOWN_SECONDS": "0.001,60",
    }
    with ServerProcess(tmp_path / "messages.db", environment=environment) as server:

        async def before() -> tuple[str, int]:
            async with grpc.aio.insecure_channel(server.target) as channel:
                stub = otp_service_pb2_grpc.OTPServiceStub(channel)
                sent = await stub.SendOTP(a_request(length=10))
                id = sent.verification.id
                for guess in ("0000000000", "0000000001", "0000000002"):
                    await stub.VerifyOTP(pb.VerifyOTPRequest(verification_id=id, code=guess))
                again = await stub.SendOTP(a_request())
                assert again.reused
                return id, again.verification.attempts_used

        async def after(id: str) -> pb.Verification:
            async with grpc.aio.insecure_channel(server.target) as channel:
                stub = otp_service_pb2_grpc.OTPServiceStub(channel)
                found = await stub.GetVerification(pb.GetVerificationRequest(id=id))
                verification: pb.Verification = found.verification
                return verification

        id, used = asyncio.run(before())
        server.kill()
        server.start()
        kept = asyncio.run(after(id))
    assert (used, kept.attempts_used, kept.attempts_remaining) == (3, 3, 2)
    assert (kept.sends_remaining, len(kept.message_ids)) == (3, 2)


async def test_without_its_key_a_code_can_be_neither_checked_nor_sent(
    start_otp: StartOtp, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    other = b64encode(b"\x07" * 32).decode()
    (tmp_path / "otp-keys").write_text(f"other {other}\n")
    codes = await _again(codes, start_otp, store)
    codes.clock.forward(timedelta(seconds=30))
    request = pb.VerifyOTPRequest(verification_id=id, code=code)
    for call in (codes.otp.VerifyOTP(request), codes.otp.SendOTP(a_request())):
        refusal = await refused(call)
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
        assert refusal.reason == "OTP_UNAVAILABLE"
        assert refusal.info.metadata["verification_id"] == id
    shown = await codes.shown(id)
    assert (shown.attempts_used, len(shown.message_ids)) == (0, 1)


async def test_after_a_key_was_lost_one_cancels_and_starts_anew(
    start_otp: StartOtp, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    lost = await codes.send()
    await codes.gateway.stop()
    codes = await start_otp(store=store, otp_keys=f"other {b64encode(b'7' * 32).decode()}")
    assert (await codes.cancel(lost.verification.id)).state == STATE_CANCELLED
    fresh = await codes.send()
    assert not fresh.reused
    assert (await codes.verify(fresh.verification.id, await codes.code(fresh))).result == APPROVED


async def test_of_what_has_ended_the_answer_needs_no_key(
    start_otp: StartOtp, tmp_path: Path
) -> None:
    # An old key may go once the codes made with it have ended.
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    sent = [await codes.send(purpose=f"p{n}") for n in range(4)]
    approved, exhausted, cancelled, expired = [each.verification.id for each in sent]
    await codes.verify(approved, await codes.code(sent[0]))
    for guess in other_codes(await codes.code(sent[1]), 5):
        await codes.verify(exhausted, guess)
    await codes.cancel(cancelled)
    codes.clock.forward(timedelta(minutes=10))
    await codes.gateway.stop()
    codes = await start_otp(store=store, otp_keys=f"other {b64encode(b'7' * 32).decode()}")
    for id, result in (
        (approved, ALREADY_USED),
        (exhausted, EXHAUSTED),
        (cancelled, CANCELLED),
        (expired, EXPIRED),
    ):
        assert (await codes.verify(id, "123456")).result == result


async def test_a_key_file_that_was_lost_is_not_taken_for_the_one_made_in_its_place(
    start_otp: StartOtp, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store)
    sent = await codes.send()
    id, code = sent.verification.id, await codes.code(sent)
    await codes.gateway.stop()
    (tmp_path / "otp-keys").unlink()
    codes = await start_otp(store=store)
    request = pb.VerifyOTPRequest(verification_id=id, code=code)
    refusal = await refused(codes.otp.VerifyOTP(request))
    assert refusal.reason == "OTP_UNAVAILABLE"
    assert (await codes.shown(id)).attempts_used == 0


async def test_a_message_whose_key_was_lost_before_it_was_submitted_is_not_sent(
    start_otp: StartOtp, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    codes = await start_otp(store=store, retry_base_seconds=3)
    sent = await codes.send(recipient=REFUSED_FOR_EVER)
    await codes.gateway.stop()
    codes.clock.forward(timedelta(seconds=6))
    codes = await start_otp(store=store, otp_keys=f"other {b64encode(b'7' * 32).decode()}")
    final = await until_final(codes.messages, sent)
    assert final.status == REJECTED
    assert codes.texts(message_id=sent.message.id) == []
