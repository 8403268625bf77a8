"""Three servers on one PostgreSQL: killed, drained, cut off from it, and it killed under them."""

import asyncio
import random

import pytest
from tests.acceptance import cluster_setup
from tests.acceptance.cluster_setup import WINDOW, Cluster, loaded
from tests.acceptance.crash_load import Load

from smsgate_server.private_postgres import PrivatePostgres

psycopg = pytest.importorskip("psycopg", reason="install the extra [postgres]")

pytestmark = pytest.mark.slow

database, cluster = cluster_setup.database, cluster_setup.cluster


async def test_servers_killed_and_drained_lose_and_double_nothing(cluster: Cluster) -> None:
    load = Load(1, validity=3_600)
    async with asyncio.timeout(180), loaded(cluster, load, 2 * WINDOW):
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
    async with asyncio.timeout(180), loaded(cluster, load, 4 * WINDOW):
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
    async with asyncio.timeout(600), loaded(cluster, load, 25 * WINDOW):
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
