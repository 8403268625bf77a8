"""A usage report as a few lines of English, for a terminal of 80 columns."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from textwrap import wrap

from smsgate_server.domain.message import Status
from smsgate_server.domain.money import decimal_text
from smsgate_server.domain.usage_report import Figures, Granularity, UsageReport

_COLUMNS = 80
_INDENT = " " * 12
# Takes the place of a space that no line may end at, until the lines are made.
_BOUND = "\u00a0"

_WORDS = {Granularity.DAY: "day", Granularity.MONTH: "month", Granularity.YEAR: "year"}


def summary(report: UsageReport, by_country: Mapping[str, int], names: Callable[[str], str]) -> str:
    """`by_country` is how many messages went to each country."""
    periods, total = report.span.periods, report.total.total
    begin, end = periods[0].label, periods[-1].label
    title = f"Usage of {begin}" if begin == end else f"Usage from {begin} to {end}"
    if not total.anything:
        return f"{title}: nothing yet.\n"
    lines = [f"{title}:"]
    for line in _lines(report, by_country, names):
        lines += wrap(f"  {line}", _COLUMNS, subsequent_indent=_INDENT, break_on_hyphens=False)
    return "\n".join(lines).replace(_BOUND, " ") + "\n"


def _listed(parts: Iterable[str], between: str = ", ") -> str:
    return between.join(part.replace(" ", _BOUND) for part in parts)


def _lines(
    report: UsageReport, by_country: Mapping[str, int], names: Callable[[str], str]
) -> Iterator[str]:
    total = report.total.total
    yield f"Messages  {total.messages:,} in {_count(total.segments, 'segment')}{_codes(total)}"
    if total.messages:
        yield f"Status    {_statuses(total)}"
    if total.verifications:
        yield f"Codes     {_conversion(total)}"
    yield f"Cost      {_costs(total)}"
    if extra := _extra(total):
        yield f"          {extra}"
    requests = f"{total.paid_requests:,} paid, {total.free_requests:,} free"
    yield f"Requests  {requests}"
    if total.messages:
        yield from _highlights(report, by_country, names)


def _codes(total: Figures) -> str:
    if not total.otp_messages:
        return ""
    return f", {total.otp_messages:,} of them one-time passwords"


def _conversion(total: Figures) -> str:
    share = _percent(total.verified, total.verifications)
    return f"{total.verifications:,} asked for, {total.verified:,} came back right ({share})"


def _statuses(total: Figures) -> str:
    parts = [
        f"{total.statuses[status]:,} {status.name}"
        for status in Status
        if total.statuses.get(status)
    ]
    delivered = total.statuses.get(Status.DELIVERED, 0)
    final = sum(number for status, number in total.statuses.items() if status.final)
    share = f" ({_percent(delivered, final)} of the final ones delivered)" if final else ""
    return _listed(parts) + share


def _costs(total: Figures) -> str:
    costs = [
        f"{decimal_text(cost)} {currency}" for currency, cost in sorted(total.costs.items()) if cost
    ]
    return (_listed(costs, " + ") or "nothing") + ", excluding VAT"


def _extra(total: Figures) -> str:
    parts = []
    if total.bundle_segments:
        parts.append(f"{_count(total.bundle_segments, 'segment')} covered by the bundle")
    if total.unpriced_segments:
        parts.append(f"{_count(total.unpriced_segments, 'segment')} without a known price")
    return _listed(parts)


def _highlights(
    report: UsageReport, by_country: Mapping[str, int], names: Callable[[str], str]
) -> Iterator[str]:
    periods, figures = report.span.periods, report.total.figures
    word = _WORDS[report.span.granularity]
    if len(periods) > 1:
        best = max(range(len(periods)), key=lambda index: figures[index].messages)
        most = _count(figures[best].messages, "message")
        yield f"Busiest   {word} {periods[best].label} with {most}"
        yield f"Latest    {word} {periods[-1].label} with {figures[-1].messages:,}{_change(report)}"
    if by_country:
        country = max(sorted(by_country), key=lambda name: by_country[name])
        share = _percent(by_country[country], report.total.total.messages)
        yield f"Most to   {names(country) or country}: {by_country[country]:,} ({share})"


def _change(report: UsageReport) -> str:
    before, now = (report.total.figures[index].messages for index in (-2, -1))
    if not before:
        return ""
    change = round((now - before) * 100 / before)
    if not change:
        return f" (about as many as the {_before(report)})"
    return f" ({change:+,}{_BOUND}% against the {_before(report)})"


def _before(report: UsageReport) -> str:
    return f"{_WORDS[report.span.granularity]} before"


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.1f}{_BOUND}%" if whole else "-"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
