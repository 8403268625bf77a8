"""A client of any language that was given a name, and nothing else, calls all servers of the name,
goes on with the others when one is gone, and comes back to it.
"""

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.certificates import authority_in, needs_openssl, signed_in
from tests.acceptance.name_server import a_name_server
from tests.acceptance.reading import GUARD_SECONDS, ITALIAN
from tests.acceptance.scenario_harness import Language, build, languages, run_runner
from tests.acceptance.server_process import ServerProcess

pytestmark = [needs_openssl, pytest.mark.slow]

_NAME = "smsgate.internal"
_ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
_CALLS = 40
_CONNECTING_SECONDS = 0.25
# A machine that has a proxy need not have told it of this name.
_NO_PROXY = {"no_proxy": _NAME, "NO_PROXY": _NAME}
_SEND = {
    "do": "call",
    "method": "SendMessage",
    "timeout": GUARD_SECONDS,
    "request": {"recipient": ITALIAN, "text": "Ciao"},
}


def _ask(what: str) -> dict[str, Any]:
    return {"do": "ask", "what": what}


def _calls(*between: dict[str, Any]) -> dict[str, Any]:
    return {"do": "repeat", "times": _CALLS, "parallel": False, "steps": [_SEND, *between]}


_SCENARIO = {
    "name": "several servers",
    "says": "Calls go to all servers of a name, to the others while one is gone, and to it again.",
    "steps": [
        _calls(_ask("connect")),
        _ask("kill"),
        _calls(),
        _ask("start"),
        _calls(_ask("connect")),
    ],
}


class _Servers:
    """Servers on the same port of different addresses, each with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self._stores = [folder / f"{address}.db" for address in _ADDRESSES]
        environment = {
            "SMSGATE_TLS_CERTIFICATE": str(folder / "server.pem"),
            "SMSGATE_TLS_KEY": str(folder / "server.key"),
        }
        self._servers = [ServerProcess(store, environment=environment) for store in self._stores]
        self._counted = [0] * len(_ADDRESSES)
        self.sent: list[list[int]] = []
        """How many messages each was sent, up to each call of `note`."""

    async def start(self) -> str:
        """Returns their port."""
        first, *others = self._servers
        port = (await asyncio.to_thread(first.start)).target.rpartition(":")[2]
        for server, address in zip(others, _ADDRESSES[1:], strict=True):
            server.target = f"{address}:{port}"
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in others))
        return port

    async def kill(self) -> None:
        for server in self._servers:
            await asyncio.to_thread(server.kill)

    def note(self) -> None:
        """Add to `sent` what was sent since the last time."""
        self.sent.append(self._since())
        self._counted = [now + then for now, then in zip(self.sent[-1], self._counted, strict=True)]

    def _since(self) -> list[int]:
        counts = map(_messages_in, self._stores)
        return [now - then for now, then in zip(counts, self._counted, strict=True)]

    async def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        what, last = question["ask"], self._servers[-1]
        if what == "connect":
            if not all(self._since()):
                # Who is connected is called; with others that may still be going on.
                await asyncio.sleep(_CONNECTING_SECONDS)
            return {"ok": True}
        self.note()
        await asyncio.to_thread(last.kill if what == "kill" else last.start)
        return {"ok": True}


def _messages_in(store: Path) -> int:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        [count] = db.execute("SELECT count(*) FROM messages").fetchone()
    return int(count)


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[_Servers]:
    for address in _ADDRESSES:
        with socket.socket() as tried:
            try:
                tried.bind((address, 0))
            except OSError:
                pytest.skip(
                    f"this machine's loopback lacks {address}: `ifconfig lo0 alias` adds it"
                )
    authority_in(tmp_path, "authority")
    signed_in(tmp_path, "server", "authority", host=_NAME)
    made = _Servers(tmp_path)
    try:
        yield made
    finally:
        await made.kill()


@asynccontextmanager
async def _named(language: Language, folder: Path) -> AsyncIterator[tuple[str, dict[str, str]]]:
    """A target of the name without its port, and the variables with which it has the addresses."""
    if language.name == "java":
        # gRPC for Java takes no name server from a target.
        hosts = folder / "hosts"
        hosts.write_text("".join(f"{address} {_NAME}\n" for address in _ADDRESSES))
        yield f"dns:///{_NAME}", {"JDK_JAVA_OPTIONS": f'"-Djdk.net.hosts.file={hosts}"'}
        return
    async with a_name_server({_NAME: _ADDRESSES}) as asked:
        # Without the variable gRPC for Node asks the system only.
        yield f"dns://{asked}/{_NAME}", {"GRPC_NODE_USE_ALTERNATIVE_RESOLVER": "true"}


@pytest.mark.parametrize("language", languages(), ids=lambda language: language.name)
async def test_calls_go_to_every_server_of_a_name_and_on_while_one_is_gone(
    language: Language, servers: _Servers, tmp_path: Path
) -> None:
    lacks = language.missing or await asyncio.to_thread(build, language)
    if lacks:
        pytest.skip(f"{language.name}: {lacks}")
    port = await servers.start()
    scenarios, environment = tmp_path / "scenarios.json", tmp_path / "environment.json"
    scenarios.write_text(json.dumps({"scenarios": [_SCENARIO]}))
    async with _named(language, tmp_path) as (target, variables):
        caller = {"target": f"{target}:{port}", "tlsCa": str(tmp_path / "authority.pem")}
        environment.write_text(json.dumps({"callers": {"default": caller}, "values": {}}))
        [result] = await run_runner(
            language, servers, scenarios, environment, variables=_NO_PROXY | variables
        )
    assert result.why == ""
    servers.note()
    assert [sum(sent) for sent in servers.sent] == 3 * [_CALLS]
    everyone = len(_ADDRESSES) * [True]
    called = [[count > 0 for count in sent] for sent in servers.sent]
    assert called == [everyone, [*everyone[:-1], False], everyone], servers.sent
