"""`smsgate-server otp-keys`: the keys that one-time codes derive from."""

import os
from pathlib import Path
from typing import Annotated

import typer

from smsgate_server.app import otp_key_path
from smsgate_server.cli.desk_command import ConfigOption, StoreOption, settings_of
from smsgate_server.cli.failing import fail
from smsgate_server.services.clock import SystemClock
from smsgate_server.services.otp_keys import OtpKeyError, new_file, rotate

app = typer.Typer(help="The keys that one-time codes derive from.", no_args_is_help=True)


@app.command("new")
def new_keys(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Make a file of keys, for servers that share a database: give the same one to each."""
    try:
        new_file(file, os.urandom)
    except (OSError, OtpKeyError) as error:
        fail(error)
    typer.echo(f"{file}: keep it secret, and give it to every server as otp_key_file")


@app.command("rotate")
def rotate_keys(store: StoreOption = None, config: ConfigOption = None) -> None:
    """Put a new key in front. The server takes it up when it is started again; codes made with the
    older keys still work.
    """
    settings = settings_of(store, config)
    path = otp_key_path(settings)
    if settings.otp_keys or path is None:
        fail("the keys are not in a file; change the setting otp_keys instead")
    try:
        keys = rotate(path, SystemClock().now(), os.urandom)
    except (OSError, OtpKeyError) as error:
        fail(error)
    typer.echo(f"{path}: {keys.current} is the current key; restart the server to use it")
