"""The settings: where they come from, and that each of them is documented."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from smsgate_server.config import ConfigError, Settings, load

_TABLE = Path(__file__).parents[2] / "docs" / "settings.md"


def _documented() -> dict[str, tuple[str, str, str]]:
    """The rows of the table: name → variable, default, meaning."""
    rows = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and (name := re.fullmatch(r"`(\w+)`", cells[0])):
            rows[name[1]] = (cells[1], cells[2], cells[3])
    return rows


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert list(_documented()) == list(Settings.model_fields)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_documented_as_it_is(name: str) -> None:
    variable, default, meaning = _documented()[name]
    field = Settings.model_fields[name]
    assert variable == f"`SMSGATE_{name.upper()}`"
    assert meaning == field.description
    if name != "store":
        assert default == _written(field.get_default(call_default_factory=True))


def _written(value: object) -> str:
    if value is None or value == "" or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


def test_the_settings_command_lists_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "smsgate_server", "settings"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    listed = re.findall(r"(?m)^(\w+) = ", done.stdout)
    assert listed == list(Settings.model_fields)
    for field in Settings.model_fields.values():
        assert field.description
        assert field.description in done.stdout


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "smsgate.toml"
    file.write_text('listen = "127.0.0.1:1"\nstore = "memory:"\ndefault_sender = "File"\n')
    environment = {"SMSGATE_LISTEN": "127.0.0.1:2", "SMSGATE_DEFAULT_SENDER": "Variable"}
    settings = load(file, {"listen": "127.0.0.1:3", "store": None}, environment)
    assert (settings.listen, settings.store, settings.default_sender) == (
        "127.0.0.1:3",
        "memory:",
        "Variable",
    )


def test_lists_stand_in_a_variable_with_commas_between() -> None:
    environment = {"SMSGATE_FORBIDDEN_WORDS": "casino,free money,"}
    assert load(None, {}, environment).forbidden_words == ("casino", "free money")


def test_the_file_can_be_named_by_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "smsgate.toml"
    file.write_text("require_price = true\n")
    assert load(None, {}, {"SMSGATE_CONFIG": str(file)}).require_price


def test_variables_of_the_client_may_stand_in_the_same_environment() -> None:
    load(None, {}, {"SMSGATE_TARGET": "127.0.0.1:1", "PATH": "x", "OTHER_LISTEN": "y"})


@pytest.mark.parametrize("address", ["127.0.0.1:0", "127.9.9.9:1", "localhost:1", "[::1]:1"])
def test_loopback_addresses_need_no_permission(address: str) -> None:
    assert load(None, {"listen": address}, {}).loopback


@pytest.mark.parametrize("address", ["0.0.0.0:1", "127.example.com:1", "[::]:1", "10.0.0.1:1"])
def test_other_addresses_need_allow_remote(address: str) -> None:
    with pytest.raises(ConfigError, match="allow_remote"):
        load(None, {"listen": address}, {})
    assert not load(None, {"listen": address, "allow_remote": True}, {}).loopback


@pytest.mark.parametrize("address", ["0.0.0.0:9090", "[::]:9090", "192.0.2.1:9", "example.com:9"])
def test_metrics_for_other_machines_need_a_permission_tls_or_not(address: str) -> None:
    tls = {"tls_certificate": "server.pem", "tls_key": "server.key"}
    for settings in ({}, tls):
        wanted = {"metrics_listen": address, **settings}
        with pytest.raises(ConfigError, match=r"metrics_listen: .* metrics_allow_remote"):
            load(None, wanted, {})
        for permission in ("metrics_allow_remote", "allow_remote"):
            assert load(None, {**wanted, permission: True}, {}).metrics_listen == address


def test_a_permission_for_metrics_is_none_for_calls() -> None:
    with pytest.raises(ConfigError, match=r"^listen: .* with allow_remote"):
        load(None, {"listen": "0.0.0.0:50051", "metrics_allow_remote": True}, {})


@pytest.mark.parametrize("address", ["127.0.0.1:9090", "[::1]:9090", "localhost:0"])
def test_metrics_on_loopback_need_no_permission(address: str) -> None:
    assert load(None, {"metrics_listen": address}, {}).metrics_listen == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "50051"),
        ("LISTEN", "127.0.0.1:70000"),
        ("STORE", "postgres"),
        ("DEFAULT_SENDER", "a sender that is too long"),
        ("RECIPIENT_POLICY", "lax"),
        ("BACKLOG_LIMIT", "0"),
        ("SUBMIT_WINDOW", "many"),
        ("REQUEST_RETENTION_HOURS", "1"),
        ("MESSAGE_RETENTION_DAYS", "1"),
        ("STALL_SECONDS", "-1"),
        ("RETRY_CAP_SECONDS", "nan"),
        ("DRAIN_SECONDS", "inf"),
        ("LOG_FORMAT", "xml"),
        ("METRICS_LISTEN", "9090"),
        ("SIMULATOR_CHAOS", "1.5"),
        ("NONSENSE", "1"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {}, {f"SMSGATE_{name}": value})
    assert f"SMSGATE_{name}" in str(caught.value)


def test_a_settings_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*missing"):
        load(tmp_path / "missing.toml", {}, {})
    broken = tmp_path / "broken.toml"
    for content in (b"= = =", b"\xff\xfe"):
        broken.write_bytes(content)
        with pytest.raises(ConfigError, match="is not TOML"):
            load(broken, {}, {})
