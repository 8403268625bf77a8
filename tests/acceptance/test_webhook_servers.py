"""Two servers on one store: one sends, and callers of the other do not notice."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.accounts_setup import eventually
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, refused
from tests.acceptance.webhook_setup import (
    LOOPBACK,
    Got,
    a_webhook,
    caller_of,
    failed_deliveries,
    receiving,
    repeats,
    settled,
    shown,
    steps,
)
from tests.databases import database_of

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as messages
from smsgate.v1 import webhook_service_pb2 as pb

_WHOLE = ["MESSAGE_STATUS_NEW", "MESSAGE_STATUS_PENDING", "MESSAGE_STATUS_DELIVERED"]


@pytest.fixture
async def two(start_gateway: StartGateway, tmp_path: Path) -> tuple[Gateway, Gateway]:
    """The one that sends, and the other."""
    keys = tmp_path / "otp-keys"
    keys.write_text(f"k1 {'A' * 43}=\n")
    store = {"store": database_of(tmp_path), "otp_key_file": str(keys)}
    first = await start_gateway(**LOOPBACK | store)
    return first, await start_gateway(**LOOPBACK | store)


async def send(gateway: Gateway, **fields: Any) -> messages.SendMessageResponse:
    values = {"recipient": ITALIAN, "text": "Hello"} | fields
    answer: messages.SendMessageResponse = await gateway.stub.SendMessage(
        messages.SendMessageRequest(**values)
    )
    return answer


async def test_a_webhook_made_and_changed_at_one_server_is_obeyed_by_the_other(
    two: tuple[Gateway, Gateway],
) -> None:
    first, second = two
    here, there = caller_of(second), caller_of(first)
    async with receiving() as old, receiving() as new:
        made = await a_webhook(here, old.url)
        sent = [(await send(gateway)).message.id for gateway in (first, second)]
        await old.until(6)
        assert steps(old.taken) == dict.fromkeys(sent, _WHOLE)
        assert repeats(old.got) == 0
        for got in old.taken:
            got.verified(made.secret)

        async def told() -> bool:
            health = (await shown(here, made.webhook.id)).health
            # That of the newest event, which need not have come last: messages do not wait for
            # each other.
            cursors = {got.data["cursor"] for got in old.taken}
            done = health.cursor in cursors and health.cursor_lag == 0
            return done and health.last_status == 200

        await eventually(told)
        change = pb.UpdateWebhookRequest(id=made.webhook.id, url=new.url)
        await here.webhooks.UpdateWebhook(change)

        async def obeyed() -> bool:
            return (await shown(there, made.webhook.id)).url == new.url

        await eventually(obeyed)
        third = (await send(second)).message.id
        await new.until(3)
        assert steps(new.taken) == {third: _WHOLE}
        await here.webhooks.DeleteWebhook(pb.DeleteWebhookRequest(id=made.webhook.id))

        async def forgotten() -> bool:
            return not (await there.ask("WebhookService/ListWebhooks")).webhooks

        await eventually(forgotten)
        await send(first)
        await settled()
        assert len(new.got) == 3
        missing = pb.GetWebhookRequest(id=made.webhook.id)
        assert (await refused(there.webhooks.GetWebhook(missing))).code.name == "NOT_FOUND"


async def test_callbacks_are_sent_whichever_server_took_the_message(
    two: tuple[Gateway, Gateway],
) -> None:
    async with receiving() as receiver:
        options = messages.SendOptions(callback=message_pb2.Callback(url=receiver.url))
        sent = [(await send(gateway, options=options)).message.id for gateway in reversed(two)]
        await receiver.until(6)
    assert steps(receiver.taken) == dict.fromkeys(sent, _WHOLE)


async def test_replays_can_be_asked_of_any_server(two: tuple[Gateway, Gateway]) -> None:
    first, second = two
    here = caller_of(second)
    broken = True

    async def answer(got: Got) -> int:
        return 500 if broken else 200

    async with receiving(answer) as receiver:
        made = await a_webhook(here, receiver.url)
        start = datetime.now(UTC)
        sent = await send(first)

        async def given_up() -> bool:
            return len(await failed_deliveries(here)) == 3

        await eventually(given_up)
        broken = False
        failed = pb.ReplayFailedDeliveriesRequest(webhook_id=made.webhook.id)
        assert (await here.webhooks.ReplayFailedDeliveries(failed)).replayed_count == 3
        await receiver.until(3)
        assert steps(receiver.taken) == {sent.message.id: _WHOLE}
        receiver.taken.clear()
        replay = pb.ReplayEventsRequest(id=made.webhook.id)
        replay.start_time.FromDatetime(start)
        await here.webhooks.ReplayEvents(replay)
        await receiver.until(3)
        assert steps(receiver.taken) == {sent.message.id: _WHOLE}


async def test_an_id_that_no_message_has_is_refused(two: tuple[Gateway, Gateway]) -> None:
    here = caller_of(two[1])
    await a_webhook(here, "http://127.0.0.1:9/")
    answer = await refused(failed_deliveries(here, message_id="a\0b"))
    assert answer.fields == ["message_id"]
    replay = pb.ReplayFailedDeliveriesRequest(message_id="a\0b")
    assert (await refused(here.webhooks.ReplayFailedDeliveries(replay))).code.name == (
        "INVALID_ARGUMENT"
    )


async def test_when_another_server_takes_over_nothing_is_lost(
    two: tuple[Gateway, Gateway],
) -> None:
    first, second = two
    async with receiving() as receiver:
        await a_webhook(caller_of(first), receiver.url)
        sent = [(await send(first)).message.id for _ in range(5)]
        await first.stop()
        sent += [(await send(second)).message.id for _ in range(5)]

        # The carrier of the first has taken some of its receipts with it.
        async def history(message_id: str) -> list[str]:
            request = messages.GetMessageRequest(id=message_id, include_history=True)
            found = await second.stub.GetMessage(request)
            return [message_pb2.MessageStatus.Name(event.to_status) for event in found.history]

        async def all_came() -> bool:
            whole = {message_id: await history(message_id) for message_id in sent}
            ended = all(whole[message_id] == _WHOLE for message_id in sent[5:])
            return ended and steps(receiver.taken) == whole

        await eventually(all_came, 20)
