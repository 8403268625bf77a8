"""`smsgate account`, as account holders and operators use it, against a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance import test_cli
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_cli import NUMBER, Result, Smsgate

from smsgate.v1 import account_service_pb2 as pb
from smsgate_client import (
    BlockingClient,
    Conflict,
    PermissionDenied,
    SmsgateClient,
    money,
    new_request_id,
)

smsgate, server = test_cli.smsgate, test_cli.server


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server of its own, for a test that makes keys: with the first one it is no longer open."""
    with ServerProcess(tmp_path / "messages.db") as running:
        yield running


def _id() -> str:
    return f"a-{new_request_id()[:8]}"


def _json(result: Result) -> dict[str, object]:
    assert (result.code, result.err) == (0, "")
    (line,) = result.lines
    assert isinstance(line, dict)
    return line


def test_show_tells_the_own_account(smsgate: Smsgate) -> None:
    shown = smsgate("account", "show")
    assert (shown.code, shown.err) == (0, "")
    assert "account: local" in shown.out
    assert "state: ACTIVE" in shown.out
    assert "billing: SUBSCRIPTION, EUR" in shown.out
    assert "balance: " not in shown.out
    assert "limit: otp_recipient 5 per 1h for each" in shown.out
    assert smsgate("account", "show", "local").out == shown.out


def test_an_account_is_created_with_all_that_was_typed(smsgate: Smsgate) -> None:
    id = _id()
    created = smsgate(
        *("account", "create", id, "--name", "Web shop", "--bundle", "500"),
        *("--bundle-country", "IT", "--budget", "100.5 EUR", "--allow", "IT", "--allow", "ES"),
        *("--deny", "FR", "--forbid-word", "casino", "--require-price", "--monitor", "budget"),
        *("--limit", "messages=100/1m:burst=20", "--limit", "streams=10", "--label", "team=a"),
    )
    assert (created.code, created.out) == (0, f"{id} ACTIVE\n")
    found = _json(smsgate("--output", "json", "account", "show", id))["account"]
    assert isinstance(found, dict)
    assert found["display_name"] == "Web shop"
    assert found["bundle"] == {"segments_per_month": 500, "countries": ["IT"]}
    assert found["labels"] == {"team": "a"}
    policy = found["policy"]
    assert policy["countries"]["allowed_countries"] == ["IT", "ES"]
    assert policy["countries"]["denied_countries"] == ["FR"]
    assert policy["budget"]["monthly_maximum"] == {"amount": "100.5", "currency": "EUR"}
    assert policy["budget"]["mode"] == "MONITOR"
    assert policy["content"]["forbidden_words"] == ["casino"]
    assert policy["prices"]["require_price"] is True
    assert [limit["kind"] for limit in policy["limits"]] == ["MESSAGES", "STREAMS"]
    shown = smsgate("account", "show", id).out
    assert "bundle: 500 of 500 segments left" in shown
    assert "budget: 100.5 EUR left" in shown
    assert "countries: only IT, ES, not FR" in shown
    assert "limit: messages " in shown


def test_an_account_is_created_once(smsgate: Smsgate) -> None:
    id, request_id = _id(), new_request_id()
    arguments = ("account", "create", id, "--request-id", request_id)
    first, again = smsgate(*arguments), smsgate(*arguments)
    assert first.out == again.out
    assert "nothing was done now" in again.err
    taken = smsgate("account", "create", id)
    assert taken.code == 4
    assert "ACCOUNT_EXISTS" in taken.err


def test_only_what_is_named_is_changed(smsgate: Smsgate) -> None:
    id = _id()
    smsgate("account", "create", id, "--name", "before", "--budget", "5 EUR", "--allow", "IT")
    changed = smsgate(
        *("account", "update", id, "--state", "suspended", "--reason", "unpaid"),
        *("--clear", "budget"),
    )
    assert (changed.code, changed.out) == (0, f"{id} SUSPENDED (unpaid)\n")
    shown = smsgate("account", "show", id).out
    assert "name: before" in shown
    assert "countries: only IT" in shown
    assert "budget: none" in shown
    back = smsgate("account", "update", id, "--state", "active", "--reason", "")
    assert back.out == f"{id} ACTIVE\n"


def test_a_change_can_demand_that_nobody_else_made_one(smsgate: Smsgate) -> None:
    id = _id()
    created = _json(smsgate("--output", "json", "account", "create", id))
    etag = str(created["etag"])
    assert smsgate("account", "update", id, "--name", "first", "--etag", etag).code == 0
    late = smsgate("account", "update", id, "--name", "second", "--etag", etag)
    assert late.code == 4
    assert "ACCOUNT_CHANGED" in late.err
    assert "name: first" in smsgate("account", "show", id).out


def test_a_top_up_is_done_once(smsgate: Smsgate) -> None:
    id, request_id = _id(), new_request_id()
    smsgate("account", "create", id, "--billing", "prepaid")
    arguments = ("account", "top-up", id, "50.25", "EUR", "--request-id", request_id)
    first, again = smsgate(*arguments), smsgate(*arguments)
    assert (first.code, first.out, first.err) == (0, "50.25 EUR\n", "")
    assert (again.code, again.out) == (0, "50.25 EUR\n")
    assert "nothing was added now" in again.err
    assert smsgate("account", "top-up", id, "0.000001 EUR", "--note", "n").out == "50.250001 EUR\n"
    assert "balance: 50.250001 EUR" in smsgate("account", "show", id).out
    subscription = smsgate("account", "top-up", "local", "5 EUR")
    assert subscription.code == 4
    assert "NOT_PREPAID" in subscription.err


def test_accounts_are_listed(smsgate: Smsgate) -> None:
    ids, label = sorted(_id() for _ in range(3)), f"run={new_request_id()}"
    for id in ids:
        smsgate("account", "create", id, "--label", label)
    smsgate("account", "update", ids[1], "--state", "closed")
    listed = smsgate("account", "list", "--label", label).lines
    assert [each["id"] for each in listed] == ids
    closed = smsgate("account", "list", "--label", label, "--state", "closed").lines
    assert [each["id"] for each in closed] == ids[1:2]
    assert len(smsgate("account", "list", "--label", label, "--limit", "2").lines) == 2
    table = smsgate("--output", "text", "account", "list", "--label", label).out
    assert [line.split()[0] for line in table.splitlines()] == ["id", *ids]


def test_a_key_is_made_used_and_revoked(own_server: ServerProcess, smsgate: Smsgate) -> None:
    target = ("--target", own_server.target)
    made = smsgate(*target, "account", "key", "create", "local", "-s", "admin", "--name", "ops")
    assert made.code == 0
    secret = made.out.strip()
    # The secret alone is on standard output, and nowhere else.
    assert made.out == f"{secret}\n"
    assert secret not in made.err
    assert "cannot be shown again" in made.err
    without = smsgate(*target, "account", "show")
    assert without.code == 7
    assert "API_KEY_REQUIRED" in without.err
    operator = (*target, "--api-key", secret)
    smsgate(*operator, "account", "create", "shop")
    arguments = ("account", "key", "create", "shop", "--scope", "send", "--expires", "90d")
    key = _json(smsgate(*operator, "--output", "json", *arguments))
    assert isinstance(key["api_key"], dict)
    id, shop = str(key["api_key"]["id"]), str(key["secret"])
    assert shop.startswith(id)
    sender = (*target, "--api-key", shop)
    assert smsgate(*sender, "send", NUMBER, "Ciao!").code == 0
    forbidden = smsgate(*sender, "account", "list")
    assert forbidden.code == 7
    assert "SCOPE_REQUIRED" in forbidden.err
    own = smsgate(*sender, "account", "show").out
    assert "account: shop" in own
    assert f"called with: {id} send" in own
    assert f"key: {id} send" in smsgate(*operator, "account", "show", "shop").out
    revoked = smsgate(*operator, "account", "key", "revoke", id)
    assert revoked.code == 0
    assert revoked.out.startswith(f"{id} revoked ")
    assert smsgate(*sender, "account", "show").code == 7


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "no-such-account"], 3),
        (["create", "No Such Id"], 2),
        (["create", "fine-id", "--budget", "cheap"], 2),
        (["create", "fine-id", "--limit", "messages"], 2),
        (["create", "fine-id", "--limit", "messages=5"], 2),
        (["create", "fine-id", "--monitor", "budget"], 2),
        (["create", "fine-id", "--allow", "Atlantis"], 2),
        (["update", "local"], 2),
        (["update", "local", "--state", "happy"], 2),
        (["update", "local", "--clear", "everything"], 2),
        (["update", "no-such-account", "--name", "x"], 3),
        (["top-up", "local", "EUR"], 2),
        (["list", "--state", "happy"], 2),
        (["key", "create", "local"], 2),
        (["key", "create", "local", "--scope", "root"], 2),
        (["key", "create", "no-such-account", "--scope", "send"], 3),
        (["key", "revoke", "no-such-key"], 3),
        ([], 2),
    ],
)
def test_what_is_wrong_is_a_sentence_and_an_exit_code(
    smsgate: Smsgate, arguments: list[str], code: int
) -> None:
    result = smsgate("account", *arguments)
    assert result.code == code
    assert "smsgate: " in result.err
    assert "Traceback" not in result.err


def test_the_library_clears_with_none(server: ServerProcess) -> None:
    id = _id()
    with BlockingClient(server.target) as client:
        client.create_account(id, budget="5 EUR", bundle=3, limits=[_limit(9)])
        account = client.update_account(id, budget=None, limits=[]).account
        assert not account.policy.HasField("budget")
        assert not account.policy.limits
        assert account.bundle.segments_per_month == 3
        with pytest.raises(Conflict):
            client.create_account(id)


def _limit(maximum: int) -> pb.Limit:
    return pb.Limit(kind=pb.LIMIT_KIND_STREAMS, maximum=maximum)


async def test_the_asyncio_client_does_the_same(own_server: ServerProcess) -> None:
    id = _id()
    async with SmsgateClient(own_server.target) as client:
        await client.create_account(id, billing_mode="prepaid")
        done = await client.top_up(id, "5 EUR", note="invoice")
        assert done.balance == money("5 EUR")
        assert [each.id async for each in client.list_accounts(page_size=1)] == [id, "local"]
        await client.update_account(id, display_name="x")
        assert (await client.get_account(id)).account.display_name == "x"
        made = await client.create_api_key(id, ["READ"], display_name="r")
    async with SmsgateClient(own_server.target, api_key=made.secret) as reader:
        found = await reader.get_account()
        assert found.calling_key.id == made.api_key.id
        with pytest.raises(PermissionDenied):
            await reader.revoke_api_key(made.api_key.id)


def test_the_help_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    commands = ("show", "list", "create", "update", "top-up", "key create", "key revoke")
    for command in commands:
        assert test_cli.run(["account", *command.split(), "--help"]) == 0
        assert "Examples:" in capfd.readouterr().out
