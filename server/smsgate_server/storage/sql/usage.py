"""Counts of use, and versions of the tariffs."""

from collections.abc import Mapping, Sequence

from smsgate_server.domain.usage import Counts, UsageKey, UsageRow, free_requests
from smsgate_server.services.ports import TariffVersion, UsageQuery
from smsgate_server.storage.sql.books import COUNTS
from smsgate_server.storage.sql.database import Database
from smsgate_server.storage.sql.rows import micros, time_of
from smsgate_server.storage.sql.transaction import Transaction

_COLUMNS = f"account, day, country, status, currency, {', '.join(COUNTS)}"


def count_free_requests(
    tx: Transaction, calls: Sequence[Mapping[tuple[str, int], int]]
) -> Sequence[None]:
    for counts in calls:
        for (account, day), count in counts.items():
            tx.books.usage.add(*free_requests(account, day, count))
    return [None] * len(calls)


def usage(db: Database, query: UsageQuery) -> list[UsageRow]:
    sql = f"SELECT {_COLUMNS} FROM usage WHERE day BETWEEN ? AND ?"
    values: list[object] = [query.first, query.last]
    if query.account is not None:
        sql += " AND account = ?"
        values.append(query.account)
    if query.countries:
        sql += f" AND country IN ({', '.join('?' * len(query.countries))})"
        values += sorted(query.countries)
    rows = db.execute(sql, values)
    return [UsageRow(UsageKey(*row[:5]), Counts(*row[5:])) for row in rows]


def tariff(db: Database) -> TariffVersion | None:
    row = db.execute(
        "SELECT version, text, import_time FROM tariffs ORDER BY version DESC LIMIT 1"
    ).fetchone()
    return TariffVersion(row[0], row[1], time_of(row[2])) if row else None


def import_tariffs(tx: Transaction, versions: Sequence[TariffVersion]) -> Sequence[bool]:
    return [_import(tx, version) for version in versions]


def _import(tx: Transaction, version: TariffVersion) -> bool:
    newest = tariff(tx.db)
    # Version 1 is the one that ships with the server.
    if version.version != (newest.version if newest else 1) + 1:
        return False
    tx.db.execute(
        "INSERT INTO tariffs (version, text, import_time) VALUES (?, ?, ?)",
        (version.version, version.text, micros(version.import_time)),
    )
    tx.db.execute("UPDATE store SET revision = revision + 1")
    return True
