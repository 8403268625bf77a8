"""The samples in Python that the documentation shows, run. Those of the other languages are run by
the tests of their clients.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.acceptance.console import ROOT
from tests.acceptance.server_process import ServerProcess

_EXAMPLE = ROOT / "clients" / "python" / "examples" / "quickstart.py"
_SECONDS = 30.0


def test_the_example_says_what_a_newcomer_expects(tmp_path: Path) -> None:
    codes = tmp_path / "codes"
    with (
        ServerProcess("memory:", environment={"SMSGATE_SIMULATOR_OTP_FILE": str(codes)}) as server,
        subprocess.Popen(
            [sys.executable, _EXAMPLE],
            env=os.environ | {"SMSGATE_TARGET": server.target},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running,
    ):
        try:
            told, _ = running.communicate(_code(codes) + "\n", timeout=_SECONDS)
        finally:
            running.kill()
    assert running.returncode == 0, told
    assert told.splitlines() == [
        "NEW",
        "PENDING",
        "DELIVERED",
        "The code: welcome",
        "recipient RECIPIENT_NOT_E164",
    ]


@pytest.mark.parametrize("page", ["README.md", "clients/python/README.md"])
def test_the_first_sample_of_the_readme_follows_a_message_to_delivered(
    page: str, tmp_path: Path
) -> None:
    found = re.search(r"^```python\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.M | re.S)
    assert found is not None
    program = tmp_path / "main.py"
    with ServerProcess("memory:") as server:
        assert "127.0.0.1:50051" in found[1]
        program.write_text(found[1].replace("127.0.0.1:50051", server.target), "utf-8")
        done = subprocess.run(
            [sys.executable, program],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert re.findall(r"PENDING|DELIVERED", done.stdout)[-1] == "DELIVERED"


def _code(codes: Path) -> str:
    """The code that the example was sent, as its handset shows it."""
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        found = re.search(r"\b\d{6}\b", codes.read_text("utf-8") if codes.exists() else "")
        if found is not None:
            return found[0]
        time.sleep(0.02)
    raise AssertionError("no code was sent")
