"""SendMessage: what its comments in the contract promise."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from google.type.money_pb2 import Money
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    DELIVERED,
    EXPIRED,
    GUARD_SECONDS,
    ITALIAN,
    NEW,
    REFUSED_FOR_EVER,
    REJECTED,
    MessageStub,
    refusal_of_call,
    refused,
    steps,
    until_final,
    until_status,
)

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb


def a_request(**fields: object) -> pb.SendMessageRequest:
    return pb.SendMessageRequest(**({"recipient": ITALIAN, "text": "Ciao!"} | fields))  # type: ignore[arg-type]


def options(**fields: object) -> pb.SendOptions:
    return pb.SendOptions(**fields)  # type: ignore[arg-type]


def scheduled(seconds: float) -> pb.SendOptions:
    made = pb.SendOptions()
    made.send_time.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    return made


async def test_the_answer_is_the_stored_message_which_is_new(stub: MessageStub) -> None:
    before = datetime.now(UTC)
    sent = await stub.SendMessage(
        a_request(
            sender="Acme", client_reference="order 4711", labels={"team": "a"}, request_id="r1"
        )
    )
    message = sent.message
    assert uuid.UUID(message.id).version == 7
    assert str(uuid.UUID(message.id)) == message.id
    assert message.status == NEW
    assert message.reason == message_pb2.STATUS_REASON_ACCEPTED
    assert (message.sender, message.recipient, message.text) == ("Acme", ITALIAN, "Ciao!")
    assert (message.country, message.country_code) == ("IT", 39)
    assert (message.encoding, message.characters, message.segments) == (
        message_pb2.ENCODING_GSM7,
        5,
        1,
    )
    assert message.client_reference == "order 4711"
    assert dict(message.labels) == {"team": "a"}
    assert message.on_unknown_submit == message_pb2.UNKNOWN_SUBMIT_POLICY_AT_MOST_ONCE
    assert before <= message.create_time.ToDatetime(UTC) <= datetime.now(UTC)
    assert message.update_time == message.create_time
    lifetime = message.expire_time.ToDatetime(UTC) - message.create_time.ToDatetime(UTC)
    assert lifetime == timedelta(hours=48)
    unset = ("schedule_time", "sent_time", "delivered_time", "final_time")
    assert not [name for name in unset if message.HasField(name)]
    assert (message.batch_id, message.carrier, message.otp) == ("", "", False)
    assert sent.cursor
    assert not sent.replayed
    found = await stub.GetMessage(pb.GetMessageRequest(id=message.id))
    assert found.message.id == message.id


async def test_a_stream_from_the_cursor_has_every_later_transition(stub: MessageStub) -> None:
    sent = await stub.SendMessage(a_request())
    await until_final(stub, sent)
    stream = stub.StreamStatus(
        pb.StreamStatusRequest(
            cursor=sent.cursor,
            filter=pb.StatusFilter(message_ids=[sent.message.id]),
            end_when_all_terminal=True,
        )
    )
    events = [event async for response in stream for event in response.events]
    history = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id, include_history=True))
    assert steps(events) == steps(history.history)[1:]


async def test_an_empty_sender_means_the_default_sender(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(default_sender="Gateway 1")
    sent = await gateway.stub.SendMessage(a_request())
    assert sent.message.sender == "Gateway 1"


@pytest.mark.parametrize(
    "sender", ["ab", "123456", "twelve chars", "a  b", " ab", "ab ", "àbc", "a-b", "a_b", "a\nb"]
)
async def test_a_sender_that_is_no_alias_is_refused(stub: MessageStub, sender: str) -> None:
    refusal = await refused(stub.SendMessage(a_request(sender=sender)))
    assert refusal.reasons == {"sender": "INVALID_SENDER"}


@pytest.mark.parametrize(
    ("recipient", "reason"),
    [
        ("", "FIELD_REQUIRED"),
        ("3331234567", "RECIPIENT_NOT_E164"),
        ("00393331234567", "RECIPIENT_NOT_E164"),
        ("+39 333 1234567", "RECIPIENT_NOT_E164"),
        ("+39-333-1234567", "RECIPIENT_NOT_E164"),
        ("+3933312345678901", "RECIPIENT_NOT_E164"),
        ("+٣٩٣٣٣١٢٣٤٥٦٧", "RECIPIENT_NOT_E164"),
        ("+999333123456", "RECIPIENT_UNKNOWN_COUNTRY"),
        ("+3933312", "RECIPIENT_NOT_POSSIBLE"),
        ("+12005551234", "RECIPIENT_NOT_VALID"),
        ("+390612345678", "RECIPIENT_CANNOT_RECEIVE_SMS"),
    ],
)
async def test_a_recipient_that_cannot_get_it_is_refused_with_the_precise_reason(
    stub: MessageStub, recipient: str, reason: str
) -> None:
    refusal = await refused(stub.SendMessage(a_request(recipient=recipient)))
    assert refusal.reasons == {"recipient": reason}


async def test_every_violation_is_reported_at_once(gateway: Gateway) -> None:
    request = a_request(
        sender="x",
        recipient="39",
        text="a\x00b",
        request_id="with space",
        client_reference="x" * 129,
        labels={"team name": "a"},
        options=options(max_segments=33, on_unknown_submit=9),
    )
    request.options.validity_period.seconds = -1
    request.options.send_time.FromDatetime(datetime.now(UTC) + timedelta(days=8))
    request.options.max_price.CopyFrom(Money(currency_code="eur", units=1))
    refusal = await refused(gateway.stub.SendMessage(request))
    assert refusal.reasons == {
        "sender": "INVALID_SENDER",
        "recipient": "RECIPIENT_NOT_E164",
        "text": "INVALID_TEXT",
        "request_id": "INVALID_REQUEST_ID",
        "client_reference": "FIELD_TOO_LONG",
        'labels["team name"]': "INVALID_LABEL",
        "options.max_segments": "INVALID_FIELD",
        "options.validity_period": "INVALID_DURATION",
        "options.send_time": "INVALID_TIME",
        "options.max_price": "INVALID_MONEY",
        "options.on_unknown_submit": "INVALID_FIELD",
    }
    assert await gateway.message_count() == 0


@pytest.mark.parametrize("character", ["\n", "\r", "\f"])
async def test_line_breaks_and_form_feeds_are_no_forbidden_control_characters(
    stub: MessageStub, character: str
) -> None:
    sent = await stub.SendMessage(a_request(text=f"a{character}b"))
    assert sent.message.text == f"a{character}b"


async def test_a_text_of_5000_characters_is_measured_and_a_longer_one_is_refused(
    stub: MessageStub,
) -> None:
    refusal = await refused(stub.SendMessage(a_request(text="a" * 5_001)))
    assert refusal.reasons == {"text": "FIELD_TOO_LONG"}
    refusal = await refused(stub.SendMessage(a_request(text="a" * 5_000)))
    assert refusal.reasons == {"text": "TOO_MANY_SEGMENTS"}


@pytest.mark.parametrize(
    ("text", "encoding", "characters", "segments"),
    [
        ("a" * 160, message_pb2.ENCODING_GSM7, 160, 1),
        ("a" * 161, message_pb2.ENCODING_GSM7, 161, 2),
        ("€" * 80, message_pb2.ENCODING_GSM7, 80, 1),
        ("ş" * 70, message_pb2.ENCODING_UCS2, 70, 1),
        ("ş" * 71, message_pb2.ENCODING_UCS2, 71, 2),
        ("😀" * 35, message_pb2.ENCODING_UCS2, 35, 1),
        ("😀" * 36, message_pb2.ENCODING_UCS2, 36, 2),
    ],
)
async def test_a_text_is_cut_into_the_segments_it_is_charged_as(
    stub: MessageStub, text: str, encoding: int, characters: int, segments: int
) -> None:
    message = (await stub.SendMessage(a_request(text=text))).message
    assert (message.encoding, message.characters, message.segments) == (
        encoding,
        characters,
        segments,
    )
    assert message.text == text


async def test_a_text_that_does_not_fit_is_refused_on_request(stub: MessageStub) -> None:
    long = "a" * 161
    refusal = await refused(
        stub.SendMessage(a_request(text=long, options=options(fail_on_multiple_messages=True)))
    )
    assert refusal.reasons == {"text": "MULTIPLE_SEGMENTS"}
    refusal = await refused(
        stub.SendMessage(a_request(text="a" * 307, options=options(max_segments=2)))
    )
    assert refusal.reasons == {"text": "TOO_MANY_SEGMENTS"}
    sent = await stub.SendMessage(a_request(text="a" * 306, options=options(max_segments=2)))
    assert sent.message.segments == 2


async def test_without_max_segments_ten_are_allowed_and_32_at_most(stub: MessageStub) -> None:
    assert (await stub.SendMessage(a_request(text="a" * 1_530))).message.segments == 10
    refusal = await refused(stub.SendMessage(a_request(text="a" * 1_531)))
    assert refusal.reasons == {"text": "TOO_MANY_SEGMENTS"}
    most = a_request(text="a" * 4_896, options=options(max_segments=32))
    assert (await stub.SendMessage(most)).message.segments == 32


async def test_smart_encoding_replaces_if_then_the_whole_text_fits(stub: MessageStub) -> None:
    smart = options(smart_encoding=True)
    sent = await stub.SendMessage(a_request(text="L’albero “vive”", options=smart))
    assert sent.message.text == 'L\'albero "vive"'
    assert sent.message.substituted_characters == 3
    assert sent.message.encoding == message_pb2.ENCODING_GSM7
    sent = await stub.SendMessage(a_request(text="L’albero 日", options=smart))
    assert sent.message.text == "L’albero 日"
    assert sent.message.substituted_characters == 0


@pytest.mark.parametrize(
    ("recipient", "nanos"), [(ITALIAN, 36_000_000), ("+34612345678", 27_000_000)]
)
async def test_a_known_price_is_frozen_at_acceptance(
    stub: MessageStub, recipient: str, nanos: int
) -> None:
    message = (await stub.SendMessage(a_request(recipient=recipient, text="a" * 161))).message
    assert message.price_per_segment == Money(currency_code="EUR", nanos=nanos)
    assert message.total_price == Money(currency_code="EUR", nanos=2 * nanos)
    assert message.tariff_version == 1
    assert message.price_status != message_pb2.PRICE_STATUS_UNKNOWN


@pytest.mark.parametrize("recipient", ["+436641234567", "+491701234567", "+12015550123"])
async def test_where_no_price_is_known_none_is_given(stub: MessageStub, recipient: str) -> None:
    message = (await stub.SendMessage(a_request(recipient=recipient))).message
    assert message.price_status == message_pb2.PRICE_STATUS_UNKNOWN
    assert not message.HasField("price_per_segment")
    assert not message.HasField("total_price")
    assert message.tariff_version == 0


@pytest.mark.parametrize(
    ("price", "recipient", "reason"),
    [
        (Money(currency_code="EUR", nanos=35_999_000), ITALIAN, "PRICE_ABOVE_MAXIMUM"),
        (Money(currency_code="EUR"), ITALIAN, "PRICE_ABOVE_MAXIMUM"),
        (Money(currency_code="USD", units=9), ITALIAN, "PRICE_ABOVE_MAXIMUM"),
        (Money(currency_code="EUR", units=9), "+436641234567", "PRICE_UNKNOWN"),
    ],
)
async def test_max_price_refuses_what_costs_more_or_is_not_known_or_is_in_another_currency(
    gateway: Gateway, price: Money, recipient: str, reason: str
) -> None:
    request = a_request(recipient=recipient, options=options(max_price=price))
    refusal = await refused(gateway.stub.SendMessage(request))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == reason
    assert await gateway.message_count() == 0


async def test_a_price_that_equals_max_price_is_accepted(stub: MessageStub) -> None:
    price = Money(currency_code="EUR", nanos=36_000_000)
    sent = await stub.SendMessage(a_request(options=options(max_price=price)))
    assert sent.message.total_price == price


@pytest.mark.parametrize(
    "money",
    [
        Money(),
        Money(currency_code="eur", units=1),
        Money(currency_code="EURO", units=1),
        Money(currency_code="EUR", units=-1),
        Money(currency_code="EUR", units=1, nanos=-1_000),
        Money(currency_code="EUR", nanos=1_000_000_000),
        Money(currency_code="EUR", nanos=49_000_001),
    ],
)
async def test_an_amount_that_is_none_is_refused(stub: MessageStub, money: Money) -> None:
    refusal = await refused(stub.SendMessage(a_request(options=options(max_price=money))))
    assert refusal.reasons == {"options.max_price": "INVALID_MONEY"}


async def test_a_server_can_demand_a_price(start_gateway: StartGateway) -> None:
    stub = (await start_gateway(require_price=True)).stub
    refusal = await refused(stub.SendMessage(a_request(recipient="+436641234567")))
    assert (refusal.reason, dict(refusal.info.metadata)) == ("PRICE_UNKNOWN", {"country": "AT"})
    await stub.SendMessage(a_request())


async def test_a_repeat_returns_the_message_as_it_is_and_sends_nothing(gateway: Gateway) -> None:
    request = a_request(request_id=str(uuid.uuid4()), labels={"a": "1", "b": "2"})
    first = await gateway.stub.SendMessage(request)
    final = await until_final(gateway.stub, first)
    again = await gateway.stub.SendMessage(request)
    assert again.replayed
    assert again.message == final
    assert await gateway.message_count() == 1
    history = await gateway.stub.GetMessage(
        pb.GetMessageRequest(id=first.message.id, include_history=True)
    )
    assert len(history.history) == 3


async def test_a_repeat_by_another_connection_and_after_a_restart_sends_nothing(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    request = a_request(request_id="order-1")
    before = await start_gateway(store=store)
    first = await before.stub.SendMessage(request)
    await before.stop()
    after = await start_gateway(store=store)
    again = await after.stub.SendMessage(request)
    assert again.replayed
    assert again.message.id == first.message.id


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Ciao"},
        {"recipient": "+393331234568"},
        {"sender": "Acme"},
        {"client_reference": "x"},
        {"labels": {"a": "b"}},
        {"options": pb.SendOptions(max_segments=3)},
        {"options": pb.SendOptions(smart_encoding=True)},
        {"options": pb.SendOptions(on_unknown_submit=2)},
    ],
    ids=str,
)
async def test_the_same_request_id_with_other_content_is_a_conflict(
    gateway: Gateway, change: dict[str, object]
) -> None:
    await gateway.stub.SendMessage(a_request(request_id="r1"))
    refusal = await refused(gateway.stub.SendMessage(a_request(request_id="r1", **change)))
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert refusal.reason == "REQUEST_ID_CONFLICT"
    assert refusal.info.metadata["request_id"] == "r1"
    assert await gateway.message_count() == 1


async def test_a_refused_call_does_not_use_up_its_request_id(stub: MessageStub) -> None:
    await refused(stub.SendMessage(a_request(request_id="r1", recipient="39")))
    sent = await stub.SendMessage(a_request(request_id="r1"))
    assert not sent.replayed


async def test_a_dry_run_stores_nothing_and_does_not_use_up_its_request_id(
    gateway: Gateway,
) -> None:
    dry = await gateway.stub.SendMessage(a_request(request_id="r1", options=options(dry_run=True)))
    assert (dry.message.id, dry.cursor, dry.replayed) == ("", "", False)
    assert dry.message.status == NEW
    assert dry.message.segments == 1
    assert dry.message.total_price.nanos == 36_000_000
    assert await gateway.message_count() == 0
    sent = await gateway.stub.SendMessage(a_request(request_id="r1"))
    assert not sent.replayed


async def test_a_dry_run_is_refused_as_the_message_would_be(stub: MessageStub) -> None:
    wrong = a_request(recipient="39", text="\x00")
    real = await refused(stub.SendMessage(wrong))
    wrong.options.dry_run = True
    assert await refused(stub.SendMessage(wrong)) == real


async def test_of_many_calls_at_once_with_one_request_id_one_sends(gateway: Gateway) -> None:
    request = a_request(request_id="r1")
    outcomes = await asyncio.gather(
        *(gateway.stub.SendMessage(request) for _ in range(50)), return_exceptions=True
    )
    answers = [o for o in outcomes if isinstance(o, pb.SendMessageResponse)]
    errors = [refusal_of_call(o) for o in outcomes if isinstance(o, grpc.aio.AioRpcError)]
    assert len(answers) + len(errors) == 50
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.message.id for answer in answers}) == 1
    for error in errors:
        assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "REQUEST_IN_FLIGHT")
        assert error.retry is not None
        assert error.retry.retry_delay.ToTimedelta() > timedelta(0)
    assert await gateway.message_count() == 1


async def test_a_repeat_is_answered_even_if_new_messages_are_not_taken_on(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(
        backlog_limit=1, submit_window=1, simulator_submit_seconds=0.5, drain_seconds=2
    )
    stub = gateway.stub
    sent = [await stub.SendMessage(a_request(request_id="r0"))]
    refusal = None
    async with asyncio.timeout(GUARD_SECONDS):
        while refusal is None:
            try:
                sent.append(await stub.SendMessage(a_request(request_id=f"r{len(sent)}")))
            except grpc.aio.AioRpcError as error:
                refusal = refusal_of_call(error)
    assert refusal.reason == "BACKLOG_FULL"
    again = await stub.SendMessage(a_request(request_id="r0"))
    assert again.replayed
    assert again.message.id == sent[0].message.id


async def test_a_message_waits_for_its_send_time(stub: MessageStub) -> None:
    sent = await stub.SendMessage(a_request(options=scheduled(0.3)))
    assert sent.message.status == NEW
    assert sent.message.reason == message_pb2.STATUS_REASON_SCHEDULED
    final = await until_final(stub, sent)
    assert final.status == DELIVERED
    due = final.schedule_time.ToDatetime(UTC)
    assert final.sent_time.ToDatetime(UTC) >= due
    assert final.expire_time.ToDatetime(UTC) - due == timedelta(hours=48)


async def test_a_send_time_in_the_past_means_at_once(stub: MessageStub) -> None:
    sent = await stub.SendMessage(a_request(options=scheduled(-3_600)))
    assert sent.message.reason == message_pb2.STATUS_REASON_ACCEPTED
    assert not sent.message.HasField("schedule_time")
    assert (await until_final(stub, sent)).status == DELIVERED


async def test_a_send_time_is_at_most_seven_days_ahead(stub: MessageStub) -> None:
    week = 7 * 86_400
    await stub.SendMessage(a_request(options=scheduled(week - 60)))
    refusal = await refused(stub.SendMessage(a_request(options=scheduled(week + 60))))
    assert refusal.reasons == {"options.send_time": "INVALID_TIME"}


async def test_a_message_without_an_outcome_expires_when_its_validity_has_elapsed(
    stub: MessageStub,
) -> None:
    # One that a carrier took is given a minute more, in which its receipt may still come.
    request = a_request(recipient=REFUSED_FOR_EVER)
    request.options.validity_period.seconds = 1
    sent = await stub.SendMessage(request)
    final = await until_final(stub, sent)
    assert final.status == EXPIRED
    assert final.reason == message_pb2.STATUS_REASON_VALIDITY_ELAPSED
    assert final.final_time.ToDatetime(UTC) >= final.expire_time.ToDatetime(UTC)


@pytest.mark.parametrize("seconds", [0, 1e-6, 48 * 3600 + 1, -5])
async def test_a_validity_is_from_1_second_to_48_hours(stub: MessageStub, seconds: float) -> None:
    request = a_request()
    request.options.validity_period.FromTimedelta(timedelta(seconds=seconds))
    refusal = await refused(stub.SendMessage(request))
    assert refusal.reasons == {"options.validity_period": "INVALID_DURATION"}


async def test_a_lost_answer_is_held_or_repeated_as_the_caller_chose(stub: MessageStub) -> None:
    lost = "+393331234913"
    held = await stub.SendMessage(a_request(recipient=lost))
    repeated = await stub.SendMessage(
        a_request(
            recipient=lost,
            options=options(on_unknown_submit=message_pb2.UNKNOWN_SUBMIT_POLICY_AT_LEAST_ONCE),
        )
    )
    assert (await until_final(stub, repeated)).status == DELIVERED
    pending = await until_status(stub, held, message_pb2.MESSAGE_STATUS_PENDING)
    assert pending.reason == message_pb2.STATUS_REASON_SUBMIT_OUTCOME_UNKNOWN


async def test_a_message_that_the_carrier_refuses_is_rejected_with_its_code(
    stub: MessageStub,
) -> None:
    sent = await stub.SendMessage(a_request(recipient="+393331234903"))
    final = await until_final(stub, sent)
    assert final.status == REJECTED
    assert final.reason == message_pb2.STATUS_REASON_PROVIDER_REFUSED
    found = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id, include_history=True))
    assert found.history[-1].carrier_code
    assert not final.HasField("sent_time")
    assert not final.HasField("delivered_time")


async def test_forbidden_content_is_refused_without_naming_the_word(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(forbidden_words=("casino",))
    for field in ("text", "sender"):
        refusal = await refused(gateway.stub.SendMessage(a_request(**{field: "Casino"})))
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
        assert refusal.reason == "FORBIDDEN_CONTENT"
        assert refusal.info.metadata["field"] == field
        assert "casino" not in str(refusal).lower()
    assert await gateway.message_count() == 0


async def test_labels_have_bounds(stub: MessageStub) -> None:
    most = {f"k{n}": "v" for n in range(16)}
    sent = await stub.SendMessage(a_request(labels=most))
    assert dict(sent.message.labels) == most
    refusal = await refused(stub.SendMessage(a_request(labels=most | {"one": "more"})))
    assert refusal.reasons == {"labels": "TOO_MANY_ITEMS"}
    refusal = await refused(stub.SendMessage(a_request(labels={"k": "v" * 129})))
    assert refusal.reasons == {'labels["k"]': "INVALID_LABEL"}
    refusal = await refused(stub.SendMessage(a_request(labels={"": "v"})))
    assert refusal.reasons == {'labels[""]': "INVALID_LABEL"}
    heavy = {f"k{n}": "v" * 128 for n in range(8)}
    refusal = await refused(stub.SendMessage(a_request(labels=heavy)))
    assert refusal.reasons == {"labels": "INVALID_LABEL"}
