"""Which route a message takes, and in which lane it waits."""

from typing import Any

import pytest
from tests.builders import a_message

from smsgate_server.domain.routing import (
    DEFAULT_LANE,
    NO_LANE,
    ONE_LANE,
    Choice,
    Destined,
    Match,
    Route,
    Routes,
)

ITALIAN = "+393331234567"


def _countries(*codes: str) -> Match:
    return Match(countries=frozenset(codes))


def _italian(**overrides: Any) -> Destined:
    values: dict[str, Any] = {
        "account": "acme",
        "country": "IT",
        "recipient": ITALIAN,
        "labels": {"team": "billing", "kind": "alert"},
    }
    return Destined(**(values | overrides))


def _route(name: str, match: Match | None = None) -> Route:
    return Route(name, (Choice("a"),), match or Match())


@pytest.mark.parametrize(
    "match",
    [
        Match(),
        _countries("IT"),
        _countries("AT", "IT"),
        Match(prefixes=("+39",)),
        Match(prefixes=("+43", "+39333")),
        Match(prefixes=(ITALIAN,)),
        Match(accounts=frozenset({"acme"})),
        Match(accounts=frozenset({"other", "acme"})),
        Match(labels={"team": "billing"}),
        Match(labels={"team": "billing", "kind": "alert"}),
        Match(
            countries=frozenset({"IT"}),
            prefixes=("+39",),
            accounts=frozenset({"acme"}),
            labels={"kind": "alert"},
        ),
    ],
)
def test_a_message_that_has_one_of_each_kind_that_is_given_is_admitted(match: Match) -> None:
    assert match.admits(_italian())


@pytest.mark.parametrize(
    "match",
    [
        _countries("AT"),
        _countries("it"),
        Match(prefixes=("+43",)),
        Match(prefixes=("+3933312345678",)),
        Match(prefixes=("39",)),
        Match(accounts=frozenset({"other"})),
        Match(labels={"team": "sales"}),
        Match(labels={"region": "south"}),
        Match(labels={"region": ""}),
        Match(labels={"team": "billing", "region": "south"}),
        # All but one kind agree.
        Match(countries=frozenset({"IT"}), prefixes=("+43",)),
        Match(countries=frozenset({"IT"}), accounts=frozenset({"other"})),
        Match(countries=frozenset({"IT"}), labels={"team": "sales"}),
        Match(countries=frozenset({"IT"}), operators=frozenset({"no-such-operator"})),
    ],
)
def test_a_message_that_lacks_one_kind_is_not(match: Match) -> None:
    assert not match.admits(_italian())


def test_the_operator_is_that_of_the_numbers_range() -> None:
    tim = Match(operators=frozenset({"tim"}))
    vodafone = Match(operators=frozenset({"wind-tre", "vodafone"}))
    assert tim.admits(_italian(recipient=ITALIAN))
    assert not vodafone.admits(_italian(recipient=ITALIAN))
    assert vodafone.admits(_italian(recipient="+393401234567"))


def test_a_number_of_no_known_operator_is_that_of_none() -> None:
    assert not Match(operators=frozenset({"tim"})).admits(_italian(recipient="+390612345678"))


def test_a_stored_message_is_routed_as_one_that_is_not_made_yet() -> None:
    routes = Routes([_route("team", Match(labels={"team": "billing"})), _route("rest")])
    for labels in ({"team": "billing"}, {"team": "sales"}, {}):
        stored = a_message(labels=labels)
        way = Destined(stored.account, stored.country, stored.recipient, labels)
        assert routes.lane_of(stored) == routes.lane_of(way)


def test_the_first_route_that_admits_a_message_is_its_route() -> None:
    routes = Routes(
        [
            _route("alerts", Match(labels={"kind": "alert"})),
            _route("italy", _countries("IT")),
            _route("rest"),
            _route("never", _countries("AT")),
        ]
    )
    assert routes.lane_of(_italian()) == "alerts"
    assert routes.lane_of(_italian(labels={})) == "italy"
    assert routes.lane_of(_italian(labels={}, country="AT")) == "rest"


def test_a_message_that_no_route_admits_has_no_lane() -> None:
    routes = Routes([_route("austria", _countries("AT"))])
    assert routes.lane_of(_italian()) == NO_LANE
    assert NO_LANE not in routes.names


def test_there_is_a_lane_for_every_message_if_a_route_wants_nothing() -> None:
    italy = _route("italy", _countries("IT"))
    assert Routes([italy, _route("rest")]).complete
    assert Routes([_route("rest"), italy]).complete
    assert not Routes([italy]).complete
    assert not Routes([_route("labelled", Match(labels={"a": "b"}))]).complete
    assert not Routes([]).complete


def test_routes_are_known_by_name_in_their_order() -> None:
    routes = Routes([_route("b"), _route("a"), _route("c")])
    assert list(routes.names) == ["b", "a", "c"]
    assert routes["a"].name == "a"
    with pytest.raises(KeyError):
        routes["d"]


def test_where_nothing_is_routed_all_wait_in_one_lane() -> None:
    assert ONE_LANE.complete
    assert set(ONE_LANE.names) == {DEFAULT_LANE}
    assert ONE_LANE.lane_of(_italian()) == ONE_LANE.lane_of(a_message()) == DEFAULT_LANE
