"""smsgate account: create, update and top-up, for operators."""

from collections.abc import Iterable
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client.account_requests import AccountChanges, NewAccountFields
from smsgate_client.cli import account_options as options
from smsgate_client.cli.account_facts import facts, state_text
from smsgate_client.cli.facts import print_facts
from smsgate_client.cli.output import money_text, print_json, print_line, printable
from smsgate_client.cli.session import Session

# What can be cleared by name, and what clears it.
_CLEARED: dict[str, Any] = {
    "bundle": None,
    "countries": None,
    "content": None,
    "budget": None,
    "prices": None,
    "limits": (),
    "labels": {},
}
_Id = Annotated[str, typer.Argument(help="The id of the account.")]
_RequestId = Annotated[
    str, typer.Option("--request-id", help="Repeating it with the same id does nothing.")
]
# Parameters that look unused are read from `context.params`, all at once.


def create(
    context: typer.Context,
    id: _Id,
    name: options.Name = None,
    billing: options.Billing = None,
    currency: Annotated[str, typer.Option("--currency", help="e.g. EUR, the default.")] = "",
    bundle: options.BundleSegments = None,
    bundle_country: options.BundleCountries = None,
    budget: options.Budget = None,
    allow: options.Allowed = None,
    deny: options.Denied = None,
    forbid_word: options.Words = None,
    suspend_for_words: options.SuspendForWords = False,
    require_price: options.RequirePrice = None,
    limit: options.Limits = None,
    monitor: options.Monitor = None,
    sender: options.Sender = None,
    label: options.Labels = None,
    request_id: _RequestId = "",
) -> None:
    """Create an account, without an API key.

    Examples:

        smsgate account create shop --name "Web shop" --budget "100 EUR" --limit messages=100/1m

        smsgate account create trial --billing prepaid --allow IT --allow ES
    """
    session: Session = context.obj
    typed = options.Typed.of(context.params).as_fields()
    fields: NewAccountFields = {
        **typed,
        "currency": currency,
        "request_id": session.request_id(request_id),
    }
    made = session.client.create_account(id, **fields)
    if made.replayed:
        session.say("this request_id was used before; nothing was done now")
    _print_account(session, made.account)


def update(
    context: typer.Context,
    id: _Id,
    name: options.Name = None,
    state: Annotated[
        str | None, typer.Option("--state", help="active, suspended or closed.")
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why it is in that state; the account sees it.")
    ] = None,
    billing: options.Billing = None,
    bundle: options.BundleSegments = None,
    bundle_country: options.BundleCountries = None,
    budget: options.Budget = None,
    allow: options.Allowed = None,
    deny: options.Denied = None,
    forbid_word: options.Words = None,
    suspend_for_words: options.SuspendForWords = False,
    require_price: options.RequirePrice = None,
    limit: options.Limits = None,
    monitor: options.Monitor = None,
    sender: options.Sender = None,
    label: options.Labels = None,
    clear: Annotated[
        list[str] | None,
        typer.Option("--clear", help=f"Take {', '.join(_CLEARED)} away. Repeatable."),
    ] = None,
    etag: Annotated[
        str, typer.Option("--etag", help="Only if the account still has this etag.")
    ] = "",
) -> None:
    """Change an account. What is not named stays as it is.

    Options of one part replace the whole part: --allow and --deny the countries, --limit all
    limits of the account, --label all labels.

    Examples:

        smsgate account update shop --state suspended --reason "unpaid invoice"

        smsgate account update shop --budget "200 EUR" --monitor budget --clear countries
    """
    session: Session = context.obj
    typed = options.Typed.of(context.params).as_fields()
    changes = cast(AccountChanges, typed)
    if state:
        changes["state"] = state
    if reason is not None:
        changes["state_reason"] = reason
    _clear(changes, clear or ())
    if not changes:
        raise typer.BadParameter("say what to change")
    changes["etag"] = etag
    _print_account(session, session.client.update_account(id, **changes).account)


def _clear(changes: AccountChanges, parts: Iterable[str]) -> None:
    for part in parts:
        if (name := part.lower()) not in _CLEARED:
            raise typer.BadParameter(f"--clear {part}: it is none of {', '.join(_CLEARED)}")
        if name in changes:
            raise typer.BadParameter(f"--clear {part} contradicts what is to be set")
        changes.update(cast(AccountChanges, {name: _CLEARED[name]}))


def top_up(
    context: typer.Context,
    id: _Id,
    amount: Annotated[list[str], typer.Argument(metavar="AMOUNT", help="e.g. 50 EUR.")],
    note: Annotated[str, typer.Option("--note", help="e.g. the number of an invoice.")] = "",
    request_id: _RequestId = "",
) -> None:
    """Add to the balance of a prepaid account. In a pipe it prints the balance alone.

    Examples:

        smsgate account top-up trial 50 EUR --note "invoice 2026-017"
    """
    session: Session = context.obj
    done = session.client.top_up(
        id, " ".join(amount), request_id=session.request_id(request_id), note=note
    )
    if done.replayed:
        session.say("this request_id was used before; nothing was added now")
    if session.wants_json():
        print_json(done)
    elif session.in_terminal:
        balance, entry = money_text(done.balance), printable(done.ledger_entry_id)
        session.out.print(Text.assemble((balance, "green"), "  ", (f"entry {entry}", "dim")))
    else:
        print_line(money_text(done.balance))


def _print_account(session: Session, account: pb.Account) -> None:
    if session.wants_json():
        print_json(account)
    elif session.in_terminal:
        print_facts(session, facts(pb.GetAccountResponse(account=account)))
    else:
        print_line(f"{printable(account.id)} {state_text(account)}")
