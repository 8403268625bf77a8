"""The requests about webhooks, made from plain Python values."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_client import names, values
from smsgate_client.keywords import takes
from smsgate_client.requests import new_request_id


class WebhookFilterFields(TypedDict, total=False):
    """Which events a webhook gets: AND across the fields, OR within one."""

    statuses: Iterable[names.Status | str]
    countries: Sequence[str]
    senders: Sequence[str]
    labels: Mapping[str, str]
    terminal_only: bool


class NewWebhookFields(WebhookFilterFields, total=False):
    """What a webhook can have beside its URL."""

    headers: Mapping[str, str]
    """Headers of each request. They are never shown again."""
    description: str
    request_id: str | None
    """Makes the call safe to repeat. Made once per call if it is not given."""


class WebhookChanges(WebhookFilterFields, total=False):
    """What to change: what is given, and nothing else. One field of the filter replaces all of
    them; `everything` removes the filter.
    """

    url: str
    headers: Mapping[str, str]
    description: str
    enabled: bool
    everything: bool


class FailedFields(TypedDict, total=False):
    """Which failed deliveries; nothing means all."""

    webhook_id: str
    message_id: str


class ReplayFields(FailedFields, total=False):
    """Which failed deliveries are tried anew."""

    failed_from: datetime
    failed_before: datetime


_FILTER = WebhookFilterFields.__optional_keys__


@takes(NewWebhookFields)
def create_webhook_request(url: str, **fields: Unpack[NewWebhookFields]) -> pb.CreateWebhookRequest:
    """A new webhook, always with a request_id."""
    return pb.CreateWebhookRequest(
        url=url,
        headers=pb.WebhookHeaders(values=fields.get("headers", {})),
        filter=_filter(fields),
        description=fields.get("description", ""),
        request_id=fields.get("request_id") or new_request_id(),
    )


@takes(WebhookChanges)
def update_webhook_request(id: str, **fields: Unpack[WebhookChanges]) -> pb.UpdateWebhookRequest:
    """The changes that are given."""
    # Not in the constructor: what is set there to an empty value is not set at all.
    request = pb.UpdateWebhookRequest(id=id)
    if "url" in fields:
        request.url = fields["url"]
    if "description" in fields:
        request.description = fields["description"]
    if "enabled" in fields:
        request.enabled = fields["enabled"]
    if "headers" in fields:
        request.headers.CopyFrom(pb.WebhookHeaders(values=fields["headers"]))
    if fields.get("everything") or _FILTER & fields.keys():
        request.filter.CopyFrom(_filter(fields))
    return request


def _filter(fields: WebhookFilterFields) -> pb.WebhookFilter:
    return pb.WebhookFilter(
        statuses=[names.status_from(status) for status in fields.get("statuses", ())],
        countries=fields.get("countries", ()),
        senders=fields.get("senders", ()),
        labels=fields.get("labels", {}),
        terminal_only=fields.get("terminal_only", False),
    )


def rotate_request(id: str, overlap: timedelta | float | None) -> pb.RotateWebhookSecretRequest:
    """A new secret; the old one signs for `overlap` beside it, None: as the server has it."""
    request = pb.RotateWebhookSecretRequest(id=id)
    if overlap is not None:
        request.overlap.CopyFrom(values.duration(overlap))
    return request


@takes(FailedFields)
def list_failed_request(
    page_size: int = 0, page_token: str = "", **fields: Unpack[FailedFields]
) -> pb.ListFailedDeliveriesRequest:
    """One page of failed deliveries."""
    return pb.ListFailedDeliveriesRequest(
        webhook_id=fields.get("webhook_id", ""),
        message_id=fields.get("message_id", ""),
        page_size=page_size,
        page_token=page_token,
    )


@takes(ReplayFields)
def replay_failed_request(**fields: Unpack[ReplayFields]) -> pb.ReplayFailedDeliveriesRequest:
    """Failed deliveries to be tried anew."""
    request = pb.ReplayFailedDeliveriesRequest(
        webhook_id=fields.get("webhook_id", ""), message_id=fields.get("message_id", "")
    )
    if (begin := fields.get("failed_from")) is not None:
        request.failed_from.CopyFrom(values.timestamp(begin))
    if (end := fields.get("failed_before")) is not None:
        request.failed_before.CopyFrom(values.timestamp(end))
    return request


def replay_events_request(id: str, start: str | datetime) -> pb.ReplayEventsRequest:
    """The log again, from a cursor or a time."""
    if isinstance(start, str):
        return pb.ReplayEventsRequest(id=id, cursor=start)
    return pb.ReplayEventsRequest(id=id, start_time=values.timestamp(start))
