"""The price list in force, and putting a new version in its place."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files

from smsgate_server.domain.number_facts import load_operators
from smsgate_server.domain.pricing import ANY, PriceList, Tariff, TariffRow
from smsgate_server.domain.tariff_csv import parse, render
from smsgate_server.domain.tariff_diff import TariffDiff, diff
from smsgate_server.services.ports import Clock, TariffStore, TariffVersion

# The version that ships with the server; imports begin after it.
SEED_VERSION = 1


@dataclass(frozen=True, slots=True)
class Import:
    """`version` is None on a dry run, and if nothing differs."""

    diff: TariffDiff
    version: int | None


class ImportRaced(Exception):
    """Somebody else imported a version at the same moment."""


class Tariffs:
    """The Pricing port. Load it before use, and again whenever the store's revision changes."""

    def __init__(self, store: TariffStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tariff = Tariff(SEED_VERSION, parse(seed()))
        self.import_time: datetime | None = None

    def prices(self, now: datetime) -> PriceList:
        return self._tariff.on(now.date())

    @property
    def version(self) -> int:
        return self._tariff.version

    @property
    def rows(self) -> Sequence[TariffRow]:
        return self._tariff.rows

    async def load(self) -> None:
        newest = await self._store.tariff()
        if newest is not None and newest.version != self._tariff.version:
            # A list of the world's operators takes seconds to read, and so do their names.
            today = self._clock.now().date()
            self._tariff = await asyncio.to_thread(_ready, newest, today)
            self.import_time = newest.import_time

    def compare(self, rows: Sequence[TariffRow]) -> TariffDiff:
        """What an import of `rows` would change."""
        return diff(self._tariff.rows, rows)

    async def replace(self, rows: Sequence[TariffRow], dry_run: bool) -> Import:
        """Make `rows` the price list: one transaction, one new version."""
        changes = self.compare(rows)
        if dry_run or not changes.any:
            return Import(changes, None)
        version = TariffVersion(self.version + 1, render(rows), self._clock.now())
        if not await self._store.import_tariff(version):
            raise ImportRaced("another import was faster; look at the tariffs, then repeat")
        await self.load()
        return Import(changes, version.version)

    def export(self) -> str:
        return render(self._tariff.rows)


def _ready(stored: TariffVersion, today: date) -> Tariff:
    """The tariff of a version, with all that the first look-up of a day would have to load."""
    tariff = Tariff(stored.version, parse(stored.text))
    if any(row.network != ANY for row in tariff.on(today).rows):
        load_operators()
    return tariff


def seed() -> str:
    """The rows that the product's own material states; there are no others."""
    return (files("smsgate_server") / "data" / "tariffs_seed.csv").read_text(encoding="utf-8")
