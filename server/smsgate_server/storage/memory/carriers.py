"""What was reported of carriers."""

from collections.abc import Sequence

from smsgate_server.services.ports import CarrierReport


class Carriers:
    """The CarrierStore port."""

    def __init__(self) -> None:
        self._reports: Sequence[CarrierReport] = ()

    async def report_carriers(self, reports: Sequence[CarrierReport]) -> None:
        self._reports = sorted(reports, key=lambda report: report.health.name)

    async def carrier_reports(self) -> Sequence[CarrierReport]:
        return self._reports
