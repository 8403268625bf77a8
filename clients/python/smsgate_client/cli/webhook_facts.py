"""What people are told of webhooks and of the events that did not get through."""

from collections.abc import Iterator

from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_client.cli.facts import Fact, labels_text
from smsgate_client.cli.output import clock_text, count, printable
from smsgate_client.names import short_name

_STYLES = {
    pb.WEBHOOK_STATE_ACTIVE: "green",
    pb.WEBHOOK_STATE_FAILING: "yellow",
    pb.WEBHOOK_STATE_GONE: "bold red",
    pb.WEBHOOK_STATE_GIVEN_UP: "bold red",
}


def state_text(webhook: pb.Webhook) -> Text:
    state = webhook.health.state
    name = short_name(pb.WebhookState.DESCRIPTOR, state)
    return Text(name, style=_STYLES.get(state, "dim"))


def filter_text(wanted: pb.WebhookFilter) -> str:
    """Which events, in words."""
    enum = message_pb2.MessageStatus.DESCRIPTOR
    parts = [short_name(enum, status) for status in wanted.statuses]
    parts += [*wanted.countries, *wanted.senders]
    if wanted.labels:
        parts.append(labels_text(wanted.labels))
    if wanted.terminal_only:
        parts.append("final ones only")
    return printable(", ".join(parts)) or "all"


def facts(webhook: pb.Webhook) -> Iterator[Fact]:
    health = webhook.health
    yield "webhook", printable(webhook.id)
    yield "url", printable(webhook.url)
    yield "state", state_text(webhook)
    yield "events", filter_text(webhook.filter) if webhook.url else "those of messages' callbacks"
    yield "description", printable(webhook.description)
    yield "headers", printable(", ".join(webhook.header_names))
    yield "created", clock_text(webhook.create_time)
    yield "old secret until", _time(webhook, "old_secret_expire_time")
    yield "cursor", printable(health.cursor)
    yield "behind by", count(health.cursor_lag, "log place") if health.cursor_lag else ""
    yield "being repeated", count(health.retrying, "event") if health.retrying else ""
    yield "last taken", _time(health, "last_success_time")
    yield "last failed", _time(health, "last_failure_time")
    failures = health.consecutive_failures
    yield "failures in a row", str(failures) if failures else ""
    yield "last error", printable(health.last_error)
    yield "next try", _time(health, "next_attempt_time")
    yield "missed events", _time(health, "missed_time")


def _time(message: pb.Webhook | pb.WebhookHealth, name: str) -> str:
    time: Timestamp = getattr(message, name)
    return clock_text(time) if message.HasField(name) else ""  # type: ignore[arg-type]


def line(webhook: pb.Webhook) -> str:
    """A webhook in one line of a pipe."""
    return f"{printable(webhook.id)} {state_text(webhook).plain}"


def table(webhooks: list[pb.Webhook]) -> Table:
    made = _table("id", "state", "url", "events", "behind", "last error")
    for each in webhooks:
        made.add_row(
            Text(printable(each.id)),
            state_text(each),
            Text(printable(each.url), no_wrap=True, overflow="ellipsis"),
            Text(filter_text(each.filter) if each.url else "callbacks"),
            Text(f"{each.health.cursor_lag:,}"),
            Text(printable(each.health.last_error), no_wrap=True, overflow="ellipsis"),
        )
    return made


def failed_table(deliveries: list[pb.FailedDelivery]) -> Table:
    made = _table("webhook", "message", "given up", "tries", "error")
    for each in deliveries:
        made.add_row(
            Text(printable(each.webhook_id)),
            Text(printable(each.message_id)),
            Text(clock_text(each.fail_time), style="dim"),
            Text(str(each.attempts)),
            Text(printable(each.error), no_wrap=True, overflow="ellipsis"),
        )
    return made


def _table(*headings: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        made.add_column(heading)
    return made
