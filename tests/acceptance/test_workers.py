"""`--workers N`: several servers behind one address, on one PostgreSQL."""

import asyncio
import os
import signal
import socket
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from tests.acceptance.reading import (
    GUARD_SECONDS,
    ITALIAN,
    MessageStub,
    answer_or_refusal,
    opened,
    read_to_end,
)
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_server_life import start_refused
from tests.databases import database_of, own_postgres

from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import message_service_pb2_grpc

pytest.importorskip("psycopg", reason="install the extra [postgres]")

pytestmark = pytest.mark.slow

WORKERS = 2
# So many connections that all of them at one worker would be a wonder.
_CONNECTIONS = 24
# A process that starts on a machine at work.
_START_SECONDS = 60.0
_KEYS = {"SMSGATE_OTP_KEYS": f"k1 {'A' * 43}="}


def _crew(folder: Path) -> ServerProcess:
    arguments = ["--workers", str(WORKERS), "--web", "127.0.0.1:0"]
    return ServerProcess(database_of(folder), arguments, _KEYS)


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One for all tests that do not end it: several servers take their time to start."""
    with _crew(tmp_path_factory.mktemp("crew")) as running:
        yield running


@pytest.fixture
def ending(tmp_path: Path) -> Iterator[ServerProcess]:
    """One that the test may end."""
    with _crew(tmp_path) as running:
        yield running


def _workers(crew: ServerProcess) -> set[int]:
    children = Path(f"/proc/{crew.pid}/task/{crew.pid}/children").read_text().split()
    return {int(pid) for pid in children if _is_worker(int(pid))}


def _is_worker(pid: int) -> bool:
    """Else it is what Python keeps beside its processes, or gone."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


# States of /proc/net/tcp.
_ESTABLISHED, _LISTEN = "01", "0A"


def _sockets(port: int, state: str) -> set[str]:
    """The sockets of this machine that are at a port."""
    found = set()
    # gRPC listens for both at once.
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            columns = line.split()
            if int(columns[1].rpartition(":")[2], 16) == port and columns[3] == state:
                found.add(f"socket:[{columns[9]}]")
    return found


def _connections(pid: int, port: int) -> int:
    """How many connections to the port a process has."""
    sockets = _sockets(port, _ESTABLISHED)
    return sum(os.readlink(file) in sockets for file in Path(f"/proc/{pid}/fd").iterdir())


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_START_SECONDS):
        while not holds():  # noqa: ASYNC110  # the system has no event for it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _stubs(crew: ServerProcess, count: int) -> AsyncIterator[list[MessageStub]]:
    """Each on a connection of its own."""
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(
                grpc.aio.insecure_channel(crew.target, [("grpc.use_local_subchannel_pool", 1)])
            )
            for _ in range(count)
        ]
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        yield [message_service_pb2_grpc.MessageServiceStub(channel) for channel in channels]


async def test_calls_are_spread_over_workers_and_all_see_the_same(crew: ServerProcess) -> None:
    port = int(crew.target.rpartition(":")[2])
    async with _stubs(crew, _CONNECTIONS) as stubs:
        at = [_connections(pid, port) for pid in _workers(crew)]
        assert len(at) == WORKERS
        assert min(at) > 0
        assert sum(at) == _CONNECTIONS
        sends = (
            stub.SendMessage(pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!"))
            for stub in stubs
        )
        sent = {answer.message.id for answer in await asyncio.gather(*sends)}
        for stub in stubs:
            page = await stub.ListMessages(pb.ListMessagesRequest(page_size=100))
            assert sent <= {message.id for message in page.messages}


async def test_the_web_is_served_by_all_workers_at_one_address(crew: ServerProcess) -> None:
    await _until(lambda: any("smsgate web on " in line for line in crew.output))
    line = next(line for line in crew.output if "smsgate web on " in line)
    url = line.rpartition(" ")[2]

    def status(_: int) -> int:
        with urllib.request.urlopen(url, timeout=GUARD_SECONDS) as answer:
            return int(answer.status)

    asked = (asyncio.to_thread(status, n) for n in range(8))
    assert set(await asyncio.gather(*asked)) == {200}
    port = int(url.rstrip("/").rpartition(":")[2])
    assert len(_sockets(port, _LISTEN)) == WORKERS


async def test_a_worker_that_is_killed_is_replaced_and_loses_nothing(crew: ServerProcess) -> None:
    before = _workers(crew)
    async with _stubs(crew, 1) as (stub,):
        sent = await stub.SendMessage(pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!"))
    killed = min(before)
    os.kill(killed, signal.SIGKILL)
    port = int(crew.target.rpartition(":")[2])
    await _until(lambda: len(_workers(crew) - before) == 1)
    await _until(lambda: len(_sockets(port, _LISTEN)) == WORKERS)
    async with _stubs(crew, 4) as stubs:
        for stub in stubs:
            found = await answer_or_refusal(
                stub.GetMessage(pb.GetMessageRequest(id=sent.message.id))
            )
            assert found.message.id == sent.message.id


async def test_sigterm_drains_every_worker(ending: ServerProcess) -> None:
    workers = _workers(ending)
    async with _stubs(ending, _CONNECTIONS) as stubs:
        streams = [stub.StreamStatus(pb.StreamStatusRequest()) for stub in stubs]
        for stream in streams:
            await opened(stream)
        stopping = asyncio.create_task(asyncio.to_thread(ending.stop))
        for stream in streams:
            responses = await read_to_end(stream)
            assert responses[-1].end.reason == pb.StreamStatusResponse.End.REASON_SERVER_DRAINING
        assert await stopping == 0
    assert not [pid for pid in workers if _is_worker(pid)]


async def test_workers_end_when_the_first_process_is_killed(ending: ServerProcess) -> None:
    workers = _workers(ending)
    await asyncio.to_thread(ending.kill)
    await _until(lambda: not [pid for pid in workers if _is_worker(pid)])
    with socket.socket() as free:
        free.bind(("127.0.0.1", int(ending.target.rpartition(":")[2])))


async def test_workers_end_though_nobody_looks_and_the_database_is_away() -> None:
    # What a message became is to be written down, and cannot be.
    settings = _KEYS | {"SMSGATE_DRAIN_SECONDS": "0", "SMSGATE_SIMULATOR_SUBMIT_SECONDS": "86400"}
    with own_postgres() as database:
        crew = ServerProcess(database.url(), ["--workers", str(WORKERS)], settings)
        try:
            crew.start()
            workers = _workers(crew)
            async with _stubs(crew, 1) as (stub,):
                await stub.SendMessage(pb.SendMessageRequest(recipient=ITALIAN, text="Hello"))
            database.kill()
            crew.kill()
            used = [_cpu_seconds(pid) for pid in workers]
            # Meanwhile they wait, and do not look again and again whether they may end.
            await asyncio.sleep(10)
            still = [_cpu_seconds(pid) - before for pid, before in zip(workers, used, strict=True)]
            assert max(still) < 3
            await _until(lambda: not [pid for pid in workers if _is_worker(pid)])
        finally:
            crew.kill()


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process; 0 once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_port_that_is_taken_is_not_shared_with_strangers(
    crew: ServerProcess, tmp_path: Path
) -> None:
    other = database_of(tmp_path / "other")
    arguments = ["--listen", crew.target, "--store", other, "--workers", str(WORKERS)]
    assert "is another server there?" in start_refused(arguments, _KEYS).errors


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--front", "envoy", "--store", "postgresql:///none"], "front: Envoy is for one worker"),
        (["--store", "sqlite:none.db"], "workers: several processes need a PostgreSQL store"),
    ],
)
def test_workers_where_they_are_of_no_use_are_refused(arguments: list[str], why: str) -> None:
    listen = ["--listen", "127.0.0.1:0", "--workers", str(WORKERS)]
    assert why in start_refused([*listen, *arguments], _KEYS).errors
