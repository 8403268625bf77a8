"""The tables [[carriers]] and [[routes]]: what they mean, and that each mistake is named."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.builders import a_message

from smsgate_server.app import make_router
from smsgate_server.carriers.settings import (
    CarrierSettingsError,
    SimulatedSettings,
    parse_carriers,
    parse_routes,
)
from smsgate_server.carriers.simulator import SimulatedCarrier
from smsgate_server.carriers.smpp.client import SmppCarrier
from smsgate_server.carriers.smpp.settings import SmppSettings
from smsgate_server.config import ConfigError, load
from smsgate_server.domain.routing import DEFAULT_LANE, Choice, Match, Route
from smsgate_server.services.clock import SystemClock

Table = Mapping[str, Any]

SECRET = "s3cr3t-p4ss"


def _smpp(name: str = "acme", **keys: Any) -> dict[str, Any]:
    return {"name": name, "hosts": ["smsc.example.com:2775"], "system_id": "smsgate"} | keys


def _route(name: str = "italy", **keys: Any) -> dict[str, Any]:
    return {"name": name, "carriers": ["acme"]} | keys


def _carrier_error(*tables: Table) -> str:
    with pytest.raises(CarrierSettingsError) as caught:
        parse_carriers(tables)
    return str(caught.value)


def _routes(*tables: Table, names: Sequence[str] = ("acme", "backup")) -> list[Route]:
    return parse_routes(tables, parse_carriers([_smpp(name) for name in names]))


def _route_error(*tables: Table) -> str:
    with pytest.raises(CarrierSettingsError) as caught:
        _routes(*tables)
    return str(caught.value)


# What they mean


def test_a_carrier_speaks_smpp_unless_it_says_otherwise() -> None:
    smpp, simulated = parse_carriers([_smpp(), {"type": "simulator", "name": "play"}])
    assert isinstance(smpp, SmppSettings)
    assert (smpp.name, smpp.window, smpp.hosts) == ("acme", 10, ("smsc.example.com:2775",))
    assert simulated == SimulatedSettings(type="simulator", name="play")


def test_without_routes_all_goes_to_the_carriers_in_their_order() -> None:
    assert _routes() == [Route(DEFAULT_LANE, (Choice("acme", 1), Choice("backup", 2)))]


def test_a_plain_list_of_carriers_is_in_order_of_preference() -> None:
    (route,) = _routes(_route(carriers=["backup", "acme"]))
    assert route.choices == (Choice("backup", 1), Choice("acme", 2))


def test_tables_of_carriers_share_out() -> None:
    tables = [{"carrier": "acme", "weight": 3}, {"carrier": "backup", "priority": 2}]
    (route,) = _routes(_route(carriers=tables))
    assert route.choices == (Choice("acme", 1, 3), Choice("backup", 2, 1))


def test_what_a_route_wants_is_as_it_was_written() -> None:
    (route,) = _routes(
        _route(
            countries=["IT", "SM", "+881"],
            prefixes=["+39", "+378"],
            operators=["TIM", "Wind Tre"],
            accounts=["acme"],
            labels={"team": "billing"},
        )
    )
    assert route.match == Match(
        frozenset({"IT", "SM", "+881"}),
        ("+39", "+378"),
        frozenset({"tim", "wind-tre"}),
        frozenset({"acme"}),
        {"team": "billing"},
    )


def test_routes_keep_their_order() -> None:
    routes = _routes(_route("b"), _route("a"), _route("c"))
    assert [route.name for route in routes] == ["b", "a", "c"]


def test_a_password_can_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    (carrier,) = parse_carriers([_smpp(password_file=str(file))])
    assert isinstance(carrier, SmppSettings)
    assert carrier.secret() == SECRET


def test_enums_are_written_in_words_of_either_case() -> None:
    (carrier,) = parse_carriers([_smpp(states={"stuck": "undeliverable", "GONE": "REJECTED"})])
    assert isinstance(carrier, SmppSettings)
    assert {word: status.name for word, status in carrier.states.items()} == {
        "STUCK": "UNDELIVERABLE",
        "GONE": "REJECTED",
    }


# What is wrong with a carrier


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"windw": 3}, "carriers.acme.windw: there is no such setting"),
        ({"hosts": None}, "carriers.acme.hosts: "),
        ({"hosts": []}, "carriers.acme.hosts: "),
        ({"hosts": "h:1"}, "carriers.acme.hosts: "),
        ({"hosts": ["h:1", "nowhere"]}, "carriers.acme.hosts: 'nowhere' is not HOST:PORT"),
        ({"hosts": ["h:0"]}, "carriers.acme.hosts: 'h:0' is not HOST:PORT"),
        ({"hosts": ["h:65536"]}, "carriers.acme.hosts: 'h:65536' is not HOST:PORT"),
        ({"hosts": ["::1:2775"]}, "carriers.acme.hosts: '::1:2775' is not HOST:PORT"),
        ({"hosts": ["a b:1"]}, "carriers.acme.hosts: 'a b:1' is not HOST:PORT"),
        ({"system_id": "sixteen-letters-"}, "carriers.acme.system_id: "),
        ({"system_type": "x" * 13}, "carriers.acme.system_type: "),
        ({"service_type": "x" * 6}, "carriers.acme.service_type: "),
        ({"password": "x" * 65}, "carriers.acme.password: "),
        (
            {"password": "x", "password_file": "y"},
            "carriers.acme: password and password_file exclude each other",
        ),
        ({"type": "smtp"}, "carriers.acme.type: 'smtp' is neither smpp nor simulator"),
        ({"type": 3}, "carriers.acme.type: 3 is neither smpp nor simulator"),
        ({"interface_version": 256}, "carriers.acme.interface_version: "),
        ({"bind": "receiver"}, "carriers.acme.bind: "),
        ({"binds": 0}, "carriers.acme.binds: "),
        ({"binds": 33}, "carriers.acme.binds: "),
        ({"window": 0}, "carriers.acme.window: "),
        ({"window": 10_001}, "carriers.acme.window: "),
        ({"window": "many"}, "carriers.acme.window: "),
        ({"tps": -1}, "carriers.acme.tps: "),
        ({"tps": float("nan")}, "carriers.acme.tps: "),
        ({"connect_seconds": 0}, "carriers.acme.connect_seconds: "),
        ({"response_seconds": -1}, "carriers.acme.response_seconds: "),
        ({"enquire_link_seconds": 0}, "carriers.acme.enquire_link_seconds: "),
        ({"reconnect_seconds": 0}, "carriers.acme.reconnect_seconds: "),
        ({"reconnect_cap_seconds": 0}, "carriers.acme.reconnect_cap_seconds: "),
        ({"tls": "perhaps"}, "carriers.acme.tls: "),
        ({"tls_ca": "ca.pem"}, "carriers.acme: tls_… is set, but tls is not"),
        ({"tls_server_name": "x"}, "carriers.acme: tls_… is set, but tls is not"),
        (
            {"tls": True, "tls_certificate": "cert.pem"},
            "carriers.acme: tls_certificate and tls_key are needed together",
        ),
        (
            {"tls": True, "tls_key": "key.pem"},
            "carriers.acme: tls_certificate and tls_key are needed together",
        ),
        ({"sender": [5]}, "carriers.acme.sender.1: is needed"),
        ({"sender": [5, 256]}, "carriers.acme.sender.1: "),
        ({"recipient": "international"}, "carriers.acme.recipient: "),
        ({"alphabet": "gsm8"}, "carriers.acme.alphabet: "),
        ({"concatenation": "glue"}, "carriers.acme.concatenation: "),
        ({"max_segments": 33}, "carriers.acme.max_segments: "),
        ({"validity": "long"}, "carriers.acme.validity: "),
        ({"receipts": "some"}, "carriers.acme.receipts: "),
        ({"receipt_ids": "octal"}, "carriers.acme.receipt_ids: "),
        ({"receipt_number": "both"}, "carriers.acme.receipt_number: "),
        ({"receipts_without_esm_class": 2}, "carriers.acme.receipts_without_esm_class: "),
        ({"receipt_offset_minutes": 841}, "carriers.acme.receipt_offset_minutes: "),
        ({"states": {"FOO": "LOST"}}, "carriers.acme.states.FOO: 'LOST' is none of NEW, PENDING"),
        ({"states": {"FOO": "NEW"}}, "carriers.acme.states: NEW is no status that a receipt"),
        ({"errors": {"001": "BAD_LUCK"}}, "carriers.acme.errors.001: 'BAD_LUCK' is none of "),
        ({"try_later": [0x58, "busy"]}, "carriers.acme.try_later."),
        ({"on_unknown_submit": "retry"}, "carriers.acme.on_unknown_submit: "),
    ],
    ids=str,
)
def test_a_wrong_setting_of_a_carrier_is_named(wrong: Table, told: str) -> None:
    assert told in _carrier_error(_smpp() | wrong)


@pytest.mark.parametrize("key", ["name", "hosts", "system_id"])
def test_a_setting_that_a_carrier_lacks_is_named(key: str) -> None:
    table = _smpp()
    del table[key]
    name = "2" if key == "name" else "acme"
    assert _carrier_error(_smpp("first"), table) == f"carriers.{name}.{key}: is needed"


def test_everything_that_is_wrong_with_a_carrier_is_told_at_once() -> None:
    told = _carrier_error(_smpp(window=0, bind="x", tpss=1)).splitlines()
    assert [line.partition(":")[0] for line in told] == [
        "carriers.acme.bind",
        "carriers.acme.window",
        "carriers.acme.tpss",
    ]


def test_no_error_tells_a_password() -> None:
    told = _carrier_error(_smpp(password=SECRET, password_file="x", window=1))
    assert SECRET not in told
    told = _carrier_error(_smpp(password=SECRET * 9))
    assert SECRET not in told
    assert "carriers.acme.password: " in told


@pytest.mark.parametrize("name", ["", "A", "acme.com", "a b", "-a", "è", "x" * 33])
def test_a_name_that_metrics_cannot_have_is_told(name: str) -> None:
    assert f"carriers: the name {name!r} is not of " in _carrier_error(_smpp(name))
    assert f"routes: the name {name!r} is not of " in _route_error(_route(name))


def test_names_that_stand_twice_are_told() -> None:
    simulated = {"type": "simulator", "name": "acme"}
    assert _carrier_error(_smpp(), simulated) == "carriers: two are named acme"
    assert _route_error(_route(), _route()) == "routes: two are named italy"


def test_a_simulated_carrier_has_no_settings_of_a_real_one() -> None:
    told = _carrier_error({"type": "simulator", "name": "play", "window": 3})
    assert told == "carriers.play.window: there is no such setting"


# Files


def test_a_password_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing, folder, binary = (tmp_path / name for name in ("missing", "folder", "binary"))
    folder.mkdir()
    binary.write_bytes(b"\xff\xfe")
    for file, why in ((missing, "No such file"), (folder, "directory"), (binary, "utf-8")):
        told = _carrier_error(_smpp(password_file=str(file)))
        assert told.startswith(f"carriers.acme: password_file: cannot read {file}: ")
        assert why in told


def test_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    missing, wrong = tmp_path / "missing.pem", tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    for file in (missing, wrong):
        told = _carrier_error(_smpp(tls=True, tls_ca=str(file)))
        assert told.startswith(f"carriers.acme: cannot use tls_ca {file}: ")
        told = _carrier_error(_smpp(tls=True, tls_certificate=str(file), tls_key=str(file)))
        assert told.startswith(
            f"carriers.acme: cannot use tls_certificate {file} and tls_key {file}: "
        )


def _self_signed(folder: Path, name: str) -> tuple[str, str]:
    certificate, key = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the certificates are made with the command openssl, which is missing")
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    files = ("-keyout", key, "-out", certificate)
    subprocess.run(
        [openssl, "req", "-x509", *kind, *files, "-subj", f"/CN={name}"],
        check=True,
        capture_output=True,
    )
    return certificate, key


def test_certificates_that_can_be_used_are_no_error(tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path, "we")
    own = {"tls_certificate": certificate, "tls_key": key}
    parse_carriers([_smpp("a", tls=True, tls_ca=certificate), _smpp("b", tls=True, **own)])
    parse_carriers([_smpp("c", tls=True), _smpp("d", tls=True, tls_ca=certificate, **own)])


def test_a_key_of_another_certificate_is_an_error(tmp_path: Path) -> None:
    certificate, _ = _self_signed(tmp_path, "we")
    _, key = _self_signed(tmp_path, "they")
    told = _carrier_error(_smpp(tls=True, tls_certificate=certificate, tls_key=key))
    assert told.startswith(f"carriers.acme: cannot use tls_certificate {certificate} and tls_key")


# What is wrong with a route


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"country": "IT"}, "routes.italy.country: there is no such setting"),
        ({"countries": "IT"}, "routes.italy.countries: "),
        ({"countries": ["IT", "it"]}, "routes.italy.countries: 'it' is no destination"),
        ({"countries": ["XX"]}, "routes.italy.countries: 'XX' is no destination"),
        ({"countries": ["Italy"]}, "routes.italy.countries: 'Italy' is no destination"),
        ({"countries": ["+39"]}, "routes.italy.countries: '+39' is no destination"),
        ({"countries": [""]}, "routes.italy.countries: '' is no destination"),
        ({"prefixes": ["39"]}, "routes.italy.prefixes: '39' is not + and digits"),
        ({"prefixes": ["+39 333"]}, "routes.italy.prefixes: '+39 333' is not + and digits"),
        ({"prefixes": ["+0"]}, "routes.italy.prefixes: '+0' is not + and digits"),
        ({"prefixes": ["+"]}, "routes.italy.prefixes: '+' is not + and digits"),
        ({"prefixes": [""]}, "routes.italy.prefixes: '' is not + and digits"),
        ({"prefixes": [39]}, "routes.italy.prefixes.0: "),
        ({"operators": ["TIM", ""]}, "routes.italy.operators: '' is no name"),
        ({"operators": ["?!"]}, "routes.italy.operators: '?!' is no name"),
        ({"accounts": "acme"}, "routes.italy.accounts: "),
        ({"labels": ["team"]}, "routes.italy.labels: "),
        ({"labels": {"team": 5}}, "routes.italy.labels.team: "),
        ({"carriers": []}, "routes.italy.carriers: "),
        ({"carriers": "acme"}, "routes.italy.carriers: "),
        ({"carriers": [5]}, "routes.italy.carriers.0: "),
        ({"carriers": ["acme", "acme"]}, "routes.italy.carriers: 'acme' stands there twice"),
        (
            {"carriers": ["acme", {"carrier": "acme", "priority": 2}]},
            "routes.italy.carriers: 'acme' stands there twice",
        ),
        ({"carriers": [{"priority": 1}]}, "routes.italy.carriers.0.carrier: is needed"),
        ({"carriers": [{"carrier": "acme", "weight": 0}]}, "routes.italy.carriers.0.weight: "),
        ({"carriers": [{"carrier": "acme", "weight": 1001}]}, "routes.italy.carriers.0.weight: "),
        ({"carriers": [{"carrier": "acme", "priority": 0}]}, "routes.italy.carriers.0.priority: "),
        (
            {"carriers": ["backup", {"carrier": "acme", "prio": 1}]},
            "routes.italy.carriers.1.prio: there is no such setting",
        ),
        (
            {"carriers": ["acme", "nobody"]},
            "routes.italy: there is no carrier 'nobody'; there are acme, backup",
        ),
    ],
    ids=str,
)
def test_a_wrong_setting_of_a_route_is_named(wrong: Table, told: str) -> None:
    assert told in _route_error(_route() | wrong)


@pytest.mark.parametrize("key", ["name", "carriers"])
def test_a_setting_that_a_route_lacks_is_named(key: str) -> None:
    table = _route()
    del table[key]
    name = "2" if key == "name" else "italy"
    assert _route_error(_route("first"), table) == f"routes.{name}.{key}: is needed"


# From the file to the router


def _config(folder: Path, text: str) -> Path:
    file = folder / "smsgate.toml"
    file.write_text(text, encoding="utf-8")
    return file


_TWO = """
[[carriers]]
name = "acme"
hosts = ["127.0.0.1:2775"]
system_id = "smsgate"

[[carriers]]
name = "play"
type = "simulator"

[[routes]]
name = "italy"
countries = ["IT"]
carriers = ["acme", "play"]
"""


def test_the_tables_of_a_file_make_the_router(tmp_path: Path) -> None:
    router = make_router(load(_config(tmp_path, _TWO), {}, {}), SystemClock())
    assert [health.name for health in router.healths()] == ["acme", "play"]
    assert [health.kind for health in router.healths()] == ["smpp", "simulator"]
    assert list(router.lanes.names) == ["italy"]
    assert router.lanes.lane_of(a_message(country="IT")) == "italy"
    kinds = [type(carrier) for carrier in router._carriers.values()]
    assert kinds == [SmppCarrier, SimulatedCarrier]


def test_without_carriers_all_goes_to_a_simulated_one() -> None:
    router = make_router(load(None, {}, {}), SystemClock())
    assert [(h.name, h.kind) for h in router.healths()] == [("simulator", "simulator")]
    assert router.lanes.complete


def test_routes_without_carriers_lead_nowhere_and_are_an_error(tmp_path: Path) -> None:
    text = '[[routes]]\nname = "italy"\ncarriers = ["acme"]\n'
    with pytest.raises(ConfigError, match=r"routes: there are no \[\[carriers\]\]"):
        load(_config(tmp_path, text), {}, {})


@pytest.mark.parametrize("name", ["carriers", "routes"])
@pytest.mark.parametrize("value", ['"acme"', '["acme"]', "3", "{name = 'acme'}"])
def test_what_is_no_list_of_tables_is_named(tmp_path: Path, name: str, value: str) -> None:
    file = _config(tmp_path, f"{name} = {value}\n")
    with pytest.raises(ConfigError) as caught:
        load(file, {}, {})
    assert str(caught.value).startswith(f"{name} in {file}: ")


@pytest.mark.parametrize("name", ["carriers", "routes"])
def test_they_cannot_be_set_by_a_variable(name: str) -> None:
    with pytest.raises(ConfigError, match=f"SMSGATE_{name.upper()} or --{name}: "):
        load(None, {}, {f"SMSGATE_{name.upper()}": "acme"})
