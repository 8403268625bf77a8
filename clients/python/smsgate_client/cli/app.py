"""The command line put together: global options, commands, and the way every command ends."""

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from smsgate_client.cli import failures
from smsgate_client.cli.account import account
from smsgate_client.cli.batch import batch
from smsgate_client.cli.cancel import cancel
from smsgate_client.cli.destinations import destinations
from smsgate_client.cli.doctor.command import doctor
from smsgate_client.cli.estimate import estimate
from smsgate_client.cli.get import get
from smsgate_client.cli.listing import list_messages
from smsgate_client.cli.lookup import lookup
from smsgate_client.cli.otp import otp
from smsgate_client.cli.output import Output, printable
from smsgate_client.cli.prices import prices
from smsgate_client.cli.send import send
from smsgate_client.cli.session import Session
from smsgate_client.cli.usage import usage
from smsgate_client.cli.watch import watch
from smsgate_client.cli.webhooks import webhooks
from smsgate_client.connection import (
    API_KEY_VARIABLE,
    CALL_TIMEOUT_SECONDS,
    DEFAULT_TARGET,
    TARGET_VARIABLE,
    ConnectionFields,
)
from smsgate_client.errors import SmsgateError

_EPILOG = (
    "Exit codes: 0 success; 1 refused, in part, or not delivered; 2 usage or invalid argument; "
    "3 not found; 4 conflict or precondition; 5 limit; 6 unavailable or out of time; "
    "7 credentials; 70 a defect; 130 interrupted; `otp verify` has more."
)

app = typer.Typer(
    name="smsgate",
    help="Send SMS through a gateway and follow them to their final status.",
    epilog=_EPILOG,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(send)
app.command()(batch)
app.command()(estimate)
app.command()(get)
app.command(name="list")(list_messages)
app.command()(cancel)
app.command()(watch)
app.command()(doctor)
app.add_typer(otp)
app.command()(prices)
app.command()(destinations)
app.command()(lookup)
app.command()(usage)
app.add_typer(webhooks)
app.add_typer(account)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        number = version("smsgate")
    except PackageNotFoundError:
        number = "(not installed)"
    typer.echo(f"smsgate {number}")
    raise typer.Exit


@app.callback()
def connect(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Option(
            "--target", "-t", help=f"HOST:PORT, default {TARGET_VARIABLE} or {DEFAULT_TARGET}."
        ),
    ] = "",
    api_key: Annotated[
        str, typer.Option("--api-key", help=f"The API key, default {API_KEY_VARIABLE}.")
    ] = "",
    tls_ca: Annotated[
        str,
        typer.Option(
            "--tls-ca", envvar="SMSGATE_TLS_CA", help="A file of certificates to trust, for TLS."
        ),
    ] = "",
    client_cert: Annotated[
        str,
        typer.Option(
            "--client-cert",
            envvar="SMSGATE_CLIENT_CERT",
            help="A file with this client's own certificate, where the server wants one.",
        ),
    ] = "",
    client_key: Annotated[
        str,
        typer.Option(
            "--client-key", envvar="SMSGATE_CLIENT_KEY", help="The file with its private key."
        ),
    ] = "",
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", envvar="SMSGATE_INSECURE", help="No TLS, though it is another machine."
        ),
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.001, help="Seconds that each call may take.")
    ] = CALL_TIMEOUT_SECONDS,
    output: Annotated[
        Output, typer.Option("--output", "-o", help="auto: text; many results in a pipe as JSON.")
    ] = Output.AUTO,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="The version."),
    ] = False,
) -> None:
    """Send SMS through a gateway and follow them to their final status."""
    session: Session = context.obj
    session.target = target
    session.timeout = timeout
    session.output = output
    session.connection = ConnectionFields(
        api_key=api_key,
        tls_ca=tls_ca or None,
        tls_certificate=client_cert or None,
        tls_key=client_key or None,
        insecure=insecure,
    )


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code. Never raises, never shows a traceback."""
    session = Session()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        code = app(given or ["--help"], prog_name="smsgate", obj=session, standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SmsgateError as error:
        target = session.client.connection.target
        for line in failures.explain(error, target, session.own_request_id):
            session.say(line)
        return failures.exit_code(error)
    except (KeyboardInterrupt, typer.Abort):
        return failures.INTERRUPTED
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        session.say(printable(f"{name}{error.strerror or error}"))
        return failures.USAGE
    except ValueError as error:
        session.say(printable(str(error)))
        return failures.USAGE
    except Exception as error:
        return _other(session, error)
    finally:
        session.close()


def _other(session: Session, error: Exception) -> int:
    # Typer carries a click of its own in some versions, so its errors are known by what they do.
    format_message = getattr(error, "format_message", None)
    if format_message is None:
        session.say(f"this is a defect of the command: {type(error).__name__}: {error}")
        return failures.DEFECT
    usage_of = getattr(error, "ctx", None)
    if message := format_message():
        session.say(message.splitlines()[0] if not usage_of else message)
    if usage_of is not None:
        session.say(f"hint: {usage_of.command_path} --help")
    return failures.USAGE
