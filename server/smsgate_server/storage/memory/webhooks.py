"""Webhooks and the events that did not get through."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from smsgate_server.domain.webhooks import Webhook
from smsgate_server.services.ports.messages import RequestKey
from smsgate_server.services.ports.webhooks import (
    MAX_FAILED,
    CreatedWebhook,
    FailedQuery,
    KnownWebhook,
    Parked,
    Progress,
)

_Request = tuple[str, str, str]


class Webhooks:
    """The WebhookStore port."""

    _revision: int

    def __init__(self) -> None:
        self._webhooks: dict[str, KnownWebhook] = {}
        self._webhook_requests: dict[str, tuple[_Request, bytes]] = {}
        self._parked: dict[tuple[str, int], Parked] = {}

    async def webhooks(self) -> Sequence[KnownWebhook]:
        return list(self._webhooks.values())

    async def create_webhook(
        self,
        webhook: Webhook,
        position: int,
        request: RequestKey | None = None,
        room: bool = True,
    ) -> CreatedWebhook:
        name = (request.account, request.method, request.request_id) if request else None
        for key, known in self._webhooks.items():
            made_by = self._webhook_requests.get(key)
            if key != webhook.key and (made_by is None or made_by[0] != name):
                continue
            fingerprint = request.fingerprint if request else None
            if (made_by[1] if made_by else None) != fingerprint:
                return CreatedWebhook(None, conflict=True)
            return CreatedWebhook(known, replayed=True)
        if not room:
            return CreatedWebhook(None, full=True)
        known = self._webhooks[webhook.key] = KnownWebhook(webhook, position)
        if request is not None and name is not None:
            self._webhook_requests[webhook.key] = (name, request.fingerprint)
        self._revision += 1
        return CreatedWebhook(known)

    async def replace_webhook(self, webhook: Webhook) -> None:
        known = self._webhooks.get(webhook.key)
        if known is not None:
            self._webhooks[webhook.key] = replace(known, webhook=webhook)
        self._revision += 1

    async def delete_webhook(self, key: str) -> None:
        self._webhooks.pop(key, None)
        self._webhook_requests.pop(key, None)
        for place in [place for place in self._parked if place[0] == key]:
            del self._parked[place]
        self._revision += 1

    async def record_progress(self, progress: Progress) -> None:
        for key, (position, health) in progress.places.items():
            if key in self._webhooks:
                webhook = self._webhooks[key].webhook
                self._webhooks[key] = KnownWebhook(webhook, position, health)
        for place, parked in progress.parked.items():
            if parked is None:
                self._parked.pop(place, None)
            elif parked.webhook in self._webhooks:
                self._write(parked)

    def _write(self, parked: Parked) -> None:
        place = (parked.webhook, parked.seq)
        present = self._parked.get(place)
        if parked.body is not None:
            self._parked[place] = parked
        elif present is not None:
            self._parked[place] = replace(parked, body=present.body)

    async def parked(self, key: str) -> Sequence[Parked]:
        found = [p for p in self._parked.values() if p.webhook == key and p.fail_time is None]
        return [replace(p, body=None) for p in sorted(found, key=lambda p: p.seq)]

    async def parked_body(self, key: str, seq: int) -> str | None:
        parked = self._parked.get((key, seq))
        return parked.body if parked is not None else None

    async def failed(self, query: FailedQuery, limit: int) -> Sequence[Parked]:
        found = [self._parked[place] for place in sorted(self._parked) if place > query.after]
        return [replace(p, body=None) for p in found if _matches(query, p)][:limit]

    async def revive(self, query: FailedQuery, now: datetime, limit: int) -> Sequence[Parked]:
        revived = [parked.revived(now) for parked in await self.failed(query, limit)]
        for parked in revived:
            self._write(parked)
        return revived

    async def forget_failed(self, before: datetime) -> int:
        old = [at for at, p in self._parked.items() if p.fail_time and p.fail_time < before]
        for key in self._webhooks:
            failed = sorted(
                at for at, p in self._parked.items() if at[0] == key and p.fail_time is not None
            )
            old += failed[: max(len(failed) - MAX_FAILED, 0)]
        for place in set(old):
            del self._parked[place]
        return len(set(old))


def _matches(query: FailedQuery, parked: Parked) -> bool:
    time = parked.fail_time
    return (
        time is not None
        and parked.webhook in query.webhooks
        and (not query.message_id or parked.message_id == query.message_id)
        and (query.failed_from is None or time >= query.failed_from)
        and (query.failed_before is None or time < query.failed_before)
    )
