"""What the commands of operators have in common: settings, the desk, errors as sentences."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from smsgate_server.cli.failing import fail
from smsgate_server.config import ConfigError, Settings, load
from smsgate_server.desk import Desk, open_desk
from smsgate_server.domain.errors import InvalidArgument, SmsgateError
from smsgate_server.services.otp_keys import OtpKeyError
from smsgate_server.storage.errors import StoreSetupError

StoreOption = Annotated[
    str | None, typer.Option("--store", metavar="sqlite:PATH", help="The server's database.")
]
AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The id of the account.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The server's settings in TOML.")
]

_T = TypeVar("_T")


def settings_of(store: str | None, config: Path | None) -> Settings:
    try:
        return load(config, {"store": store})
    except ConfigError as error:
        fail(error)


def at_desk(store: str | None, config: Path | None, work: Callable[[Desk], Awaitable[_T]]) -> _T:
    """Do `work` with the accounts and tariffs of the database; what goes wrong ends the command."""

    async def run() -> _T:
        async with open_desk(settings_of(store, config)) as desk:
            return await work(desk)

    try:
        return asyncio.run(run())
    except InvalidArgument as error:
        fail("\n".join(f"{v.field}: {v.description}" for v in error.violations))
    except (SmsgateError, StoreSetupError, OtpKeyError, OSError) as error:
        fail(error)
