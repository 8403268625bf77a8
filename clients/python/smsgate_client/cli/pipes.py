"""A reader of our output that goes away is not an error."""

import functools
import os
import select
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

_P = ParamSpec("_P")
_R = TypeVar("_R")


def until_closed(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """End a command with success once nobody reads its output any more, as `| head` does."""

    @functools.wraps(command)
    def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return command(*args, **kwargs)
        except BrokenPipeError:
            silence_stdout()
            raise typer.Exit from None

    return wrapped


def silence_stdout() -> None:
    """Send what is still buffered nowhere, or Python complains of it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def reader_is_gone() -> bool:
    """Whether nobody reads our output any more, found without writing to it."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False
