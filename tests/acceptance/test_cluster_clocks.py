"""Three servers whose clocks are apart, and step forth and back while they send in turn."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from tests.acceptance import cluster_setup
from tests.acceptance.cluster_setup import APART_SECONDS, WINDOW, Cluster, loaded
from tests.acceptance.crash_load import Load, turns, until_answered
from tests.acceptance.reading import EXPIRED, ITALIAN, REFUSED_FOR_EVER

from smsgate_client import SmsgateClient

pytest.importorskip("psycopg", reason="install the extra [postgres]")

pytestmark = pytest.mark.slow

database, cluster = cluster_setup.database, cluster_setup.cluster

_VALIDITY_SECONDS = APART_SECONDS + 4


async def test_clocks_that_step_expire_nothing_early_and_let_one_server_send_at_a_time(
    cluster: Cluster,
) -> None:
    load = Load(3, validity=3_600)
    async with asyncio.timeout(180), loaded(cluster, load, WINDOW):
        watch = asyncio.create_task(cluster.one_sends())
        taken_back = asyncio.create_task(_taken_back(cluster, load))
        doomed = [asyncio.create_task(_doomed(cluster, load, n)) for n in range(6)]
        try:
            for killed in (False, True, False):
                await load.until(100)
                sending = await cluster.courier()
                await cluster.again(sending, sending.kill if killed else sending.stop)
            lives = await asyncio.gather(*doomed)
            await taken_back
            assert not watch.done(), watch.exception()
        finally:
            for task in (watch, taken_back, *doomed):
                task.cancel()
    assert min(lives) >= _VALIDITY_SECONDS - APART_SECONDS
    # Checked by `loaded` as well: no event is older than the one before it in a history.
    by_turns = turns(cluster.journal)
    assert len(by_turns) == len(set(by_turns)) >= 3


async def _doomed(cluster: Cluster, load: Load, number: int) -> float:
    """How long a message lived that no carrier takes."""
    await asyncio.sleep(number / 2)
    server = cluster.target_from(number % len(cluster.servers))
    async with SmsgateClient(server, api_key=cluster.local) as client:
        started = time.monotonic()
        sent = await load.send(client, REFUSED_FOR_EVER, validity=_VALIDITY_SECONDS)
        events = client.follow(
            message_ids=[sent.message.id], start_cursor=sent.cursor, end_when_all_terminal=True
        )
        seen = [event async for event in events]
        assert seen[-1].to_status == EXPIRED
        return time.monotonic() - started


async def _taken_back(cluster: Cluster, load: Load) -> None:
    """Cancel at one server what another has just accepted, perhaps later by its clock."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for number in range(20):
        here, there = cluster.target_from(number % 3), cluster.target_from((number + 1) % 3)
        async with (
            SmsgateClient(here, api_key=cluster.local) as one,
            SmsgateClient(there, api_key=cluster.local) as other,
        ):
            sent = await load.send(one, ITALIAN, send_time=tomorrow)
            await until_answered(partial(other.cancel, sent.message.id, timeout=5))
        await asyncio.sleep(0.2)
