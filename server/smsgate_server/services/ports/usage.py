"""Usage and tariffs, as the services need them from a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from smsgate_server.domain.usage import UsageRow


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Days `first` to `last`, both included; `account` None means every account, no `countries`
    all of them.
    """

    first: int
    last: int
    account: str | None
    countries: frozenset[str] = frozenset()


class UsageStore(Protocol):
    """What the messages use is counted by the transactions that store and change them."""

    async def count_free_requests(self, counts: Mapping[tuple[str, int], int]) -> None:
        """Add requests that cost nothing, by account and day."""
        ...

    async def usage(self, query: UsageQuery) -> Sequence[UsageRow]:
        """Every row of counts that the query means, in no order."""
        ...


@dataclass(frozen=True, slots=True)
class TariffVersion:
    """One numbered version of the price list, as CSV."""

    version: int
    text: str
    import_time: datetime


class TariffStore(Protocol):
    async def tariff(self) -> TariffVersion | None:
        """The newest version; None if none was ever imported."""
        ...

    async def import_tariff(self, version: TariffVersion) -> bool:
        """Store a version; False if its number is not the next one."""
        ...
