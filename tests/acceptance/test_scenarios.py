"""The scenarios of clients/scenarios, run by the client of every language against a real server."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.certificates import needs_openssl
from tests.acceptance.scenario_harness import (
    Language,
    build,
    languages,
    run_scenarios,
    scenario_names,
)

pytestmark = [needs_openssl, pytest.mark.slow]


@pytest.mark.parametrize("language", languages(), ids=lambda language: language.name)
async def test_every_scenario_passes(
    language: Language, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    lacks = language.missing or await asyncio.to_thread(build, language)
    if lacks:
        record_property("scenarios not run", (language.name, lacks))
        pytest.skip(f"{language.name}: {lacks}")
    results = await run_scenarios(language, tmp_path)
    # The table at the end of the run; see conftest.py.
    for result in results:
        record_property(f"scenario {language.name}", (result.scenario, result.seconds, result.why))
    assert [result.scenario for result in results] == scenario_names()
    assert {result.scenario: result.why for result in results if result.why} == {}
