"""smsgate account key: create and revoke."""

from typing import Annotated

import typer
from rich.text import Text

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client.account_requests import KeyFields
from smsgate_client.cli import parsing
from smsgate_client.cli.output import clock_text, print_json, print_line, printable
from smsgate_client.cli.session import Session
from smsgate_client.names import short_name

key = typer.Typer(name="key", help="Create and revoke API keys.", rich_markup_mode=None)


@key.command()
def create(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account that the key is for.")],
    scope: Annotated[
        list[str], typer.Option("--scope", "-s", help="send, read, otp or admin. Repeatable.")
    ],
    name: Annotated[str, typer.Option("--name", help="What people call it.")] = "",
    expires: Annotated[
        str, typer.Option("--expires", help="When it ends: 90d, or a time. Else it does not.")
    ] = "",
) -> None:
    """Create an API key. Its secret is printed, this once; in a pipe it is all that is printed.

    The first key ends the time in which the server serves everybody without one: give it the
    scope admin, too.

    Examples:

        smsgate account key create shop --scope send --scope read --name "web shop"

        smsgate account key create shop --scope otp --expires 90d > secret
    """
    session: Session = context.obj
    fields = KeyFields(display_name=name)
    if expires:
        fields["expire_time"] = parsing.future(expires)
    made = session.client.create_api_key(account, scope, **fields)
    if session.wants_json():
        print_json(made)
        return
    # The secret goes first: it must not be lost to a terminal that goes away.
    print_line(printable(made.secret))
    session.say(f"the key {printable(made.api_key.id)} of {printable(made.api_key.account_id)}")
    session.say("this is its secret, which cannot be shown again")


@key.command()
def revoke(
    context: typer.Context, id: Annotated[str, typer.Argument(help="The id of the key.")]
) -> None:
    """Make an API key worthless for good. The id is the beginning of its secret.

    Examples:

        smsgate account key revoke KEY_ID
    """
    session: Session = context.obj
    revoked = session.client.revoke_api_key(id).api_key
    if session.wants_json():
        print_json(revoked)
    elif session.in_terminal:
        session.out.print(Text.assemble(printable(revoked.id), "  ", (_revoked(revoked), "red")))
    else:
        print_line(f"{printable(revoked.id)} {_revoked(revoked)}")


def _revoked(revoked: pb.ApiKey) -> str:
    scopes = " ".join(short_name(pb.Scope.DESCRIPTOR, scope).lower() for scope in revoked.scopes)
    return f"revoked {clock_text(revoked.revoke_time)} ({scopes})"
