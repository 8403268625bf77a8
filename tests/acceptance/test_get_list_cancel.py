"""GetMessage, ListMessages and CancelMessage: what their comments in the contract promise."""

import asyncio
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    DELIVERED,
    GUARD_SECONDS,
    ITALIAN,
    NEW,
    PENDING,
    REJECTED,
    UNREACHABLE,
    WITH_LATE_RECEIPT,
    WITHOUT_RECEIPT,
    MessageStub,
    Refusal,
    all_messages,
    answer_or_refusal,
    refused,
    steps,
    until_final,
    until_status,
)

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb

_UNKNOWN_ID = "01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f"


async def send(
    stub: MessageStub, recipient: str = ITALIAN, **fields: object
) -> pb.SendMessageResponse:
    sent: pb.SendMessageResponse = await stub.SendMessage(
        pb.SendMessageRequest(**({"recipient": recipient, "text": "Ciao!"} | fields))  # type: ignore[arg-type]
    )
    return sent


async def send_later(stub: MessageStub, **fields: object) -> pb.SendMessageResponse:
    """A message that stays NEW."""
    options = pb.SendOptions()
    options.send_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    return await send(stub, options=options, **fields)


# GetMessage


@pytest.mark.parametrize("rpc", ["GetMessage", "CancelMessage"])
async def test_an_id_that_does_not_exist_is_not_found(stub: MessageStub, rpc: str) -> None:
    kind = {"GetMessage": pb.GetMessageRequest, "CancelMessage": pb.CancelMessageRequest}[rpc]
    for message_id in (_UNKNOWN_ID, "x", "x" * 10_000, "\x00", "'; drop table messages"):
        refusal = await refused(getattr(stub, rpc)(kind(id=message_id)))
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert refusal.reason == "MESSAGE_NOT_FOUND"
        assert message_id.startswith(refusal.info.metadata["message_id"])
    refusal = await refused(getattr(stub, rpc)(kind()))
    assert refusal.reasons == {"id": "FIELD_REQUIRED"}


async def test_the_history_has_every_event_oldest_first(stub: MessageStub) -> None:
    sent = await send(stub, client_reference="r", labels={"a": "b"})
    final = await until_final(stub, sent)
    plain = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id))
    assert not plain.history
    found = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id, include_history=True))
    assert steps(found.history) == [(0, NEW), (NEW, PENDING), (PENDING, DELIVERED)]
    times = [event.event_time.ToDatetime() for event in found.history]
    assert times == sorted(times)
    last = found.history[-1]
    assert last.carrier == final.carrier
    assert last.HasField("carrier_time")
    assert last.carrier_code
    assert last.event_time == final.final_time == final.update_time
    for event in found.history:
        assert (event.message_id, event.recipient, event.sender, event.country) == (
            final.id,
            ITALIAN,
            final.sender,
            "IT",
        )
        assert (event.client_reference, dict(event.labels)) == ("r", {"a": "b"})


async def test_a_late_receipt_is_in_the_history_and_changes_nothing(stub: MessageStub) -> None:
    sent = await send(stub, WITH_LATE_RECEIPT)
    final = await until_final(stub, sent)
    cursor = (await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id))).cursor
    request = pb.GetMessageRequest(
        id=sent.message.id, include_history=True, wait_after_cursor=cursor
    )
    request.wait.seconds = 10
    found = await stub.GetMessage(request)
    late = found.history[-1]
    assert late.late
    assert late.late_status == DELIVERED
    assert late.from_status == late.to_status == final.status
    assert found.message == final


async def test_a_long_poll_returns_once_the_message_changes(stub: MessageStub) -> None:
    sent = await send(stub)
    seen = [NEW]
    cursor = sent.cursor
    while seen[-1] != DELIVERED:
        request = pb.GetMessageRequest(id=sent.message.id, wait_after_cursor=cursor)
        request.wait.seconds = 15
        async with asyncio.timeout(5):
            found = await stub.GetMessage(request)
        assert found.message.status != seen[-1]
        seen.append(found.message.status)
        cursor = found.cursor
    assert seen in ([NEW, PENDING, DELIVERED], [NEW, DELIVERED])


async def test_many_long_polls_all_return_once_their_message_changes(stub: MessageStub) -> None:
    async def send_and_wait(number: int) -> int:
        sent = await send(stub, f"+39333{number:04d}900")
        return (await until_status(stub, sent, DELIVERED)).status

    async with asyncio.timeout(30):
        statuses = await asyncio.gather(*map(send_and_wait, range(300)))
    assert set(statuses) == {DELIVERED}


async def test_a_long_poll_returns_the_present_state_when_its_wait_is_over(
    stub: MessageStub,
) -> None:
    sent = await send_later(stub)
    request = pb.GetMessageRequest(id=sent.message.id, wait_after_cursor=sent.cursor)
    request.wait.nanos = 50_000_000
    found = await stub.GetMessage(request)
    assert found.message == sent.message


async def test_a_wait_needs_a_cursor_and_is_at_most_60_seconds(stub: MessageStub) -> None:
    sent = await send_later(stub)
    request = pb.GetMessageRequest(id=sent.message.id)
    request.wait.seconds = 1
    refusal = await refused(stub.GetMessage(request))
    assert refusal.reasons == {"wait_after_cursor": "FIELD_REQUIRED"}
    request.wait_after_cursor = sent.cursor
    for seconds, nanos in ((61, 0), (60, 1_000), (-1, 0), (1, -1), (0, 1_000_000_000)):
        request.wait.seconds, request.wait.nanos = seconds, nanos
        refusal = await refused(stub.GetMessage(request))
        assert refusal.reasons == {"wait": "INVALID_DURATION"}
    request.wait.seconds, request.wait.nanos = 1, 0
    request.wait_after_cursor = "no cursor"
    refusal = await refused(stub.GetMessage(request))
    assert refusal.reasons == {"wait_after_cursor": "CURSOR_INVALID"}


async def test_a_wait_from_the_cursor_of_an_answer_misses_nothing(stub: MessageStub) -> None:
    sent = await send(stub)
    found = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id, include_history=True))
    stream = stub.StreamStatus(
        pb.StreamStatusRequest(
            cursor=found.cursor,
            filter=pb.StatusFilter(message_ids=[sent.message.id]),
            end_when_all_terminal=True,
        )
    )
    events = [event async for response in stream for event in response.events]
    whole = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id, include_history=True))
    # The history may be one event newer than the cursor; never older.
    assert steps(whole.history)[-len(events) :] == steps(events) if events else True
    assert len(found.history) + len(events) >= len(whole.history)


# ListMessages


async def test_messages_are_listed_newest_first_page_by_page(stub: MessageStub) -> None:
    sent = [(await send_later(stub, text=f"{n}")).message.id for n in range(7)]
    request = pb.ListMessagesRequest(page_size=3)
    pages = []
    while True:
        page = await stub.ListMessages(request)
        assert page.cursor
        pages.append([message.id for message in page.messages])
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert [i for page in pages for i in page] == sent[::-1]
    assert all(len(page) <= 3 for page in pages)


async def test_a_page_has_50_messages_by_default_and_1000_at_most(stub: MessageStub) -> None:
    for _ in range(2):
        batch = pb.SendBatchRequest(
            text="Ciao!", items=[pb.BatchItem(recipient=ITALIAN) for _ in range(600)]
        )
        await stub.SendBatch(batch)
    assert len((await stub.ListMessages(pb.ListMessagesRequest())).messages) == 50
    for size in (1_000, 1_001, 2**32 - 1):
        page = await stub.ListMessages(pb.ListMessagesRequest(page_size=size))
        assert len(page.messages) == 1_000
        assert page.next_page_token


async def test_messages_that_arrive_between_pages_shift_nothing(stub: MessageStub) -> None:
    old = [(await send_later(stub)).message.id for _ in range(4)]
    first = await stub.ListMessages(pb.ListMessagesRequest(page_size=2))
    await send_later(stub)
    second = await stub.ListMessages(
        pb.ListMessagesRequest(page_size=2, page_token=first.next_page_token)
    )
    assert [m.id for m in (*first.messages, *second.messages)] == old[::-1]


async def test_each_filter_chooses_and_all_of_them_hold_together(stub: MessageStub) -> None:
    italian = (await send_later(stub, sender="Acme", labels={"team": "a", "x": "1"})).message
    spanish = (await send_later(stub, recipient="+34612345678", labels={"team": "a"})).message
    batch = await stub.SendBatch(
        pb.SendBatchRequest(
            text="Ciao!",
            items=[pb.BatchItem(recipient=WITHOUT_RECEIPT)],
            options=italian_options(italian),
        )
    )
    member = batch.results[0].message
    await stub.CancelMessage(pb.CancelMessageRequest(id=spanish.id))

    async def chosen(**filters: object) -> set[str]:
        return {message.id for message in await all_messages(stub, **filters)}

    assert await chosen() == {italian.id, spanish.id, member.id}
    assert await chosen(statuses=[REJECTED]) == {spanish.id}
    assert await chosen(statuses=[REJECTED, NEW]) == {italian.id, spanish.id, member.id}
    assert await chosen(countries=["ES"]) == {spanish.id}
    assert await chosen(countries=["ES", "IT"]) == {italian.id, spanish.id, member.id}
    assert await chosen(senders=["Acme"]) == {italian.id}
    assert await chosen(senders=["acme"]) == set()
    assert await chosen(recipients=[WITHOUT_RECEIPT, "+34612345678"]) == {spanish.id, member.id}
    assert await chosen(labels={"team": "a"}) == {italian.id, spanish.id}
    assert await chosen(labels={"team": "a", "x": "1"}) == {italian.id}
    assert await chosen(labels={"team": "b"}) == set()
    assert await chosen(batch_ids=[batch.batch_id]) == {member.id}
    assert await chosen(created_from=spanish.create_time) == {spanish.id, member.id}
    assert await chosen(created_before=spanish.create_time) == {italian.id}
    assert await chosen(countries=["IT"], labels={"team": "a"}) == {italian.id}
    assert await chosen(countries=["ES"], senders=["Acme"]) == set()


async def test_the_unspecified_status_is_refused_in_a_filter(stub: MessageStub) -> None:
    unspecified = message_pb2.MESSAGE_STATUS_UNSPECIFIED
    refusal = await refused(all_messages(stub, statuses=[unspecified]))
    assert refusal.reasons == {"filter.statuses[0]": "INVALID_FIELD"}


def italian_options(message: message_pb2.Message) -> pb.SendOptions:
    options = pb.SendOptions()
    options.send_time.CopyFrom(message.schedule_time)
    return options


async def test_a_range_that_ends_before_it_begins_is_refused(stub: MessageStub) -> None:
    request = pb.ListMessagesRequest()
    request.filter.created_from.seconds = 2_000
    request.filter.created_before.seconds = 1_000
    refusal = await refused(stub.ListMessages(request))
    assert refusal.reason == "INVALID_TIME"


async def test_a_page_token_is_bound_to_its_filter(stub: MessageStub) -> None:
    for _ in range(3):
        await send_later(stub)
    chosen = pb.MessageFilter(countries=["IT"])
    first = await stub.ListMessages(pb.ListMessagesRequest(filter=chosen, page_size=1))
    token = first.next_page_token
    onward = pb.ListMessagesRequest(filter=chosen, page_size=2, page_token=token)
    assert len((await stub.ListMessages(onward)).messages) == 2
    for other in (pb.MessageFilter(), pb.MessageFilter(countries=["ES"])):
        refusal = await refused(
            stub.ListMessages(pb.ListMessagesRequest(filter=other, page_token=token))
        )
        assert refusal.reasons == {"page_token": "INVALID_PAGE_TOKEN"}


async def test_a_broken_or_foreign_page_token_is_refused(start_gateway: StartGateway) -> None:
    stub = (await start_gateway()).stub
    other = (await start_gateway()).stub
    for each in (stub, other):
        await send_later(each)
        await send_later(each)
    foreign = (await other.ListMessages(pb.ListMessagesRequest(page_size=1))).next_page_token
    own = (await stub.ListMessages(pb.ListMessagesRequest(page_size=1))).next_page_token
    wrong = ("x", "=", "AAAA", own[:-1], own + "A", own[::-1], "\x00", "é", "x" * 1_000_000)
    for token in (foreign, *wrong):
        refusal = await refused(stub.ListMessages(pb.ListMessagesRequest(page_token=token)))
        assert refusal.reasons == {"page_token": "INVALID_PAGE_TOKEN"}


async def test_a_stream_from_the_cursor_of_a_page_has_every_later_transition(
    stub: MessageStub,
) -> None:
    sent = [(await send(stub, f"+39333123{n}900")).message for n in range(5)]
    page = await stub.ListMessages(pb.ListMessagesRequest())
    stream = stub.StreamStatus(
        pb.StreamStatusRequest(
            cursor=page.cursor,
            filter=pb.StatusFilter(message_ids=[message.id for message in sent]),
            end_when_all_terminal=True,
        )
    )
    state = {message.id: message.status for message in page.messages}
    async with asyncio.timeout(GUARD_SECONDS):
        async for response in stream:
            for event in response.events:
                if event.message_id in state and event.from_status == state[event.message_id]:
                    state[event.message_id] = event.to_status
    assert state == {message.id: DELIVERED for message in sent}


async def test_the_largest_page_fits_what_callers_accept(stub: MessageStub) -> None:
    items = [pb.BatchItem(recipient=ITALIAN) for _ in range(300)]
    options = pb.SendOptions(max_segments=32)
    for _ in range(3):
        await stub.SendBatch(pb.SendBatchRequest(items=items, text="à" * 4_896, options=options))
    page = await stub.ListMessages(pb.ListMessagesRequest(page_size=1_000))
    assert page.messages
    assert len(await all_messages(stub)) == 900


# CancelMessage


async def test_a_new_message_can_be_taken_back(gateway: Gateway) -> None:
    stub = gateway.stub
    sent = await send_later(stub)
    cancelled = await stub.CancelMessage(pb.CancelMessageRequest(id=sent.message.id))
    assert cancelled.message.status == REJECTED
    assert cancelled.message.reason == message_pb2.STATUS_REASON_CANCELLED_BY_CLIENT
    assert cancelled.message.HasField("final_time")
    assert cancelled.cursor
    found = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id, include_history=True))
    assert found.message == cancelled.message
    assert steps(found.history) == [(0, NEW), (NEW, REJECTED)]


async def test_repeating_a_cancel_returns_the_message_unchanged(stub: MessageStub) -> None:
    sent = await send_later(stub)
    request = pb.CancelMessageRequest(id=sent.message.id)
    first = await stub.CancelMessage(request)
    again = await stub.CancelMessage(request)
    assert again.message == first.message
    assert again.cursor
    found = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id, include_history=True))
    assert len(found.history) == 2


@pytest.mark.parametrize(
    ("recipient", "status"), [(WITHOUT_RECEIPT, "PENDING"), (UNREACHABLE, "UNDELIVERABLE")]
)
async def test_a_message_that_was_submitted_cannot_be_taken_back(
    stub: MessageStub, recipient: str, status: str
) -> None:
    sent = await send(stub, recipient)
    wanted = message_pb2.MessageStatus.Value(f"MESSAGE_STATUS_{status}")
    if status == "PENDING":
        before = await until_status(stub, sent, wanted)
    else:
        before = await until_final(stub, sent)
    refusal = await refused(stub.CancelMessage(pb.CancelMessageRequest(id=sent.message.id)))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert refusal.reason == "ALREADY_SUBMITTED"
    assert dict(refusal.info.metadata) == {"message_id": sent.message.id, "status": status}
    found = await stub.GetMessage(pb.GetMessageRequest(id=sent.message.id))
    assert found.message == before


async def test_of_a_cancel_and_a_submit_at_once_only_one_wins(stub: MessageStub) -> None:
    async def send_and_cancel(number: int) -> None:
        sent = await send(stub, f"+39333{number:04d}900")
        outcome = await answer_or_refusal(
            stub.CancelMessage(pb.CancelMessageRequest(id=sent.message.id))
        )
        if isinstance(outcome, Refusal):
            assert outcome.reason == "ALREADY_SUBMITTED"
            assert (await until_final(stub, sent)).status == DELIVERED
        else:
            assert outcome.message.status == REJECTED
        found = await stub.GetMessage(
            pb.GetMessageRequest(id=sent.message.id, include_history=True)
        )
        assert steps(found.history) in (
            [(0, NEW), (NEW, REJECTED)],
            [(0, NEW), (NEW, PENDING), (PENDING, DELIVERED)],
        )

    await asyncio.gather(*map(send_and_cancel, range(50)))
