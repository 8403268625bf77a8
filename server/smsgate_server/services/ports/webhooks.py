"""Webhooks, as the services need them from the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.errors import Violation
from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.webhooks import Health, Outcome, Webhook
from smsgate_server.services.ports.messages import RequestKey

# How many failed deliveries are kept per webhook.
MAX_FAILED = 10_000


@dataclass(frozen=True, slots=True)
class KnownWebhook:
    """A webhook with its place in the log and how it did."""

    webhook: Webhook
    position: int
    health: Health = field(default_factory=Health)


@dataclass(frozen=True, slots=True)
class CreatedWebhook:
    """With `conflict` the request id was used for something else, with `full` there was no room:
    then nothing was made.
    """

    known: KnownWebhook | None
    replayed: bool = False
    conflict: bool = False
    full: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An event that is being tried again, waits behind one of its message, or failed.

    `webhook` is a key. `body` is what is sent, None where it is not read or did not change.
    `callback` is where it goes, None: to the URL of the webhook. `fail_time` is set once it is
    given up.
    """

    webhook: str
    seq: int
    message_id: str
    attempts: int
    due_time: datetime
    first_time: datetime
    error: str = ""
    status: int = 0
    fail_time: datetime | None = None
    callback: Callback | None = None
    body: str | None = None

    def revived(self, now: datetime) -> "Parked":
        """As if it had never been tried, and due."""
        return replace(self, attempts=0, due_time=now, first_time=now, fail_time=None)


@dataclass(frozen=True, slots=True)
class Progress:
    """What changed since the last time, for all webhooks: one transaction.

    `parked` has None for what was delivered. What belongs to a webhook that is gone is ignored.
    """

    places: Mapping[str, tuple[int, Health]]
    parked: Mapping[tuple[str, int], Parked | None]


@dataclass(frozen=True, slots=True)
class FailedQuery:
    """Failed deliveries of these webhooks (keys), after a place in their order."""

    webhooks: tuple[str, ...]
    message_id: str = ""
    failed_from: datetime | None = None
    failed_before: datetime | None = None
    after: tuple[str, int] = ("", 0)


class WebhookStore(Protocol):
    """Webhooks, and the events that did not get through. Each method is one transaction; what
    makes, changes or deletes a webhook raises the revision.
    """

    async def webhooks(self) -> Sequence[KnownWebhook]:
        """All of them, of all accounts, oldest first."""
        ...

    async def create_webhook(
        self,
        webhook: Webhook,
        position: int,
        request: RequestKey | None = None,
        room: bool = True,
    ) -> CreatedWebhook:
        """Store a webhook, unless there is one with its key or of its request: then that one is
        returned, even where there is no `room` for another.
        """
        ...

    async def replace_webhook(self, webhook: Webhook) -> None:
        """Write what the caller or the server wants of it."""
        ...

    async def delete_webhook(self, key: str) -> None:
        """Forget it and everything parked for it."""
        ...

    async def record_progress(self, progress: Progress) -> None: ...

    async def parked(self, key: str) -> Sequence[Parked]:
        """What is being tried again for a webhook, in the order of the log, without bodies."""
        ...

    async def parked_body(self, key: str, seq: int) -> str | None: ...

    async def failed(self, query: FailedQuery, limit: int) -> Sequence[Parked]:
        """Failed deliveries by webhook and then in the order of the log, without bodies."""
        ...

    async def revive(self, query: FailedQuery, now: datetime, limit: int) -> Sequence[Parked]:
        """Take failed deliveries up again, due at once; returns them, without bodies."""
        ...

    async def forget_failed(self, before: datetime) -> int:
        """Delete what failed before a time, or is beyond MAX_FAILED of its webhook."""
        ...


class Callbacks(Protocol):
    """What accepting a message with a callback needs."""

    def faults(self, field_name: str, callback: Callback) -> Sequence[Violation]:
        """Why the callback may not be used; a field is named under `field_name`."""
        ...

    async def ensure(self, account: str) -> None:
        """The webhook of callbacks of an account exists afterwards."""
        ...


class Postman(Protocol):
    """Makes one request, and never raises but for cancellation."""

    async def post(
        self,
        url: str,
        headers: Sequence[tuple[str, str]],
        event_id: str,
        body: str,
        secrets: Sequence[str],
    ) -> Outcome: ...


class Witness(Protocol):
    """Counts what webhooks do."""

    def requested(self, outcome: Outcome) -> None:
        """A request has ended."""
        ...

    def given_up(self) -> None:
        """An event became a failed delivery."""
        ...


class Compose(Protocol):
    """The body of a request for an event; `custom_data` is that of the message's callback."""

    def __call__(self, event: StatusEvent, cursor: str, custom_data: Mapping[str, str]) -> str: ...
