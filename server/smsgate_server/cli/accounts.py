"""`smsgate-server accounts`: accounts, keys and money, on the machine of the server."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from smsgate_server.cli import account_files
from smsgate_server.cli.desk_command import AccountArgument, ConfigOption, StoreOption, at_desk
from smsgate_server.cli.failing import fail
from smsgate_server.desk import Desk
from smsgate_server.domain.account import (
    DEFAULT_CURRENCY,
    Account,
    AccountState,
    BillingMode,
    Scope,
)
from smsgate_server.domain.errors import Violation
from smsgate_server.domain.money import decimal_text, parse_decimal
from smsgate_server.services.ports import LedgerEntry

app = typer.Typer(help="Accounts, API keys and balances.", no_args_is_help=True)

_LEDGER_PAGE = 1_000

NameOption = Annotated[str | None, typer.Option("--name", help="What people call it.")]
BillingOption = Annotated[
    str | None, typer.Option("--billing", help="subscription or prepaid.", metavar="MODE")
]


def _billing(text: str) -> BillingMode:
    modes = {mode.word: mode for mode in BillingMode}
    if text not in modes:
        fail(f"--billing: {text} is neither {' nor '.join(modes)}")
    return modes[text]


app.command("show")(account_files.show)
app.command("apply")(account_files.apply)


@app.command("list")
def list_accounts(store: StoreOption = None, config: ConfigOption = None) -> None:
    """List the accounts with their balances."""

    async def work(desk: Desk) -> list[tuple[Account, int]]:
        return [(a, (await desk.accounts.standing(a.id)).balance) for a in desk.access.accounts()]

    rows = [
        (
            account.id,
            account.state.name,
            account.billing_mode.word,
            _balance(account, balance),
            account.display_name,
        )
        for account, balance in at_desk(store, config, work)
    ]
    _print(("account", "state", "billing", "balance", "name"), rows)


def _balance(account: Account, micros: int) -> str:
    if account.billing_mode is not BillingMode.PREPAID and not micros:
        return "-"
    return f"{decimal_text(micros)} {account.currency}"


@app.command()
def create(
    account: AccountArgument,
    name: NameOption = None,
    billing: BillingOption = None,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = DEFAULT_CURRENCY,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Create an account; it needs a key before anybody can use it."""

    async def work(desk: Desk) -> Account:
        now = desk.clock.now()
        wanted = Account(
            id=account,
            display_name=name or "",
            billing_mode=_billing(billing or BillingMode.SUBSCRIPTION.word),
            currency=currency,
            create_time=now,
            update_time=now,
        )
        return (await desk.accounts.create(wanted, "")).account

    made = at_desk(store, config, work)
    typer.echo(f"created {made.id} ({made.billing_mode.word}, {made.currency})")
    typer.echo(f"next: smsgate-server accounts create-key {made.id} --scope send --scope read")


@app.command()
def update(
    account: AccountArgument,
    name: NameOption = None,
    billing: BillingOption = None,
    state: Annotated[
        str | None, typer.Option(help="active, suspended or closed.", metavar="STATE")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why it is not active.")] = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Change an account. Its policy, limits and bundle are changed with `apply`."""

    def change(present: Account) -> tuple[Account, Sequence[Violation]]:
        changed = present
        if name is not None:
            changed = replace(changed, display_name=name)
        if billing is not None:
            changed = replace(changed, billing_mode=_billing(billing))
        if state is not None:
            changed = replace(changed, state=_state(state), state_reason=reason)
        return changed, ()

    async def work(desk: Desk) -> Account:
        return await desk.accounts.update(account, "", change)

    made = at_desk(store, config, work)
    typer.echo(f"{made.id}: {made.state.name}, {made.billing_mode.word}")


def _state(text: str) -> AccountState:
    try:
        return AccountState[text.upper()]
    except KeyError:
        fail(f"--state: {text} is none of active, suspended, closed")


@app.command("create-key")
def create_key(
    account: AccountArgument,
    scope: Annotated[
        list[str], typer.Option("--scope", help="send, read, otp or admin; can be repeated.")
    ],
    name: NameOption = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Days until it expires; else it does not.")
    ] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Create an API key. The secret on standard output is shown this once."""
    scopes = frozenset(_scope(text) for text in scope)

    async def work(desk: Desk) -> tuple[str, str]:
        expiry = desk.clock.now() + timedelta(days=days) if days else None
        made = await desk.accounts.create_key(account, name or "", scopes, expiry)
        return made.key.id, made.secret

    key_id, secret = at_desk(store, config, work)
    typer.echo(f"key {key_id} of {account}; keep the secret, it is not shown again:", err=True)
    typer.echo(secret)


def _scope(text: str) -> Scope:
    try:
        return Scope[text.upper()]
    except KeyError:
        fail(f"--scope: {text} is none of send, read, otp, admin")


@app.command("revoke-key")
def revoke_key(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The id of the key.")],
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Revoke an API key: every server refuses it within seconds."""

    async def work(desk: Desk) -> str:
        revoked = await desk.accounts.revoke_key(key)
        return f"revoked {revoked.id} of {revoked.account} at {revoked.revoke_time:%FT%TZ}"

    typer.echo(at_desk(store, config, work))


@app.command()
def keys(account: AccountArgument, store: StoreOption = None, config: ConfigOption = None) -> None:
    """List the API keys of an account."""

    async def work(desk: Desk) -> list[tuple[str, ...]]:
        desk.access.profile(account)
        now = desk.clock.now()
        return [
            (
                key.id,
                "usable" if key.usable(now) else "revoked" if key.revoke_time else "expired",
                " ".join(scope.name.lower() for scope in sorted(key.scopes)),
                f"{key.last_used_time:%FT%TZ}" if key.last_used_time else "never",
                key.display_name,
            )
            for key in desk.access.keys(account)
        ]

    _print(("key", "state", "scopes", "last used", "name"), at_desk(store, config, work))


@app.command("top-up")
def top_up(
    account: AccountArgument,
    amount: Annotated[str, typer.Argument(help="In the account's currency, such as 50 or 12.50.")],
    request_id: Annotated[
        str, typer.Option("--request-id", help="Makes it safe to repeat, e.g. the invoice.")
    ],
    note: Annotated[str, typer.Option(help="What the ledger says of it.")] = "",
    store: StoreOption = None,
    config: ConfigOption = None,
) -> None:
    """Add to the balance of a prepaid account."""
    try:
        micros = parse_decimal(amount)
    except ValueError as error:
        fail(f"AMOUNT: {error}")
    if micros == 0:
        fail("AMOUNT: must be more than zero")

    async def work(desk: Desk) -> str:
        done = await desk.accounts.top_up(account, micros, request_id, note)
        currency = desk.access.profile(account).account.currency
        again = " (done before, nothing was added now)" if done.replayed else ""
        return f"{account}: {decimal_text(done.balance)} {currency}{again}"

    typer.echo(at_desk(store, config, work))


@app.command()
def ledger(
    account: AccountArgument, store: StoreOption = None, config: ConfigOption = None
) -> None:
    """Print every change of a balance, oldest first."""

    async def work(desk: Desk) -> list[LedgerEntry]:
        desk.access.profile(account)
        entries: list[LedgerEntry] = []
        while page := await desk.accounts.ledger(
            account, entries[-1].id if entries else 0, _LEDGER_PAGE
        ):
            entries += page
        return entries

    rows = [
        (
            str(entry.id),
            f"{entry.time:%FT%TZ}",
            entry.kind.name,
            decimal_text(entry.micros),
            decimal_text(entry.balance),
            str(entry.messages or ""),
            entry.note,
        )
        for entry in at_desk(store, config, work)
    ]
    _print(("entry", "time", "kind", "amount", "balance", "messages", "note"), rows)


def _print(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table in a terminal, tab-separated lines in a pipe."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        for row in (header, *rows):
            typer.echo("\t".join(row))
        return
    table = Table(*header, box=None)
    for row in rows:
        table.add_row(*row)
    console.print(table)
