"""What every figure needs: where to work, for how long, and how to alternate."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import h2load, samples
from benchmarks.load import Measured, Orders
from benchmarks.processes import Server, module, run_json, text_of
from benchmarks.report import Figure


@dataclass
class Bench:
    folder: Path
    short: bool
    messages: int
    use_h2load: bool = True
    _names: list[str] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        return 2 if self.short else 7

    @property
    def seconds(self) -> float:
        return 0.5 if self.short else 4.0

    @property
    def driver(self) -> str:
        return "h2load" if self.use_h2load and h2load.PROGRAM else "python"

    def name(self, base: str) -> str:
        """A name for a store of its own."""
        self._names.append(base)
        return f"{base}{len(self._names)}"

    def orders(
        self,
        server: Server,
        method: str,
        bodies: Sequence[bytes],
        in_flight: int = 32,
        seconds: float = 0,
        rate: float = 0,
    ) -> Orders:
        return Orders(
            target=server.target,
            path=samples.SERVICE + method,
            bodies=[text_of(body) for body in bodies],
            pid=server.pid,
            in_flight=in_flight,
            # A few clients, each with several calls under way.
            connections=min(in_flight, 8 if in_flight > 32 else 4),
            seconds=seconds or self.seconds,
            rate=rate,
            warm_up=0.15 if self.short else 0.5,
        )

    def load(self, orders: Orders) -> Measured:
        """Closed-loop load; by h2load where one fixed body is enough."""
        if self.driver == "h2load" and len(orders.bodies) == 1 and not orders.rate:
            return checked(h2load.run(orders, self.folder))
        return self.load_python(orders)

    def load_python(self, orders: Orders) -> Measured:
        given = orders.__dict__
        result = run_json(module("load"), given, orders.seconds + 60)
        return checked(Measured(**result))


def checked(measured: Measured) -> Measured:
    if measured.failed or not measured.calls:
        raise RuntimeError(f"{measured.failed} calls failed, {measured.calls} were answered")
    return measured


def alternate(rounds: int, arms: Mapping[str, Callable[[], Measured]]) -> dict[str, list[Measured]]:
    """Every arm once per round, so that what disturbs the machine disturbs all of them; in turned
    order every other round, so that none always comes after the same one.
    """
    results: dict[str, list[Measured]] = {name: [] for name in arms}
    for turn in range(rounds):
        names = list(arms) if turn % 2 == 0 else list(reversed(arms))
        for name in names:
            results[name].append(arms[name]())
    return results


def median(results: Sequence[Measured], name: str) -> float:
    return statistics.median(float(getattr(result, name)) for result in results)


def ratio(above: Sequence[Measured], below: Sequence[Measured], name: str) -> float:
    """The median of the rounds' ratios."""
    pairs = zip(above, below, strict=True)
    return statistics.median(float(getattr(a, name) / getattr(b, name)) for a, b in pairs)


def calls_a_second(
    name: str, measured: Sequence[Measured], limit: Sequence[Measured], **rest: Any
) -> Figure:
    """Calls a second beside those of what is measured with it; `rest` are other fields."""
    return Figure(
        name,
        median(measured, "per_second"),
        "req/s",
        limit=median(limit, "per_second"),
        ratio=ratio(measured, limit, "per_second"),
        **rest,
    )
