"""smsgate estimate"""

import sys
from typing import Annotated

import typer
from rich.text import Text

from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as pb
from smsgate_client.cli import failures, sending
from smsgate_client.cli.output import count, money_text, print_json, printable
from smsgate_client.cli.session import Session
from smsgate_client.errors import from_status
from smsgate_client.names import short_name

_BAR_WIDTH = 20


def estimate(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="The text; - reads standard input.")],
    recipient: Annotated[
        str, typer.Option("--recipient", "-r", help="The number; needed for the price.")
    ] = "",
    sender: sending.Sender = "",
    single: sending.SingleOnly = False,
    max_segments: sending.MaxSegments = 0,
    validity: sending.Validity = "",
    send_at: sending.SendAt = "",
    max_price: sending.MaxPrice = "",
    smart: sending.SmartEncoding = False,
) -> None:
    """Show how a text would be sent: its segments and why, its price, and what forbids it.

    Sends nothing. Exit code 1 if it would be refused.

    Examples:

        smsgate estimate "It’s on its way" --recipient +393331234567

        smsgate estimate - --single < letter.txt || echo too long
    """
    session: Session = context.obj
    text = sys.stdin.read().removesuffix("\n") if text == "-" else text
    found = session.client.estimate(
        text,
        recipient=recipient,
        sender=sender,
        **sending.send_options(
            single=single,
            max_segments=max_segments,
            validity=validity,
            send_at=send_at,
            max_price=max_price,
            smart=smart,
        ),
    )
    if session.wants_json():
        print_json(found)
    else:
        _show(session, found)
    if found.would_fail_with:
        raise typer.Exit(failures.REFUSED)


def _show(session: Session, found: pb.EstimateMessageResponse) -> None:
    out = session.out
    encoding = short_name(message_pb2.Encoding.DESCRIPTOR, found.encoding)
    out.print(
        f"{encoding}, {count(found.characters, 'character')}, "
        f"{count(found.segment_count, 'segment')}"
    )
    for number, segment in enumerate(found.segments, 1):
        out.print(_segment(number, found.segment_count, segment))
    if found.substituted_characters:
        out.print(f"{count(found.substituted_characters, 'character')} replaced")
    _show_forcing(session, found)
    if found.cheaper_text:
        fewer = count(found.cheaper_segment_count, "segment")
        out.print(Text(f"with {fewer}: {printable(found.cheaper_text)}", style="green"))
    if price := _price(found):
        out.print(price)
    for status in found.would_fail_with:
        for sentence in failures.sentences(from_status(status)):
            out.print(Text(f"would be refused: {sentence}", style="red"))


def _segment(number: int, of: int, segment: pb.EstimatedSegment) -> Text:
    filled = round(_BAR_WIDTH * segment.units_used / max(1, segment.units_available))
    return Text.assemble(
        f"{number}/{of} ",
        ("█" * filled, "cyan"),
        ("░" * (_BAR_WIDTH - filled), "dim"),
        f" {segment.units_used}/{segment.units_available}  ",
        (printable(segment.text), "italic"),
    )


def _show_forcing(session: Session, found: pb.EstimateMessageResponse) -> None:
    if not found.forcing_characters:
        return
    forcing = {character.offset for character in found.forcing_characters}
    marked = Text("forced to UCS2 by: ")
    for offset, letter in enumerate(found.text):
        marked.append(printable(letter), style="reverse red" if offset in forcing else "dim")
    session.out.print(marked)
    for character in found.forcing_characters:
        instead = f", could be {printable(character.substitute)}" if character.substitute else ""
        session.out.print(
            f"  {printable(character.character)} {character.code_point} "
            f"at {character.offset}{instead}"
        )


def _price(found: pb.EstimateMessageResponse) -> str:
    if not found.country:
        return ""
    where = " ".join(part for part in (found.country, printable(found.operator_hint)) if part)
    if not found.HasField("total_price"):
        return f"price for {where}: unknown"
    total = money_text(found.total_price)
    if not found.price_exact and found.HasField("min_total_price"):
        total = f"{money_text(found.min_total_price)} to {total}, depending on the operator"
    return f"price for {where}: {total} ({money_text(found.price_per_segment)} a segment)"
