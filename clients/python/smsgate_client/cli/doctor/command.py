"""smsgate doctor."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from smsgate_client.cli.doctor.calls import Calls
from smsgate_client.cli.doctor.finding import Check, Finding, Verdict, skipped
from smsgate_client.cli.doctor.network import Network
from smsgate_client.cli.failures import REFUSED
from smsgate_client.cli.output import print_json, print_line, printable
from smsgate_client.cli.session import Session

_LOOKS = {
    Verdict.OK: ("✓", "green"),
    Verdict.WARNING: ("!", "yellow"),
    Verdict.FAILED: ("✗", "bold red"),
    Verdict.SKIPPED: ("·", "dim"),
}
_NAME_WIDTH = 12


def doctor(
    context: typer.Context,
    keepalive: Annotated[
        float,
        typer.Option("--keepalive", min=0, help="Seconds to watch an idle connection for."),
    ] = 0,
) -> int:
    """Look at every step of the way to the server, and say what to do.

    Exits with 1 if something does not work.

    Examples:

        smsgate doctor --target sms.example.com:443 --tls-ca ca.pem

        smsgate doctor --keepalive 120
    """
    session: Session = context.obj
    code = 0
    for name, finding in _examined(session, keepalive):
        if finding.verdict is Verdict.FAILED:
            code = REFUSED
        if session.wants_json():
            print_json(
                {
                    "check": name,
                    "verdict": finding.verdict.value,
                    "says": finding.says,
                    "advice": finding.advice,
                }
            )
        else:
            _show(session, name, finding)
    return code


def _examined(session: Session, keepalive: float) -> Iterator[tuple[str, Finding]]:
    """Every check as it is done. After a vital one that failed the rest is left out."""
    client = session.client
    network, calls = Network(client.connection), Calls(client, session.timeout)
    checks = [
        Check("name", network.names, vital=True),
        Check("tcp", network.tcp, vital=True),
        Check("tls", network.encryption, vital=True),
        Check("health", calls.health),
        Check("key", calls.key, vital=True),
        Check("version", calls.version),
        Check("clock", calls.clock),
        Check("size", calls.size),
        Check("stream", calls.stream),
        Check("keepalive", lambda: calls.keepalive(keepalive)),
    ]
    if client.connection.target.startswith("unix"):
        checks = checks[3:]
    broken = ""
    for check in checks:
        finding = skipped(f"not before {broken} is well") if broken else check.make()
        yield check.name, finding
        if check.vital and finding.verdict is Verdict.FAILED:
            broken = check.name


def _show(session: Session, name: str, finding: Finding) -> None:
    says, advice = printable(finding.says), printable(finding.advice)
    if not session.in_terminal:
        print_line(f"{finding.verdict.value:8} {name:{_NAME_WIDTH}} {says}")
        if advice:
            print_line(f"{'':8} {'':{_NAME_WIDTH}} {advice}")
        return
    sign, style = _LOOKS[finding.verdict]
    line = Text.assemble((sign, style), " ", (f"{name:{_NAME_WIDTH}}", "bold"), says)
    session.out.print(line)
    if advice:
        session.out.print(Text(f"  {'':{_NAME_WIDTH}}→ {advice}", style="cyan"))
