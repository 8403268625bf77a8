"""The command line: `python -m benchmarks`, or `make bench`."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from benchmarks import machine, report
from benchmarks.bench import Bench
from benchmarks.figures import (
    batch,
    chain,
    envoy,
    get,
    guarded,
    postgres,
    send,
    smpp,
    stream,
    volume,
)
from benchmarks.processes import ROOT
from benchmarks.report import Figure

_BUILD = ROOT / "build"
_GROUPS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "send": send.run,
    "guarded": guarded.run,
    "get": get.run,
    "batch": batch.run,
    "stream": stream.run,
    "memory": stream.memory,
    "chain": chain.run,
    "smpp": smpp.run,
    "postgres": postgres.run,
    "envoy": envoy.run,
    "volume": volume.run,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure, limits beside.")
    parser.add_argument("--short", action="store_true", default=os.environ.get("BENCH") == "short")
    parser.add_argument("--only", action="append", choices=_GROUPS, help="a group; may be repeated")
    parser.add_argument("--messages", type=int, help="in the large store of the group volume")
    parser.add_argument("--driver", choices=("auto", "python"), default="auto")
    parser.add_argument("--json", type=Path, default=_BUILD / "bench.json", metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the table for the docs")
    return parser.parse_args()


def main() -> int:
    wanted = _arguments()
    messages = wanted.messages or (20_000 if wanted.short else 1_000_000)
    _BUILD.mkdir(exist_ok=True)
    # Beside the repository's own files: a folder for temporary files may be in memory.
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=_BUILD))
    bench = Bench(folder, wanted.short, messages, use_h2load=wanted.driver == "auto")
    start = time.monotonic()
    try:
        about = machine.describe(folder)
        figures, errors = _measure(bench, wanted.only or list(_GROUPS), about)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    run = {
        "form": "short" if wanted.short else "long",
        "messages": messages,
        "driver": bench.driver,
        "seconds": round(time.monotonic() - start),
        "errors": errors,
    }
    report.write(wanted.json, report.as_json(about, figures, run))
    if wanted.markdown:
        report.write(wanted.markdown, report.as_markdown(about, figures))
    print(f"{run['form']} form, {run['seconds']} s, driver {bench.driver}")
    return 1 if errors else 0


def _measure(
    bench: Bench, groups: list[str], about: dict[str, str]
) -> tuple[list[Figure], list[str]]:
    console = Console()
    for name, value in about.items():
        print(f"{name:10} {value}")
    show = report.show_as_they_come() if not console.is_terminal else _progress(console)
    figures, errors = [], []
    for group in groups:
        start = time.monotonic()
        try:
            for figure in _GROUPS[group](bench):
                figures.append(figure)
                show(figure)
        except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
            # One group that cannot be measured must not hide the others.
            errors.append(f"{group}: {error}")
            print(f"{group} could not be measured: {error}", file=sys.stderr)
        print(f"    ({group}: {time.monotonic() - start:.0f} s)", flush=True)
    if console.is_terminal:
        report.show_table(console, figures)
    return figures, errors


def _progress(console: Console) -> report.Shown:
    def show(figure: Figure) -> None:
        cells = figure.cells()
        console.print(f"[dim]{cells[0]}: {cells[1]} {cells[5]}[/dim]")

    return show


if __name__ == "__main__":
    sys.exit(main())
