"""A tool chain that is missing is told, and in CI it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_TESTS = """
import pytest

@pytest.fixture
def browser():
    pytest.skip("needs a browser: apt-get install chromium")

def test_that_needs_a_browser(browser): ...

@pytest.mark.skipif(True, reason="Go is not installed")
def test_that_needs_go(): ...

@pytest.mark.skipif(True, reason="grpcurl is not installed")
def test_that_needs_what_is_spared(): ...

def test_that_needs_nothing(): ...

@pytest.mark.xfail(strict=True)
def test_that_is_known_to_fail():
    raise AssertionError
"""


def _run(folder: Path, ci: str) -> tuple[int, str]:
    (folder / "test_needs.py").write_text(_TESTS, "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-rA", "-p", "tests.toolchains", "-p", "no:xdist"),
            folder,
        ],
        cwd=folder,
        env=os.environ | {"CI": ci, "PYTHONPATH": str(_ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_outside_ci_a_missing_tool_chain_is_skipped_with_its_reason(tmp_path: Path) -> None:
    code, told = _run(tmp_path, ci="")
    assert code == pytest.ExitCode.OK
    assert "1 passed, 3 skipped, 1 xfailed" in told
    assert "needs a browser: apt-get install chromium" in told


def test_in_ci_a_missing_tool_chain_fails_and_is_named(tmp_path: Path) -> None:
    code, told = _run(tmp_path, ci="true")
    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 1 skipped, 1 xfailed, 2 errors" in told
    for named in ("needs a browser: apt-get install chromium", "Go is not installed"):
        assert f"CI must not do without this: {named}" in told
