"""The server killed with -9 again and again under load: nothing acknowledged is lost or doubled."""

import asyncio
from pathlib import Path

import pytest
from tests.acceptance.crash_load import Load
from tests.acceptance.server_process import ServerProcess
from tests.databases import database_of

from smsgate_client import SmsgateClient

# What a server that is killed can leave in doubt.
_WINDOW = 20

_STORES = {"sqlite": lambda folder: folder / "crash.db", "postgres": database_of}


async def _live(
    store: Path | str, folder: Path, seed: int, kills: int, held_at_most: int, timeout: float
) -> None:
    journal = folder / "journal"
    environment = {
        "SMSGATE_SIMULATOR_JOURNAL": str(journal),
        "SMSGATE_SIMULATOR_SUBMIT_SECONDS": "0.02",
        "SMSGATE_SUBMIT_WINDOW": str(_WINDOW),
        "SMSGATE_OTP_KEYS": f"k1 {'A' * 43}=",
    }
    server = ServerProcess(store, environment=environment)
    await asyncio.to_thread(server.start)
    run = Load(seed, validity=10)
    try:
        async with (
            asyncio.timeout(timeout),
            SmsgateClient(server.target) as client,
            SmsgateClient(server.target) as reader,
        ):
            follower = asyncio.create_task(run.follow(reader))
            load = [asyncio.create_task(run.send_one_by_one(client)) for _ in range(6)]
            load.append(asyncio.create_task(run.send_batches(client)))
            for _ in range(kills):
                # A random number of answers from now: the instant is any instant of the server's.
                await run.until(run.random.randrange(1, 80))
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            run.ending = True
            await asyncio.gather(*load)
            await run.settle(held_at_most)
            await run.check(client, journal)
            follower.cancel()
    finally:
        await asyncio.to_thread(server.kill)


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
async def test_killed_at_random_instants_it_loses_and_doubles_nothing(
    tmp_path: Path, store: str
) -> None:
    kills = 4
    url = _STORES[store](tmp_path)
    await _live(url, tmp_path, seed=1, kills=kills, held_at_most=kills * _WINDOW, timeout=150)


@pytest.mark.soak
async def test_killed_fifty_times_every_message_becomes_final(tmp_path: Path) -> None:
    # A message whose submit was interrupted is held until its validity and the grace are over.
    store = _STORES["sqlite"](tmp_path)
    await _live(store, tmp_path, seed=7, kills=50, held_at_most=0, timeout=1_200)


async def test_stopped_under_load_it_answers_what_it_began_and_exits_with_0(
    tmp_path: Path,
) -> None:
    server = ServerProcess(tmp_path / "stop.db")
    await asyncio.to_thread(server.start)
    run = Load(1, validity=3_600)
    async with asyncio.timeout(60), SmsgateClient(server.target) as client:
        load = [asyncio.create_task(run.send_one_by_one(client)) for _ in range(4)]
        await run.until(50)
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        run.ending = True
        await asyncio.gather(*load)
        for message_id in run.acknowledged:
            assert (await client.get(message_id)).message.id == message_id
    await asyncio.to_thread(server.kill)
