"""Events that were given up: listing them, and trying them anew."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from smsgate_server.domain.errors import ErrorReason, InvalidArgument, Violation
from smsgate_server.domain.webhooks import Webhook
from smsgate_server.services.page_tokens import read_token, write_token
from smsgate_server.services.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from smsgate_server.services.ports import Clock, Store
from smsgate_server.services.ports.webhooks import FailedQuery, Parked
from smsgate_server.services.webhook_dispatch import Dispatch
from smsgate_server.services.webhooks import Webhooks

# Of one call.
MAX_REPLAYED = 10_000

# A key and a place in the log.
_PLACE = re.compile(r"([a-z0-9-]{1,64}) ([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which failed deliveries; what is empty selects all."""

    webhook_id: str = ""
    message_id: str = ""
    failed_from: datetime | None = None
    failed_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class FailedPage:
    """`deliveries` are what failed, each with its webhook."""

    deliveries: Sequence[tuple[Webhook, Parked]]
    next_token: str


def _check_id(message_id: str) -> None:
    if "\0" in message_id:
        # PostgreSQL could not even be asked for it.
        fault = Violation("message_id", ErrorReason.INVALID_FIELD, "is not the id of a message")
        raise InvalidArgument.of([fault])


def _place(text: str) -> tuple[str, int]:
    """Where a page ended. Who writes tokens himself must not get further than this."""
    found = _PLACE.fullmatch(text)
    if found is None:
        description = "is not a page token"
        fault = Violation("page_token", ErrorReason.INVALID_PAGE_TOKEN, description)
        raise InvalidArgument.of([fault])
    return found[1], int(found[2])


class Failures:
    def __init__(self, store: Store, dispatch: Dispatch, webhooks: Webhooks, clock: Clock) -> None:
        self._store = store
        self._dispatch = dispatch
        self._webhooks = webhooks
        self._clock = clock

    async def page(
        self, account: str, webhook_id: str, message_id: str, size: int, token: str
    ) -> FailedPage:
        _check_id(message_id)
        of = self._selected(account, webhook_id)
        key = ("failed deliveries", account, webhook_id, message_id)
        after = ("", 0)
        if token:
            after = _place(read_token(key, token))
        limit = min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        # What failed a moment ago is written down first.
        await self._dispatch.flush()
        query = FailedQuery(tuple(of), message_id, after=after)
        found = await self._store.failed(query, limit + 1)
        page = found[:limit]
        onward = ""
        if len(found) > limit:
            onward = write_token(key, f"{page[-1].webhook} {page[-1].seq}")
        return FailedPage([(of[parked.webhook], parked) for parked in page], onward)

    async def replay(self, account: str, selection: Selection) -> int:
        """How many are tried anew now."""
        _check_id(selection.message_id)
        of = self._selected(account, selection.webhook_id)
        query = FailedQuery(
            tuple(of), selection.message_id, selection.failed_from, selection.failed_before
        )
        await self._dispatch.flush()
        revived = await self._store.revive(query, self._clock.now(), MAX_REPLAYED)
        if self._dispatch.sends:
            self._dispatch.revive(revived)
        else:
            await self._ask({parked.webhook for parked in revived})
        return len(revived)

    async def _ask(self, keys: AbstractSet[str]) -> None:
        """Tell the server that sends."""
        async with self._dispatch.changing:
            for key in keys:
                if self._dispatch.has(key):
                    webhook = self._dispatch.look(key).webhook
                    asked = replace(webhook, revivals=webhook.revivals + 1)
                    await self._store.replace_webhook(asked)
                    await self._dispatch.change(asked)

    def _selected(self, account: str, webhook_id: str) -> dict[str, Webhook]:
        """The webhooks by their keys."""
        if webhook_id:
            webhook = self._webhooks.find(account, webhook_id)
            return {webhook.key: webhook}
        return {webhook.key: webhook for webhook in self._dispatch.of_account(account)}
