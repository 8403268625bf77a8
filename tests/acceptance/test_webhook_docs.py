"""docs/webhooks.md: its samples, run in every language."""

import asyncio
from pathlib import Path

import pytest
from tests.acceptance.conftest import StartGateway
from tests.acceptance.example_setup import in_every_language, start_example
from tests.acceptance.reading import GUARD_SECONDS, ITALIAN
from tests.acceptance.scenario_harness import Language
from tests.acceptance.webhook_setup import (
    LOOPBACK,
    a_webhook,
    caller_of,
    receiving,
    shown,
    steps,
)

from smsgate.v1 import message_service_pb2 as messages
from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_server.domain.webhooks import RETRY_SECONDS

_PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(GUARD_SECONDS):
        return (await process.stdout.readline()).decode().strip()


@pytest.mark.parametrize("language", in_every_language())
async def test_the_receiver_of_the_page_takes_events_once_and_refuses_forgeries(
    language: Language, start_gateway: StartGateway
) -> None:
    gateway = await start_gateway(**LOOPBACK)
    caller = caller_of(gateway)
    made = await a_webhook(caller, "http://127.0.0.1:9/")
    process = await start_example(
        language, "webhook_receiver", environment={"SECRET": made.secret, "PORT": "0"}
    )
    try:
        port = (await _line(process)).removeprefix("listening on ")
        id = made.webhook.id
        change = pb.UpdateWebhookRequest(id=id, url=f"http://127.0.0.1:{port}/")
        await caller.webhooks.UpdateWebhook(change)
        assert (await caller.webhooks.TestWebhook(pb.TestWebhookRequest(id=id))).delivered
        request = messages.SendMessageRequest(recipient=ITALIAN, text="Hello")
        first = await gateway.stub.SendMessage(request)
        statuses = ("NEW", "PENDING", "DELIVERED")
        for status in statuses:
            assert await _line(process) == f"{first.message.id} MESSAGE_STATUS_{status}"
        # What it had is told by its id, and passed over.
        await caller.webhooks.ReplayEvents(pb.ReplayEventsRequest(id=id, cursor=first.cursor))
        second = await gateway.stub.SendMessage(request)
        for status in statuses:
            assert await _line(process) == f"{second.message.id} MESSAGE_STATUS_{status}"
        rotate = pb.RotateWebhookSecretRequest(id=id)
        rotate.overlap.seconds = 0
        await caller.webhooks.RotateWebhookSecret(rotate)
        forged = await caller.webhooks.TestWebhook(pb.TestWebhookRequest(id=id))
        assert forged.status == 401
        assert (await shown(caller, id)).enabled
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("language", in_every_language())
async def test_the_callback_of_the_page_gets_the_events_of_its_message(
    language: Language, start_gateway: StartGateway
) -> None:
    gateway = await start_gateway(**LOOPBACK)
    async with receiving() as receiver:
        process = await start_example(
            language,
            "send_with_callback",
            receiver.url,
            environment={"SMSGATE_TARGET": gateway.target},
        )
        assert await process.wait() == 0
        taken = await receiver.until(3, 4 * GUARD_SECONDS)
    assert list(steps(taken).values()) == [
        [f"MESSAGE_STATUS_{status}" for status in ("NEW", "PENDING", "DELIVERED")]
    ]
    assert all(got.data["customData"] == {"order": "7"} for got in taken)


def test_the_page_tells_the_waits_as_they_are() -> None:
    minutes = (2, 10, 30, 60, 2 * 60, 4 * 60, 7 * 60, 8 * 60)
    assert list(RETRY_SECONDS) == [5, 30, *(60 * each for each in minutes)]
    told = "5 s, 30 s, 2 min, 10 min, 30 min, 1, 2, 4, 7 and 8 hours"
    assert told in " ".join(_PAGE.split())
