"""PricingService: what its comments in the contract promise, rpc by rpc."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from tests.acceptance.accounts_setup import READ, SEND, Caller, Operator
from tests.acceptance.conftest import Gateway, StartGateway
from tests.acceptance.reading import Refusal, refused

from smsgate.v1 import account_service_pb2 as accounts
from smsgate.v1 import message_pb2
from smsgate.v1 import message_service_pb2 as messages
from smsgate.v1 import pricing_service_pb2 as pb
from smsgate_server.domain.tariff_csv import HEADER, parse

ITALIAN, SWISS = "+393331234567", "+41781234567"
# Numbers cannot be taken along in Bangladesh: the range decides the operator.
GRAMEENPHONE, ROBI = "+8801712345678", "+8801812345678"
PREPAID, SUBSCRIPTION = accounts.BILLING_MODE_PREPAID, accounts.BILLING_MODE_SUBSCRIPTION
ENFORCE, MONITOR = accounts.POLICY_MODE_ENFORCE, accounts.POLICY_MODE_MONITOR
SUSPENDED = accounts.ACCOUNT_STATE_SUSPENDED
UNKNOWN = message_pb2.PRICE_STATUS_UNKNOWN

TARIFFS = f"""{HEADER}
AT,*,subscription,EUR,0.05,,2030-06-30,operator,old list,
AT,*,subscription,EUR,0.06,2030-07-01,,operator,new list,
AT,*,prepaid,EUR,0.08,,,operator,list,
BD,*,*,EUR,0.02,,,operator,list,
BD,grameenphone,*,EUR,0.03,,,operator,list,
CH,*,*,EUR,0.07,,,operator,list,
CH,salt,*,EUR,0.04,,,operator,list,
"""
ITALY_ONLY: dict[str, Any] = {
    "carriers": [{"name": "north", "type": "simulator"}],
    "routes": [{"name": "italy", "countries": ["IT"], "carriers": ["north"]}],
}


@pytest.fixture
async def operator(gateway: Gateway) -> Operator:
    return await Operator.at(gateway)


@pytest.fixture
async def local(gateway: Gateway) -> Caller:
    """The account `local` of a server that runs open, with TARIFFS."""
    await imported(gateway, TARIFFS)
    return Caller(gateway.channel)


async def imported(gateway: Gateway, text: str) -> None:
    assert (await gateway.app._tariffs.replace(parse(text), dry_run=False)).version is not None


async def prices(caller: Caller, **fields: Any) -> pb.ListPricesResponse:
    answer: pb.ListPricesResponse = await caller.pricing.ListPrices(pb.ListPricesRequest(**fields))
    return answer


async def destinations(caller: Caller, **fields: Any) -> dict[str, pb.Destination]:
    request = pb.ListDestinationsRequest(**fields)
    answer = await caller.pricing.ListDestinations(request)
    assert answer.total_count == len(answer.destinations)
    return {each.country: each for each in answer.destinations}


async def looked_up(caller: Caller, recipient: str, **fields: Any) -> pb.LookupNumberResponse:
    request = pb.LookupNumberRequest(recipient=recipient, **fields)
    answer: pb.LookupNumberResponse = await caller.pricing.LookupNumber(request)
    return answer


async def send_refused(caller: Caller, recipient: str) -> Refusal:
    request = messages.SendMessageRequest(recipient=recipient, text="Ciao!")
    return await refused(caller.messages.SendMessage(request))


def at(year: int, month: int, day: int) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(datetime(year, month, day, tzinfo=UTC))
    return made


def amounts(listed: pb.ListPricesResponse) -> list[tuple[str, str, int]]:
    """In thousandths of a euro."""
    return [
        (row.country, row.network, row.price_per_segment.nanos // 1_000_000)
        for row in listed.prices
    ]


# ListPrices


async def test_prices_are_those_of_the_billing_mode_of_the_account_unless_others_are_named(
    local: Caller,
) -> None:
    own = await prices(local, countries=["AT"])
    assert [row.billing_mode for row in own.prices] == [SUBSCRIPTION]
    prepaid = await prices(local, countries=["AT"], billing_modes=[PREPAID])
    assert amounts(prepaid) == [("AT", "*", 80)]
    both = await prices(local, countries=["AT"], billing_modes=[SUBSCRIPTION, PREPAID])
    assert sorted(row.billing_mode for row in both.prices) == [SUBSCRIPTION, PREPAID]
    refusal = await refused(prices(local, billing_modes=[PREPAID, 9]))  # type: ignore[list-item]
    assert refusal.reasons == {"billing_modes[1]": "INVALID_FIELD"}


async def test_a_row_for_every_billing_mode_is_listed_for_each(local: Caller) -> None:
    for mode in (SUBSCRIPTION, PREPAID):
        listed = await prices(local, countries=["BD"], billing_modes=[mode])
        assert amounts(listed) == [("BD", "*", 20), ("BD", "grameenphone", 30)]
        assert {row.billing_mode for row in listed.prices} == {accounts.BILLING_MODE_UNSPECIFIED}


@pytest.mark.parametrize(
    ("time", "price"),
    [
        (at(2030, 6, 30), 50),
        (Timestamp(seconds=at(2030, 7, 1).seconds - 1, nanos=999_999_999), 50),
        (at(2030, 7, 1), 60),
        (at(2035, 1, 1), 60),
    ],
)
async def test_prices_are_those_in_force_at_the_effective_time(
    local: Caller, time: Timestamp, price: int
) -> None:
    listed = await prices(local, countries=["AT"], effective_time=time)
    assert amounts(listed) == [("AT", "*", price)]


async def test_a_price_says_from_when_and_before_when_it_is_in_force(local: Caller) -> None:
    (old,) = (await prices(local, countries=["AT"], effective_time=at(2030, 1, 1))).prices
    (new,) = (await prices(local, countries=["AT"], effective_time=at(2031, 1, 1))).prices
    assert not old.HasField("valid_from")
    assert old.valid_before == new.valid_from == at(2030, 7, 1)
    assert not new.HasField("valid_before")


async def test_the_time_of_the_tariffs_is_that_of_their_import(gateway: Gateway) -> None:
    caller = Caller(gateway.channel)
    shipped = await prices(caller)
    assert shipped.tariff_version == 1
    assert not shipped.HasField("tariff_time")
    before = gateway.app._clock.now()
    await imported(gateway, TARIFFS)
    after = gateway.app._clock.now()
    listed = await prices(caller)
    assert listed.tariff_version == 2
    assert before <= listed.tariff_time.ToDatetime(UTC) <= after


async def test_a_list_never_mixes_two_versions_of_the_tariffs(
    gateway: Gateway, local: Caller
) -> None:
    page = await prices(local, page_size=1)
    places = await local.pricing.ListDestinations(pb.ListDestinationsRequest(page_size=1))
    assert (await prices(local, page_size=1, page_token=page.next_page_token)).prices
    await imported(gateway, TARIFFS.replace("0.05", "0.055"))
    stale = await refused(prices(local, page_size=1, page_token=page.next_page_token))
    assert stale.code is grpc.StatusCode.INVALID_ARGUMENT
    assert stale.reasons == {"page_token": "INVALID_PAGE_TOKEN"}
    stale = await refused(destinations(local, page_size=1, page_token=places.next_page_token))
    assert stale.reasons == {"page_token": "INVALID_PAGE_TOKEN"}


# ListDestinations


async def allowed_by(operator: Operator, policy: Mapping[str, Any]) -> tuple[Caller, set[str]]:
    """A caller with a policy on countries, and where it may send by its destinations."""
    countries = accounts.CountryPolicy(**policy)
    await operator.account("acme", policy=accounts.AccountPolicy(countries=countries))
    caller = await operator.key("acme", READ, SEND)
    everything = await destinations(caller)
    assert len(everything) == 254
    allowed = {country for country, each in everything.items() if each.allowed}
    chosen = await destinations(caller, allowed_only=True)
    assert chosen.keys() == allowed
    return caller, allowed


async def test_where_a_policy_does_not_let_send_is_not_allowed(operator: Operator) -> None:
    policy = {"allowed_countries": ["IT", "ES", "CH"], "denied_countries": ["ES"]}
    caller, allowed = await allowed_by(operator, policy)
    assert allowed == {"IT", "CH"}
    assert not (await destinations(caller))["ES"].allowed
    assert (await destinations(caller, allowed_only=True, priced_only=True)).keys() == {"IT"}


async def test_a_policy_that_is_only_monitored_lets_send_everywhere(operator: Operator) -> None:
    policy = {"allowed_countries": ["IT"], "denied_countries": ["ES"], "mode": MONITOR}
    caller, allowed = await allowed_by(operator, policy)
    assert len(allowed) == 254
    assert (await looked_up(caller, SWISS)).sendable


# LookupNumber


async def test_a_number_of_a_country_that_is_not_allowed_is_not_sendable(
    operator: Operator,
) -> None:
    caller, _ = await allowed_by(operator, {"allowed_countries": ["IT"], "mode": ENFORCE})
    assert (await looked_up(caller, ITALIAN)).sendable
    found = await looked_up(caller, SWISS)
    refusal = await send_refused(caller, SWISS)
    assert (found.valid, found.sendable) == (True, False)
    assert (found.reason, found.description) == ("COUNTRY_NOT_ALLOWED", refusal.message)
    assert refusal.reason == found.reason


async def test_a_number_that_no_route_leads_to_is_not_sendable(
    start_gateway: StartGateway,
) -> None:
    caller = Caller((await start_gateway(**ITALY_ONLY)).channel)
    assert (await looked_up(caller, ITALIAN)).sendable
    found = await looked_up(caller, SWISS)
    refusal = await send_refused(caller, SWISS)
    assert (found.valid, found.sendable) == (True, False)
    assert (found.reason, found.description) == ("NO_ROUTE", refusal.message)
    assert refusal.reason == found.reason


async def test_a_suspended_account_can_still_ask_which_numbers_are_sendable(
    operator: Operator,
) -> None:
    caller, _ = await allowed_by(operator, {"allowed_countries": ["IT"]})
    await operator.change("acme", state=SUSPENDED)
    assert (await looked_up(caller, ITALIAN)).sendable
    assert (await looked_up(caller, SWISS)).reason == "COUNTRY_NOT_ALLOWED"
    assert (await looked_up(caller, "+39 333 1234567")).reason == "RECIPIENT_NOT_E164"


async def test_a_number_is_shown_as_people_write_it(local: Caller) -> None:
    found = await looked_up(local, ITALIAN)
    assert found.national_format == "333 123 4567"
    assert found.international_format == "+39 333 123 4567"
    wrong = await looked_up(local, "+39 333 1234567")
    assert (wrong.valid, wrong.national_format, wrong.international_format) == (False, "", "")
    assert wrong.suggested_recipient == ITALIAN


async def test_where_numbers_can_be_taken_along_the_highest_price_is_shown_and_not_certain(
    local: Caller,
) -> None:
    found = await looked_up(local, SWISS)
    assert found.portable
    assert (found.operator_hint, found.operator_source) == ("Salt", "numbering-plan")
    assert found.price_per_segment.nanos == 70_000_000
    assert not found.price_exact


@pytest.mark.parametrize(("recipient", "price"), [(GRAMEENPHONE, 30), (ROBI, 20)])
async def test_where_the_range_decides_the_operator_the_price_is_certain(
    local: Caller, recipient: str, price: int
) -> None:
    found = await looked_up(local, recipient)
    assert not found.portable
    assert found.price_per_segment.nanos == price * 1_000_000
    assert found.price_exact


async def test_without_a_price_nothing_is_certain_and_the_billing_mode_asked_for_counts(
    local: Caller,
) -> None:
    unknown = await looked_up(local, ITALIAN)
    assert unknown.price_status == UNKNOWN
    assert not unknown.HasField("price_per_segment")
    assert not unknown.price_exact
    austrian = await looked_up(local, "+436641234567", billing_mode=PREPAID)
    assert austrian.price_per_segment.nanos == 80_000_000
    assert austrian.price_exact
