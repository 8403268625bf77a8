"""docs/simulator.md says what the code does."""

from pathlib import Path

from smsgate_server.carriers.script import ENDINGS

_PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_every_ending_stands_in_the_table_as_it_is() -> None:
    rows = [line for line in _PAGE.read_text().splitlines() if line.startswith("| 9")]
    assert rows == [f"| {ending.digits} | {ending.meaning} |" for ending in ENDINGS]
