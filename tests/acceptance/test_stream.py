"""StreamStatus: what its comments in the contract promise."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import (
    DELIVERED,
    FINAL,
    GUARD_SECONDS,
    ITALIAN,
    NEW,
    PENDING,
    REFUSED_BY_CARRIER,
    REJECTED,
    UNDELIVERABLE,
    UNREACHABLE,
    WITH_LATE_RECEIPT,
    WITHOUT_RECEIPT,
    MessageStub,
    Refusal,
    Stream,
    all_final,
    all_messages,
    answer_or_refusal,
    events_of,
    events_until,
    next_response,
    opened,
    read_events,
    read_to_end,
    refused,
    steps,
    until_final,
)

from smsgate.v1 import message_pb2, message_service_pb2_grpc
from smsgate.v1 import message_service_pb2 as pb

End = pb.StreamStatusResponse.End


def request(**fields: object) -> pb.StreamStatusRequest:
    return pb.StreamStatusRequest(**fields)  # type: ignore[arg-type]


def only(**fields: object) -> pb.StatusFilter:
    return pb.StatusFilter(**fields)  # type: ignore[arg-type]


async def send(
    stub: MessageStub, recipient: str = ITALIAN, **fields: object
) -> pb.SendMessageResponse:
    sent: pb.SendMessageResponse = await stub.SendMessage(
        pb.SendMessageRequest(**({"recipient": recipient, "text": "Ciao!"} | fields))  # type: ignore[arg-type]
    )
    return sent


def later(hours: float = 1) -> pb.SendOptions:
    options = pb.SendOptions()
    options.send_time.FromDatetime(datetime.now(UTC) + timedelta(hours=hours))
    return options


async def send_batch(stub: MessageStub, count: int, **fields: object) -> pb.SendBatchResponse:
    items = [pb.BatchItem(recipient=f"+39333{1_000_000 + 1_000 * n:07d}") for n in range(count)]
    answer: pb.SendBatchResponse = await stub.SendBatch(
        pb.SendBatchRequest(**({"items": items, "text": "Ciao!"} | fields))  # type: ignore[arg-type]
    )
    assert answer.accepted_count == count
    return answer


async def whole_log(stub: MessageStub, count: int) -> list[pb.StreamStatusResponse]:
    """The responses of a stream from the earliest event, until it has had `count` of them."""
    stream = stub.StreamStatus(request(from_earliest=True))
    responses = [await opened(stream)]
    while len(events_of(responses)) < count:
        responses.append(await next_response(stream))
    stream.cancel()
    assert len(events_of(responses)) == count
    return responses


async def settled(stub: MessageStub, batch: pb.SendBatchResponse) -> None:
    await read_to_end(
        stub.StreamStatus(
            request(
                cursor=batch.cursor,
                filter=only(batch_ids=[batch.batch_id]),
                end_when_all_terminal=True,
            )
        )
    )


# The start


async def test_opened_comes_first_and_at_once(start_gateway: StartGateway) -> None:
    stub = (await start_gateway(log_retention_hours=100)).stub
    stream = stub.StreamStatus(request())
    first = await opened(stream)
    assert first.cursor
    assert first.opened.earliest_cursor
    assert first.opened.retention.ToTimedelta() == timedelta(hours=100)
    assert not first.events
    stream.cancel()


async def test_who_has_seen_opened_misses_nothing(stub: MessageStub) -> None:
    for _ in range(20):
        stream = stub.StreamStatus(request())
        await opened(stream)
        sent = await send(stub)
        first = (await next_response(stream)).events[0]
        assert (first.message_id, first.from_status, first.to_status) == (sent.message.id, 0, NEW)
        await events_until(stream, all_final([sent.message]))
        stream.cancel()


async def test_without_a_start_it_starts_now(stub: MessageStub) -> None:
    await until_final(stub, await send(stub))
    stream = stub.StreamStatus(request())
    await opened(stream)
    sent = await send(stub)
    events = await events_until(stream, all_final([sent.message]))
    assert {event.message_id for event in events} == {sent.message.id}
    stream.cancel()


async def test_from_earliest_has_every_event_in_commit_order(stub: MessageStub) -> None:
    finals = [await until_final(stub, await send(stub, f"+39333123{n}900")) for n in range(5)]
    events = events_of(await whole_log(stub, 15))
    for final in finals:
        mine = [event for event in events if event.message_id == final.id]
        assert steps(mine) == [(0, NEW), (NEW, PENDING), (PENDING, DELIVERED)]
        assert mine[-1].event_time == final.final_time
    times = [event.event_time.ToNanoseconds() for event in events]
    assert times == sorted(times)


async def test_a_start_time_starts_with_the_first_event_at_this_time_or_later(
    stub: MessageStub,
) -> None:
    finals = [await until_final(stub, await send(stub)) for _ in range(3)]
    start = finals[1].create_time
    stream = stub.StreamStatus(request(start_time=start))
    await opened(stream)
    events = await read_events(stream, 6)
    assert all(e.event_time.ToNanoseconds() >= start.ToNanoseconds() for e in events)
    assert {e.message_id for e in events} == {finals[1].id, finals[2].id}
    assert len(events) == 6
    stream.cancel()


async def test_a_start_time_ahead_starts_with_no_earlier_event(stub: MessageStub) -> None:
    ahead = request()
    ahead.start_time.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
    stream = stub.StreamStatus(ahead)
    first = await answer_or_refusal(stream.read())
    if isinstance(first, Refusal):
        assert first.reasons == {"start_time": "INVALID_TIME"}
        return
    marker = stub.StreamStatus(request())
    await opened(marker)
    sent = await send(stub)
    await events_until(marker, all_final([sent.message]))
    assert await is_silent(stream)
    stream.cancel()
    marker.cancel()


async def is_silent(stream: Stream) -> bool:
    """Whether nothing comes although what could come was committed and seen by another."""
    try:
        async with asyncio.timeout(0.1):
            await stream.read()
    except TimeoutError:
        return True
    return False


async def test_a_start_time_older_than_the_retention_is_out_of_range(stub: MessageStub) -> None:
    old = request()
    old.start_time.FromDatetime(datetime.now(UTC) - timedelta(days=8))
    refusal = await refused(stub.StreamStatus(old).read())
    assert refusal.code is grpc.StatusCode.OUT_OF_RANGE
    assert refusal.reason == "CURSOR_EXPIRED"
    assert refusal.info.metadata["earliest_cursor"]


# Snapshots


async def test_a_snapshot_is_the_matching_messages_then_every_later_transition(
    stub: MessageStub,
) -> None:
    finals = [await until_final(stub, await send(stub)) for _ in range(3)]
    waiting = (await send(stub, options=later())).message
    stream = stub.StreamStatus(request(snapshot=True))
    assert (await opened(stream)).cursor
    shown: list[message_pb2.Message] = []
    response = await next_response(stream)
    while not response.HasField("snapshot_end"):
        assert response.cursor == ""
        assert response.snapshot
        shown += response.snapshot
        response = await next_response(stream)
    assert response.snapshot_end.message_count == 4
    assert response.cursor
    assert shown == [waiting, *finals[::-1]]
    await stub.CancelMessage(pb.CancelMessageRequest(id=waiting.id))
    event = (await next_response(stream)).events[0]
    assert (event.message_id, event.from_status, event.to_status) == (waiting.id, NEW, REJECTED)
    stream.cancel()


async def test_between_snapshot_and_tail_there_is_no_gap_and_no_repeat(
    stub: MessageStub,
) -> None:
    """While messages are sent and delivered: every message's states join without a seam."""
    total = 1_500
    finished = asyncio.Event()

    async def sender() -> None:
        for _ in range(total // 100):
            await send_batch(stub, 100)
        finished.set()

    sending = asyncio.create_task(sender())
    checks = 0
    while not finished.is_set():
        await _snapshot_joins_its_tail(stub)
        checks += 1
    await sending
    state = await _snapshot_joins_its_tail(stub, total)
    assert len(state) == total
    assert checks >= 2


async def _snapshot_joins_its_tail(stub: MessageStub, total: int = 0) -> dict[str, int]:
    stream = stub.StreamStatus(request(snapshot=True))
    state: dict[str, int] = {}
    tail = 0
    async with asyncio.timeout(GUARD_SECONDS), contextlib.aclosing(_until_cancelled(stream)) as it:
        async for response in it:
            for message in response.snapshot:
                assert message.id not in state, "a message twice in a snapshot"
                state[message.id] = message.status
            for event in response.events:
                assert state.get(event.message_id, 0) == event.from_status, "a gap or a repeat"
                state[event.message_id] = event.to_status
            tail += len(response.events)
            ended = len(state) >= total and set(state.values()) <= FINAL if total else tail >= 200
            if ended and (tail or response.HasField("snapshot_end")):
                break
            if not total and response.HasField("snapshot_end") and not state:
                continue
    return state


async def _until_cancelled(stream: Stream) -> AsyncIterator[pb.StreamStatusResponse]:
    try:
        async for response in stream:
            yield response
    finally:
        stream.cancel()


async def test_a_snapshot_obeys_the_filter(stub: MessageStub) -> None:
    italian = (await send(stub, options=later(), sender="Acme", labels={"a": "b"})).message
    spanish = (await send(stub, "+34612345678", options=later())).message
    final = await until_final(stub, await send(stub))

    async def shown(**filters: object) -> set[str]:
        stream = stub.StreamStatus(request(snapshot=True, filter=only(**filters)))
        found: set[str] = set()
        response = await opened(stream)
        while not response.HasField("snapshot_end"):
            response = await next_response(stream)
            found |= {message.id for message in response.snapshot}
        assert response.snapshot_end.message_count == len(found)
        stream.cancel()
        return found

    assert await shown() == {italian.id, spanish.id, final.id}
    assert await shown(message_ids=[italian.id, final.id]) == {italian.id, final.id}
    assert await shown(countries=["ES"]) == {spanish.id}
    assert await shown(senders=["Acme"]) == {italian.id}
    assert await shown(labels={"a": "b"}) == {italian.id}
    assert await shown(statuses=[NEW]) == {italian.id, spanish.id}
    assert await shown(terminal_only=True) == {final.id}
    assert await shown(batch_ids=["nothing"]) == set()
    assert await shown(message_ids=["nothing"]) == set()


async def test_a_snapshot_of_long_texts_fits_what_callers_accept(stub: MessageStub) -> None:
    for _ in range(2):
        items = [pb.BatchItem(recipient=ITALIAN) for _ in range(300)]
        options = later()
        options.max_segments = 32
        await stub.SendBatch(pb.SendBatchRequest(items=items, text="à" * 4_896, options=options))
    stream = stub.StreamStatus(request(snapshot=True))
    response, count = await opened(stream), 0
    while not response.HasField("snapshot_end"):
        response = await next_response(stream)
        count += len(response.snapshot)
    assert count == response.snapshot_end.message_count == 600
    stream.cancel()


# Cursors


async def test_from_the_cursor_of_any_response_it_goes_on_without_loss_or_repeat(
    stub: MessageStub,
) -> None:
    for _ in range(10):
        await until_final(stub, await send(stub))
    batch = await send_batch(stub, 30)
    await settled(stub, batch)
    responses = await whole_log(stub, 120)
    # A second time, live, gives smaller steps; every one of them must do as a start.
    everything = events_of(responses)
    for index, response in enumerate(responses):
        rest = events_of(responses[index + 1 :])
        if not rest:
            continue
        stream = stub.StreamStatus(request(cursor=response.cursor))
        await opened(stream)
        assert await read_events(stream, len(rest)) == rest
        stream.cancel()
    assert len({(e.message_id, e.from_status, e.to_status) for e in everything}) == 120


async def test_from_every_cursor_of_a_live_stream_it_goes_on_without_loss_or_repeat(
    stub: MessageStub,
) -> None:
    live = stub.StreamStatus(request())
    responses = [await opened(live)]
    finals = [await until_final(stub, await send(stub)) for _ in range(8)]
    while len(events_of(responses)) < 3 * len(finals):
        responses.append(await next_response(live))
    live.cancel()
    assert len(responses) > len(finals)
    for index, response in enumerate(responses[:-1]):
        rest = events_of(responses[index + 1 :])
        stream = stub.StreamStatus(request(cursor=response.cursor))
        await opened(stream)
        assert await read_events(stream, len(rest)) == rest
        stream.cancel()


async def test_a_stream_goes_on_after_a_restart(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    before = await start_gateway(store=store)
    sent = await send(before.stub)
    await until_final(before.stub, sent)
    await before.stop()
    after = await start_gateway(store=store)
    stream = after.stub.StreamStatus(request(cursor=sent.cursor))
    await opened(stream)
    assert steps(await read_events(stream, 2)) == [(NEW, PENDING), (PENDING, DELIVERED)]
    stream.cancel()


async def test_the_cursor_of_another_store_is_refused(start_gateway: StartGateway) -> None:
    stub, other = (await start_gateway()).stub, (await start_gateway()).stub
    foreign = (await send(other)).cursor
    refusal = await refused(stub.StreamStatus(request(cursor=foreign)).read())
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reasons == {"cursor": "CURSOR_FOREIGN"}


async def test_a_cursor_that_never_was_is_refused(stub: MessageStub) -> None:
    own = (await send(stub)).cursor
    for cursor in ("", "x", own[:-1], own + "A", own.swapcase(), "é", "\x00", "x" * 1_000_000):
        refusal = await refused(stub.StreamStatus(request(cursor=cursor)).read())
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.fields == ["cursor"]
        assert refusal.reason in ("CURSOR_INVALID", "CURSOR_FOREIGN")


async def test_a_cursor_older_than_the_retention_is_out_of_range_and_names_the_earliest(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    database = tmp_path / "old.db"
    before = await start_gateway(store=f"sqlite:{database}")
    first = await opened_once(before.stub)
    final = await until_final(before.stub, await send(before.stub))
    await before.stop()
    with contextlib.closing(sqlite3.connect(database)) as aged:
        aged.execute("UPDATE events SET event_time = event_time - ?", (8 * 86_400 * 10**6,))
        aged.commit()
    gateway = await start_gateway(store=f"sqlite:{database}")
    stub = gateway.stub
    await gateway.forget_what_is_old()
    refusal = await refused(stub.StreamStatus(request(cursor=first.cursor)).read())
    assert refusal.code is grpc.StatusCode.OUT_OF_RANGE
    assert refusal.reason == "CURSOR_EXPIRED"
    earliest = refusal.info.metadata["earliest_cursor"]
    now = await opened_once(stub, from_earliest=True)
    assert now.opened.earliest_cursor == now.cursor == earliest
    assert (await opened_once(stub, cursor=earliest)).cursor == earliest
    # What is forgotten is the log's, not the message's.
    assert (await stub.GetMessage(pb.GetMessageRequest(id=final.id))).message == final


async def opened_once(stub: MessageStub, **fields: object) -> pb.StreamStatusResponse:
    stream = stub.StreamStatus(request(**fields))
    response = await opened(stream)
    stream.cancel()
    return response


async def test_cursors_can_stand_in_a_url(stub: MessageStub) -> None:
    responses = [await opened_once(stub), await send(stub)]
    for response in responses:
        assert response.cursor.replace("-", "").replace("_", "").isalnum()
        assert response.cursor.isascii()


# Filters

Given = Callable[[pb.SendMessageResponse, pb.SendBatchResponse], pb.StatusFilter]
_FILTERS: dict[str, Given] = {
    "nothing": lambda one, batch: only(),
    "a message": lambda one, batch: only(message_ids=[one.message.id]),
    "messages": lambda one, batch: only(message_ids=[one.message.id, "unknown"]),
    "a batch": lambda one, batch: only(batch_ids=[batch.batch_id]),
    "a status": lambda one, batch: only(statuses=[DELIVERED]),
    "statuses": lambda one, batch: only(statuses=[DELIVERED, UNDELIVERABLE]),
    "a country": lambda one, batch: only(countries=["ES"]),
    "countries": lambda one, batch: only(countries=["ES", "IT"]),
    "a sender": lambda one, batch: only(senders=["Acme"]),
    "a label": lambda one, batch: only(labels={"team": "a"}),
    "labels": lambda one, batch: only(labels={"team": "a", "x": "1"}),
    "what is final": lambda one, batch: only(terminal_only=True),
    "two fields": lambda one, batch: only(countries=["ES"], terminal_only=True),
}


@pytest.mark.parametrize("by", _FILTERS)
async def test_a_filter_chooses_events_in_the_log_and_live(stub: MessageStub, by: str) -> None:
    one = await send(stub, sender="Acme", labels={"team": "a", "x": "1"}, options=later())
    batch = await stub.SendBatch(
        pb.SendBatchRequest(
            items=[
                pb.BatchItem(recipient="+34612345678", labels={"team": "a"}),
                pb.BatchItem(recipient=ITALIAN, labels={"team": "a"}),
            ],
            text="Ciao!",
            options=later(0.3 / 3_600),
        )
    )
    chosen = _FILTERS[by](one, batch)
    live = stub.StreamStatus(request(filter=chosen, cursor=one.cursor))
    await opened(live)
    await settled(stub, batch)
    await until_final(stub, await send(stub, UNREACHABLE))
    await stub.CancelMessage(pb.CancelMessageRequest(id=one.message.id))
    everything = events_of(await whole_log(stub, 11))
    matching = [event for event in everything if _matches(chosen, event)]
    assert matching
    kept = stub.StreamStatus(request(from_earliest=True, filter=chosen))
    await opened(kept)
    assert await read_events(kept, len(matching)) == matching
    # The cursor of a send may or may not lie before its own NEW event.
    rest = [e for e in matching if (e.message_id, e.to_status) != (one.message.id, NEW)]
    seen = await read_events(live, len(rest))
    assert [e for e in seen if (e.message_id, e.to_status) != (one.message.id, NEW)] == rest
    kept.cancel()
    live.cancel()


async def test_a_filter_without_a_match_is_silent(stub: MessageStub) -> None:
    await until_final(stub, await send(stub))
    nothing: list[dict[str, object]] = [
        {"verification_ids": ["v"]},
        {"countries": ["IT"], "senders": ["Acme"]},
        {"terminal_only": True, "statuses": [NEW]},
    ]
    for filters in nothing:
        stream = stub.StreamStatus(request(from_earliest=True, filter=only(**filters)))
        await opened(stream)
        sent = await send(stub)
        await until_final(stub, sent)
        assert await is_silent(stream)
        stream.cancel()


def _matches(chosen: pb.StatusFilter, event: message_pb2.StatusEvent) -> bool:
    return (
        (not chosen.message_ids or event.message_id in chosen.message_ids)
        and (not chosen.batch_ids or event.batch_id in chosen.batch_ids)
        and (not chosen.statuses or event.to_status in chosen.statuses)
        and (not chosen.countries or event.country in chosen.countries)
        and (not chosen.senders or event.sender in chosen.senders)
        and (not chosen.verification_ids or event.verification_id in chosen.verification_ids)
        and (not chosen.terminal_only or event.to_status in FINAL)
        and all(event.labels.get(key) == value for key, value in chosen.labels.items())
    )


async def test_late_receipts_are_streamed_as_such_but_are_not_final_events(
    stub: MessageStub,
) -> None:
    every = stub.StreamStatus(request())
    terminal = stub.StreamStatus(request(filter=only(terminal_only=True)))
    for stream in (every, terminal):
        await opened(stream)
    late = await send(stub, WITH_LATE_RECEIPT)
    events = await events_until(every, lambda seen: any(event.late for event in seen))
    assert (events[-1].to_status, events[-1].late_status) == (UNDELIVERABLE, DELIVERED)
    after = await send(stub)
    seen = await events_until(terminal, all_final([late.message, after.message]))
    assert [(e.message_id, e.late) for e in seen] == [
        (late.message.id, False),
        (after.message.id, False),
    ]
    every.cancel()
    terminal.cancel()


# Responses


async def test_the_events_of_a_batch_come_in_one_response(start_gateway: StartGateway) -> None:
    # Small enough that the log is read from the store as well.
    stub = (await start_gateway(window_events=1_000)).stub
    live = stub.StreamStatus(request(filter=only(statuses=[NEW])))
    await opened(live)
    batches = [await send_batch(stub, count, options=later()) for count in (700, 1_000, 2, 999)]
    for stream in (live, stub.StreamStatus(request(from_earliest=True))):
        seen: dict[str, list[int]] = {}
        while sum(map(sum, seen.values())) < 2_701:
            response = await next_response(stream)
            for batch_id in {event.batch_id for event in response.events}:
                count = sum(event.batch_id == batch_id for event in response.events)
                seen.setdefault(batch_id, []).append(count)
        assert seen == {batch.batch_id: [batch.accepted_count] for batch in batches}
        stream.cancel()


async def test_many_streams_have_equal_content(stub: MessageStub) -> None:
    streams = [stub.StreamStatus(request()) for _ in range(30)]
    await asyncio.gather(*map(opened, streams))
    batches = [await send_batch(stub, 20) for _ in range(5)]
    messages = [result.message for batch in batches for result in batch.results]
    contents = await asyncio.gather(
        *(events_until(stream, all_final(messages)) for stream in streams)
    )
    assert len(contents[0]) == 300
    assert all(content == contents[0] for content in contents)
    for stream in streams:
        stream.cancel()


async def test_heartbeats_come_in_silence_and_advance_the_cursor_though_all_is_filtered_out(
    stub: MessageStub,
) -> None:
    silent = request(filter=only(countries=["XX"]))
    silent.heartbeat_interval.seconds = 1
    stream = stub.StreamStatus(silent)
    first = await opened(stream)
    final = await until_final(stub, await send(stub))
    beat = await next_response(stream)
    assert beat.WhichOneof("control") == "heartbeat"
    assert not beat.events
    assert beat.cursor != first.cursor
    assert beat.heartbeat.lag.ToTimedelta() == timedelta(0)
    stream.cancel()
    rest = stub.StreamStatus(request(cursor=beat.cursor))
    await opened(rest)
    sent = await send(stub)
    events = await events_until(rest, all_final([sent.message]))
    assert final.id not in {event.message_id for event in events}
    rest.cancel()


@pytest.mark.parametrize(("seconds", "nanos"), [(0, 0), (0, 999_000_000), (61, 0), (-1, 0)])
async def test_a_heartbeat_interval_is_1_to_60_seconds(
    stub: MessageStub, seconds: int, nanos: int
) -> None:
    wrong = request()
    wrong.heartbeat_interval.seconds = seconds
    wrong.heartbeat_interval.nanos = nanos
    refusal = await refused(stub.StreamStatus(wrong).read())
    assert refusal.reasons == {"heartbeat_interval": "INVALID_DURATION"}


async def test_latest_only_keeps_the_newest_event_of_each_message_and_counts_the_rest(
    stub: MessageStub,
) -> None:
    batch = await send_batch(stub, 50)
    await settled(stub, batch)
    stream = stub.StreamStatus(request(from_earliest=True, delivery=pb.STREAM_DELIVERY_LATEST_ONLY))
    responses = [await opened(stream)]
    while sum(len(r.events) + r.coalesced for r in responses) < 150:
        responses.append(await next_response(stream))
    stream.cancel()
    events = events_of(responses)
    assert sum(response.coalesced for response in responses) == 150 - len(events)
    for response in responses:
        ids = [event.message_id for event in response.events]
        assert len(ids) == len(set(ids))
    last = {event.message_id: event.to_status for event in events}
    assert last == {result.message.id: DELIVERED for result in batch.results}
    assert len(events) < 150


async def test_latest_only_of_very_many_messages_fits_what_callers_accept(
    stub: MessageStub,
) -> None:
    start = (await opened_once(stub)).cursor
    labels = {f"label-{n}": "x" * 118 for n in range(8)}
    for _ in range(5):
        await send_batch(stub, 1_000, labels=labels, options=later())
    stream = stub.StreamStatus(request(cursor=start, delivery=pb.STREAM_DELIVERY_LATEST_ONLY))
    await opened(stream)
    assert len(await read_events(stream, 5_000)) == 5_000
    stream.cancel()


# The end


@pytest.mark.parametrize("by", ["message_ids", "batch_ids"])
async def test_it_ends_when_all_named_messages_are_final(stub: MessageStub, by: str) -> None:
    batch = await stub.SendBatch(
        pb.SendBatchRequest(
            items=[
                pb.BatchItem(recipient=number)
                for number in (ITALIAN, UNREACHABLE, REFUSED_BY_CARRIER)
            ],
            text="Ciao!",
        )
    )
    ids = [result.message.id for result in batch.results]
    chosen = only(message_ids=ids) if by == "message_ids" else only(batch_ids=[batch.batch_id])
    follow = request(cursor=batch.cursor, filter=chosen, end_when_all_terminal=True)
    for _ in ("while they are sent", "when all is over"):
        responses = await read_to_end(stub.StreamStatus(follow))
        assert [r.WhichOneof("control") for r in responses].count("end") == 1
        assert responses[-1].end.reason == End.REASON_ALL_TERMINAL
        assert responses[-1].cursor
        last = {event.message_id: event.to_status for event in events_of(responses)}
        assert [last[i] for i in ids] == [DELIVERED, UNDELIVERABLE, REJECTED]


async def test_it_ends_at_once_if_all_are_final_before_its_start(stub: MessageStub) -> None:
    final = await until_final(stub, await send(stub))
    for fields in ({}, {"snapshot": True}):
        follow = request(filter=only(message_ids=[final.id]), end_when_all_terminal=True, **fields)
        responses = await read_to_end(stub.StreamStatus(follow))
        assert responses[0].HasField("opened")
        assert responses[-1].end.reason == End.REASON_ALL_TERMINAL
        assert not events_of(responses)


async def test_it_ends_though_the_final_events_are_filtered_out(stub: MessageStub) -> None:
    sent = await send(stub)
    follow = request(
        cursor=sent.cursor,
        filter=only(message_ids=[sent.message.id], statuses=[PENDING]),
        end_when_all_terminal=True,
    )
    # Well before the next heartbeat.
    async with asyncio.timeout(5):
        responses = await read_to_end(stub.StreamStatus(follow))
    assert steps(events_of(responses)) == [(NEW, PENDING)]
    assert responses[-1].end.reason == End.REASON_ALL_TERMINAL


async def test_to_end_it_must_know_the_messages(stub: MessageStub) -> None:
    refusal = await refused(stub.StreamStatus(request(end_when_all_terminal=True)).read())
    assert refusal.fields == ["end_when_all_terminal"]
    for chosen, reason in (
        (only(message_ids=["unknown"]), "MESSAGE_NOT_FOUND"),
        (only(batch_ids=["unknown"]), "BATCH_NOT_FOUND"),
    ):
        follow = request(filter=chosen, end_when_all_terminal=True)
        refusal = await refused(stub.StreamStatus(follow).read())
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert refusal.reason == reason


async def test_a_snapshot_cannot_be_combined_with_a_start(stub: MessageStub) -> None:
    cursor = (await opened_once(stub)).cursor
    starts: list[dict[str, object]] = [
        {"cursor": cursor},
        {"from_earliest": True},
        {"start_time": (await send(stub)).message.create_time},
    ]
    for start in starts:
        refusal = await refused(stub.StreamStatus(request(snapshot=True, **start)).read())
        assert refusal.fields == ["snapshot"]


async def test_when_the_server_stops_streams_end_with_ok_and_go_on_elsewhere(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    store = f"sqlite:{tmp_path}/kept.db"
    gateway = await start_gateway(store=store)
    streams = [gateway.stub.StreamStatus(request()) for _ in range(10)]
    await asyncio.gather(*map(opened, streams))
    sent = await send(gateway.stub, WITHOUT_RECEIPT)
    before = await asyncio.gather(*(events_until(s, lambda seen: len(seen) == 2) for s in streams))
    reading = [asyncio.create_task(read_to_end(stream)) for stream in streams]
    await gateway.stop()
    ends = [(await task)[-1] for task in reading]
    assert {end.end.reason for end in ends} == {End.REASON_SERVER_DRAINING}
    assert all(steps(events) == [(0, NEW), (NEW, PENDING)] for events in before)
    after = await start_gateway(store=store)
    stream = after.stub.StreamStatus(request(cursor=ends[0].cursor))
    await opened(stream)
    again = await send(after.stub)
    events = await events_until(stream, all_final([again.message]))
    assert sent.message.id not in {event.message_id for event in events}
    stream.cancel()


async def test_a_long_poll_is_answered_when_the_server_stops(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway()
    sent = await send(gateway.stub, options=later())
    marker = gateway.stub.StreamStatus(request())
    await opened(marker)
    poll = pb.GetMessageRequest(id=sent.message.id, wait_after_cursor=sent.cursor)
    poll.wait.seconds = 60
    waiting = asyncio.ensure_future(gateway.stub.GetMessage(poll))
    # Calls of one connection are begun in order: once this one is answered the poll waits.
    await all_messages(gateway.stub)
    async with asyncio.timeout(5):
        await gateway.stop()
        assert (await waiting).message == sent.message


async def test_a_server_has_a_limit_of_streams(start_gateway: StartGateway) -> None:
    stub = (await start_gateway(max_streams=2)).stub
    streams = [stub.StreamStatus(request()) for _ in range(2)]
    await asyncio.gather(*map(opened, streams))
    refusal = await refused(stub.StreamStatus(request()).read())
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.reason == "TOO_MANY_STREAMS"
    assert dict(refusal.info.metadata) == {"limit": "streams", "maximum": "2"}
    assert refusal.retry is not None
    for stream in streams:
        stream.cancel()
    # Once the server has noticed, there is room again.
    async with asyncio.timeout(GUARD_SECONDS):
        while isinstance(await answer_or_refusal(stub.StreamStatus(request()).read()), Refusal):
            pass


@contextlib.asynccontextmanager
async def narrow_stub(gateway: Gateway) -> AsyncIterator[MessageStub]:
    """A stub whose transport takes little on before it is read."""
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1_024)]
    async with grpc.aio.insecure_channel(gateway.target, options=options) as channel:
        yield message_service_pb2_grpc.MessageServiceStub(channel)


async def test_a_reader_that_stops_reading_is_ended_and_can_go_on_from_the_last_cursor(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(stall_seconds=0.3)
    labels = {f"label-{n}": "x" * 118 for n in range(8)}
    batches = [
        await send_batch(gateway.stub, 1_000, labels=labels, options=later()) for _ in range(3)
    ]
    ids = {result.message.id for batch in batches for result in batch.results}
    async with narrow_stub(gateway) as narrow:
        stream = narrow.StreamStatus(request(from_earliest=True))
        await opened(stream)
        # The server notices by itself: what it knows of its streams is awaited, not time.
        async with asyncio.timeout(GUARD_SECONDS):
            while gateway.app._feed.stream_count:
                await gateway.stub.ListMessages(pb.ListMessagesRequest(page_size=1))
        events: list[message_pb2.StatusEvent] = []
        response = await answer_or_refusal(stream.read())
        while not isinstance(response, Refusal):
            events += response.events
            response = await answer_or_refusal(stream.read())
    refusal = response
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.reason == "SLOW_CONSUMER"
    cursor = refusal.info.metadata["cursor"]
    rest = gateway.stub.StreamStatus(request(cursor=cursor))
    await opened(rest)
    seen = {event.message_id for event in events}
    while seen != ids:
        seen |= {event.message_id for event in (await next_response(rest)).events}
    rest.cancel()


async def test_a_slow_reader_does_not_hold_up_the_others(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(stall_seconds=60)
    labels = {f"label-{n}": "x" * 118 for n in range(8)}
    for _ in range(3):
        await send_batch(gateway.stub, 1_000, labels=labels, options=later())
    async with narrow_stub(gateway) as narrow:
        stuck = narrow.StreamStatus(request(from_earliest=True))
        await opened(stuck)
        sent = await send(gateway.stub)
        assert (await until_final(gateway.stub, sent)).status == DELIVERED
        stuck.cancel()


async def test_ids_in_a_filter_are_limited(stub: MessageStub) -> None:
    for chosen, field in (
        (only(message_ids=["x"] * 1_001), "filter.message_ids"),
        (only(batch_ids=["x"] * 101), "filter.batch_ids"),
    ):
        refusal = await refused(stub.StreamStatus(request(filter=chosen)).read())
        assert refusal.reasons == {field: "TOO_MANY_ITEMS"}
