"""`smsgate doctor` against what is broken for real: each step of the way, and what it advises."""

import asyncio
import json
import re
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tests.acceptance.accounts_setup import READ, SEND, Operator
from tests.acceptance.certificates import authority_in, needs_openssl, signed_in
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import account_service_pb2, account_service_pb2_grpc
from smsgate_client.cli.app import run
from smsgate_client.cli.doctor import calls

_CLOCK_AHEAD = Path(__file__).parent / "clock_ahead"
_ALL = ["name", "tcp", "tls", "health", "key", "version", "clock", "size", "stream", "keepalive"]


@dataclass(frozen=True)
class Finding:
    verdict: str
    says: str
    advice: str


Examine = Callable[..., dict[str, Finding]]


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Examine:
    """Run it and give what each check found. The exit code says whether one failed."""
    for variable in ("TARGET", "API_KEY", "TLS_CA", "CLIENT_CERT", "CLIENT_KEY", "INSECURE"):
        monkeypatch.delenv(f"SMSGATE_{variable}", raising=False)
    # A busy machine is no proxy that holds responses back.
    monkeypatch.setattr(calls, "_OPEN_SECONDS", 10.0)

    def examine(target: str, *options: str, keepalive: float = 0) -> dict[str, Finding]:
        global_options = ["--target", target, "-o", "json", *options]
        code = run([*global_options, "doctor", "--keepalive", str(keepalive)])
        said = capsys.readouterr()
        assert said.err == ""
        told = [json.loads(line) for line in said.out.splitlines()]
        found = {each.pop("check"): Finding(**each) for each in told}
        assert code == any(finding.verdict == "failed" for finding in found.values())
        for finding in found.values():
            assert bool(finding.advice) == (finding.verdict in ("failed", "warning"))
        return found

    return examine


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("memory:") as running:
        yield running


def _only_failure(found: dict[str, Finding]) -> tuple[str, Finding]:
    [wrong] = [(name, each) for name, each in found.items() if each.verdict == "failed"]
    return wrong


def test_where_all_is_well_it_says_so_of_every_step(
    examine: Examine, server: ServerProcess
) -> None:
    found = examine(server.target, keepalive=1)
    assert list(found) == _ALL
    assert {finding.verdict for finding in found.values()} == {"ok"}
    assert "without it" not in found["key"].says
    assert "both are" in found["version"].says


def test_in_a_pipe_it_prints_plain_lines(
    server: ServerProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["--target", server.target, "doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == _ALL
    assert "\x1b" not in "".join(lines)


def test_a_name_that_nobody_has(examine: Examine) -> None:
    name, wrong = _only_failure(examine("smsgate.invalid:50051"))
    assert name == "name"
    assert "smsgate.invalid cannot be resolved" in wrong.says


def test_a_closed_port(examine: Examine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = examine(f"127.0.0.1:{taken.getsockname()[1]}")
    name, wrong = _only_failure(found)
    assert (name, "refused" in wrong.says) == ("tcp", True)
    assert {found[name].verdict for name in _ALL[2:]} == {"skipped"}


def test_what_listens_there_is_something_else(examine: Examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # One connection to see that somebody listens, one to see who.
        greeting = threading.Thread(target=_greet, args=(listening, 2))
        greeting.start()
        name, wrong = _only_failure(examine(f"127.0.0.1:{listening.getsockname()[1]}"))
        greeting.join()
    assert (name, wrong.says) == ("tls", "what listens there is no gRPC server")


def _greet(listening: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(b"220 mail.example.com ESMTP\r\n")
            connection.recv(1_024)


# TLS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doctor")
    for name in ("authority", "other"):
        authority_in(folder, name)
    signed_in(folder, "server", "authority", days=90)
    signed_in(folder, "caller", "authority", days=90)
    signed_in(folder, "stranger", "other", days=90)
    signed_in(folder, "soon", "authority", days=5)
    signed_in(folder, "expired", "authority", days=0)
    signed_in(folder, "elsewhere", "authority", host="sms.example.com", address="192.0.2.1")
    return folder


def _with_tls(folder: Path, name: str, client_ca: str = "") -> ServerProcess:
    environment = {
        "SMSGATE_TLS_CERTIFICATE": str(folder / f"{name}.pem"),
        "SMSGATE_TLS_KEY": str(folder / f"{name}.key"),
    }
    if client_ca:
        environment["SMSGATE_TLS_CLIENT_CA"] = str(folder / f"{client_ca}.pem")
    return ServerProcess("memory:", environment=environment)


@needs_openssl
def test_tls_that_is_good_and_each_way_in_which_the_callers_side_is_wrong(
    examine: Examine, folder: Path
) -> None:
    with _with_tls(folder, "server") as server:
        found = examine(server.target, "--tls-ca", str(folder / "authority.pem"))
        assert {finding.verdict for finding in found.values()} == {"ok", "skipped"}
        assert "days left" in found["tls"].says
        for options, says in (
            (["--tls-ca", str(folder / "other.pem")], "signed by nobody that is trusted here"),
            (["--tls-ca", str(folder / "server.key")], "cannot be read"),
            (["--client-cert", str(folder / "none.pem"), "--client-key", "x"], "cannot be read"),
            ([], "it may want TLS"),
        ):
            name, wrong = _only_failure(examine(server.target, *options))
            assert name == "tls"
            assert says in wrong.says


@pytest.mark.slow
@needs_openssl
@pytest.mark.parametrize(
    ("certificate", "verdict", "says"),
    [
        ("soon", "warning", "4 days left"),
        ("expired", "failed", "has expired"),
        ("elsewhere", "failed", "is not for 127.0.0.1"),
    ],
)
def test_certificates_of_the_server_that_are_no_good(
    examine: Examine, folder: Path, certificate: str, verdict: str, says: str
) -> None:
    with _with_tls(folder, certificate) as server:
        found = examine(server.target, "--tls-ca", str(folder / "authority.pem"))
    assert found["tls"].verdict == verdict
    assert says in found["tls"].says


_OWN = (("cert", "pem"), ("key", "key"))


@needs_openssl
def test_a_server_that_wants_certificates_of_its_callers(examine: Examine, folder: Path) -> None:
    with _with_tls(folder, "server", client_ca="authority") as server:
        trusting = ["--tls-ca", str(folder / "authority.pem")]
        name, wrong = _only_failure(examine(server.target, *trusting))
        own = [f"--client-{kind}={folder / f'caller.{end}'}" for kind, end in _OWN]
        found = examine(server.target, *trusting, *own)
        strange = [f"--client-{kind}={folder / f'stranger.{end}'}" for kind, end in _OWN]
        refused, _ = _only_failure(examine(server.target, *trusting, *strange))
    assert name == refused == "tls"
    assert "mTLS" in wrong.says
    assert "--client-cert" in wrong.advice
    assert {finding.verdict for finding in found.values()} == {"ok", "skipped"}


def test_tls_towards_a_server_without(
    examine: Examine, folder: Path, server: ServerProcess
) -> None:
    found = examine(server.target, "--tls-ca", str(folder / "authority.pem"))
    name, wrong = _only_failure(found)
    assert name == "tls"
    assert "does not speak TLS" in wrong.says
    assert "--insecure" in wrong.advice


# Keys


def test_keys_that_are_missing_wrong_revoked_and_too_weak(examine: Examine, tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "messages.db") as server:
        good, revoked, weak = asyncio.run(_keys(server.target))
        found = examine(server.target, "--api-key", good)
        assert found["key"].verdict == "ok"
        assert "scopes READ" in found["key"].says
        for options, says in (
            ([], "API_KEY_REQUIRED"),
            (["--api-key", revoked], "API_KEY_INVALID"),
            (["--api-key", good[:-1] + ("a" if good[-1] != "a" else "b")], "API_KEY_INVALID"),
        ):
            name, wrong = _only_failure(examine(server.target, *options))
            assert name == "key"
            assert says in wrong.says
        found = examine(server.target, "--api-key", weak)
        assert "the scope READ" in found["key"].advice
        assert found["stream"].verdict == "skipped"


async def _keys(target: str) -> tuple[str, str, str]:
    async with grpc.aio.insecure_channel(target) as channel:
        operator = await Operator.of(channel)
        await operator.tenant("shop")
        good, revoked, weak = [await operator.key("shop", scope) for scope in (READ, READ, SEND)]
        await operator.revoke(revoked.key_id)
        return good.secret, revoked.secret, weak.secret


# Servers that are otherwise


def test_a_clock_that_is_apart(examine: Examine) -> None:
    environment = {"PYTHONPATH": str(_CLOCK_AHEAD), "CLOCK_AHEAD_SECONDS": "-90"}
    with ServerProcess("memory:", environment=environment) as server:
        found = examine(server.target)
    assert found["clock"].verdict == "warning"
    told = re.search(r"clock is (\d+\.\d) s behind", found["clock"].says)
    assert told is not None
    # As exact as the time that the answer was on its way.
    assert float(told[1]) == pytest.approx(90, abs=10)


@contextmanager
def _peer(version: str, serving: bool = True) -> Iterator[str]:
    """A gRPC server of another version of the gateway."""

    class Accounts(account_service_pb2_grpc.AccountServiceServicer):
        def GetAccount(  # named by the contract
            self, request: object, context: object
        ) -> account_service_pb2.GetAccountResponse:
            return account_service_pb2.GetAccountResponse(server_version=version)

    peer = grpc.server(ThreadPoolExecutor(4))
    account_service_pb2_grpc.add_AccountServiceServicer_to_server(Accounts(), peer)
    told = health.HealthServicer()
    kinds = health_pb2.HealthCheckResponse
    told.set("", kinds.SERVING if serving else kinds.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(told, peer)
    port = peer.add_insecure_port("127.0.0.1:0")
    peer.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        peer.stop(0)


def test_a_server_of_another_version_and_one_that_does_not_say(examine: Examine) -> None:
    for version, says in (("9.3.1", "the server is 9.3.1"), ("", "an older one")):
        with _peer(version) as target:
            found = examine(target)
        assert found["version"].verdict == "warning"
        assert says in found["version"].says
        assert found["clock"].verdict == "skipped"


def test_a_server_that_does_not_serve(examine: Examine) -> None:
    with _peer("0.1.0", serving=False) as target:
        found = examine(target)
    assert found["health"].verdict == "failed"
    assert "NOT_SERVING" in found["health"].says


# What lies between


class _Proxy:
    """TCP, that cuts a connection after so long, or after so much from the caller."""

    def __init__(self, target: str, cut_after: float | None, most_bytes: float) -> None:
        self._host, _, self._port = target.rpartition(":")
        self._cut_after = cut_after
        self._most_bytes = most_bytes
        self._carrying: set[asyncio.Task[None]] = set()

    async def serve(self, ready: Callable[[int], None], stop: asyncio.Event) -> None:
        with ExitStack() as accepted:
            listening = accepted.enter_context(socket.create_server(("127.0.0.1", 0)))
            loop = asyncio.get_running_loop()
            loop.add_reader(listening, self._accept, listening, accepted)
            ready(listening.getsockname()[1])
            await stop.wait()
            loop.remove_reader(listening)
            await _cancelled(self._carrying)

    def _accept(self, listening: socket.socket, accepted: ExitStack) -> None:
        near = accepted.enter_context(listening.accept()[0])
        near.setblocking(False)
        carrying = asyncio.create_task(self._carry_both(near))
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)

    async def _carry_both(self, near: socket.socket) -> None:
        with near, socket.socket() as far:
            far.setblocking(False)
            await asyncio.get_running_loop().sock_connect(far, (self._host, int(self._port)))
            there = _carry(near, far, self._most_bytes)
            back = _carry(far, near, float("inf"))
            await _first_of(there, back, seconds=self._cut_after)


async def _first_of(*ways: Coroutine[Any, Any, None], seconds: float | None) -> None:
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    tasks = [*tasks]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _carry(source: socket.socket, sink: socket.socket, most: float) -> None:
    loop = asyncio.get_running_loop()
    carried = 0
    while carried < most and (data := await loop.sock_recv(source, 65_536)):
        carried += len(data)
        await loop.sock_sendall(sink, data)


@contextmanager
def _proxy(
    target: str, cut_after: float | None = None, most_bytes: float = float("inf")
) -> Iterator[str]:
    loop, ports = asyncio.new_event_loop(), SimpleQueue[int]()
    stop = asyncio.Event()
    proxy = _Proxy(target, cut_after, most_bytes)
    thread = threading.Thread(target=lambda: loop.run_until_complete(proxy.serve(ports.put, stop)))
    thread.start()
    try:
        yield f"127.0.0.1:{ports.get(timeout=10)}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.slow
def test_something_that_cuts_idle_connections(examine: Examine, server: ServerProcess) -> None:
    with _proxy(server.target, cut_after=4) as target:
        found = examine(target, keepalive=20)
    assert found["stream"].verdict == "ok"
    assert found["keepalive"].verdict == "failed"
    assert re.search(r"was cut after ([3-9]|1\d) s", found["keepalive"].says)


def test_something_that_limits_requests(examine: Examine, server: ServerProcess) -> None:
    with _proxy(server.target, most_bytes=100_000) as target:
        found = examine(target, "--timeout", "3")
    assert found["key"].verdict == "ok"
    assert found["size"].verdict == "failed"
