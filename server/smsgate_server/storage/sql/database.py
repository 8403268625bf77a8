"""What the operations need of a database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from smsgate_server.storage.sql.bulk import BulkStatement

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]


class Result(Protocol):
    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """One connection. Statements have `?` or `:name` where values go."""

    @property
    def walk_join(self) -> str:
        """The join that takes rows in the order of its left side."""
        ...

    @property
    def walk_order(self) -> str:
        """What keeps messages `m` in falling order after such a join; may be empty."""
        ...

    def execute(self, sql: str, values: Values = ..., /) -> Result: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> object: ...

    def run_rows(self, statement: "BulkStatement", rows: Sequence[Row]) -> None: ...

    def fetch_rows(self, statement: "BulkStatement", rows: Sequence[Row]) -> list[Row]: ...

    def snapshot(self) -> AbstractContextManager[None]:
        """All reads inside see one state."""
        ...
