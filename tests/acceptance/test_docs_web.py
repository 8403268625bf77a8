"""docs/web.md: every command of it, against a real server."""

import shutil
from pathlib import Path

import pytest
from tests.acceptance.console import ROOT, check
from tests.acceptance.web_setup import WebProcess

_PAGE = ROOT / "docs" / "web.md"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl: apt-get install curl")
def test_every_command_prints_what_the_page_says(tmp_path: Path) -> None:
    with WebProcess(tmp_path / "messages.db") as server:
        address = server.web.removeprefix("http://").rstrip("/")
        replaced = {"127.0.0.1:8080": address, "sent.json": str(tmp_path / "sent.json")}
        assert check(_PAGE, replaced, {}) >= 9
