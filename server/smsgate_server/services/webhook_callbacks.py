"""Secrets of webhooks, and the webhook that stands for the callbacks of an account's messages."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.errors import Violation
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.webhook_addresses import Networks
from smsgate_server.domain.webhook_checks import callback_faults
from smsgate_server.domain.webhooks import CALLBACKS, Webhook, callbacks_key
from smsgate_server.services.ports import Clock, Store
from smsgate_server.services.webhook_dispatch import Dispatch

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class WebhookPolicy:
    """Where webhooks may lead."""

    allow_http: bool = False
    networks: Networks = ()


class Secrets:
    """`random` gives as many random bytes as it is asked for."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random

    def new(self) -> str:
        """As the libraries of Standard Webhooks take it."""
        return "whsec_" + base64.b64encode(self._random(_SECRET_BYTES)).decode()


class AccountCallbacks:
    """The Callbacks port."""

    def __init__(
        self,
        store: Store,
        dispatch: Dispatch,
        clock: Clock,
        secrets: Secrets,
        policy: WebhookPolicy,
    ) -> None:
        self._store = store
        self._dispatch = dispatch
        self._clock = clock
        self._secrets = secrets
        self._policy = policy

    def faults(self, field_name: str, callback: Callback) -> Sequence[Violation]:
        return callback_faults(field_name, callback, self._policy.allow_http, self._policy.networks)

    async def ensure(self, account: str) -> None:
        if self._dispatch.has(callbacks_key(account)):
            return
        async with self._dispatch.changing:
            if not self._dispatch.has(callbacks_key(account)):
                await self._make(account)

    async def _make(self, account: str) -> None:
        now = self._clock.now()
        webhook = Webhook(
            id=CALLBACKS,
            account=account,
            wanted=EventFilter(account),
            description="Callbacks of messages",
            secret=self._secrets.new(),
            create_time=now,
            update_time=now,
        )
        created = await self._store.create_webhook(webhook, self._store.bounds.head)
        if created.known is not None:
            self._dispatch.add(created.known)
