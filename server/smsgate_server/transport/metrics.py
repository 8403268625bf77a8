"""What Prometheus sees of the calls, and of the carriers."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client import Counter as CounterOf
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from smsgate_server.domain.carrier_health import CarrierHealth

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class MethodCounts:
    """The successful calls of one method. Plain numbers that are read when somebody asks: a counter
    and a histogram of the library take a lock each, and cost every call what a look-up costs.
    """

    __slots__ = ("answered", "buckets", "seconds")

    def __init__(self) -> None:
        self.answered = 0
        self.seconds = 0.0
        # By the smallest bound that the time is not above; the last is for all above the largest.
        self.buckets = [0] * (len(_SECONDS) + 1)

    def took(self, seconds: float) -> None:
        self.answered += 1
        self.seconds += seconds
        self.buckets[bisect_left(_SECONDS, seconds)] += 1


class _CallMetrics(Collector):
    def __init__(self) -> None:
        self.methods: dict[str, MethodCounts] = {}
        self.refused: Counter[tuple[str, str, str]] = Counter()

    def collect(self) -> Iterable[Metric]:
        labels = ("method", "code", "reason")
        calls = CounterMetricFamily("smsgate_calls", "Calls by method and code.", None, labels)
        meaning = "Time to answer a successful unary call."
        times = HistogramMetricFamily("smsgate_call_seconds", meaning, labels=("method",))
        for method, counts in list(self.methods.items()):
            calls.add_metric((method, "OK", ""), counts.answered)
            times.add_metric((method,), _cumulative(counts.buckets), counts.seconds)
        for key, count in list(self.refused.items()):
            calls.add_metric(key, count)
        yield calls
        yield times


def _cumulative(buckets: Sequence[int]) -> list[tuple[str, float]]:
    bounds = (*map(floatToGoString, _SECONDS), "+Inf")
    return list(zip(bounds, map(float, accumulate(buckets)), strict=True))


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = _CallMetrics()
        registry.register(self._calls)
        self._noted = CounterOf(
            "smsgate_would_be_refused",
            "What policies in monitor mode would have refused, by account and reason.",
            ("account", "reason"),
            registry=registry,
        )
        self.open_streams = Gauge("smsgate_open_streams", "Open streams.", registry=registry)

    def call(self, method: str) -> MethodCounts:
        """Where the successful calls of a method are counted."""
        return self._calls.methods.setdefault(method, MethodCounts())

    def refused(self, method: str, code: str, reason: str) -> None:
        self._calls.refused[method, code, reason] += 1

    def noted(self, account: str, reason: str) -> None:
        """Count what a policy in monitor mode would have refused."""
        self._noted.labels(account, reason).inc()


class CarrierMetrics(Collector):
    """Read from the carriers whenever they are asked for, so that counting costs them nothing."""

    def __init__(self, healths: Callable[[], Sequence[CarrierHealth]]) -> None:
        self._healths = healths

    def collect(self) -> Iterable[Metric]:
        healths = self._healths()
        yield _gauge("up", "1 while messages can be submitted.", healths, lambda h: h.able)
        yield _gauge("binds", "Binds that are wanted.", healths, lambda h: h.binds)
        yield _gauge("binds_up", "Binds that are up.", healths, lambda h: h.binds_up)
        yield _gauge("window", "Submits that may be under way.", healths, lambda h: h.window)
        yield _gauge("under_way", "Submits under way.", healths, lambda h: h.under_way)
        yield _gauge("rate", "Submits a second that are allowed.", healths, lambda h: h.rate)
        outcomes = CounterMetricFamily(
            "smsgate_carrier_submits", "Messages by how the submit ended.", None, _OUTCOME
        )
        for health in healths:
            for kind, count in health.counts.outcomes.items():
                outcomes.add_metric((health.name, kind.name), count)
        yield outcomes
        for name, meaning in _COUNTS.items():
            family = CounterMetricFamily(f"smsgate_carrier_{name}", meaning, None, _CARRIER)
            for health in healths:
                family.add_metric((health.name,), getattr(health.counts, name))
            yield family


_CARRIER = ("carrier",)
_OUTCOME = ("carrier", "outcome")
_COUNTS = {
    "throttled": "Submits that the carrier refused for speed.",
    "late_answers": "Answers to submits that were given up.",
    "receipts": "Receipts that came.",
    "receipts_refused": "Receipts that could not be stored, for the carrier to send again.",
    "unwanted": "Messages from handsets, which are acknowledged and dropped.",
    "strays": "PDUs that nobody could make sense of.",
}


def _gauge(
    name: str,
    meaning: str,
    healths: Sequence[CarrierHealth],
    read: Callable[[CarrierHealth], float],
) -> Metric:
    family = GaugeMetricFamily(f"smsgate_carrier_{name}", meaning, None, _CARRIER)
    for health in healths:
        family.add_metric((health.name,), read(health))
    return family
