"""Webhooks that are made, changed, replayed and deleted while events flow."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.accounts_setup import Operator, database_of, eventually
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, refused, until_final
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

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as messages
from smsgate.v1 import webhook_service_pb2 as pb

_WHOLE = ["MESSAGE_STATUS_NEW", "MESSAGE_STATUS_PENDING", "MESSAGE_STATUS_DELIVERED"]


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway(**LOOPBACK)


async def send(stub: Any, **fields: Any) -> messages.SendMessageResponse:
    values = {"recipient": ITALIAN, "text": "Hello"} | fields
    answer: messages.SendMessageResponse = await stub.SendMessage(
        messages.SendMessageRequest(**values)
    )
    return answer


@asynccontextmanager
async def traffic(gateway: Gateway) -> AsyncIterator[list[str]]:
    """Messages all the while; their ids."""
    sent: list[str] = []

    async def go_on() -> None:
        while True:
            sent.append((await send(gateway.stub)).message.id)
            await asyncio.sleep(0.002)

    task = asyncio.create_task(go_on())
    try:
        yield sent
    finally:
        task.cancel()
        await asyncio.wait([task])


async def all_final(receiver_steps: Any, ids: list[str]) -> None:
    async def done() -> bool:
        found = receiver_steps()
        return all(found.get(each) == _WHOLE for each in ids)

    await eventually(done)


async def test_a_webhook_made_while_events_flow_gets_whole_messages_from_then_on(
    gateway: Gateway,
) -> None:
    async with receiving() as receiver:
        async with traffic(gateway) as sent:
            await eventually(_more_than(sent, 5))
            await a_webhook(caller_of(gateway), receiver.url)
            begun = len(sent)
            await eventually(_more_than(sent, begun + 10))
        # The one that was under way may have been before.
        await all_final(lambda: steps(receiver.taken), sent[begun + 1 :])
    assert repeats(receiver.taken) == 0


async def test_a_changed_filter_holds_for_what_is_not_looked_at_yet(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as receiver:
        made = await a_webhook(caller, receiver.url)
        await send(gateway.stub)
        await receiver.until(3)
        wanted = pb.WebhookFilter(senders=["ACME"])
        change = pb.UpdateWebhookRequest(id=made.webhook.id, filter=wanted, description="new")
        changed = (await caller.webhooks.UpdateWebhook(change)).webhook
        assert (changed.filter, changed.description) == (wanted, "new")
        assert changed.update_time.ToNanoseconds() > made.webhook.update_time.ToNanoseconds()
        await send(gateway.stub)
        other = (await send(gateway.stub, sender="ACME")).message.id
        await receiver.until(6)
        await settled()
    assert steps(receiver.taken[3:]) == {other: _WHOLE}


async def test_a_changed_url_gets_what_the_old_one_did_not_take(gateway: Gateway) -> None:
    caller = caller_of(gateway)

    async def refuse(got: Got) -> int:
        return 500

    async with receiving(refuse) as old, receiving() as new:
        made = await a_webhook(caller, old.url)
        sent = [(await send(gateway.stub)).message.id for _ in range(10)]
        await caller.webhooks.UpdateWebhook(
            pb.UpdateWebhookRequest(id=made.webhook.id, url=new.url)
        )
        await caller.webhooks.ReplayFailedDeliveries(pb.ReplayFailedDeliveriesRequest())
        await new.until(30)
    found = steps(new.taken)
    assert set(found) == set(sent)
    assert all(set(each) == set(_WHOLE) for each in found.values())
    for got in new.taken:
        got.verified(made.secret)


async def test_a_disabled_webhook_goes_on_where_it_stopped(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as receiver:
        made = await a_webhook(caller, receiver.url)
        first = (await send(gateway.stub)).message.id
        await receiver.until(3)
        disable = pb.UpdateWebhookRequest(id=made.webhook.id, enabled=False)
        disabled = (await caller.webhooks.UpdateWebhook(disable)).webhook
        assert disabled.health.state == pb.WEBHOOK_STATE_DISABLED
        second = (await send(gateway.stub)).message.id
        await settled()
        assert len(receiver.got) == 3
        lag = (await shown(caller, made.webhook.id)).health.cursor_lag
        assert lag == 3
        disable.enabled = True
        await caller.webhooks.UpdateWebhook(disable)
        await receiver.until(6)
    assert steps(receiver.taken) == {first: _WHOLE, second: _WHOLE}
    assert repeats(receiver.taken) == 0


async def test_flipping_a_webhook_while_it_fails_loses_nothing(gateway: Gateway) -> None:
    """What waits is taken over each time, also what is not written down yet."""
    caller = caller_of(gateway)
    broken = True

    async def answer(got: Got) -> int:
        return 500 if broken else 200

    async with receiving(answer) as receiver:
        made = await a_webhook(caller, receiver.url)
        async with traffic(gateway) as sent:
            for _ in range(10):
                await asyncio.sleep(0.03)
                for enabled in (False, True):
                    flip = pb.UpdateWebhookRequest(id=made.webhook.id, enabled=enabled)
                    await caller.webhooks.UpdateWebhook(flip)
        broken = False
        await caller.webhooks.ReplayFailedDeliveries(pb.ReplayFailedDeliveriesRequest())

        async def done() -> bool:
            await caller.webhooks.ReplayFailedDeliveries(pb.ReplayFailedDeliveriesRequest())
            found = steps(receiver.taken)
            return all(set(found.get(each, ())) == set(_WHOLE) for each in sent)

        await eventually(done)
        assert not await failed_deliveries(caller)


async def test_a_deleted_webhook_gets_nothing_more(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as receiver, receiving() as other:
        await a_webhook(caller, other.url)
        made = await a_webhook(caller, receiver.url)
        async with traffic(gateway):
            await receiver.until(6)
            await caller.webhooks.DeleteWebhook(pb.DeleteWebhookRequest(id=made.webhook.id))
            count = len(receiver.got)
            await other.until(len({got.id for got in other.taken}) + 30)
        await settled()
        assert len(receiver.got) == count
    answer = await refused(caller.webhooks.GetWebhook(pb.GetWebhookRequest(id=made.webhook.id)))
    assert (answer.code.name, answer.reason) == ("NOT_FOUND", "WEBHOOK_NOT_FOUND")


async def test_the_log_is_sent_again_from_a_cursor_and_from_a_time(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as receiver:
        made = await a_webhook(caller, receiver.url)
        start = datetime.now(UTC)
        first = await send(gateway.stub)
        await receiver.until(3)
        second = (await send(gateway.stub)).message.id
        await receiver.until(6)
        ids = {got.id for got in receiver.taken}
        receiver.taken.clear()
        replay = pb.ReplayEventsRequest(id=made.webhook.id, cursor=first.cursor)
        answer = await caller.webhooks.ReplayEvents(replay)
        assert answer.webhook.health.cursor == first.cursor
        again = await receiver.until(5)
        assert steps(again) == {first.message.id: _WHOLE[1:], second: _WHOLE}
        # Who remembers ids passes over them.
        assert {got.id for got in again} < ids
        receiver.taken.clear()
        replay.start_time.FromDatetime(start)
        await caller.webhooks.ReplayEvents(replay)
        assert {got.id for got in await receiver.until(6)} == ids
        replay.start_time.FromSeconds(1)
        assert (await refused(caller.webhooks.ReplayEvents(replay))).reason == "CURSOR_EXPIRED"


async def test_a_replay_that_was_answered_outlives_a_crash(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    hanging = asyncio.Event()

    async def hang(got: Got) -> int:
        if len(receiver.got) > 3:
            await hanging.wait()
        return 200

    async with receiving(hang) as receiver:
        made = await a_webhook(caller, receiver.url)
        first = await send(gateway.stub)
        await receiver.until(3)
        # A request is under way when the replay is asked for, so it has not begun yet.
        await send(gateway.stub)
        await eventually(_more_than(receiver.got, 3))
        replay = pb.ReplayEventsRequest(id=made.webhook.id, cursor=first.cursor)
        await caller.webhooks.ReplayEvents(replay)
        with closing(sqlite3.connect(database_of(gateway))) as on_disk:
            query = "SELECT position FROM webhooks WHERE key = ?"
            position = on_disk.execute(query, (made.webhook.id,)).fetchone()
        hanging.set()
    # The place of the first event of a new store, whose cursor that was.
    assert position == (1,)


def _more_than(got: Sequence[object], count: int) -> Any:
    async def look() -> bool:
        return len(got) > count

    return look


async def test_accounts_have_webhooks_apart(start_gateway: StartGateway) -> None:
    gateway = await start_gateway(**LOOPBACK)
    operator = await Operator.at(gateway)
    callers = {name: await operator.tenant(name) for name in ("alpha", "bravo")}
    async with receiving() as for_alpha, receiving() as for_bravo, receiving() as called:
        receivers = {"alpha": for_alpha, "bravo": for_bravo}
        sent = {}
        made = {}
        for name, caller in callers.items():
            made[name] = await a_webhook(caller, receivers[name].url, request_id="r1")
        for name, caller in callers.items():
            where = message_pb2.Callback(url=f"{called.url}/{name}")
            options = messages.SendOptions(callback=where)
            sent[name] = (await send(caller.messages, options=options)).message.id
        for receiver in receivers.values():
            await receiver.until(3)
        await called.until(6)
        await settled()
        for name, receiver in receivers.items():
            assert steps(receiver.got) == {sent[name]: _WHOLE}
            for got in receiver.got:
                got.verified(made[name].secret)
            own = [got for got in called.got if got.path.endswith(name)]
            assert steps(own) == {sent[name]: _WHOLE}
        for name, caller in callers.items():
            ids = {w.id for w in (await caller.ask("WebhookService/ListWebhooks")).webhooks}
            assert ids == {made[name].webhook.id, "callbacks"}


async def test_a_webhook_behind_the_retention_goes_on_and_tells_what_it_missed(
    start_gateway: StartGateway, tmp_path: Path
) -> None:
    database = tmp_path / "old.db"
    first = await start_gateway(**LOOPBACK, store=f"sqlite:{database}")
    async with receiving() as receiver:
        made = await a_webhook(caller_of(first), receiver.url)
        await caller_of(first).webhooks.UpdateWebhook(
            pb.UpdateWebhookRequest(id=made.webhook.id, enabled=False)
        )
        await until_final(first.stub, await send(first.stub))
        await first.stop()
        with closing(sqlite3.connect(database)) as aged:
            aged.execute("UPDATE events SET event_time = event_time - ?", (8 * 86_400 * 10**6,))
            aged.commit()
        gateway = await start_gateway(**LOOPBACK, store=f"sqlite:{database}")
        caller = caller_of(gateway)
        await gateway.forget_what_is_old()
        await caller.webhooks.UpdateWebhook(
            pb.UpdateWebhookRequest(id=made.webhook.id, enabled=True)
        )
        later = (await send(gateway.stub)).message.id

        async def came() -> bool:
            return steps(receiver.taken).get(later) == _WHOLE

        await eventually(came)
        assert set(steps(receiver.got)) == {later}
        found = await shown(caller, made.webhook.id)
        assert found.health.HasField("missed_time")


async def test_what_is_being_repeated_is_not_lost_with_the_log(
    start_gateway: StartGateway,
) -> None:
    """Its body is kept beside it."""
    gateway = await start_gateway(**LOOPBACK | {"webhook_retry_seconds": (0.5,)})
    seen: set[str] = set()

    async def answer(got: Got) -> int:
        first = got.id not in seen
        seen.add(got.id)
        return 500 if first else 200

    async with receiving(answer) as receiver:
        await a_webhook(caller_of(gateway), receiver.url)
        sent = (await send(gateway.stub)).message.id
        await eventually(_more_than(receiver.got, 0))
        await asyncio.sleep(0.1)
        with closing(sqlite3.connect(database_of(gateway))) as emptied:
            emptied.execute("DELETE FROM events")
            emptied.commit()
        await receiver.until(3)
    assert steps(receiver.taken) == {sent: _WHOLE}
