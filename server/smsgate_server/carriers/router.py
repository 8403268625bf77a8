"""Which carrier gets a message: the first choice of its lane that can take it.

Of a lane's carriers those of the lowest priority number that can be reached take all; the next ones
come in when none of these can, or when the message comes back unsent or refused for now.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack

from smsgate_server.domain.carrier_health import CarrierHealth
from smsgate_server.domain.delivery import OutcomeKind, SubmitOutcome
from smsgate_server.domain.routing import DEFAULT_LANE, Choice, Lanes, Route, Routes
from smsgate_server.services.ports import Carrier, CarrierListener, Claim

_NOBODY = SubmitOutcome(OutcomeKind.NOT_SENT, code="no carrier can be reached")


class Router:
    """The Carriers port. `seed` makes the choice between carriers of one priority repeatable."""

    def __init__(
        self, routes: Sequence[Route], carriers: Sequence[Carrier], seed: int | None = None
    ) -> None:
        self._routes = Routes(routes)
        self._carriers = {carrier.name: carrier for carrier in carriers}
        self._random = random.Random(seed)

    @property
    def lanes(self) -> Lanes:
        return self._routes

    def healths(self) -> Sequence[CarrierHealth]:
        return [carrier.health for carrier in self._carriers.values()]

    async def start(self, listener: CarrierListener) -> None:
        async with AsyncExitStack() as started:
            for carrier in self._carriers.values():
                await carrier.start(listener)
                started.push_async_callback(carrier.stop)
            started.pop_all()

    async def stop(self) -> None:
        await asyncio.gather(*(carrier.stop() for carrier in self._carriers.values()))

    def places(self, lane: str) -> int:
        route = self._routes[lane]
        return sum(carrier.places() for _, carrier in self._first_tier(route))

    async def submit(self, lane: str, claim: Claim) -> tuple[str, SubmitOutcome]:
        name, outcome = "", _NOBODY
        tried: set[str] = set()
        while (carrier := self._next(lane, claim, tried)) is not None:
            tried.add(carrier.name)
            name, outcome = carrier.name, await carrier.submit(claim)
            if not _may_go_elsewhere(outcome):
                break
        return name, outcome

    def _next(self, lane: str, claim: Claim, tried: set[str]) -> Carrier | None:
        if claim.accepted:
            # The rest of a message goes where its beginning went: no handset joins the parts else.
            carrier = self._carriers.get(claim.carrier)
            return None if carrier is None or tried else carrier
        tier = [
            (choice, carrier)
            for choice, carrier in self._able(self._routes[lane])
            if carrier.name not in tried
        ]
        if not tier:
            return None
        best = min(choice.priority for choice, _ in tier)
        return self._draw([each for each in tier if each[0].priority == best])

    def _draw(self, tier: Sequence[tuple[Choice, Carrier]]) -> Carrier:
        if len(tier) == 1:
            return tier[0][1]
        free = [each for each in tier if each[1].places() > 0] or tier
        weights = [choice.weight for choice, _ in free]
        return self._random.choices(free, weights)[0][1]

    def _first_tier(self, route: Route) -> Sequence[tuple[Choice, Carrier]]:
        able = self._able(route)
        best = min((choice.priority for choice, _ in able), default=0)
        return [each for each in able if each[0].priority == best]

    def _able(self, route: Route) -> Sequence[tuple[Choice, Carrier]]:
        pairs = ((choice, self._carriers[choice.carrier]) for choice in route.choices)
        return [(choice, carrier) for choice, carrier in pairs if carrier.able]


def _may_go_elsewhere(outcome: SubmitOutcome) -> bool:
    """Whether the carrier certainly has nothing of the message, and another may take it."""
    if outcome.accepted:
        return False
    return outcome.kind is OutcomeKind.NOT_SENT or outcome.temporary


def one_route(carrier: str) -> Sequence[Route]:
    """Everything to one carrier."""
    return (Route(DEFAULT_LANE, (Choice(carrier),)),)
