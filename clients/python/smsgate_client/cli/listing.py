"""smsgate list"""

from itertools import islice
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate_client.cli import parsing
from smsgate_client.cli.output import clock_text, print_json, printable, status_text
from smsgate_client.cli.pipes import until_closed
from smsgate_client.cli.session import Session
from smsgate_client.names import reason_name
from smsgate_client.requests import ListFields

_LARGEST_PAGE = 1_000
_DATE_WIDTH, _TIME_WIDTH = 19, 8
_STATUS_WIDTH, _NUMBER_WIDTH, _ID_WIDTH = 13, 16, 36
# The widths of a terminal from which on there is room for more columns.
_WITH_TEXT, _WITH_REASON = 110, 150


@until_closed
def list_messages(
    context: typer.Context,
    status: parsing.Statuses = None,
    country: parsing.Countries = None,
    sender: parsing.Senders = None,
    recipient: Annotated[
        list[str] | None, typer.Option("--recipient", help="Only to this number. Repeatable.")
    ] = None,
    label: parsing.LabelFilter = None,
    batch: parsing.Batches = None,
    since: Annotated[
        str, typer.Option("--since", help="Only created since: 10m ago, 2h ago, or a time.")
    ] = "",
    before: Annotated[str, typer.Option("--before", help="Only created before.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0 is all.")] = 50,
) -> None:
    """List messages, newest first. A table in a terminal, JSON lines in a pipe.

    Examples:

        smsgate list --status UNDELIVERABLE --since 2h

        smsgate list --batch "$batch" --limit 0 | jq -r 'select(.status == "EXPIRED").recipient'
    """
    session: Session = context.obj
    fields = ListFields(
        statuses=status or (),
        countries=country or (),
        senders=sender or (),
        recipients=recipient or (),
        labels=parsing.labels(label),
        batch_ids=batch or (),
    )
    if since:
        fields["created_from"] = parsing.past(since)
    if before:
        fields["created_before"] = parsing.past(before)
    page_size = min(limit, _LARGEST_PAGE) or _LARGEST_PAGE
    messages = islice(session.client.list(page_size=page_size, **fields), limit or None)
    if session.wants_json(lines=True):
        for message in messages:
            print_json(message)
    else:
        session.out.print(_table(list(messages), session.out.width))


def _table(messages: list[message_pb2.Message], width: int) -> Table:
    """What fits: ids, numbers and statuses are never cut; a narrow terminal shows no more."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("created", width=_DATE_WIDTH if width >= _WITH_TEXT else _TIME_WIDTH)
    table.add_column("status", width=_STATUS_WIDTH)
    table.add_column("recipient", width=_NUMBER_WIDTH)
    table.add_column("id", width=_ID_WIDTH)
    extra = ("text",) if width >= _WITH_TEXT else ()
    for heading in ("reason", "sender", *extra) if width >= _WITH_REASON else extra:
        table.add_column(heading)
    for message in messages:
        created = clock_text(message.create_time)
        cells = [
            Text(created if width >= _WITH_TEXT else created[-_TIME_WIDTH:]),
            status_text(message.status),
            Text(message.recipient),
            Text(message.id),
        ]
        rest = [reason_name(message.reason), message.sender] if width >= _WITH_REASON else []
        rest += [message.text] if extra else []
        cells += [Text(printable(text), no_wrap=True, overflow="ellipsis") for text in rest]
        table.add_row(*cells)
    return table
