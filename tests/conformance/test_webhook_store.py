"""What every store promises of webhooks, and of the events that did not get through."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.builders import ACCOUNT, T0, a_request_key, an_acceptance, minutes, seconds
from tests.conformance.conftest import Medium

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.message import Status
from smsgate_server.domain.webhooks import CALLBACKS, Health, Webhook, WebhookState
from smsgate_server.services.ports import Store
from smsgate_server.services.ports import webhooks as ports
from smsgate_server.services.ports.webhooks import (
    FailedQuery,
    KnownWebhook,
    Parked,
    Progress,
)

CALLBACK = Callback("https://a.example/x", (("x-key", "kö"),), (("order", "7"), ("è", "ü")))


def a_webhook(name: str = "hook-1", **overrides: Any) -> Webhook:
    values: dict[str, Any] = {
        "id": name,
        "account": ACCOUNT,
        "url": "https://a.example/hook",
        "wanted": EventFilter(ACCOUNT),
        "secret": "whsec_AAAA",
        "create_time": T0,
        "update_time": T0,
    }
    return Webhook(**values | overrides)


def a_parked(seq: int, webhook: str = "hook-1", **overrides: Any) -> Parked:
    values: dict[str, Any] = {
        "webhook": webhook,
        "seq": seq,
        "message_id": f"message-{seq % 2}",
        "attempts": 1,
        "due_time": T0,
        "first_time": T0,
        "body": f"body of {seq}",
    }
    return Parked(**values | overrides)


def progress(*parked: Parked, **places: tuple[int, Health]) -> Progress:
    return Progress(places, {(each.webhook, each.seq): each for each in parked})


def bare(*parked: Parked) -> list[Parked]:
    """As they are listed: bodies are read one by one."""
    return [replace(each, body=None) for each in parked]


EVERYTHING = a_webhook(
    url="https://a.example/hook?a=1",
    headers=(("authorization", "Bearer x"), ("x-key", "k")),
    wanted=EventFilter(
        ACCOUNT,
        statuses=frozenset({Status.DELIVERED, Status.EXPIRED}),
        countries=frozenset({"IT", "AT"}),
        senders=frozenset({"ACME", "+391"}),
        labels=(("team", "red"), ("è", "ü")),
        terminal_only=True,
    ),
    description="for orders",
    enabled=False,
    disabled=WebhookState.GONE,
    old_secret="whsec_BBBB",
    old_secret_expire_time=T0 + minutes(5),
    replays=2,
    replay_position=7,
    revivals=3,
)


async def test_a_webhook_is_read_as_it_was_written(store: Store) -> None:
    assert await store.webhooks() == []
    created = await store.create_webhook(EVERYTHING, 7)
    assert created.known == KnownWebhook(EVERYTHING, 7, Health())
    assert not any([created.replayed, created.conflict, created.full])
    assert list(await store.webhooks()) == [created.known]


async def test_what_other_servers_must_know_raises_the_revision(store: Store) -> None:
    revisions = [await store.revision()]
    await store.create_webhook(a_webhook(), 1)
    revisions.append(await store.revision())
    await store.replace_webhook(EVERYTHING)
    revisions.append(await store.revision())
    await store.delete_webhook("hook-1")
    revisions.append(await store.revision())
    assert revisions == sorted(set(revisions))
    await store.record_progress(progress(a_parked(1), **{"hook-1": (1, Health())}))
    assert await store.revision() == revisions[-1]


async def test_webhooks_are_listed_oldest_first(store: Store) -> None:
    names = ["c", "a", "b"]
    for name in names:
        await store.create_webhook(a_webhook(name), 0)
    assert [known.webhook.id for known in await store.webhooks()] == names


async def test_the_webhook_of_callbacks_is_made_once_per_account(store: Store) -> None:
    first = a_webhook(CALLBACKS, account="a", wanted=EventFilter("a"))
    second = replace(first, secret="whsec_BBBB")
    await store.create_webhook(first, 3)
    again = await store.create_webhook(second, 9)
    assert (again.replayed, again.known) == (True, KnownWebhook(first, 3))
    other = replace(first, account="b", wanted=EventFilter("b"))
    assert not (await store.create_webhook(other, 3)).replayed
    assert len(await store.webhooks()) == 2


async def test_a_request_makes_one_webhook_even_where_there_is_no_room(store: Store) -> None:
    request = a_request_key("r1", method="CreateWebhook")
    made = await store.create_webhook(a_webhook("one"), 1, request)
    again = await store.create_webhook(a_webhook("two"), 1, request, room=False)
    assert (again.replayed, again.known) == (True, made.known)
    other = replace(request, fingerprint=b"other content 16")
    assert (await store.create_webhook(a_webhook("two"), 1, other)).conflict
    full = await store.create_webhook(a_webhook("two"), 1, room=False)
    assert (full.full, full.known) == (True, None)
    elsewhere = replace(request, account="other")
    assert not (await store.create_webhook(a_webhook("three"), 1, elsewhere)).replayed


async def test_a_webhook_is_replaced_without_losing_its_place(store: Store) -> None:
    await store.create_webhook(a_webhook(), 1)
    health = Health(3, "no answer", 503, T0, T0 + seconds(1), T0 + seconds(2), T0 + seconds(3))
    await store.record_progress(progress(**{"hook-1": (9, health)}))
    await store.replace_webhook(EVERYTHING)
    assert list(await store.webhooks()) == [KnownWebhook(EVERYTHING, 9, health)]
    await store.replace_webhook(a_webhook("unknown"))
    assert len(await store.webhooks()) == 1


async def test_a_deleted_webhook_leaves_nothing_and_nothing_comes_back(store: Store) -> None:
    await store.create_webhook(a_webhook(), 1, a_request_key("r1"))
    await store.create_webhook(a_webhook("hook-2"), 1)
    await store.record_progress(progress(a_parked(1), a_parked(1, "hook-2")))
    await store.delete_webhook("hook-1")
    late = progress(a_parked(2), **{"hook-1": (5, Health())})
    await store.record_progress(late)
    assert [known.webhook.id for known in await store.webhooks()] == ["hook-2"]
    assert await store.parked("hook-1") == []
    assert await store.parked_body("hook-1", 1) is None
    assert len(await store.parked("hook-2")) == 1
    assert not (await store.create_webhook(a_webhook(), 1, a_request_key("r1"))).replayed


async def test_parked_events_are_kept_changed_and_removed(store: Store) -> None:
    await store.create_webhook(a_webhook(), 1)
    first = a_parked(5, callback=CALLBACK)
    second = a_parked(3, error="no answer", status=500)
    await store.record_progress(progress(first, second))
    assert list(await store.parked("hook-1")) == bare(second, first)
    assert await store.parked_body("hook-1", 5) == "body of 5"
    # What does not change needs no body.
    later = replace(first, attempts=2, due_time=T0 + minutes(1), error="late", status=503)
    await store.record_progress(progress(replace(later, body=None)))
    assert list(await store.parked("hook-1")) == bare(second, later)
    assert await store.parked_body("hook-1", 5) == "body of 5"
    await store.record_progress(Progress({}, {("hook-1", 5): None, ("hook-1", 99): None}))
    assert list(await store.parked("hook-1")) == bare(second)
    assert await store.parked_body("hook-1", 5) is None


async def test_failed_events_are_listed_by_webhook_and_place_in_pages(store: Store) -> None:
    for name in ("b", "a", "c"):
        await store.create_webhook(a_webhook(name), 1)
    failed = [a_parked(n, name, fail_time=T0 + minutes(n)) for name in "ab" for n in (1, 2, 30)]
    elsewhere = a_parked(1, "c", fail_time=T0)
    await store.record_progress(progress(*failed, elsewhere, a_parked(4, "a")))
    query = FailedQuery(("b", "a"))
    assert list(await store.failed(query, 10)) == bare(*failed)
    assert list(await store.failed(query, 4)) == bare(*failed[:4])
    after = replace(query, after=("b", 1))
    assert list(await store.failed(after, 10)) == bare(*failed[4:])
    by_message = replace(query, message_id="message-0")
    assert [each.seq for each in await store.failed(by_message, 10)] == [2, 30, 2, 30]
    in_time = replace(query, failed_from=T0 + minutes(2), failed_before=T0 + minutes(30))
    assert [each.seq for each in await store.failed(in_time, 10)] == [2, 2]
    assert list(await store.failed(FailedQuery(()), 10)) == []
    # What failed is not tried again by itself.
    assert list(await store.parked("a")) == bare(a_parked(4, "a"))


async def test_what_failed_is_taken_up_again_as_if_it_were_new(store: Store) -> None:
    await store.create_webhook(a_webhook(), 1)
    failed = [a_parked(n, attempts=9, fail_time=T0 + minutes(n), error="e") for n in (1, 2, 3)]
    await store.record_progress(progress(*failed))
    now = T0 + minutes(60)
    revived = await store.revive(FailedQuery(("hook-1",)), now, 2)
    assert list(revived) == bare(*(each.revived(now) for each in failed[:2]))
    assert [(each.attempts, each.due_time, each.fail_time) for each in revived] == [
        (0, now, None),
        (0, now, None),
    ]
    assert list(await store.parked("hook-1")) == list(revived)
    assert await store.parked_body("hook-1", 1) == "body of 1"
    assert list(await store.failed(FailedQuery(("hook-1",)), 9)) == bare(failed[2])


async def test_failed_events_are_forgotten_by_age_and_by_number(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("memory", "sql"):
        monkeypatch.setattr(f"smsgate_server.storage.{kind}.webhooks.MAX_FAILED", 3)
    assert ports.MAX_FAILED == 10_000
    for name in ("hook-1", "hook-2"):
        await store.create_webhook(a_webhook(name), 1)
    many = [a_parked(n, fail_time=T0 + minutes(10)) for n in range(1, 7)]
    old = a_parked(1, "hook-2", fail_time=T0)
    tried = [a_parked(n, "hook-2") for n in range(2, 9)]
    await store.record_progress(progress(*many, old, *tried))
    assert await store.forget_failed(T0 + minutes(5)) == 4
    query = FailedQuery(("hook-1", "hook-2"))
    assert [each.seq for each in await store.failed(query, 99)] == [4, 5, 6]
    assert len(await store.parked("hook-2")) == 7


async def test_a_message_keeps_its_callback(store: Store) -> None:
    await store.accept(an_acceptance(callback=CALLBACK))
    await store.accept(an_acceptance())
    page = await store.read_log(0, 10)
    assert [event.message.callback for event in page.events] == [CALLBACK, None]
    found = await store.get(ACCOUNT, page.events[0].message.id)
    assert found is not None
    assert found.callback == CALLBACK


async def test_webhooks_outlive_the_process(durable: Medium, tmp_path: Path) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await store.create_webhook(EVERYTHING, 7, a_request_key("r1"))
    parked = a_parked(5, callback=CALLBACK)
    health = Health(1, "e", 500, T0)
    await store.record_progress(progress(parked, **{"hook-1": (9, health)}))
    await store.close()
    again = durable.make(tmp_path)
    await again.open()
    try:
        assert list(await again.webhooks()) == [KnownWebhook(EVERYTHING, 9, health)]
        assert list(await again.parked("hook-1")) == bare(parked)
        assert await again.parked_body("hook-1", 5) == "body of 5"
        repeated = await again.create_webhook(a_webhook("x"), 1, a_request_key("r1"))
        assert repeated.replayed
    finally:
        await again.close()
