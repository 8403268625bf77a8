"""Which carrier gets a message: priorities, weights, fail-over, and when there is none."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from tests.builders import a_message, accepted, not_sent, refused, unknown

from smsgate_server.carriers.router import Router, one_route
from smsgate_server.carriers.simulator import SimulatedCarrier, SimulatorSettings
from smsgate_server.domain.carrier_health import CarrierHealth, Counts
from smsgate_server.domain.delivery import OutcomeKind, Receipt, SubmitOutcome
from smsgate_server.domain.routing import DEFAULT_LANE, NO_LANE, Choice, Match, Route
from smsgate_server.services.clock import SystemClock
from smsgate_server.services.ports import CarrierListener, Claim

_GUARD_SECONDS = 40.0


class FakeCarrier:
    """Answers with the outcomes that it was given, the last one for ever."""

    def __init__(self, name: str, *outcomes: SubmitOutcome, places: int = 10) -> None:
        self.name = name
        self.able = True
        self.free = places
        self.got: list[Claim] = []
        self.listener: CarrierListener | None = None
        self._outcomes = list(outcomes) or [accepted("c1")]

    @property
    def health(self) -> CarrierHealth:
        able = self.able
        return CarrierHealth(self.name, "fake", 1, 1, able, 10, 0, 1.0, "", Counts())

    async def start(self, listener: CarrierListener) -> None:
        self.listener = listener

    def places(self) -> int:
        return self.free if self.able else 0

    async def submit(self, claim: Claim) -> SubmitOutcome:
        self.got.append(claim)
        if not self.able:
            return not_sent("not bound")
        return self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]

    async def stop(self) -> None:
        self.listener = None


class Deaf:
    """A listener whom nobody tells anything."""

    async def receipts(self, receipts: Sequence[Receipt]) -> None:
        raise AssertionError

    def late_answer(self, carrier: str, claim: Claim, outcome: SubmitOutcome) -> None:
        raise AssertionError

    def room(self) -> None:
        raise AssertionError


def _route(*choices: Choice | str, name: str = DEFAULT_LANE) -> Route:
    """Names are in order of preference."""
    numbered = enumerate(choices, start=1)
    return Route(name, tuple(Choice(c, n) if isinstance(c, str) else c for n, c in numbered))


def _router(*carriers: FakeCarrier, seed: int = 1) -> Router:
    """To all of them, in order of preference."""
    return Router([_route(*(carrier.name for carrier in carriers))], carriers, seed)


def _claim(**parts: object) -> Claim:
    return Claim(a_message(), 1, **parts)  # type: ignore[arg-type]


def _partial(kind: OutcomeKind, temporary: bool = False) -> SubmitOutcome:
    """The first of two parts was taken; this is what happened to the other."""
    return SubmitOutcome(kind, ("c1", ""), temporary=temporary, accepted=0b01, reference=7)


# Priorities


async def test_the_first_choice_gets_the_message() -> None:
    first, second = FakeCarrier("first"), FakeCarrier("second")
    claim = _claim()
    outcome = await _router(first, second).submit(DEFAULT_LANE, claim)
    assert outcome == ("first", accepted("c1"))
    assert (first.got, second.got) == ([claim], [])


async def test_lower_numbers_come_first_however_they_are_written() -> None:
    carriers = [FakeCarrier(name) for name in "abc"]
    route = _route(Choice("a", 30), Choice("b", 10), Choice("c", 20))
    router = Router([route], carriers)
    carriers[1].able = False
    assert (await router.submit(DEFAULT_LANE, _claim()))[0] == "c"


async def test_a_carrier_that_is_down_is_not_asked() -> None:
    first, second = FakeCarrier("first"), FakeCarrier("second")
    first.able = False
    assert (await _router(first, second).submit(DEFAULT_LANE, _claim()))[0] == "second"
    assert first.got == []


async def test_a_carrier_that_is_up_again_gets_messages_again() -> None:
    first, second = FakeCarrier("first"), FakeCarrier("second")
    router = _router(first, second)
    names = []
    for able in (True, False, True):
        first.able = able
        names.append((await router.submit(DEFAULT_LANE, _claim()))[0])
    assert names == ["first", "second", "first"]


async def test_a_route_keeps_to_its_carriers() -> None:
    carriers = [FakeCarrier(name) for name in "ab"]
    routes = [_route("a", name="one"), _route("b", name="two")]
    router = Router(routes, carriers)
    assert (await router.submit("two", _claim()))[0] == "b"
    carriers[1].able = False
    assert (await router.submit("two", _claim()))[1].kind is OutcomeKind.NOT_SENT
    assert carriers[0].got == []


# Fail-over


@pytest.mark.parametrize(
    "outcome",
    [not_sent("not bound"), refused("0x00000058", temporary=True)],
    ids=["not sent", "refused for now"],
)
async def test_what_certainly_was_not_taken_goes_to_the_next_carrier(
    outcome: SubmitOutcome,
) -> None:
    first, second = FakeCarrier("first", outcome), FakeCarrier("second")
    claim = _claim()
    result = await _router(first, second).submit(DEFAULT_LANE, claim)
    assert result == ("second", accepted("c1"))
    assert first.got == second.got == [claim]


@pytest.mark.parametrize(
    "outcome",
    [
        accepted("c1"),
        refused(),
        unknown(),
        replace(unknown(), hold=True),
        _partial(OutcomeKind.REFUSED),
        _partial(OutcomeKind.REFUSED, temporary=True),
        _partial(OutcomeKind.NOT_SENT),
        _partial(OutcomeKind.UNKNOWN),
    ],
    ids=[
        "accepted",
        "refused for good",
        "unknown",
        "unknown and held",
        "a part refused for good",
        "a part refused for now",
        "a part not sent",
        "a part unknown",
    ],
)
async def test_what_a_carrier_has_or_may_have_goes_to_no_other(outcome: SubmitOutcome) -> None:
    first, second = FakeCarrier("first", outcome), FakeCarrier("second")
    assert await _router(first, second).submit(DEFAULT_LANE, _claim()) == ("first", outcome)
    assert second.got == []


async def test_after_a_fail_over_an_unknown_outcome_is_the_end_too() -> None:
    busy, lost = refused(temporary=True), unknown()
    carriers = [FakeCarrier("a", busy), FakeCarrier("b", lost), FakeCarrier("c")]
    assert await _router(*carriers).submit(DEFAULT_LANE, _claim()) == ("b", lost)
    assert carriers[2].got == []


async def test_each_carrier_is_asked_once_and_the_last_word_counts() -> None:
    busy = refused("0x00000014", temporary=True)
    carriers = [FakeCarrier("a", not_sent()), FakeCarrier("b", busy), FakeCarrier("c", busy)]
    claim = _claim()
    assert await _router(*carriers).submit(DEFAULT_LANE, claim) == ("c", busy)
    assert [carrier.got for carrier in carriers] == [[claim]] * 3


async def test_a_carrier_that_comes_up_meanwhile_is_asked() -> None:
    second = FakeCarrier("second")
    second.able = False

    class Waking(FakeCarrier):
        async def submit(self, claim: Claim) -> SubmitOutcome:
            second.able = True
            return not_sent()

    assert (await _router(Waking("first"), second).submit(DEFAULT_LANE, _claim()))[0] == "second"


async def test_of_one_priority_the_other_takes_what_one_cannot() -> None:
    busy = refused(temporary=True)
    carriers = [FakeCarrier("a", busy), FakeCarrier("b")]
    router = Router([_route(Choice("a", weight=1_000), Choice("b"))], carriers, seed=3)
    for _ in range(20):
        assert (await router.submit(DEFAULT_LANE, _claim()))[0] == "b"
    assert carriers[0].got


async def test_without_a_carrier_that_is_up_nothing_is_sent() -> None:
    carriers = [FakeCarrier("a"), FakeCarrier("b")]
    for carrier in carriers:
        carrier.able = False
    name, outcome = await _router(*carriers).submit(DEFAULT_LANE, _claim())
    assert (name, outcome.kind) == ("", OutcomeKind.NOT_SENT)
    assert [carrier.got for carrier in carriers] == [[], []]


# The rest of a message


async def test_the_rest_of_a_message_goes_to_the_carrier_that_has_its_beginning() -> None:
    carriers = [FakeCarrier("a"), FakeCarrier("b")]
    claim = _claim(accepted=0b01, reference=7, carrier="b")
    assert (await _router(*carriers).submit(DEFAULT_LANE, claim))[0] == "b"
    assert (carriers[0].got, carriers[1].got) == ([], [claim])


@pytest.mark.parametrize("outcome", [not_sent(), refused(temporary=True), refused(), unknown()])
async def test_the_rest_of_a_message_goes_to_no_other_carrier(outcome: SubmitOutcome) -> None:
    carriers = [FakeCarrier("a"), FakeCarrier("b", outcome)]
    claim = _claim(accepted=0b01, reference=7, carrier="b")
    assert await _router(*carriers).submit(DEFAULT_LANE, claim) == ("b", outcome)
    assert carriers[0].got == []


async def test_the_rest_of_a_message_waits_while_its_carrier_is_down() -> None:
    carriers = [FakeCarrier("a"), FakeCarrier("b")]
    carriers[1].able = False
    claim = _claim(accepted=0b01, reference=7, carrier="b")
    name, outcome = await _router(*carriers).submit(DEFAULT_LANE, claim)
    assert (name, outcome.kind, carriers[0].got) == ("b", OutcomeKind.NOT_SENT, [])


async def test_the_rest_of_a_message_goes_nowhere_once_its_carrier_is_gone() -> None:
    carrier = FakeCarrier("a")
    claim = _claim(accepted=0b01, reference=7, carrier="gone")
    name, outcome = await _router(carrier).submit(DEFAULT_LANE, claim)
    assert (name, outcome.kind, carrier.got) == ("", OutcomeKind.NOT_SENT, [])


async def test_the_rest_of_a_message_goes_to_its_carrier_though_the_route_left_it() -> None:
    carriers = [FakeCarrier("a"), FakeCarrier("b")]
    router = Router([_route("a")], carriers)
    claim = _claim(accepted=0b01, reference=7, carrier="b")
    assert (await router.submit(DEFAULT_LANE, claim))[0] == "b"


# Weights


async def _shares(seed: int, *choices: Choice, count: int = 4_000) -> Tally[str]:
    router = Router([_route(*choices)], [FakeCarrier(c.carrier) for c in choices], seed)
    names = [(await router.submit(DEFAULT_LANE, _claim()))[0] for _ in range(count)]
    return Tally(names)


async def test_of_one_priority_each_gets_its_weight() -> None:
    shares = await _shares(1, Choice("a", weight=1), Choice("b", weight=3), Choice("c", 2))
    assert set(shares) == {"a", "b"}
    assert shares["a"] / shares.total() == pytest.approx(1 / 4, abs=0.03)


async def test_without_weights_all_get_the_same() -> None:
    shares = await _shares(2, Choice("a"), Choice("b"), Choice("c"))
    for name in "abc":
        assert shares[name] / shares.total() == pytest.approx(1 / 3, abs=0.03)


async def test_the_same_seed_makes_the_same_choices() -> None:
    async def names(seed: int) -> list[str]:
        carriers = [FakeCarrier("a"), FakeCarrier("b")]
        router = Router([_route(Choice("a"), Choice("b"))], carriers, seed)
        return [(await router.submit(DEFAULT_LANE, _claim()))[0] for _ in range(50)]

    assert await names(7) == await names(7)
    assert await names(7) != await names(8)


async def test_who_has_no_place_gets_nothing_while_another_of_its_priority_has() -> None:
    carriers = [FakeCarrier("a", places=0), FakeCarrier("b")]
    router = Router([_route(Choice("a", weight=1_000), Choice("b"))], carriers, seed=1)
    names = [(await router.submit(DEFAULT_LANE, _claim()))[0] for _ in range(50)]
    assert set(names) == {"b"}


async def test_who_has_no_place_keeps_its_message_from_the_next_priority() -> None:
    carriers = [FakeCarrier("a", places=0), FakeCarrier("b")]
    assert (await _router(*carriers).submit(DEFAULT_LANE, _claim()))[0] == "a"


# Places


def test_a_lane_has_the_places_of_its_first_priority() -> None:
    carriers = [FakeCarrier("a", places=3), FakeCarrier("b", places=4), FakeCarrier("c", places=5)]
    router = Router([_route(Choice("a"), Choice("b"), Choice("c", 2))], carriers)
    assert router.places(DEFAULT_LANE) == 7
    carriers[0].able = False
    assert router.places(DEFAULT_LANE) == 4
    carriers[1].able = False
    assert router.places(DEFAULT_LANE) == 5
    carriers[2].able = False
    assert router.places(DEFAULT_LANE) == 0


def test_a_full_carrier_does_not_open_the_next_priority() -> None:
    carriers = [FakeCarrier("a", places=0), FakeCarrier("b")]
    assert _router(*carriers).places(DEFAULT_LANE) == 0


def test_a_full_lane_takes_no_place_from_another() -> None:
    carriers = [FakeCarrier("a", places=0), FakeCarrier("b", places=4)]
    router = Router([_route("a", name="one"), _route("b", name="two")], carriers)
    assert (router.places("one"), router.places("two")) == (0, 4)


# The whole


def test_its_lanes_are_those_of_the_routes() -> None:
    routes = [Route("italy", (Choice("a"),), Match(countries=frozenset({"IT"})))]
    router = Router(routes, [FakeCarrier("a")])
    assert list(router.lanes.names) == ["italy"]
    assert not router.lanes.complete
    assert router.lanes.lane_of(a_message(country="IT")) == "italy"
    assert router.lanes.lane_of(a_message(country="AT")) == NO_LANE


async def test_all_carriers_are_started_stopped_and_asked_how_they_do() -> None:
    carriers = [FakeCarrier("a"), FakeCarrier("b")]
    carriers[1].able = False
    router, listener = _router(*carriers), Deaf()
    await router.start(listener)
    assert [carrier.listener for carrier in carriers] == [listener, listener]
    assert [(health.name, health.able) for health in router.healths()] == [
        ("a", True),
        ("b", False),
    ]
    await router.stop()
    assert [carrier.listener for carrier in carriers] == [None, None]


async def test_they_are_stopped_together() -> None:
    """Each may wait for its last answers, and the waits must not add up."""
    barrier = asyncio.Barrier(2)

    class Slow(FakeCarrier):
        async def stop(self) -> None:
            await barrier.wait()

    async with asyncio.timeout(_GUARD_SECONDS):
        await _router(Slow("a"), Slow("b")).stop()


def test_everything_can_go_to_one_carrier() -> None:
    router = Router(one_route("a"), [FakeCarrier("a", places=3)])
    assert router.lanes.complete
    assert list(router.lanes.names) == [DEFAULT_LANE]
    assert router.places(DEFAULT_LANE) == 3


# With simulated carriers


class Inbox(Deaf):
    """Keeps the receipts that come; `arrived` is set by each."""

    def __init__(self) -> None:
        self.kept: list[Receipt] = []
        self.arrived = asyncio.Event()

    async def receipts(self, receipts: Sequence[Receipt]) -> None:
        self.kept += receipts
        self.arrived.set()


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Router, list[SimulatedCarrier], Inbox]]:
    """Two simulated carriers, the second one for when the first cannot."""
    settings = SimulatorSettings(submit_latency=0, receipt_latency=0.001, window=2)
    carriers = [SimulatedCarrier(settings, SystemClock(), name) for name in ("first", "second")]
    router = Router([_route("first", "second")], carriers)
    inbox = Inbox()
    await router.start(inbox)
    yield router, carriers, inbox
    await router.stop()


Pair = tuple[Router, list[SimulatedCarrier], Inbox]


async def test_receipts_come_from_the_carrier_that_took_the_message(pair: Pair) -> None:
    router, carriers, inbox = pair
    await carriers[0].stop()
    name, outcome = await router.submit(DEFAULT_LANE, _claim())
    assert (name, outcome.kind) == ("second", OutcomeKind.ACCEPTED)
    async with asyncio.timeout(_GUARD_SECONDS):
        await inbox.arrived.wait()
    assert [(r.carrier, r.carrier_id) for r in inbox.kept] == [("second", *outcome.carrier_ids)]


async def test_a_message_that_nobody_takes_now_was_refused_by_each(pair: Pair) -> None:
    router, carriers, _ = pair
    claim = Claim(a_message(recipient="+393331234917"), 1)
    name, outcome = await router.submit(DEFAULT_LANE, claim)
    assert (name, outcome.kind, outcome.temporary) == ("second", OutcomeKind.REFUSED, True)
    assert [c.health.counts.submits for c in carriers] == [1, 1]


async def test_a_number_that_does_not_exist_is_refused_once(pair: Pair) -> None:
    router, carriers, _ = pair
    claim = Claim(a_message(recipient="+393331234903"), 1)
    name, outcome = await router.submit(DEFAULT_LANE, claim)
    assert (name, outcome.kind, outcome.temporary) == ("first", OutcomeKind.REFUSED, False)
    assert carriers[1].health.counts.submits == 0


async def test_a_lost_answer_is_lost_though_there_is_another_carrier(pair: Pair) -> None:
    router, carriers, _ = pair
    claim = Claim(a_message(recipient="+393331234912"), 1)
    assert (await router.submit(DEFAULT_LANE, claim))[1].kind is OutcomeKind.UNKNOWN
    assert carriers[1].health.counts.submits == 0


async def test_places_are_those_of_the_carrier_that_is_up(pair: Pair) -> None:
    router, carriers, _ = pair
    assert router.places(DEFAULT_LANE) == 2
    await carriers[0].stop()
    assert router.places(DEFAULT_LANE) == 2
    await carriers[1].stop()
    assert router.places(DEFAULT_LANE) == 0
