"""smsgate lookup"""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate.v1 import pricing_service_pb2 as pb
from smsgate_client.cli import failures
from smsgate_client.cli.facts import Fact, print_facts
from smsgate_client.cli.output import money_text, print_json, printable
from smsgate_client.cli.pipes import until_closed
from smsgate_client.cli.prices import Billing
from smsgate_client.cli.session import Session
from smsgate_client.names import short_name


@until_closed
def lookup(
    context: typer.Context,
    numbers: Annotated[
        list[str], typer.Argument(help="The numbers, e.g. +393331234567.", metavar="NUMBER...")
    ],
    billing: Billing = "",
) -> None:
    """Show all that is known of numbers, without asking a network.

    JSON lines in a pipe. Exit code 1 if any of them could not be sent to.

    Examples:

        smsgate lookup +393331234567

        smsgate lookup "+39 333 1234567" | jq -r .suggested_recipient
    """
    session: Session = context.obj
    all_sendable = True
    for position, number in enumerate(numbers):
        found = session.client.lookup_number(number, billing_mode=billing)
        all_sendable &= found.sendable
        if session.wants_json(lines=True):
            print_json(found)
            continue
        if position:
            session.out.print()
        print_facts(session, facts(found))
    if not all_sendable:
        raise typer.Exit(failures.REFUSED)


def facts(found: pb.LookupNumberResponse) -> Iterator[Fact]:
    """What there is to say of a number, for people."""
    yield "number", printable(found.recipient)
    yield "sendable", _sendable(found)
    if found.suggested_recipient:
        yield "did you mean", Text(printable(found.suggested_recipient), style="cyan")
    if found.kind:
        yield "kind", short_name(pb.NumberKind.DESCRIPTOR, found.kind).lower().replace("_", " ")
    yield "country", _country(found)
    yield "national", printable(found.national_format)
    yield "international", printable(found.international_format)
    yield "operator", operator(found)
    if found.valid:
        yield "price", price(found)


def _sendable(found: pb.LookupNumberResponse) -> Text:
    if found.sendable:
        return Text("yes", style="green")
    why = printable(found.description) or "not accepted as a recipient"
    reason = f" ({printable(found.reason)})" if found.reason else ""
    return Text(f"no: {why}{reason}", style="red")


def _country(found: pb.LookupNumberResponse) -> str:
    prefix = f"+{found.country_code}" if found.country_code else ""
    # A code that belongs to no country is its own prefix.
    codes = ", ".join(dict.fromkeys(part for part in (printable(found.country), prefix) if part))
    name = printable(found.country_name)
    return f"{name} ({codes})" if name and codes else name or codes


def operator(found: pb.LookupNumberResponse) -> str:
    """The operator, and how far that can be trusted."""
    if not found.operator_hint:
        return ""
    source = f", by {printable(found.operator_source)}" if found.operator_source else ""
    moved = "; the number can have been taken to another" if found.portable else ""
    return f"{printable(found.operator_hint)}{source}{moved}"


def price(found: pb.LookupNumberResponse) -> str:
    """The price of a segment, never more certain than it is."""
    if not found.HasField("price_per_segment"):
        return "unknown"
    status = short_name(message_pb2.PriceStatus.DESCRIPTOR, found.price_status)
    upto = "" if found.price_exact else "at most "
    operators = "" if found.price_exact else ", depending on the operator"
    return f"{upto}{money_text(found.price_per_segment)} a segment{operators} ({status})"
