"""The client for Java by its own tools, and what its README and its example promise."""

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

_FOLDER = CLIENTS / "java"
_JAVA, _JAVAC, _MVN = (shutil.which(tool) for tool in ("java", "javac", "mvn"))
_SECONDS = 240.0
_TOLD_SECONDS = 30.0
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _run(
    *command: str | Path, folder: Path = _FOLDER, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    own = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
    return subprocess.run(
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


def _told(*command: str | Path, **around: object) -> str:
    done = _run(*command, **around)  # type: ignore[arg-type]
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """Built and its unit tests run, once for all processes."""
    if _JAVAC is None or _MVN is None:
        pytest.skip("a JDK and Maven are not installed: apt-get install openjdk-17-jdk maven")
    build_once("java", "test", _tested)


def _tested() -> None:
    assert _MVN is not None
    done = _run(_MVN, "-q", "-o", "-B", "test")
    if "in offline mode" in done.stdout:
        pytest.skip("artifacts are missing: run `mvn test` in clients/java")
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def classes(built: None) -> str:
    dependencies = (_FOLDER / "target" / "classpath").read_text("utf-8").strip()
    own = [str(_FOLDER / "target" / name) for name in ("test-classes", "classes")]
    return os.pathsep.join([*own, dependencies])


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the simulated carrier writes what handsets would be sent."""
    return tmp_path_factory.mktemp("client-java") / "codes"


@pytest.fixture(scope="module")
def server(codes: Path) -> Iterator[ServerProcess]:
    environment = {"SMSGATE_SIMULATOR_OTP_FILE": str(codes)}
    with ServerProcess("memory:", environment=environment) as running:
        yield running


def _readme(language: str) -> list[str]:
    text = (_FOLDER / "README.md").read_text("utf-8")
    return [body for name, body in _FENCE.findall(text) if name == language]


def _installation() -> str:
    return next(body for body in _readme("sh") if "install" in body)


def test_the_readme_names_what_maven_installs() -> None:
    """The coordinates of the dependency are those of the project."""
    [dependency] = _readme("xml")
    project = (_FOLDER / "pom.xml").read_text("utf-8")
    for name in ("groupId", "artifactId", "version"):
        found = re.search(f"<{name}>[^<]+</{name}>", dependency)
        assert found is not None
        assert found[0] in project


def test_its_unit_tests_pass() -> None:
    reports = list((_FOLDER / "target" / "surefire-reports").glob("*.txt"))
    run = [re.search(r"Tests run: (\d+), Failures: 0", each.read_text()) for each in reports]
    assert len(run) >= 3
    assert sum(int(found[1]) for found in run if found) >= 70


def test_the_quickstart_of_the_readme_follows_to_delivered(
    server: ServerProcess, classes: str, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (tmp_path / "smsgate").symlink_to(CLIENTS.parent)
    (mine / "Main.java").write_text(_readme("java")[0], "utf-8")
    # The client is built, and this machine's own repository is not to get it.
    commands = [line for line in _installation().splitlines() if not line.startswith("mvn ")]
    assert len(commands) == 1
    environment = {"SMSGATE_TARGET": server.target}
    told = _told("sh", "-e", "-c", commands[0], folder=mine, environment=environment)
    assert told.split() == ["MESSAGE_STATUS_PENDING", "MESSAGE_STATUS_DELIVERED"]


_AROUND = """import internal.smsgate.client.*;
import internal.smsgate.v1.*;
import java.nio.file.Path;

abstract class Pieces {{
    abstract void handle(StatusEvent event);
    abstract void store(String cursor);
    {methods}
}}
"""
_METHOD = """
    void piece{number}(
            {client}String account, String key, String number, String text, String stored) {{
        {body}
    }}
"""


def test_every_other_piece_of_the_readme_compiles(classes: str, tmp_path: Path) -> None:
    assert _JAVAC is not None
    methods = []
    for number, body in enumerate(_readme("java")[1:]):
        client = "" if "Smsgate client" in body else "Smsgate client, "
        methods.append(_METHOD.format(number=number, client=client, body=body))
    assert methods
    program = tmp_path / "Pieces.java"
    program.write_text(_AROUND.format(methods="".join(methods)), "utf-8")
    _told(
        _JAVAC,
        "-Xlint:all,-classfile,-processing",
        "-Werror",
        "-proc:none",
        "-cp",
        classes,
        "-d",
        tmp_path,
        program,
    )


def test_the_example_says_what_a_newcomer_expects(
    server: ServerProcess, classes: str, codes: Path
) -> None:
    assert _JAVA is not None
    with subprocess.Popen(
        [_JAVA, "-cp", classes, "internal.smsgate.examples.Quickstart"],
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
        "MESSAGE_STATUS_NEW",
        "MESSAGE_STATUS_PENDING",
        "MESSAGE_STATUS_DELIVERED",
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
    example = "src/examples/java/internal/smsgate/examples/Quickstart.java"
    text = (_FOLDER / example).read_text("utf-8")
    for section in ("connect", "send", "follow", "otp", "errors"):
        start, end = (text.find(f"// --8<-- [{mark}:{section}]\n") for mark in ("start", "end"))
        assert 0 <= start < end, section
