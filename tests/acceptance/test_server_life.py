"""The server as a process: what it does not start with, how it is seen, how it ends."""

import asyncio
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from tests.acceptance.reading import (
    GUARD_SECONDS,
    WITHOUT_RECEIPT,
    MessageStub,
    events_until,
    opened,
    read_to_end,
    refused,
    until_final,
)
from tests.acceptance.server_process import ServerProcess
from tests.databases import database_of

from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import message_service_pb2_grpc

_SERVICES = [f"smsgate.v1.{n}Service" for n in ("Message", "OTP", "Pricing", "Usage", "Account")]
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_SECRET = "a text that belongs to its recipient"
_RECIPIENT = "+393331234567"


@dataclass
class Ended:
    """A server that did not start, or ran to its end."""

    code: int
    output: str
    errors: str


def start_refused(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Ended:
    """What the server says when it cannot start."""
    own = {name: v for name, v in os.environ.items() if not name.startswith("SMSGATE_")}
    done = subprocess.run(
        [sys.executable, "-m", "smsgate_server", "run", *arguments],
        env=own | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=GUARD_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert "listening on" not in done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith("smsgate-server: ")]
    assert errors, done.stderr
    return Ended(done.returncode, done.stdout, "\n".join(errors))


def a_store(directory: Path) -> list[str]:
    return ["--listen", "127.0.0.1:0", "--store", f"sqlite:{directory / 'messages.db'}"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    environment = {"SMSGATE_LOG_LEVEL": "info"}
    with ServerProcess(
        tmp_path_factory.mktemp("life") / "messages.db", environment=environment
    ) as running:
        yield running


@pytest.fixture
async def channel(server: ServerProcess) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(server.target) as opened_channel:
        yield opened_channel


# What it does not start with


def test_it_says_one_line_when_it_is_ready(server: ServerProcess) -> None:
    ready = [line for line in server.output if line.startswith("smsgate listening on ")]
    assert ready == [f"smsgate listening on {server.target}"]
    assert re.fullmatch(r"127\.0\.0\.1:[1-9][0-9]*", server.target)


def test_a_port_that_is_taken_is_a_clear_error(server: ServerProcess, tmp_path: Path) -> None:
    store = ["--store", f"sqlite:{tmp_path / 'other.db'}"]
    ended = start_refused(["--listen", server.target, *store])
    assert server.target in ended.errors
    assert "another server" in ended.errors


def test_a_metrics_port_that_is_taken_is_a_clear_error(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = start_refused([*a_store(tmp_path), "--metrics-listen", address])
    assert address in ended.errors


def test_a_second_server_on_one_database_is_a_clear_error(tmp_path: Path) -> None:
    database = tmp_path / "messages.db"
    with ServerProcess(database):
        ended = start_refused(["--listen", "127.0.0.1:0", "--store", f"sqlite:{database}"])
    assert "another smsgate-server" in ended.errors
    assert "uses this database" in ended.errors


def test_a_database_of_a_newer_version_is_a_clear_error(tmp_path: Path) -> None:
    database = tmp_path / "messages.db"
    with ServerProcess(database) as running:
        assert running.stop() == 0
    with closing(sqlite3.connect(database)) as opened_database:
        opened_database.execute("PRAGMA user_version = 999")
    ended = start_refused(["--listen", "127.0.0.1:0", "--store", f"sqlite:{database}"])
    assert "newer" in ended.errors
    assert "999" in ended.errors


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "messages.db").write_text("This is not a database. " * 1_000)
    ended = start_refused(a_store(tmp_path))
    assert "messages.db" in ended.errors


def test_unknown_and_bad_settings_are_all_named_at_once(tmp_path: Path) -> None:
    config = tmp_path / "smsgate.toml"
    config.write_text('defualt_sender = "Acme"\n')
    wrong = {"SMSGATE_BACKLOG_LIMIT": "0", "SMSGATE_LOG_FORMAT": "xml", "SMSGATE_NONSENSE": "1"}
    ended = start_refused([*a_store(tmp_path), "--config", str(config)], wrong)
    assert f"defualt_sender in {config}: there is no such setting" in ended.errors
    assert all(name in ended.errors for name in wrong)


def test_it_serves_no_other_machine_unless_told_to(tmp_path: Path) -> None:
    store = ["--store", f"sqlite:{tmp_path / 'messages.db'}"]
    ended = start_refused(["--listen", "0.0.0.0:0", *store])
    assert "allow_remote" in ended.errors


# How it is seen


async def test_health_is_told_per_service(channel: grpc.aio.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    for name in ("", *_SERVICES):
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == _SERVING
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="nobody"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_tells_the_contract(channel: grpc.aio.Channel, version: str) -> None:
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=_SERVICES[0]),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="smsgate.v1.ErrorDetails"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="google.rpc.BadRequest"),
    ]
    listed, *files = [response async for response in call(iter(asked))]
    names = {service.name for service in listed.list_services_response.service}
    assert set(_SERVICES) <= names
    for response in files:
        assert response.file_descriptor_response.file_descriptor_proto


async def test_channelz_answers(channel: grpc.aio.Channel) -> None:
    stub = channelz_pb2_grpc.ChannelzStub(channel)
    servers = (await stub.GetServers(channelz_pb2.GetServersRequest())).server
    assert servers
    assert servers[0].data.calls_started > 0


def test_metrics_are_served_where_they_are_wanted(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as chosen:
        address = f"127.0.0.1:{chosen.getsockname()[1]}"
    with ServerProcess(tmp_path / "messages.db", ["--metrics-listen", address]) as running:
        asyncio.run(_one_good_and_one_bad_call(running.target))
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
    assert re.search(r'smsgate_calls_total\{code="OK",method="[\w.]*SendMessage".*\} 1\.0', metrics)
    assert re.search(r'smsgate_calls_total\{code="INVALID_ARGUMENT",.*\} 1\.0', metrics)
    assert "smsgate_call_seconds_bucket" in metrics
    assert "smsgate_open_streams" in metrics


async def _one_good_and_one_bad_call(target: str) -> None:
    async with grpc.aio.insecure_channel(target) as channel:
        stub = message_service_pb2_grpc.MessageServiceStub(channel)
        await stub.SendMessage(pb.SendMessageRequest(recipient=_RECIPIENT, text=_SECRET))
        await refused(stub.SendMessage(pb.SendMessageRequest(recipient="39", text=_SECRET)))


def test_the_log_is_json_lines_without_texts_or_recipients(tmp_path: Path) -> None:
    environment = {"SMSGATE_LOG_LEVEL": "debug"}
    with ServerProcess(tmp_path / "messages.db", environment=environment) as running:
        asyncio.run(_calls_of_all_kinds(running.target))
        assert running.stop() == 0
        lines = [line for line in running.output if not line.startswith("smsgate listening")]
    logged = [json.loads(line) for line in lines]
    calls = [line for line in logged if line["message"] == "call"]
    assert {call["code"] for call in calls} >= {"OK", "INVALID_ARGUMENT", "ALREADY_EXISTS"}
    assert all({"time", "level", "method", "ms"} <= set(call) for call in calls)
    everything = "\n".join(lines)
    for secret in (_SECRET, _RECIPIENT, _RECIPIENT[1:], "the-reference", "the-label", "casino"):
        assert secret not in everything


async def _calls_of_all_kinds(target: str) -> None:
    def request(**fields: object) -> pb.SendMessageRequest:
        given = {"recipient": _RECIPIENT, "text": _SECRET, "request_id": "r1"} | fields
        return pb.SendMessageRequest(**given)  # type: ignore[arg-type]

    async with grpc.aio.insecure_channel(target) as channel:
        stub: MessageStub = message_service_pb2_grpc.MessageServiceStub(channel)
        marked = request(client_reference="the-reference", labels={"team": "the-label"})
        sent = await stub.SendMessage(marked)
        await refused(stub.SendMessage(request(text=f"{_SECRET} again")))
        await refused(stub.SendMessage(request(text=f"\x00{_SECRET}", recipient="39 333")))
        await refused(stub.SendMessage(request(sender=_SECRET)))
        items = [pb.BatchItem(recipient=_RECIPIENT), pb.BatchItem(recipient="39")]
        await stub.SendBatch(pb.SendBatchRequest(items=items, text=_SECRET))
        listed = pb.MessageFilter(recipients=[_RECIPIENT])
        await stub.ListMessages(pb.ListMessagesRequest(filter=listed))
        await stub.EstimateMessage(pb.EstimateMessageRequest(text=_SECRET, recipient=_RECIPIENT))
        await until_final(stub, sent)


# How it ends


@dataclass
class Witness:
    """What a client saw of the server's end, in order."""

    seen: list[str] = field(default_factory=list)


@asynccontextmanager
async def a_client(running: ServerProcess) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(running.target) as opened_channel:
        yield opened_channel


async def test_on_sigterm_health_falls_then_streams_end_then_it_exits_with_0(
    tmp_path: Path,
) -> None:
    with ServerProcess(tmp_path / "messages.db") as running:
        async with a_client(running) as channel:
            stub = message_service_pb2_grpc.MessageServiceStub(channel)
            witness = Witness()
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(service=_SERVICES[0])
            )
            assert (await watch.read()).status == _SERVING
            stream = stub.StreamStatus(pb.StreamStatusRequest())
            await opened(stream)
            await stub.SendMessage(pb.SendMessageRequest(recipient=WITHOUT_RECEIPT, text="a"))
            await events_until(stream, lambda events: len(events) >= 2)

            async def watch_health() -> None:
                answer = await watch.read()
                assert answer.status == _NOT_SERVING
                witness.seen.append("NOT_SERVING")
                watch.cancel()

            async def watch_stream() -> None:
                responses = await read_to_end(stream)
                end = pb.StreamStatusResponse.End.Reason.Name(responses[-1].end.reason)
                witness.seen.append(end)

            stopping = asyncio.create_task(asyncio.to_thread(running.stop))
            async with asyncio.timeout(GUARD_SECONDS):
                await asyncio.gather(watch_health(), watch_stream())
                assert await stopping == 0
    assert witness.seen == ["NOT_SERVING", "REASON_SERVER_DRAINING"]


async def test_a_health_watcher_does_not_delay_the_end(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "messages.db") as running:
        async with a_client(running) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == _SERVING
            # drain_seconds is 20: it waits for calls under way, of which a watch is none.
            async with asyncio.timeout(10):
                assert await asyncio.to_thread(running.stop) == 0


async def test_what_was_acknowledged_before_the_end_is_there_after_it(tmp_path: Path) -> None:
    # What the carrier had promised, it keeps in a journal, as a real one would.
    environment = {"SMSGATE_SIMULATOR_JOURNAL": str(tmp_path / "carrier.journal")}
    with ServerProcess(tmp_path / "messages.db", environment=environment) as running:
        async with a_client(running) as channel:
            stub = message_service_pb2_grpc.MessageServiceStub(channel)
            batch = pb.SendBatchRequest(
                text="a", items=[pb.BatchItem(recipient=_RECIPIENT) for _ in range(200)]
            )
            answer = await stub.SendBatch(batch)
            assert await asyncio.to_thread(running.stop) == 0
        running.start()
        async with a_client(running) as channel:
            stub = message_service_pb2_grpc.MessageServiceStub(channel)
            follow = pb.StreamStatusRequest(
                cursor=answer.cursor,
                filter=pb.StatusFilter(batch_ids=[answer.batch_id]),
                end_when_all_terminal=True,
            )
            responses = await read_to_end(stub.StreamStatus(follow))
            events = [event for response in responses for event in response.events]
            assert len({event.message_id for event in events}) == 200


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_carrier_that_cannot_begin_ends_the_start_with_the_reason(
    store: str, tmp_path: Path
) -> None:
    url = database_of(tmp_path) if store == "postgres" else f"sqlite:{tmp_path / 'messages.db'}"
    ended = start_refused(
        ["--listen", "127.0.0.1:0", "--store", url],
        {
            "SMSGATE_SIMULATOR_JOURNAL": str(tmp_path / "no such folder" / "journal"),
            "SMSGATE_OTP_KEYS": f"k1 {'A' * 43}=",
        },
    )
    assert "no such folder" in ended.errors


def test_ctrl_c_ends_it_as_well(tmp_path: Path) -> None:
    own = {name: v for name, v in os.environ.items() if not name.startswith("SMSGATE_")}
    with subprocess.Popen(
        [sys.executable, "-m", "smsgate_server", "run", *a_store(tmp_path)],
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("smsgate listening on ")
        process.send_signal(2)
        assert process.wait(GUARD_SECONDS) == 0
