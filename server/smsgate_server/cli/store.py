"""`smsgate-server store`: moving all there is from a file to PostgreSQL."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from smsgate_server.cli.failing import fail
from smsgate_server.storage.errors import StoreSetupError

if TYPE_CHECKING:
    from smsgate_server.storage.moving import Move

app = typer.Typer(help="The store: moving it to PostgreSQL.", no_args_is_help=True)

_From = Annotated[str, typer.Option("--from", metavar="sqlite:PATH", help="The store there is.")]
_To = Annotated[
    str, typer.Option("--to", metavar="postgresql://…", help="An empty PostgreSQL database.")
]


@app.command("copy")
def copy(source: _From, target: _To) -> None:
    """Copy a store to PostgreSQL, with all its messages, accounts, money and codes, and compare.

    Stop the server first. The file is not changed. When it is interrupted, run it again: it goes on
    where it was. Streams begin anew afterwards: cursors belong to one store.
    """
    with _Shown("copied") as shown, _failing():
        _move(source, target).run(shown.progress)
    _compare(source, target)
    typer.echo("the copy is whole; start the servers with --store and this PostgreSQL database")


@app.command("compare")
def compare(source: _From, target: _To) -> None:
    """Read both stores and compare them, table by table. Exit code 2 if they differ."""
    _compare(source, target)
    typer.echo("both are the same")


def _compare(source: str, target: str) -> None:
    with _Shown("compared") as shown, _failing():
        pairs = _move(source, target).compare(shown.progress)
    different = [(one, other) for one, other in pairs if one != other]
    for one, other in different:
        typer.echo(f"{one.name}: {one.rows} rows in the file, {other.rows} in PostgreSQL", err=True)
    if different:
        fail("the two stores differ")


def _move(source: str, target: str) -> "Move":
    if not source.startswith("sqlite:"):
        fail("--from must be sqlite:PATH")
    if not target.startswith(("postgresql://", "postgres://")):
        fail("--to must be postgresql://USER@HOST/DATABASE")
    try:
        from smsgate_server.storage.moving import Move
    except ImportError as error:
        fail(f"PostgreSQL needs what the extra [postgres] installs ({error})")
    return Move(Path(source.removeprefix("sqlite:")).expanduser(), target)


class _failing:
    """Errors as sentences."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StoreSetupError | OSError):
            fail(error)


class _Shown:
    """A bar for each table in a terminal; a line for each, once it is done, in a pipe."""

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:17}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._last: tuple[str, int] = ("", 0)

    def __enter__(self) -> "_Shown":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._line()
        self._bars.stop()

    def progress(self, table: str, done: int, total: int) -> None:
        if self._last[0] and self._last[0] != table:
            self._line()
        self._last = (table, done)
        if self._console.is_terminal:
            task = self._tasks.get(table)
            if task is None:
                task = self._tasks[table] = self._bars.add_task(table, total=total)
            self._bars.update(task, completed=done, total=total)

    def _line(self) -> None:
        table, done = self._last
        if table and not self._console.is_terminal:
            typer.echo(f"{self._verb} {table}: {done} rows", err=True)
        self._last = ("", 0)
