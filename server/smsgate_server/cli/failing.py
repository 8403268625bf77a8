"""How a command ends that cannot do its work."""

from typing import NoReturn

import typer


def fail(error: object, code: int = 2) -> NoReturn:
    """Say why on standard error, a line for each reason, and exit."""
    for line in str(error).splitlines():
        typer.echo(f"smsgate-server: {line}", err=True)
    raise typer.Exit(code) from None
