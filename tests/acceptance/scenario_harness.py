"""Runs the scenarios of clients/scenarios with one language's client, and does for it what only
somebody outside can do: kill the server, read what the carrier was given.
"""

import asyncio
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import grpc
from google.protobuf import duration_pb2
from tests.acceptance.accounts_setup import ALL_BUT_ADMIN, READ, Operator
from tests.acceptance.build_lock import build_once
from tests.acceptance.certificates import authority_in, signed_in
from tests.acceptance.held_path import HeldPath
from tests.acceptance.reading import GUARD_SECONDS
from tests.acceptance.server_process import ServerProcess

from smsgate.v1 import account_service_pb2
from smsgate_server.carriers.journal import submits
from smsgate_server.services.ports import Horizons
from smsgate_server.storage.sqlite.store import SqliteStore

CLIENTS = Path(__file__).parents[2] / "clients"
SCENARIOS = CLIENTS / "scenarios" / "scenarios.json"
_BUILD_SECONDS = 600.0
_RUN_SECONDS = 300.0
_LONGEST_LINE = 2**20


@dataclass(frozen=True)
class Language:
    """How the runner of a language is made and called: its scenario_runner.json."""

    name: str
    needs: tuple[str, ...]
    lacks: Mapping[str, str]
    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]
    folder: Path

    @property
    def missing(self) -> str:
        """Tools, and files of the folder, that are not here; empty if all are."""
        found = [
            tool
            for tool in self.needs
            if shutil.which(tool) is None and not (self.folder / tool).exists()
        ]
        return f"needs {', '.join(found)}" if found else ""

    def lacking(self, output: str) -> str:
        """What a build that printed this lacks and where it comes from; empty if it lacks nothing,
        so that its failure is one.
        """
        return next((why for sign, why in self.lacks.items() if sign in output), "")


@dataclass(frozen=True)
class Result:
    """How a scenario ended; `why` is empty if well."""

    scenario: str
    seconds: float
    why: str


def languages() -> list[Language]:
    """Those that have a client here."""
    return [_language(path) for path in sorted(CLIENTS.glob("*/scenario_runner.json"))]


def _language(path: Path) -> Language:
    told = json.loads(path.read_text("utf-8"))
    # The Python of this environment, which need not be on the path.
    run = [sys.executable if word == "python" else word for word in told["run"]]
    return Language(
        path.parent.name,
        tuple(told["needs"]),
        told["lacks"],
        tuple(tuple(command) for command in told["build"]),
        tuple(run),
        CLIENTS.parent / told["folder"],
    )


def scenario_names() -> list[str]:
    return [scenario["name"] for scenario in json.loads(SCENARIOS.read_text("utf-8"))["scenarios"]]


class Harness:
    """A server with accounts and keys behind TLS, and its simulated carrier."""

    def __init__(self, folder: Path, arguments: Sequence[str] = ()) -> None:
        self._folder = folder
        self._store = folder / "messages.db"
        self._journal, self._codes = folder / "journal", folder / "codes"
        self._authority = authority_in(folder, "authority")
        signed_in(folder, "server", "authority")
        authority_in(folder, "other")
        environment = {
            "SMSGATE_TLS_CERTIFICATE": str(folder / "server.pem"),
            "SMSGATE_TLS_KEY": str(folder / "server.key"),
            "SMSGATE_SIMULATOR_JOURNAL": str(self._journal),
            "SMSGATE_SIMULATOR_OTP_FILE": str(self._codes),
            "SMSGATE_DRAIN_SECONDS": "5",
            "SMSGATE_RETRY_BASE_SECONDS": "0.05",
            # Who is slow here is so on purpose; that a stream was ended is logged.
            "SMSGATE_STALL_SECONDS": "0.5",
            "SMSGATE_LOG_LEVEL": "info",
        }
        self.server = ServerProcess(self._store, arguments, environment)
        self._is_slow = "envoy" in arguments
        # Bound and not listened on: nobody answers there, and nobody else can take it.
        self._deaf = socket.socket()
        self._deaf.bind(("127.0.0.1", 0))
        self._starting: asyncio.Task[Any] | None = None
        self._slow_path: HeldPath | None = None

    async def environment(self) -> dict[str, Any]:
        """What a runner is told of the server: who it can be, and how."""
        credentials = grpc.ssl_channel_credentials(self._authority.certificate)
        async with grpc.aio.secure_channel(self.server.target, credentials) as channel:
            operator = await Operator.of(channel)
            shop = await operator.tenant("shop", *ALL_BUT_ADMIN)
            secrets = {
                "default": shop.secret,
                "reader": (await operator.key("shop", READ)).secret,
                "other": (await operator.tenant("other")).secret,
                "limited": (await operator.tenant("limited")).secret,
                "stranger": "smsgate_0000000000000000_stranger",
                "nobody": "",
            }
            await operator.account("poor", **_PREPAID)
            secrets["poor"] = (await operator.key("poor", *ALL_BUT_ADMIN)).secret
            await operator.change("limited", policy=_TWO_A_MINUTE)
        callers = {name: self._caller(secret) for name, secret in secrets.items()}
        callers["down"] = callers["default"] | {
            "target": f"localhost:{self._deaf.getsockname()[1]}"
        }
        self._slow_path = HeldPath(self.server.target)
        port = await self._slow_path.start()
        callers["slow"] = callers["default"] | {"target": f"localhost:{port}"}
        callers["untrusting"] = callers["default"] | {"tlsCa": str(self._folder / "other.pem")}
        return {"callers": callers, "values": {"account": "shop"}}

    def _caller(self, secret: str) -> dict[str, str]:
        target = "localhost:" + self.server.target.rpartition(":")[2]
        how = {"target": target, "tlsCa": str(self._folder / "authority.pem")}
        return how | ({"apiKey": secret} if secret else {})

    async def close(self) -> None:
        if self._starting is not None:
            with suppress(AssertionError):
                await self._starting
        if self._slow_path is not None:
            await self._slow_path.stop()
        await asyncio.to_thread(self.server.kill)
        self._deaf.close()

    # What a runner can ask

    async def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        do = getattr(self, f"_{question['ask']}", None)
        if do is None:
            return {"ok": False, "why": f"nobody can {question['ask']}"}
        return {"ok": True} | (await do(question) or {})

    async def _kill(self, _: Mapping[str, Any]) -> None:
        await asyncio.to_thread(self.server.kill)

    async def _start(self, question: Mapping[str, Any]) -> None:
        after = question.get("after", 0.0)
        self._starting = asyncio.create_task(self._start_after(after))
        if not after:
            await self._starting

    async def _start_after(self, seconds: float) -> None:
        if self._is_slow:
            # It is away for as long by itself.
            seconds = 0.0
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.server.start)

    async def _restart(self, question: Mapping[str, Any]) -> None:
        await self._kill(question)
        await self._start({})

    async def _drain(self, question: Mapping[str, Any]) -> None:
        assert await asyncio.to_thread(self.server.stop) == 0
        await self._start({})

    async def _forget(self, _: Mapping[str, Any]) -> None:
        """As the server does by itself once a minute, with a log that is kept for no time."""
        assert await asyncio.to_thread(self.server.stop) == 0
        # Ahead, because the log is in the order of time only nearly.
        store, now = SqliteStore(self._store), datetime.now(UTC) + timedelta(hours=1)
        await store.open()
        try:
            await store.prune(Horizons(now, now, now, now, now, None))
        finally:
            await store.close()
        await self._start({})

    async def _code(self, question: Mapping[str, Any]) -> dict[str, str]:
        async with asyncio.timeout(GUARD_SECONDS):
            while True:
                for line in _lines(self._codes):
                    if line["recipient"] == question["recipient"]:
                        return {"code": _code_in(line["text"])}
                await asyncio.sleep(0.02)

    async def _sent(self, question: Mapping[str, Any]) -> dict[str, int]:
        with closing(sqlite3.connect(f"file:{self._store}?mode=ro", uri=True)) as db:
            query = "SELECT id FROM messages WHERE recipient = ?"
            found = {row[0] for row in db.execute(query, (question["recipient"],))}
        given = [message for message, _ in submits(self._journal) if message in found]
        return {"times": len(given)}

    async def _hold(self, _: Mapping[str, Any]) -> None:
        assert self._slow_path is not None
        self._slow_path.hold()

    async def _release(self, _: Mapping[str, Any]) -> None:
        """Once the server has ended what was not read. Behind Envoy it need not: that was seen to
        take on more than there is.
        """
        assert self._slow_path is not None
        async with asyncio.timeout(GUARD_SECONDS):
            while not self._is_slow:
                if any("SLOW_CONSUMER" in line for line in self.server.output):
                    break
                await asyncio.sleep(0.05)
        self._slow_path.release()


_PREPAID: dict[str, Any] = {
    "billing_mode": account_service_pb2.BILLING_MODE_PREPAID,
    "currency": "EUR",
}
_TWO_A_MINUTE = account_service_pb2.AccountPolicy(
    limits=[
        account_service_pb2.Limit(
            kind=account_service_pb2.LIMIT_KIND_REQUESTS,
            maximum=2,
            period=duration_pb2.Duration(seconds=60),
            mode=account_service_pb2.POLICY_MODE_ENFORCE,
        )
    ]
)


def _lines(path: Path) -> list[dict[str, str]]:
    return list(map(json.loads, path.read_text("utf-8").splitlines())) if path.exists() else []


def _code_in(text: str) -> str:
    """The code of a text: every template has one run of digits that is as long as a code."""
    found = re.search(r"\b\d{6}\b", text)
    assert found is not None, text
    return found[0]


@asynccontextmanager
async def a_harness(folder: Path, arguments: Sequence[str] = ()) -> AsyncIterator[Harness]:
    harness = Harness(folder, arguments)
    try:
        await asyncio.to_thread(harness.server.start)
        yield harness
    finally:
        await harness.close()


class _Lacking(Exception):
    """The tool chain is only half there."""


def build(language: Language, what: str = "scenarios") -> str:
    """Make the runner, or what else its commands make. Returns what the tool chain lacks for it,
    or nothing. AssertionError with the output of what failed otherwise.
    """
    try:
        build_once(language.name, what, lambda: _build(language))
    except _Lacking as lacking:
        return str(lacking)
    return ""


def _build(language: Language) -> None:
    for command in language.build:
        done = subprocess.run(
            command,
            cwd=language.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_BUILD_SECONDS,
            check=False,
        )
        lacks = language.lacking(done.stdout)
        if done.returncode != 0 and lacks:
            raise _Lacking(lacks)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-4_000:]}"


async def run_scenarios(
    language: Language, folder: Path, *names: str, arguments: Sequence[str] = ()
) -> list[Result]:
    """Every scenario, or those that are named, with the client of a language. The server gets the
    arguments.
    """
    async with a_harness(folder, arguments) as harness:
        environment = folder / "environment.json"
        environment.write_text(json.dumps(await harness.environment()))
        return await run_runner(language, harness, SCENARIOS, environment, *names)


class Outside(Protocol):
    """Who does for a runner what only somebody outside can do."""

    async def answer(self, question: Mapping[str, Any]) -> dict[str, Any]: ...


async def run_runner(
    language: Language,
    outside: Outside,
    scenarios: Path,
    environment: Path,
    *names: str,
    variables: Mapping[str, str] | None = None,
) -> list[Result]:
    """The runner of a language with these files, as clients/scenarios/README.md says. Its process
    has the variables beside those that there are.
    """
    process = await asyncio.create_subprocess_exec(
        *(*language.run, str(scenarios), str(environment), *names),
        cwd=language.folder,
        env=os.environ | dict(variables or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    try:
        async with asyncio.timeout(_RUN_SECONDS):
            return await _converse(process, outside)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _converse(process: asyncio.subprocess.Process, outside: Outside) -> list[Result]:
    assert process.stdout is not None
    assert process.stdin is not None
    results = []
    async for text in process.stdout:
        line = json.loads(text)
        if "ask" in line:
            answer = await outside.answer(line)
            process.stdin.write(json.dumps(answer).encode() + b"\n")
            await process.stdin.drain()
        elif "scenario" in line:
            why = "" if line["ok"] else line.get("why", "it did not say why")
            results.append(Result(line["scenario"], line["seconds"], why))
        else:
            assert line["finished"] == len(results), line
            assert line["failed"] == sum(bool(result.why) for result in results), line
            return results
    raise AssertionError(f"the runner ended after {len(results)} scenarios")
