"""Usage as messages of the contract."""

from collections.abc import Sequence

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_server.domain.errors import ErrorReason
from smsgate_server.domain.message import Status
from smsgate_server.domain.usage_report import (
    Dimension,
    Figures,
    Granularity,
    Series,
    Span,
    UsageReport,
    span,
)
from smsgate_server.services.usage import UsageFound, UsageReports
from smsgate_server.transport.mapping.money import money
from smsgate_server.transport.mapping.reading import Reader
from smsgate_server.transport.mapping.responses import timestamp

MAX_COUNTRIES = 300
DEFAULT_SERIES = 20
MAX_SERIES = 300
# What fits an answer of 4 MiB, the most that callers accept by default.
_MAX_FIGURES = 60_000


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


def series_of(request: pb.GetUsageRequest, over: Span) -> int:
    """The most series that the answer may have."""
    wanted = request.max_series or DEFAULT_SERIES
    return min(wanted, MAX_SERIES, _MAX_FIGURES // len(over.periods))


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
        series=_series(report),
        total=_figures(report.total.total),
        summary=found.summary,
        read_time=timestamp(found.read_time),
    )


def _series(report: UsageReport) -> list[pb.UsageSeries]:
    # The n-th periods of all series differ in their figures only: their frame is made once.
    frames = [
        pb.UsagePeriod(
            start_time=timestamp(period.start),
            end_time=timestamp(period.end),
            label=period.label,
        )
        for period in report.span.periods
    ]
    return [_one_series(series, frames) for series in report.series]


def _one_series(series: Series, frames: Sequence[pb.UsagePeriod]) -> pb.UsageSeries:
    made = pb.UsageSeries(
        account_id=series.group.account,
        country=series.group.country,
        status=series.group.status,  # type: ignore[arg-type]
        label=series.label,
        periods=frames,
        total=_figures(series.total),
        others=series.others,
    )
    for period, figures in zip(made.periods, series.figures, strict=True):
        if figures.anything:
            period.figures.CopyFrom(_figures(figures))
        else:
            period.figures.SetInParent()
    return made


def _figures(figures: Figures) -> pb.UsageFigures:
    return pb.UsageFigures(
        free_requests=figures.free_requests,
        paid_requests=figures.paid_requests,
        messages=figures.messages,
        otp_messages=figures.otp_messages,
        segments=figures.segments,
        bundle_segments=figures.bundle_segments,
        unpriced_segments=figures.unpriced_segments,
        verifications=figures.verifications,
        verified=figures.verified,
        costs=[money(cost, currency) for currency, cost in sorted(figures.costs.items()) if cost],
        statuses=[
            pb.UsageStatusCount(status=int(status), messages=figures.statuses[status])  # type: ignore[arg-type]
            for status in Status
            if figures.statuses.get(status)
        ],
    )
