"""smsgate get"""

from collections.abc import Iterator
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client.cli import failures, parsing
from smsgate_client.cli.output import (
    STYLES,
    clock_text,
    count,
    price_text,
    print_json,
    print_line,
    printable,
    status_text,
)
from smsgate_client.cli.session import Session
from smsgate_client.names import is_final, reason_name, short_name, status_name

_TimeField = Literal[
    "create_time", "schedule_time", "sent_time", "delivered_time", "final_time", "expire_time"
]
_TIMES: tuple[tuple[str, _TimeField], ...] = (
    ("created", "create_time"),
    ("scheduled", "schedule_time"),
    ("sent", "sent_time"),
    ("delivered", "delivered_time"),
    ("final", "final_time"),
    ("expires", "expire_time"),
)


def get(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="The id of the message.")],
    history: Annotated[
        bool, typer.Option("--history", "-H", help="Add every transition, oldest first.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait until it is final; exit code 1 if failed.")
    ] = False,
    max_wait: parsing.MaxWait = None,
) -> None:
    """Show a message.

    Examples:

        smsgate get 01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f --history

        smsgate get "$id" --wait && echo delivered
    """
    session: Session = context.obj
    found = session.client.get(id, history=history)
    if wait and not is_final(found.message.status):
        session.wait_until_final(found.message, found.cursor, max_wait)
        found = session.client.get(id, history=history)
    if session.wants_json():
        print_json(found)
    elif session.in_terminal:
        _show(session, found)
    else:
        for name, value in facts(found.message):
            print_line(f"{name}: {value}")
        for event in found.history:
            print_line(f"event: {' '.join(event_words(event))}")
    if wait and found.message.status != message_pb2.MESSAGE_STATUS_DELIVERED:
        raise typer.Exit(failures.REFUSED)


def facts(message: message_pb2.Message) -> Iterator[tuple[str, str]]:
    """What there is to say of a message, for people."""
    yield "id", message.id
    yield "status", f"{status_name(message.status)} ({reason_name(message.reason)})"
    yield "recipient", f"{message.recipient} {message.country}".rstrip()
    yield "sender", printable(message.sender)
    yield "text", printable(message.text)
    encoding = short_name(message_pb2.Encoding.DESCRIPTOR, message.encoding)
    yield "length", f"{count(message.segments, 'segment')}, {encoding}"
    yield "price", price_text(message)
    for name, field in _TIMES:
        if message.HasField(field):
            yield name, clock_text(getattr(message, field))
    optional = {
        "batch": message.batch_id,
        "reference": printable(message.client_reference),
        "labels": printable(" ".join(f"{k}={v}" for k, v in sorted(message.labels.items()))),
        "carrier": message.carrier,
    }
    yield from ((name, value) for name, value in optional.items() if value)


def event_words(event: message_pb2.StatusEvent) -> list[str]:
    """One transition in a few words."""
    words = [clock_text(event.event_time), status_name(event.to_status), reason_name(event.reason)]
    if event.late:
        words.append(f"late receipt: {status_name(event.late_status)}")
    if event.segment:
        words.append(f"segment {event.segment}")
    if event.carrier_code:
        words.append(f"carrier code {printable(event.carrier_code)}")
    return words


def _show(session: Session, found: pb.GetMessageResponse) -> None:
    table = Table.grid(padding=(0, 2))
    for name, value in facts(found.message):
        style = STYLES.get(found.message.status, "") if name == "status" else ""
        shown = Text(value, style=style)
        table.add_row(Text(name, style="dim"), shown)
    session.out.print(table)
    for event in found.history:
        time, _, *rest = event_words(event)
        session.out.print(
            Text.assemble(
                ("  ● " if not event.late else "  ○ "),
                (time, "dim"),
                "  ",
                status_text(event.to_status),
                "  ",
                " · ".join(rest),
            )
        )
