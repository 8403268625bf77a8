"""What callers do with webhooks: make, change, look at and test them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from smsgate_server.domain.errors import (
    ErrorReason,
    InvalidArgument,
    NotFound,
    Violation,
)
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.submission import check_request_id
from smsgate_server.domain.webhook_checks import description_faults, header_faults, url_faults
from smsgate_server.domain.webhooks import (
    CALLBACKS,
    MAX_OVERLAP,
    MAX_WEBHOOKS,
    Outcome,
    Webhook,
    WebhookState,
    callbacks_key,
)
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.messages import conflict, request_key
from smsgate_server.services.ports import Clock, Ids, Store
from smsgate_server.services.ports.webhooks import Postman
from smsgate_server.services.webhook_callbacks import AccountCallbacks, Secrets, WebhookPolicy
from smsgate_server.services.webhook_dispatch import Dispatch
from smsgate_server.services.webhook_patience import FAILURES
from smsgate_server.services.webhook_values import (
    MadeSecret,
    ShownWebhook,
    WebhookChange,
    changed,
    not_for_callbacks,
    readable,
    too_many,
)

_CREATE = "CreateWebhook"


class Webhooks:
    """`retention` is how far back the log can be replayed."""

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        callbacks: AccountCallbacks,
        clock: Clock,
        ids: Ids,
        cursors: Cursors,
        postman: Postman,
        compose_test: Callable[[datetime], str],
        secrets: Secrets,
        policy: WebhookPolicy,
        retention: timedelta,
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._callbacks = callbacks
        self._clock = clock
        self._ids = ids
        self._cursors = cursors
        self._postman = postman
        self._compose_test = compose_test
        self._secrets = secrets
        self._policy = policy
        self._retention = retention

    async def create(
        self,
        account: str,
        asked: WebhookChange,
        request_id: str,
        faults: Sequence[Violation],
    ) -> MadeSecret:
        found = [*faults, *self._faults(replace(asked, url=asked.url or ""))]
        found += check_request_id(request_id)
        if found:
            raise InvalidArgument.of(found)
        async with self._dispatch.changing:
            webhook = self._new(account, asked)
            wanted = (webhook.url, webhook.headers, readable(webhook.wanted), webhook.description)
            request = request_key(account, _CREATE, request_id, wanted)
            full = len([w for w in self._dispatch.of_account(account) if not w.is_callbacks])
            created = await self._store.create_webhook(
                webhook, self._store.bounds.head, request, room=full < MAX_WEBHOOKS
            )
            if created.full:
                raise too_many()
            if created.conflict or created.known is None:
                raise conflict(request_id)
            key = created.known.webhook.key
            if not created.replayed:
                self._dispatch.add(created.known)
        secret = self._dispatch.look(key).webhook.secret
        return MadeSecret(self._shown(key), secret, created.replayed)

    def _new(self, account: str, asked: WebhookChange) -> Webhook:
        now = self._clock.now()
        return Webhook(
            id=self._ids.new(now),
            account=account,
            url=asked.url or "",
            headers=asked.headers or (),
            wanted=asked.wanted or EventFilter(account),
            description=asked.description or "",
            secret=self._secrets.new(),
            create_time=now,
            update_time=now,
        )

    def _faults(self, asked: WebhookChange) -> list[Violation]:
        found: list[Violation] = []
        if asked.url is not None:
            found += url_faults("url", asked.url, self._policy.allow_http, self._policy.networks)
        if asked.headers is not None:
            found += header_faults("headers", dict(asked.headers))
        if asked.description is not None:
            found += description_faults("description", asked.description)
        return found

    async def get(self, account: str, webhook_id: str) -> ShownWebhook:
        await self._dispatch.refresh()
        return self._shown(self.find(account, webhook_id).key)

    async def list(self, account: str) -> Sequence[ShownWebhook]:
        """All of an account, oldest first, that for callbacks among them."""
        await self._dispatch.refresh()
        found = sorted(self._dispatch.of_account(account), key=lambda w: (w.create_time, w.id))
        return [self._shown(webhook.key) for webhook in found]

    def of_all(self) -> Sequence[ShownWebhook]:
        """Those of every account, for operators; none where another server sends."""
        if not self._dispatch.sends:
            return []
        return [self._shown(known.webhook.key) for known in self._dispatch.known()]

    def find(self, account: str, webhook_id: str) -> Webhook:
        """NotFound if the account has no such webhook."""
        key = callbacks_key(account) if webhook_id == CALLBACKS else webhook_id
        if self._dispatch.has(key):
            webhook = self._dispatch.look(key).webhook
            # A key of callbacks is no id.
            if webhook.account == account and webhook.id == webhook_id:
                return webhook
        raise NotFound(
            ErrorReason.WEBHOOK_NOT_FOUND,
            "there is no such webhook",
            {"webhook_id": webhook_id[:64]},
        )

    def _shown(self, key: str) -> ShownWebhook:
        known = self._dispatch.look(key)
        courier = self._dispatch.courier(key)
        webhook = known.webhook
        state = webhook.disabled
        if webhook.enabled:
            # Where another server sends its courier is not here to be asked.
            failing = known.health.failures >= FAILURES if courier is None else courier.failing
            state = WebhookState.FAILING if failing else WebhookState.ACTIVE
        return ShownWebhook(
            webhook,
            state,
            known.health,
            known.position,
            max(self._store.bounds.head - known.position, 0),
            courier.retrying if courier is not None else 0,
            courier.next_attempt_time if courier is not None else None,
        )

    async def update(
        self, account: str, webhook_id: str, change: WebhookChange, faults: Sequence[Violation]
    ) -> ShownWebhook:
        async with self._dispatch.changing:
            present = self.find(account, webhook_id)
            found = [*faults, *self._faults(change)]
            if present.is_callbacks:
                found += not_for_callbacks(change)
            if found:
                raise InvalidArgument.of(found)
            made = changed(present, change, self._clock.now())
            await self._store.replace_webhook(made)
            endpoint = (change.url, change.headers, change.enabled or None)
            await self._dispatch.change(made, hurry=endpoint != (None, None, None))
            return self._shown(made.key)

    async def delete(self, account: str, webhook_id: str) -> None:
        async with self._dispatch.changing:
            key = self.find(account, webhook_id).key
            # From the store first: what is gone there stays gone, whatever happens here.
            await self._store.delete_webhook(key)
            await self._dispatch.remove(key)

    async def rotate(self, account: str, webhook_id: str, overlap: timedelta) -> MadeSecret:
        if not timedelta(0) <= overlap <= MAX_OVERLAP:
            description = f"must be from 0 to {MAX_OVERLAP.days} days"
            fault = Violation("overlap", ErrorReason.INVALID_DURATION, description)
            raise InvalidArgument.of([fault])
        if webhook_id == CALLBACKS:
            await self._callbacks.ensure(account)
        async with self._dispatch.changing:
            present = self.find(account, webhook_id)
            rotated = present.rotated(self._secrets.new(), self._clock.now(), overlap)
            await self._store.replace_webhook(rotated)
            await self._dispatch.change(rotated)
            return MadeSecret(self._shown(rotated.key), rotated.secret)

    async def test(self, account: str, webhook_id: str) -> Outcome:
        """One request now."""
        webhook = self.find(account, webhook_id)
        if webhook.is_callbacks:
            description = "has no URL of its own; send a message with a callback"
            raise InvalidArgument.of([Violation("id", ErrorReason.INVALID_FIELD, description)])
        now = self._clock.now()
        name = f"test_{self._ids.new(now)}"
        body = self._compose_test(now)
        secrets = webhook.secrets(now)
        return await self._postman.post(webhook.url, webhook.headers, name, body, secrets)

    async def replay_from(
        self, account: str, webhook_id: str, start: str | datetime
    ) -> ShownWebhook:
        """It gets the log again from a cursor or a time."""
        self.find(account, webhook_id)
        position = await self._position(start)
        async with self._dispatch.changing:
            webhook = self.find(account, webhook_id)
            self._dispatch.restart_at(webhook.key, position)
            # As it is now: a moment later it has gone on.
            restarted = self._shown(webhook.key)
            await self._dispatch.flush()
            if not self._dispatch.sends:
                asked = replace(webhook, replays=webhook.replays + 1, replay_position=position)
                await self._store.replace_webhook(asked)
                await self._dispatch.change(asked)
        return restarted

    async def _position(self, start: str | datetime) -> int:
        bounds = self._store.bounds
        if isinstance(start, str):
            return self._cursors.position(start, bounds)
        if start < self._clock.now() - self._retention:
            raise self._cursors.expired(bounds)
        return max(await self._store.position_at(start), bounds.earliest)
