"""Endpoints in trouble: what is repeated, what is given up, and whom it does not hold up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from tests.acceptance.accounts_setup import Caller, eventually
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

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as messages
from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_server.services import webhook_deliveries
from smsgate_server.services.page_tokens import write_token

_WHOLE = ["MESSAGE_STATUS_NEW", "MESSAGE_STATUS_PENDING", "MESSAGE_STATUS_DELIVERED"]


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway(**LOOPBACK)


async def send(gateway: Gateway, **fields: Any) -> str:
    values = {"recipient": ITALIAN, "text": "Hello"} | fields
    answer = await gateway.stub.SendMessage(messages.SendMessageRequest(**values))
    return answer.message.id


async def state_becomes(caller: Caller, webhook_id: str, state: int) -> pb.Webhook:
    async def look() -> pb.Webhook | None:
        found = await shown(caller, webhook_id)
        return found if found.health.state == state else None

    return await eventually(look)


async def failures_become(caller: Caller, count: int, **fields: Any) -> list[pb.FailedDelivery]:
    async def look() -> list[pb.FailedDelivery] | None:
        found = await failed_deliveries(caller, **fields)
        return found if len(found) == count else None

    return await eventually(look)


def refusing(status: int, times: int) -> Callable[[Got], Awaitable[int]]:
    """Refuses each event so often, and then takes it."""
    seen: dict[str, int] = {}

    async def answer(got: Got) -> int:
        seen[got.id] = seen.get(got.id, 0) + 1
        return status if seen[got.id] <= times else 200

    return answer


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
async def test_an_event_that_is_refused_is_repeated_with_its_id(
    gateway: Gateway, status: int
) -> None:
    async with receiving(refusing(status, 1)) as receiver:
        made = await a_webhook(caller_of(gateway), receiver.url)
        sent = await send(gateway)
        await receiver.until(3)
    assert steps(receiver.taken) == {sent: _WHOLE}
    assert repeats(receiver.taken) == 0
    assert repeats(receiver.got) == 3
    for got in receiver.got:
        got.verified(made.secret)
    texts = {got.id: set() for got in receiver.got}
    for got in receiver.got:
        texts[got.id].add(got.text)
    assert all(len(each) == 1 for each in texts.values())


async def test_a_redirect_is_not_followed(gateway: Gateway) -> None:
    async with receiving() as target:

        async def redirect(got: Got) -> web.StreamResponse:
            return web.Response(status=307, headers={"location": target.url})

        async with receiving(redirect) as receiver:
            await a_webhook(caller_of(gateway), receiver.url)
            await send(gateway)
            failed = await failures_become(caller_of(gateway), 3)
    assert not target.got
    assert all("redirects are not followed" in each.error for each in failed)


async def test_one_message_that_fails_holds_up_no_other(gateway: Gateway) -> None:
    async def answer(got: Got) -> int:
        # By what it carries: its first event may be here before its id is known.
        return 500 if got.data.get("labels") == {"fate": "bad"} else 200

    async with receiving(answer) as receiver:
        made = await a_webhook(caller_of(gateway), receiver.url)
        bad = await send(gateway, labels={"fate": "bad"})
        good = [await send(gateway) for _ in range(20)]
        await receiver.until(60)
        assert steps(receiver.taken) == dict.fromkeys(good, _WHOLE)
        # The first event of the bad one fails, and those after it are tried in their order.
        failed = await failures_become(caller_of(gateway), 3)
        assert {each.message_id for each in failed} == {bad}
        tried = [got.data["toStatus"] for got in receiver.got if got.data["messageId"] == bad]
        assert tried == [step for step in _WHOLE for _ in range(4)]
        health = (await shown(caller_of(gateway), made.webhook.id)).health
        assert (health.state, health.retrying) == (pb.WEBHOOK_STATE_ACTIVE, 0)


async def test_events_of_a_message_wait_behind_the_one_that_is_repeated(
    gateway: Gateway,
) -> None:
    async with receiving(refusing(500, 2)) as receiver:
        await a_webhook(caller_of(gateway), receiver.url)
        # Fewer than would make the endpoint look down.
        sent = [await send(gateway) for _ in range(3)]
        await receiver.until(9)
    assert steps(receiver.taken) == dict.fromkeys(sent, _WHOLE)
    for message_id in sent:
        tried = [g.data["toStatus"] for g in receiver.got if g.data["messageId"] == message_id]
        assert tried == [step for step in _WHOLE for _ in range(3)]


async def test_endpoints_that_hang_hold_up_no_other(start_gateway: StartGateway) -> None:
    """More of them than there are requests at once."""
    quick = {"webhook_concurrency": 12, "webhook_timeout_seconds": 60}
    gateway = await start_gateway(**LOOPBACK | quick)
    hanging = asyncio.Event()

    async def hang(got: Got) -> int:
        await hanging.wait()
        return 200

    async with receiving(hang) as bad, receiving() as good:
        caller = caller_of(gateway)
        for _ in range(8):
            await a_webhook(caller, bad.url)
        await a_webhook(caller, good.url)
        sent = [await send(gateway) for _ in range(10)]
        await good.until(30)
        hanging.set()
    assert steps(good.taken) == dict.fromkeys(sent, _WHOLE)


@pytest.mark.parametrize("room", [2_000, 10])
async def test_a_callback_that_hangs_holds_up_no_other(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    """Also where more waits for it than may be taken from the log."""
    gateway = await start_gateway(**LOOPBACK | {"webhook_timeout_seconds": 60})
    monkeypatch.setattr(webhook_deliveries, "_MAX_UNSETTLED_CALLBACKS", room)
    hanging = asyncio.Event()

    async def hang(got: Got) -> int:
        await hanging.wait()
        return 200

    async with receiving(hang) as bad, receiving() as good:
        where = {
            name: messages.SendOptions(callback=message_pb2.Callback(url=receiver.url))
            for name, receiver in {"bad": bad, "good": good}.items()
        }
        stuck = [await send(gateway, options=where["bad"]) for _ in range(20)]
        sent = [await send(gateway, options=where["good"]) for _ in range(10)]
        # Long before the first request to the other is given up.
        await good.until(30)
        hanging.set()
        await bad.until(60)
    assert steps(good.taken) == dict.fromkeys(sent, _WHOLE)
    assert steps(bad.taken) == dict.fromkeys(stuck, _WHOLE)


async def test_what_is_given_up_is_listed_and_can_be_replayed(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    broken = True

    async def answer(got: Got) -> int:
        return 500 if broken else 200

    async with receiving(answer) as receiver:
        made = await a_webhook(caller, receiver.url)
        sent = await send(gateway)
        failed = await failures_become(caller, 3)
        assert {each.webhook_id for each in failed} == {made.webhook.id}
        assert {each.message_id for each in failed} == {sent}
        assert [each.status for each in failed] == [500] * 3
        assert [each.attempts for each in failed] == [4] * 3
        assert all("500" in each.error for each in failed)
        assert {each.event_id for each in failed} == {got.id for got in receiver.got}
        broken = False
        other = pb.ReplayFailedDeliveriesRequest(message_id="another")
        assert (await caller.webhooks.ReplayFailedDeliveries(other)).replayed_count == 0
        replay = pb.ReplayFailedDeliveriesRequest(webhook_id=made.webhook.id)
        assert (await caller.webhooks.ReplayFailedDeliveries(replay)).replayed_count == 3
        taken = await receiver.until(3)
        assert steps(taken) == {sent: _WHOLE}
        assert [got.id for got in taken] == [each.event_id for each in failed]
        for got in taken:
            got.verified(made.secret)
        await failures_become(caller, 0)
        assert (await caller.webhooks.ReplayFailedDeliveries(replay)).replayed_count == 0


async def test_replays_are_selected_by_message_and_time(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    broken = True

    async def answer(got: Got) -> int:
        return 500 if broken else 200

    async with receiving(answer) as receiver:
        await a_webhook(caller, receiver.url)
        first = await send(gateway)
        await failures_become(caller, 3)
        middle = datetime.now(UTC)
        second = await send(gateway)
        await failures_become(caller, 6)
        assert len(await failed_deliveries(caller, message_id=second)) == 3
        page = await caller.webhooks.ListFailedDeliveries(
            pb.ListFailedDeliveriesRequest(page_size=4)
        )
        assert len(page.deliveries) == 4
        rest = await failed_deliveries(caller, page_size=4, page_token=page.next_page_token)
        assert len({each.event_id for each in [*page.deliveries, *rest]}) == 6
        broken = False
        before = pb.ReplayFailedDeliveriesRequest()
        before.failed_before.FromDatetime(middle)
        assert (await caller.webhooks.ReplayFailedDeliveries(before)).replayed_count == 3
        await receiver.until(3)
        assert set(steps(receiver.taken)) == {first}
        by_message = pb.ReplayFailedDeliveriesRequest(message_id=second)
        by_message.failed_from.FromDatetime(middle)
        assert (await caller.webhooks.ReplayFailedDeliveries(by_message)).replayed_count == 3
        await receiver.until(6)
    assert steps(receiver.taken) == {first: _WHOLE, second: _WHOLE}


async def test_410_gone_disables_the_webhook_and_nothing_is_lost(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    gone = True

    async def answer(got: Got) -> int:
        return 410 if gone else 200

    async with receiving(answer) as receiver:
        made = await a_webhook(caller, receiver.url)
        first = await send(gateway)
        found = await state_becomes(caller, made.webhook.id, pb.WEBHOOK_STATE_GONE)
        assert not found.enabled
        assert found.health.last_status == 410
        second = await send(gateway)
        await settled()
        count = len(receiver.got)
        assert count == 1
        gone = False
        enable = pb.UpdateWebhookRequest(id=made.webhook.id, enabled=True)
        answer_ = await caller.webhooks.UpdateWebhook(enable)
        assert answer_.webhook.health.state == pb.WEBHOOK_STATE_ACTIVE
        await receiver.until(6)
    assert steps(receiver.taken) == {first: _WHOLE, second: _WHOLE}


async def test_a_callback_that_is_gone_loses_only_its_own_events(gateway: Gateway) -> None:
    caller = caller_of(gateway)

    async def gone(got: Got) -> int:
        return 410

    async with receiving(gone) as bad, receiving() as good:
        for receiver in (bad, good):
            where = message_pb2.Callback(url=receiver.url)
            await send(gateway, options=messages.SendOptions(callback=where))
        await good.until(3)
        failed = await failures_become(caller, 3)
    assert [each.webhook_id for each in failed] == ["callbacks"] * 3
    assert [each.attempts for each in failed] == [1] * 3
    assert (await shown(caller, "callbacks")).enabled


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_is_heeded(gateway: Gateway, form: str) -> None:
    caller = caller_of(gateway)
    times: list[float] = []

    async def answer(got: Got) -> web.StreamResponse | int:
        times.append(time.monotonic())
        if len(times) > 1:
            return 200
        # A date has whole seconds: it is between one and two away.
        date = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        value = "1" if form == "seconds" else date
        return web.Response(status=503, headers={"retry-after": value})

    async with receiving(answer) as receiver:
        made = await a_webhook(caller, receiver.url)
        await send(gateway)
        found = await state_becomes(caller, made.webhook.id, pb.WEBHOOK_STATE_FAILING)
        assert found.health.HasField("next_attempt_time")
        await receiver.until(3)
    assert 0.9 < times[1] - times[0] < 4


async def test_an_endpoint_that_is_down_is_left_alone_and_then_gets_everything(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(
        **LOOPBACK | {"webhook_retry_seconds": (0.05, 0.1, 0.2, 5, 5, 5, 5)}
    )
    caller = caller_of(gateway)
    async with receiving() as receiver:
        made = await a_webhook(caller, receiver.url)
        await receiver.stop()
        sent = [await send(gateway) for _ in range(30)]
        found = await state_becomes(caller, made.webhook.id, pb.WEBHOOK_STATE_FAILING)
        assert found.health.consecutive_failures >= 5
        assert "no connection" in found.health.last_error
        assert found.health.cursor_lag > 0
        assert found.health.retrying < 30
        await receiver.start()
        # Not before it is probed again, unless the caller says that it is repaired.
        enable = pb.UpdateWebhookRequest(id=made.webhook.id, enabled=True)
        await caller.webhooks.UpdateWebhook(enable)
        await receiver.until(90)
        assert steps(receiver.taken) == dict.fromkeys(sent, _WHOLE)
        found = await state_becomes(caller, made.webhook.id, pb.WEBHOOK_STATE_ACTIVE)
        assert found.health.consecutive_failures == 0


async def test_an_endpoint_that_only_fails_is_disabled_after_a_while(
    start_gateway: StartGateway,
) -> None:
    gateway = await start_gateway(**LOOPBACK, webhook_give_up_hours=0.2 / 3_600)
    caller = caller_of(gateway)
    made = await a_webhook(caller, "http://127.0.0.1:9/hook")
    await send(gateway)
    found = await state_becomes(caller, made.webhook.id, pb.WEBHOOK_STATE_GIVEN_UP)
    assert not found.enabled
    assert found.health.last_error
    async with receiving() as receiver:
        change = pb.UpdateWebhookRequest(id=made.webhook.id, url=receiver.url, enabled=True)
        await caller.webhooks.UpdateWebhook(change)
        sent = await send(gateway)

        async def all_came() -> bool:
            return steps(receiver.taken).get(sent) == _WHOLE

        await eventually(all_came)
        assert (await shown(caller, made.webhook.id)).enabled


@pytest.mark.parametrize("place", ["", "x", "hook", "hook x", "hook 9" + "9" * 30, "\x00 1"])
async def test_a_page_token_that_nobody_gave_out_is_refused(gateway: Gateway, place: str) -> None:
    token = write_token(("failed deliveries", "local", "", ""), place)
    answer = await refused(failed_deliveries(caller_of(gateway), page_token=token))
    assert answer.reason == "INVALID_PAGE_TOKEN"


async def test_metrics_count_what_webhooks_do(gateway: Gateway) -> None:
    async def answer(got: Got) -> int:
        return 200 if got.data["toStatus"] == "MESSAGE_STATUS_NEW" else 500

    async with receiving(answer) as receiver:
        await a_webhook(caller_of(gateway), receiver.url)
        await a_webhook(caller_of(gateway), "http://127.0.0.1:9/")
        await send(gateway)
        await failures_become(caller_of(gateway), 5)
    read = gateway.app._registry.get_sample_value
    requests = "smsgate_webhook_requests_total"
    assert read(requests, {"result": "taken"}) == 1
    assert read(requests, {"result": "refused"}) == 8
    assert read(requests, {"result": "no_answer"}) == 12
    assert read("smsgate_webhook_request_seconds_count") == 21
    assert read("smsgate_webhook_failed_deliveries_total") == 5
    states = [read("smsgate_webhooks", {"state": state}) for state in ("ACTIVE", "FAILING")]
    assert sum(state or 0 for state in states) == 2
    assert read("smsgate_webhook_retrying") == 0
    assert read("smsgate_webhook_lag") == 0


async def test_an_answer_that_does_not_end_is_a_failure(start_gateway: StartGateway) -> None:
    quick = {"webhook_timeout_seconds": 0.3, "webhook_retry_seconds": (0.05,)}
    gateway = await start_gateway(**LOOPBACK | quick)

    hanging = asyncio.Event()

    async def hang(got: Got) -> int:
        await hanging.wait()
        return 200

    async with receiving(hang) as receiver:
        await a_webhook(caller_of(gateway), receiver.url)
        await send(gateway)
        failed = await failures_become(caller_of(gateway), 3)
        hanging.set()
    assert all("0.3 seconds" in each.error for each in failed)
    assert all(each.status == 0 for each in failed)
