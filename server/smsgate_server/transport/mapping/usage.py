"""Usage as messages of the contract."""

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.domain.message import Status
from smsgate_server.domain.usage_report import Dimension, Figures, Granularity, Series, Span, span
from smsgate_server.services.usage import UsageFound, UsageReports
from smsgate_server.transport.mapping.money import money
from smsgate_server.transport.mapping.reading import Reader
from smsgate_server.transport.mapping.responses import timestamp

MAX_COUNTRIES = 300
DEFAULT_SERIES = 20
MAX_SERIES = 300


def span_of(reader: Reader, request: pb.GetUsageRequest, reports: UsageReports) -> Span | None:
    """The span that is asked for; None if the reader has found fault with it."""
    granularity = reader.choice("granularity", Granularity, request.granularity, Granularity.MONTH)
    start = (
        reader.time("start_time", request.start_time) if request.HasField("start_time") else None
    )
    end = reader.time("end_time", request.end_time) if request.HasField("end_time") else None
    if reader.violations:
        return None
    found = span(granularity, start, end, reports.now())
    if isinstance(found, Span):
        return found
    field = "end_time" if request.HasField("end_time") else "start_time"
    reader.refuse(field, ErrorReason.INVALID_TIME, f"the span {found}")
    return None


def dimensions_of(reader: Reader, request: pb.GetUsageRequest) -> frozenset[Dimension]:
    found = set()
    for index, value in enumerate(request.group_by[:MAX_COUNTRIES]):
        try:
            found.add(Dimension(value))
        except ValueError:
            field = f"group_by[{index}]"
            reader.refuse(field, ErrorReason.INVALID_FIELD, "is not a dimension of usage")
    return frozenset(found)


def response(found: UsageFound) -> pb.GetUsageResponse:
    report = found.report
    periods = report.span.periods
    return pb.GetUsageResponse(
        start_time=timestamp(periods[0].start),
        end_time=timestamp(periods[-1].end),
        granularity=int(report.span.granularity),  # type: ignore[arg-type]
        series=[_series(report.span, series) for series in report.series],
        total=_figures(report.total.total),
        summary=found.summary,
        read_time=timestamp(found.read_time),
    )


def _series(over: Span, series: Series) -> pb.UsageSeries:
    return pb.UsageSeries(
        account_id=series.group.account,
        country=series.group.country,
        status=series.group.status,  # type: ignore[arg-type]
        label=series.label,
        periods=[
            pb.UsagePeriod(
                start_time=timestamp(period.start),
                end_time=timestamp(period.end),
                label=period.label,
                figures=_figures(figures),
            )
            for period, figures in zip(over.periods, series.figures, strict=True)
        ],
        total=_figures(series.total),
        others=series.others,
    )


def _figures(figures: Figures) -> pb.UsageFigures:
    return pb.UsageFigures(
        free_requests=figures.free_requests,
        paid_requests=figures.paid_requests,
        messages=figures.messages,
        otp_messages=figures.otp_messages,
        segments=figures.segments,
        bundle_segments=figures.bundle_segments,
        unpriced_segments=figures.unpriced_segments,
        costs=[money(cost, currency) for currency, cost in sorted(figures.costs.items()) if cost],
        statuses=[
            pb.UsageStatusCount(status=int(status), messages=figures.statuses[status])  # type: ignore[arg-type]
            for status in Status
            if figures.statuses.get(status)
        ],
    )
