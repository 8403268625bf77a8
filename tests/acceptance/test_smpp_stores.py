"""Gateways with an SMPP carrier whose store is shared, or away for a while: the one that sends is
killed and another goes on; receipts that cannot be stored are refused, and come again.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from tests.acceptance.reading import PENDING
from tests.acceptance.recording_smsc import RecordingSmsc
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_smpp_crash import (
    AT_LEAST_ONCE,
    AT_MOST_ONCE,
    ENVIRONMENT,
    LONG,
    RECONNECT,
    Gateway,
    a_config,
    a_gateway,
    a_number,
)
from tests.databases import own_postgres

from smsgate_server.carriers.smpp.codes import Status
from smsgate_server.private_postgres import PrivatePostgres

pytestmark = pytest.mark.slow

_SOAK = os.environ.get("SMSGATE_SOAK") == "1"
_AWAY_SECONDS = 60.0 if _SOAK else 2.0
# SQLite waits so long for a lock before it refuses to write.
_LOCK_SECONDS = 10.0
# A server must lose its lease before another sends; bound again, and all settled.
_SETTLED_SECONDS = 60.0


@pytest.fixture
def database() -> Iterator[PrivatePostgres]:
    pytest.importorskip("psycopg", reason="install the extra [postgres]")
    with own_postgres() as server:
        yield server


@asynccontextmanager
async def _gateways(
    folder: Path, database: PrivatePostgres, smsc: RecordingSmsc, count: int
) -> AsyncIterator[list[Gateway]]:
    """The first of them sends."""
    keys = folder / "otp-keys"
    keys.write_text(f"k1 {'A' * 43}=\n")
    environment = ENVIRONMENT | {"SMSGATE_OTP_KEY_FILE": str(keys)}
    arguments = ["--config", str(a_config(folder, smsc.port))]
    gateways = []
    async with AsyncExitStack() as stack:
        for _ in range(count):
            process = ServerProcess(database.url(), arguments, environment)
            stack.push_async_callback(asyncio.to_thread, process.kill)
            await asyncio.to_thread(process.start)
            channel = grpc.aio.insecure_channel(process.target, options=RECONNECT)
            await stack.enter_async_context(channel)
            gateways.append(Gateway(process, folder / "none", channel))
        await smsc.until_bound()
        yield gateways


async def test_another_server_takes_the_receipts_of_what_the_killed_one_sent(
    tmp_path: Path, database: PrivatePostgres
) -> None:
    async with (
        RecordingSmsc() as smsc,
        _gateways(tmp_path, database, smsc, 2) as (sending, other),
    ):
        smsc.reporting = False
        sent = [await other.send(n, text=LONG) for n in range(4)]
        for message in sent:
            await other.until(message, PENDING)
        # Some parts are reported before, and the message is not delivered yet.
        for taken in smsc.taken[:8]:
            smsc.report(taken)
        await smsc.until_acknowledged()
        smsc.answering = False
        once, twice = await other.send(4, AT_MOST_ONCE), await other.send(5, AT_LEAST_ONCE)
        await smsc.until_taken(14)
        await sending.kill()
        await smsc.until(lambda: not smsc.bound)
        smsc.answering = smsc.reporting = True
        for taken in smsc.taken[8:12]:
            smsc.report(taken)
        await smsc.until(lambda: smsc.bound == 1, _SETTLED_SECONDS)
        for message in (*sent, twice):
            await other.delivered_once(message)
        await smsc.until_acknowledged()
        assert await other.held(once)
        times = smsc.times_taken()
        assert times.pop((a_number(5), 1)) == 2
        assert set(times.values()) == {1}


Away = Callable[[], AbstractAsyncContextManager[None]]


async def _loses_nothing(
    smsc: RecordingSmsc, gateway: Gateway, away: Away, seconds: float, refuses: bool
) -> None:
    """While the store is away for that long, and until receipts are refused if they are to be."""
    smsc.reporting = False
    sent = [await gateway.send(n) for n in range(5)]
    for message in sent:
        await gateway.until(message, PENDING)
    smsc.answering = False
    sent += [await gateway.send(5, AT_MOST_ONCE), await gateway.send(6, AT_LEAST_ONCE)]
    await smsc.until_taken(7)
    async with away():
        reports = [smsc.report(taken) for taken in smsc.taken[:5]]
        smsc.answer_all()
        await asyncio.sleep(seconds)
        if refuses:
            await smsc.until(lambda: any(r.statuses for r in reports), _SETTLED_SECONDS)
        assert not any(report.acknowledged for report in reports)
        assert refuses == any(report.statuses for report in reports)
    smsc.answering = True
    reports += [smsc.report(taken) for taken in smsc.taken[5:7]]
    await smsc.until(lambda: all(r.acknowledged for r in reports), _SETTLED_SECONDS)
    for message in sent:
        await gateway.delivered_once(message)
    assert set(smsc.times_taken().values()) == {1}
    for report in reports:
        assert report.statuses[-1] == Status.OK
        assert set(report.statuses[:-1]) <= {Status.TEMPORARY_APP_ERROR}


@pytest.mark.long
async def test_while_sqlite_is_locked_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    async with RecordingSmsc() as smsc, a_gateway(tmp_path, smsc) as gateway:

        @asynccontextmanager
        async def locked() -> AsyncIterator[None]:
            with gateway.locked():
                yield

        refuses = _AWAY_SECONDS > _LOCK_SECONDS
        await _loses_nothing(smsc, gateway, locked, _AWAY_SECONDS, refuses)


@pytest.mark.long
async def test_while_postgresql_is_away_receipts_are_refused_and_nothing_is_lost_or_doubled(
    tmp_path: Path, database: PrivatePostgres
) -> None:
    @asynccontextmanager
    async def killed() -> AsyncIterator[None]:
        await asyncio.to_thread(database.kill)
        yield
        await asyncio.to_thread(database.start)

    async with (
        RecordingSmsc() as smsc,
        _gateways(tmp_path, database, smsc, 1) as (gateway,),
    ):
        await _loses_nothing(smsc, gateway, killed, _AWAY_SECONDS, refuses=True)
