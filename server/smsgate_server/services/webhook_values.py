"""What callers say of webhooks, and what they are shown."""

from dataclasses import dataclass, replace
from datetime import datetime

from smsgate_server.domain.errors import ErrorReason, ResourceExhausted, Violation
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.webhooks import MAX_WEBHOOKS, Health, Webhook, WebhookState


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """What to change; None leaves it."""

    url: str | None = None
    headers: tuple[tuple[str, str], ...] | None = None
    wanted: EventFilter | None = None
    description: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class ShownWebhook:
    """A webhook and how it does now."""

    webhook: Webhook
    state: WebhookState
    health: Health
    position: int
    lag: int
    retrying: int
    next_attempt_time: datetime | None


@dataclass(frozen=True, slots=True)
class MadeSecret:
    """A webhook, and its secret while it may be shown."""

    shown: ShownWebhook
    secret: str
    replayed: bool = False


def changed(present: Webhook, change: WebhookChange, now: datetime) -> Webhook:
    """The webhook after a change."""
    made = replace(
        present,
        url=present.url if change.url is None else change.url,
        headers=present.headers if change.headers is None else change.headers,
        wanted=present.wanted if change.wanted is None else change.wanted,
        description=present.description if change.description is None else change.description,
        update_time=now,
    )
    if change.enabled is None:
        return made
    return replace(made, enabled=change.enabled, disabled=WebhookState.DISABLED)


def too_many() -> ResourceExhausted:
    """An account has as many as it may."""
    return ResourceExhausted(
        ErrorReason.TOO_MANY_WEBHOOKS,
        f"an account has {MAX_WEBHOOKS} webhooks at most; delete one first",
        {"limit": "webhooks", "maximum": str(MAX_WEBHOOKS)},
        subject="webhooks",
    )


def readable(wanted: EventFilter) -> tuple[object, ...]:
    """A filter in a form whose repr is the same for equal filters."""
    w = wanted
    return (
        sorted(w.statuses),
        sorted(w.countries),
        sorted(w.senders),
        w.labels,
        w.terminal_only,
    )


def not_for_callbacks(change: WebhookChange) -> list[Violation]:
    """What cannot be changed of the webhook that stands for callbacks."""
    given = {"url": change.url, "headers": change.headers, "filter": change.wanted}
    description = "belongs to each callback, not to the webhook of all"
    return [
        Violation(name, ErrorReason.INVALID_FIELD, description)
        for name, value in given.items()
        if value is not None
    ]
