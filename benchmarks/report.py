"""Results, and the three ways to show them: table, JSON, Markdown."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

HEADINGS = ("figure", "measured", "limit", "ratio", "target", "")


@dataclass
class Figure:
    """One line. `compared` is what the target is about: the ratio, or the measured value."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    # Whether what the target takes for granted was so.
    granted: bool = True
    # What was measured besides: medians over the rounds, or plain facts.
    details: dict[str, float | str] = field(default_factory=dict)

    @property
    def compared(self) -> float:
        return self.value if self.ratio is None else self.ratio

    @property
    def passed(self) -> bool | None:
        if self.at_least is not None:
            return self.granted and self.compared >= self.at_least
        if self.at_most is not None:
            return self.granted and self.compared <= self.at_most
        return None

    @property
    def target(self) -> str:
        if self.at_least is not None:
            return f">= {self.at_least:,g}"
        return f"<= {self.at_most:,g}" if self.at_most is not None else ""

    def cells(self) -> tuple[str, ...]:
        verdict = {True: "pass", False: "FAIL", None: ""}[self.passed]
        limit = "" if self.limit is None else number(self.limit)
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return (self.name, f"{number(self.value)} {self.unit}", limit, ratio, self.target, verdict)

    def besides(self) -> str:
        return ", ".join(
            f"{name} {number(value) if isinstance(value, float | int) else value}"
            for name, value in self.details.items()
        )


def number(value: float) -> str:
    if value != value:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


Shown = Callable[[Figure], None]


def show_as_they_come() -> Shown:
    """In a pipe: one line per figure, at once."""

    def show(figure: Figure) -> None:
        name, measured, limit, ratio, target, verdict = figure.cells()
        print(
            f"{name:56} {measured:>18} {limit:>10} {ratio:>6} {target:>10} {verdict:4}", flush=True
        )
        if figure.details:
            print(f"    {figure.besides()}", flush=True)

    return show


def show_table(console: Console, figures: Sequence[Figure]) -> None:
    table = Table(*HEADINGS, caption="limit: the bare platform, measured in the same run")
    for column in table.columns[1:5]:
        column.justify = "right"
    for figure in figures:
        cells = figure.cells()
        style = {True: "green", False: "bold red", None: ""}[figure.passed]
        name = f"{cells[0]}\n[dim]{figure.besides()}[/dim]" if figure.details else cells[0]
        table.add_row(name, *cells[1:5], f"[{style}]{cells[5]}[/]" if style else cells[5])
    console.print(table)


def as_json(machine: dict[str, str], figures: Sequence[Figure], run: dict[str, object]) -> str:
    lines = [
        {**asdict(figure), "target": figure.target, "passed": figure.passed} for figure in figures
    ]
    return json.dumps({"run": run, "machine": machine, "figures": lines}, indent=2) + "\n"


def as_markdown(machine: dict[str, str], figures: Sequence[Figure]) -> str:
    about = "; ".join(f"{name}: {value}" for name, value in machine.items())
    lines = [f"Machine: {about}.", "", "| " + " | ".join([*HEADINGS[:5], "held"]) + " |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | --- |")
    for figure in figures:
        cells = [cell.replace(">=", "≥").replace("<=", "≤") for cell in figure.cells()]
        cells[0] += f"<br>{figure.besides()}" if figure.details else ""
        cells[5] = {"pass": "yes", "FAIL": "**no**"}.get(cells[5], "")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"written: {path}", file=sys.stderr)
