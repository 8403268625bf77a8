"""Three servers on one PostgreSQL of a test's own, and callers of all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from tests.acceptance.accounts_setup import READ, SEND, Operator, eventually
from tests.acceptance.crash_load import Load
from tests.acceptance.purse import ACCOUNT, Purse
from tests.acceptance.server_process import ServerProcess
from tests.databases import own_postgres

from smsgate.v1 import account_service_pb2
from smsgate_client import SmsgateClient, Unauthenticated
from smsgate_server.private_postgres import PrivatePostgres

# How far ahead the clocks of three servers are: two of them step forth and back as they run.
# By more than what is left of a lease when it is renewed.
_CLOCKS = ("0", "3,-3", "-3,3")
APART_SECONDS = 6.0
# Of a lease, and of what a machine at work needs beyond it.
_TAKE_OVER_SECONDS = 20.0
# What a server that sends can leave in doubt, each time that it is cut short.
WINDOW = 50
_CLOCK_AHEAD = Path(__file__).parent / "clock_ahead"


@dataclass
class Cluster:
    database: PrivatePostgres
    servers: list[ServerProcess]
    journal: Path
    # Of the operator, of a caller of the account that everybody has, and of a prepaid one.
    operator: str = ""
    local: str = ""
    shop: str = ""

    @property
    def target(self) -> str:
        return self.target_from(0)

    def target_from(self, first: int) -> str:
        """All servers, of which that one is tried first."""
        servers = self.servers[first:] + self.servers[:first]
        return "ipv4:" + ",".join(server.target for server in servers)

    async def open_accounts(self) -> None:
        """Returns once every server knows the keys."""
        async with grpc.aio.insecure_channel(self.servers[0].target) as channel:
            operator = await Operator.of(channel)
            prepaid = account_service_pb2.BILLING_MODE_PREPAID
            await operator.account(ACCOUNT, billing_mode=prepaid)
            self.operator = operator.caller.secret
            self.local = (await operator.key("local", SEND, READ)).secret
            self.shop = (await operator.key(ACCOUNT, SEND, READ)).secret
        await asyncio.gather(*(self._knows_keys(server) for server in self.servers))

    async def _knows_keys(self, server: ServerProcess) -> None:
        async with SmsgateClient(server.target, api_key=self.shop) as client:

            async def knows() -> bool:
                # Until it knows of keys it takes everybody for a caller of `local`.
                try:
                    return (await client.get_account()).account.id == ACCOUNT
                except Unauthenticated:
                    return False

            await eventually(knows)

    async def courier(self) -> ServerProcess:
        """The server that sends. There is one within seconds, whatever has happened."""
        async with asyncio.timeout(_TAKE_OVER_SECONDS):
            while True:
                for server in self._bound():
                    return server
                await asyncio.sleep(0.1)

    async def one_sends(self) -> None:
        """Fails as soon as two servers are bound to the carrier at the same time."""
        while True:
            # Looked at again, or one might have left after it was looked at and before the other.
            if len(self._bound()) > 1 and len(bound := self._bound()) > 1:
                raise AssertionError(f"{len(bound)} servers send")
            await asyncio.sleep(0.05)

    def _bound(self) -> list[ServerProcess]:
        return [server for server in self.servers if server.running and self._is_bound(server)]

    def _is_bound(self, server: ServerProcess) -> bool:
        """Only who is bound to the simulated carrier has its journal open."""
        try:
            open_files = list(Path(f"/proc/{server.pid}/fd").iterdir())
            return any(each.resolve() == self.journal for each in open_files)
        except OSError:
            return False  # It has just ended.

    async def again(self, server: ServerProcess, end: Callable[[], int]) -> None:
        await asyncio.to_thread(end)
        await asyncio.to_thread(server.start)


@pytest.fixture
def database() -> Iterator[PrivatePostgres]:
    with own_postgres() as server:
        yield server


@pytest.fixture
async def cluster(database: PrivatePostgres, tmp_path: Path) -> AsyncIterator[Cluster]:
    journal, keys = tmp_path / "journal", tmp_path / "otp-keys"
    keys.write_text(f"k1 {'A' * 43}=\n")
    environment = {
        "SMSGATE_SIMULATOR_JOURNAL": str(journal),
        "SMSGATE_SIMULATOR_SUBMIT_SECONDS": "0.02",
        "SMSGATE_SUBMIT_WINDOW": str(WINDOW),
        "SMSGATE_OTP_KEY_FILE": str(keys),
    }
    servers = [
        ServerProcess(database.url(), environment=environment | _clock(seconds))
        for seconds in _CLOCKS
    ]
    made = Cluster(database, servers, journal)
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        await made.open_accounts()
        yield made
    finally:
        for server in servers:
            await asyncio.to_thread(server.kill)


def _clock(seconds: str) -> dict[str, str]:
    """What sets the clock of a server apart from the others'."""
    return {"PYTHONPATH": str(_CLOCK_AHEAD), "CLOCK_AHEAD_SECONDS": seconds}


@asynccontextmanager
async def loaded(cluster: Cluster, load: Load, held_at_most: int) -> AsyncIterator[SmsgateClient]:
    """Callers of all servers, some of whom share a purse; a follower of each server, and one of
    whichever it gets.
    """
    async with AsyncExitStack() as stack:

        async def client_of(target: str, key: str) -> SmsgateClient:
            return await stack.enter_async_context(SmsgateClient(target, api_key=key))

        everybody = range(len(cluster.servers))
        clients = [await client_of(cluster.target_from(n), cluster.local) for n in everybody]
        buyers = [await client_of(cluster.target_from(n), cluster.shop) for n in everybody]
        operator = await client_of(cluster.target, cluster.operator)
        targets = [cluster.target, *(server.target for server in cluster.servers)]
        readers = [await client_of(target, cluster.local) for target in targets]
        followers = [asyncio.create_task(load.follow(reader)) for reader in readers]
        purse = Purse()
        calls = [load.send_batches(clients[0]), purse.fill(operator)]
        for client, buyer in 2 * list(zip(clients, buyers, strict=True)):
            calls += [load.send_one_by_one(client), purse.spend(buyer)]
        senders = [asyncio.create_task(call) for call in calls]
        try:
            yield clients[0]
            load.ending = purse.ending = True
            await asyncio.gather(*senders)
            await load.settle(held_at_most)
            await load.check(clients[0], cluster.journal, others=purse.acknowledged)
            await purse.check(buyers[0], cluster.database)
        finally:
            for task in (*followers, *senders):
                task.cancel()
            await asyncio.gather(*followers, *senders, return_exceptions=True)
