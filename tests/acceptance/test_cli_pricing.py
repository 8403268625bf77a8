"""`smsgate prices`, `destinations` and `lookup` against a real server."""

import re
from decimal import Decimal

import pytest
from tests.acceptance import test_cli
from tests.acceptance.server_process import ServerProcess
from tests.acceptance.test_cli import NUMBER, Smsgate

from smsgate_client import BlockingClient, SmsgateClient

smsgate, server = test_cli.smsgate, test_cli.server


def test_prices_are_json_lines_in_a_pipe(smsgate: Smsgate) -> None:
    listed = smsgate("prices", "--country", "IT")
    assert listed.code == 0
    assert listed.lines
    for price in listed.lines:
        assert price["country"] == "IT"
        assert Decimal(price["price_per_segment"]["amount"]) > 0
        assert re.fullmatch("[A-Z]{3}", price["price_per_segment"]["currency"])


def test_prices_are_a_table_for_people(smsgate: Smsgate) -> None:
    table = smsgate("--output", "text", "prices", "--country", "IT")
    assert table.code == 0
    assert table.out.splitlines()[0].split()[:2] == ["country", "name"]
    assert "Italy" in table.out
    assert "tariffs version" in table.out.splitlines()[-1]


def test_all_pages_of_the_prices_are_listed(smsgate: Smsgate, server: ServerProcess) -> None:
    with BlockingClient(server.target) as client:
        whole = [price.country for price in client.list_prices(page_size=1_000)]
        assert [price.country for price in client.list_prices(page_size=7)] == whole
    assert [line["country"] for line in smsgate("prices").lines] == whole


def test_every_destination_is_listed_with_its_price_or_without_one(smsgate: Smsgate) -> None:
    listed = smsgate("destinations")
    assert listed.code == 0
    unknown = [each for each in listed.lines if each["price_status"] == "UNKNOWN"]
    assert all("max_price_per_segment" not in each for each in unknown)
    summary = f"{len(listed.lines)} destinations, {len(listed.lines) - len(unknown)} with a price"
    assert summary in listed.err
    assert f"{len(unknown)} without a known price" in listed.err


def test_destinations_are_chosen(smsgate: Smsgate) -> None:
    everything = len(smsgate("destinations").lines)
    mobile = smsgate("destinations", "--mobile-only").lines
    assert 0 < len(mobile) < everything
    assert all(each["has_mobile_numbers"] for each in mobile)
    priced = smsgate("destinations", "--priced-only").lines
    assert all(each["price_status"] != "UNKNOWN" for each in priced)
    allowed = smsgate("destinations", "--allowed-only").lines
    assert len(allowed) == everything


def test_destinations_are_a_table_for_people_with_the_counts_last(smsgate: Smsgate) -> None:
    table = smsgate("--output", "text", "destinations").out.splitlines()
    assert any("Italy" in line and "EUR" in line for line in table)
    assert "without a known price" in table[-1]


def test_a_number_is_looked_up(smsgate: Smsgate) -> None:
    found = smsgate("--output", "text", "lookup", NUMBER)
    assert found.code == 0
    assert f"number: {NUMBER}" in found.out
    assert "sendable: yes" in found.out
    assert "kind: mobile" in found.out
    assert "country: Italy (IT, +39)" in found.out
    assert "EUR a segment" in found.out


def test_a_number_that_cannot_be_sent_to_says_why_and_what_was_meant(smsgate: Smsgate) -> None:
    found = smsgate("--output", "text", "lookup", "+39 333 1234567")
    assert found.code == 1
    assert "sendable: no: " in found.out
    assert "(RECIPIENT_NOT_E164)" in found.out
    assert f"did you mean: {NUMBER}" in found.out


def test_several_numbers_are_a_json_line_each(smsgate: Smsgate) -> None:
    found = smsgate("lookup", NUMBER, "+390612345678", "nonsense")
    assert found.code == 1
    assert [each.get("sendable", False) for each in found.lines] == [True, False, False]
    assert found.lines[1]["reason"] == "RECIPIENT_CANNOT_RECEIVE_SMS"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["lookup"], 2),
        (["lookup", ""], 2),
        (["lookup", NUMBER, "--billing", "barter"], 2),
        (["prices", "--at", "soon"], 2),
        (["destinations", "--billing", "barter"], 2),
    ],
)
def test_what_is_wrong_is_a_sentence_and_an_exit_code(
    smsgate: Smsgate, arguments: list[str], code: int
) -> None:
    result = smsgate(*arguments)
    assert result.code == code
    assert "smsgate: " in result.err
    assert "Traceback" not in result.err


async def test_the_asyncio_client_does_the_same(server: ServerProcess) -> None:
    async with SmsgateClient(server.target) as client:
        prices = [price async for price in client.list_prices(countries=["IT"])]
        destinations = [each async for each in client.list_destinations(page_size=100)]
        page = await client.list_destinations_page()
        found = await client.lookup_number(NUMBER)
    assert prices
    assert {price.country for price in prices} == {"IT"}
    assert len(destinations) == page.total_count
    assert found.sendable


def test_the_help_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    for command in ("prices", "destinations", "lookup"):
        assert test_cli.run([command, "--help"]) == 0
        assert "Examples:" in capfd.readouterr().out
