"""What was reported of carriers, as JSON: few rows, read and written as a whole."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from smsgate_server.domain.carrier_health import CarrierHealth, Counts
from smsgate_server.domain.delivery import OutcomeKind
from smsgate_server.services.ports import CarrierReport
from smsgate_server.storage.sql.bulk import BulkStatement
from smsgate_server.storage.sql.database import Database
from smsgate_server.storage.sql.rows import micros, time_of
from smsgate_server.storage.sql.transaction import Transaction

_INSERT = BulkStatement(
    "INSERT INTO carrier_reports (carrier, report_time, document) {rows}", "tnt"
)


def report_carriers(tx: Transaction, calls: Sequence[Sequence[CarrierReport]]) -> Sequence[None]:
    tx.db.execute("DELETE FROM carrier_reports")
    newest = calls[-1]
    _INSERT.run(tx.db, [(r.health.name, micros(r.time), _written(r.health)) for r in newest])
    return [None] * len(calls)


def carrier_reports(db: Database) -> Sequence[CarrierReport]:
    rows = db.execute("SELECT report_time, document FROM carrier_reports ORDER BY carrier")
    return [CarrierReport(time_of(time), _read(document)) for time, document in rows]


def _written(health: CarrierHealth) -> str:
    written = asdict(health)
    written["counts"]["outcomes"] = {k.name: n for k, n in health.counts.outcomes.items()}
    # JSON has no infinity.
    written["rate"] = None if health.rate == float("inf") else health.rate
    return json.dumps(written)


def _read(document: str) -> CarrierHealth:
    read = json.loads(document)
    counts, rate = read.pop("counts"), read.pop("rate")
    outcomes = Counter({OutcomeKind[k]: n for k, n in counts.pop("outcomes").items()})
    return CarrierHealth(
        **read,
        rate=float("inf") if rate is None else rate,
        counts=Counts(**counts, outcomes=outcomes),
    )
