"""StreamStatus over HTTP: Connect, gRPC-Web and server-sent events see what gRPC sees."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from google.protobuf import json_format
from tests.acceptance.conftest import StartGateway
from tests.acceptance.reading import DELIVERED, GUARD_SECONDS, ITALIAN
from tests.acceptance.web_setup import (
    HEAD,
    Web,
    WebProcess,
    a_send,
    connect_stream,
    envelope,
    envelopes,
    event_source,
    started_web,
    transitions,
    web_client,
)

from smsgate.v1 import message_service_pb2 as pb
from smsgate_server.transport.web import listener

_PATH = "/smsgate.v1.MessageService/StreamStatus"
_DELIVERED = "MESSAGE_STATUS_DELIVERED"
_NOBODY = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def web(start_gateway: StartGateway) -> AsyncIterator[Web]:
    async with started_web(start_gateway) as made:
        yield made


async def _next(responses: AsyncIterator[Any]) -> Any:
    async with asyncio.timeout(GUARD_SECONDS):
        return await anext(responses)


async def test_a_connect_stream_opens_at_once_and_tells_every_transition(web: Web) -> None:
    async with connect_stream(web.client, {}) as responses:
        assert "opened" in await _next(responses)
        sent = await web.send()
        seen: list[tuple[str, str]] = []
        while not seen or seen[-1][1] != _DELIVERED:
            seen += transitions(await _next(responses))
        assert {message for message, _ in seen} == {sent["message"]["id"]}


async def test_a_stream_that_ends_by_itself_ends_without_an_error(web: Web) -> None:
    sent = await web.send()
    asked = {
        "cursor": sent["cursor"],
        "filter": {"messageIds": [sent["message"]["id"]]},
        "endWhenAllTerminal": True,
    }
    async with connect_stream(web.client, asked) as responses:
        everything = [response async for response in responses]
    assert everything[-1] == {"end": {}}
    assert everything[-2]["end"] == {"reason": "REASON_ALL_TERMINAL"}


async def test_a_refused_stream_says_why_in_its_end(web: Web) -> None:
    async with connect_stream(web.client, {"cursor": "nonsense"}) as responses:
        ends = [response async for response in responses]
    (end,) = ends
    assert end["end"]["error"]["code"] == "invalid_argument"
    assert end["end"]["error"]["reason"] == "CURSOR_INVALID"


@pytest.mark.parametrize(
    "body", [b"", b"\0\0\0\0", b"\0\0\0\0\5{}", b"\1\0\0\0\2{}", b"\0\0\0\0\2{}\0\0\0\0\2{}"]
)
async def test_a_body_that_is_not_one_envelope_is_refused(web: Web, body: bytes) -> None:
    headers = {"content-type": "application/connect+json"}
    answer = await web.client.post(_PATH, content=body, headers=headers)
    flags, size = HEAD.unpack_from(answer.content)
    assert flags == 2
    assert size == len(answer.content) - HEAD.size
    assert json.loads(answer.content[HEAD.size :])["error"]["code"] in (
        "invalid_argument",
        "unimplemented",
    )


async def test_streams_of_every_kind_see_the_same_events(web: Web) -> None:
    """The ones of gRPC are the measure; all start before and read until the last is delivered."""
    count = 40

    async def over_grpc() -> list[pb.StreamStatusResponse]:
        stream = web.gateway.stub.StreamStatus(pb.StreamStatusRequest(from_earliest=True))
        return await _until_delivered(_reads(stream), count)

    async def over_connect_proto() -> list[pb.StreamStatusResponse]:
        request = pb.StreamStatusRequest(from_earliest=True).SerializeToString()
        headers = {"content-type": "application/connect+proto"}
        async with web.client.stream(
            "POST", _PATH, content=envelope(request), headers=headers
        ) as response:
            parsed = (
                pb.StreamStatusResponse.FromString(message)
                async for _, message in envelopes(response)
            )
            return await _until_delivered(parsed, count)

    async def over_connect_json() -> list[pb.StreamStatusResponse]:
        async with connect_stream(web.client, {"fromEarliest": True}) as responses:
            return await _until_delivered(_parsed(responses), count)

    async def over_grpc_web() -> list[pb.StreamStatusResponse]:
        request = pb.StreamStatusRequest(from_earliest=True).SerializeToString()
        headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
        async with web.client.stream(
            "POST", _PATH, content=envelope(request), headers=headers
        ) as response:
            parsed = (
                pb.StreamStatusResponse.FromString(message)
                async for _, message in envelopes(response)
            )
            return await _until_delivered(parsed, count)

    async def over_events() -> list[pb.StreamStatusResponse]:
        async with event_source(web.client, "/events?from_earliest=true") as source:
            data = (sent.data async for sent in source)
            return await _until_delivered(_parsed(data), count)

    ways = (over_grpc, over_connect_proto, over_connect_json, over_grpc_web, over_events)
    tasks = [asyncio.create_task(way()) for way in ways]
    for number in range(count):
        await web.send(text=f"number {number}")
    async with asyncio.timeout(GUARD_SECONDS):
        measure, *others = await asyncio.gather(*tasks)
    wanted = _events(measure)
    assert len(wanted) >= 3 * count
    for other in others:
        assert _events(other) == wanted


def _events(responses: list[pb.StreamStatusResponse]) -> list[bytes]:
    return [event.SerializeToString() for response in responses for event in response.events]


async def _reads(stream: Any) -> AsyncIterator[pb.StreamStatusResponse]:
    async for response in stream:
        yield response


async def _parsed(responses: AsyncIterator[Any]) -> AsyncIterator[pb.StreamStatusResponse]:
    async for response in responses:
        yield json_format.ParseDict(response, pb.StreamStatusResponse())


async def _until_delivered(
    responses: AsyncIterator[pb.StreamStatusResponse], count: int
) -> list[pb.StreamStatusResponse]:
    read: list[pb.StreamStatusResponse] = []
    delivered = 0
    async for response in responses:
        read.append(response)
        delivered += sum(event.to_status == DELIVERED for event in response.events)
        if delivered >= count:
            break
    return read


# gRPC-Web


def _frames(body: bytes) -> list[tuple[int, bytes]]:
    frames = []
    while body:
        flags, size = HEAD.unpack_from(body)
        frames.append((flags, body[HEAD.size : HEAD.size + size]))
        body = body[HEAD.size + size :]
    return frames


@pytest.mark.parametrize("media", ["application/grpc-web", "application/grpc-web+proto"])
async def test_grpc_web_answers_a_unary_call_with_a_message_and_trailers(
    web: Web, media: str
) -> None:
    request = pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!").SerializeToString()
    answer = await web.client.post(
        "/smsgate.v1.MessageService/SendMessage",
        content=envelope(request),
        headers={"content-type": media, "x-grpc-web": "1"},
    )
    (flags, message), (last, trailers) = _frames(answer.content)
    assert (flags, last, trailers) == (0, 0x80, b"grpc-status: 0\r\n")
    assert pb.SendMessageResponse.FromString(message).message.recipient == ITALIAN


async def test_grpc_web_refuses_with_status_message_and_details(web: Web) -> None:
    answer = await web.client.post(
        "/smsgate.v1.MessageService/SendMessage",
        content=base64.b64encode(envelope(b"")),
        headers={"content-type": "application/grpc-web-text", "x-grpc-web": "1"},
    )
    assert answer.status_code == 200
    ((flags, trailers),) = _frames(base64.b64decode(answer.content))
    assert flags == 0x80
    lines = dict(line.split(": ", 1) for line in trailers.decode().splitlines())
    assert lines["grpc-status"] == "3"
    assert "recipient" in lines["grpc-message"]
    assert lines["grpc-status-details-bin"]


# Server-sent events


async def test_events_of_a_message_end_after_its_final_status_and_do_not_come_again(
    web: Web,
) -> None:
    sent = await web.send()
    path = f"/messages/{sent['message']['id']}/events"
    async with event_source(web.client, path) as source:
        assert source.response.headers["content-type"] == "text/event-stream"
        events = [event async for event in source]
    kinds = [event.event for event in events]
    assert kinds[:2] == ["opened", "snapshot"]
    assert kinds[-1] == "end"
    assert events[-1].data["end"] == {"reason": "REASON_ALL_TERMINAL"}
    again = await web.client.get(path, headers={"last-event-id": source.last_id})
    assert (again.status_code, again.content) == (204, b"")


async def test_an_interrupted_snapshot_starts_again(web: Web) -> None:
    """Until it is whole no event has an id, so a browser that comes back names none."""
    await web.send()
    async with event_source(web.client, "/events?snapshot=true") as source:
        kinds = {}
        async for event in source:
            kinds[event.event] = event.id
            if event.event == "snapshot_end":
                break
    assert kinds["opened"] is None
    assert kinds["snapshot"] is None
    assert kinds["snapshot_end"]


async def test_an_event_source_goes_on_from_its_last_id(web: Web) -> None:
    async with event_source(web.client, "/events") as source:
        await source.until("opened")
        first = await web.send()
        await source.until("events")
    second = await web.send()
    seen: list[tuple[str, str]] = []
    headers = {"last-event-id": source.last_id}
    async with event_source(web.client, "/events?snapshot=true", headers) as resumed:
        async for event in resumed:
            assert event.event != "snapshot"
            seen += transitions(event.data)
            if (second["message"]["id"], _DELIVERED) in seen:
                break
    assert (first["message"]["id"], "MESSAGE_STATUS_NEW") not in seen
    assert len(seen) == len(set(seen))


async def test_events_are_chosen_by_the_query(web: Web) -> None:
    query = "country=IT&status=delivered,undeliverable&label=team=blue&terminal_only=true"
    async with event_source(web.client, f"/events?{query}&sender=Openapi") as source:
        await source.until("opened")
        await web.send(recipient="+34612345678", labels={"team": "blue"})
        await web.send(labels={"team": "red"})
        wanted = await web.send(labels={"team": "blue"})
        found = await source.until("events")
        assert transitions(found.data) == [(wanted["message"]["id"], _DELIVERED)]


@pytest.mark.parametrize(
    "query", ["cuntry=IT", "status=lost", "heartbeat=x", "snapshot=maybe", "cursor=x"]
)
async def test_a_wrong_query_is_refused(web: Web, query: str) -> None:
    answer = await web.client.get(f"/events?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_argument"


async def test_silence_is_broken_by_heartbeats_that_carry_the_position(web: Web) -> None:
    async with event_source(web.client, "/events?heartbeat=1&country=ES") as source:
        opened = await source.until("opened")
        await web.send()
        beat = await source.until("heartbeat")
    assert beat.id
    assert beat.id != opened.id


async def test_events_of_a_message_that_is_not_there_are_not_found(web: Web) -> None:
    answer = await web.client.get(f"/messages/{_NOBODY}/events")
    assert answer.status_code == 404, answer.text


# Ends and interruptions


async def test_a_caller_that_leaves_leaves_no_stream_behind(web: Web) -> None:
    async with connect_stream(web.client, {}) as responses:
        await _next(responses)
        assert web.gateway.app._feed.stream_count == 1
    async with event_source(web.client, "/events") as source:
        await source.until("opened")
    async with asyncio.timeout(GUARD_SECONDS):
        while web.gateway.app._feed.stream_count:
            await web.call("MessageService/ListMessages", {})


async def test_a_stopping_server_ends_its_streams_in_order(web: Web) -> None:
    async with (
        connect_stream(web.client, {}) as responses,
        event_source(web.client, "/events") as source,
    ):
        await _next(responses)
        opened = await source.until("opened")
        stopping = asyncio.create_task(web.gateway.stop())
        assert (await _next(responses))["end"] == {"reason": "REASON_SERVER_DRAINING"}
        assert await _next(responses) == {"end": {}}
        end = await source.until("end")
        assert end.data["end"] == {"reason": "REASON_SERVER_DRAINING"}
        # A browser comes back by itself, with the cursor.
        assert end.id == opened.id
        await stopping
    with pytest.raises(httpx.ConnectError):
        await web.client.get("/readyz")


_BROWSER = {"accept": "text/event-stream"}


async def test_an_event_source_is_put_off_by_a_stopping_server_and_not_refused(web: Web) -> None:
    """At any answer but 200 a browser would give up for ever."""
    assert web.gateway.app._web is not None
    web.gateway.app._web.drain()
    for path in ("/events", f"/messages/{_NOBODY}/events"):
        refused = await web.client.get(path)
        assert refused.status_code == 503
        put_off = await web.client.get(path, headers=_BROWSER)
        assert put_off.status_code == 200
        assert put_off.headers["content-type"] == "text/event-stream"
        retry, event, data, *rest = put_off.text.splitlines()
        assert (retry, event, rest) == ("retry: 1000", "event: failed", [""])
        assert json.loads(data.removeprefix("data: "))["reason"] == "SERVER_DRAINING"
    sent = await web.client.post("/messages", json=a_send(), headers=_BROWSER)
    assert sent.status_code == 503


async def test_an_event_source_is_put_off_by_a_limit_for_as_long_as_that_says(
    start_gateway: StartGateway,
) -> None:
    async with started_web(start_gateway, limits=("requests=1/1h",)) as web:
        async with event_source(web.client, "/events", _BROWSER) as source:
            await source.until("opened")
        refused = await web.client.get("/events")
        assert refused.status_code == 429
        put_off = await web.client.get("/events", headers=_BROWSER)
        assert put_off.status_code == 200
        retry, event, data, *_ = put_off.text.splitlines()
        assert int(retry.removeprefix("retry: ")) > 60_000
        assert event == "event: failed"
        assert json.loads(data.removeprefix("data: "))["code"] == "resource_exhausted"


async def test_what_is_wrong_for_good_is_refused_to_an_event_source_too(web: Web) -> None:
    wrong = await web.client.get("/events?cursor=x", headers=_BROWSER)
    assert wrong.status_code == 400
    gone = await web.client.get(f"/messages/{_NOBODY}/events", headers=_BROWSER)
    assert gone.status_code == 404


async def _slow(web: Web, request: bytes) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    made.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(made, ("127.0.0.1", web.gateway.app.web_port))
    await loop.sock_sendall(made, request)
    return made


def _connect_request() -> bytes:
    body = envelope(b'{"fromEarliest":true}')
    head = f"POST {_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"content-type: application/connect+json\r\n\r\n" + body


def _events_request() -> bytes:
    return b"GET /events?from_earliest=true HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize("request_of", [_connect_request, _events_request])
async def test_a_reader_that_stops_reading_is_ended_and_its_connection_is_dropped(
    start_gateway: StartGateway, request_of: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the reader was told last may fit into the system's buffers: then it is kept as long as
    # any idle connection.
    monkeypatch.setattr(listener, "KEEP_ALIVE_SECONDS", 2)
    async with started_web(start_gateway, stall_seconds=0.3) as web:
        labels = {f"label-{n}": "x" * 118 for n in range(8)}
        items = [{"recipient": ITALIAN, "text": "Ciao!"} for _ in range(1_000)]
        batch = {"items": items, "labels": labels, "options": {"sendTime": _in_an_hour()}}
        for _ in range(5):
            assert (await web.call("MessageService/SendBatch", batch)).status_code == 200
        reader = await _slow(web, request_of())
        with reader:
            async with asyncio.timeout(4 * GUARD_SECONDS):
                while not web.gateway.app._feed.stream_count:
                    await web.call("MessageService/ListMessages", {"pageSize": 1})
                while web.gateway.app._feed.stream_count:
                    await web.call("MessageService/ListMessages", {"pageSize": 1})
                # Dropped, so that what was not read is not kept; the client's own keeps one.
                while len(web.connections) > 1:
                    await web.call("MessageService/ListMessages", {"pageSize": 1})


def _in_an_hour() -> str:
    return f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.slow
async def test_killed_and_started_again_an_event_source_misses_and_doubles_nothing(
    tmp_path: Any,
) -> None:
    """The page reconnects with the last id that it saw, whatever was on its way."""
    with WebProcess(tmp_path / "messages.db") as server:
        seen: list[tuple[str, str]] = []
        sent: set[str] = set()
        last_id = ""
        for _ in range(3):
            async with web_client(server.web) as client:
                headers = {"last-event-id": last_id} if last_id else {}
                async with event_source(client, "/events", headers) as source:
                    await source.until("opened")
                    for _ in range(10):
                        answer = await client.post("/messages", json=a_send())
                        sent.add(answer.json()["message"]["id"])
                    seen += transitions((await source.until("events")).data)
                    await asyncio.to_thread(server.kill)
                last_id = source.last_id
            await asyncio.to_thread(server.start)
        # What was on its way to the carrier at a kill stays in doubt; what was accepted does not.
        wanted = {(message, "MESSAGE_STATUS_NEW") for message in sent}
        async with (
            web_client(server.web) as client,
            event_source(client, "/events", {"last-event-id": last_id}) as source,
        ):
            async for event in source:
                seen += transitions(event.data)
                if wanted <= set(seen):
                    break
        assert len(seen) == len(set(seen))
        assert {message for message, _ in seen} == sent
        assert len(sent) == 30
