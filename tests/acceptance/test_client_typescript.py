"""The client for TypeScript by its own tools, and what its README and its example promise."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.acceptance.build_lock import build_once
from tests.acceptance.scenario_harness import CLIENTS
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.slow

_ROOT = CLIENTS.parent
_FOLDER = CLIENTS / "typescript"
_MODULES = _FOLDER / "node_modules"
_NODE = shutil.which("node")
_NPM = shutil.which("npm")
_SECONDS = 180.0
_TOLD_SECONDS = 30.0
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _run(
    *command: str | Path, folder: Path = _FOLDER, environment: Mapping[str, str] | None = None
) -> str:
    own = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
    done = subprocess.run(
        command,
        cwd=folder,
        env=own | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _node(*words: str | Path, **around: object) -> str:
    assert _NODE is not None
    return _run(_NODE, *words, **around)  # type: ignore[arg-type]


def _tool(package: str, script: str) -> Path:
    return _MODULES / package / script


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    if _NODE is None or _NPM is None:
        pytest.skip("Node.js is not installed: see https://nodejs.org")
    if not _tool("typescript", "bin/tsc").exists():
        pytest.skip("packages are missing: run `npm ci` in clients/typescript")
    build_once("typescript", "client", _compile)


def _compile() -> None:
    _node(_tool("typescript", "bin/tsc"))


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the simulated carrier writes what handsets would be sent."""
    return tmp_path_factory.mktemp("client-typescript") / "codes"


@pytest.fixture(scope="module")
def server(codes: Path) -> Iterator[ServerProcess]:
    environment = {"SMSGATE_SIMULATOR_OTP_FILE": str(codes)}
    with ServerProcess("memory:", environment=environment) as running:
        yield running


def _readme(language: str) -> list[str]:
    text = (_FOLDER / "README.md").read_text("utf-8")
    return [body for name, body in _FENCE.findall(text) if name == language]


def test_its_unit_tests_pass() -> None:
    _node("--test", "dist/clients/typescript/tests/")


def test_eslint_finds_nothing() -> None:
    _node(_tool("eslint", "bin/eslint.js"), "--max-warnings=0", ".")


def test_it_is_formatted() -> None:
    _node(_tool("prettier", "bin/prettier.cjs"), "--check", ".")


def test_the_installation_and_the_quickstart_of_the_readme_work(
    server: ServerProcess, tmp_path: Path
) -> None:
    """As JavaScript, too: the quickstart has no types of its own."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (tmp_path / "smsgate").symlink_to(_ROOT)
    (mine / "main.js").write_text(_readme("ts")[0], "utf-8")
    # The packages are here, and others use them.
    commands = _readme("sh")[0].replace("npm --prefix ../smsgate/clients/typescript ci\n", "")
    assert commands != _readme("sh")[0]
    quiet = {f"npm_config_{name}": "false" for name in ("audit", "fund", "update_notifier")}
    environment = quiet | {"npm_config_offline": "true", "SMSGATE_TARGET": server.target}
    told = _run("sh", "-e", "-c", commands, folder=mine, environment=environment)
    assert told.splitlines()[-2:] == ["PENDING", "DELIVERED"]


_AROUND = """import {{ {names} }} from "@smsgate/client";
declare const account: string, key: string, number: string, text: string, stored: string;
declare function handle(event: StatusEvent): Promise<void>;
declare function store(cursor: string): Promise<void>;
{client}
{body}
export {{}};
"""
_NAMES = ("SmsgateClient", "StatusEvent", "accountService", "money", "newRequestId")


def test_every_other_piece_of_the_readme_has_the_right_types() -> None:
    pieces = _readme("ts")[1:]
    assert pieces
    folder = _FOLDER / "dist" / "readme"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, body in enumerate(pieces):
        client = "" if "new SmsgateClient" in body else "declare const client: SmsgateClient;"
        piece = _AROUND.format(names=", ".join(_NAMES), client=client, body=body)
        (folder / f"piece{number}.mts").write_text(piece, "utf-8")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022"]
    options += ["--module", "nodenext", "--types", "node"]
    _node(_tool("typescript", "bin/tsc"), *options, *sorted(folder.iterdir()))


def test_the_example_says_what_a_newcomer_expects(server: ServerProcess, codes: Path) -> None:
    assert _NODE is not None
    with subprocess.Popen(
        [_NODE, _FOLDER / "dist/clients/typescript/examples/quickstart.js"],
        env=os.environ | {"SMSGATE_TARGET": server.target},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            told, _ = running.communicate(_code(codes) + "\n", timeout=_TOLD_SECONDS)
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


def _code(codes: Path) -> str:
    """The code that the example was sent, as its handset shows it."""
    until = time.monotonic() + _TOLD_SECONDS
    while time.monotonic() < until:
        found = re.search(r"\b\d{6}\b", codes.read_text("utf-8") if codes.exists() else "")
        if found is not None:
            return found[0]
        time.sleep(0.02)
    raise AssertionError("no code was sent")


def test_the_sections_that_the_documentation_shows_are_there() -> None:
    text = (_FOLDER / "examples" / "quickstart.ts").read_text("utf-8")
    for section in ("connect", "send", "follow", "otp", "errors"):
        start, end = (text.find(f"// --8<-- [{mark}:{section}]\n") for mark in ("start", "end"))
        assert 0 <= start < end, section
