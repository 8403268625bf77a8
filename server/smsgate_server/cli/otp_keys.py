"""`smsgate-server otp-keys`: the keys that one-time codes derive from."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from smsgate_server.app import otp_key_path
from smsgate_server.cli.desk_command import ConfigOption, StoreOption, settings_of
from smsgate_server.cli.failing import fail
from smsgate_server.config import Settings
from smsgate_server.services.clock import SystemClock
from smsgate_server.services.otp_keys import OtpKeyError, add, new_file, promote, rotate

app = typer.Typer(help="The keys that one-time codes derive from.", no_args_is_help=True)


@app.command("new")
def new_keys(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Make a file of keys, for servers that share a database: give the same one to each."""
    with _told():
        new_file(file, os.urandom)
    typer.echo(f"{file}: keep it secret, and give it to every server as otp_key_file")


@app.command("rotate")
def rotate_keys(store: StoreOption = None, config: ConfigOption = None) -> None:
    """Put a new key in front, for one server: it takes it up while it runs. Codes made with the
    older keys still work.
    """
    settings = settings_of(store, config)
    if settings.on_postgres:
        fail(
            "servers share this database, and one could meet a code before its key; use `otp-keys "
            "add`, and `otp-keys promote` once each of them has the file"
        )
    path = _path(settings)
    with _told():
        keys = rotate(path, SystemClock().now(), os.urandom)
    typer.echo(f"{path}: {keys.current} makes new codes; a server that runs takes it up in seconds")


@app.command("add")
def add_key(store: StoreOption = None, config: ConfigOption = None) -> None:
    """Put a new key behind the first: servers that have it know its codes, and make none yet."""
    path = _path(settings_of(store, config))
    with _told():
        key_id = add(path, SystemClock().now(), os.urandom)
    typer.echo(f"{path}: added {key_id}; once every server has it: otp-keys promote {key_id}")


@app.command("promote")
def promote_key(
    key_id: Annotated[str, typer.Argument(help="As `otp-keys add` told it.", show_default=False)],
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Make new codes with a key that every server has by now."""
    path = _path(settings_of(store, config))
    with _told():
        keys = promote(path, key_id)
    typer.echo(f"{path}: {keys.current} makes new codes; a server that runs takes it up in seconds")


def _path(settings: Settings) -> Path:
    path = otp_key_path(settings)
    if settings.otp_keys or path is None:
        fail("the keys are not in a file; change the setting otp_keys instead")
    return path


@contextmanager
def _told() -> Iterator[None]:
    """Tell the operator what is wrong with the file."""
    try:
        yield
    except (OSError, OtpKeyError) as error:
        fail(error)
