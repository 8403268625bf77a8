"""What operators are told of the carriers: on the metrics page, and in the reports that commands
and dashboards read.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.builders import T0

from smsgate_server.domain.carrier_health import CarrierHealth, Counts
from smsgate_server.domain.delivery import OutcomeKind
from smsgate_server.services import carrier_reports as module
from smsgate_server.services.carrier_reports import CarrierReports
from smsgate_server.services.ports import CarrierReport
from smsgate_server.storage.memory import MemoryStore
from smsgate_server.transport.metrics import CarrierMetrics


def _health(name: str = "north", **overrides: Any) -> CarrierHealth:
    values: dict[str, Any] = {
        "name": name,
        "kind": "smpp",
        "binds": 2,
        "binds_up": 1,
        "able": True,
        "window": 20,
        "under_way": 3,
        "rate": 50.0,
        "trouble": "",
        "counts": Counts(),
    }
    return CarrierHealth(**(values | overrides))


# On the metrics page


def _page(*healths: CarrierHealth) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(CarrierMetrics(lambda: healths))
    return registry


def test_the_state_of_each_carrier_is_on_the_metrics_page() -> None:
    page = _page(_health(), _health("south", able=False, binds_up=0, rate=float("inf")))

    def of(carrier: str) -> dict[str, float | None]:
        names = ("up", "binds", "binds_up", "window", "under_way", "rate")
        labels = {"carrier": carrier}
        return {n: page.get_sample_value(f"smsgate_carrier_{n}", labels) for n in names}

    north = {"up": 1, "binds": 2, "binds_up": 1, "window": 20, "under_way": 3, "rate": 50}
    assert of("north") == north
    assert of("south") == north | {"up": 0, "binds_up": 0, "rate": float("inf")}


def test_what_became_of_submits_is_on_the_metrics_page() -> None:
    outcomes = Counter({OutcomeKind.ACCEPTED: 7, OutcomeKind.UNKNOWN: 2})
    page = _page(_health(counts=Counts(outcomes=outcomes)))
    for kind in OutcomeKind:
        labels = {"carrier": "north", "outcome": kind.name}
        found = page.get_sample_value("smsgate_carrier_submits_total", labels)
        assert (found or 0) == outcomes[kind]


@pytest.mark.parametrize(
    "name", [field.name for field in fields(Counts) if field.name not in ("submits", "outcomes")]
)
def test_whatever_is_counted_of_a_carrier_is_on_the_metrics_page(name: str) -> None:
    counts = Counts()
    page = _page(_health(counts=counts))
    labels = {"carrier": "north"}
    for value in (0, 5):
        setattr(counts, name, value)
        assert page.get_sample_value(f"smsgate_carrier_{name}_total", labels) == value


# In the reports


class _Clock:
    def now(self) -> datetime:
        return T0


class _Listening(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.reports: list[Sequence[CarrierReport]] = []

    async def report_carriers(self, reports: Sequence[CarrierReport]) -> None:
        self.reports.append(reports)


@pytest.mark.parametrize("changed", ["outcomes", "receipts"])
async def test_whatever_of_a_carrier_changes_is_reported(changed: str) -> None:
    store, counts = _Listening(), Counts()
    reports = CarrierReports(store, _Clock(), lambda: [_health(counts=counts)])
    await reports.tell()
    await reports.tell()
    assert len(store.reports) == 1
    if changed == "outcomes":
        counts.outcomes[OutcomeKind.ACCEPTED] += 1
    else:
        counts.receipts += 1
    await reports.tell()
    before, after = [report.health.counts for (report,) in store.reports]
    assert (before, after) == (Counts(), counts)


async def test_what_does_not_change_is_reported_too_after_a_while() -> None:
    store = _Listening()
    reports = CarrierReports(store, _Clock(), lambda: [_health()])
    for _ in range(int(2.5 * module._LONGEST_SECONDS / module._INTERVAL_SECONDS)):
        await reports.tell()
    assert len(store.reports) == 3
