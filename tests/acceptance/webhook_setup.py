"""A receiver of webhooks: a real HTTP server on loopback that checks every signature."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook as Verifier
from tests.acceptance.accounts_setup import Caller, eventually
from tests.acceptance.conftest import Gateway

from smsgate.v1 import webhook_service_pb2 as pb

# Receivers are on this machine, and tests have no time.
LOOPBACK: dict[str, Any] = {
    "webhook_allow_http": True,
    "webhook_allowed_networks": ("127.0.0.0/8",),
    # Tests whose receivers hang say less.
    "webhook_timeout_seconds": 15.0,
    "webhook_retry_seconds": (0.02, 0.04, 0.08),
}


@dataclass(frozen=True)
class Got:
    """One request, as it came."""

    path: str
    headers: dict[str, str]
    text: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.text)
        return read

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["data"]
        return found

    def verified(self, secret: str) -> "Got":
        """Raises unless it is signed with this secret."""
        Verifier(secret).verify(self.text, self.headers)
        return self


Answer = Callable[[Got], Awaitable[web.StreamResponse | int]]


async def _take(got: Got) -> web.StreamResponse | int:
    return 200


@dataclass
class Receiver:
    """`answer` decides what is answered; `got` is everything that came, `taken` what it took."""

    answer: Answer = _take
    got: list[Got] = field(default_factory=list)
    taken: list[Got] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        # Handlers that hang end with their connection.
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=0.0, handler_cancellation=True
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Hang up on everybody."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Got(request.path, headers, await request.text())
        self.got.append(got)
        answer = await self.answer(got)
        response = web.Response(status=answer) if isinstance(answer, int) else answer
        if response.status < 300:
            self.taken.append(got)
        return response

    async def until(self, count: int, seconds: float = 10.0) -> list[Got]:
        """What it took, once that is so many events."""

        async def enough() -> bool:
            return len({got.id for got in self.taken}) >= count

        await eventually(enough, seconds)
        return self.taken


@asynccontextmanager
async def receiving(answer: Answer = _take) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()


def caller_of(gateway: Gateway) -> Caller:
    """Whoever calls a server that runs open."""
    return Caller(gateway.channel)


async def a_webhook(caller: Caller, url: str, **fields: Any) -> pb.CreateWebhookResponse:
    made: pb.CreateWebhookResponse = await caller.webhooks.CreateWebhook(
        pb.CreateWebhookRequest(url=url, **fields)
    )
    return made


async def shown(caller: Caller, webhook_id: str) -> pb.Webhook:
    answer = await caller.webhooks.GetWebhook(pb.GetWebhookRequest(id=webhook_id))
    found: pb.Webhook = answer.webhook
    return found


async def failed_deliveries(caller: Caller, **fields: Any) -> list[pb.FailedDelivery]:
    request = pb.ListFailedDeliveriesRequest(**fields)
    answer = await caller.webhooks.ListFailedDeliveries(request)
    return list(answer.deliveries)


def steps(taken: list[Got]) -> dict[str, list[str]]:
    """The statuses of each message in the order in which they first came."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {}
    for got in taken:
        if got.id not in seen:
            seen.add(got.id)
            found.setdefault(got.data["messageId"], []).append(got.data["toStatus"])
    return found


def repeats(taken: list[Got]) -> int:
    """How many events came more than once."""
    return sum(count > 1 for count in Counter(got.id for got in taken).values())


async def settled() -> None:
    """A moment in which what must not happen would have happened."""
    await asyncio.sleep(0.3)
