"""What all commands share: the connection, the two consoles, and how to wait."""

import sys
from dataclasses import dataclass, field
from functools import cached_property

from rich.console import Console

from smsgate.v1 import message_pb2
from smsgate_client.blocking import BlockingClient
from smsgate_client.cli.output import Output, printable
from smsgate_client.connection import ConnectionFields
from smsgate_client.following import FollowPhase, FollowState
from smsgate_client.names import is_final
from smsgate_client.requests import new_request_id

_WIDTH_IN_DOUBT = 80
# Wider ones are no easier to read.
_WIDEST_CHART = 160


@dataclass
class Session:
    """The global options, and what is made of them."""

    target: str = ""
    timeout: float = 10.0
    output: Output = Output.AUTO
    connection: ConnectionFields = field(default_factory=ConnectionFields)
    own_request_id: str = ""

    @cached_property
    def client(self) -> BlockingClient:
        """The client of this run."""
        return BlockingClient(self.target, timeout=self.timeout, **self.connection)

    def request_id(self, given: str) -> str:
        """The request_id that was given, else one that is told if the outcome stays unknown."""
        if given:
            return given
        self.own_request_id = new_request_id()
        return self.own_request_id

    def close(self) -> None:
        """Close the connection, if there is one."""
        if "client" in self.__dict__:
            self.client.close()

    @cached_property
    def out(self) -> Console:
        """Standard output."""
        # A pipe has no width: its lines are not to be broken.
        width = None if sys.stdout.isatty() else 10_000
        return Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)

    @cached_property
    def err(self) -> Console:
        """Standard error."""
        return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)

    @property
    def in_terminal(self) -> bool:
        """Whether a person reads the output."""
        return self.out.is_terminal and self.output is not Output.JSON

    @property
    def chart_width(self) -> int:
        """The columns that a chart may fill: those of the terminal, in doubt 80."""
        width = self.out.width if sys.stdout.isatty() else _WIDTH_IN_DOUBT
        return min(width, _WIDEST_CHART)

    @property
    def without_colour(self) -> bool:
        """Whether colours do not reach the reader, so that they must not mean anything."""
        return self.out.no_color or self.out.color_system is None

    def wants_json(self, lines: bool = False) -> bool:
        """Whether to print JSON. `lines`: many results, which a pipe gets as JSON lines."""
        if self.output is Output.AUTO:
            return lines and not self.out.is_terminal
        return self.output is Output.JSON

    def say(self, sentence: str) -> None:
        """Tell the person, not the program that reads the output."""
        self.err.print(f"smsgate: {sentence}")

    def wait_until_final(
        self, message: message_pb2.Message, cursor: str, max_wait: float | None
    ) -> message_pb2.Message:
        """The message, once it is final."""
        if is_final(message.status):
            return message
        for _ in self.client.follow(
            message_ids=[message.id],
            start_cursor=cursor,
            end_when_all_terminal=True,
            timeout=max_wait,
            on_state=Outages(self),
        ):
            pass
        return self.client.get(message.id).message


class Outages:
    """Tells of outages, once each. A stream that never opened is an error at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._opened = False
        self._out = False

    def __call__(self, state: FollowState) -> None:
        if state.phase is not FollowPhase.INTERRUPTED:
            self._opened = True
            if self._out:
                self._out = False
                self._session.say("connected again; nothing was missed")
            return
        if not self._opened and state.error is not None:
            raise state.error
        if not self._out:
            self._out = True
            cause = printable(state.error.message) if state.error else ""
            self._session.say(f"the stream broke off ({cause}); it goes on from where it was")
