"""A gateway with the web, and its callers: plain HTTP, streams of Connect, browsers' events."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import GUARD_SECONDS, ITALIAN
from tests.acceptance.server_process import ServerProcess

Json = dict[str, Any]
_READY = "smsgate web on "
_START_SECONDS = 120.0
HEAD = struct.Struct(">BI")
END = 0x02


@dataclass
class Web:
    """A gateway and a client of its web. `key` goes with every call."""

    gateway: Gateway
    client: httpx.AsyncClient

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.app.web_port}"

    @property
    def connections(self) -> set[Any]:
        """What the server keeps open."""
        web = self.gateway.app._web
        assert web is not None
        assert web._listener._server is not None
        return set(web._listener._server.server_state.connections)

    async def call(self, rpc: str, request: Json, **headers: str) -> httpx.Response:
        """`rpc` as in `MessageService/SendMessage`."""
        return await self.client.post(f"/smsgate.v1.{rpc}", json=request, headers=headers)

    async def send(self, **fields: Any) -> Json:
        answer = await self.call("MessageService/SendMessage", a_send(**fields))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def a_send(**fields: Any) -> Json:
    return {"recipient": ITALIAN, "text": "Ciao!"} | fields


@asynccontextmanager
async def started_web(start_gateway: StartGateway, **settings: Any) -> AsyncIterator[Web]:
    gateway = await start_gateway(**{"web_listen": "127.0.0.1:0"} | settings)
    async with web_client(f"http://127.0.0.1:{gateway.app.web_port}") as client:
        yield Web(gateway, client)


def web_client(url: str, **arguments: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=GUARD_SECONDS, **arguments)


class WebProcess(ServerProcess):
    """The server as a process, with the web on a port that it keeps when it is started again."""

    web = ""

    def start(self) -> Self:
        address = self.web.removeprefix("http://").removesuffix("/") or "127.0.0.1:0"
        if "--web" not in self._arguments:
            self._arguments += ["--web", address]
        self._arguments[self._arguments.index("--web") + 1] = address
        super().start()
        line = self._lines.get(timeout=_START_SECONDS)
        assert line is not None
        assert line.startswith(_READY)
        self.web = line.removeprefix(_READY).strip()
        return self


# Streams of Connect


def envelope(message: bytes, flags: int = 0) -> bytes:
    return HEAD.pack(flags, len(message)) + message


async def envelopes(response: httpx.Response) -> AsyncIterator[tuple[int, bytes]]:
    """The flags and messages of a body, as they come."""
    waiting = b""
    async for chunk in response.aiter_raw():
        waiting += chunk
        while len(waiting) >= HEAD.size:
            flags, size = HEAD.unpack_from(waiting)
            if len(waiting) < HEAD.size + size:
                break
            yield flags, waiting[HEAD.size : HEAD.size + size]
            waiting = waiting[HEAD.size + size :]
    assert not waiting


@asynccontextmanager
async def connect_stream(
    client: httpx.AsyncClient, request: Json, **headers: str
) -> AsyncIterator[AsyncIterator[Json]]:
    """The responses of a StreamStatus in JSON; the last one is {"end": …}."""

    async def responses(response: httpx.Response) -> AsyncIterator[Json]:
        async for flags, message in envelopes(response):
            yield {"end": json.loads(message)} if flags == END else json.loads(message)

    async with client.stream(
        "POST",
        "/smsgate.v1.MessageService/StreamStatus",
        content=envelope(json.dumps(request).encode()),
        headers={"content-type": "application/connect+json"} | headers,
    ) as response:
        assert response.status_code == 200
        yield responses(response)


# Server-sent events


@dataclass
class Sent:
    """One server-sent event."""

    event: str = ""
    id: str | None = None
    data: Json = field(default_factory=dict)


class EventSource:
    """What a browser's EventSource does with one response: events, and the last id it has seen."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.aiter_lines()

    def __aiter__(self) -> "EventSource":
        return self

    async def __anext__(self) -> Sent:
        sent = Sent()
        async with asyncio.timeout(GUARD_SECONDS):
            async for line in self._lines:
                if not line and sent.event:
                    self.last_id = self.last_id if sent.id is None else sent.id
                    return sent
                name, _, value = line.partition(": ")
                if name == "event":
                    sent.event = value
                elif name == "id":
                    sent.id = value
                elif name == "data":
                    sent.data = json.loads(value)
        raise StopAsyncIteration

    async def until(self, kind: str) -> Sent:
        async for sent in self:
            if sent.event == kind:
                return sent
        raise AssertionError(f"the stream ended without {kind}")


@asynccontextmanager
async def event_source(
    client: httpx.AsyncClient, path: str, headers: Mapping[str, str] | None = None
) -> AsyncIterator[EventSource]:
    async with client.stream("GET", path, headers=dict(headers or {})) as response:
        yield EventSource(response)


def transitions(response: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The message and the new status of each event of a response."""
    return [(event["messageId"], event["toStatus"]) for event in response.get("events", [])]
