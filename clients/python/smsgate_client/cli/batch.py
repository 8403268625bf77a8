"""smsgate batch"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from smsgate_client.cli import failures, parsing, sending
from smsgate_client.cli.batch_rows import Row, job_of, rows_of
from smsgate_client.cli.batch_run import Outcome, Summary, outcomes
from smsgate_client.cli.output import as_plain, count, print_json, print_line, printable
from smsgate_client.cli.session import Session
from smsgate_client.errors import SmsgateError, from_status
from smsgate_client.requests import BatchFields


def batch(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="A CSV file or plain numbers; - is standard input.")],
    text: Annotated[str, typer.Option("--text", help="The text of rows that have none.")] = "",
    sender: sending.Sender = "",
    label: sending.Labels = None,
    job: Annotated[
        str, typer.Option("--job", help="A name of this job; see below. Default: the content.")
    ] = "",
    dry_run: sending.DryRun = False,
    single: sending.SingleOnly = False,
    max_segments: sending.MaxSegments = 0,
    validity: sending.Validity = "",
    send_at: sending.SendAt = "",
    max_price: sending.MaxPrice = "",
    smart: sending.SmartEncoding = False,
    on_unknown_submit: sending.OnUnknownSubmit = "",
) -> None:
    """Send a file of messages. Running it again sends only what was not sent before.

    The file is CSV with a header, recipient,text and if wanted sender,reference,label:KEY, or
    plain numbers, one a line, with --text.

    Each row is known by the job and its recipient (and which of the rows for that recipient it
    is), so that after a break the same command can simply be repeated within 24 hours. Without
    --job the job is the file's content with the options: a changed file is another job. With
    --job NAME rows can be corrected and added before it is run again; one that was sent and then
    got another text is refused.

    Exit code 1 if rows were refused. In a pipe every row gives one line of JSON.

    Examples:

        smsgate batch customers.csv --dry-run

        smsgate batch numbers.txt --text "We open at nine" --job opening-day

        psql -c "copy (select ...) to stdout csv header" | smsgate batch - --sender Shop
    """
    session: Session = context.obj
    content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    rows = rows_of(content)
    options = sending.send_options(
        dry_run=dry_run,
        single=single,
        max_segments=max_segments,
        validity=validity,
        send_at=send_at,
        max_price=max_price,
        smart=smart,
        on_unknown_submit=on_unknown_submit,
    )
    common = cast(
        BatchFields, {**options, "text": text, "sender": sender, "labels": parsing.labels(label)}
    )
    # --at 10m is another time at each run, yet the same job: what was typed counts.
    typed = (text, sender, *(label or ()), str(single), str(max_segments), validity, send_at)
    job = job or job_of(content, *typed, max_price, str(smart), on_unknown_submit)
    summary = Summary(len(rows))
    try:
        _run(session, rows, job, common, summary)
    except SmsgateError:
        done = f"stopped after {summary.done:,} of {count(summary.rows, 'row')}"
        session.say(f"{done}; run it again to go on, nothing is sent twice")
        raise
    _tell(session, summary, dry_run=dry_run)
    if summary.refused:
        raise typer.Exit(failures.REFUSED)


def _run(
    session: Session, rows: list[Row], job: str, common: BatchFields, summary: Summary
) -> None:
    def on_limit(wait: float) -> None:
        session.say(f"a limit is reached; going on in {wait:g} s")

    as_json = session.wants_json(lines=True)
    with _progress(session, len(rows)) as advance:
        for chunk in outcomes(session.client, rows, job, common, summary, on_limit):
            for outcome in chunk:
                if as_json:
                    print_json(_plain(outcome))
                elif outcome[1].WhichOneof("outcome") == "error":
                    _tell_refused(session, outcome)
            advance(len(chunk))


@contextmanager
def _progress(session: Session, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = session.err.is_terminal
    with Progress(*columns, console=session.err, transient=True, disable=not shown) as progress:
        task = progress.add_task("sending", total=total)
        yield lambda rows: progress.advance(task, rows)


def _plain(outcome: Outcome) -> dict[str, Any]:
    row, result = outcome
    plain: dict[str, Any] = {"line": row.line, "recipient": row.recipient}
    if result.WhichOneof("outcome") == "error":
        return plain | {"error": as_plain(result.error)}
    message = as_plain(result.message)
    kept = ("id", "batch_id", "status", "segments", "total_price")
    plain |= {name: message[name] for name in kept if name in message}
    return plain | ({"replayed": True} if result.replayed else {})


def _tell_refused(session: Session, outcome: Outcome) -> None:
    row, result = outcome
    for sentence in failures.sentences(from_status(result.error)):
        session.err.print(f"line {row.line}: {printable(row.recipient)}: {sentence}")


def _tell(session: Session, summary: Summary, *, dry_run: bool) -> None:
    accepted = "would be accepted" if dry_run else "accepted"
    parts = [f"{summary.accepted:,} {accepted}"]
    if summary.repeated:
        parts.append(f"{summary.repeated:,} sent before, not again")
    if summary.refused:
        parts.append(f"{summary.refused:,} refused")
    parts.append(count(summary.segments, "segment"))
    parts += [f"{amount:f} {currency}" for currency, amount in sorted(summary.prices.items())]
    if summary.unpriced:
        parts.append(f"{summary.unpriced:,} without a known price")
    lines = [", ".join(parts), *(f"batch {id}" for id in summary.batch_ids)]
    for line in lines:
        # With JSON on standard output the summary is for the person beside it.
        if session.wants_json(lines=True):
            session.err.print(line)
        else:
            print_line(line)
