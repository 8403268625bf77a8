"""What accounts have used."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from smsgate_server.domain.usage import UsageRow
from smsgate_server.domain.usage_report import Dimension, Span, UsageReport, report
from smsgate_server.domain.usage_summary import summary
from smsgate_server.services.ports import Clock, UsageQuery, UsageStore


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """`account` None means every account, no `countries` all of them."""

    span: Span
    account: str | None
    group_by: frozenset[Dimension] = frozenset()
    countries: frozenset[str] = frozenset()
    max_series: int = 20


@dataclass(frozen=True, slots=True)
class UsageFound:
    report: UsageReport
    summary: str
    read_time: datetime


class UsageReports:
    """`flush` writes down what was counted in memory; `names` gives the name of a country."""

    def __init__(
        self,
        store: UsageStore,
        clock: Clock,
        flush: Callable[[], Awaitable[None]],
        names: Callable[[str], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._flush = flush
        self._names = names

    def now(self) -> datetime:
        return self._clock.now()

    async def find(self, wanted: UsageRequest) -> UsageFound:
        await self._flush()
        span = wanted.span
        query = UsageQuery(span.first_day, span.last_day, wanted.account, wanted.countries)
        rows = await self._store.usage(query)
        read_time = self._clock.now()
        # Years of many countries are a hundred thousand rows: not on the loop.
        made, text = await asyncio.to_thread(self._made, rows, wanted)
        return UsageFound(made, text, read_time)

    def _made(self, rows: Sequence[UsageRow], wanted: UsageRequest) -> tuple[UsageReport, str]:
        made = report(rows, wanted.span, wanted.group_by, wanted.max_series, self._names)
        return made, summary(made, _by_country(rows), self._names)


def _by_country(rows: Sequence[UsageRow]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        if row.counts.messages:
            counts[row.key.country] += row.counts.messages
    return counts
