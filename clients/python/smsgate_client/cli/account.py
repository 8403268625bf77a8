"""smsgate account: show and list. What only operators do is beside this."""

from itertools import islice
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client.cli import account_changes, account_facts, account_keys, parsing
from smsgate_client.cli.facts import labels_text, print_facts
from smsgate_client.cli.output import clock_text, print_json, print_line, printable
from smsgate_client.cli.pipes import until_closed
from smsgate_client.cli.session import Session
from smsgate_client.names import short_name

_LARGEST_PAGE = 1_000

account = typer.Typer(
    name="account",
    help="Show the account with what is left of its limits; manage accounts and keys.",
    rich_markup_mode=None,
)
account.command()(account_changes.create)
account.command()(account_changes.update)
account.command(name="top-up")(account_changes.top_up)
account.add_typer(account_keys.key)


@account.command()
def show(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="The account; by default your own.")] = "",
) -> None:
    """Show an account: balance, bundle, budget, and how much of each limit is left.

    Examples:

        smsgate account show

        smsgate account show shop --output json | jq .standing.balance
    """
    session: Session = context.obj
    found = session.client.get_account(id)
    if session.wants_json():
        print_json(found)
        return
    gauge_width = account_facts.GAUGE_WIDTH if session.in_terminal else 0
    print_facts(session, account_facts.facts(found, gauge_width))
    lines = [f"limit: {account_facts.limit_text(limit)}" for limit in found.standing.limits]
    lines += [f"key: {account_facts.key_text(key)}" for key in found.api_keys]
    if not session.in_terminal:
        for line in lines:
            print_line(line)
        return
    for title, table in account_facts.tables(found):
        session.out.print()
        session.out.print(Text(title, style="bold"))
        session.out.print(table)


@account.command(name="list")
@until_closed
def list_accounts(
    context: typer.Context,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="Only active, suspended or closed ones. Repeatable."),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", help="Only those with this label, key=value. Repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0 is all.")] = 0,
) -> None:
    """List accounts by id, for operators. A table in a terminal, JSON lines in a pipe.

    Examples:

        smsgate account list --state suspended
    """
    session: Session = context.obj
    page_size = min(limit, _LARGEST_PAGE) or _LARGEST_PAGE
    accounts = islice(
        session.client.list_accounts(
            page_size=page_size, states=state or (), labels=parsing.labels(label)
        ),
        limit or None,
    )
    if session.wants_json(lines=True):
        for each in accounts:
            print_json(each)
    else:
        session.out.print(_table(list(accounts)))


def _table(accounts: list[pb.Account]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("id", "name", "state", "billing", "created", "labels"):
        table.add_column(heading)
    for each in accounts:
        mode = short_name(pb.BillingMode.DESCRIPTOR, each.billing_mode)
        table.add_row(
            Text(printable(each.id)),
            Text(printable(each.display_name), no_wrap=True, overflow="ellipsis"),
            account_facts.state_text(each),
            Text(f"{mode} {printable(each.currency)}"),
            Text(clock_text(each.create_time)[:10], style="dim"),
            Text(labels_text(each.labels), no_wrap=True, overflow="ellipsis"),
        )
    return table
