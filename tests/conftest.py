"""What is told at the end of a run: the scenarios, by the client that passed them."""

import os
from typing import Any, cast

import pytest
from hypothesis import settings

# Tests start processes while channels are open; with its fork handlers gRPC was seen to end the new
# process before it began. Read when grpc is imported, which is later.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# A machine that is busy with other things must not make a test fail.
settings.register_profile("smsgate", deadline=None)
settings.load_profile("smsgate")

_PROPERTY = "scenario "


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A table of the clients, if any ran the scenarios."""
    seconds: dict[str, dict[str, str]] = {}
    languages: dict[str, None] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if not isinstance(report, pytest.TestReport) or report.when != "call":
                continue
            for name, value in report.user_properties:
                if name.startswith(_PROPERTY):
                    scenario, took, why = cast("tuple[str, float, str]", value)
                    language = name.removeprefix(_PROPERTY)
                    languages[language] = None
                    shown = "FAILED" if why else f"{took:.1f} s"
                    seconds.setdefault(scenario, {})[language] = shown
    if seconds:
        _table(terminalreporter, sorted(languages), seconds)


def _table(terminalreporter: Any, languages: list[str], seconds: dict[str, dict[str, str]]) -> None:
    terminalreporter.section("scenarios")
    terminalreporter.write_line(f"{'':38}" + "".join(f"{name:>12}" for name in languages))
    for scenario, took in seconds.items():
        cells = "".join(f"{took.get(language, '-'):>12}" for language in languages)
        terminalreporter.write_line(f"{scenario:38}" + cells)
