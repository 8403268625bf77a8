"""What of the dashboard needs no browser, in Node."""

import shutil
import subprocess
from pathlib import Path

import pytest

_TESTS = sorted((Path(__file__).parent / "javascript").glob("*.test.mjs"))
# The first that take a .js file for a module because of what is in it.
_NODE = (20, 19)


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js 20.19 or later: apt-get install nodejs, or https://nodejs.org")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in told.strip().lstrip("v").split(".")[:2]) < _NODE:
        pytest.skip(f"needs Node.js 20.19 or later, and {told.strip()} is installed")
    return node


@pytest.mark.slow
def test_the_parts_of_the_dashboard_do_what_they_say() -> None:
    assert _TESTS
    done = subprocess.run(
        [_node(), "--test", *map(str, _TESTS)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
