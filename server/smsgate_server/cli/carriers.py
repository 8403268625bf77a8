"""`smsgate-server carriers`: how the carriers of the running server do."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import typer
from rich.console import Console

from smsgate_server.cli.desk_command import ConfigOption, StoreOption, at_desk
from smsgate_server.cli.failing import fail
from smsgate_server.desk import Desk
from smsgate_server.domain.delivery import OutcomeKind
from smsgate_server.services.ports import CarrierReport

# A server reports every ten seconds at least.
_STALE = timedelta(seconds=30)
_STYLES = {"up": "green", "degraded": "yellow", "down": "bold red", "gone": "bold red"}

_COLUMNS = (
    "carrier",
    "state",
    "binds",
    "under way",
    "per second",
    "accepted",
    "refused",
    "not sent",
    "unknown",
    "throttled",
    "receipts",
    "trouble",
)


def carriers(store: StoreOption = None, config: ConfigOption = None) -> None:
    """Show how the carriers of the running server do; counts are since it was started.

    Plain lines, separated by tabs, where the output is no terminal. The exit code is 1 if a carrier
    is down.
    """

    async def read(desk: Desk) -> tuple[Sequence[CarrierReport], datetime]:
        return await desk.carriers.carrier_reports(), desk.clock.now()

    reports, now = at_desk(store, config, read)
    if not reports:
        fail("no server has reported on its carriers; start one with `smsgate-server run`")
    rows = [_row(report, now) for report in reports]
    _show(rows)
    if any(row[1] in ("down", "gone") for row in rows):
        raise typer.Exit(1)


def _row(report: CarrierReport, now: datetime) -> tuple[str, ...]:
    health = report.health
    gone = now - report.time > _STALE
    outcomes = health.counts.outcomes
    return (
        health.name,
        "gone" if gone else health.word,
        f"{health.binds_up}/{health.binds}",
        f"{health.under_way}/{health.window}",
        "no limit" if health.rate == float("inf") else f"{health.rate:.4g}",
        *(str(outcomes[kind]) for kind in _KINDS),
        str(health.counts.throttled),
        str(health.counts.receipts),
        f"last heard of {report.time:%Y-%m-%d %H:%M:%S} UTC" if gone else health.trouble,
    )


_KINDS = (OutcomeKind.ACCEPTED, OutcomeKind.REFUSED, OutcomeKind.NOT_SENT, OutcomeKind.UNKNOWN)


def _show(rows: Sequence[tuple[str, ...]]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if not console.is_terminal:
        for row in (_COLUMNS, *rows):
            typer.echo("\t".join(row))
        return
    width = max(len(row[0]) for row in rows)
    for row in rows:
        named = dict(zip(_COLUMNS, row, strict=True))
        state = f"[{_STYLES[row[1]]}]{row[1]:8}[/]"
        console.print(
            f"[bold]{row[0]:{width}}[/]  {state}  {named['binds']} binds, "
            f"{named['under way']} under way, {named['per second']} a second"
        )
        for line in _details(named):
            console.print(f"{'':{width}}  {line}")


def _details(named: Mapping[str, str]) -> Iterator[str]:
    yield ", ".join(f"{named[name]} {name}" for name in _COLUMNS[5:-1])
    if named["trouble"]:
        yield f"[red]{named['trouble']}[/]"
