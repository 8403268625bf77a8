"""SendBatch: what its comments in the contract promise."""

from datetime import UTC, datetime, timedelta

import grpc
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    ITALIAN,
    NEW,
    MessageStub,
    Refusal,
    all_messages,
    events_of,
    read_to_end,
    refusal_of,
    refused,
)

from smsgate.v1 import message_service_pb2 as pb


def item(recipient: str = ITALIAN, **fields: object) -> pb.BatchItem:
    return pb.BatchItem(recipient=recipient, **fields)  # type: ignore[arg-type]


def a_batch(*items: pb.BatchItem, **fields: object) -> pb.SendBatchRequest:
    return pb.SendBatchRequest(**({"items": items, "text": "Ciao!"} | fields))  # type: ignore[arg-type]


def numbers(count: int) -> list[str]:
    return [f"+39333{1_000_000 + index * 1_000 + 100:07d}" for index in range(count)]


def refusals(answer: pb.SendBatchResponse) -> dict[str, Refusal]:
    return {r.item_id: refusal_of(r.error) for r in answer.results if r.HasField("error")}


async def test_a_thousand_messages_need_their_text_once(gateway: Gateway) -> None:
    wanted = numbers(1_000)
    answer = await gateway.stub.SendBatch(a_batch(*map(item, wanted), text="x" * 300))
    assert answer.accepted_count == 1_000
    assert [result.message.recipient for result in answer.results] == wanted
    assert [result.item_id for result in answer.results] == [str(n) for n in range(1_000)]
    assert {result.message.status for result in answer.results} == {NEW}
    assert {result.message.batch_id for result in answer.results} == {answer.batch_id}
    assert len({result.message.id for result in answer.results}) == 1_000
    assert not answer.invalid_recipients
    assert await gateway.message_count() == 1_000


async def test_a_stream_from_the_cursor_has_every_later_transition_of_the_batch(
    stub: MessageStub,
) -> None:
    answer = await stub.SendBatch(a_batch(*map(item, numbers(50))))
    stream = stub.StreamStatus(
        pb.StreamStatusRequest(
            cursor=answer.cursor,
            filter=pb.StatusFilter(batch_ids=[answer.batch_id]),
            end_when_all_terminal=True,
        )
    )
    responses = await read_to_end(stream)
    assert responses[-1].end.reason == pb.StreamStatusResponse.End.REASON_ALL_TERMINAL
    events = events_of(responses)
    assert len(events) == 100
    assert NEW not in {event.to_status for event in events}


async def test_1001_items_or_none_are_refused(gateway: Gateway) -> None:
    refusal = await refused(gateway.stub.SendBatch(a_batch(*map(item, numbers(1_001)))))
    assert refusal.reasons == {"items": "TOO_MANY_ITEMS"}
    refusal = await refused(gateway.stub.SendBatch(a_batch()))
    assert refusal.reasons == {"items": "FIELD_REQUIRED"}
    assert await gateway.message_count() == 0


async def test_wrong_items_do_not_stand_in_the_way_of_the_others(gateway: Gateway) -> None:
    answer = await gateway.stub.SendBatch(
        a_batch(
            item(),
            item("39 333", item_id="wrong number"),
            item(item_id="long", text="x" * 5_001),
            item("+390612345678", item_id="landline", sender="!"),
            item("+34612345678"),
        )
    )
    assert answer.accepted_count == 2
    assert [r.item_id for r in answer.results] == ["0", "wrong number", "long", "landline", "4"]
    assert [r.WhichOneof("outcome") for r in answer.results] == [
        *("message", "error", "error", "error", "message"),
    ]
    found = refusals(answer)
    assert found["wrong number"].reasons == {"recipient": "RECIPIENT_NOT_E164"}
    assert found["long"].reasons == {"text": "FIELD_TOO_LONG"}
    assert found["landline"].reasons == {
        "recipient": "RECIPIENT_CANNOT_RECEIVE_SMS",
        "sender": "INVALID_SENDER",
    }
    assert await gateway.message_count() == 2


async def test_an_item_is_refused_as_send_message_would_refuse_it(stub: MessageStub) -> None:
    labels = {"bad key": "x"}
    answer = await stub.SendBatch(a_batch(item("39", text="\x07", sender="a", labels=labels)))
    alone = await refused(
        stub.SendMessage(
            pb.SendMessageRequest(recipient="39", text="\x07", sender="a", labels=labels)
        )
    )
    assert refusals(answer)["0"] == alone


async def test_the_recipients_that_cannot_be_sent_to_are_listed_in_order(
    stub: MessageStub,
) -> None:
    answer = await stub.SendBatch(
        a_batch(
            item("x" * 100, item_id="first"),
            item(),
            item("+999333123456", item_id="second"),
            item(text="\x00", item_id="not the number"),
        )
    )
    listed = [(i.item_id, i.recipient, i.reason) for i in answer.invalid_recipients]
    assert listed == [
        ("first", "x" * 64, "RECIPIENT_NOT_E164"),
        ("second", "+999333123456", "RECIPIENT_UNKNOWN_COUNTRY"),
    ]
    assert all(i.description for i in answer.invalid_recipients)


async def test_an_items_own_text_sender_labels_and_options_win(stub: MessageStub) -> None:
    answer = await stub.SendBatch(
        a_batch(
            item(),
            item(text="Own", sender="Own", labels={"a": "own", "c": "3"}),
            item(text="L’a", options=pb.SendOptions(smart_encoding=False)),
            item(text="L’a"),
            sender="Common",
            labels={"a": "1", "b": "2"},
            options=pb.SendOptions(smart_encoding=True),
        )
    )
    assert not any(result.message.text for result in answer.results)
    plain, own, given, replaced = [
        (await stub.GetMessage(pb.GetMessageRequest(id=result.message.id))).message
        for result in answer.results
    ]
    assert (plain.text, plain.sender, dict(plain.labels)) == (
        "Ciao!",
        "Common",
        {"a": "1", "b": "2"},
    )
    assert (own.text, own.sender, dict(own.labels)) == (
        "Own",
        "Own",
        {"a": "own", "b": "2", "c": "3"},
    )
    assert (given.text, replaced.text) == ("L’a", "L'a")


async def test_two_items_with_one_item_id_are_refused(gateway: Gateway) -> None:
    for items in ([item(item_id="a"), item(item_id="a")], [item(item_id="1"), item()]):
        refusal = await refused(gateway.stub.SendBatch(a_batch(*items)))
        assert refusal.reasons == {"items[1].item_id": "DUPLICATE_ITEM_ID"}
    refusal = await refused(gateway.stub.SendBatch(a_batch(item(item_id="x" * 65))))
    assert refusal.reasons == {"items[0].item_id": "FIELD_TOO_LONG"}
    assert await gateway.message_count() == 0


async def test_all_or_nothing_refuses_the_whole_batch_with_every_violation(
    gateway: Gateway,
) -> None:
    refusal = await refused(
        gateway.stub.SendBatch(
            a_batch(item(), item("39"), item(text="\x00", sender="!"), all_or_nothing=True)
        )
    )
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reason == "BATCH_REFUSED"
    assert refusal.info.metadata["refused_count"] == "2"
    assert refusal.info.metadata["item_count"] == "3"
    assert refusal.reasons == {
        "items[1].recipient": "RECIPIENT_NOT_E164",
        "items[2].text": "INVALID_TEXT",
        "items[2].sender": "INVALID_SENDER",
    }
    assert await gateway.message_count() == 0
    answer = await gateway.stub.SendBatch(a_batch(item(), item(), all_or_nothing=True))
    assert answer.accepted_count == 2


async def test_all_or_nothing_refuses_the_whole_batch_for_one_forbidden_text(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(forbidden_words=("casino",))
    refusal = await refused(
        gateway.stub.SendBatch(a_batch(item(), item(text="casino"), all_or_nothing=True))
    )
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reasons == {"items[1].text": "FORBIDDEN_CONTENT"}
    assert await gateway.message_count() == 0


async def test_a_batch_with_nothing_to_accept_has_no_id(gateway: Gateway) -> None:
    answer = await gateway.stub.SendBatch(a_batch(item("39"), request_id="b1"))
    assert (answer.batch_id, answer.accepted_count) == ("", 0)
    assert not (await gateway.stub.SendBatch(a_batch(item("39"), request_id="b1"))).replayed


async def test_a_dry_run_checks_the_whole_batch_and_stores_nothing(gateway: Gateway) -> None:
    batch = a_batch(item(), item("39"), options=pb.SendOptions(dry_run=True), request_id="b1")
    answer = await gateway.stub.SendBatch(batch)
    assert (answer.batch_id, answer.accepted_count) == ("", 1)
    assert answer.results[0].message.id == ""
    assert answer.results[0].message.batch_id == ""
    assert refusals(answer)["1"].reason == "RECIPIENT_NOT_E164"
    assert await gateway.message_count() == 0
    batch.options.dry_run = False
    assert not (await gateway.stub.SendBatch(batch)).replayed


async def test_the_dry_run_of_an_item_is_not_read(gateway: Gateway) -> None:
    answer = await gateway.stub.SendBatch(a_batch(item(options=pb.SendOptions(dry_run=True))))
    assert answer.results[0].message.id
    assert await gateway.message_count() == 1


async def test_a_repeat_returns_the_results_of_the_first_call_as_they_are_now(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(forbidden_words=("casino",))
    batch = a_batch(item(), item("39"), item(text="casino"), item("+34612345678"), request_id="b")
    first = await gateway.stub.SendBatch(batch)
    await read_to_end(
        gateway.stub.StreamStatus(
            pb.StreamStatusRequest(
                cursor=first.cursor,
                filter=pb.StatusFilter(batch_ids=[first.batch_id]),
                end_when_all_terminal=True,
            )
        )
    )
    again = await gateway.stub.SendBatch(batch)
    assert again.replayed
    assert not first.replayed
    assert again.batch_id == first.batch_id
    assert again.accepted_count == first.accepted_count == 2
    assert [r.item_id for r in again.results] == [r.item_id for r in first.results]
    assert refusals(again) == refusals(first)
    assert again.invalid_recipients == first.invalid_recipients
    now = {m.id: m for m in await all_messages(gateway.stub)}
    for message in now.values():
        assert message.text == "Ciao!"
        message.ClearField("text")
    assert [r.message for r in again.results if r.HasField("message")] == [
        now[r.message.id] for r in first.results if r.HasField("message")
    ]
    assert len(now) == 2


async def test_the_same_request_id_with_other_items_is_a_conflict(gateway: Gateway) -> None:
    await gateway.stub.SendBatch(a_batch(item(), request_id="b1"))
    refusal = await refused(gateway.stub.SendBatch(a_batch(item(), item(), request_id="b1")))
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert refusal.reason == "REQUEST_ID_CONFLICT"
    assert await gateway.message_count() == 1


async def test_the_request_id_of_a_batch_has_the_form_of_any_other(gateway: Gateway) -> None:
    for request_id in ("x" * 37, "a b", "é", "\x00"):
        refusal = await refused(gateway.stub.SendBatch(a_batch(item(), request_id=request_id)))
        assert refusal.reasons == {"request_id": "INVALID_REQUEST_ID"}
    assert await gateway.message_count() == 0


async def test_an_item_with_its_own_request_id_is_sent_once(gateway: Gateway) -> None:
    first = await gateway.stub.SendBatch(a_batch(item(request_id="i1"), item(request_id="i2")))
    again = await gateway.stub.SendBatch(a_batch(item(request_id="i2"), item(request_id="i3")))
    assert [result.replayed for result in again.results] == [True, False]
    assert again.results[0].message.id == first.results[1].message.id
    assert again.results[0].message.batch_id == first.batch_id
    assert again.results[1].message.batch_id == again.batch_id != first.batch_id
    assert not again.replayed
    assert await gateway.message_count() == 3


async def test_an_item_that_reuses_a_request_id_for_other_content_is_a_conflict(
    gateway: Gateway,
) -> None:
    await gateway.stub.SendBatch(a_batch(item(request_id="i1")))
    batch = a_batch(item(request_id="i1", text="Other"), item(request_id="i2"), request_id="b1")
    answer = await gateway.stub.SendBatch(batch)
    assert answer.accepted_count == 1
    assert refusals(answer)["0"].code is grpc.StatusCode.ALREADY_EXISTS
    assert refusals(answer)["0"].reason == "REQUEST_ID_CONFLICT"
    again = await gateway.stub.SendBatch(batch)
    assert again.replayed
    assert refusals(again) == refusals(answer)
    assert again.results[1].message.id == answer.results[1].message.id
    assert await gateway.message_count() == 2


async def test_two_items_with_one_request_id_are_one_message(gateway: Gateway) -> None:
    answer = await gateway.stub.SendBatch(a_batch(item(request_id="i1"), item(request_id="i1")))
    assert answer.results[0].message.id == answer.results[1].message.id
    assert [result.replayed for result in answer.results] == [False, True]
    assert await gateway.message_count() == 1


async def test_a_batch_of_items_that_were_all_sent_before_sends_nothing(
    gateway: Gateway,
) -> None:
    first = await gateway.stub.SendBatch(a_batch(item(request_id="i1")))
    again = await gateway.stub.SendBatch(a_batch(item(request_id="i1")))
    assert again.batch_id == ""
    assert again.results[0].message.id == first.results[0].message.id
    assert await gateway.message_count() == 1


async def test_a_batch_can_be_scheduled(stub: MessageStub) -> None:
    options = pb.SendOptions()
    options.send_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    answer = await stub.SendBatch(a_batch(item(), item(), options=options))
    assert {r.message.schedule_time.seconds for r in answer.results} == {options.send_time.seconds}


async def test_a_full_backlog_takes_no_part_of_a_batch(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(backlog_limit=10)
    refusal = await refused(gateway.stub.SendBatch(a_batch(*map(item, numbers(11)))))
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.reason == "BACKLOG_FULL"
    assert refusal.info.metadata["limit"] == "backlog"
    assert refusal.retry is not None
    assert await gateway.message_count() == 0


async def test_the_answer_to_the_largest_batch_fits_what_callers_accept(
    stub: MessageStub,
) -> None:
    answer = await stub.SendBatch(
        a_batch(
            *map(item, numbers(1_000)),
            text="à" * 4_896,
            labels={"k" * 60: "é" * 128, "l" * 60: "é" * 128},
            options=pb.SendOptions(max_segments=32),
        )
    )
    assert answer.accepted_count == 1_000
