"""`--front envoy`: every promise of the server behind grpcio, with Envoy in the place of it."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tests.acceptance.certificates import authority_in, needs_openssl, signed_in
from tests.acceptance.crash_load import Load
from tests.acceptance.reading import GUARD_SECONDS, ITALIAN
from tests.acceptance.scenario_harness import languages, run_scenarios, scenario_names
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import message_service_pb2 as pb
from smsgate.v1 import message_service_pb2_grpc as stubs
from smsgate_client import OutcomeUnknown, SmsgateClient, Unavailable

pytest.importorskip("pyvoy", reason="install the extra [envoy]")

pytestmark = pytest.mark.slow

_FRONT = ("--front", "envoy")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "messages.db", _FRONT) as running:
        yield running


def _envoy_of(server: ServerProcess) -> int:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


async def _until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(GUARD_SECONDS):
        while not is_true():  # noqa: ASYNC110  # processes have no event for it
            await asyncio.sleep(0.02)


def _exists(pid: int) -> bool:
    """A process that has ended and waits for its parent counts as gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@needs_openssl
async def test_every_scenario_of_the_clients_passes(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    [python] = [language for language in languages() if language.name == "python"]
    results = await run_scenarios(python, tmp_path, arguments=_FRONT)
    for result in results:
        told = (result.scenario, result.seconds, result.why)
        record_property("scenario python, Envoy", told)
    assert [result.scenario for result in results] == scenario_names()
    assert {result.scenario: result.why for result in results if result.why} == {}


async def test_stopped_under_load_it_answers_what_it_began_and_exits_with_0(
    server: ServerProcess,
) -> None:
    run = Load(1, validity=3_600)
    async with asyncio.timeout(60), SmsgateClient(server.target) as client:
        load = [asyncio.create_task(run.send_one_by_one(client)) for _ in range(4)]
        await run.until(50)
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)
        await run.until(20)
        run.ending = True
        await asyncio.gather(*load)
        for message_id in run.acknowledged:
            assert (await client.get(message_id)).message.id == message_id
    assert not [line for line in server.output if '"error"' in line]


async def test_a_call_under_way_is_answered_before_the_end_and_new_ones_are_told_to_come_again(
    server: ServerProcess,
) -> None:
    async with SmsgateClient(server.target) as client:
        sent = await client.send(ITALIAN[:-3] + "916", "Ciao!")
        # It never gets a receipt, so nothing but the drain ends the waiting.
        last = (await client.get(sent.message.id, history=True)).cursor
        waiting = asyncio.create_task(
            client.get(sent.message.id, wait_after_cursor=last, wait=2, timeout=20)
        )
        await asyncio.sleep(0.2)
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        await asyncio.sleep(0.3)
        channel = grpc.aio.insecure_channel(server.target)
        async with channel:
            stub = stubs.MessageServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub.ListMessages(pb.ListMessagesRequest(), timeout=5)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        with contextlib.suppress(Unavailable):
            assert (await waiting).message.id == sent.message.id
        assert await stopping == 0


async def test_killed_it_leaves_nothing_behind_and_can_be_started_again(
    server: ServerProcess,
) -> None:
    envoy = _envoy_of(server)
    async with SmsgateClient(server.target) as client:
        sent = await client.send(ITALIAN, "Ciao!")
        server.kill()
        await _until(lambda: not _exists(envoy))
        await asyncio.to_thread(server.start)
        assert (await client.get(sent.message.id)).message.id == sent.message.id


async def test_if_envoy_dies_the_server_ends_and_says_so(server: ServerProcess) -> None:
    os.kill(_envoy_of(server), signal.SIGKILL)
    await _until(lambda: not server.running)
    await _until(lambda: any("Envoy ended by itself" in line for line in server.output))


async def test_ctrl_c_in_a_terminal_drains_too(server: ServerProcess) -> None:
    # A terminal sends it to the whole group of the process in front.
    assert os.getpgid(_envoy_of(server)) != os.getpgid(server.pid)


async def test_health_and_reflection_are_answered_beside_the_contract(
    server: ServerProcess,
) -> None:
    async with grpc.aio.insecure_channel(server.target) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest(service=""))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        [listed] = [each async for each in reflection.ServerReflectionInfo(iter([asked]))]
        names = {service.name for service in listed.list_services_response.service}
        assert "smsgate.v1.MessageService" in names


async def test_an_unknown_method_a_large_and_a_compressed_request(server: ServerProcess) -> None:
    async with grpc.aio.insecure_channel(server.target) as channel:
        unknown = channel.unary_unary("/smsgate.v1.MessageService/Shout")
        large = channel.unary_unary("/smsgate.v1.MessageService/SendMessage")
        for call, request, code in (
            (unknown, b"", grpc.StatusCode.UNIMPLEMENTED),
            (large, b"\0" * 2**24, grpc.StatusCode.RESOURCE_EXHAUSTED),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call(request, timeout=GUARD_SECONDS)
            assert refused.value.code() is code
        estimate = pb.EstimateMessageRequest(recipient=ITALIAN, text="Ciao! " * 100)
        stub = stubs.MessageServiceStub(channel)
        for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
            answer = await stub.EstimateMessage(estimate, compression=compression)
            assert len(answer.segments) == 4


async def test_a_second_server_on_the_port_is_a_clear_error(server: ServerProcess) -> None:
    for front in ("envoy", "grpc"):
        done = await asyncio.to_thread(
            _run, "--front", front, "--listen", server.target, "--store", "memory:"
        )
        assert done.returncode == 2
        assert f"cannot listen on {server.target}" in done.stderr


async def test_a_gateway_that_cannot_start_says_why() -> None:
    done = await asyncio.to_thread(_run, *_FRONT, "--store", "sqlite:/proc/nowhere.db")
    assert done.returncode == 2
    assert "/proc/nowhere" in done.stderr
    assert "Traceback" not in done.stderr


async def test_envoy_that_is_not_installed_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "pyvoy.py").write_text("raise ImportError('no pyvoy here')")
    done = await asyncio.to_thread(
        _run, *_FRONT, "--store", "memory:", environment={"PYTHONPATH": str(tmp_path)}
    )
    assert done.returncode == 2
    assert "install 'smsgate[server,web,envoy]'" in done.stderr


def _run(
    *arguments: str, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    own = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "smsgate_server", "run", "--listen", "127.0.0.1:0", *arguments],
        env=own | (environment or {}),
        capture_output=True,
        text=True,
        timeout=GUARD_SECONDS,
        check=False,
    )


@needs_openssl
async def test_callers_show_a_certificate_and_the_servers_own_is_renewed_while_it_runs(
    tmp_path: Path,
) -> None:
    authority_in(tmp_path, "authority")
    authority_in(tmp_path, "other")
    for name in ("server", "renewed", "client"):
        signed_in(tmp_path, name, "authority")
    signed_in(tmp_path, "stranger", "other")
    environment = {
        "SMSGATE_TLS_CERTIFICATE": str(tmp_path / "server.pem"),
        "SMSGATE_TLS_KEY": str(tmp_path / "server.key"),
        "SMSGATE_TLS_CLIENT_CA": str(tmp_path / "authority.pem"),
    }
    first = re.sub(r"\s", "", (tmp_path / "server.pem").read_text())
    with ServerProcess("memory:", _FRONT, environment) as server:
        assert await _certificate(server.target) == first
        await _send(server.target, tmp_path, "client")
        with pytest.raises(OutcomeUnknown):
            await _send(server.target, tmp_path, "stranger")
        for kind in ("key", "pem"):
            (tmp_path / f"server.{kind}").write_bytes((tmp_path / f"renewed.{kind}").read_bytes())
        async with asyncio.timeout(GUARD_SECONDS):
            while await _certificate(server.target) == first:  # noqa: ASYNC110  # files neither
                await asyncio.sleep(0.1)
        await _send(server.target, tmp_path, "client")


async def _send(target: str, folder: Path, name: str) -> None:
    async with SmsgateClient(
        target,
        tls_ca=(folder / "authority.pem").read_bytes(),
        tls_certificate=(folder / f"{name}.pem").read_bytes(),
        tls_key=(folder / f"{name}.key").read_bytes(),
    ) as client:
        await client.send(ITALIAN, "Ciao!", timeout=3)


async def _certificate(target: str) -> str:
    """What the server shows."""
    host, _, port = target.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def shown() -> str:
        with (
            socket.create_connection((host, int(port)), GUARD_SECONDS) as plain,
            context.wrap_socket(plain) as wrapped,
        ):
            der = wrapped.getpeercert(binary_form=True)
        assert der is not None
        return ssl.DER_cert_to_PEM_cert(der)

    return re.sub(r"\s", "", await asyncio.to_thread(shown))
