"""The checks of `make check`, side by side, each named with its time. One failure fails all."""

# A script: what it prints is its output.
# ruff: noqa: T201

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
DESCRIPTOR_SET = "generated/smsgate.binpb"
# Where the contract that callers rely on stands; the first that exists counts.
MAIN_BRANCHES = ("origin/main", "main")
SCRIPTS = ("checks.py", "proto/generate.py")
# Its own cache: two runs of mypy side by side must not write to one.
SCRIPTS_CACHE = ("--cache-dir", ".mypy_cache/scripts")


@dataclass(frozen=True)
class Outcome:
    ok: bool
    output: str = ""


def run(tool: str, *arguments: str) -> Outcome:
    """Run a tool of this environment at the top of the repository."""
    done = subprocess.run(
        [BIN / tool, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return Outcome(done.returncode == 0, done.stdout.strip())


def on_image(check: Callable[[Path], Outcome]) -> Outcome:
    """Run a check of buf on an image of the contract, with paths that an editor can open."""
    with tempfile.TemporaryDirectory() as temporary:
        image = Path(temporary) / "contract.binpb"
        built = run("python", "proto/generate.py", "--lint-image", str(image))
        outcome = check(image) if built.ok else built
    lines = (
        f"proto/{line}" if line.startswith("smsgate/") else line
        for line in outcome.output.splitlines()
    )
    return Outcome(outcome.ok, "\n".join(lines))


def published_contract() -> bytes | None:
    """The descriptor set that main has committed; None if it has none yet."""
    for branch in MAIN_BRANCHES:
        done = subprocess.run(
            ["git", "show", f"{branch}:{DESCRIPTOR_SET}"], cwd=ROOT, capture_output=True
        )
        if done.returncode == 0:
            return done.stdout
    return None


def buf_lint() -> Outcome:
    return on_image(lambda image: run("buf", "lint", str(image)))


def buf_breaking() -> Outcome:
    published = published_contract()
    if published is None:
        return Outcome(True, "nothing to compare with: main has no contract yet")

    def check(image: Path) -> Outcome:
        against = image.with_name("published.binpb")
        against.write_bytes(published)
        return run("buf", "breaking", str(image), "--against", str(against))

    return on_image(check)


# The slow ones first, so that they do not end alone.
CHECKS: dict[str, Callable[[], Outcome]] = {
    "mypy": lambda: run("mypy", "--strict"),
    "mypy, scripts": lambda: run("mypy", "--strict", *SCRIPTS_CACHE, *SCRIPTS),
    "generated code": lambda: run("python", "proto/generate.py", "--check"),
    "import contracts": lambda: run("lint-imports"),
    "buf lint": buf_lint,
    "buf breaking": buf_breaking,
    "buf format": lambda: run("buf", "format", "--diff", "--exit-code"),
    "ruff check": lambda: run("ruff", "check", "--output-format", "concise"),
    "ruff format": lambda: run("ruff", "format", "--check", "--diff"),
}


def timed(check: Callable[[], Outcome]) -> tuple[Outcome, float]:
    start = time.monotonic()
    try:
        outcome = check()
    except OSError as error:  # a tool that is not installed
        outcome = Outcome(False, str(error))
    return outcome, time.monotonic() - start


def main() -> int:
    failed = []
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        running = {pool.submit(timed, check): name for name, check in CHECKS.items()}
        for done in as_completed(running):
            name = running[done]
            outcome, seconds = done.result()
            print(f"{'ok    ' if outcome.ok else 'FAILED'}  {name:18} {seconds:5.1f} s", flush=True)
            if not outcome.ok:
                failed.append(name)
                print(outcome.output, flush=True)
            elif name == "buf breaking" and outcome.output:
                print(f"        {outcome.output}", flush=True)
    print(f"failed: {', '.join(sorted(failed))}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
