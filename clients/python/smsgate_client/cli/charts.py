"""Bar charts of unicode blocks, side by side where there is room. No float comes near a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.text import Text

_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█")
# Without colours, neighbours in a stacked bar differ by their fill.
_FILLS = ("█", "▓", "▒", "░")
_GAP = 4
_NARROWEST = 38
_MOST_COLUMNS = 3
_SHORTEST_BAR = 4


@dataclass(frozen=True, slots=True)
class Look:
    """The colour of each group; the last is that of all that follow. `plain`: no colours at all."""

    styles: tuple[str, ...] = ("cyan",)
    plain: bool = False

    def part(self, group: int, blocks: str) -> tuple[str, str]:
        """The blocks of one group, ready to be drawn."""
        if not self.plain:
            return blocks, self.styles[min(group, len(self.styles) - 1)]
        fill = _FILLS[min(group, len(_FILLS) - 1)]
        return blocks if fill == _FILLS[0] else fill * len(blocks), ""


@dataclass(frozen=True, slots=True)
class Row:
    """One bar: a part for each group, in the order of the groups, and the figure beside it."""

    label: str
    parts: tuple[int, ...]
    figure: str
    first_group: int = 0
    """The group of the first part, for charts whose rows are groups themselves."""

    @property
    def whole(self) -> int:
        """What the bar stands for."""
        return sum(max(0, part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars that share a scale."""

    title: str
    total: str
    rows: tuple[Row, ...]
    look: Look = Look()


def stacked(parts: Sequence[int], of: int, width: int) -> list[str]:
    """The blocks of each part of a bar, of which `width` cells stand for `of`.

    The bar is right to an eighth of a cell, its inner borders to a cell. What is above 0 is seen.
    """
    parts = [max(0, part) for part in parts]
    length = _eighths(sum(parts), of, width)
    last = max((index for index, part in enumerate(parts) if part), default=-1)
    drawn, start, passed = [], 0, 0
    for index, part in enumerate(parts):
        passed += part
        inner = passed * width // of * 8 if of > 0 else 0
        end = min(length, inner) if index < last else length
        drawn.append(_blocks(end - start))
        start = end
    return drawn


def _eighths(amount: int, of: int, width: int) -> int:
    if amount <= 0 or of <= 0:
        return 0
    return max(1, (2 * min(amount, of) * width * 8 + of) // (2 * of))


def _blocks(eighths: int) -> str:
    full, rest = divmod(eighths, 8)
    return _EIGHTHS[8] * full + _EIGHTHS[rest]


def draw(chart: Chart, width: int) -> list[Text]:
    """A chart, line by line, none wider than `width` if that can be."""
    lines = [_headline(chart, width)]
    most = max((row.whole for row in chart.rows), default=0)
    if most <= 0:
        return [*lines, Text("none", style="dim")]
    labels = min(max(len(row.label) for row in chart.rows), width * 2 // 5)
    figures = max(len(row.figure) for row in chart.rows)
    bars = max(_SHORTEST_BAR, width - labels - figures - 2)
    return lines + [_line(row, most, (labels, bars, figures), chart.look) for row in chart.rows]


def _headline(chart: Chart, width: int) -> Text:
    if not chart.total:
        return Text(chart.title, style="bold")
    gap = max(1, width - len(chart.title) - len(chart.total))
    return Text.assemble((chart.title, "bold"), " " * gap, (chart.total, "bold"))


def _line(row: Row, most: int, widths: tuple[int, int, int], look: Look) -> Text:
    labels, bars, figures = widths
    label = Text(row.label, style="dim")
    label.truncate(labels, overflow="ellipsis", pad=True)
    line = Text.assemble(label, " ")
    for group, blocks in enumerate(stacked(row.parts, most, bars), row.first_group):
        line.append(*look.part(group, blocks))
    line.append(" " * (labels + 1 + bars - len(line)))
    return line.append(f" {row.figure:>{figures}}")


def columns_for(width: int) -> int:
    """How many charts go side by side."""
    return max(1, min(_MOST_COLUMNS, (width + _GAP) // (_NARROWEST + _GAP)))


def side_by_side(charts: Sequence[Chart], width: int) -> list[Text]:
    """Charts in as many columns as there is room for, an empty line after each row of them."""
    columns = columns_for(width)
    each = (width - _GAP * (columns - 1)) // columns
    lines: list[Text] = []
    for start in range(0, len(charts), columns):
        drawn = [draw(chart, each) for chart in charts[start : start + columns]]
        lines += [_joined(cells, each) for cells in zip_longest(*drawn)]
        lines.append(Text())
    return lines


def _joined(cells: Sequence[Text | None], each: int) -> Text:
    line = Text()
    for number, cell in enumerate(cells):
        line.append(" " * (number * (each + _GAP) - len(line)))
        line.append_text(cell or Text())
    line.rstrip()
    return line


def gauge(used: int, of: int, width: int) -> Text:
    """How much of something is left: full if all of it is, red when it is nearly used up."""
    left = max(0, of - used)
    filled = left * width // of if of > 0 else 0
    style = "green" if left * 2 > of else "yellow" if left * 10 > of else "red"
    return Text.assemble(("█" * filled, style), ("░" * (width - filled), "dim"))
