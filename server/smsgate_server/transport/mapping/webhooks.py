"""Webhooks: messages of the contract and domain values."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from smsgate.v1 import message_pb2
from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_server.domain.callbacks import Callback
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.domain.filters import EventFilter
from smsgate_server.domain.webhooks import DEFAULT_OVERLAP, Outcome, Verdict, Webhook, event_id
from smsgate_server.services.cursors import Cursors
from smsgate_server.services.ports.webhooks import Parked
from smsgate_server.services.webhook_failures import Selection
from smsgate_server.services.webhook_values import ShownWebhook, WebhookChange
from smsgate_server.transport.mapping.reading import Reader
from smsgate_server.transport.mapping.responses import duration, timestamp

# From the contract


def callback_of(asked: message_pb2.Callback) -> Callback:
    return Callback(asked.url, _pairs(asked.headers), _pairs(asked.custom_data))


def _pairs(values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values.items()))


def new_webhook(reader: Reader, account: str, asked: pb.CreateWebhookRequest) -> WebhookChange:
    return WebhookChange(
        url=asked.url,
        headers=_pairs(asked.headers.values),
        wanted=_filter(reader, account, asked.filter),
        description=asked.description,
    )


def change_of(reader: Reader, account: str, asked: pb.UpdateWebhookRequest) -> WebhookChange:
    """What is set is changed, the rest stays."""
    return WebhookChange(
        url=asked.url if asked.HasField("url") else None,
        headers=_pairs(asked.headers.values) if asked.HasField("headers") else None,
        wanted=_filter(reader, account, asked.filter) if asked.HasField("filter") else None,
        description=asked.description if asked.HasField("description") else None,
        enabled=asked.enabled if asked.HasField("enabled") else None,
    )


def _filter(reader: Reader, account: str, asked: pb.WebhookFilter) -> EventFilter:
    return EventFilter(
        account=account,
        statuses=reader.statuses("filter.statuses", asked.statuses),
        countries=reader.texts("filter.countries", asked.countries),
        senders=reader.texts("filter.senders", asked.senders),
        labels=reader.labels("filter.labels", asked.labels),
        terminal_only=asked.terminal_only,
    )


def overlap_of(reader: Reader, asked: pb.RotateWebhookSecretRequest) -> timedelta:
    span = reader.span("overlap", asked.overlap) if asked.HasField("overlap") else None
    return DEFAULT_OVERLAP if span is None else span


def selection_of(reader: Reader, asked: pb.ReplayFailedDeliveriesRequest) -> Selection:
    begin = end = None
    if asked.HasField("failed_from"):
        begin = reader.time("failed_from", asked.failed_from)
    if asked.HasField("failed_before"):
        end = reader.time("failed_before", asked.failed_before)
    if begin is not None and end is not None and end < begin:
        reader.refuse("failed_before", ErrorReason.INVALID_TIME, "is before failed_from")
    return Selection(asked.webhook_id, asked.message_id, begin, end)


def start_of(reader: Reader, asked: pb.ReplayEventsRequest) -> str | datetime:
    """A cursor or a time."""
    start = asked.WhichOneof("start")
    if start is None:
        reader.refuse("cursor", ErrorReason.FIELD_REQUIRED, "or start_time must be set")
    if start == "start_time":
        return reader.time("start_time", asked.start_time) or ""
    return asked.cursor


# To the contract


def webhook(shown: ShownWebhook, cursors: Cursors) -> pb.Webhook:
    w = shown.webhook
    made = pb.Webhook(
        id=w.id,
        url=w.url,
        header_names=[name for name, _ in w.headers],
        filter=pb.WebhookFilter(
            statuses=[int(status) for status in sorted(w.wanted.statuses)],  # type: ignore[misc]
            countries=sorted(w.wanted.countries),
            senders=sorted(w.wanted.senders),
            labels=dict(w.wanted.labels),
            terminal_only=w.wanted.terminal_only,
        ),
        description=w.description,
        enabled=w.enabled,
        create_time=timestamp(w.create_time),
        update_time=timestamp(w.update_time),
        health=_health(shown, cursors),
    )
    if w.old_secret and w.old_secret_expire_time is not None:
        made.old_secret_expire_time.CopyFrom(timestamp(w.old_secret_expire_time))
    return made


def _health(shown: ShownWebhook, cursors: Cursors) -> pb.WebhookHealth:
    health = shown.health
    made = pb.WebhookHealth(
        state=int(shown.state),  # type: ignore[arg-type]
        cursor=cursors.text(shown.position),
        cursor_lag=shown.lag,
        consecutive_failures=health.failures,
        last_error=health.error,
        last_status=health.status,
        retrying=shown.retrying,
    )
    for name, time in (
        ("last_success_time", health.success_time),
        ("last_failure_time", health.failure_time),
        ("next_attempt_time", shown.next_attempt_time),
        ("missed_time", health.missed_time),
    ):
        if time is not None:
            getattr(made, name).CopyFrom(timestamp(time))
    return made


def tested(outcome: Outcome) -> pb.TestWebhookResponse:
    return pb.TestWebhookResponse(
        delivered=outcome.verdict is Verdict.DELIVERED,
        status=outcome.status,
        duration=duration(outcome.duration),
        error=outcome.error,
    )


def failed(of: Webhook, parked: Parked, cursors: Cursors) -> pb.FailedDelivery:
    made = pb.FailedDelivery(
        webhook_id=of.id,
        message_id=parked.message_id,
        event_id=event_id(of, parked.seq),
        cursor=cursors.text(parked.seq),
        attempts=parked.attempts,
        first_attempt_time=timestamp(parked.first_time),
        error=parked.error,
        status=parked.status,
    )
    if parked.fail_time is not None:
        made.fail_time.CopyFrom(timestamp(parked.fail_time))
    return made
