"""How one request to a webhook is made: to whom it goes, whom it trusts, how long it waits."""

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.acceptance.certificates import authority_in, needs_openssl, signed_in
from tests.acceptance.webhook_setup import Got, Receiver, receiving

from smsgate_server.domain.webhook_addresses import parse_networks
from smsgate_server.domain.webhooks import Outcome, Verdict
from smsgate_server.services.clock import SystemClock
from smsgate_server.transport import webhook_postman
from smsgate_server.transport.webhook_postman import HttpPostman

_SECRET = "whsec_c2VjcmV0IG9mIHRlc3Rz"
_LOOPBACK = ("127.0.0.0/8",)


class Names:
    """A name server of a test: answers in turn, the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def a_postman(
    networks: Sequence[str] = (),
    names: Names | None = None,
    tls: ssl.SSLContext | None = None,
    timeout_seconds: float = 2.0,
) -> AsyncIterator[HttpPostman]:
    postman = HttpPostman(
        SystemClock(),
        networks=parse_networks(networks),
        allow_http=True,
        timeout_seconds=timeout_seconds,
        resolve=names or Names(["127.0.0.1"]),
        tls=tls,
    )
    try:
        yield postman
    finally:
        await postman.close()


async def post(postman: HttpPostman, url: str) -> Outcome:
    return await postman.post(url, (("x-key", "hidden"),), "evt_1", "{}", (_SECRET,))


async def test_a_name_that_leads_to_this_machine_is_not_followed() -> None:
    async with receiving() as receiver, a_postman() as postman:
        outcome = await post(postman, f"http://receiver.example:{receiver.port}/")
    assert outcome.verdict is Verdict.RETRY
    assert "no address that webhooks may reach" in outcome.error
    assert not receiver.got


async def test_a_name_that_changes_its_mind_is_followed_where_it_was_checked() -> None:
    """Rebinding: the address that was checked is the one that is connected to."""
    async with receiving() as inside, receiving() as outside:
        names = Names(["127.0.0.2"], ["127.0.0.1"])
        async with a_postman(("127.0.0.2/32",), names) as postman:
            # Nothing listens on 127.0.0.2; asked again, the name would lead to `inside`.
            await post(postman, f"http://receiver.example:{inside.port}/")
            assert names.asked == ["receiver.example"]
            outcome = await post(postman, f"http://receiver.example:{outside.port}/")
            assert "no address that webhooks may reach" in outcome.error
    assert not inside.got + outside.got


async def test_of_several_addresses_only_those_that_are_allowed_are_tried() -> None:
    names = Names(["10.0.0.1", "127.0.0.1", "169.254.169.254"])
    async with receiving() as receiver, a_postman(_LOOPBACK, names) as postman:
        outcome = await post(postman, f"http://receiver.example:{receiver.port}/")
    assert outcome.verdict is Verdict.DELIVERED
    assert receiver.got[0].headers["host"] == f"receiver.example:{receiver.port}"


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "[::1]"),
        *("[::ffff:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[::127.0.0.1]", "0.0.0.0", "[::]"),
    ],
)
async def test_this_machine_is_reached_by_none_of_its_names(host: str) -> None:
    """With the name server of the system."""
    async with receiving() as receiver:
        postman = HttpPostman(SystemClock(), allow_http=True, timeout_seconds=5.0)
        try:
            outcome = await post(postman, f"http://{host}:{receiver.port}/")
        finally:
            await postman.close()
    assert outcome.verdict is Verdict.RETRY
    assert outcome.status == 0
    assert not receiver.got


async def test_the_address_is_checked_again_where_the_connection_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever gets past the check of the URL."""
    monkeypatch.setattr(webhook_postman, "url_fault", lambda *_: "")
    async with receiving() as receiver, a_postman() as postman:
        outcome = await post(postman, receiver.url)
    assert "not one that webhooks may reach" in outcome.error
    assert not receiver.got


async def test_an_answer_is_read_only_so_far() -> None:
    written = 0

    async with receiving() as receiver, a_postman(_LOOPBACK) as postman:

        async def endless(request: web.Request) -> web.StreamResponse:
            nonlocal written
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65_536)
                written += 65_536

        app = web.Application()
        app.router.add_post("/", endless)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        start = time.monotonic()
        outcome = await post(postman, f"http://127.0.0.1:{port}/")
        assert time.monotonic() - start < 1.5
        await runner.cleanup()
        # The status had come, and that is what counts.
        assert outcome.verdict is Verdict.DELIVERED
        # What the kernel buffers of both sides is beyond our reach.
        assert written < 16 * 2**20
        assert not receiver.got


async def test_an_answer_has_a_limit_of_time_however_slowly_it_comes() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server, a_postman(_LOOPBACK, timeout_seconds=0.4) as postman:
        port = server.sockets[0].getsockname()[1]
        start = time.monotonic()
        outcome = await post(postman, f"http://127.0.0.1:{port}/")
        took = time.monotonic() - start
    assert outcome.verdict is Verdict.RETRY
    assert "0.4 seconds" in outcome.error
    assert 0.3 < took < 1.5


@pytest.mark.parametrize(
    "answer", [b"", b"hello\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"\x16\x03\x01" * 50]
)
async def test_what_is_no_answer_is_a_failure(answer: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server, a_postman(_LOOPBACK) as postman:
        port = server.sockets[0].getsockname()[1]
        outcome = await post(postman, f"http://127.0.0.1:{port}/")
    assert (outcome.verdict, outcome.status) == (Verdict.RETRY, 0)
    assert outcome.error


async def test_no_error_and_no_log_shows_path_or_headers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiving() as receiver:
        answers = [
            "http://127.0.0.1:9/path-of-mine?token=t1",
            f"http://127.0.0.1:{receiver.port}/path-of-mine",
            "http://unknown.invalid/path-of-mine",
        ]
        async with a_postman(_LOOPBACK) as postman:
            outcomes = [await post(postman, url) for url in answers]
    told = "".join(outcome.error for outcome in outcomes) + caplog.text
    for hidden in ("path-of-mine", "t1", "hidden", _SECRET):
        assert hidden not in told


@needs_openssl
async def test_https_is_checked_against_the_name_of_the_url(tmp_path: Path) -> None:
    """Though the connection goes to an address that was looked up before."""
    authority_in(tmp_path, "ca")
    signed_in(tmp_path, "server", "ca", host="receiver.example")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    names_seen: list[str | None] = []
    served.sni_callback = lambda socket, name, context: names_seen.append(name)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

    async def take(request: web.Request) -> web.Response:
        return web.Response(text=request.host)

    app = web.Application()
    app.router.add_post("/", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=served).start()
    port = runner.addresses[0][1]
    try:
        async with a_postman(_LOOPBACK, tls=trusting) as postman:
            good = await post(postman, f"https://receiver.example:{port}/")
            other = await post(postman, f"https://another.example:{port}/")
        async with a_postman(_LOOPBACK) as postman:
            untrusted = await post(postman, f"https://receiver.example:{port}/")
    finally:
        await runner.cleanup()
    assert good.verdict is Verdict.DELIVERED
    assert names_seen[:2] == ["receiver.example", "another.example"]
    for outcome in (other, untrusted):
        assert outcome.verdict is Verdict.RETRY
        assert "certificate" in outcome.error


async def test_what_the_environment_says_of_proxies_is_not_heeded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy would connect to where nobody has looked."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with receiving() as receiver, a_postman(_LOOPBACK) as postman:
        outcome = await post(postman, receiver.url)
    assert outcome.verdict is Verdict.DELIVERED


async def test_connections_are_used_again_and_cookies_are_not_kept() -> None:
    async def answer(got: Got) -> web.StreamResponse:
        return web.Response(headers={"set-cookie": "a=b"})

    async with receiving(answer) as receiver, a_postman(_LOOPBACK) as postman:
        for _ in range(3):
            assert (await post(postman, receiver.url)).verdict is Verdict.DELIVERED
        await _one_connection(receiver)
    assert all("cookie" not in got.headers for got in receiver.got)


async def _one_connection(receiver: Receiver) -> None:
    runner = receiver._runner
    assert runner is not None
    assert runner.server is not None
    assert len(runner.server.connections) == 1
