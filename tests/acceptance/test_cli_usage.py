"""`smsgate usage` against a real server."""

from decimal import Decimal
from typing import Any

import pytest
from tests.acceptance import test_cli
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_cli import NUMBER, Smsgate

from smsgate_client import BlockingClient, SmsgateClient, amount_of

smsgate, server = test_cli.smsgate, test_cli.server

# Each of these countries is that of one test, so that its figures are its own.
SPANISH, FRENCH, PORTUGUESE, GERMAN = (
    "+34612345678",
    "+33612345678",
    "+351912345678",
    "+4915123456789",
)


def _costs(figures: dict[str, Any]) -> Decimal:
    return sum((Decimal(cost["amount"]) for cost in figures.get("costs", [])), Decimal(0))


def test_usage_is_plain_lines_in_a_pipe(smsgate: Smsgate) -> None:
    smsgate("send", NUMBER, "Ciao!")
    shown = smsgate("usage")
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0].startswith("usage by month, ")
    assert lines[1].split()[:4] == ["period", "messages", "segments", "cost"]
    assert len([line for line in lines if line.startswith("20")]) == 12
    assert any(line.startswith("total ") for line in lines)
    # What the server says in words comes last.
    assert lines[-1].strip()
    assert not lines[-1].startswith(("20", "total"))
    assert "\x1b" not in shown.out
    assert "█" not in shown.out


def test_figures_are_those_of_the_messages(smsgate: Smsgate, server: ServerProcess) -> None:
    with BlockingClient(server.target) as client:
        before = client.get_usage().total
        sent = [client.send(SPANISH, text).message for text in ("x", "x" * 161)]
        client.send(SPANISH, "x", dry_run=True)
        after = client.get_usage().total
    assert after.paid_requests - before.paid_requests == 2
    assert after.messages - before.messages == 2
    (found,) = smsgate("usage", "--country", "ES", "--json").lines
    total = found["total"]
    assert total["messages"] == 2
    assert total["segments"] == sum(message.segments for message in sent) == 3
    assert _costs(total) > 0
    assert _costs(total) == sum(amount_of(message.total_price) for message in sent)
    (series,) = found["series"]
    assert len(series["periods"]) == 12
    assert series["periods"][-1]["figures"]["messages"] == 2
    assert smsgate("--output", "json", "usage", "--country", "ES").code == 0


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        (
            ["--by", "day", "--from", "2026-01-30", "--to", "2026-02-01"],
            ["2026-01-30", "2026-02-01"],
        ),
        (["--from", "2025-11", "--to", "2026-02"], ["2025-11", "2026-02"]),
        (["--by", "year", "--from", "2024", "--to", "2025"], ["2024", "2025"]),
    ],
)
def test_both_ends_of_a_span_are_included(
    smsgate: Smsgate, arguments: list[str], labels: list[str]
) -> None:
    (found,) = smsgate("usage", *arguments, "--json").lines
    periods = found["series"][0]["periods"]
    assert [periods[0]["label"], periods[-1]["label"]] == labels


def test_usage_is_divided_by_country(smsgate: Smsgate) -> None:
    for number in (FRENCH, FRENCH, PORTUGUESE):
        assert smsgate("send", number, "Hello").code == 0
    arguments = ("usage", "--group-by", "country", "--country", "FR", "--country", "PT")
    (found,) = smsgate(*arguments, "--json").lines
    assert [series["country"] for series in found["series"]] == ["FR", "PT"]
    assert [series["total"]["messages"] for series in found["series"]] == [2, 1]
    assert found["total"]["messages"] == 3
    shown = smsgate(*arguments).out
    assert [line.split()[:2] for line in shown.splitlines() if line.startswith("total")] == [
        ["total", "France"],
        ["total", "Portugal"],
    ]
    (few,) = smsgate(*arguments, "--json", "--max-groups", "1").lines
    assert [series.get("others", False) for series in few["series"]] == [False, True]


def test_usage_is_divided_by_status(smsgate: Smsgate) -> None:
    assert smsgate("send", GERMAN, "Hello", "--wait").code == 0
    (found,) = smsgate("usage", "--group-by", "status", "--country", "DE", "--json").lines
    delivered = [s for s in found["series"] if s.get("status") == "DELIVERED"]
    assert [series["total"]["messages"] for series in delivered] == [1]


def test_an_operator_sees_the_usage_of_every_account(smsgate: Smsgate) -> None:
    smsgate("send", NUMBER, "Ciao!")
    (found,) = smsgate("usage", "--group-by", "account", "--json").lines
    assert "local" in [series["account_id"] for series in found["series"]]
    assert smsgate("usage", "--account", "local").code == 0
    assert smsgate("usage", "--account", "no-such-account").code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["--by", "week"],
        ["--group-by", "moon"],
        ["--from", "yesterday"],
        ["--from", "2026-13"],
        ["--by", "day", "--from", "2020", "--to", "2025"],
        ["--from", "2026-02", "--to", "2026-01"],
    ],
)
def test_what_is_wrong_is_a_sentence_and_an_exit_code(
    smsgate: Smsgate, arguments: list[str]
) -> None:
    result = smsgate("usage", *arguments)
    assert result.code == 2
    assert "smsgate: " in result.err
    assert "Traceback" not in result.err


async def test_the_asyncio_client_does_the_same(server: ServerProcess) -> None:
    async with SmsgateClient(server.target) as client:
        found = await client.get_usage(granularity="YEAR")
    assert len(found.series[0].periods) == 5
    assert found.summary


def test_the_help_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert test_cli.run(["usage", "--help"]) == 0
    assert "Examples:" in capfd.readouterr().out
