"""`smsgate-server tariffs`: check, import, export and compare price lists."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from smsgate_server.cli.desk_command import ConfigOption, StoreOption, at_desk
from smsgate_server.cli.failing import fail
from smsgate_server.desk import Desk
from smsgate_server.domain.pricing import TariffRow
from smsgate_server.domain.tariff_csv import TariffFaults, parse
from smsgate_server.domain.tariff_diff import TariffDiff, lines
from smsgate_server.services.tariffs import Import, ImportRaced

app = typer.Typer(help="The price list: check, import, export, diff.", no_args_is_help=True)

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV; - reads standard input.", allow_dash=True)
]
_COLOURS = {"+": "green", "-": "red", "~": "yellow"}


def _read(file: Path) -> list[TariffRow]:
    """The rows of a file; every fault of it ends the command with 1."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return parse(text)
    except TariffFaults as faults:
        fail(faults, 1)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read {file}: {error}")


def _show(difference: TariffDiff) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for line in lines(difference):
        console.print(Text(line, style=_COLOURS.get(line[0], "")))


@app.command()
def check(file: FileArgument) -> None:
    """Say everything that is wrong with a file. Nothing is changed."""
    rows = _read(file)
    countries = len({row.country for row in rows})
    typer.echo(f"{file}: {len(rows)} rows for {countries} destinations, no fault")


@app.command()
def diff(file: FileArgument, store: StoreOption = None, config: ConfigOption = None) -> None:
    """Show what an import of a file would change. Exit code 1 if anything."""
    rows = _read(file)

    async def work(desk: Desk) -> TariffDiff:
        return desk.tariffs.compare(rows)

    found = at_desk(store, config, work)
    _show(found)
    raise typer.Exit(1 if found.any else 0)


@app.command("import")
def import_tariffs(
    file: FileArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes only.")] = False,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Replace the whole price list by a file, as a new version. A running server takes it up within
    seconds.
    """
    rows = _read(file)

    async def work(desk: Desk) -> Import:
        return await desk.tariffs.replace(rows, dry_run)

    try:
        done = at_desk(store, config, work)
    except ImportRaced as error:
        fail(error, 1)
    _show(done.diff)
    if done.version is not None:
        typer.echo(f"imported as version {done.version}")
    else:
        typer.echo("dry run: nothing was changed" if dry_run else "nothing to change")


@app.command()
def export(store: StoreOption = None, config: ConfigOption = None) -> None:
    """Print the price list as CSV, ready to be edited and imported."""

    async def work(desk: Desk) -> str:
        return desk.tariffs.export()

    typer.echo(at_desk(store, config, work), nl=False)
