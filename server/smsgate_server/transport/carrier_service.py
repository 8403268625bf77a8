"""smsgate.v1.CarrierService: the rpc reads what was reported, and maps it."""

from math import isinf

from smsgate.v1 import carrier_service_pb2 as pb
from smsgate_server.domain.account import Scope
from smsgate_server.domain.carrier_health import CarrierHealth, Counts
from smsgate_server.domain.delivery import OutcomeKind
from smsgate_server.services.access import Caller
from smsgate_server.services.ports import CarrierReport, CarrierStore
from smsgate_server.transport.mapping.responses import timestamp

_STATES = {
    "up": pb.CARRIER_STATE_UP,
    "degraded": pb.CARRIER_STATE_DEGRADED,
    "down": pb.CARRIER_STATE_DOWN,
}


class CarrierService:
    def __init__(self, store: CarrierStore) -> None:
        self._store = store

    async def ListCarriers(
        self, request: pb.ListCarriersRequest, caller: Caller
    ) -> pb.ListCarriersResponse:
        reports = await self._store.carrier_reports()
        admin = Scope.ADMIN in caller.scopes
        return pb.ListCarriersResponse(carriers=[_carrier(report, admin) for report in reports])


def _carrier(report: CarrierReport, admin: bool) -> pb.Carrier:
    health = report.health
    return pb.Carrier(
        name=health.name,
        kind=health.kind,
        state=_STATES[health.word],
        binds=health.binds,
        binds_up=health.binds_up,
        window=health.window,
        under_way=health.under_way,
        rate_limit=_rate_limit(health),
        trouble=health.trouble if admin else "",
        counts=_counts(health.counts) if admin else None,
        report_time=timestamp(report.time),
    )


def _rate_limit(health: CarrierHealth) -> float:
    return 0.0 if isinf(health.rate) else health.rate


def _counts(counts: Counts) -> pb.CarrierCounts:
    return pb.CarrierCounts(
        accepted=counts.outcomes[OutcomeKind.ACCEPTED],
        refused=counts.outcomes[OutcomeKind.REFUSED],
        not_sent=counts.outcomes[OutcomeKind.NOT_SENT],
        unknown=counts.outcomes[OutcomeKind.UNKNOWN],
        throttled=counts.throttled,
        receipts=counts.receipts,
        receipts_refused=counts.receipts_refused,
    )
