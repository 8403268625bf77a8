"""The commands of smsgate-server, put together."""

import asyncio
import sys
from typing import Annotated

import typer

from smsgate_server import __version__
from smsgate_server.cli import accounts, otp_keys, store, tariffs
from smsgate_server.cli.carriers import carriers
from smsgate_server.cli.run import run
from smsgate_server.cli.smsc import smsc
from smsgate_server.config import Settings

app = typer.Typer(
    name="smsgate-server",
    help="The smsgate SMS gateway: gRPC in, carriers out, every status change live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(run)
app.command()(smsc)
app.command()(carriers)
app.add_typer(accounts.app, name="accounts")
app.add_typer(tariffs.app, name="tariffs")
app.add_typer(otp_keys.app, name="otp-keys")
app.add_typer(store.app, name="store")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"smsgate-server {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def settings() -> None:
    """List every setting with its default."""
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        typer.echo(f"{name} = {default!r}\n    {field.description}")


@app.command()
def demo(
    smpp: Annotated[bool, typer.Option("--smpp", help="Over SMPP, to an SMSC of its own.")] = False,
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Three servers on a PostgreSQL of its own; one dies.")
    ] = False,
) -> None:
    """Start a server of its own, send a batch to many countries, show every status change."""
    if cluster:
        from smsgate_server.demo_cluster import run_cluster_demo

        sys.exit(asyncio.run(run_cluster_demo()))
    from smsgate_server.demo import run_demo

    sys.exit(asyncio.run(run_demo(smpp)))
