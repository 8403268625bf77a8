"""The operator's commands around carriers, as people run them."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.acceptance.server_process import ServerProcess

pytestmark = pytest.mark.slow

_PROGRAM = [sys.executable, "-m", "smsgate_server"]
_CARRIER = """
[[carriers]]
name = "acme"
hosts = ["{address}"]
system_id = "smsgate"
password = "{password}"
reconnect_seconds = 0.05
reconnect_cap_seconds = 0.05
"""


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*_PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@contextmanager
def _smsc(*arguments: str) -> Iterator[str]:
    """The address of an SMSC that is a process of its own."""
    command = [*_PROGRAM, "smsc", "--listen", "127.0.0.1:0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            found = re.fullmatch(r"smsc listening on (\S+)\n", line)
            assert found, line
            yield found[1]
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def _told(config: Path, store: Path, state: str, trouble: str = "") -> list[str]:
    """The line of the carrier once it is in this state: the server reports every second."""
    for _ in range(40):
        done = _run("carriers", "--config", str(config), "--store", f"sqlite:{store}")
        lines = [line.split("\t") for line in done.stdout.splitlines()]
        if len(lines) == 2 and lines[1][1] == state and trouble in lines[1][-1]:
            assert lines[0][:3] == ["carrier", "state", "binds"]
            assert done.returncode == (0 if state == "up" else 1)
            return lines[1]
    raise AssertionError(f"never {state}: {done.stdout}{done.stderr}")


def test_the_command_carriers_tells_how_they_do(tmp_path: Path) -> None:
    config, store = tmp_path / "smsgate.toml", tmp_path / "smsgate.db"
    with _smsc("--system-id", "smsgate", "--password", "secret") as address:
        config.write_text(_CARRIER.format(address=address, password="secret"))
        with ServerProcess(store, ["--config", str(config)]):
            assert _told(config, store, "up") == [
                *("acme", "up", "1/1", "0/10", "no limit"),
                *("0", "0", "0", "0", "0", "0", ""),
            ]
        config.write_text(_CARRIER.format(address=address, password="wrong"))
        with ServerProcess(store, ["--config", str(config)]) as server:
            _told(config, store, "down", "bind refused with 0x0000000E (the password is wrong)")
            server.stop()
        done = _run("carriers", "--config", str(config), "--store", f"sqlite:{store}")
        assert (done.returncode, done.stdout) == (2, "")
        assert "no server has reported on its carriers" in done.stderr


def test_what_the_carriers_do_is_in_no_log_with_a_password(tmp_path: Path) -> None:
    config, store = tmp_path / "smsgate.toml", tmp_path / "smsgate.db"
    with _smsc("--password", "other") as address:
        config.write_text(_CARRIER.format(address=address, password="s3cr3t-p4ss"))
        environment = {"SMSGATE_LOG_LEVEL": "debug"}
        with ServerProcess(store, ["--config", str(config)], environment) as server:
            _told(config, store, "down", "bind refused")
            server.stop()
    assert any("bind refused" in line for line in server.output)
    assert not any("s3cr3t-p4ss" in line for line in server.output)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[carriers]]\nname = 'a'", ["carriers.a.hosts: is needed", "system_id: is needed"]),
        (
            "[[carriers]]\nname = 'a'\nhosts = ['nowhere']\nsystem_id = 'x'",
            ["carriers.a.hosts: 'nowhere' is not HOST:PORT"],
        ),
        (
            "[[carriers]]\nname = 'a'\nhosts = ['h:1']\nsystem_id = 'x'\nwindw = 3",
            ["carriers.a.windw: there is no such setting"],
        ),
        (
            "[[carriers]]\nname = 'a'\nhosts = ['h:1']\nsystem_id = 'x'\n"
            "[[routes]]\nname = 'r'\ncarriers = ['b']",
            ["routes.r: there is no carrier 'b'; there are a"],
        ),
        (
            "[[carriers]]\nname = 'a'\nhosts = ['h:1']\nsystem_id = 'x'\n"
            "password_file = '/nowhere/at/all'",
            ["carriers.a: ", "/nowhere/at/all"],
        ),
    ],
)
def test_a_wrong_setting_of_a_carrier_is_an_error_at_start_that_names_it(
    tmp_path: Path, text: str, told: list[str]
) -> None:
    config = tmp_path / "smsgate.toml"
    config.write_text(text)
    done = _run("run", "--config", str(config), "--store", "memory:", "--listen", "127.0.0.1:0")
    assert (done.returncode, done.stdout) == (2, "")
    for part in told:
        assert part in done.stderr


def test_an_smsc_that_cannot_listen_says_so() -> None:
    with _smsc() as address:
        done = _run("smsc", "--listen", address)
        assert done.returncode == 2
        assert f"cannot listen on {address}" in done.stderr
    assert "must be HOST:PORT" in _run("smsc", "--listen", "2775").stderr


def test_the_demo_over_smpp_ends_well() -> None:
    done = _run("demo", "--smpp")
    assert done.returncode == 0, done.stderr
    assert re.search(r"(?m)^ +25 DELIVERED$", done.stdout)
    assert re.search(r"(?m)^demo\tup\t1/1\t0/10\t", done.stdout)
