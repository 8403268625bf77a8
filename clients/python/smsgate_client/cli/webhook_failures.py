"""smsgate webhooks: failed and replay."""

from itertools import islice
from typing import Annotated

import typer

from smsgate_client.cli import parsing, webhook_facts
from smsgate_client.cli.output import count, print_json, print_line
from smsgate_client.cli.pipes import until_closed
from smsgate_client.cli.session import Session
from smsgate_client.webhook_requests import ReplayFields

_LARGEST_PAGE = 1_000
# What one call replays.
_MOST_AT_ONCE = 10_000

_Webhook = Annotated[str, typer.Option("--webhook", help="Only those of this webhook.")]
_Message = Annotated[str, typer.Option("--message", help="Only those of this message.")]


@until_closed
def failed(
    context: typer.Context,
    webhook: _Webhook = "",
    message: _Message = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0 is all.")] = 0,
) -> None:
    """List the events that were given up. A table in a terminal, JSON lines in a pipe.

    Examples:

        smsgate webhooks failed

        smsgate webhooks failed --webhook 01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f | jq -r .error
    """
    session: Session = context.obj
    found = islice(
        session.client.list_failed_deliveries(
            page_size=min(limit, _LARGEST_PAGE) or _LARGEST_PAGE,
            webhook_id=webhook,
            message_id=message,
        ),
        limit or None,
    )
    if session.wants_json(lines=True):
        for each in found:
            print_json(each)
    else:
        session.out.print(webhook_facts.failed_table(list(found)))


def replay(
    context: typer.Context,
    webhook: _Webhook = "",
    message: _Message = "",
    failed_from: Annotated[
        str, typer.Option("--failed-from", help="Only those given up since: 2h, or a time.")
    ] = "",
    failed_before: Annotated[
        str, typer.Option("--failed-before", help="Only those given up before: 2h, or a time.")
    ] = "",
    cursor: Annotated[
        str, typer.Option("--cursor", help="Send all events after this place in the log.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", help="Send all events since: 2h, or a time.")
    ] = "",
) -> None:
    """Try the events anew that were given up; or, with --cursor or --since, send a webhook all
    events again.

    Events keep their webhook-id, so a receiver that remembers ids passes over what it had.

    Examples:

        smsgate webhooks replay

        smsgate webhooks replay --webhook 01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f --since 2h
    """
    session: Session = context.obj
    if cursor or since:
        others = (message, failed_from, failed_before)
        if not webhook or any(others) or (cursor and since):
            raise typer.BadParameter("--cursor or --since goes with --webhook, and with that alone")
        start = cursor or parsing.past(since)
        found = session.client.replay_events(webhook, start).webhook
        if session.wants_json():
            print_json(found)
        else:
            print_line(webhook_facts.line(found))
        return
    fields = ReplayFields(webhook_id=webhook, message_id=message)
    if failed_from:
        fields["failed_from"] = parsing.past(failed_from)
    if failed_before:
        fields["failed_before"] = parsing.past(failed_before)
    total = 0
    while replayed := session.client.replay_failed_deliveries(**fields).replayed_count:
        total += replayed
        # What fails again meanwhile would be taken up again and again.
        if replayed < _MOST_AT_ONCE:
            break
    if session.wants_json():
        print_json({"replayed_count": total})
    else:
        print_line(f"{count(total, 'event')} tried anew")
