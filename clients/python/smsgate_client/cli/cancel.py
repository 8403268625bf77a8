"""smsgate cancel"""

from typing import Annotated

import typer
from rich.text import Text

from smsgate_client.cli import failures
from smsgate_client.cli.output import print_json, print_line, status_text
from smsgate_client.cli.session import Session
from smsgate_client.errors import Conflict, InvalidRequest, NotFound, Refused
from smsgate_client.names import status_name


def cancel(
    context: typer.Context,
    ids: Annotated[list[str], typer.Argument(help="The ids of the messages.", metavar="ID...")],
) -> None:
    """Take messages back that no carrier has been given yet.

    The exit code is that of the failures if all failed for one cause, else 1.

    Examples:

        smsgate cancel 01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f

        smsgate list --status NEW --limit 0 | jq -r .id | xargs smsgate cancel
    """
    session: Session = context.obj
    codes = [_cancel_one(session, id) for id in ids]
    if any(codes):
        raise typer.Exit(codes[0] if len(set(codes)) == 1 else failures.REFUSED)


def _cancel_one(session: Session, id: str) -> int:
    try:
        message = session.client.cancel(id).message
    except (NotFound, Refused, InvalidRequest, Conflict) as error:
        for sentence in failures.sentences(error):
            session.say(f"{id}: {sentence}")
        return failures.exit_code(error)
    if session.wants_json():
        print_json(message)
    elif session.in_terminal:
        session.out.print(Text.assemble(message.id, "  ", status_text(message.status)))
    else:
        print_line(f"{message.id} {status_name(message.status)}")
    return 0
