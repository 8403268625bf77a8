"""`smsgate webhooks` and the methods of both clients, against a real server and a real receiver."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.acceptance import test_cli
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_cli import NUMBER, Smsgate
from tests.acceptance.webhook_setup import Got, Receiver, steps

from smsgate.v1 import message_pb2
from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_client import BlockingClient, NotFound, SmsgateClient

smsgate = test_cli.smsgate


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    environment = {
        "SMSGATE_WEBHOOK_ALLOW_HTTP": "true",
        "SMSGATE_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        "SMSGATE_WEBHOOK_RETRY_SECONDS": "0.02",
    }
    store = tmp_path_factory.mktemp("webhooks") / "messages.db"
    with ServerProcess(store, environment=environment) as running:
        yield running


class Threaded:
    """A receiver on a loop of its own, for tests that have none."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.receiver = Receiver()
        self.broken = False

        async def answer(got: Got) -> int:
            return 500 if self.broken else 200

        self.receiver.answer = answer
        self._thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> "Threaded":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.receiver.start(), self.loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.receiver.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@pytest.fixture
def threaded() -> Iterator[Threaded]:
    with Threaded() as running:
        yield running


def until(look: Callable[[], Any]) -> Any:
    """What `look` finds once it finds something."""
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    waiting = threading.Event()
    while not (found := look()):
        assert datetime.now(UTC) < deadline
        waiting.wait(0.05)
    return found


def test_a_webhook_is_made_shown_changed_and_deleted(smsgate: Smsgate, threaded: Threaded) -> None:
    url = threaded.receiver.url
    made = smsgate(
        *("webhooks", "create", url, "--status", "DELIVERED", "--label", "team=red"),
        *("-H", "authorization=Bearer hidden", "--description", "for orders"),
    )
    # In a pipe the secret is all that is printed.
    secret = made.out.strip()
    assert (made.code, secret[:6], len(made.out.splitlines())) == (0, "whsec_", 1)
    listed = smsgate("webhooks", "list").lines
    [found] = [each for each in listed if each["url"] == url]
    id = found["id"]
    assert id in made.err
    assert found["filter"] == {"statuses": ["DELIVERED"], "labels": {"team": "red"}}
    shown = smsgate("webhooks", "show", id)
    for line in (f"url: {url}", "state: ACTIVE", "headers: authorization", "events: DELIVERED"):
        assert line in shown.out
    assert "hidden" not in shown.out + str(listed)
    sent = smsgate("send", NUMBER, "Ciao!", "--label", "team=red").out.strip()
    [got] = until(lambda: list(threaded.receiver.taken))
    assert got.verified(secret).data["messageId"] == sent
    changed = smsgate("webhooks", "update", id, "--disable", "--all-events", "--no-headers")
    assert (changed.code, changed.out) == (0, f"{id} DISABLED\n")
    found = smsgate("-o", "json", "webhooks", "show", id).lines[0]
    assert "filter" not in found or not found["filter"]
    assert "header_names" not in found
    assert found["description"] == "for orders"
    assert smsgate("webhooks", "update", id).code == 2
    assert smsgate("webhooks", "delete", id).out == f"{id} deleted\n"
    gone = smsgate("webhooks", "show", id)
    assert (gone.code, gone.out) == (3, "")
    assert "WEBHOOK_NOT_FOUND" in gone.err


def test_test_tells_by_its_exit_code_whether_the_event_was_taken(
    smsgate: Smsgate, threaded: Threaded
) -> None:
    smsgate("webhooks", "create", threaded.receiver.url, "--description", "tested")
    [found] = [e for e in smsgate("webhooks", "list").lines if e.get("description") == "tested"]
    good = smsgate("webhooks", "test", found["id"])
    assert good.code == 0
    assert good.out.startswith("answered 200 after ")
    threaded.broken = True
    bad = smsgate("webhooks", "test", found["id"])
    assert bad.code == 1
    assert "500" in bad.out
    smsgate("webhooks", "delete", found["id"])


def test_rotate_prints_the_new_secret(smsgate: Smsgate) -> None:
    first = smsgate("webhooks", "rotate", "callbacks", "--overlap", "2h")
    second = smsgate("webhooks", "rotate", "callbacks")
    assert first.out.startswith("whsec_")
    assert first.out != second.out
    assert "old secret until: " in smsgate("webhooks", "show", "callbacks").out


def test_failed_deliveries_are_listed_and_replayed(smsgate: Smsgate, threaded: Threaded) -> None:
    threaded.broken = True
    smsgate("webhooks", "create", threaded.receiver.url, "--description", "broken")
    [found] = [e for e in smsgate("webhooks", "list").lines if e.get("description") == "broken"]
    id = found["id"]
    sent = smsgate("send", NUMBER, "Ciao!").out.strip()
    listed = until(
        lambda: (
            lines
            if len(lines := smsgate("webhooks", "failed", "--webhook", id).lines) == 3
            else None
        )
    )
    assert {each["message_id"] for each in listed} == {sent}
    assert len(smsgate("webhooks", "failed", "--webhook", id, "--limit", "2").lines) == 2
    assert sent in smsgate("-o", "text", "webhooks", "failed", "--message", sent).out
    threaded.broken = False
    none = smsgate("webhooks", "replay", "--webhook", id, "--failed-before", "1h")
    assert none.out == "0 events tried anew\n"
    done = smsgate("webhooks", "replay", "--webhook", id, "--failed-from", "1h")
    assert done.out == "3 events tried anew\n"
    until(lambda: len(threaded.receiver.taken) == 3)
    assert set(steps(threaded.receiver.taken)) == {sent}
    threaded.receiver.taken.clear()
    again = smsgate("webhooks", "replay", "--webhook", id, "--since", "1h")
    assert again.out.startswith(id)
    until(lambda: sent in steps(threaded.receiver.taken))
    assert smsgate("webhooks", "replay", "--since", "1h").code == 2
    smsgate("webhooks", "delete", id)


def test_the_blocking_client_has_every_call(server: ServerProcess, threaded: Threaded) -> None:
    url = threaded.receiver.url
    with BlockingClient(server.target) as client:
        made = client.create_webhook(url, terminal_only=True, request_id="blocking")
        assert client.create_webhook(url, terminal_only=True, request_id="blocking").replayed
        id = made.webhook.id
        assert client.get_webhook(id).webhook.filter.terminal_only
        assert id in {each.id for each in client.list_webhooks().webhooks}
        changed = client.update_webhook(id, statuses=["DELIVERED"], headers={"x": "1"}).webhook
        assert changed.filter == pb.WebhookFilter(statuses=[message_pb2.MESSAGE_STATUS_DELIVERED])
        assert client.update_webhook(id, everything=True).webhook.filter == pb.WebhookFilter()
        assert client.test_webhook(id).delivered
        assert client.rotate_webhook_secret(id, overlap=60).secret != made.secret
        assert list(client.list_failed_deliveries(webhook_id=id)) == []
        assert client.replay_failed_deliveries(webhook_id=id).replayed_count == 0
        cursor = client.get_webhook(id).webhook.health.cursor
        assert client.replay_events(id, cursor).webhook.id == id
        sent = client.send(NUMBER, "Ciao!", callback=f"{url}/callback").message.id
        until(lambda: len([g for g in threaded.receiver.taken if g.path.endswith("callback")]) == 3)
        assert set(steps([g for g in threaded.receiver.taken if "callback" in g.path])) == {sent}
        client.delete_webhook(id)
        with pytest.raises(NotFound):
            client.get_webhook(id)


async def test_the_asyncio_client_has_every_call(server: ServerProcess) -> None:
    async with SmsgateClient(server.target) as client:
        made = await client.create_webhook("http://127.0.0.1:9/", labels={"never": "sent"})
        id = made.webhook.id
        assert (await client.get_webhook(id)).webhook.filter.labels == {"never": "sent"}
        assert id in {each.id for each in (await client.list_webhooks()).webhooks}
        start = datetime.now(UTC)
        assert not (await client.update_webhook(id, enabled=False)).webhook.enabled
        assert not (await client.test_webhook(id)).delivered
        assert (await client.rotate_webhook_secret(id)).secret != made.secret
        assert [each async for each in client.list_failed_deliveries(webhook_id=id)] == []
        replayed = await client.replay_failed_deliveries(webhook_id=id, failed_before=start)
        assert replayed.replayed_count == 0
        assert (await client.replay_events(id, start)).webhook.id == id
        sent = await client.send_otp(NUMBER, callback="http://127.0.0.1:9/")
        assert sent.message.otp
        await client.delete_webhook(id)
        with pytest.raises(NotFound):
            await client.delete_webhook(id)
