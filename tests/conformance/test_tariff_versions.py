"""What every store promises of tariffs: versions are numbered without gaps, and kept as given."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from tests.builders import T0, an_acceptance, days, seconds, some_horizons
from tests.conformance.conftest import Medium

from smsgate_server.services.ports import Store, TariffVersion
from smsgate_server.storage.sqlite.store import SqliteStore

TEXT = 'country,network,billing\nIT,*,prepaid\n"Ö,""x""",*,*\r\n\n'


def a_version(number: int, text: str = TEXT, time: datetime = T0) -> TariffVersion:
    return TariffVersion(number, text, time)


async def test_at_first_no_tariff_was_imported(store: Store) -> None:
    assert await store.tariff() is None


async def test_the_first_import_is_version_2_because_1_ships_with_the_server(store: Store) -> None:
    for number in (0, 1, 3):
        assert not await store.import_tariff(a_version(number))
    assert await store.tariff() is None
    assert await store.import_tariff(a_version(2))
    assert await store.tariff() == a_version(2)


async def test_versions_are_numbered_without_gaps_and_the_newest_counts(store: Store) -> None:
    for number in (2, 3, 4):
        version = a_version(number, f"text {number}", T0 + seconds(number))
        assert await store.import_tariff(version)
        assert await store.tariff() == version
    for number in (1, 2, 4, 6, 100):
        assert not await store.import_tariff(a_version(number, "other"))
    found = await store.tariff()
    assert found is not None
    assert (found.version, found.text) == (4, "text 4")


async def test_a_tariff_is_kept_to_the_byte(store: Store) -> None:
    version = a_version(2, TEXT * 20_000, T0 + seconds(0.000_001))
    assert await store.import_tariff(version)
    assert await store.tariff() == version


async def test_an_import_can_be_dated_before_the_one_it_follows(store: Store) -> None:
    assert await store.import_tariff(a_version(2))
    assert await store.import_tariff(a_version(3, time=T0 - days(1)))
    assert await store.tariff() == a_version(3, time=T0 - days(1))


async def test_of_many_imports_at_once_one_becomes_the_next_version(store: Store) -> None:
    wanted = [a_version(2, f"text {n}") for n in range(30)]
    done = await asyncio.gather(*(store.import_tariff(version) for version in wanted))
    assert done.count(True) == 1
    assert await store.tariff() == wanted[done.index(True)]


async def test_an_import_changes_the_revision_and_one_that_is_refused_does_not(
    store: Store,
) -> None:
    before = await store.revision()
    assert await store.import_tariff(a_version(2))
    after = await store.revision()
    assert after > before
    assert not await store.import_tariff(a_version(2))
    assert await store.revision() == after


async def test_tariffs_are_never_forgotten(store: Store) -> None:
    await store.import_tariff(a_version(2))
    await store.accept(an_acceptance())
    far = T0 + days(36_500)
    horizons = some_horizons(log=far, requests=far, parts=far, codes=far, messages=far)
    while sum((await store.prune(horizons)).values()):
        pass
    assert await store.tariff() == a_version(2)


async def test_a_tariff_is_there_after_a_store_was_closed_and_opened_again(
    durable: Medium, tmp_path: Path
) -> None:
    store = durable.make(tmp_path)
    await store.open()
    await store.import_tariff(a_version(2))
    await store.close()
    again = durable.make(tmp_path)
    await again.open()
    try:
        assert await again.tariff() == a_version(2)
        assert await again.import_tariff(replace(a_version(3), text="new"))
    finally:
        await again.close()


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "tariffs.db")
    await store.open()
    yield store
    await store.close()


async def test_a_tariff_that_another_process_imports_is_seen_at_once(
    sqlite: SqliteStore, tmp_path: Path
) -> None:
    beside = SqliteStore(tmp_path / "tariffs.db", beside=True)
    await beside.open()
    try:
        before = await sqlite.revision()
        both = [(sqlite, beside)[n % 2].import_tariff(a_version(2, f"{n}")) for n in range(20)]
        assert (await asyncio.gather(*both)).count(True) == 1
        assert await sqlite.tariff() == await beside.tariff()
        assert await beside.import_tariff(a_version(3))
        assert await sqlite.tariff() == a_version(3)
        assert await sqlite.revision() == await beside.revision() > before
    finally:
        await beside.close()
