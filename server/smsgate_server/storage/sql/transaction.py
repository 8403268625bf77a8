"""What the operations of one commit share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from smsgate_server.domain.message import StatusEvent
from smsgate_server.domain.routing import Lanes
from smsgate_server.storage.sql.books import Books
from smsgate_server.storage.sql.database import Database
from smsgate_server.storage.sql.known import Known, Life


@dataclass
class Transaction:
    """`head` is the number of the newest event, `waiting` how many messages wait to be submitted;
    `books` is written once all operations are done.
    """

    db: Database
    head: int
    waiting: int
    lanes: Lanes
    events: list[StatusEvent] = field(default_factory=list)
    known: Known = field(default_factory=lambda: Known(0))
    # What this transaction has made of messages, by their numbers.
    lives: dict[int, Life] = field(default_factory=dict)
    books: Books = field(init=False)

    # Whether servers with clocks of their own share the store.
    shared: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.books = Books(self.db)

    def next_seq(self) -> int:
        self.head += 1
        return self.head


# One argument and one result for each call that shares the transaction.
Operation = Callable[[Transaction, Sequence[Any]], Sequence[Any]]
