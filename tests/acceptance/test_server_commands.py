"""`smsgate-server accounts | tariffs | otp-keys`: beside a running server, and without one."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.acceptance.accounts_setup import database_of, eventually
from tests.acceptance.conftest import Gateway
from tests.acceptance.reading import ITALIAN

from smsgate.v1 import message_service_pb2 as pb

_HEADER = "country,network,billing,currency,price,valid_from,valid_to,status,source,note\n"
_ITALY = "IT,*,*,EUR,0.05,,,operator,our contract,\n"


def run(
    *arguments: str, store: Path | str, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    own = {name: v for name, v in os.environ.items() if not name.startswith("SMSGATE_")}
    return subprocess.run(
        [sys.executable, "-m", "smsgate_server", *arguments],
        env=own | {"SMSGATE_STORE": store if isinstance(store, str) else f"sqlite:{store}"},
        capture_output=True,
        text=True,
        input=text,
        timeout=120,
        check=False,
    )


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "smsgate.db"


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


# Tariffs


def test_every_fault_of_a_file_is_told_with_its_line(store: Path) -> None:
    rows = "IT,tim,prepaid,EUR,0.05,,,operator,us,\nFR,*,*,eur,abc,,,operator,,\n"
    done = run("tariffs", "check", "-", store=store, text=_HEADER + rows)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == [
        "line 2, network",
        "line 3, currency",
        "line 3, price",
        "line 3, source",
    ]
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_what_is_exported_can_be_imported_and_changes_nothing(store: Path) -> None:
    exported = ok(run("tariffs", "export", store=store))
    assert exported.startswith(_HEADER)
    assert "no fault" in ok(run("tariffs", "check", "-", store=store, text=exported))
    assert "nothing to change" in ok(run("tariffs", "import", "-", store=store, text=exported))
    done = run("tariffs", "diff", "-", store=store, text=exported)
    assert (done.returncode, done.stdout.strip()) == (
        0,
        "0 added, 0 removed, 0 changed, 4 unchanged",
    )


@pytest.mark.slow
def test_an_import_shows_what_it_changes_and_a_dry_run_changes_nothing(store: Path) -> None:
    wanted = _HEADER + _ITALY
    dry = ok(run("tariffs", "import", "--dry-run", "-", store=store, text=wanted))
    assert "+ IT * *" in dry
    assert "- ES * prepaid" in dry
    assert "nothing was changed" in dry
    assert run("tariffs", "diff", "-", store=store, text=wanted).returncode == 1
    assert "imported as version 2" in ok(run("tariffs", "import", "-", store=store, text=wanted))
    assert ok(run("tariffs", "export", store=store)) == wanted


async def test_a_running_server_takes_up_an_import_and_old_messages_keep_their_price(
    gateway: Gateway,
) -> None:
    request = pb.SendMessageRequest(recipient=ITALIAN, text="Ciao!")
    before = (await gateway.stub.SendMessage(request)).message
    assert before.tariff_version == 1
    imported = await asyncio.to_thread(
        lambda: run("tariffs", "import", "-", store=database_of(gateway), text=_HEADER + _ITALY)
    )
    ok(imported)

    async def look() -> pb.EstimateMessageResponse | None:
        asked = pb.EstimateMessageRequest(recipient=ITALIAN, text="Ciao!")
        told = await gateway.stub.EstimateMessage(asked)
        return told if told.price_per_segment.nanos == 50_000_000 else None

    await eventually(look)
    after = (await gateway.stub.SendMessage(request)).message
    assert (after.tariff_version, after.total_price.nanos) == (2, 50_000_000)
    found = (await gateway.stub.GetMessage(pb.GetMessageRequest(id=before.id))).message
    assert (found.tariff_version, found.total_price.nanos) == (1, 36_000_000)


# Accounts


@pytest.mark.slow
def test_an_account_is_created_charged_up_and_given_a_key(store: Path) -> None:
    created = ok(run("accounts", "create", "web-shop", "--billing", "prepaid", store=store))
    assert created.startswith("created web-shop (prepaid, EUR)")
    top_up = ("accounts", "top-up", "web-shop", "12.5", "--request-id", "invoice-1")
    assert ok(run(*top_up, store=store)) == "web-shop: 12.5 EUR\n"
    assert "nothing was added now" in ok(run(*top_up, store=store))
    made = run("accounts", "create-key", "web-shop", "--scope", "send", store=store)
    secret = ok(made).strip()
    assert secret.startswith("sgk_")
    assert secret not in made.stderr
    key_id = secret[:16]
    keys = ok(run("accounts", "keys", "web-shop", store=store))
    assert f"{key_id}\tusable\tsend" in keys
    assert secret not in keys
    assert "revoked" in ok(run("accounts", "revoke-key", key_id, store=store))
    assert f"{key_id}\trevoked" in ok(run("accounts", "keys", "web-shop", store=store))
    assert "TOP_UP\t12.5\t12.5" in ok(run("accounts", "ledger", "web-shop", store=store))
    assert "web-shop\tACTIVE\tprepaid\t12.5 EUR" in ok(run("accounts", "list", store=store))


@pytest.mark.slow
def test_a_policy_is_kept_in_a_file_and_put_in_force(store: Path) -> None:
    ok(run("accounts", "create", "web-shop", store=store))
    shown = json.loads(ok(run("accounts", "show", "web-shop", store=store)))
    wanted = {
        "bundle": {"segments_per_month": 100},
        "policy": {
            "countries": {"denied_countries": ["FR"], "mode": "POLICY_MODE_ENFORCE"},
            "limits": [{"kind": "LIMIT_KIND_MESSAGES", "maximum": 5, "period": "60s"}],
        },
    }
    text = json.dumps(shown | wanted)
    applied = ok(run("accounts", "apply", "web-shop", "-", store=store, text=text))
    assert applied == "web-shop: ACTIVE, subscription\n"
    after = json.loads(ok(run("accounts", "show", "web-shop", store=store)))
    assert after["bundle"] == wanted["bundle"]
    assert after["policy"]["countries"] == wanted["policy"]["countries"]
    assert [limit["maximum"] for limit in after["policy"]["limits"]] == [5]


@pytest.mark.slow
def test_a_file_that_is_wrong_changes_nothing_and_says_where(store: Path) -> None:
    ok(run("accounts", "create", "web-shop", store=store))
    before = ok(run("accounts", "show", "web-shop", store=store))
    wrong = {"policy": {"countries": {"denied_countries": ["FRX"]}}, "currency": "USD"}
    for text, said in (
        (json.dumps(wrong), "account.currency: is never changed"),
        ('{"policy": {"countries": {"denied_countries": ["FRX"]}}}', "denied_countries[0]"),
        ("not JSON", "account: is not one"),
    ):
        refused = run("accounts", "apply", "web-shop", "-", store=store, text=text)
        assert refused.returncode != 0
        assert said in refused.stderr
    assert ok(run("accounts", "show", "web-shop", store=store)) == before


def test_an_account_is_changed(store: Path) -> None:
    ok(run("accounts", "create", "web-shop", store=store))
    wanted = ("--state", "suspended", "--reason", "unpaid", "--billing", "prepaid")
    assert ok(run("accounts", "update", "web-shop", *wanted, store=store)) == (
        "web-shop: SUSPENDED, prepaid\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("accounts", "keys", "nobody"), "there is no such account"),
        (("accounts", "create", "Shop"), "account.id: must be a lower-case letter"),
        (("accounts", "create", "local"), "there is an account local already"),
        (("accounts", "revoke-key", "sgk_none"), "there is no such API key"),
        (("accounts", "top-up", "local", "5", "--request-id", "r"), "is a subscription"),
        (("accounts", "top-up", "local", "x", "--request-id", "r"), "AMOUNT: must be"),
        (("accounts", "create-key", "local", "--scope", "all"), "none of send, read"),
        (("otp-keys", "rotate"), "there is no"),
        (("otp-keys", "add"), "there is no"),
        (("otp-keys", "promote", "k1"), "there is no"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    store: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    done = run(*arguments, store=store)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_keys_are_not_rotated_at_once_where_servers_share_a_database() -> None:
    done = run("otp-keys", "rotate", store="postgresql://nobody@127.0.0.1:9/none")
    assert done.returncode == 2
    assert "`otp-keys promote` once each of them has the file" in done.stderr


def test_a_store_in_memory_has_no_desk() -> None:
    done = run("accounts", "list", store="memory:")
    assert done.returncode == 2
    assert "AccountService" in done.stderr
