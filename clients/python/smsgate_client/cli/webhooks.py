"""smsgate webhooks"""

from typing import Annotated

import typer

from smsgate.v1 import webhook_service_pb2 as pb
from smsgate_client.cli import failures, parsing, webhook_facts, webhook_failures
from smsgate_client.cli.facts import print_facts, span_text
from smsgate_client.cli.output import print_json, print_line, printable
from smsgate_client.cli.session import Session
from smsgate_client.webhook_requests import NewWebhookFields, WebhookChanges

webhooks = typer.Typer(
    name="webhooks",
    help="Have status events posted to HTTP endpoints.",
    rich_markup_mode=None,
)
webhooks.command()(webhook_failures.failed)
webhooks.command()(webhook_failures.replay)

_Id = Annotated[str, typer.Argument(help="The id of the webhook.")]
_Headers = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", help="A header of each request, name=value. Repeatable."),
]
_Terminal = Annotated[
    bool, typer.Option("--terminal-only", help="Only events that lead to a final status.")
]
_Description = Annotated[str | None, typer.Option("--description", help="What it is for.")]


@webhooks.command()
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="The https URL that events are posted to.")],
    status: parsing.Statuses = None,
    country: parsing.Countries = None,
    sender: parsing.Senders = None,
    label: parsing.LabelFilter = None,
    terminal_only: _Terminal = False,
    header: _Headers = None,
    description: _Description = None,
    request_id: Annotated[
        str, typer.Option("--request-id", help="Makes the command safe to repeat.")
    ] = "",
) -> None:
    """Have the events from now on posted to a URL. The secret that verifies them is printed, this
    once; in a pipe it is all that is printed.

    Examples:

        smsgate webhooks create https://shop.example/sms --terminal-only

        smsgate webhooks create https://shop.example/sms -H "authorization=Bearer x" > secret
    """
    session: Session = context.obj
    made = session.client.create_webhook(
        url,
        **NewWebhookFields(
            statuses=status or (),
            countries=country or (),
            senders=sender or (),
            labels=parsing.labels(label),
            terminal_only=terminal_only,
            headers=parsing.labels(header),
            description=description or "",
            request_id=session.request_id(request_id),
        ),
    )
    if session.wants_json():
        print_json(made)
        return
    _print_secret(session, made.webhook, made.secret)


def _print_secret(session: Session, webhook: pb.Webhook, secret: str) -> None:
    # The secret goes first: it must not be lost to a terminal that goes away.
    print_line(printable(secret))
    session.say(f"the webhook {printable(webhook.id)}")
    session.say("this is its secret, which is not shown again")


@webhooks.command(name="list")
def list_webhooks(context: typer.Context) -> None:
    """List the webhooks of the account. A table in a terminal, JSON lines in a pipe."""
    session: Session = context.obj
    found = session.client.list_webhooks().webhooks
    if session.wants_json(lines=True):
        for each in found:
            print_json(each)
    else:
        session.out.print(webhook_facts.table(list(found)))


@webhooks.command()
def show(context: typer.Context, id: _Id) -> None:
    """Show a webhook, and how its endpoint does."""
    session: Session = context.obj
    found = session.client.get_webhook(id).webhook
    if session.wants_json():
        print_json(found)
    else:
        print_facts(session, webhook_facts.facts(found))


@webhooks.command()
def update(
    context: typer.Context,
    id: _Id,
    url: Annotated[str | None, typer.Option("--url", help="Where events are posted to.")] = None,
    enable: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Whether events are sent.")
    ] = None,
    status: parsing.Statuses = None,
    country: parsing.Countries = None,
    sender: parsing.Senders = None,
    label: parsing.LabelFilter = None,
    terminal_only: _Terminal = False,
    all_events: Annotated[
        bool, typer.Option("--all-events", help="Take the whole filter away.")
    ] = False,
    header: _Headers = None,
    no_headers: Annotated[
        bool, typer.Option("--no-headers", help="Take all headers away.")
    ] = False,
    description: _Description = None,
) -> None:
    """Change a webhook. Options of the filter replace the whole filter, headers all headers.

    Examples:

        smsgate webhooks update 01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f --enable
    """
    changes = WebhookChanges()
    if url is not None:
        changes["url"] = url
    if enable is not None:
        changes["enabled"] = enable
    if description is not None:
        changes["description"] = description
    if header or no_headers:
        changes["headers"] = parsing.labels(header)
    if status or country or sender or label or terminal_only or all_events:
        changes["everything"] = True
        changes["statuses"] = status or ()
        changes["countries"] = country or ()
        changes["senders"] = sender or ()
        changes["labels"] = parsing.labels(label)
        changes["terminal_only"] = terminal_only
    if not changes:
        raise typer.BadParameter("nothing to change was given")
    session: Session = context.obj
    _print(session, session.client.update_webhook(id, **changes).webhook)


def _print(session: Session, webhook: pb.Webhook) -> None:
    if session.wants_json():
        print_json(webhook)
    else:
        print_line(webhook_facts.line(webhook))


@webhooks.command()
def delete(context: typer.Context, id: _Id) -> None:
    """End a webhook, and forget the events that it did not get."""
    session: Session = context.obj
    session.client.delete_webhook(id)
    if session.wants_json():
        print_json({"id": id})
    else:
        print_line(f"{printable(id)} deleted")


@webhooks.command()
def rotate(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="The id of the webhook, or callbacks.")],
    overlap: Annotated[
        str,
        typer.Option("--overlap", help="How long the old secret signs, too: 24h if not given."),
    ] = "",
) -> None:
    """Make a new secret. It is printed, this once; in a pipe it is all that is printed.

    Examples:

        smsgate webhooks rotate callbacks --overlap 2h > secret
    """
    session: Session = context.obj
    span = parsing.span(overlap) if overlap else None
    made = session.client.rotate_webhook_secret(id, overlap=span)
    if session.wants_json():
        print_json(made)
    else:
        _print_secret(session, made.webhook, made.secret)


@webhooks.command()
def test(context: typer.Context, id: _Id) -> None:
    """Send one test event now. The exit code is 1 if the endpoint did not take it."""
    session: Session = context.obj
    found = session.client.test_webhook(id)
    if session.wants_json():
        print_json(found)
    else:
        answer = f"answered {found.status}" if found.status else "did not answer"
        taken = "delivered" if found.delivered else printable(found.error)
        print_line(f"{answer} after {span_text(found.duration)}: {taken}")
    if not found.delivered:
        raise typer.Exit(failures.REFUSED)
