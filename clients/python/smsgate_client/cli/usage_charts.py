"""Usage as charts: one for each measure over time, one for the groups."""

from collections.abc import Callable, Iterator, Sequence

from rich.text import Text

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_client.cli import charts
from smsgate_client.cli.charts import Chart, Look, Row
from smsgate_client.cli.costs import cost_in, cost_texts, currencies_of, decimals_for, fixed
from smsgate_client.cli.output import STYLES, count, printable
from smsgate_client.names import status_name

# One colour each for so many groups; all that follow share the last.
_PALETTE = ("cyan", "green", "yellow", "magenta", "blue", "red", "bright_black")
_GOES_ON = "*"

_Measure = Callable[[pb.UsageFigures], int]
_COUNTS: tuple[tuple[str, _Measure], ...] = (
    ("messages", lambda figures: figures.messages),
    ("segments", lambda figures: figures.segments),
)
_REQUESTS: tuple[tuple[str, _Measure], ...] = (
    ("paid requests", lambda figures: figures.paid_requests),
    ("free requests", lambda figures: figures.free_requests),
)


def usage_lines(found: pb.GetUsageResponse, width: int, plain: bool) -> Iterator[Text]:
    """All that is to be seen of usage, line by line; `plain` is without colours."""
    yield Text(span_text(found), style="bold")
    yield Text()
    look = Look(_styles(found.series), plain)
    if len(found.series) > 1:
        yield from charts.draw(_groups(found, look), width)
        yield Text()
    over_time = list(_over_time(found, look))
    if len(found.series) == 1 and found.total.messages:
        over_time.append(_statuses(found.total, plain))
    yield from charts.side_by_side(over_time, width)
    yield from _notes(found)


def span_text(found: pb.GetUsageResponse) -> str:
    """Which span the figures are of."""
    unit = pb.UsageGranularity.DESCRIPTOR.values_by_number.get(found.granularity)
    by = f" by {unit.name.rpartition('_')[2].lower()}" if unit and unit.number else ""
    periods = found.series[0].periods if found.series else ()
    if not periods:
        return f"usage{by}"
    return f"usage{by}, {printable(periods[0].label)} to {printable(periods[-1].label)} (UTC)"


def _styles(series: Sequence[pb.UsageSeries]) -> tuple[str, ...]:
    # Grouped by status alone, each has the colour that it has everywhere.
    if len(series) > 1 and all(_is_status(group) for group in series):
        return tuple(STYLES.get(group.status, _PALETTE[-1]) for group in series)
    return _PALETTE


def _is_status(group: pb.UsageSeries) -> bool:
    return not (group.country or group.account_id or group.others)


def _over_time(found: pb.GetUsageResponse, look: Look) -> Iterator[Chart]:
    for title, measure in _COUNTS:
        yield _counted(title, measure, found, look)
    currencies = currencies_of([found.total])
    for currency in currencies:
        yield _cost(currency, found, look)
    if not currencies:
        yield Chart("cost", "", ())
    for title, measure in _REQUESTS:
        yield _counted(title, measure, found, look)


def _counted(title: str, measure: _Measure, found: pb.GetUsageResponse, look: Look) -> Chart:
    rows = [Row(label, parts, f"{sum(parts):,}") for label, parts in _by_period(found, measure)]
    return Chart(title, f"{measure(found.total):,}", tuple(rows), look)


def _cost(currency: str, found: pb.GetUsageResponse, look: Look) -> Chart:
    periods = list(_by_period(found, lambda figures: cost_in(figures, currency)))
    total = cost_in(found.total, currency)
    decimals = decimals_for([total, *(sum(parts) for _, parts in periods)])
    rows = [Row(label, parts, fixed(sum(parts), decimals)) for label, parts in periods]
    title = f"cost, {printable(currency)}"
    return Chart(title, fixed(total, decimals), tuple(rows), look)


def _by_period(
    found: pb.GetUsageResponse, measure: _Measure
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for periods in zip(*(group.periods for group in found.series), strict=False):
        label = printable(periods[0].label) + (_GOES_ON if _goes_on(periods[0], found) else "")
        yield label, tuple(measure(period.figures) for period in periods)


def _goes_on(period: pb.UsagePeriod, found: pb.GetUsageResponse) -> bool:
    return period.end_time.ToNanoseconds() > found.read_time.ToNanoseconds()


def _groups(found: pb.GetUsageResponse, look: Look) -> Chart:
    whole = found.total.messages
    totals = [group.total for group in found.series]
    columns = (
        [f"{total.messages:,}" for total in totals],
        [_percent(total.messages, whole) for total in totals],
        cost_texts(totals),
    )
    aligned = [[text.rjust(max(map(len, column))) for text in column] for column in columns]
    figures = ["  ".join(texts) for texts in zip(*aligned, strict=True)]
    rows = [
        Row(_label(group), (group.total.messages,), figure, number)
        for number, (group, figure) in enumerate(zip(found.series, figures, strict=True))
    ]
    return Chart("messages, share and cost by group", f"{whole:,}", tuple(rows), look)


def _label(group: pb.UsageSeries) -> str:
    return printable(group.label) or "(none)"


def _percent(part: int, whole: int) -> str:
    tenths = (2000 * part + whole) // (2 * whole) if whole else 0
    return f"{tenths // 10}.{tenths % 10}%"


def _statuses(total: pb.UsageFigures, plain: bool) -> Chart:
    styles = tuple(STYLES.get(each.status, _PALETTE[-1]) for each in total.statuses)
    rows = [
        Row(status_name(each.status), (each.messages,), f"{each.messages:,}", number)
        for number, each in enumerate(total.statuses)
    ]
    # Every row has its name beside it, so that without colours they need not differ.
    return Chart("status now", "", tuple(rows), Look(("",) if plain else styles))


def _notes(found: pb.GetUsageResponse) -> Iterator[Text]:
    if found.series and any(_goes_on(period, found) for period in found.series[0].periods):
        yield Text(f"{_GOES_ON} not over yet", style="dim")
    if unpriced := found.total.unpriced_segments:
        said = f"no price is known for {count(unpriced, 'segment')}, so they are in no cost"
        yield Text(said, style="yellow")
