"""`smsgate-server accounts show | apply`: all of an account, its policy too, as a file."""

from collections.abc import Sequence
from typing import Annotated

import typer

from smsgate_server.cli.desk_command import AccountArgument, ConfigOption, StoreOption, at_desk
from smsgate_server.desk import Desk
from smsgate_server.domain.account import Account
from smsgate_server.domain.errors import Violation
from smsgate_server.transport.mapping import account_json

FileArgument = Annotated[
    typer.FileText, typer.Argument(metavar="FILE", help="What `show` printed, changed; - is stdin.")
]


def show(account: AccountArgument, store: StoreOption = None, config: ConfigOption = None) -> None:
    """Print an account as JSON, with its policy, limits and bundle."""

    async def work(desk: Desk) -> Account:
        return desk.access.profile(account).account

    typer.echo(account_json.text_of(at_desk(store, config, work)))


def apply(
    account: AccountArgument,
    file: FileArgument,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an account what a file says; servers obey within seconds.

    What the file leaves out is put back to its default. Print the account with `show` first.
    """
    text = file.read()

    async def work(desk: Desk) -> Account:
        def change(present: Account) -> tuple[Account, Sequence[Violation]]:
            return account_json.account_of(text, present, desk.clock.now())

        return await desk.accounts.update(account, "", change)

    made = at_desk(store, config, work)
    typer.echo(f"{made.id}: {made.state.name}, {made.billing_mode.word}")
