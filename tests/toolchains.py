"""What tests need of the machine beyond Python: tool chains, a browser, databases, SMSCs.

Where something is missing its tests are skipped and say why. In CI (the environment variable CI)
that would be a language or a database that nobody misses, so there they fail instead.
"""

import os
from collections.abc import Generator
from typing import Any

import pytest

# What CI may do without, because it shows nothing that is not shown otherwise, too.
_SPARED = ("grpcurl", "h2load", "staticcheck")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped has failed."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        why = _reason(report.longrepr)
        if not any(spared in why for spared in _SPARED):
            report.outcome = "failed"
            report.longrepr = f"CI must not do without this: {why}"
    return report


def _reason(skipped: Any) -> str:
    """What a skip says; pytest keeps it with its place."""
    return str(skipped[-1] if isinstance(skipped, tuple) else skipped).removeprefix("Skipped: ")
