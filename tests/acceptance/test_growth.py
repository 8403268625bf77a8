"""A store that grows does not slow the gateway down: the benchmark's group `volume`, in short."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.console import ROOT

pytestmark = pytest.mark.slow

_MESSAGES = 1_000_000
_SECONDS = 200.0
# The target is 1.2, and it is held where nothing else runs: see docs/performance.md. A look-up
# that reads all it passes, which is what this is to find, takes a hundred times as long.
_MOST = 3.0


def test_beside_a_million_messages_calls_take_as_long_as_beside_ten_thousand(
    tmp_path: Path,
) -> None:
    found = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--short", "--only", "volume"]
    done = subprocess.run(
        [*command, "--messages", str(_MESSAGES), "--driver", "python", "--json", str(found)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ratios = {
        figure["name"]: figure["ratio"] for figure in json.loads(found.read_text())["figures"]
    }
    assert len(ratios) == 5
    assert all("1,000,000 messages" in name for name in ratios)
    assert not {name: ratio for name, ratio in ratios.items() if ratio > _MOST}
