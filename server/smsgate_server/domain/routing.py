"""Which way a message goes: the routes, and the lane in which it waits for one of their carriers.

A lane is a queue. Messages of one route wait in its lane, so that a carrier that is slow or down
holds up nobody who goes another way.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from smsgate_server.domain.number_facts import operator_of, operator_slug


class Routable(Protocol):
    """What of a message decides about its way."""

    @property
    def account(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def recipient(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...


class Destined(NamedTuple):
    """A message that is not made yet."""

    account: str
    country: str
    recipient: str
    labels: Mapping[str, str]


class Lanes(Protocol):
    """What a store must know of routes."""

    @property
    def names(self) -> Collection[str]: ...

    @property
    def complete(self) -> bool:
        """Whether there is a lane for every message."""
        ...

    def lane_of(self, message: Routable) -> str:
        """Always the same for the same message, until the routes change."""
        ...


@dataclass(frozen=True, slots=True)
class Match:
    """What a message must have for a route: one of each kind that is given, and every label."""

    countries: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    operators: frozenset[str] = frozenset()
    accounts: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)

    def admits(self, message: Routable) -> bool:
        return (
            (not self.countries or message.country in self.countries)
            and (not self.prefixes or message.recipient.startswith(self.prefixes))
            and (not self.accounts or message.account in self.accounts)
            and all(message.labels.get(key) == value for key, value in self.labels.items())
            and (not self.operators or _operator_of(message) in self.operators)
        )


def _operator_of(message: Routable) -> str:
    # By the number's prefix: whoever took a number along to another operator is not known.
    return operator_slug(operator_of(message.recipient))


@dataclass(frozen=True, slots=True)
class Choice:
    """A carrier of a route. Lower priorities go first; of equal ones, each gets its weight."""

    carrier: str
    priority: int = 1
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    choices: tuple[Choice, ...]
    match: Match = Match()


# Where a message waits that no route admits: for nobody.
NO_LANE = ""
# The only lane where nothing is routed.
DEFAULT_LANE = "default"


class Routes:
    """The first route that admits a message is its route."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)
        self._by_name = {route.name: route for route in routes}
        self._complete = any(route.match == Match() for route in routes)

    @property
    def names(self) -> Collection[str]:
        return self._by_name.keys()

    @property
    def complete(self) -> bool:
        return self._complete

    def __getitem__(self, lane: str) -> Route:
        return self._by_name[lane]

    def lane_of(self, message: Routable) -> str:
        """The name of its route; NO_LANE if there is none for it."""
        for route in self._routes:
            if route.match.admits(message):
                return route.name
        return NO_LANE


class _OneLane:
    names = frozenset({DEFAULT_LANE})

    complete = True

    def lane_of(self, message: Routable) -> str:
        return DEFAULT_LANE


# Where nothing is routed.
ONE_LANE: Lanes = _OneLane()
