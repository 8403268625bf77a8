"""What holds for all tests: missing tool chains; and a table of the scenarios at the end."""

import os
import signal
from typing import Any, cast

import pytest
from hypothesis import settings
from tests.toolchains import pytest_runtest_makereport

__all__ = ["pytest_runtest_makereport"]

# What helpers assert says what it saw, too.
pytest.register_assert_rewrite("tests.acceptance", "tests.browser")

# Tests start processes while channels are open; with its fork handlers gRPC was seen to end the new
# process before it began. Read when grpc is imported, which is later.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# Begun in the background by a shell, a run would ignore Ctrl-C, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that is busy with other things must not make a test fail.
settings.register_profile("smsgate", deadline=None)
settings.load_profile("smsgate")

_PROPERTY = "scenario "
# Of a client that could not be run: its language, and why.
_NOT_RUN = "scenarios not run"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Everyday runs are for minutes: what is slow waits for CI, or for who names it."""
    named = config.args != config.getini("testpaths") or config.option.keyword
    if named or os.environ.get("CI") or os.environ.get("SMSGATE_SOAK"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A table of the clients, if any ran the scenarios."""
    seconds: dict[str, dict[str, str]] = {}
    languages: dict[str, None] = {}
    not_run: list[tuple[str, str]] = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            if not isinstance(report, pytest.TestReport) or report.when != "call":
                continue
            for name, value in report.user_properties:
                if name == _NOT_RUN:
                    not_run.append(cast("tuple[str, str]", value))
                if name.startswith(_PROPERTY):
                    scenario, took, why = cast("tuple[str, float, str]", value)
                    language = name.removeprefix(_PROPERTY)
                    languages[language] = None
                    shown = "FAILED" if why else f"{took:.1f} s"
                    seconds.setdefault(scenario, {})[language] = shown
    if seconds or not_run:
        terminalreporter.section("scenarios")
    if seconds:
        _table(terminalreporter, sorted(languages), seconds)
    for language, reason in sorted(not_run):
        terminalreporter.write_line(f"{language} was not run: {reason}")


def _table(terminalreporter: Any, languages: list[str], seconds: dict[str, dict[str, str]]) -> None:
    terminalreporter.write_line(f"{'':38}" + "".join(f"{name:>12}" for name in languages))
    for scenario, took in seconds.items():
        cells = "".join(f"{took.get(language, '-'):>12}" for language in languages)
        terminalreporter.write_line(f"{scenario:38}" + cells)
