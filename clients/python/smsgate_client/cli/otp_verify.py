"""smsgate otp verify"""

import sys
from typing import Annotated

import typer
from rich.text import Text

from smsgate.v1 import otp_service_pb2 as pb
from smsgate_client.cli.output import count, print_json, print_line
from smsgate_client.cli.session import Session
from smsgate_client.names import verify_result_name

APPROVED = 0
# Of a newer server. What is not known is not approved.
OTHER_RESULT = 19
_EXIT_CODES: dict[int, int] = {
    pb.VERIFY_RESULT_APPROVED: APPROVED,
    pb.VERIFY_RESULT_INCORRECT: 10,
    pb.VERIFY_RESULT_EXPIRED: 11,
    pb.VERIFY_RESULT_EXHAUSTED: 12,
    pb.VERIFY_RESULT_ALREADY_USED: 13,
    pb.VERIFY_RESULT_CANCELLED: 14,
}
_SENTENCES: dict[int, str] = {
    pb.VERIFY_RESULT_APPROVED: "the code is right",
    pb.VERIFY_RESULT_INCORRECT: "the code is wrong",
    pb.VERIFY_RESULT_EXPIRED: "it is too late for this code; `smsgate otp send` makes a new one",
    pb.VERIFY_RESULT_EXHAUSTED: "no attempt is left; `smsgate otp send` makes a new code",
    pb.VERIFY_RESULT_ALREADY_USED: "the code was used before, and counts once",
    pb.VERIFY_RESULT_CANCELLED: "the verification was cancelled",
}
EPILOG = (
    "Exit codes: 0 approved, and nothing else; 10 incorrect; 11 expired; 12 no attempt left; "
    "13 already used; 14 cancelled; 19 any other answer."
)
# A code has at most 10 characters; typed with spaces and hyphens it is still far from this.
_LONGEST_INPUT = 1_000


def verify(
    context: typer.Context,
    first: Annotated[
        str, typer.Argument(metavar="ID", help="The verification; not with --recipient.")
    ] = "",
    second: Annotated[
        str,
        typer.Argument(
            metavar="CODE", help="The code; - reads standard input; without it you are asked."
        ),
    ] = "",
    recipient: Annotated[
        str, typer.Option("--recipient", "-r", help="The number, instead of the id.")
    ] = "",
    purpose: Annotated[
        str, typer.Option("--purpose", "-p", help="With --recipient: what the code is for.")
    ] = "",
    request_id: Annotated[
        str, typer.Option("--request-id", help="Repeating it with the same id costs no attempt.")
    ] = "",
) -> None:
    """Check a code. The exit code is 0 only if it is right, and for the first time.

    Others on this machine can see the arguments of a command; asked for or read, the code is
    yours alone.

    Examples:

        smsgate otp verify "$id" 123456 && echo welcome

        smsgate otp verify --recipient +393331234567 --purpose login

        printf %s "$code" | smsgate otp verify "$id" -
    """
    session: Session = context.obj
    id, typed = words(first, second, bool(recipient))
    answer = session.client.verify_otp(
        _code(typed),
        verification_id=id,
        recipient=recipient,
        purpose=purpose,
        request_id=session.request_id(request_id),
    )
    _print(session, answer)
    if code := exit_code(answer.result):
        raise typer.Exit(code)


def words(first: str, second: str, by_recipient: bool) -> tuple[str, str]:
    """The id and the code that were typed; an empty code is to be asked for."""
    if second:
        return first, second
    if by_recipient:
        return "", first
    if not first:
        raise typer.BadParameter("name the verification by its id, or by --recipient")
    return first, ""


def exit_code(result: int) -> int:
    """0 for APPROVED and nothing else, a code of its own for every other answer."""
    return _EXIT_CODES.get(result, OTHER_RESULT)


def sentence(answer: pb.VerifyOTPResponse) -> str:
    """The answer for people."""
    if answer.result == pb.VERIFY_RESULT_INCORRECT:
        left = count(answer.verification.attempts_remaining, "attempt")
        return f"{_SENTENCES[answer.result]}; {left} left"
    return _SENTENCES.get(answer.result, "this answer is not known here, so it is not approved")


def _code(typed: str) -> str:
    if typed == "-":
        return sys.stdin.read(_LONGEST_INPUT).strip()
    if typed:
        return typed
    if not sys.stdin.isatty():
        raise typer.BadParameter("give the code, or - to read it from standard input")
    return str(typer.prompt("code", hide_input=True, err=True))


def _print(session: Session, answer: pb.VerifyOTPResponse) -> None:
    name = verify_result_name(answer.result)
    approved = answer.result == pb.VERIFY_RESULT_APPROVED
    if session.wants_json():
        print_json(answer)
    elif session.in_terminal:
        style = "green" if approved else "red"
        session.out.print(Text.assemble((name, style), "  ", sentence(answer)))
    else:
        print_line(f"{name} {answer.verification.id}".rstrip())
        if not approved:
            session.say(sentence(answer))
