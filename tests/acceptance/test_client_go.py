"""The client for Go by its own tool chain, and what its README and its example promise."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from tests.acceptance.scenario_harness import CLIENTS
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.slow

_ROOT = CLIENTS.parent
_FOLDER = CLIENTS / "go"
_GO = shutil.which("go")
_GOFMT = shutil.which("gofmt")
_STATICCHECK = _ROOT / ".cache" / "bin" / "staticcheck"
# A build from nothing, on a machine that has other things to do.
_SECONDS = 300.0
_TOLD_SECONDS = 30.0
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _run(
    command: Sequence[str | Path],
    folder: Path = _FOLDER,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("SMSGATE_")}
    # What is not here already is a reason to skip, not to ask the network.
    own |= {"GOPROXY": "off", "GOSUMDB": "off"} | dict(environment or {})
    return subprocess.run(
        command,
        cwd=folder,
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _go(
    *words: str | Path, folder: Path = _FOLDER, environment: Mapping[str, str] | None = None
) -> str:
    assert _GO is not None
    done = _run([_GO, *words], folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def go_is_ready() -> None:
    if _GO is None:
        pytest.skip("Go is not installed: see https://go.dev/dl")
    # It needs every module, those of a caller's own `go mod tidy` too.
    tidied = _run([_GO, "mod", "tidy", "-diff"])
    if "GOPROXY=off" in tidied.stderr:
        pytest.skip("modules are missing: run `go mod tidy` in clients/go")
    if "requires go >=" in tidied.stderr:
        pytest.skip(f"Go is too old: {tidied.stderr}")


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the simulated carrier writes what handsets would be sent."""
    return tmp_path_factory.mktemp("client-go") / "codes"


@pytest.fixture(scope="module")
def server(codes: Path) -> Iterator[ServerProcess]:
    environment = {"SMSGATE_SIMULATOR_OTP_FILE": str(codes)}
    with ServerProcess("memory:", environment=environment) as running:
        yield running


def _readme(language: str) -> list[str]:
    text = (_FOLDER / "README.md").read_text("utf-8")
    return [body for name, body in _FENCE.findall(text) if name == language]


def test_its_unit_tests_pass() -> None:
    # The race detector needs a C compiler.
    race = ["-race"] if shutil.which("gcc") or shutil.which("cc") else []
    _go("test", *race, "./...")


def test_it_is_formatted() -> None:
    assert _GOFMT is not None
    done = _run([_GOFMT, "-l", "."])
    assert (done.returncode, done.stdout) == (0, "")


def test_vet_finds_nothing() -> None:
    _go("vet", "./...")


def test_staticcheck_finds_nothing() -> None:
    if not _STATICCHECK.exists():
        pytest.skip("staticcheck is not in .cache/bin: see .ci/run")
    done = _run([_STATICCHECK, "./..."])
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_modules_are_tidy() -> None:
    for folder in (_FOLDER, _ROOT / "generated" / "go"):
        _go("mod", "tidy", "-diff", folder=folder)


def test_the_quickstart_of_the_readme_follows_to_delivered(
    server: ServerProcess, tmp_path: Path
) -> None:
    program = tmp_path / "main.go"
    program.write_text(_readme("go")[0], "utf-8")
    told = _go("run", program, environment={"SMSGATE_TARGET": server.target})
    assert told.split() == ["PENDING", "DELIVERED"]


_AROUND = """package readme

import (
	"context"
	"errors"
	"time"

	smsgate "smsgate.internal/client"
	pb "smsgate.internal/stubs/smsgate/v1"
)

var (
	_ = errors.Is
	_ = pb.NewMessageServiceClient
)
"""
_FRAGMENT = """
func fragment%d(
	ctx context.Context, client *smsgate.Client, key, number, text, stored string, err error,
	handle func(*pb.StatusEvent), store func(string), again func(time.Duration),
) error {
	{
		%s
		_, _ = client, err
	}
	return nil
}
"""


def test_every_other_piece_of_the_readme_compiles(tmp_path: Path) -> None:
    pieces = _readme("go")[1:]
    assert pieces
    program = tmp_path / "readme.go"
    made = (_FRAGMENT % (number, piece) for number, piece in enumerate(pieces))
    program.write_text(_AROUND + "".join(made), "utf-8")
    _go("vet", program)


def test_the_installation_of_the_readme_works(server: ServerProcess, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (tmp_path / "smsgate").symlink_to(_ROOT)
    (mine / "main.go").write_text(_readme("go")[0], "utf-8")
    environment = {"GOFLAGS": "-mod=mod", "SMSGATE_TARGET": server.target}
    done = _run(["sh", "-e", "-c", _readme("sh")[0]], mine, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split() == ["PENDING", "DELIVERED"]


def test_the_example_says_what_a_newcomer_expects(
    server: ServerProcess, codes: Path, tmp_path: Path
) -> None:
    program = tmp_path / "quickstart"
    _go("build", "-buildvcs=false", "-o", program, "./examples/quickstart")
    with subprocess.Popen(
        [program],
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
    text = (_FOLDER / "examples" / "quickstart" / "main.go").read_text("utf-8")
    for section in ("connect", "send", "follow", "otp", "errors"):
        start, end = (text.find(f"// --8<-- [{mark}:{section}]\n") for mark in ("start", "end"))
        assert 0 <= start < end, section
