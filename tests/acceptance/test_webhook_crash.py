"""Receiver and servers killed at random under load: every event arrives, in order per message."""

import asyncio
import os
import random
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.webhook_setup import Got, Receiver, receiving
from tests.databases import database_of

from smsgate.v1 import message_pb2
from smsgate_client import OutcomeUnknown, SmsgateClient, new_request_id

_SOAK = os.environ.get("SMSGATE_SOAK") == "1"
_KILLS, _RESTARTS = (20, 150) if _SOAK else (2, 6)
# Between two messages of one of three callers.
_PACE_SECONDS = 0.02
_SETTLE_SECONDS = 60.0
# Two on one database: one of them makes the requests, and the other goes on when it is killed.
_STORES = {
    "one server on sqlite": (lambda folder: folder / "crash.db", 1),
    "two servers on postgres": (database_of, 2),
}
_ENVIRONMENT = {
    "SMSGATE_OTP_KEYS": f"k1 {'A' * 43}=",
    "SMSGATE_WEBHOOK_ALLOW_HTTP": "true",
    "SMSGATE_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
    "SMSGATE_WEBHOOK_TIMEOUT_SECONDS": "2",
    # So patient that nothing is given up: what was tried for longer than all of these would be.
    "SMSGATE_WEBHOOK_RETRY_SECONDS": ",".join(["0.05", "0.1", "0.2"] + ["0.5"] * 40 + ["60"] * 5),
}


class _Run:
    def __init__(self, servers: list[ServerProcess], receiver: Receiver, seed: int) -> None:
        self.servers = servers
        self.receiver = receiver
        self.random = random.Random(seed)
        self.sent: list[str] = []
        self.ending = False
        self.down = asyncio.Lock()

    async def answer(self, got: Got) -> int:
        """Now and then it refuses, and now and then it is slow."""
        chance = self.random.random()
        if chance < 0.05:
            return self.random.choice([302, 429, 500, 503])
        await asyncio.sleep(self.random.random() * 0.01)
        return 200

    async def send(self, client: SmsgateClient) -> None:
        while not self.ending:
            number = f"+39333{self.random.randrange(10_000):04d}{self.random.randrange(900):03d}"
            request_id = new_request_id()
            callback = message_pb2.Callback(url=self.receiver.url + "/callback")
            while True:
                try:
                    answer = await client.send(
                        number, "Ciao", request_id=request_id, callback=callback, timeout=5
                    )
                    break
                except OutcomeUnknown:
                    continue
            self.sent.append(answer.message.id)
            await asyncio.sleep(_PACE_SECONDS)

    async def restart_receiver(self) -> None:
        for _ in range(_RESTARTS):
            await asyncio.sleep(self.random.random() * 0.6)
            async with self.down:
                await self.receiver.stop()
                await asyncio.sleep(self.random.random() * 0.2)
                await self.receiver.start()

    async def kill_servers(self) -> None:
        """In turn; every other time while nobody takes anything, which has been written down."""
        for number in range(_KILLS):
            server = self.servers[number % len(self.servers)]
            await asyncio.sleep(0.5 + self.random.random())
            if (number + number // 2) % 2:
                await asyncio.to_thread(server.kill)
            else:
                async with self.down:
                    await self.receiver.stop()
                    await asyncio.sleep(1.5)
                    await asyncio.to_thread(server.kill)
                    await self.receiver.start()
            await asyncio.to_thread(server.start)

    def came(self, path: str) -> dict[str, list[str]]:
        """The events of each message that were taken at a path, in the order they first came."""
        seen: set[str] = set()
        found: dict[str, list[str]] = {}
        for got in self.receiver.taken:
            if got.path == path and got.id not in seen:
                seen.add(got.id)
                data = got.data
                step = f"{data['toStatus']} {data.get('reason')} {data['eventTime']}"
                found.setdefault(data["messageId"], []).append(step)
        return found


async def _history(client: SmsgateClient, message_id: str) -> list[str]:
    found = await client.get(message_id, history=True)
    return [
        f"{message_pb2.MessageStatus.Name(e.to_status)} "
        f"{message_pb2.StatusReason.Name(e.reason)} {e.event_time.ToJsonString()}"
        for e in found.history
    ]


async def _complete(run: _Run, client: SmsgateClient) -> None:
    """Until both endpoints have the whole history of every message."""
    deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
    missing = set(run.sent)
    while missing:
        hook, callback = run.came("/hook"), run.came("/hook/callback")
        for message_id in list(missing):
            whole = await _history(client, message_id)
            if hook.get(message_id) == whole == callback.get(message_id):
                missing.discard(message_id)
        late = asyncio.get_running_loop().time() > deadline
        assert not (missing and late), [
            (i, hook.get(i), callback.get(i)) for i in sorted(missing)[:3]
        ]
        await asyncio.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "store",
    ["one server on sqlite", "two servers on postgres"],
)
async def test_killed_at_random_every_event_arrives_in_order_per_message(
    tmp_path: Path, store: str
) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    store_of, count = _STORES[store]
    where = store_of(tmp_path)
    async with receiving() as receiver:
        with ExitStack() as stack:
            servers = [ServerProcess(where, environment=_ENVIRONMENT) for _ in range(count)]
            for server in servers:
                stack.enter_context(server)
            run = _Run(servers, receiver, seed)
            receiver.answer = run.answer
            target = "ipv4:" + ",".join(server.target for server in servers)
            async with SmsgateClient(target, timeout=5) as client:
                made = await client.create_webhook(receiver.url)
                senders = [asyncio.create_task(run.send(client)) for _ in range(3)]
                await asyncio.gather(run.restart_receiver(), run.kill_servers())
                run.ending = True
                await asyncio.gather(*senders)
                assert len(run.sent) > 50
                await _complete(run, client)
                assert not [each async for each in client.list_failed_deliveries()]
    of_hook = [got for got in receiver.taken if got.path == "/hook"]
    for got in random.Random(seed).sample(of_hook, 20):
        got.verified(made.secret)
