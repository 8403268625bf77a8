"""A whole gateway in this process: the real server on a port of its own, and a channel to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.acceptance.reading import MessageStub, all_messages

from smsgate.v1 import message_service_pb2_grpc
from smsgate_server.app import App
from smsgate_server.config import load

# What a test does not say for itself: a carrier without patience, and a short goodbye.
_QUICK: dict[str, Any] = {
    "listen": "127.0.0.1:0",
    "simulator_submit_seconds": 0.002,
    "simulator_receipt_seconds": 0.01,
    "retry_base_seconds": 0.05,
    "drain_seconds": 2.0,
}


@dataclass
class Gateway:
    """A running server. `stub` is the generated one, on the channel that all of a test shares."""

    app: App
    channel: grpc.aio.Channel
    stub: MessageStub
    stopped: bool = False

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.app.port}"

    async def message_count(self) -> int:
        return len(await all_messages(self.stub))

    async def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            await self.app.stop()

    async def forget_what_is_old(self) -> None:
        """What the server does by itself once a minute."""
        await self.app._retention.prune()


StartGateway = Callable[..., Awaitable[Gateway]]


@pytest.fixture
async def start_gateway(tmp_path: Path) -> AsyncIterator[StartGateway]:
    """Starts gateways with the settings that a test gives; each has a database of its own unless
    the test names one.
    """
    started = 0
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Gateway:
            nonlocal started
            started += 1
            store = {"store": f"sqlite:{tmp_path / f'messages-{started}.db'}"}
            app = App(load(None, _QUICK | store | settings, {}))
            await app.start()
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{app.port}")
            stub = message_service_pb2_grpc.MessageServiceStub(channel)
            gateway = Gateway(app, channel, stub)
            stack.push_async_callback(gateway.stop)
            await stack.enter_async_context(channel)
            return gateway

        yield start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway()


@pytest.fixture
def stub(gateway: Gateway) -> MessageStub:
    return gateway.stub
