"""Three servers on one PostgreSQL: killed, drained, cut off from it, and it killed under them."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.acceptance.crash_load import Load
from tests.acceptance.server_process import ServerProcess
from tests.databases import private_postgres

from smsgate_client import SmsgateClient
from smsgate_server.private_postgres import PrivatePostgres

psycopg = pytest.importorskip("psycopg", reason="install the extra [postgres]")

pytestmark = pytest.mark.slow

# The clocks of three servers.
_SECONDS_APART = (0, 3, -3)
# Of a lease, and of what a machine at work needs beyond it.
_TAKE_OVER_SECONDS = 20.0
# What a server that sends can leave in doubt, each time that it is cut short.
_WINDOW = 50
_CLOCK_AHEAD = Path(__file__).parent / "clock_ahead"


@dataclass
class Cluster:
    database: PrivatePostgres
    servers: list[ServerProcess]
    journal: Path

    @property
    def target(self) -> str:
        return "ipv4:" + ",".join(server.target for server in self.servers)

    async def courier(self) -> ServerProcess:
        """The server that sends. There is one within seconds, whatever has happened."""
        async with asyncio.timeout(_TAKE_OVER_SECONDS):
            while True:
                for server in self.servers:
                    if server.running and self._is_bound(server):
                        return server
                await asyncio.sleep(0.1)

    def _is_bound(self, server: ServerProcess) -> bool:
        """Only who is bound to the simulated carrier has its journal open."""
        open_files = Path(f"/proc/{server.pid}/fd").iterdir()
        return any(each.resolve() == self.journal for each in open_files)

    async def again(self, server: ServerProcess, end: Callable[[], int]) -> None:
        await asyncio.to_thread(end)
        await asyncio.to_thread(server.start)


@pytest.fixture
def database() -> Iterator[PrivatePostgres]:
    folder = Path(tempfile.mkdtemp(prefix="smsgate-pg-", dir="/tmp"))
    server = private_postgres(folder)
    server.start()
    yield server
    server.kill()
    shutil.rmtree(folder)


@pytest.fixture
async def cluster(database: PrivatePostgres, tmp_path: Path) -> AsyncIterator[Cluster]:
    journal, keys = tmp_path / "journal", tmp_path / "otp-keys"
    keys.write_text(f"k1 {'A' * 43}=\n")
    environment = {
        "SMSGATE_SIMULATOR_JOURNAL": str(journal),
        "SMSGATE_SIMULATOR_SUBMIT_SECONDS": "0.02",
        "SMSGATE_SUBMIT_WINDOW": str(_WINDOW),
        "SMSGATE_OTP_KEY_FILE": str(keys),
    }
    servers = [
        ServerProcess(database.url(), environment=environment | _clock(seconds))
        for seconds in _SECONDS_APART
    ]
    try:
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        yield Cluster(database, servers, journal)
    finally:
        for server in servers:
            await asyncio.to_thread(server.kill)


def _clock(seconds: int) -> dict[str, str]:
    """What sets the clock of a server apart from the others'."""
    return {"PYTHONPATH": str(_CLOCK_AHEAD), "CLOCK_AHEAD_SECONDS": str(seconds)}


@asynccontextmanager
async def _loaded(cluster: Cluster, load: Load, held_at_most: int) -> AsyncIterator[SmsgateClient]:
    """Callers of all servers; a follower of each server, and one of whichever it gets."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(SmsgateClient(cluster.target))
        targets = [cluster.target, *(server.target for server in cluster.servers)]
        readers = [await stack.enter_async_context(SmsgateClient(target)) for target in targets]
        followers = [asyncio.create_task(load.follow(reader)) for reader in readers]
        senders = [asyncio.create_task(load.send_one_by_one(client)) for _ in range(6)]
        senders.append(asyncio.create_task(load.send_batches(client)))
        try:
            yield client
            load.ending = True
            await asyncio.gather(*senders)
            await load.settle(held_at_most)
            await load.check(client, cluster.journal)
        finally:
            for task in (*followers, *senders):
                task.cancel()
            await asyncio.gather(*followers, *senders, return_exceptions=True)


async def test_servers_killed_and_drained_lose_and_double_nothing(cluster: Cluster) -> None:
    load = Load(1, validity=3_600)
    async with asyncio.timeout(180), _loaded(cluster, load, 2 * _WINDOW):
        await load.until(100)
        sending = await cluster.courier()
        others = [server for server in cluster.servers if server is not sending]
        await cluster.again(others[0], others[0].kill)
        await load.until(50)
        # Another takes over while it is away.
        await asyncio.to_thread(sending.kill)
        drained = await cluster.courier()
        await load.until(100)
        await asyncio.to_thread(sending.start)
        await cluster.again(drained, drained.stop)
        await load.until(100)


async def test_a_database_that_crashes_loses_nothing_that_was_acknowledged(
    cluster: Cluster,
) -> None:
    load = Load(2, validity=3_600)
    async with asyncio.timeout(180), _loaded(cluster, load, 4 * _WINDOW):
        await load.until(100)
        await asyncio.to_thread(cluster.database.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(cluster.database.start)
        await load.until(100)
        for _ in range(3):
            await asyncio.to_thread(_cut_all, cluster.database)
            await load.until(30)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_in_whatever_order_nothing_is_lost_or_doubled(
    cluster: Cluster, seed: int
) -> None:
    chance = random.Random(seed)
    load = Load(seed, validity=3_600)
    async with asyncio.timeout(600), _loaded(cluster, load, 25 * _WINDOW):
        for _ in range(25):
            await load.until(chance.randrange(1, 80))
            await _trouble(cluster, chance)


async def _trouble(cluster: Cluster, chance: random.Random) -> None:
    server = chance.choice(cluster.servers)
    match chance.choice(["kill", "kill the courier", "drain", "cut", "stop", "crash"]):
        case "kill":
            await cluster.again(server, server.kill)
        case "kill the courier":
            sending = await cluster.courier()
            await asyncio.to_thread(sending.kill)
            # Another has taken over before it is back, or not.
            await asyncio.sleep(chance.choice([0, 8]))
            await asyncio.to_thread(sending.start)
        case "drain":
            await cluster.again(server, server.stop)
        case "cut":
            await asyncio.to_thread(_cut_all, cluster.database)
        case "stop":
            # Its lease runs out while it cannot know that.
            await asyncio.to_thread(server.freeze, chance.uniform(1, 9))
        case "crash":
            await asyncio.to_thread(cluster.database.kill)
            await asyncio.sleep(chance.random())
            await asyncio.to_thread(cluster.database.start)


def _cut_all(database: PrivatePostgres) -> None:
    with psycopg.connect(database.url(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'smsgate'"
        )
