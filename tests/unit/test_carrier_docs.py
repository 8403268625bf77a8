"""docs/carriers.md lists every setting of a carrier and of a route, as it is."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from smsgate_server.carriers.settings import RouteSettings
from smsgate_server.carriers.smpp.settings import SmppSettings

_DOCUMENT = Path(__file__).parents[2] / "docs" / "carriers.md"


def _rows(heading: str) -> dict[str, tuple[str, str]]:
    """The rows of the table under a heading: key → default, meaning."""
    text = _DOCUMENT.read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = {}
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and (name := re.fullmatch(r"`(\w+)`", cells[0])):
            rows[name[1]] = (cells[1], cells[2])
    return rows


def _written(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, frozenset):
        return "`[" + ", ".join(f"0x{code:02X}" for code in sorted(value)) + "]`"
    if isinstance(value, tuple):
        return f"`{[int(part) for part in value]}`"
    return f"`{value}`"


@pytest.mark.parametrize(
    ("heading", "model"),
    [("Settings of a carrier", SmppSettings), ("Settings of a route", RouteSettings)],
)
def test_every_key_is_documented_as_it_is(heading: str, model: type[BaseModel]) -> None:
    rows = _rows(heading)
    assert list(rows) == list(model.model_fields)
    for name, field in model.model_fields.items():
        default, meaning = rows[name]
        assert meaning == field.description, name
        wanted = (
            "needed"
            if field.is_required()
            else _written(field.get_default(call_default_factory=True))
        )
        assert default == wanted, name
