"""Webhooks as callers see them: what is sent, to whom, and how it is signed."""

from typing import Any

import pytest
from standardwebhooks import WebhookVerificationError
from tests.acceptance.accounts_setup import code_sent, eventually
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import ITALIAN, refused
from tests.acceptance.webhook_setup import (
    LOOPBACK,
    Got,
    a_webhook,
    caller_of,
    receiving,
    settled,
    shown,
    steps,
)

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as messages
from smsgate.v1 import otp_service_pb2 as otp
from smsgate.v1 import webhook_service_pb2 as pb

_WHOLE = ["MESSAGE_STATUS_NEW", "MESSAGE_STATUS_PENDING", "MESSAGE_STATUS_DELIVERED"]


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> Gateway:
    return await start_gateway(**LOOPBACK)


async def send(gateway: Gateway, **fields: Any) -> message_pb2.Message:
    values = {"recipient": ITALIAN, "text": "Hello"} | fields
    return (await gateway.stub.SendMessage(messages.SendMessageRequest(**values))).message


async def test_every_event_of_a_message_is_posted_in_order_and_signed(gateway: Gateway) -> None:
    async with receiving() as receiver:
        made = await a_webhook(caller_of(gateway), receiver.url)
        sent = await send(gateway, client_reference="order 7", labels={"team": "red"})
        taken = await receiver.until(3)
    assert steps(taken) == {sent.id: _WHOLE}
    for got in taken:
        got.verified(made.secret)
        assert got.headers["content-type"] == "application/json"
        assert got.body["type"] == "message.status"
        assert got.data["clientReference"] == "order 7"
        assert got.data["labels"] == {"team": "red"}
    assert len({got.id for got in taken}) == 3
    with pytest.raises(WebhookVerificationError):
        Got("", taken[0].headers, taken[0].text + " ").verified(made.secret)


async def test_what_a_filter_leaves_out_is_not_sent(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as all_of_it, receiving() as some:
        await a_webhook(caller, all_of_it.url)
        wanted = pb.WebhookFilter(terminal_only=True, labels={"team": "red"}, countries=["IT"])
        made = await a_webhook(caller, some.url, filter=wanted)
        assert made.webhook.filter == wanted
        red = await send(gateway, labels={"team": "red", "n": "1"})
        await send(gateway, labels={"team": "blue"})
        await send(gateway, recipient="+33612345678", labels={"team": "red"})
        await all_of_it.until(9)
        await some.until(1)
        await settled()
    assert steps(some.got) == {red.id: ["MESSAGE_STATUS_DELIVERED"]}


async def test_a_new_webhook_gets_what_happens_from_then_on(gateway: Gateway) -> None:
    async with receiving() as first, receiving() as second:
        await a_webhook(caller_of(gateway), first.url)
        await send(gateway)
        await first.until(3)
        await a_webhook(caller_of(gateway), second.url)
        later = await send(gateway)
        await second.until(3)
    assert steps(second.got) == {later.id: _WHOLE}


async def test_headers_are_sent_and_never_shown(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as receiver:
        headers = pb.WebhookHeaders(values={"Authorization": "Bearer hidden", "X-Team": "red"})
        made = await a_webhook(caller, receiver.url, headers=headers)
        await send(gateway)
        await receiver.until(3)
        assert receiver.got[0].headers["authorization"] == "Bearer hidden"
        assert receiver.got[0].headers["x-team"] == "red"
        answers = [
            made,
            await caller.ask("WebhookService/ListWebhooks"),
            await shown(caller, made.webhook.id),
        ]
        for answer in answers:
            assert "hidden" not in str(answer)
        assert list(made.webhook.header_names) == ["Authorization", "X-Team"]
        removed = pb.UpdateWebhookRequest(id=made.webhook.id, headers=pb.WebhookHeaders())
        assert not (await caller.webhooks.UpdateWebhook(removed)).webhook.header_names
        receiver.got.clear()
        await send(gateway)
        await receiver.until(6)
        assert all("authorization" not in got.headers for got in receiver.got)


async def test_the_secret_is_shown_once(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    made = await a_webhook(caller, "https://127.0.0.1/hook")
    rotate = pb.RotateWebhookSecretRequest(id=made.webhook.id)
    rotated = await caller.webhooks.RotateWebhookSecret(rotate)
    assert rotated.secret != made.secret
    listed = await caller.ask("WebhookService/ListWebhooks")
    for secret in (made.secret, rotated.secret):
        assert secret.startswith("whsec_")
        assert secret.removeprefix("whsec_") not in str(listed) + str(rotated.webhook)


async def test_after_a_rotation_both_secrets_verify_for_a_while(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as receiver:
        made = await a_webhook(caller, receiver.url)
        rotate = pb.RotateWebhookSecretRequest(id=made.webhook.id)
        second = await caller.webhooks.RotateWebhookSecret(rotate)
        assert second.webhook.HasField("old_secret_expire_time")
        await send(gateway)
        for got in await receiver.until(3):
            got.verified(made.secret).verified(second.secret)
            assert len(got.headers["webhook-signature"].split()) == 2
        rotate.overlap.seconds = 0
        third = await caller.webhooks.RotateWebhookSecret(rotate)
        assert not third.webhook.HasField("old_secret_expire_time")
        await send(gateway)
        for got in (await receiver.until(6))[3:]:
            got.verified(third.secret)
            for old in (made.secret, second.secret):
                with pytest.raises(WebhookVerificationError):
                    got.verified(old)


async def test_a_test_event_is_sent_at_once_and_its_answer_told(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    answers = iter([204, 500])

    async def answer(got: Got) -> int:
        return next(answers)

    async with receiving(answer) as receiver:
        made = await a_webhook(caller, receiver.url)
        await caller.webhooks.UpdateWebhook(
            pb.UpdateWebhookRequest(id=made.webhook.id, enabled=False)
        )
        test = pb.TestWebhookRequest(id=made.webhook.id)
        first = await caller.webhooks.TestWebhook(test)
        second = await caller.webhooks.TestWebhook(test)
    assert (first.delivered, first.status, first.error) == (True, 204, "")
    assert 0 < first.duration.ToTimedelta().total_seconds() < 2
    assert (second.delivered, second.status) == (False, 500)
    assert "500" in second.error
    assert receiver.got[0].verified(made.secret).body["type"] == "webhook.test"
    third = await caller.webhooks.TestWebhook(test)
    assert (third.delivered, third.status) == (False, 0)
    assert "no connection" in third.error


# Callbacks of messages


async def secret_of_callbacks(gateway: Gateway) -> str:
    rotate = pb.RotateWebhookSecretRequest(id="callbacks")
    return str((await caller_of(gateway).webhooks.RotateWebhookSecret(rotate)).secret)


def callback(url: str) -> message_pb2.Callback:
    return message_pb2.Callback(
        url=url, headers={"x-key": "k1"}, custom_data={"order": "7", "note": "perché"}
    )


async def test_a_message_with_a_callback_has_its_events_posted_there(gateway: Gateway) -> None:
    secret = await secret_of_callbacks(gateway)
    async with receiving() as receiver, receiving() as other:
        options = messages.SendOptions(callback=callback(receiver.url))
        sent = await send(gateway, options=options)
        await send(gateway)
        plain = message_pb2.Callback(url=other.url)
        second = await send(gateway, options=messages.SendOptions(callback=plain))
        taken = await receiver.until(3)
        await other.until(3)
        await settled()
    assert steps(receiver.got) == {sent.id: _WHOLE}
    assert steps(other.got) == {second.id: _WHOLE}
    for got in taken:
        got.verified(secret)
        assert got.headers["x-key"] == "k1"
        assert got.data["customData"] == {"order": "7", "note": "perché"}
    assert "customData" not in other.got[0].data


async def test_a_batch_has_its_callbacks(gateway: Gateway) -> None:
    async with receiving() as common, receiving() as own:
        items = [messages.BatchItem(recipient=ITALIAN) for _ in range(5)]
        items[4].options.callback.CopyFrom(callback(own.url))
        batch = messages.SendBatchRequest(
            items=items, text="a", options=messages.SendOptions(callback=callback(common.url))
        )
        answer = await gateway.stub.SendBatch(batch)
        ids = [result.message.id for result in answer.results]
        await common.until(12)
        await own.until(3)
    assert steps(common.got) == dict.fromkeys(ids[:4], _WHOLE)
    assert steps(own.got) == {ids[4]: _WHOLE}


async def test_a_code_is_in_no_event_of_its_message(
    start_gateway: StartGateway, tmp_path: Any
) -> None:
    otp_file = tmp_path / "codes"
    gateway = await start_gateway(**LOOPBACK, simulator_otp_file=str(otp_file))
    caller = caller_of(gateway)
    async with receiving() as receiver, receiving() as hook:
        await a_webhook(caller, hook.url)
        request = otp.SendOTPRequest(recipient=ITALIAN, length=10, callback=callback(receiver.url))
        sent = await caller.otp.SendOTP(request)
        await receiver.until(3)
        await hook.until(3)
        code = await code_sent(otp_file, sent)
    for got in receiver.got + hook.got:
        assert got.data["verificationId"] == sent.verification.id
        assert code not in got.text
        assert "text" not in got.data
    assert steps(receiver.got) == {sent.message.id: _WHOLE}


@pytest.mark.parametrize("method", ["SendMessage", "SendBatch", "SendOTP"])
async def test_a_callback_is_part_of_what_a_request_id_stands_for(
    gateway: Gateway, method: str
) -> None:
    caller = caller_of(gateway)

    async def call(where: message_pb2.Callback | None) -> Any:
        options = messages.SendOptions(callback=where)
        if method == "SendOTP":
            code = otp.SendOTPRequest(recipient=ITALIAN, request_id="r", callback=where)
            return await caller.otp.SendOTP(code)
        if method == "SendBatch":
            batch = messages.SendBatchRequest(text="a", request_id="r", options=options)
            batch.items.add(recipient=ITALIAN)
            return await caller.messages.SendBatch(batch)
        return await caller.messages.SendMessage(
            messages.SendMessageRequest(
                recipient=ITALIAN, text="a", request_id="r", options=options
            )
        )

    async with receiving() as receiver:
        where = callback(receiver.url)
        assert not (await call(where)).replayed
        assert (await call(where)).replayed
        for change in ("url", "headers", "custom_data"):
            other = message_pb2.Callback()
            other.CopyFrom(where)
            if change == "url":
                other.url += "/other"
            else:
                getattr(other, change)["added"] = "1"
            assert (await refused(call(other))).reason == "REQUEST_ID_CONFLICT", change
        assert (await refused(call(None))).reason == "REQUEST_ID_CONFLICT"
        await receiver.until(3)
        await settled()
        assert len({got.id for got in receiver.got}) == 3


@pytest.mark.parametrize(
    ("broken", "field", "reason"),
    [
        (message_pb2.Callback(), "url", "FIELD_REQUIRED"),
        (message_pb2.Callback(url="ftp://example.com"), "url", "INVALID_URL"),
        (message_pb2.Callback(url="https://10.0.0.1/"), "url", "INVALID_URL"),
        (
            message_pb2.Callback(url="https://example.com", headers={"Host": "x"}),
            'headers["Host"]',
            "INVALID_HEADER",
        ),
        (
            message_pb2.Callback(url="https://example.com", custom_data={"a": "x" * 1_025}),
            "custom_data",
            "FIELD_TOO_LONG",
        ),
    ],
)
async def test_a_callback_that_cannot_be_is_refused_and_named(
    gateway: Gateway, broken: message_pb2.Callback, field: str, reason: str
) -> None:
    caller = caller_of(gateway)
    options = messages.SendOptions(callback=broken)
    request = messages.SendMessageRequest(recipient=ITALIAN, text="a", options=options)
    answer = await refused(caller.messages.SendMessage(request))
    assert (answer.reason, answer.fields) == (reason, [f"options.callback.{field}"])
    code = otp.SendOTPRequest(recipient=ITALIAN, callback=broken)
    answer = await refused(caller.otp.SendOTP(code))
    assert (answer.reason, answer.fields) == (reason, [f"callback.{field}"])
    batch = messages.SendBatchRequest(text="a")
    batch.items.add(recipient=ITALIAN, options=options)
    answer = (await caller.messages.SendBatch(batch)).results[0]
    assert f"callback.{field}" in answer.error.message


# Which webhooks there are


async def test_a_repeated_create_makes_nothing_and_tells_the_secret_again(
    gateway: Gateway,
) -> None:
    caller = caller_of(gateway)
    first = await a_webhook(caller, "https://127.0.0.1/a", request_id="r1", description="one")
    again = await a_webhook(caller, "https://127.0.0.1/a", request_id="r1", description="one")
    assert (again.replayed, again.secret) == (True, first.secret)
    assert again.webhook.id == first.webhook.id
    other = a_webhook(caller, "https://127.0.0.1/b", request_id="r1", description="one")
    assert (await refused(other)).reason == "REQUEST_ID_CONFLICT"
    assert len((await caller.ask("WebhookService/ListWebhooks")).webhooks) == 1


async def test_there_are_fifty_at_most_and_the_last_can_be_repeated(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    await secret_of_callbacks(gateway)
    for number in range(50):
        await a_webhook(caller, "https://127.0.0.1/a", request_id=f"r{number}")
    refusal = await refused(a_webhook(caller, "https://127.0.0.1/a", request_id="r50"))
    assert (refusal.code.name, refusal.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_WEBHOOKS")
    assert (await a_webhook(caller, "https://127.0.0.1/a", request_id="r49")).replayed
    listed = (await caller.ask("WebhookService/ListWebhooks")).webhooks
    await caller.webhooks.DeleteWebhook(pb.DeleteWebhookRequest(id=listed[1].id))
    await a_webhook(caller, "https://127.0.0.1/a")


async def test_webhooks_and_their_places_outlive_the_server(
    start_gateway: StartGateway, tmp_path: Any
) -> None:
    store = f"sqlite:{tmp_path / 'kept.db'}"
    async with receiving() as receiver:
        first = await start_gateway(**LOOPBACK, store=store)
        wanted = pb.WebhookFilter(statuses=[message_pb2.MESSAGE_STATUS_DELIVERED])
        made = await a_webhook(
            caller_of(first),
            receiver.url,
            headers=pb.WebhookHeaders(values={"x-key": "k"}),
            filter=wanted,
            description="mine",
        )
        options = messages.SendOptions(callback=callback(receiver.url + "/own"))
        before = await send(first, options=options)
        await receiver.until(4)
        await first.stop()
        second = await start_gateway(**LOOPBACK, store=store)
        found = await shown(caller_of(second), made.webhook.id)
        assert (found.url, found.filter, found.description) == (receiver.url, wanted, "mine")
        assert found.create_time == made.webhook.create_time
        after = await send(second, options=options)
        await receiver.until(8)
        await settled()
    of_hook = [got for got in receiver.got if got.path == "/hook"]
    assert [got.data["messageId"] for got in of_hook] == [before.id, after.id]
    for got in of_hook:
        assert got.verified(made.secret).headers["x-key"] == "k"
    # An orderly stop forgets nothing, so nothing came twice.
    assert len(receiver.got) == 8


async def test_health_tells_how_far_a_webhook_has_come(gateway: Gateway) -> None:
    caller = caller_of(gateway)
    async with receiving() as receiver:
        made = await a_webhook(caller, receiver.url)
        assert made.webhook.health.state == pb.WEBHOOK_STATE_ACTIVE
        await send(gateway)
        last = (await receiver.until(3))[-1]

        async def caught_up() -> pb.WebhookHealth | None:
            health = (await shown(caller, made.webhook.id)).health
            return health if health.cursor == last.data["cursor"] else None

        health = await eventually(caught_up)
    assert (health.cursor_lag, health.consecutive_failures, health.last_status) == (0, 0, 200)
    assert health.HasField("last_success_time")
    assert not health.HasField("last_failure_time")
