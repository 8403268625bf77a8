"""smsgate watch"""

from contextlib import closing
from typing import Annotated

import typer

from smsgate_client.cli import parsing
from smsgate_client.cli.output import as_plain, print_json
from smsgate_client.cli.pipes import reader_is_gone, until_closed
from smsgate_client.cli.session import Outages, Session
from smsgate_client.cli.watch_table import WatchTable
from smsgate_client.following import Followed, FollowFields, FollowPhase, FollowState

# Often enough that a reader that went away is noticed soon, though nothing happens.
_PIPE_HEARTBEAT_SECONDS = 5.0


@until_closed
def watch(
    context: typer.Context,
    message: Annotated[
        list[str] | None, typer.Option("--message", help="Only this message id. Repeatable.")
    ] = None,
    batch: parsing.Batches = None,
    status: parsing.Statuses = None,
    country: parsing.Countries = None,
    sender: parsing.Senders = None,
    label: parsing.LabelFilter = None,
    final_only: Annotated[
        bool, typer.Option("--final", help="Only events that lead to a final status.")
    ] = False,
    cursor: Annotated[str, typer.Option("--cursor", help="Go on after this position.")] = "",
    since: Annotated[
        str, typer.Option("--since", help="Start in the past: 10m, 2h, or a time.")
    ] = "",
    from_earliest: Annotated[
        bool, typer.Option("--from-earliest", help="Start with the oldest event there is.")
    ] = False,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="First show the messages as they are.")
    ] = False,
    latest_only: Annotated[
        bool, typer.Option("--latest-only", help="Skip to the newest event of each message.")
    ] = False,
    until_final: Annotated[
        bool,
        typer.Option("--until-final", help="End once all are final; with --message or --batch."),
    ] = False,
    max_outage: Annotated[
        float | None, typer.Option("--max-outage", help="Give up after so many seconds without.")
    ] = None,
) -> None:
    """Follow every status transition live: a table in a terminal, JSON lines in a pipe.

    It goes on by itself after a broken connection or a restart of the gateway, without loss or
    repeat. Each line has the cursor to go on from with --cursor. Ctrl-C ends it with success.

    Examples:

        smsgate watch --country IT --label team=shop

        smsgate watch --from-earliest --final | jq -r '[.recipient, .to_status] | @tsv'

        smsgate watch --batch "$batch" --from-earliest --until-final
    """
    session: Session = context.obj
    fields = FollowFields(
        message_ids=message or (),
        batch_ids=batch or (),
        statuses=status or (),
        countries=country or (),
        senders=sender or (),
        labels=parsing.labels(label),
        terminal_only=final_only,
        start_cursor=cursor,
        start_time=parsing.past(since) if since else None,
        from_earliest=from_earliest,
        snapshot=snapshot,
        delivery="LATEST_ONLY" if latest_only else "EVERY_TRANSITION",
        end_when_all_terminal=until_final,
        max_outage=max_outage,
    )
    try:
        if session.wants_json(lines=True) or not session.in_terminal:
            _print_lines(session, fields)
        else:
            _show_table(session, fields)
    except KeyboardInterrupt:
        return


def _print_lines(session: Session, fields: FollowFields) -> None:
    outages = Outages(session)

    def on_state(state: FollowState) -> None:
        if reader_is_gone():
            raise BrokenPipeError
        outages(state)

    fields |= FollowFields(on_state=on_state, heartbeat_interval=_PIPE_HEARTBEAT_SECONDS)
    with closing(session.client.follow_with_cursor(**fields)) as followed:
        for step in followed:
            _print_step(step)


def _print_step(step: Followed) -> None:
    if step.event is not None:
        coalesced = {"coalesced": step.coalesced} if step.coalesced else {}
        print_json({"cursor": step.cursor} | coalesced | as_plain(step.event))
    elif step.message is not None:
        print_json({"message": as_plain(step.message)})


def _show_table(session: Session, fields: FollowFields) -> None:
    outages = Outages(session)
    with WatchTable(session.out, session.client.connection.target) as table:

        def on_state(state: FollowState) -> None:
            outages(state)
            table.connected = state.phase is not FollowPhase.INTERRUPTED

        fields |= FollowFields(on_state=on_state)
        with closing(session.client.follow_with_cursor(**fields)) as followed:
            for step in followed:
                table.add(step)
