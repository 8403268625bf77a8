"""Webhooks: what may be one, what an answer means, and when an event is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from urllib.parse import urlsplit

from smsgate_server.domain.filters import EventFilter

# The webhook of an account that stands for the callbacks of its messages.
CALLBACKS = "callbacks"

MAX_WEBHOOKS = 50
MAX_OVERLAP = timedelta(days=7)
DEFAULT_OVERLAP = timedelta(hours=24)

# An endpoint may ask for patience, but not for so long that events are given up meanwhile.
MAX_RETRY_AFTER = timedelta(hours=1)

# 23.5 hours in all; the jitter adds a fifth of that at most on average a tenth.
RETRY_SECONDS = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 25_200.0, 28_800.0)
JITTER = 0.2


def callbacks_key(account: str) -> str:
    """The key of the webhook that stands for the callbacks of an account."""
    return f"{CALLBACKS}-{account}"


class WebhookState(IntEnum):
    """Whether events are sent. Numbers are the contract's."""

    ACTIVE = 1
    FAILING = 2
    DISABLED = 3
    GONE = 4
    GIVEN_UP = 5


class Verdict(IntEnum):
    """What an answer means for the event."""

    DELIVERED = 1
    RETRY = 2
    GONE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An endpoint as the caller wants it. `disabled` says why the server gave up, if it did.

    `replays` and `revivals` count what a server asked of the one that sends: to take the log again
    from `replay_position`, and to take up again what failed.
    """

    id: str
    account: str
    url: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    wanted: EventFilter
    description: str = ""
    enabled: bool = True
    disabled: WebhookState = WebhookState.DISABLED
    secret: str = field(repr=False)
    old_secret: str = field(default="", repr=False)
    old_secret_expire_time: datetime | None = None
    replays: int = 0
    replay_position: int = 0
    revivals: int = 0
    create_time: datetime
    update_time: datetime

    @property
    def is_callbacks(self) -> bool:
        return self.id == CALLBACKS

    @property
    def key(self) -> str:
        """Tells it from every webhook of every account."""
        return callbacks_key(self.account) if self.is_callbacks else self.id

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Those that sign at `now`, the present one first."""
        expiry = self.old_secret_expire_time
        if self.old_secret and expiry is not None and now < expiry:
            return (self.secret, self.old_secret)
        return (self.secret,)

    def rotated(self, secret: str, now: datetime, overlap: timedelta) -> "Webhook":
        return replace(
            self,
            secret=secret,
            old_secret=self.secret if overlap else "",
            old_secret_expire_time=now + overlap if overlap else None,
            update_time=now,
        )

    def given_up(self, why: WebhookState, now: datetime) -> "Webhook":
        return replace(self, enabled=False, disabled=why, update_time=now)


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint did. `failing_since` is the first failure after the last success."""

    failures: int = 0
    error: str = ""
    status: int = 0
    success_time: datetime | None = None
    failure_time: datetime | None = None
    failing_since: datetime | None = None
    missed_time: datetime | None = None

    def after(self, outcome: "Outcome", now: datetime) -> "Health":
        if outcome.verdict is Verdict.DELIVERED:
            return replace(
                self,
                failures=0,
                error="",
                status=outcome.status,
                success_time=now,
                failing_since=None,
            )
        return replace(
            self,
            failures=self.failures + 1,
            error=outcome.error,
            status=outcome.status,
            failure_time=now,
            failing_since=self.failing_since or now,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request. `status` is 0 if nobody answered."""

    verdict: Verdict
    status: int = 0
    error: str = ""
    retry_after: timedelta | None = None
    duration: timedelta = timedelta(0)


def event_id(webhook: Webhook, seq: int) -> str:
    """The webhook-id: the same on every try, and on no other event or webhook."""
    return f"evt_{webhook.key}_{seq}"


def outcome_of(status: int, retry_after: timedelta | None, duration: timedelta) -> Outcome:
    """What an answer means. Anything but 2xx and 410 may be repaired by who runs the endpoint, so
    it is tried again, also what HTTP calls the client's fault.
    """
    if 200 <= status < 300:
        return Outcome(Verdict.DELIVERED, status, duration=duration)
    if status == 410:
        return Outcome(Verdict.GONE, status, "the endpoint answered 410 Gone", duration=duration)
    error = f"the endpoint answered {status}"
    if 300 <= status < 400:
        error += ", and redirects are not followed"
    patience = retry_after if status in (429, 503) else None
    if patience is not None:
        patience = min(max(patience, timedelta(0)), MAX_RETRY_AFTER)
    return Outcome(Verdict.RETRY, status, error, patience, duration)


def retry_delay(
    attempts: int, schedule: Sequence[float], fraction: float, patience: timedelta | None
) -> timedelta | None:
    """The wait after so many attempts, `fraction` of the jitter added; None to give up."""
    if attempts > len(schedule):
        return None
    seconds = schedule[attempts - 1] * (1 + JITTER * fraction)
    return max(timedelta(seconds=seconds), patience or timedelta(0))


def origin_of(url: str) -> str:
    """Scheme, host and port: what may be shown of a URL whose path can be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
