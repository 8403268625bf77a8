"""The examples of the clients, in every language, as programs that tests run."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.acceptance.scenario_harness import Language, build, languages

# The builds of the others' scenarios make their examples, too.
_GO = "env GOPROXY=off go build -buildvcs=false -o ../../.cache/go/examples/ ./examples/..."


def in_every_language() -> list[Any]:
    """Parameters of a test: Python always, the others where slow tests run."""
    return [
        pytest.param(each, id=each.name, marks=[] if each.name == "python" else [pytest.mark.slow])
        for each in languages()
    ]


async def start_example(
    language: Language, name: str, *arguments: str, environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    """Run examples/NAME. Skips the test if the tool chain lacks something, and says what."""
    if language.name == "go":
        language = replace(language, build=(tuple(_GO.split()),))
    lacks = language.missing or await asyncio.to_thread(build, language, "examples")
    if lacks:
        pytest.skip(f"{language.name}: {lacks}")
    own = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
    return await asyncio.create_subprocess_exec(
        *_command(language, name),
        *arguments,
        cwd=language.folder,
        env=own | dict(environment),
        stdout=asyncio.subprocess.PIPE,
    )


def _command(language: Language, name: str) -> list[str]:
    match language.name:
        case "go":
            return [f"../../.cache/go/examples/{name}"]
        case "typescript":
            return [_tool("node"), f"dist/clients/typescript/examples/{name}.js"]
        case "java":
            path = (language.folder / "target" / "classpath").read_text("utf-8").strip()
            classes = os.pathsep.join(["target/test-classes", "target/classes", path])
            program = "".join(word.capitalize() for word in name.split("_"))
            return [_tool("java"), "-cp", classes, f"internal.smsgate.examples.{program}"]
        case _:
            return [sys.executable, f"examples/{name}.py"]


def _tool(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found
