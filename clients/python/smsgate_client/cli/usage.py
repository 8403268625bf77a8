"""smsgate usage"""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_client.cli import parsing, periods
from smsgate_client.cli.costs import cost_texts
from smsgate_client.cli.output import print_json, printable
from smsgate_client.cli.pipes import until_closed
from smsgate_client.cli.session import Session
from smsgate_client.cli.usage_charts import span_text, usage_lines

_HEADINGS = ("messages", "segments", "cost", "paid requests", "free requests")


@until_closed
def usage(
    context: typer.Context,
    by: Annotated[str, typer.Option("--by", help="The periods: day, month or year.")] = "month",
    start: Annotated[
        str, typer.Option("--from", help="From 2026, 2026-01 or 2026-01-31 on, or 30d ago.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="Until the end of 2026, 2026-01 or 2026-01-31.")
    ] = "",
    group_by: Annotated[
        list[str] | None,
        typer.Option("--group-by", "-g", help="country, status or account. Repeatable."),
    ] = None,
    account: Annotated[
        str, typer.Option("--account", help="Another account; needs the scope ADMIN.")
    ] = "",
    country: parsing.Countries = None,
    max_groups: Annotated[
        int,
        typer.Option("--max-groups", min=0, help="At most so many; the server's default is 20."),
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="JSON, as with --output json.")] = False,
) -> None:
    """Show what was used: charts in a terminal, plain lines in a pipe.

    Periods are those of UTC. Without --from it is the last 12 months, 31 days or 5 years.

    Examples:

        smsgate usage

        smsgate usage --by day --from 2026-01 --to 2026-01 --group-by country

        smsgate usage --by year --json | jq .total.costs
    """
    session: Session = context.obj
    found = session.client.get_usage(
        account_id=account,
        start_time=periods.start_of(start) if start else None,
        end_time=periods.end_of(end) if end else None,
        granularity=by,
        group_by=group_by or (),
        countries=country or (),
        max_series=max_groups,
    )
    if json or session.wants_json():
        print_json(found)
        return
    if session.in_terminal:
        for line in usage_lines(found, session.chart_width, session.without_colour):
            session.out.print(line)
    else:
        session.out.print(Text(span_text(found)), _table(found))
    for summary in _summary(found):
        session.out.print(summary)


def _summary(found: pb.GetUsageResponse) -> Iterator[Text]:
    if found.summary.strip():
        yield Text()
        yield from (Text(printable(line)) for line in found.summary.strip().splitlines())


def _table(found: pb.GetUsageResponse) -> Table:
    table = Table(box=None, pad_edge=False)
    grouped = len(found.series) > 1
    for heading in ("period", "group") if grouped else ("period",):
        table.add_column(heading)
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    rows = [
        (group, period.label, period.figures) for group in found.series for period in group.periods
    ]
    rows += [(group, "total", group.total) for group in found.series]
    costs = cost_texts([figures for _, _, figures in rows])
    for (group, label, figures), cost in zip(rows, costs, strict=True):
        name = [printable(group.label)] if grouped else []
        table.add_row(printable(label), *name, *_figures(figures, cost))
    return table


def _figures(figures: pb.UsageFigures, cost: str) -> list[str]:
    return [
        f"{figures.messages:,}",
        f"{figures.segments:,}",
        cost,
        f"{figures.paid_requests:,}",
        f"{figures.free_requests:,}",
    ]
