"""The same search after a run over HTTP with a session, with a webhook, and with codes that go to
a carrier over SMPP; on both stores, at log level debug.
"""

import asyncio
import json
import socket
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tests.acceptance.accounts_setup import ALL_BUT_ADMIN, Operator, code_in
from tests.acceptance.recording_smsc import RecordingSmsc
from tests.acceptance.test_security_secrets import Needles, around, digests, forms, search
from tests.acceptance.web_setup import WebProcess, event_source, web_client
from tests.acceptance.webhook_setup import Got, Receiver, receiving
from tests.databases import database_of

pytestmark = pytest.mark.slow

MARKER = "a marker that a search must find"
RECIPIENTS = [f"+3933312345{number}" for number in range(10, 18)]
BIND_PASSWORD = "Kv7_bind"
URL_SECRET = "q9XkTtmPw3ZrLs8Yb5"
HEADER_SECRET = "n4VhGcJd7QeRf2MaUy"
OTP_KEY = "k1 " + "Qm9mNHpSd0x0V2tYc1lhVGpHdkhoUGVVbkRjS2lNeE8="


@dataclass
class Evidence:
    """What there is to hide, and where it could be. The store holds what it needs to send."""

    codes: dict[str, str] = field(default_factory=dict)
    """The text that the carrier got, by its code."""
    guesses: list[str] = field(default_factory=list)
    key: str = ""
    session: str = ""
    webhook_secret: str = ""
    answers: list[bytes] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    store: dict[str, bytes] = field(default_factory=dict)
    metrics: bytes = b""
    log: list[str] = field(default_factory=list)

    @property
    def said(self) -> dict[str, bytes]:
        """What operators read: the log and the metrics."""
        return {"the log": "\n".join(self.log).encode(), "the metrics": self.metrics}

    @property
    def told(self) -> dict[str, bytes]:
        """What callers were answered and webhooks were sent."""
        sent = [f"{got.path} {got.headers} {got.text}" for got in self.got]
        return {"the answers": b"\n".join(self.answers), "webhooks": "\n".join(sent).encode()}


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def evidence(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder = tmp_path_factory.mktemp("secrets-web")
    on_postgres = request.param == "postgres"
    store = database_of(folder) if on_postgres else f"sqlite:{folder / 'messages.db'}"
    return asyncio.run(_run(folder, store))


async def _run(folder: Path, store: str) -> Evidence:
    found = Evidence()
    with closing(socket.create_server(("127.0.0.1", 0))) as chosen:
        metrics = f"127.0.0.1:{chosen.getsockname()[1]}"
    async with RecordingSmsc() as smsc, receiving() as receiver:
        async with _server(folder, store, smsc, metrics) as running:
            await smsc.until_bound()
            await _everything(running, smsc, receiver, found)
            found.metrics = await _metrics(metrics)
            found.store = await asyncio.to_thread(_stored, folder, store)
        found.got = list(receiver.got)
        found.log = [line for line in running.output if not line.startswith("smsgate ")]
    return found


@asynccontextmanager
async def _server(
    folder: Path, store: str, smsc: RecordingSmsc, metrics: str
) -> AsyncIterator[WebProcess]:
    (folder / "otp-keys").write_text(f"{OTP_KEY}\n")
    (folder / "s.toml").write_text(f"""
webhook_allow_http = true
webhook_allowed_networks = ["127.0.0.0/8"]
webhook_retry_seconds = [0.05]
otp_key_file = "{folder / "otp-keys"}"
[[carriers]]
name = "north"
hosts = ["127.0.0.1:{smsc.port}"]
system_id = "smsgate"
password = "{BIND_PASSWORD}"
""")
    environment = {"SMSGATE_LOG_LEVEL": "debug", "SMSGATE_METRICS_LISTEN": metrics}
    running = WebProcess(store, ["--config", str(folder / "s.toml")], environment)
    try:
        yield await asyncio.to_thread(running.start)
        assert await asyncio.to_thread(running.stop) == 0
    finally:
        await asyncio.to_thread(running.kill)


def _stored(folder: Path, store: str) -> dict[str, bytes]:
    """All that is stored: the files of SQLite, or the tables of PostgreSQL as a dump has them."""
    if store.startswith("sqlite:"):
        return {path.name: path.read_bytes() for path in folder.glob("messages.db*")}
    import psycopg

    tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    dump = {}
    with psycopg.connect(store) as db:
        for (name,) in db.execute(tables).fetchall():
            with db.cursor().copy(f'COPY (SELECT * FROM "{name}") TO STDOUT') as copy:
                dump[name] = b"".join(bytes(piece) for piece in copy)
    return dump


async def _metrics(address: str) -> bytes:
    async with web_client(f"http://{address}") as client:
        return (await client.get("/metrics")).content


# What is done


async def _everything(
    running: WebProcess, smsc: RecordingSmsc, receiver: Receiver, found: Evidence
) -> None:
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(running.target))
        caller = await (await Operator.of(channel)).tenant("acme", *ALL_BUT_ADMIN)
        client = await stack.enter_async_context(web_client(running.web))
        found.key = caller.secret
        await client.post("/session", headers={"authorization": f"Bearer {found.key}"})
        # From here on the client sends the cookie, as a browser does.
        found.session = client.cookies["smsgate_session"]
        events = await stack.enter_async_context(event_source(client, "/events"))
        await _webhook(client, receiver, found)
        await _messages(client, found)
        for number, recipient in enumerate(RECIPIENTS):
            await _code(client, smsc, recipient, 8 + number % 3, found)
        await _refusals(client, found)
        # Three events of each message, but the one whose callback leads nowhere is told as well.
        await receiver.until(3 * (len(RECIPIENTS) + 2))
        found.answers += [str((await events.until("events")).data).encode()]
        await _heard(found, client.get("/session"))
        await client.delete("/session")
        assert (await client.get("/session")).status_code == 401


async def _heard(found: Evidence, call: Awaitable[httpx.Response]) -> Any:
    answer = await call
    assert answer.status_code == 200, answer.text
    found.answers.append(answer.content)
    return answer.json()


async def _webhook(client: httpx.AsyncClient, receiver: Receiver, found: Evidence) -> None:
    wanted = {"url": f"{receiver.url}?token={URL_SECRET}"}
    made = await client.post("/smsgate.v1.WebhookService/CreateWebhook", json=wanted)
    # The one answer that shows it.
    found.webhook_secret = made.json()["secret"]
    await _heard(found, client.post("/smsgate.v1.WebhookService/ListWebhooks", json={}))


async def _messages(client: httpx.AsyncClient, found: Evidence) -> None:
    # Nobody listens there, so what is logged of failures is searched, too.
    callback = {"url": f"http://127.0.0.1:9/{URL_SECRET}", "headers": {"x-token": HEADER_SECRET}}
    message = {"recipient": RECIPIENTS[0], "text": MARKER}
    await _heard(found, client.post("/messages", json=message))
    await _heard(
        found, client.post("/messages", json={**message, "options": {"callback": callback}})
    )


async def _code(
    client: httpx.AsyncClient, smsc: RecordingSmsc, recipient: str, length: int, found: Evidence
) -> None:
    asked = {"recipient": recipient, "length": length, "locale": "en", "requestId": recipient}
    asked["alphabet"] = ("CODE_ALPHABET_NUMERIC", "CODE_ALPHABET_ALPHANUMERIC")[length % 2]
    sent = await _heard(found, client.post("/otp", json=asked))
    message = sent["message"]
    await smsc.until(lambda: any("code" in taken.text.lower() for taken in smsc.of(recipient)))
    text = smsc.of(recipient)[-1].text
    code = code_in(text, message["text"])
    found.codes[code] = text
    guess = code[:-1] + ("3" if code[-1] != "3" else "4")
    found.guesses.append(guess)
    checked = {"verificationId": sent["verification"]["id"]}
    for given, result in ((guess, "INCORRECT"), (code, "APPROVED")):
        request = {**checked, "code": given, "requestId": f"{recipient}-{result}"}
        answer = await _heard(found, client.post("/otp/verify", json=request))
        assert answer["result"] == f"VERIFY_RESULT_{result}"


async def _refusals(client: httpx.AsyncClient, found: Evidence) -> None:
    """Calls with keys, sessions and codes in all the wrong places."""
    code = next(iter(found.codes))
    for secret in (found.key, found.session, f"{code} {code}"):
        for authorization in (secret, f"Basic {secret}", f"Bearer {secret}x"):
            answer = await client.post("/session", headers={"authorization": authorization})
            assert answer.status_code == 401
        for path in (f"/messages/{secret}", f"/{secret}", f"/events?cursor={secret}&key={secret}"):
            assert (await client.get(path)).status_code >= 400
        for body in ({"recipient": secret, "text": secret}, {"sender": secret}, secret):
            assert (await client.post("/messages", json=body)).status_code >= 400
        answer = await client.post(f"/smsgate.v1.MessageService/{secret}", json={})
        assert answer.status_code >= 400
        wanted = {"verificationId": secret, "code": code}
        assert (await client.post("/otp/verify", json=wanted)).status_code >= 400


# What is found


def code_needles(found: Evidence) -> Needles:
    return {
        f"the code {code}": forms(code.encode())
        | forms(code.lower().encode())
        | digests(code)
        | around(text, code)
        for code, text in found.codes.items()
    }


def caller_needles(found: Evidence) -> Needles:
    signature = found.session.rpartition(".")[2]
    return {
        "the key": forms(found.key.encode()) | forms(found.key[17:].encode()),
        "the session": forms(found.session.encode()) | forms(signature.encode()),
    }


def test_everything_was_done_that_could_give_a_secret_away(evidence: Evidence) -> None:
    assert len(evidence.codes) == len(RECIPIENTS)
    lines = [json.loads(line) for line in evidence.log]
    assert "debug" in {line["level"] for line in lines}
    methods = {line["method"] for line in lines if line["message"] == "call"}
    assert {"OTPService.SendOTP", "OTPService.VerifyOTP", "MessageService.SendMessage"} <= methods
    assert any(b"VERIFY_RESULT_APPROVED" in answer for answer in evidence.answers)
    assert b"smsgate_webhook" in evidence.metrics
    places = {**evidence.store, **evidence.told}
    found = search({"the marker": {MARKER.encode()}, "the bound name": {b"acme"}}, places)
    assert any(place.startswith("the marker in messages") for place in found)
    assert "the marker in the answers" in found


def test_no_code_is_where_it_does_not_belong(evidence: Evidence) -> None:
    places = {**evidence.store, **evidence.said, **evidence.told}
    guesses = {f"the guess {guess}": forms(guess.encode()) for guess in evidence.guesses}
    assert search({**code_needles(evidence), **guesses}, places) == []
    otp_key = OTP_KEY.split()[1]
    assert search({"the OTP key": {otp_key.encode()} | forms(b64decode(otp_key))}, places) == []


def test_neither_a_key_nor_a_session_is_stored_logged_or_answered(evidence: Evidence) -> None:
    places = {**evidence.store, **evidence.said, **evidence.told}
    assert search(caller_needles(evidence), places) == []


def test_what_the_server_must_know_to_send_is_in_no_log(evidence: Evidence) -> None:
    secrets = {
        "the secret of the webhook": evidence.webhook_secret.removeprefix("whsec_"),
        "a header of a callback": HEADER_SECRET,
        "a part of a URL": URL_SECRET,
        "the password of the bind": BIND_PASSWORD,
    }
    needles = {name: forms(secret.encode()) for name, secret in secrets.items()}
    assert search(needles, evidence.said) == []


def test_neither_texts_nor_recipients_are_logged(evidence: Evidence) -> None:
    needles = {recipient: {recipient[1:].encode()} for recipient in RECIPIENTS}
    texts = {text: {text.encode()} for text in evidence.codes.values()}
    assert search({**needles, **texts, "the marker": {MARKER.encode()}}, evidence.said) == []


def test_every_secret_is_found_if_it_is_planted(evidence: Evidence) -> None:
    for name, written in {**code_needles(evidence), **caller_needles(evidence)}.items():
        for form in written:
            planted = {"a place": b"before " + form + b" after"}
            assert f"{name} in a place" in search({name: written}, planted)
