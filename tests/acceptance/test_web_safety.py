"""Who may call over HTTP: keys, sessions, origins, names; and what pages of other sites cannot."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import httpx
import pytest
from tests.acceptance.accounts_setup import READ, SEND, Caller, Operator, eventually
from tests.acceptance.conftest import StartGateway
from tests.acceptance.reading import GUARD_SECONDS
from tests.acceptance.web_setup import (
    Web,
    a_send,
    connect_stream,
    event_source,
    started_web,
    transitions,
    web_client,
)

_APP = "https://app.example"


@pytest.fixture
async def web(start_gateway: StartGateway) -> AsyncIterator[Web]:
    async with started_web(start_gateway, web_origins=(_APP,)) as made:
        yield made


@pytest.fixture
async def operator(web: Web) -> Operator:
    """Who has the first key of the server, which is no longer open from then on."""
    return await Operator.at(web.gateway)


@pytest.fixture
async def shop(operator: Operator) -> Caller:
    return await operator.tenant("shop", SEND, READ)


def key_of(caller: Caller) -> dict[str, str]:
    return {"authorization": f"Bearer {caller.secret}"}


# Keys


async def test_with_keys_every_way_in_wants_one(web: Web, shop: Caller) -> None:
    ways = {
        "rpc": await web.call("MessageService/ListMessages", {}),
        "post": await web.client.post("/messages", json=a_send()),
        "get": await web.client.get("/messages/x"),
        "events": await web.client.get("/events"),
        "events of one": await web.client.get("/messages/x/events"),
        "otp": await web.client.post("/otp", json={}),
        "session": await web.client.get("/session"),
    }
    for name, answer in ways.items():
        assert answer.status_code == 401, name
        assert answer.json()["reason"] == "API_KEY_REQUIRED", name
    async with connect_stream(web.client, {}) as responses:
        (end,) = [response async for response in responses]
        assert end["end"]["error"]["code"] == "unauthenticated"
    with_key = await web.client.post("/messages", json=a_send(), headers=key_of(shop))
    assert with_key.status_code == 200


async def test_a_key_without_the_scope_is_refused(web: Web, shop: Caller) -> None:
    answer = await web.client.post("/otp", json={}, headers=key_of(shop))
    assert (answer.status_code, answer.json()["reason"]) == (403, "SCOPE_REQUIRED")


async def test_an_account_learns_nothing_of_another_over_http(
    web: Web, shop: Caller, operator: Operator
) -> None:
    other = await operator.tenant("other", SEND, READ)
    async with (
        event_source(web.client, "/events?heartbeat=1", key_of(other)) as theirs,
        event_source(web.client, "/events", key_of(shop)) as ours,
    ):
        await theirs.until("opened")
        await ours.until("opened")
        sent = await web.client.post("/messages", json=a_send(), headers=key_of(shop))
        message = sent.json()["message"]["id"]
        assert transitions((await ours.until("events")).data)[0][0] == message
        assert (await anext(theirs)).event == "heartbeat"
    for path in (f"/messages/{message}", f"/messages/{message}/events"):
        answer = await web.client.get(path, headers=key_of(other))
        assert answer.status_code == 404, path
        assert answer.json()["reason"] == "MESSAGE_NOT_FOUND"


async def test_a_stream_ends_when_its_key_is_revoked(
    web: Web, shop: Caller, operator: Operator
) -> None:
    async with event_source(web.client, "/events", key_of(shop)) as source:
        await source.until("opened")
        await operator.revoke(shop.key_id)
        failed = await source.until("failed")
        assert failed.data["code"] == "unauthenticated"
    # What makes a browser stop coming back.
    assert (await web.client.get("/events", headers=key_of(shop))).status_code == 401


# Sessions


async def test_a_session_stands_in_for_a_key_where_no_header_can_be_sent(
    web: Web, shop: Caller
) -> None:
    opened = await web.client.post("/session", headers=key_of(shop))
    assert opened.status_code == 200
    assert opened.json()["account"] == "shop"
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert shop.secret not in cookie
    # From here on the client sends the cookie, as a browser does.
    async with event_source(web.client, "/events") as source:
        await source.until("opened")
        sent = await web.client.post("/messages", json=a_send())
        first = transitions((await source.until("events")).data)[0]
        assert first[0] == sent.json()["message"]["id"]
    assert (await web.client.get("/session")).json()["scopes"] == ["READ", "SEND"]
    await web.client.delete("/session")
    assert (await web.client.get("/session")).status_code == 401


async def test_a_session_ends_with_its_key(web: Web, shop: Caller, operator: Operator) -> None:
    await web.client.post("/session", headers=key_of(shop))
    async with event_source(web.client, "/events") as source:
        await source.until("opened")
        await operator.revoke(shop.key_id)
        assert (await source.until("failed")).data["reason"] == "API_KEY_INVALID"
    assert (await web.client.get("/session")).status_code == 401


async def test_a_session_ends_after_its_hours(
    web: Web, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsgate_server.services.sessions.LIFETIME", timedelta(seconds=2))
    await web.client.post("/session", headers=key_of(shop))
    token = web.client.cookies["smsgate_session"]
    by_hand = {"cookie": f"smsgate_session={token}"}
    async with event_source(web.client, "/events", by_hand) as source:
        await source.until("opened")
        assert (await source.until("failed")).data["code"] == "unauthenticated"

    async def refused() -> bool:
        answer = await web.client.get("/session", headers=by_hand)
        return answer.status_code == 401

    await eventually(refused)


async def test_a_session_that_was_changed_is_worth_nothing(web: Web, shop: Caller) -> None:
    await web.client.post("/session", headers=key_of(shop))
    token = web.client.cookies["smsgate_session"]
    key_id, end, signing, signature = token.split(".")
    web.client.cookies.clear()
    for changed in (
        f"{key_id}.{int(end) + 1}.{signing}.{signature}",
        f"{key_id}.{end}.{signing}.{signature[:-1]}",
        f"{key_id}.{end}.x.{signature}",
        f"{key_id}.x.{signing}.{signature}",
        f"sgs_sgk_aaaaaaaaaaaa.{end}.{signing}.{signature}",
        "sgs_",
        "sgs_...",
        "sgs_" + "." * 1_000,
    ):
        headers = {"cookie": f"smsgate_session={changed}"}
        assert (await web.client.get("/session", headers=headers)).status_code == 401, changed


async def test_a_cookie_counts_for_our_own_pages_only(web: Web, shop: Caller) -> None:
    await web.client.post("/session", headers=key_of(shop))
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
    ):
        answer = await web.client.post("/messages", json=a_send(), headers=headers)
        assert answer.status_code == 401, headers
    ours = {"origin": web.url, "sec-fetch-site": "same-origin"}
    assert (await web.client.post("/messages", json=a_send(), headers=ours)).status_code == 200


async def test_an_open_server_needs_no_session(web: Web) -> None:
    opened = await web.client.post("/session")
    assert opened.json()["account"] == "local"
    assert "set-cookie" not in opened.headers


# Pages of other sites


_FOREIGN: list[Mapping[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "http://localhost:3000"},
]


@pytest.mark.parametrize("headers", _FOREIGN, ids=str)
async def test_a_page_of_another_site_cannot_send_through_an_open_server(
    web: Web, headers: Mapping[str, str]
) -> None:
    for path in ("/messages", "/smsgate.v1.MessageService/SendMessage", "/otp"):
        answer = await web.client.post(path, json=a_send(), headers=dict(headers))
        assert answer.status_code == 403, path
    assert (await web.client.get("/events", headers=dict(headers))).status_code == 403
    assert await web.gateway.message_count() == 0


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", ""]
)
async def test_an_open_server_answers_to_names_of_this_machine_only(web: Web, host: str) -> None:
    answer = await web.client.post("/messages", json=a_send(), headers={"host": host})
    assert answer.status_code == 421
    assert (await web.client.get("/", headers={"host": host})).status_code == 421
    assert await web.gateway.message_count() == 0


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:1", "[::1]"])
async def test_names_of_this_machine_are_known(web: Web, host: str) -> None:
    answer = await web.client.post("/messages", json=a_send(), headers={"host": host})
    assert answer.status_code == 200


async def test_allowed_origins_may_call_and_read_and_others_may_not(web: Web) -> None:
    path = "/smsgate.v1.MessageService/SendMessage"
    asked = {"origin": _APP, "access-control-request-method": "POST"}
    allowed = await web.client.options(path, headers=asked)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == _APP
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in allowed.headers
    from_app = {"origin": _APP, "sec-fetch-site": "cross-site"}
    sent = await web.client.post("/messages", json=a_send(), headers=from_app)
    assert sent.status_code == 200
    assert sent.headers["access-control-allow-origin"] == _APP
    other = await web.client.options(path, headers=asked | {"origin": "https://evil.example"})
    assert other.status_code == 403
    assert "access-control-allow-origin" not in other.headers


async def test_answers_cannot_be_framed_sniffed_or_kept(web: Web) -> None:
    for path in ("/events?x=1", "/messages/x", "/nowhere", "/healthz"):
        headers = (await web.client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


async def test_the_page_at_the_root_is_served_with_a_policy_and_a_tag(web: Web) -> None:
    page = await web.client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    again = await web.client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await web.client.head("/")).content == b""
    for path in ("/../config.py", "/assets/../../config.py", "/%2e%2e/config.py", "/assets/"):
        assert (await web.client.get(httpx.URL(web.url + path))).status_code == 404, path


# Limits of connections


async def _answer_to(web: Web, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", web.gateway.app.web_port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(GUARD_SECONDS):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_headers_without_end_are_cut_off(web: Web) -> None:
    assert await _answer_to(web, b"GET / HTTP/1.1\r\nx: ", b"y" * 2**20) == b""


async def test_headers_that_do_not_come_are_not_waited_for(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsgate_server.transport.web.http_protocol.HEADER_SECONDS", 0.2)
    async with started_web(start_gateway) as web:
        assert await _answer_to(web, b"GET / HTTP/1.1\r\nhost: loc") == b""
        assert await _answer_to(web) == b""


async def test_a_body_that_does_not_come_is_not_waited_for(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smsgate_server.transport.web.patience.BODY_SECONDS", 0.2)
    async with started_web(start_gateway, stall_seconds=0.2) as web:
        head = b"POST /messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n"
        answer = await _answer_to(web, head + b"content-type: application/json\r\n\r\n{")
        assert answer.startswith(b"HTTP/1.1 408 ")


async def test_what_is_not_http_harms_nobody(web: Web) -> None:
    assert b"400 Bad Request" in await _answer_to(web, b"\x16\x03\x01\x02\x00 hello\r\n\r\n")
    async with web_client(web.url) as client:
        assert (await client.get("/healthz")).json() == {"status": "SERVING"}
        assert (await client.get("/readyz")).status_code == 200
