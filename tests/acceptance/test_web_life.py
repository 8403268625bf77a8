"""Starting and stopping with the web: ports, reach, TLS, and what is there without it."""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.accounts_setup import Operator
from tests.acceptance.certificates import Pair, authority_in, needs_openssl, signed_in
from tests.acceptance.conftest import StartGateway
from tests.acceptance.reading import GUARD_SECONDS
from tests.acceptance.web_setup import (
    WebProcess,
    a_send,
    connect_stream,
    event_source,
    started_web,
    web_client,
)

from smsgate_server.app import NotReachableSafely
from smsgate_server.config import ConfigError, Settings, load


def test_without_the_setting_nothing_of_it_is_imported() -> None:
    program = """
import asyncio, sys
from smsgate_server.app import App
from smsgate_server.config import load

async def main():
    app = App(load(None, {"listen": "127.0.0.1:0", "store": "memory:"}, {}))
    await app.start()
    await app.stop()

asyncio.run(main())
unwanted = ("uvicorn", "httptools")
print([name for name in sys.modules if "transport.web." in name or name in unwanted])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=GUARD_SECONDS,
        check=True,
    )
    assert done.stdout.strip() == "[]"


async def test_a_port_that_is_taken_is_an_error_at_start(start_gateway: StartGateway) -> None:
    async with started_web(start_gateway) as web:
        address = f"127.0.0.1:{web.gateway.app.web_port}"
        with pytest.raises(OSError, match=f"cannot serve the web on {address}"):
            await start_gateway(web_listen=address)


def test_the_command_says_that_the_port_is_taken(tmp_path: Path) -> None:
    with WebProcess(tmp_path / "one.db") as server:
        taken = server.web.removeprefix("http://").removesuffix("/")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "smsgate_server", "run", "--listen", "127.0.0.1:0"),
                *("--web", taken, "--store", f"sqlite:{tmp_path / 'two.db'}"),
            ],
            capture_output=True,
            text=True,
            timeout=GUARD_SECONDS,
            check=False,
        )
    assert done.returncode != 0
    assert f"cannot serve the web on {taken}" in " ".join(done.stderr.split())


async def test_sigterm_ends_streams_and_waits_and_then_the_process(tmp_path: Path) -> None:
    with WebProcess(tmp_path / "messages.db") as server:
        async with (
            web_client(server.web) as client,
            connect_stream(client, {}) as responses,
            event_source(client, "/events") as source,
        ):
            await anext(responses)
            await source.until("opened")
            sent = (await client.post("/messages", json=a_send())).json()
            stopping = asyncio.create_task(asyncio.to_thread(server.stop))
            end = await source.until("end")
            assert end.data["end"] == {"reason": "REASON_SERVER_DRAINING"}
            everything = [response async for response in responses]
            assert everything[-2]["end"] == {"reason": "REASON_SERVER_DRAINING"}
            assert everything[-1] == {"end": {}}
            assert await stopping == 0
        await asyncio.to_thread(server.start)
        async with web_client(server.web) as client:
            found = await client.get(f"/messages/{sent['message']['id']}")
            assert found.status_code == 200
        assert await asyncio.to_thread(server.stop) == 0


async def test_while_it_drains_it_is_not_ready_and_takes_no_calls(
    start_gateway: StartGateway,
) -> None:
    async with started_web(start_gateway, drain_seconds=GUARD_SECONDS) as web:
        # A body that is still coming is a request under way only once it is there; a wait is one.
        sent = await web.send()
        async with asyncio.timeout(GUARD_SECONDS):
            while True:
                found = await web.call("MessageService/GetMessage", {"id": sent["message"]["id"]})
                if found.json()["message"]["status"] == "MESSAGE_STATUS_DELIVERED":
                    break
        app = web.gateway.app
        assert app._web is not None
        app._web.drain()
        ready = await web.client.get("/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "SERVER_DRAINING")
        assert (await web.client.get("/healthz")).status_code == 200
        refused = await web.client.post("/messages", json=a_send())
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"


# Reach


def test_other_machines_are_served_with_tls_only() -> None:
    with pytest.raises(ConfigError, match=r"web_listen: 0\.0\.0\.0:8080 can be reached"):
        load(None, {"web_listen": "0.0.0.0:8080"}, {})
    assert load(None, {"web_listen": "0.0.0.0:8080", "allow_remote": True}, {}).remote


async def test_other_machines_are_served_with_keys_only(start_gateway: StartGateway) -> None:
    settings = {"tls_certificate": "x", "tls_key": "y", "web_listen": "0.0.0.0:0"}
    with pytest.raises(NotReachableSafely, match="web_listen"):
        await start_gateway(**settings)


@pytest.mark.parametrize("origin", ["*", "app.example", "https://app.example/", "null"])
def test_an_origin_is_written_as_browsers_write_it(origin: str) -> None:
    with pytest.raises(ValueError, match="is not an origin"):
        Settings(web_origins=(origin,))


# TLS


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    return authority_in(tmp_path, "authority")


def _written(directory: Path, pair: Pair) -> dict[str, Any]:
    (directory / "server.pem").write_bytes(pair.certificate)
    (directory / "server.key").write_bytes(pair.key)
    return {
        "tls_certificate": str(directory / "server.pem"),
        "tls_key": str(directory / "server.key"),
    }


def _trusting(directory: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(directory / "authority.pem"))


async def _serial(port: int, context: ssl.SSLContext) -> Any:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=context, server_hostname="localhost"
    )
    try:
        return writer.get_extra_info("peercert")["serialNumber"]
    finally:
        writer.close()


@needs_openssl
async def test_over_tls_a_renewed_certificate_is_shown_without_a_restart(
    start_gateway: StartGateway, tmp_path: Path, authority: Pair
) -> None:
    settings = _written(tmp_path, signed_in(tmp_path, "first", "authority"))
    gateway = await start_gateway(web_listen="127.0.0.1:0", **settings)
    port, context = gateway.app.web_port, _trusting(tmp_path)
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        answer = await client.get(f"https://localhost:{port}/readyz")
        assert answer.status_code == 200
        session = await client.post(f"https://localhost:{port}/session")
        assert session.status_code == 200
    first = await _serial(port, context)
    (tmp_path / "server.pem").write_bytes(b"half written")
    assert await _serial(port, context) == first
    _written(tmp_path, signed_in(tmp_path, "second", "authority"))
    assert await _serial(port, context) != first


@needs_openssl
async def test_over_tls_the_cookie_of_a_session_is_for_tls_only(
    start_gateway: StartGateway, tmp_path: Path, authority: Pair
) -> None:
    database = f"sqlite:{tmp_path / 'shared.db'}"
    plain = await start_gateway(store=database)
    operator = await Operator.at(plain)
    caller = await operator.tenant("shop")
    await plain.stop()
    settings = _written(tmp_path, signed_in(tmp_path, "first", "authority"))
    gateway = await start_gateway(web_listen="127.0.0.1:0", store=database, **settings)
    async with httpx.AsyncClient(verify=_trusting(tmp_path), trust_env=False) as client:
        answer = await client.post(
            f"https://localhost:{gateway.app.web_port}/session",
            headers={"authorization": f"Bearer {caller.secret}"},
        )
    assert "; Secure" in answer.headers["set-cookie"]


@needs_openssl
async def test_with_a_client_ca_callers_without_a_certificate_are_turned_away(
    start_gateway: StartGateway, tmp_path: Path, authority: Pair
) -> None:
    settings = _written(tmp_path, signed_in(tmp_path, "first", "authority"))
    settings["tls_client_ca"] = str(tmp_path / "authority.pem")
    signed_in(tmp_path, "caller", "authority")
    gateway = await start_gateway(web_listen="127.0.0.1:0", **settings)
    url = f"https://localhost:{gateway.app.web_port}/readyz"
    async with httpx.AsyncClient(verify=_trusting(tmp_path), trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(url)
    known = _trusting(tmp_path)
    known.load_cert_chain(tmp_path / "caller.pem", tmp_path / "caller.key")
    async with httpx.AsyncClient(verify=known, trust_env=False) as client:
        assert (await client.get(url)).status_code == 200
