"""Bar charts: right to an eighth of a cell, never wider than there is room."""

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from smsgate.v1 import usage_service_pb2 as pb
from smsgate_client import money
from smsgate_client.cli import charts
from smsgate_client.cli.charts import Chart, Look, Row
from smsgate_client.cli.usage_charts import span_text, usage_lines

_AMOUNTS = st.lists(st.integers(min_value=-5, max_value=2**64), max_size=8)


@pytest.mark.parametrize(
    ("parts", "of", "width", "blocks"),
    [
        ([8], 8, 4, ["████"]),
        ([4], 8, 4, ["██"]),
        ([5], 8, 4, ["██▌"]),
        ([1], 10**18, 4, ["▏"]),
        ([0], 8, 4, [""]),
        ([-3], 8, 4, [""]),
        ([3], 0, 4, [""]),
        ([9], 8, 4, ["████"]),
        ([2, 2], 8, 4, ["█", "█"]),
        ([2, 3], 8, 4, ["█", "█▌"]),
        ([0, 5, 0], 8, 4, ["", "██▌", ""]),
        ([1, 7], 8, 4, ["", "████"]),
        ([], 8, 4, []),
    ],
)
def test_a_bar_is_right_to_an_eighth_of_a_cell(
    parts: list[int], of: int, width: int, blocks: list[str]
) -> None:
    assert charts.stacked(parts, of, width) == blocks


@given(_AMOUNTS, st.integers(min_value=1, max_value=200))
def test_a_bar_is_never_longer_than_its_room_and_shows_all_that_is_above_zero(
    parts: list[int], width: int
) -> None:
    whole = sum(max(0, part) for part in parts)
    drawn = charts.stacked(parts, whole, width)
    assert len(drawn) == len(parts)
    assert len("".join(drawn)) == (width if whole else 0)


@given(
    st.lists(st.tuples(st.text(max_size=30), _AMOUNTS), min_size=1, max_size=6),
    st.integers(min_value=30, max_value=160),
    st.booleans(),
)
def test_no_line_of_a_chart_is_wider_than_asked_for(
    rows: list[tuple[str, list[int]]], width: int, plain: bool
) -> None:
    chart = Chart(
        "title",
        "12",
        tuple(Row("2026-01", tuple(parts), "1,234") for _, parts in rows),
        Look(("cyan", "red"), plain),
    )
    assert all(len(line.plain) <= width for line in charts.draw(chart, width))


def test_bars_share_a_scale_and_figures_end_in_one_column() -> None:
    chart = Chart("messages", "30", (Row("2026-01", (10,), "10"), Row("2026-02", (20,), "1,020")))
    assert [line.plain for line in charts.draw(chart, 24)] == [
        "messages              30",
        "2026-01 █████         10",
        "2026-02 ██████████ 1,020",
    ]


def test_a_chart_of_nothing_says_so() -> None:
    chart = Chart("cost", "0.00", (Row("2026-01", (0,), "0.00"),))
    assert [line.plain for line in charts.draw(chart, 12)] == ["cost    0.00", "none"]
    assert [line.plain for line in charts.draw(Chart("cost", "", ()), 12)] == ["cost", "none"]


@pytest.mark.parametrize(
    ("width", "columns"), [(20, 1), (79, 1), (80, 2), (121, 2), (122, 3), (500, 3)]
)
def test_charts_go_side_by_side_where_there_is_room(width: int, columns: int) -> None:
    assert charts.columns_for(width) == columns


def test_charts_of_unequal_length_stay_in_their_columns() -> None:
    tall = Chart("a", "", (Row("x", (1,), "1"), Row("y", (1,), "1")))
    low = Chart("b", "", (Row("z", (1,), "1"),))
    lines = [line.plain for line in charts.side_by_side([tall, low, low], 80)]
    assert lines[0] == f"a{' ' * 41}b"
    assert lines[2].startswith("y ")
    assert len(lines[2]) == 38
    assert lines[3] == ""
    assert lines[4] == "b"


def test_groups_differ_without_colours_too() -> None:
    chart = Chart("a", "", (Row("x", (1, 1, 1, 1, 1, 1), "6"),), Look(("cyan",), plain=True))
    drawn = charts.draw(chart, 28)[1]
    assert drawn.plain == "x ████▓▓▓▓▒▒▒▒░░░░░░░░░░░░ 6"
    assert not any(span.style not in ("", "dim") for span in drawn.spans)


@pytest.mark.parametrize(
    ("used", "of", "shown"),
    [(0, 10, "████"), (5, 10, "██░░"), (10, 10, "░░░░"), (12, 10, "░░░░"), (0, 0, "░░░░")],
)
def test_a_gauge_shows_what_is_left(used: int, of: int, shown: str) -> None:
    assert charts.gauge(used, of, 4).plain == shown


def _stamp(year: int, month: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime(year, month, 1, tzinfo=UTC))
    return stamp


def _usage(*groups: pb.UsageSeries) -> pb.GetUsageResponse:
    found = pb.GetUsageResponse(
        granularity=pb.USAGE_GRANULARITY_MONTH, series=groups, read_time=_stamp(2026, 2)
    )
    found.total.messages = sum(group.total.messages for group in groups)
    found.total.costs.add().CopyFrom(money("3.0005 EUR"))
    return found


def _series(label: str, **fields: object) -> pb.UsageSeries:
    series = pb.UsageSeries(label=label, **fields)
    for month, messages in ((1, 10), (2, 20)):
        series.periods.add(
            label=f"2026-0{month}",
            start_time=_stamp(2026, month),
            end_time=_stamp(2026, month + 1),
            figures=pb.UsageFigures(
                messages=messages,
                segments=messages,
                free_requests=3,
                paid_requests=4,
                costs=[money("1.50025 EUR")],
            ),
        )
    series.total.messages = 30
    return series


def _shown(found: pb.GetUsageResponse, width: int = 80) -> list[str]:
    return [line.plain for line in usage_lines(found, width, plain=True)]


def test_every_measure_has_its_chart_and_costs_are_exact() -> None:
    found = _usage(_series("Total"))
    found.total.unpriced_segments = 2
    shown = "\n".join(_shown(found))
    assert "usage by month, 2026-01 to 2026-02 (UTC)" in shown
    for title in ("messages", "segments", "cost, EUR", "paid requests", "free requests"):
        assert title in shown
    assert "1.50025" in shown
    assert "3.00050" in shown
    assert "2026-02*" in shown
    assert "* not over yet" in shown
    assert "no price is known for 2 segments" in shown


def test_groups_are_ranked_with_their_share_and_stacked() -> None:
    shown = _shown(_usage(_series("Italy", country="IT"), _series("", country="")))
    ranked = [line for line in shown if "50.0%" in line]
    assert [line.split()[0] for line in ranked] == ["Italy", "(none)"]


def test_values_of_newer_servers_are_numbers_and_break_nothing() -> None:
    found = _usage(_series("99", status=99), _series("Total", status=4))
    found.granularity = pb.UsageGranularity.ValueType(42)
    found.total.statuses.add(status=99, messages=3)
    assert _shown(found)
    alone = _usage(_series("Total"))
    alone.total.statuses.add(status=99, messages=3)
    assert any(line.endswith(" 3") and " 99 " in line for line in _shown(alone))
    assert span_text(pb.GetUsageResponse()) == "usage"
    assert _shown(pb.GetUsageResponse())


@pytest.mark.parametrize("width", [30, 40, 80, 100, 130, 160])
def test_usage_follows_the_width(width: int) -> None:
    assert max(len(line) for line in _shown(_usage(_series("Total")), width)) <= max(width, 40)
