"""The model that docs/scaling.md quotes: what it says follows from its assumptions."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.model import Assumptions, needed, table

_PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"


def test_the_page_shows_what_the_model_says() -> None:
    assert table(Assumptions()) in _PAGE.read_text()


def test_more_messages_need_more_databases_in_proportion() -> None:
    one = needed(replace(Assumptions(), messages=1_000))
    ten = needed(replace(Assumptions(), messages=10_000))
    assert one.databases == 1
    assert ten.databases == 8
    assert ten.messages_per_database <= 0.6 / 470e-6


def test_subscribers_need_servers_and_no_databases() -> None:
    few = needed(replace(Assumptions(), subscribers=100))
    many = needed(Assumptions())
    assert few.databases == many.databases
    assert many.servers_for_streams > 10 * few.servers_for_streams


def test_an_assumption_can_be_given() -> None:
    command = [sys.executable, "-m", "benchmarks.model", "--messages", "500", "--batched", "1"]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "databases                            1, 500 messages/s each" in printed.stdout
