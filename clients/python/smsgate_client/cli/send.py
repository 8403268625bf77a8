"""smsgate send"""

import sys
from typing import Annotated

import typer
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate_client.cli import failures, parsing, sending
from smsgate_client.cli.output import count, price_text, print_json, print_line, status_text
from smsgate_client.cli.session import Session
from smsgate_client.names import reason_name, short_name, status_name

_DELIVERED = message_pb2.MESSAGE_STATUS_DELIVERED


def send(
    context: typer.Context,
    recipient: Annotated[str, typer.Argument(help="The number, e.g. +393331234567.")],
    text: Annotated[str, typer.Argument(help="The text; - reads standard input.")],
    sender: sending.Sender = "",
    reference: Annotated[str, typer.Option("--reference", help="Your own reference.")] = "",
    label: sending.Labels = None,
    request_id: Annotated[
        str, typer.Option("--request-id", help="Repeating it with the same id sends nothing.")
    ] = "",
    dry_run: sending.DryRun = False,
    single: sending.SingleOnly = False,
    max_segments: sending.MaxSegments = 0,
    validity: sending.Validity = "",
    send_at: sending.SendAt = "",
    max_price: sending.MaxPrice = "",
    smart: sending.SmartEncoding = False,
    on_unknown_submit: sending.OnUnknownSubmit = "",
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait for the outcome; exit code 1 if it failed.")
    ] = False,
    max_wait: parsing.MaxWait = None,
) -> None:
    """Send one message.

    In a pipe it prints the id alone; with --wait the id, the status and its reason.

    Examples:

        smsgate send +393331234567 "Your order is on its way"

        id=$(smsgate send +393331234567 "Hello" --label team=shop)

        smsgate send +393331234567 - --wait < letter.txt && echo delivered
    """
    session: Session = context.obj
    sent = session.client.send(
        recipient,
        sys.stdin.read().removesuffix("\n") if text == "-" else text,
        sender=sender,
        client_reference=reference,
        labels=parsing.labels(label),
        request_id=request_id,
        **sending.send_options(
            dry_run=dry_run,
            single=single,
            max_segments=max_segments,
            validity=validity,
            send_at=send_at,
            max_price=max_price,
            smart=smart,
            on_unknown_submit=on_unknown_submit,
        ),
    )
    if not wait or dry_run:
        if session.wants_json():
            print_json(sent)
        else:
            _print_sent(session, sent.message, replayed=sent.replayed)
        return
    if session.in_terminal:
        _print_sent(session, sent.message, replayed=sent.replayed)
    finish(session, session.wait_until_final(sent.message, sent.cursor, max_wait))


def finish(session: Session, message: message_pb2.Message) -> None:
    """Print a final message; the exit code tells whether it was delivered."""
    if session.wants_json():
        print_json(message)
    elif session.in_terminal:
        session.out.print(
            Text.assemble(message.id, "  ", status_text(message.status)),
            reason_name(message.reason),
        )
    else:
        print_line(f"{message.id} {status_name(message.status)} {reason_name(message.reason)}")
    if message.status != _DELIVERED:
        raise typer.Exit(failures.REFUSED)


def _print_sent(session: Session, message: message_pb2.Message, *, replayed: bool) -> None:
    if replayed:
        session.say("this request_id was used before; nothing was sent now")
    facts = (
        f"{count(message.segments, 'segment')}, "
        f"{short_name(message_pb2.Encoding.DESCRIPTOR, message.encoding)}, {price_text(message)}"
    )
    if not message.id:
        print_line(f"would be accepted: {facts}")
    elif session.in_terminal:
        session.out.print(
            Text.assemble(message.id, "  ", status_text(message.status), "  ", (facts, "dim"))
        )
    else:
        print_line(message.id)
