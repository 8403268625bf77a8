"""smsgate otp: send, show and cancel. How codes are checked is in otp_verify."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from smsgate.v1 import otp_service_pb2 as pb
from smsgate_client.cli import failures, otp_verify, parsing, sending
from smsgate_client.cli.facts import Fact, labels_text, print_facts
from smsgate_client.cli.output import (
    clock_text,
    count,
    price_text,
    print_json,
    print_line,
    printable,
    status_text,
)
from smsgate_client.cli.session import Session
from smsgate_client.names import reason_name, short_name
from smsgate_client.otp import SendOTPFields

otp = typer.Typer(
    name="otp",
    help="Prove that somebody holds a number, with one-time codes.",
    rich_markup_mode=None,
)
otp.command(epilog=otp_verify.EPILOG)(otp_verify.verify)

_STYLES = {
    pb.VERIFICATION_STATE_PENDING: "yellow",
    pb.VERIFICATION_STATE_APPROVED: "green",
    pb.VERIFICATION_STATE_EXPIRED: "magenta",
    pb.VERIFICATION_STATE_EXHAUSTED: "red",
    pb.VERIFICATION_STATE_CANCELLED: "red",
}
_Id = Annotated[str, typer.Argument(help="The id of the verification.")]


@otp.command()
def send(
    context: typer.Context,
    recipient: Annotated[str, typer.Argument(help="The number, e.g. +393331234567.")],
    purpose: Annotated[
        str, typer.Option("--purpose", "-p", help="What the code is for, e.g. login.")
    ] = "",
    length: Annotated[
        int, typer.Option("--length", min=0, help="Characters, 4 to 10; 0 is the server's 6.")
    ] = 0,
    alphabet: Annotated[
        str, typer.Option("--alphabet", help="numeric (default) or alphanumeric.")
    ] = "",
    ttl: Annotated[
        str, typer.Option("--ttl", help="How long it can be checked: 30s to 10m, default 5m.")
    ] = "",
    locale: Annotated[str, typer.Option("--locale", help="The language, e.g. it or pt-BR.")] = "",
    brand: Annotated[str, typer.Option("--brand", help="The name of your product.")] = "",
    web_origin: Annotated[
        str, typer.Option("--web-origin", help="The host of the page that fills the code in.")
    ] = "",
    android_app_hash: Annotated[
        str, typer.Option("--android-app-hash", help="The hash of the app that reads the code.")
    ] = "",
    sender: sending.Sender = "",
    reference: Annotated[str, typer.Option("--reference", help="Your own reference.")] = "",
    label: sending.Labels = None,
    max_price: sending.MaxPrice = "",
    on_unknown_submit: Annotated[
        str,
        typer.Option(
            "--on-unknown-submit",
            help="If the carrier's answer is lost: at-least-once (default) or at-most-once.",
        ),
    ] = "",
    request_id: Annotated[
        str, typer.Option("--request-id", help="Repeating it with the same id sends nothing.")
    ] = "",
    dry_run: sending.DryRun = False,
) -> None:
    """Send a one-time code, or a pending one again. Nobody can read it back.

    In a pipe it prints the id of the verification alone.

    Examples:

        id=$(smsgate otp send +393331234567 --purpose login --brand Shop)

        smsgate otp send +393331234567 --dry-run --locale it --web-origin example.com
    """
    session: Session = context.obj
    fields = SendOTPFields(
        purpose=purpose,
        length=length,
        alphabet=alphabet,
        locale=locale,
        brand=brand,
        web_origin=web_origin,
        android_app_hash=android_app_hash,
        sender=sender,
        client_reference=reference,
        labels=parsing.labels(label),
        on_unknown_submit=on_unknown_submit,
        dry_run=dry_run,
    )
    if ttl:
        fields["ttl"] = parsing.span(ttl)
    if max_price:
        fields["max_price"] = max_price
    fields["request_id"] = session.request_id(request_id)
    sent = session.client.send_otp(recipient, **fields)
    if session.wants_json():
        print_json(sent)
    else:
        _print_sent(session, sent)


@otp.command()
def show(context: typer.Context, id: _Id) -> None:
    """Show a verification, with the delivery of each of its messages.

    Examples:

        smsgate otp show 01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f
    """
    session: Session = context.obj
    found = session.client.get_verification(id)
    if session.wants_json():
        print_json(found)
        return
    print_facts(session, _facts(found.verification))
    for each in found.verification.sends:
        status = status_text(each.status)
        rest = f" ({reason_name(each.reason)}) {clock_text(each.create_time)} {each.message_id}"
        session.out.print(Text.assemble("sent: ", status, rest))


@otp.command()
def cancel(context: typer.Context, id: _Id) -> None:
    """Make a code worthless at once. Exit code 1 if the verification had ended otherwise.

    Examples:

        smsgate otp cancel 01993b1e-7c1f-7a3e-9d52-0f6b1c2d3e4f
    """
    session: Session = context.obj
    verification = session.client.cancel_verification(id).verification
    if session.wants_json():
        print_json(verification)
    elif session.in_terminal:
        session.out.print(Text.assemble(verification.id, "  ", _state(verification)))
    else:
        print_line(f"{verification.id} {_state(verification)}")
    if verification.state != pb.VERIFICATION_STATE_CANCELLED:
        session.say("it had ended before, so that nothing was cancelled")
        raise typer.Exit(failures.REFUSED)


def _print_sent(session: Session, sent: pb.SendOTPResponse) -> None:
    verification, message = sent.verification, sent.message
    if sent.replayed:
        session.say("this request_id was used before; nothing was sent now")
    elif sent.reused:
        did = "was" if verification.id else "would be"
        session.say(f"a code is pending for this number and purpose; it {did} sent again")
    if not verification.id:
        print_line(f"would be sent from {printable(message.sender)}: {printable(message.text)}")
        print_line(f"{count(message.segments, 'segment')}, {price_text(message)}")
    elif session.in_terminal:
        facts = f"{printable(verification.recipient)}, until {clock_text(verification.expire_time)}"
        line = Text.assemble(verification.id, "  ", _state(verification), "  ", (facts, "dim"))
        session.out.print(line)
    else:
        print_line(verification.id)


def _state(verification: pb.Verification) -> Text:
    name = short_name(pb.VerificationState.DESCRIPTOR, verification.state)
    return Text(name, style=_STYLES.get(verification.state, ""))


def _facts(verification: pb.Verification) -> Iterator[Fact]:
    alphabet = short_name(pb.CodeAlphabet.DESCRIPTOR, verification.alphabet)
    yield "id", verification.id
    yield "state", _state(verification)
    yield "recipient", f"{printable(verification.recipient)} {verification.country}".rstrip()
    yield "purpose", printable(verification.purpose)
    yield "code", f"{count(verification.length, 'character')}, {alphabet}"
    yield "attempts", f"{verification.attempts_used} used, {verification.attempts_remaining} left"
    yield "sends", f"{len(verification.message_ids)} made, {verification.sends_remaining} left"
    if verification.HasField("next_send_time"):
        yield "next send", f"from {clock_text(verification.next_send_time)} on"
    yield "created", clock_text(verification.create_time)
    yield "expires", clock_text(verification.expire_time)
    if verification.HasField("final_time"):
        yield "final", clock_text(verification.final_time)
    yield "sender", printable(verification.sender)
    yield "brand", printable(verification.brand)
    yield "locale", printable(verification.locale)
    yield "reference", printable(verification.client_reference)
    yield "labels", labels_text(verification.labels)
